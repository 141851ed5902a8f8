//! How single values are printed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Serializer;

/// A double: whole ones without fraction.
pub fn float<S: Serializer>(number: &Option<f64>, out: S) -> Result<S::Ok, S::Error> {
    match number {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number well inside the range")]
        Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => out.serialize_i64(*whole as i64),
        Some(number) => out.serialize_f64(*number),
        None => out.serialize_none(),
    }
}

/// An amount as a text with two decimals.
pub fn amount<S: Serializer>(amount: &f64, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{amount:.2}"))
}

/// The key of a customer as GraphQL has it: with the name of the type, in base64.
pub fn customer_id<S: Serializer>(key: &i64, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&STANDARD_NO_PAD.encode(format!("Customer:{key}")))
}

/// `0` or `1`.
pub fn flag<S: Serializer>(flag: &bool, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u8((*flag).into())
}

/// A word of the database as GraphQL has it: in upper case.
pub fn word<S: Serializer>(word: &&str, out: S) -> Result<S::Ok, S::Error> {
    let mut upper = [0; 16];
    let Some(upper) = upper.get_mut(..word.len()) else { return out.serialize_str(&word.to_uppercase()) };
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    out.serialize_str(str::from_utf8(upper).unwrap_or_default())
}
