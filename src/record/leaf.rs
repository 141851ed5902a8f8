//! How a column's value is spelled: as GraphQL value and as REST JSON.
//!
//! The two faces differ in a few places (architecture, "What GraphQL shows and what REST
//! prints"): booleans without a cast are `0`/`1` in REST, prices are numbers in REST and exact
//! texts in GraphQL, words are lower case in REST and enum values in GraphQL. Each difference is
//! declared here, once.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, Json, Name, Number, OutputType, Positioned,
    Scalar, ScalarType, ServerResult, Value,
};
use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use entity::{Amount, Flag, Id, Int, Price, ShopDate, ShopTime};
use rust_decimal::RoundingStrategy;

use super::Spelling;
use crate::execution::Execution;

/// Which face an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The public GraphQL schema.
    GraphQl,
    /// The REST face, as values (for XML and for what is rewritten).
    Rest,
    /// The REST face, as JSON bytes: rows are written straight to a buffer.
    RestJson,
}

/// A column value that needs no await.
pub trait Leaf {
    /// The value in the spelling of the face.
    fn value(&self, face: Face) -> Value;
    /// The value as REST JSON.
    fn json(&self, out: &mut Vec<u8>);
    /// Registers the GraphQL type and names it.
    fn register(registry: &mut Registry) -> String;
    /// How REST spells the value, where the GraphQL type doesn't tell.
    fn spelling() -> Spelling {
        Spelling::AsTyped
    }
}

/// A column whose text is one word of a closed list: an enum in GraphQL.
pub trait Word {
    /// The word in the spelling of the face.
    fn value(&self, face: Face) -> Value;
}

impl Word for String {
    fn value(&self, face: Face) -> Value {
        match face {
            Face::GraphQl => Value::Enum(Name::new(self.to_uppercase())),
            Face::Rest | Face::RestJson => Value::String(self.clone()),
        }
    }
}

impl<T: Word> Word for Option<T> {
    fn value(&self, face: Face) -> Value {
        self.as_ref().map_or(Value::Null, |word| word.value(face))
    }
}

/// A form in which a column is shown that is not the one in which it is stored: `column shown Form`
/// in [`record!`](crate::record!).
pub trait Shown<C> {
    /// The column's value in the spelling of the face.
    fn value(column: &C, face: Face) -> Value;
    /// The column's value as REST JSON.
    fn json(column: &C, out: &mut Vec<u8>) {
        write_value(&Self::value(column, Face::RestJson), out);
    }
    /// Registers the GraphQL type and names it.
    fn register(registry: &mut Registry) -> String;
    /// How REST spells the value, where the GraphQL type doesn't tell.
    fn spelling() -> Spelling {
        Spelling::AsTyped
    }
}

/// A text column that holds JSON, decoded. REST prints empty objects as empty lists, as the
/// original does (spec: `wire.md` 6); a text that is no JSON is null.
pub struct JsonText;

impl Shown<String> for JsonText {
    fn value(column: &String, face: Face) -> Value {
        let decoded = serde_json::from_str(column).ok().and_then(|json| Value::from_json(json).ok());
        match decoded.unwrap_or_default() {
            value if face == Face::GraphQl => value,
            value => without_empty_objects(value),
        }
    }

    fn register(registry: &mut Registry) -> String {
        <Json<serde_json::Value> as OutputType>::create_type_info(registry).trim_end_matches('!').to_owned()
    }
}

impl Shown<Option<String>> for JsonText {
    fn value(column: &Option<String>, face: Face) -> Value {
        column.as_ref().map_or(Value::Null, |text| <Self as Shown<String>>::value(text, face))
    }

    fn register(registry: &mut Registry) -> String {
        <Self as Shown<String>>::register(registry)
    }
}

fn without_empty_objects(value: Value) -> Value {
    match value {
        Value::Object(fields) if fields.is_empty() => Value::List(Vec::new()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (name, without_empty_objects(value))).collect(),
        ),
        Value::List(items) => Value::List(items.into_iter().map(without_empty_objects).collect()),
        scalar => scalar,
    }
}

/// An exact decimal number, as text: `"12.50"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decimal(pub f64);

