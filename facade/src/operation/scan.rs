//! Counts the tokens and brackets of a document before it is parsed. The parser is recursive and builds a tree of
//! the whole document, so it must not get one that is too long or too deep.

use crate::Result;
use crate::error::{Code, NotRun};

/// Maximum nesting of brackets of any kind: the parser's own limit.
pub(super) const MAX_BRACKETS: u64 = 64;
/// Maximum length of a name in letters: an alias is repeated for every row of an answer, the name of an operation
/// in every error.
const MAX_NAME: usize = 256;

/// Checks a document's length in tokens and the nesting of its brackets.
///
/// # Errors
/// [`Code::QueryTooLong`], [`Code::QueryTooDeep`].
pub(super) fn scan(text: &str, max_tokens: u64) -> Result<()> {
    let (mut rest, mut tokens, mut open) = (text.as_bytes(), 0, 0_u64);
    while let [first, ..] = rest {
        if is_blank(*first) {
            rest = &rest[1..];
            continue;
        }
        match first {
            b'{' | b'(' | b'[' => open += 1,
            b'}' | b')' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        tokens += 1;
        if tokens > max_tokens {
            return Err(NotRun::limit_exceeded(Code::QueryTooLong, "tokens", max_tokens, "tokens"));
        }
        if open > MAX_BRACKETS {
            return Err(NotRun::limit_exceeded(
                Code::QueryTooDeep,
                "brackets",
                MAX_BRACKETS,
                "nested brackets",
            ));
        }
        rest = &rest[length(rest)?..];
    }
    Ok(())
}

/// Whether a byte separates tokens: white space, a comma, or a byte of a byte order mark.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xEF | 0xBB | 0xBF)
}

/// Length in bytes of the token at the beginning of `text`. It examines at most four bytes beyond the token.
fn length(text: &[u8]) -> Result<usize> {
    match text.first() {
        // A comment counts as a token, because the parser takes as long for it as for a name.
        Some(b'#') => Ok(line(text)),
        Some(b'"') => Ok(string(text)),
        Some(b'.') if text.starts_with(b"...") => Ok(3),
        Some(letter) if is_word(*letter) => word(text),
        _ => Ok(1),
    }
}

/// Whether a byte can be part of a name or number.
fn is_word(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || letter == b'_'
}

/// Length in bytes of the name or number at the beginning of `text`.
fn word(text: &[u8]) -> Result<usize> {
    let length = text.iter().take_while(|&&letter| is_word(letter)).count();
    if length > MAX_NAME {
        return Err(NotRun::limit_exceeded(Code::QueryTooLong, "name", MAX_NAME as u64, "letters in a name"));
    }
    Ok(length)
}

/// Length in bytes up to the end of the line.
fn line(text: &[u8]) -> usize {
    text.iter().position(|letter| matches!(letter, b'\n' | b'\r')).unwrap_or(text.len())
}

