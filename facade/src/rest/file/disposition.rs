//! `Content-Disposition` (RFC 6266).

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::media_type::is_token;

/// The maximum length of a file name in bytes, as in most file systems.
const MAX_NAME: usize = 255;
/// Bytes that `filename*` percent-encodes: all but `attr-char` (RFC 8187, 3.2.1).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The first word of the header.
#[derive(Clone, Copy)]
pub(super) enum DispositionType {
    /// The client shows the file.
    Inline,
    /// The client saves the file.
    Attachment,
}

/// The header with a file name, or without one if nothing of the name is left after cleaning.
pub(super) fn disposition(ty: DispositionType, name: &str) -> HeaderValue {
    let ty = match ty {
        DispositionType::Inline => "inline",
        DispositionType::Attachment => "attachment",
    };
    let name = cleaned(name);
    let plain = in_ascii(&name);
    let mut text = ty.to_owned();
    // Without quotes if the name is a token, as Symfony writes it.
    if is_token(&plain) {
        text.push_str(&format!("; filename={plain}"));
    } else if !plain.is_empty() {
        text.push_str(&format!("; filename=\"{plain}\""));
    }
    if plain != name {
        text.push_str(&format!("; filename*=UTF-8''{}", utf8_percent_encode(&name, ENCODED)));
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(ty))
}

/// Makes a file name of a text: without folders, invisible characters and leading dots.
fn cleaned(text: &str) -> String {
    let parts = text.split(['/', '\\']).map(str::trim);
    let name = parts.filter(|part| !matches!(*part, "" | "." | "..")).collect::<Vec<_>>().join("-");
    let name: String = name.chars().filter(|letter| !is_invisible(*letter)).collect();
    let name = name.trim_start_matches(['.', ' ']);
    name[..name.floor_char_boundary(MAX_NAME)].trim_end().to_owned()
}

/// Whether a character is invisible. Bidirectional controls could hide the extension of a file.
fn is_invisible(letter: char) -> bool {
    let bidirectional =
        matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || bidirectional || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The name in ASCII for `filename`, without quotes and percent signs, which some clients unescape.
fn in_ascii(name: &str) -> String {
    let plain = |letter| match letter {
        '"' => '\'',
        '%' => '_',
        ' '..='~' => letter,
        _ => '_',
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> String {
        disposition(DispositionType::Attachment, name).to_str().unwrap().to_owned()
    }

    #[test]
    fn an_ascii_name_is_sent_as_it_is() {
        assert_eq!(of("Invoice 2026-11.pdf"), "attachment; filename=\"Invoice 2026-11.pdf\"");
        assert_eq!(disposition(DispositionType::Inline, "a_1.pdf"), "inline; filename=a_1.pdf");
    }

    #[test]
    fn other_names_are_sent_in_both_forms() {
        for (name, expected) in [
            ("Reçu n° 1.pdf", "\"Re_u n_ 1.pdf\"; filename*=UTF-8''Re%C3%A7u%20n%C2%B0%201.pdf"),
            ("50%.csv", "50_.csv; filename*=UTF-8''50%25.csv"),
            ("a \"b\".txt", "\"a 'b'.txt\"; filename*=UTF-8''a%20%22b%22.txt"),
            ("領収書.pdf", "___.pdf; filename*=UTF-8''%E9%A0%98%E5%8F%8E%E6%9B%B8.pdf"),
        ] {
            assert_eq!(of(name), format!("attachment; filename={expected}"));
        }
    }

    #[test]
    fn names_cannot_contain_paths_or_line_breaks() {
        for (name, expected) in [
            ("../../etc/passwd", "etc-passwd"),
            ("C:\\a\\b.txt", "C:-a-b.txt"),
            ("Invoice 2026/11.pdf", "Invoice 2026-11.pdf"),
            ("..\\.htaccess", "htaccess"),
            ("a\r\nX-Evil: 1\0.txt", "aX-Evil: 1.txt"),
            ("safe\u{202e}fdp.exe", "safefdp.exe"),
            (" x ", "x"),
        ] {
            let expected = if is_token(expected) { expected.to_owned() } else { format!("\"{expected}\"") };
            assert_eq!(of(name), format!("attachment; filename={expected}"), "{name:?}");
        }
        for name in ["", "..", "/", "\n", "../..", " . "] {
            assert_eq!(of(name), "attachment", "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(of(&"x".repeat(9000)).len(), "attachment; filename=".len() + MAX_NAME);
    }
}

#[cfg(test)]
mod properties {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_makes_a_valid_header(name in r#"(\PC|[\x00-\x1f"\\/%;.é\u{202e}]){0,300}"#) {
            let header = disposition(DispositionType::Inline, &name);
            let text = header.to_str().unwrap();
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", text);
            let cleaned = cleaned(&name);
            let encoded = text.split_once("filename*=UTF-8''").map(|(_, encoded)| percent_decode_str(encoded).decode_utf8().unwrap().into_owned());
            let plain = text.strip_prefix("inline; filename=").unwrap_or_default().trim_matches('"');
            prop_assert_eq!(encoded.unwrap_or_else(|| plain.to_owned()), cleaned.clone());
            prop_assert!(!cleaned.contains(['/', '\\', '\n', '\r', '\0']) && !cleaned.starts_with('.'));
        }
    }
}
