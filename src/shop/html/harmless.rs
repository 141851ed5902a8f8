//! Checks that a text that the shop prints as HTML has no active content.
//!
//! html5ever's tokenizer reads the text as a browser does, and each tag is compared with an allowlist
//! (`allowlist.rs`). The tags are checked and not the DOM tree, because the tree depends on where the text is
//! printed: a browser ignores `<body onload=…>` inside a page, but not at its beginning. A tree has no element and
//! no attribute that is in no tag, and no allowed element changes how the following text is tokenized (as
//! `<title>`, `<svg>`, `<noscript>` and `<plaintext>` do). So the tags are the same wherever the shop prints the
//! text.

use std::cell::Cell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, Token, TokenSink, TokenSinkResult, Tokenizer};

use super::allowlist;

/// A tag that no text may hold. It is read after the text: if it is not recognised as a tag, the text has left a
/// tag, an attribute or a comment open, which would swallow a part of the page after it.
const END_MARKER: &str = "<guichet-end>";
/// Bytes that are tokenized at a time, so that a refused text is not read to its end.
const CHUNK_BYTES: usize = 256;
/// Maximum number of characters in one tag that can separate attributes. The tokenizer compares each attribute with all
/// before it, so the time grows with the square. An inline image (`data:`) has about a thousand `/`.
const MAX_SEPARATORS: usize = 2000;

/// Whether all tags of a text are allowed, and the text leaves nothing open.
pub fn is_harmless(text: &str) -> bool {
    is_harmless_part(text, false)
}

fn is_harmless_part(text: &str, is_comment: bool) -> bool {
    let tokenizer = Tokenizer::new(TagChecker { is_comment, ..TagChecker::default() }, Default::default());
    let checker = &tokenizer.sink;
    read(&tokenizer, text) && !checker.ended.get() && read(&tokenizer, END_MARKER) && checker.ended.get()
}

/// Tokenizes a text; returns whether everything so far is allowed.
fn read(tokenizer: &Tokenizer<TagChecker>, text: &str) -> bool {
    let (mut rest, mut separators) = (text, 0);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
        let before = tokenizer.sink.tokens.get();
        let queue = BufferQueue::default();
        queue.push_back(StrTendril::from_slice(piece));
        let _ = tokenizer.feed(&queue);
        separators =
            if tokenizer.sink.tokens.get() == before { separators + count_separators(piece) } else { 0 };
        if tokenizer.sink.refused.get() || separators > MAX_SEPARATORS {
            return false;
        }
        rest = behind;
    }
    true
}

fn count_separators(piece: &str) -> usize {
    piece.bytes().filter(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'')).count()
}

/// A token sink that checks each tag.
#[derive(Default)]
struct TagChecker {
    is_comment: bool,
    tokens: Cell<usize>,
    refused: Cell<bool>,
    ended: Cell<bool>,
}

impl TagChecker {
    fn tag(&self, tag: &Tag) -> bool {
        let is_end = *tag.name == END_MARKER[1..END_MARKER.len() - 1] && tag.attrs.is_empty();
        self.ended.set(self.ended.get() || is_end);
        is_end || allowlist::is_allowed(tag)
    }

    /// Whether a comment is allowed. Old browsers execute conditional comments, so its content is checked too.
    /// `<?php …` is a comment for the tokenizer.
    fn comment(&self, text: &str) -> bool {
        !self.is_comment && !text.starts_with('?') && is_harmless_part(text, true)
    }
}

impl TokenSink for TagChecker {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let harmless = match &token {
            Token::ParseError(_) => return TokenSinkResult::Continue,
            Token::TagToken(tag) => self.tag(tag),
            Token::CommentToken(text) => self.comment(text),
            Token::DoctypeToken(_) => false,
            Token::CharacterTokens(_) | Token::NullCharacterToken | Token::EOFToken => true,
        };
        self.tokens.set(self.tokens.get() + 1);
        self.refused.set(self.refused.get() || !harmless);
        TokenSinkResult::Continue
    }
}
