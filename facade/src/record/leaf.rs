//! How values of the column types are written.
//!
//! GraphQL and REST differ in a few places (docs/architecture.md, "What GraphQL shows and what REST prints"): booleans
//! without a cast are `0`/`1` in REST, prices are numbers in REST and exact texts in GraphQL, words are lower case in
//! REST and enum values in GraphQL. Each difference is declared here, once.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, Number, OutputType, Positioned,
    Scalar, ScalarType, ServerResult, Value,
};
use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use value::{Amount, Flag, Id, Int, Price, ShopDate, ShopTime};

use super::cell::Cell;
use super::money::{AmountCell, amount_text};
use super::rendering::Rendering;
use super::rest_form::JsonType;
use super::scalar::{self, Day};
use crate::api::{Api, Dialect, Times};
use crate::execution::Execution;
use crate::json::{write_float, write_str};

/// A type of columns that is a leaf type in GraphQL, a scalar or an enum.
pub trait Leaf {
    /// How cells of this type are written.
    fn rendering() -> Rendering;
    /// Registers the GraphQL type and returns its name.
    fn register(registry: &mut Registry) -> String {
        (Self::rendering().register)(registry)
    }
}

/// A rendering of a column other than that of its type: `column shown Form` in [`record!`](crate::record!).
pub trait CustomRendering {
    /// How cells of the column are written.
    fn rendering() -> Rendering;
}

/// A text column that contains JSON, decoded (docs/contract/wire.md#6).
pub struct JsonText;

impl CustomRendering for JsonText {
    fn rendering() -> Rendering {
        Rendering::JSON
    }
}

/// A word of the enum `W` that the contract of REST calls a text, without a list of words.
pub struct TextWord<W>(PhantomData<W>);

impl<W: OutputType> CustomRendering for TextWord<W> {
    fn rendering() -> Rendering {
        Rendering { json_type: JsonType::Text, ..Rendering::word(W::create_type_info) }
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
            // rust_decimal takes `1_000` for a number.
            Value::String(text) if !text.contains('_') => {
                text.parse::<rust_decimal::Decimal>().ok().and_then(|exact| exact.try_into().ok())
            }
            Value::Number(number) => number.as_f64(),
            _ => None,
        };
        parsed.map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        price_value(self.0, Api::GraphQl)
    }
}

impl From<Decimal> for f64 {
    fn from(decimal: Decimal) -> Self {
        decimal.0
    }
}

impl From<Decimal> for Price {
    fn from(decimal: Decimal) -> Self {
        Self(decimal.0)
    }
}

impl From<Decimal> for Amount {
    fn from(decimal: Decimal) -> Self {
        Self(decimal.0)
    }
}

/// A moment in UTC: `2026-11-23T12:00:00.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl Moment {
    const NAME: &'static str = "DateTime";

    /// Registers the scalar and returns its name.
    pub(crate) fn register(registry: &mut Registry) -> String {
        scalar::register::<Self>(
            registry,
            "A moment in UTC: `2026-11-23T12:00:00.000000Z`. Inputs may have another offset from UTC; where it is said, they may be a \
             day.",
            "https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        )
    }
}

impl InputType for Moment {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let wrong = || InputValueError::custom("a moment is written as in `2026-11-23T12:00:00Z`");
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
        // chrono reads a leap second, which no database stores.
        if at.nanosecond() >= 1_000_000_000 { Err(wrong()) } else { Ok(Self(at.to_utc())) }
    }

    fn to_value(&self) -> Value {
        Value::String(moment_text(self.0))
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl OutputType for Moment {
    fn type_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let local = is_local(Execution::of(ctx).api);
        Ok(Value::String(if local { local_text(self.0) } else { moment_text(self.0) }))
    }
}

/// Whether an API writes moments in the zone of the local times in the database.
const fn is_local(api: Api) -> bool {
    matches!(api, Api::Rest(Dialect { times: Times::Local }))
}