/// Length in bytes of the string at the beginning of `text`. A string without an end is taken to end with its line: the
/// parser refuses it, and brackets after it are still counted.
fn string(text: &[u8]) -> usize {
    if text.starts_with(br#"""""#) {
        return block_string(text);
    }
    let mut at = 1;
    while let Some(letter) = text.get(at) {
        match letter {
            b'"' => return at + 1,
            // A backslash does not escape the end of the line.
            b'\\' if !matches!(text.get(at + 1), Some(b'\n' | b'\r')) => at += 2,
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    text.len()
}

fn block_string(text: &[u8]) -> usize {
    let mut at = 3;
    while at < text.len() {
        if text[at..].starts_with(br#"\""""#) {
            at += 4;
        } else if text[at..].starts_with(br#"""""#) {
            return at + 3;
        } else {
            at += 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many tokens a document has.
    fn tokens(text: &str) -> u64 {
        (0..).find(|&max| scan(text, max).is_ok()).unwrap()
    }

    #[test]
    fn every_name_number_string_and_sign_is_one_token() {
        for (text, count) in [
            ("", 0),
            ("{ a }", 3),
            ("query Q($id: ID! = 12) { a(id: $id) ...F }", 22),
            ("{ a } # { b {", 4),
            (r#"{ a(b: "}\"{") }"#, 8),
            (r#"{ a(b: """x " { \""" { """) }"#, 8),
            ("\u{feff}{ a, b }", 4),
        ] {
            assert_eq!(tokens(text), count, "{text}");
        }
    }

    #[test]
    fn long_names_are_refused() {
        assert!(scan(&format!("{{ {}: b }}", "a".repeat(256)), 10).is_ok());
        let error = scan(&format!("{{ {}: b }}", "a".repeat(257)), 10).unwrap_err();
        assert_eq!(error.code(), Code::QueryTooLong);
    }

    #[test]
    fn long_documents_are_scanned_in_linear_time() {
        // By the square of their length, these would take hours.
        let strings = format!("{{ a(b: [{}]) {}", "\"\" ".repeat(200_000), " ".repeat(4_000_000));
        assert!(scan(&strings, u64::MAX).is_ok());
        assert!(scan(&format!("{{ a(b: \"{}", "\\\"".repeat(2_000_000)), u64::MAX).is_ok());
        assert!(scan(&"\"\"\"".repeat(1_000_000), u64::MAX).is_ok());
    }

    #[test]
    fn deep_brackets_are_refused_also_behind_a_string_without_end() {
        let deep = "[".repeat(100_000);
        for text in [deep.clone(), format!("{{ a(b: \"\n {deep}"), format!("{{ a(b: \"\\\n {deep}")] {
            let error = scan(&text, u64::MAX).unwrap_err();
            assert_eq!(error.code(), Code::QueryTooDeep);
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// One token, as a client may write it.
    fn token() -> impl Strategy<Value = String> {
        prop_oneof![
            "[_A-Za-z][_0-9A-Za-z]{0,20}",
            "[0-9]{1,9}",
            prop::sample::select(vec![
                "{", "}", "(", ")", "[", "]", ":", "!", "=", "@", "$", "|", "&", "..."
            ])
            .prop_map(str::to_owned),
            r#""([^"\\\n\r]|\\[^\n\r]){0,9}""#.prop_filter("a block string begins so", |text| text != "\"\""),
            r#""""([^"\\]|\\""")?{0,9}[^"\\]""""#,
            "#[^\n\r]{0,9}\n",
        ]
    }

    /// Texts made of tokens and other characters that have a meaning in documents.
    fn document() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => token(),
            1 => r#"["\\#.{}()\[\]\n\r ,$@!0-9e+-]{0,6}"#,
            1 => any::<String>(),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn tokens_are_counted(tokens in prop::collection::vec((token(), "[ ,\t\n\u{feff}]{1,3}"), 0..30)) {
            let text: String = tokens.iter().map(|(token, blank)| format!("{token}{blank}")).collect();
            let count = tokens.len() as u64;
            let opens = |text: &str| matches!(text, "{" | "(" | "[");
            prop_assume!(tokens.iter().filter(|(token, _)| opens(token)).count() <= 64);
            prop_assert!(scan(&text, count).is_ok());
            prop_assert!(count == 0 || scan(&text, count - 1).is_err());
        }

        /// The scan is linear: each byte belongs to one token.
        #[test]
        fn every_token_moves_on_and_none_goes_beyond_the_end(text in document()) {
            let bytes = text.as_bytes();
            for at in 0..bytes.len() {
                if let Ok(length) = length(&bytes[at..]) {
                    prop_assert!((1..=bytes.len() - at).contains(&length));
                }
            }
        }

        #[test]
        fn what_the_scan_lets_through_the_parser_reads_or_refuses(text in document()) {
            if scan(&text, 1000).is_ok() {
                let _ = async_graphql::parser::parse_query(&text);
            }
        }
    }
}
