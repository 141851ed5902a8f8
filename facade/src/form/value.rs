//! Conversion of values of any type for the rules.

use async_graphql::{UploadValue, Value};

/// Prefix of the text that stands for an uploaded file, as async-graphql writes it.
const UPLOAD: &str = "#__graphql_file__:";

/// The text that stands for an upload that did not arrive completely. REST sets it.
pub const BROKEN_UPLOAD: &str = "#__guichet_broken_file__";

/// The uploaded file that a value stands for.
pub fn upload<'a>(value: &Value, uploads: &'a [UploadValue]) -> Option<&'a UploadValue> {
    match value {
        Value::String(text) => uploads.get(text.strip_prefix(UPLOAD)?.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Whether a value stands for an upload that did not arrive completely.
pub fn is_broken_upload(value: &Value) -> bool {
    matches!(value, Value::String(text) if text == BROKEN_UPLOAD)
}

/// A scalar as text, converted as PHP does it; `None` for lists and maps.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Number(number) => Some(match (number.is_f64(), number.as_f64()) {
            (true, Some(float)) => float.to_string(),
            _ => number.to_string(),
        }),
        Value::String(text) => Some(text.clone()),
        Value::Enum(name) => Some(name.to_string()),
        Value::Boolean(true) => Some("1".to_owned()),
        Value::Boolean(false) => Some(String::new()),
        Value::List(_) | Value::Object(_) | Value::Binary(_) => None,
    }
}

/// A text or number as text, for rules about patterns; `None` for all others.
pub fn plain(value: &Value) -> Option<String> {
    matches!(value, Value::String(_) | Value::Number(_)).then(|| text(value)).flatten()
}

/// The elements of a list or map, with the keys that names in messages use.
pub fn elements(value: &Value) -> Option<Vec<(String, &Value)>> {
    match value {
        Value::List(items) => {
            Some(items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect())
        }
        Value::Object(fields) => Some(fields.iter().map(|(key, item)| (key.to_string(), item)).collect()),
        _ => None,
    }
}

/// The number of elements of a list or map.
pub fn count(value: &Value) -> Option<usize> {
    match value {
        Value::List(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        _ => None,
    }
}

/// Parses a decimal number: optional sign, digits with an optional point, optional exponent, blanks around it.
pub fn decimal(text: &str) -> Option<f64> {
    let number = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let starts_well = digits.strip_prefix('.').unwrap_or(digits).starts_with(|c: char| c.is_ascii_digit());
    starts_well.then(|| number.parse().ok()).flatten()
}

/// The number in a number or text; `None` for all others, booleans too.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => decimal(text),
        _ => None,
    }
}

/// The number in a number, or in a text as the scalar `Decimal` is described: digits, and a point between them. PHP takes more.
pub(crate) fn plain_number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) if !is_plain_decimal(text) => None,
        value => number(value),
    }
}

/// The number of decimals of a number or text.
pub fn decimals(value: &Value) -> usize {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return 0,
    };
    text.split_once('.').map_or(0, |(_, decimals)| decimals.trim_end_matches('0').len())
}

fn is_plain_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        Some((whole, decimals)) => digits(whole) && digits(decimals),
        None => digits(text),
    }
}

/// A value as a whole number, by the rule `integer`: no leading zeros, 64 bits, `true` is 1.
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Boolean(true) => Some(1),
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
            let leading_zero = digits.len() > 1 && digits.starts_with('0');
            (plain && !leading_zero).then(|| text.parse().ok()).flatten()
        }
        _ => None,
    }
}

fn whole(float: f64) -> Option<i64> {
    // The limits of 64 bits are powers of two, which floats hold exactly.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (float.fract() == 0.0 && (-BOUND..BOUND).contains(&float)).then_some(float as i64)
}

/// A value as a boolean, by the rule `boolean`.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn decimals() {
        for text in ["1", "-1", "+1.5", ".5", "5.", "1e3", "1.5E-3", " 12 ", "01", "-.5", "0"] {
            assert!(decimal(text).is_some(), "{text}");
        }
        for text in
            ["", ".", "0x1A", "1,5", "1 2", "e3", "1e", "nan", "NaN", "inf", "-inf", "infinity", "--1"]
        {
            assert!(decimal(text).is_none(), "{text}");
        }
        assert_eq!(number(&value!(true)), None);
    }

    #[test]
    fn integers() {
        for (sent, held) in [
            (value!(5), 5),
            (value!(5.0), 5),
            (value!(true), 1),
            (value!("-0"), 0),
            (value!("+1"), 1),
            (value!("9223372036854775807"), i64::MAX),
        ] {
            assert_eq!(integer(&sent), Some(held), "{sent}");
        }
        for sent in [
            value!("01"),
            value!("1.0"),
            value!("1e3"),
            value!("9223372036854775808"),
            value!(1.5),
            value!(1e300),
            value!(false),
            value!(null),
            value!([1]),
            value!(""),
            value!("+"),
            value!("1 "),
            value!("٣"),
        ] {
            assert_eq!(integer(&sent), None, "{sent}");
        }
    }

    #[test]
    fn booleans() {
        for (sent, held) in
            [(value!(true), true), (value!(0), false), (value!("1"), true), (value!("0"), false)]
        {
            assert_eq!(boolean(&sent), Some(held));
        }
        for sent in [value!("true"), value!(2), value!("on"), value!([]), value!(null), value!("01")] {
            assert_eq!(boolean(&sent), None);
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_back(whole in any::<i64>(), float in proptest::num::f64::NORMAL) {
            prop_assert_eq!(integer(&Value::from(whole)), Some(whole));
            prop_assert_eq!(integer(&Value::from(whole.to_string())), Some(whole));
            prop_assert_eq!(text(&Value::from(whole)), Some(whole.to_string()));
            prop_assert_eq!(number(&Value::from(float.to_string())), Some(float));
            prop_assert_eq!(text(&Value::from(float)).and_then(|text| decimal(&text)), Some(float));
        }

        #[test]
        fn whole_floats_are_integers(float in proptest::num::f64::ANY) {
            if let Some(read) = whole(float) {
                prop_assert_eq!(read as f64, float);
            }
        }

        #[test]
        fn any_text_is_a_number_or_none(text in r"[ \t]?[+-]?[0-9]{0,25}\.?[0-9]{0,9}([eE][+-]?[0-9]{0,4})?|\PC*") {
            prop_assert!(decimal(&text).is_none_or(|number| !number.is_nan()));
            let value = Value::from(text);
            integer(&value);
            boolean(&value);
            upload(&value, &[]);
        }
    }
}
