//! How single values are printed.

use chrono::SecondsFormat;
use entity::{Amount, Flag, Price, ShopTime};
use serde::Serializer;

/// A moment in UTC, to the microsecond.
pub fn time<S: Serializer>(at: &Option<ShopTime>, out: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => out.serialize_str(&at.0.to_rfc3339_opts(SecondsFormat::Micros, true)),
        None => out.serialize_none(),
    }
}

/// A price: whole ones without fraction.
pub fn price<S: Serializer>(price: &Option<Price>, out: S) -> Result<S::Ok, S::Error> {
    float(&price.map(|price| price.0), out)
}

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
pub fn amount<S: Serializer>(amount: &Amount, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&format!("{:.2}", amount.0))
}

/// `0` or `1`.
pub fn flag<S: Serializer>(flag: &Flag, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u8(flag.0.into())
}