/// An exact decimal number, as text: `"12.50"`.
#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(text) => {
                text.parse::<rust_decimal::Decimal>().ok().and_then(|exact| exact.try_into().ok())
            }
            Value::Number(number) => number.as_f64(),
            _ => None,
        };
        parsed.map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::String(shortest(self.0))
    }
}

/// An amount that a resolver computed: a `Decimal` in GraphQL, a number in REST.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Money(pub f64);

impl OutputType for Money {
    fn type_name() -> Cow<'static, str> {
        <Decimal as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Decimal as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Price(self.0).value(Execution::of(ctx).face))
    }
}

impl From<rust_decimal::Decimal> for Money {
    fn from(exact: rust_decimal::Decimal) -> Self {
        Self(exact.try_into().unwrap_or_default())
    }
}

/// A moment in UTC: `2026-11-23T12:00:00.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

/// A moment in UTC: `2026-11-23T12:00:00.000000Z`.
#[Scalar(name = "DateTime")]
impl ScalarType for Moment {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        DateTime::parse_from_rfc3339(text).map(|at| Self(at.to_utc())).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(moment_text(self.0))
    }
}

fn moment_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Writes [`moment_text`] as a JSON string. Lists are full of moments, and chrono's own formatting takes
/// ten times as long.
fn write_moment(at: DateTime<Utc>, out: &mut Vec<u8>) {
    let Ok(year @ 0..=9999) = u32::try_from(at.year()) else { return write_str(&moment_text(at), out) };
    let micros = at.timestamp_subsec_micros();
    let mut pair = |before: &[u8], number: u32| {
        out.extend_from_slice(before);
        out.extend_from_slice(&[digit(number / 10), digit(number % 10)]);
    };
    pair(b"\"", year / 100);
    pair(b"", year % 100);
    pair(b"-", at.month());
    pair(b"-", at.day());
    pair(b"T", at.hour());
    pair(b":", at.minute());
    pair(b":", at.second());
    pair(b".", micros / 10_000);
    pair(b"", micros / 100 % 100);
    pair(b"", micros % 100);
    out.extend_from_slice(b"Z\"");
}

fn digit(number: u32) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