/// A moment in the zone of the database's local times, to the second: `2026-11-23T13:00:00+01:00`.
fn local_text(at: DateTime<Utc>) -> String {
    at.with_timezone(&value::zone()).to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn moment_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Writes [`moment_text`] as a JSON string. Lists have many moments, and chrono's own formatting takes ten times as
/// long.
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

fn float_value(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number well inside the range")]
        return Value::Number((number as i64).into());
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A price as a value: a text in GraphQL, a number in REST.
pub(super) fn price_value(price: f64, api: Api) -> Value {
    match api {
        Api::GraphQl if price.is_finite() => Value::String(shortest(price)),
        // Infinity and NaN are null in both APIs.
        Api::GraphQl | Api::Rest(_) => float_value(price),
    }
}

fn write_price(price: f64, api: Api, out: &mut Vec<u8>) {
    match api {
        Api::GraphQl if price.is_finite() => write_str(&shortest(price), out),
        // Infinity and NaN are null in both APIs.
        Api::GraphQl | Api::Rest(_) => write_float(price, out),
    }
}

/// The moment of a cell with a local time, or the midnight of a day.
fn moment(cell: Cell<'_>) -> Option<DateTime<Utc>> {
    match cell {
        Cell::Local(at) => Some(ShopTime::from_local(at).0),
        Cell::Day(day) => Some(ShopDate(day).midnight()),
        _ => None,
    }
}

macro_rules! leaf {
    ($($type:ty => $rendering:expr),* $(,)?) => {
        $(impl Leaf for $type {
            fn rendering() -> Rendering {
                $rendering
            }
        })*
    };
}

const MOMENT: Rendering = Rendering {
    json: |cell, api, out| match moment(cell) {
        Some(at) if is_local(api) => write_str(&local_text(at), out),
        Some(at) => write_moment(at, out),
        None => out.extend_from_slice(b"null"),
    },
    ..Rendering::of::<Moment>()
};

leaf!(
    Id => Rendering::INT,
    Int => Rendering::INT,
    String => Rendering::TEXT,
    bool => Rendering::BOOL,
    Flag => Rendering::FLAG,
    Price => Rendering {
        json: |cell, api, out| write_price(Price::shortest(cell.float().unwrap_or_default()), api, out),
        json_type: JsonType::Number,
        ..Rendering::of::<Decimal>()
    },
    f64 => Rendering {
        json: |cell, api, out| write_price(cell.float().unwrap_or_default(), api, out),
        json_type: JsonType::Number,
        ..Rendering::of::<Decimal>()
    },
    Amount => Rendering {
        json: |cell, _, out| write_str(&amount_text(cell.float().unwrap_or_default(), 2), out),
        ..Rendering::of::<Decimal>()
    },
    ShopTime => MOMENT,
    // REST writes the moment at which the day begins, as the original does.
    ShopDate => Rendering {
        json: |cell, api, out| match (cell, api) {
            (Cell::Day(day), Api::GraphQl) => write_str(&Day(day).text(), out),
            _ => (MOMENT.json)(cell, api, out),
        },
        ..Rendering::of::<Day>()
    },
);

impl AmountCell for Price {
    fn amount(cell: Cell<'_>) -> Option<f64> {
        cell.float().map(Self::shortest)
    }
}

impl AmountCell for f64 {
    fn amount(cell: Cell<'_>) -> Option<f64> {
        cell.float()
    }
}

impl AmountCell for Amount {
    fn amount(cell: Cell<'_>) -> Option<f64> {
        cell.float()
    }
}

impl<T: AmountCell> AmountCell for Option<T> {
    fn amount(cell: Cell<'_>) -> Option<f64> {
        T::amount(cell)
    }
}

impl<T: Leaf> Leaf for Option<T> {
    fn rendering() -> Rendering {
        T::rendering().or_null()
    }

    fn register(registry: &mut Registry) -> String {
        T::register(registry).trim_end_matches('!').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_that_is_no_number_is_null() {
        for api in [Api::GraphQl, Api::REST] {
            let mut out = Vec::new();
            write_price(f64::INFINITY, api, &mut out);
            assert_eq!((out.as_slice(), price_value(f64::INFINITY, api)), (&b"null"[..], Value::Null));
        }
        assert_eq!(ScalarType::to_value(&Decimal(f64::NAN)), Value::Null);
    }

    /// The JSON text of a cell in GraphQL and in REST.
    fn shown<L: Leaf>(cell: Cell<'_>) -> [String; 2] {
        let rendering = L::rendering();
        [Api::GraphQl, Api::REST].map(|api| {
            let mut json = Vec::new();
            (rendering.json)(cell, api, &mut json);
            String::from_utf8(json).unwrap()
        })
    }

    #[test]
    fn prices_are_numbers_in_rest_and_exact_texts_in_graphql() {
        assert_eq!(shown::<Price>(Cell::Float(10.0)), ["\"10\"", "10"]);
        assert_eq!(shown::<Price>(Cell::Float(f64::from(2.99_f32))), ["\"2.99\"", "2.99"]);
        assert_eq!(shown::<f64>(Cell::Float(2.5)), ["\"2.5\"", "2.5"]);
        assert_eq!(shown::<Amount>(Cell::Float(12.5)), ["\"12.50\""; 2]);
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
        assert_eq!(amounts.map(|amount| amount_text(amount, 2)), texts);
    }

    #[test]
    fn moments_are_written_as_chrono_does() {
        for seconds in [0, 951_782_399, 1_764_000_000, 253_402_300_799, 253_402_300_800, -62_167_219_201] {
            let at = DateTime::from_timestamp(seconds, 120_456_789).unwrap();
            let mut text = Vec::new();
            write_moment(at, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), format!("\"{}\"", moment_text(at)));
        }
    }

    #[test]
    fn moments_are_of_the_shops_zone() {
        let at = DateTime::from_timestamp(1_764_000_000, 0).unwrap();
        let cell = Cell::Local(ShopTime(at).local());
        assert_eq!(shown::<ShopTime>(cell), ["\"2025-11-24T16:00:00.000000Z\""; 2]);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_back(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(shortest(number).parse(), Ok(number));
            let read = match float_value(number) {
                Value::Number(read) => read.as_f64(),
                _ => None,
            };
            prop_assert_eq!(read, Some(number));
        }

        #[test]
        fn amounts_have_two_decimals(amount in -1e10..1e10_f64, cents in -100_000_000_000..100_000_000_000_i64, any in proptest::num::f64::ANY) {
            let text = amount_text(amount, 2);
            let read: f64 = text.parse().unwrap();
            // The original uses only [`SIGNIFICANT`] digits, and rounds twice.
            prop_assert!((read - amount).abs() <= 0.005_001 + amount.abs() * 1e-13, "{}", text);
            prop_assert!(text.split_once('.').is_some_and(|(_, cents)| cents.len() == 2));
            let written = amount_text(cents as f64 / 100.0, 2);
            let sign = if cents < 0 { "-" } else { "" };
            prop_assert_eq!(written, format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100));
            amount_text(any, 2);
        }

        #[test]
        fn a_rounded_zero_has_no_sign(fraction in 0.0..0.005_f64) {
            prop_assert_eq!(amount_text(-fraction, 2), "0.00");
        }

        #[test]
        fn texts_are_decimals_or_refused(text in r"[+-]?[0-9_]{0,40}\.?[0-9]{0,40}(e[+-]?[0-9]{1,4})?|\PC*", number in -1e15..1e15_f64) {
            let parsed = <Decimal as ScalarType>::parse(Value::String(text));
            prop_assert!(parsed.is_err() || parsed.is_ok_and(|decimal| decimal.0.is_finite()));
            let read = <Decimal as ScalarType>::parse(ScalarType::to_value(&Decimal(number)));
            prop_assert!(read.is_ok_and(|read| (read.0 - number).abs() <= number.abs() * 1e-15));
        }

        #[test]
        fn moments_are_read_back(seconds in -62_167_219_200..253_402_300_800_i64, micros in 0..1_000_000_u32) {
            let at = DateTime::from_timestamp(seconds, micros * 1000).unwrap();
            let mut text = Vec::new();
            write_moment(at, &mut text);
            let text: String = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(&text, &moment_text(at));
            prop_assert_eq!(Moment::parse(Some(Value::String(text))).ok(), Some(Moment(at)));
        }

        #[test]
        fn any_text_is_a_moment_or_refused(text in r"[0-9]{1,6}-[0-9]{1,3}-[0-9]{1,3}[T ][0-9:.]{0,20}(Z|[+-][0-9:]{0,6})?|\PC*") {
            if let Ok(moment) = Moment::parse(Some(Value::String(text))) {
                moment.to_value();
            }
        }
    }
}
