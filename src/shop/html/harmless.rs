//! Whether a text that the shop prints as HTML does nothing but show.
//!
//! html5ever's tokenizer reads the text as a browser does, and each tag is held to a list (`listed.rs`). It is the
//! tags that are judged and not the tree that grows of them, because what a tree drops depends on where the text
//! stands: `<body onload=…>` counts for nothing in a part of a page, and for much on the page. A tree holds no
//! element and no attribute that no tag has, and no listed element changes how the text behind it is read (as
//! `<title>`, `<svg>`, `<noscript>` and `<plaintext>` do): the tags are the same wherever the shop prints the text.

use std::cell::Cell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, Token, TokenSink, TokenSinkResult, Tokenizer};

use super::allowlist;

/// A tag that no text may hold. Put behind a text, it is read as what it is unless the text has left a tag, an
/// attribute or a comment open, to which the page behind it would belong.
const END_MARKER: &str = "<guichet-end>";
/// Bytes that are read before it is looked at what they were.
const CHUNK_BYTES: usize = 256;
/// Signs that may part attributes, in one tag: each attribute is compared with those before it. A picture within the
/// text (`data:`) has about a thousand `/`.
const MAX_SEPARATORS: usize = 2000;

/// Whether all of a text's HTML is of the list, and the text ends where a page may go on.
pub fn is_harmless(text: &str) -> bool {
    is_harmless_part(text, false)
}

fn is_harmless_part(text: &str, is_comment: bool) -> bool {
    let tokenizer = Tokenizer::new(TagChecker { is_comment, ..TagChecker::default() }, Default::default());
    let checker = &tokenizer.sink;
    read(&tokenizer, text) && !checker.ended.get() && read(&tokenizer, END_MARKER) && checker.ended.get()
}

/// Reads on; whether everything so far is harmless.
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

/// What was found of a text so far.
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

    /// Comments of old browsers may hold more than a remark. `<?php …` is a comment too.
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