/// The shortest decimal text that reads back as the number; whole numbers have no fraction.
fn shortest(number: f64) -> String {
    let mut out = Vec::new();
    write_float(number, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// A float as the original prints it: whole values without fraction, else the shortest form
/// (spec: `wire.md` 1.2).
fn write_float(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        return out.extend_from_slice(b"null");
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

/// Digits of a float that the original looks at when it rounds.
const SIGNIFICANT: u32 = 14;

/// An amount with two decimals, rounded half up as it is written: `7.555` is `7.56`, though its float
/// is a little less (spec: `wire.md` 6).
fn two_decimals(amount: f64) -> String {
    let whole_cents = (amount * 100.0).round() / 100.0 == amount;
    let exact = rust_decimal::Decimal::from_f64_retain(amount).filter(|_| !whole_cents);
    let half_up = RoundingStrategy::MidpointAwayFromZero;
    match exact.and_then(|exact| exact.round_sf_with_strategy(SIGNIFICANT, half_up)) {
        Some(exact) => format!("{:.2}", exact.round_dp_with_strategy(2, half_up)),
        None => format!("{amount:.2}"),
    }
}

fn float_value(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number well inside the range")]
        return Value::Number((number as i64).into());
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn write_int(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

macro_rules! leaf {
    ($type:ty => $graphql:ty, $this:ident, value $face:pat => $value:expr, json $out:ident => $json:expr $(, rest $spelling:expr)?) => {
        impl Leaf for $type {
            fn value(&self, $face: Face) -> Value {
                let $this = self;
                $value
            }
            fn json(&self, $out: &mut Vec<u8>) {
                let $this = self;
                $json
            }
            fn register(registry: &mut Registry) -> String {
                <$graphql as OutputType>::create_type_info(registry)
            }
            $(fn spelling() -> Spelling {
                $spelling
            })?
        }
    };
}

leaf!(Id => i64, this, value _ => Value::Number(this.0.into()), json out => write_int(this.0, out));
leaf!(Int => i64, this, value _ => Value::Number(this.0.into()), json out => write_int(this.0, out));
leaf!(String => String, this, value _ => Value::String(this.clone()), json out => write_str(this, out));
leaf!(bool => bool, this, value _ => Value::Boolean(*this), json out => out.extend_from_slice(if *this { b"true" } else { b"false" }));
leaf!(
    Flag => bool, this,
    value face => if face == Face::GraphQl { Value::Boolean(this.0) } else { Value::Number(i32::from(this.0).into()) },
    json out => out.push(b'0' + u8::from(this.0)),
    rest Spelling::Integer
);
leaf!(
    Price => Decimal, this,
    value face => if face == Face::GraphQl { Decimal(this.0).to_value() } else { float_value(this.0) },
    json out => write_float(this.0, out),
    rest Spelling::Number
);
leaf!(
    f64 => Decimal, this,
    value face => Price(*this).value(face),
    json out => write_float(*this, out),
    rest Spelling::Number
);
leaf!(
    Amount => Decimal, this,
    value _ => Value::String(two_decimals(this.0)),
    json out => write_str(&two_decimals(this.0), out)
);
leaf!(
    ShopTime => Moment, this,
    value _ => Moment(this.0).to_value(),
    json out => write_moment(this.0, out)
);
leaf!(
    ShopDate => Moment, this,
    value _ => Moment(this.midnight()).to_value(),
    json out => write_moment(this.midnight(), out)
);

impl<T: Leaf> Leaf for Option<T> {
    fn value(&self, face: Face) -> Value {
        self.as_ref().map_or(Value::Null, |leaf| leaf.value(face))
    }

    fn json(&self, out: &mut Vec<u8>) {
        match self {
            Some(leaf) => leaf.json(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn register(registry: &mut Registry) -> String {
        T::register(registry).trim_end_matches('!').to_owned()
    }

    fn spelling() -> Spelling {
        T::spelling()
    }
}

/// Writes a JSON string.
pub fn write_str(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    // Few texts hold anything to escape: the loop looks for that and for nothing else.
    while let Some(length) = bytes[start..].iter().position(|&byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        let at = start + length;
        out.extend_from_slice(&bytes[start..at]);
        write_escaped(bytes[at], out);
        start = at + 1;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

fn write_escaped(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes a value as REST JSON; `Value::Binary` is JSON that is already written.
pub fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(flag) => flag.json(out),
        Value::String(text) => write_str(text, out),
        Value::Enum(word) => write_str(&word.to_lowercase(), out),
        Value::Binary(json) => out.extend_from_slice(json),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => write_int(whole, out),
            (None, float) => write_float(float.unwrap_or(f64::NAN), out),
        },
        Value::List(items) => {
            write_joined(b'[', items.iter(), b']', out, write_value);
        }
        Value::Object(fields) => write_joined(b'{', fields.iter(), b'}', out, |(key, value), out| {
            write_str(key, out);
            out.push(b':');
            write_value(value, out);
        }),
    }
}

fn write_joined<T>(
    open: u8,
    items: impl Iterator<Item = T>,
    close: u8,
    out: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>),
) {
    out.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(leaf: &impl Leaf) -> String {
        let mut out = Vec::new();
        leaf.json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prices_are_numbers_in_rest_and_exact_texts_in_graphql() {
        assert_eq!(json(&Price(10.0)), "10");
        assert_eq!(json(&Price(2.99)), "2.99");
        assert_eq!(Price(2.5).value(Face::GraphQl), Value::from("2.5"));
        assert_eq!(json(&Amount(12.5)), "\"12.50\"");
        let amounts = [7.555, 7.554, 0.1 + 0.2, 1.005, 0.0, 999_999_999.995, 9_999_999_999.0, 1e16];
        let texts = [
            "7.56",
            "7.55",
            "0.30",
            "1.01",
            "0.00",
            "1000000000.00",
            "9999999999.00",
            "10000000000000000.00",
        ];
        assert_eq!(amounts.map(two_decimals), texts);
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(json(&"a\"\\\n\u{1}é/".to_owned()), "\"a\\\"\\\\\\n\\u0001é/\"");
    }

    #[test]
    fn json_texts_are_decoded() {
        let rest = |text: &str| {
            let mut out = Vec::new();
            JsonText::json(&Some(text.to_owned()), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(rest(r#"{"ram": 2048, "ports": {}}"#), r#"{"ram":2048,"ports":[]}"#);
        assert_eq!([rest("{}"), rest("no json"), rest("1.50")], ["[]", "null", "1.5"]);
        let graphql = <JsonText as Shown<String>>::value(&"{}".to_owned(), Face::GraphQl);
        assert_eq!(graphql, Value::Object(Default::default()));
    }

    #[test]
    fn moments_are_written_as_chrono_does() {
        for seconds in [0, 951_782_399, 1_764_000_000, 253_402_300_799, 253_402_300_800, -62_167_219_201] {
            let at = DateTime::from_timestamp(seconds, 120_456_789).unwrap();
            assert_eq!(json(&ShopTime(at)), format!("\"{}\"", moment_text(at)));
        }
    }

    #[test]
    fn flags_differ_by_face() {
        assert_eq!(json(&Flag(true)), "1");
        assert_eq!(Flag(true).value(Face::GraphQl), Value::Boolean(true));
        assert_eq!(Flag(true).value(Face::Rest), Value::from(1));
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_back(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL, whole in any::<i64>()) {
            prop_assert_eq!(shortest(number).parse(), Ok(number));
            let mut text = Vec::new();
            write_int(whole, &mut text);
            prop_assert_eq!(String::from_utf8(text).unwrap().parse(), Ok(whole));
            let read = match float_value(number) {
                Value::Number(read) => read.as_f64(),
                _ => None,
            };
            prop_assert_eq!(read, Some(number));
        }

        #[test]
        fn amounts_have_two_decimals(amount in -1e10..1e10_f64, cents in -100_000_000_000..100_000_000_000_i64, any in proptest::num::f64::ANY) {
            let text = two_decimals(amount);
            let read: f64 = text.parse().unwrap();
            // The original looks at so many digits, and rounds twice.
            prop_assert!((read - amount).abs() <= 0.005_001 + amount.abs() * 1e-13, "{}", text);
            prop_assert!(text.split_once('.').is_some_and(|(_, cents)| cents.len() == 2));
            let written = two_decimals(cents as f64 / 100.0);
            let sign = if cents < 0 { "-" } else { "" };
            prop_assert_eq!(written, format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100));
            two_decimals(any);
        }

        #[test]
        fn nothing_is_never_negative(fraction in 0.0..0.005_f64) {
            prop_assert_eq!(two_decimals(-fraction), "0.00");
        }

        #[test]
        fn texts_are_decimals_or_refused(text in r"[+-]?[0-9_]{0,40}\.?[0-9]{0,40}(e[+-]?[0-9]{1,4})?|\PC*", number in -1e15..1e15_f64) {
            let parsed = Decimal::parse(Value::String(text));
            prop_assert!(parsed.is_err() || parsed.is_ok_and(|decimal| decimal.0.is_finite()));
            let read = Decimal::parse(Decimal(number).to_value());
            prop_assert!(read.is_ok_and(|read| (read.0 - number).abs() <= number.abs() * 1e-15));
        }

        #[test]
        fn moments_are_read_back(seconds in -62_167_219_200..253_402_300_800_i64, micros in 0..1_000_000_u32) {
            let at = DateTime::from_timestamp(seconds, micros * 1000).unwrap();
            let mut text = Vec::new();
            write_moment(at, &mut text);
            let text: String = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(&text, &moment_text(at));
            prop_assert_eq!(Moment::parse(Value::String(text)).ok(), Some(Moment(at)));
        }

        #[test]
        fn any_text_is_a_moment_or_refused(text in r"[0-9]{1,6}-[0-9]{1,3}-[0-9]{1,3}[T ][0-9:.]{0,20}(Z|[+-][0-9:]{0,6})?|\PC*") {
            if let Ok(moment) = Moment::parse(Value::String(text)) {
                moment.to_value();
            }
        }

        #[test]
        fn texts_of_json_are_shown(text in r#"[\[\]{}:,"a0-9.-]{0,30}|\PC*"#) {
            let mut out = Vec::new();
            <JsonText as Shown<String>>::json(&text, &mut out);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
        }
    }
}
