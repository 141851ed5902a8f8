//! Trimming of all texts in the input before any rule is checked (docs/contract/wire.md#2.3).

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};

/// Top-level fields that are not trimmed.
const UNTRIMMED: [&str; 3] = ["current_password", "password", "password_confirmation"];

/// Trims all texts of a query or body, however deep, and turns empty ones into null.
pub fn normalise(input: &mut Value) {
    match input {
        Value::Object(fields) => normalise_fields(fields),
        other => normalise_field(other, true),
    }
}

/// The same for the texts of a form alone: what is within its objects and lists stays as it was sent. REST normalises the whole
/// body before.
pub(crate) fn normalise_texts(fields: &mut IndexMap<Name, Value>) {
    let texts = fields.iter_mut().filter(|(_, value)| matches!(value, Value::String(_)));
    texts.for_each(|(name, value)| normalise_field(value, !UNTRIMMED.contains(&name.as_str())));
}

fn normalise_fields(fields: &mut IndexMap<Name, Value>) {
    for (name, value) in fields {
        normalise_field(value, !UNTRIMMED.contains(&name.as_str()));
    }
}

fn normalise_field(value: &mut Value, trim: bool) {
    match value {
        Value::String(text) => {
            if trim {
                trim_in_place(text);
            }
            if text.is_empty() {
                *value = Value::Null;
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| normalise_field(item, true)),
        Value::Object(fields) => fields.values_mut().for_each(|field| normalise_field(field, true)),
        _ => {}
    }
}

fn trim_in_place(text: &mut String) {
    text.truncate(text.trim_end_matches(is_blank).len());
    let start = text.len() - text.trim_start_matches(is_blank).len();
    text.drain(..start);
}

/// Whether a character is white space or invisible.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\0' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{2000}'..='\u{200f}' | '\u{202f}' | '\u{205f}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0020}')
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn texts_are_trimmed_and_emptied_at_any_depth() {
        let mut input = value!({
            "a": " \t\u{200b}x y\u{feff}\r\n", "b": "", "c": "\u{2800} ", "n": 1, "t": true,
            "deep": {"list": ["  ", " z ", {"password": " p "}]},
            "password": " secret ", "current_password": "", "password_confirmation": "  ",
        });
        normalise(&mut input);
        assert_eq!(
            input,
            value!({
                "a": "x y", "b": null, "c": null, "n": 1, "t": true,
                "deep": {"list": [null, "z", {"password": "p"}]},
                "password": " secret ", "current_password": null, "password_confirmation": "  ",
            })
        );
    }

    #[test]
    fn every_listed_character_is_blank() {
        for c in "\0\u{b}\u{c}\u{a0}\u{1680}\u{2028}\u{2029}\u{3000}\u{85}\u{2064}\u{1d175}".chars() {
            assert!(is_blank(c), "{:x}", c as u32);
        }
        assert!(!is_blank('a') && !is_blank('\u{2066}') && !is_blank('\u{e0021}'));
    }
}
