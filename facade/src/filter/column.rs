//! Conditions on one column, by the type of its values.

use std::borrow::Cow;

use async_graphql::{InputObject, InputType, TypeName};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ColumnType, Expr, ExprTrait};
use sea_orm::{Condition, DbBackend, Value};

use super::search::{comparable_text, contains, starts_with};
use super::{ColumnFilter, any_of};
use crate::column::Column;
use crate::record::{Decimal, KeyOf, Moment, Record};
use crate::rest_only::RestOnly;

/// At least one of these texts is found by `search`; no condition if there is no list.
fn any_found(
    column: &Column,
    texts: Option<&Vec<String>>,
    backend: DbBackend,
    search: fn(&Column, &str, DbBackend) -> Expr,
) -> Option<Condition> {
    let one = |text: &String| Condition::all().add(search(column, text, backend));
    Some(any_of(texts?.iter().map(one).collect()))
}

fn length<T>(list: Option<&Vec<T>>) -> usize {
    list.map_or(0, Vec::len)
}

/// SQL for: the column has no value, or has one.
fn null(column: &Column, is_null: Option<bool>) -> Option<Expr> {
    is_null.map(|is_null| if is_null { column.expr().is_null() } else { column.expr().is_not_null() })
}

/// The operators that columns of ordered values have in common, as SQL. `$value` converts a given value.
macro_rules! comparisons {
    ($filter:expr, $column:ident, $value:expr) => {{
        let value = $value;
        let values = |list: &Vec<_>| list.iter().map(value).collect::<Vec<_>>();
        Condition::all()
            .add_option($filter.eq.as_ref().map(|given| $column.expr().eq(value(given))))
            .add_option($filter.ne.as_ref().map(|given| $column.expr().ne(value(given))))
            .add_option($filter.r#in.as_ref().map(|list| $column.expr().is_in(values(list))))
            .add_option($filter.not_in.as_ref().map(|list| $column.expr().is_not_in(values(list))))
            .add_option($filter.gt.as_ref().map(|given| $column.expr().gt(value(given))))
            .add_option($filter.gte.as_ref().map(|given| $column.expr().gte(value(given))))
            .add_option($filter.lt.as_ref().map(|given| $column.expr().lt(value(given))))
            .add_option($filter.lte.as_ref().map(|given| $column.expr().lte(value(given))))
            .add_option(null($column, $filter.is_null))
    }};
}

/// Conditions on a text; all given ones must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TextFilter {
    /// Equal to this text.
    pub eq: Option<String>,
    /// Not equal to this text; rows without a value don't count.
    pub ne: Option<String>,
    /// Equal to one of these texts.
    pub r#in: Option<Vec<String>>,
    /// Equal to none of these texts; rows without a value don't count.
    pub not_in: Option<Vec<String>>,
    /// Behind this text in the order of the database.
    pub gt: Option<String>,
    /// This text, or behind it in the order of the database.
    pub gte: Option<String>,
    /// Before this text in the order of the database.
    pub lt: Option<String>,
    /// This text, or before it in the order of the database.
    pub lte: Option<String>,
    /// Holds one of these texts, in any case.
    pub contains: Option<Vec<String>>,
    /// Starts with one of these texts, in any case.
    pub starts_with: Option<Vec<String>>,
    /// Has no value (or has one, for `false`).
    pub is_null: Option<bool>,
}

impl ColumnFilter for TextFilter {
    fn condition(&self, column: &Column, backend: DbBackend) -> Condition {
        comparisons!(self, column, |given: &String| comparable_text(given, backend))
            .add_option(any_found(column, self.contains.as_ref(), backend, contains))
            .add_option(any_found(column, self.starts_with.as_ref(), backend, starts_with))
    }

    fn compared_values(&self) -> usize {
        [&self.r#in, &self.not_in, &self.contains, &self.starts_with]
            .map(|list| length(list.as_ref()))
            .iter()
            .sum()
    }
}

macro_rules! ordered_filter {
    ($(#[$doc:meta])+ $Filter:ident, $Range:ident, $Input:ty, $convert:expr) => {
        $(#[$doc])+
        #[derive(Clone, Debug, Default, InputObject)]
        pub struct $Filter {
            /// Equal to this.
            pub eq: Option<$Input>,
            /// Not equal to this; rows without a value don't count.
            pub ne: Option<$Input>,
            /// Equal to one of these.
            pub r#in: Option<Vec<$Input>>,
            /// Equal to none of these; rows without a value don't count.
            pub not_in: Option<Vec<$Input>>,
            /// Greater than this.
            pub gt: Option<$Input>,
            /// Greater than or equal to this.
            pub gte: Option<$Input>,
            /// Less than this.
            pub lt: Option<$Input>,
            /// Less than or equal to this.
            pub lte: Option<$Input>,
            /// Within these bounds.
            pub between: Option<$Range>,
            /// Holds one of these texts, in any case, as the column is stored.
            #[graphql(directive = RestOnly::apply())]
            pub contains: Option<Vec<String>>,
            /// Has no value (or has one, for `false`).
            pub is_null: Option<bool>,
        }

        /// Bounds of values; both belong to the range.
        #[derive(Clone, Debug, InputObject)]
        pub struct $Range {
            /// The smallest value.
            pub from: $Input,
            /// The largest value.
            pub to: $Input,
        }

        impl ColumnFilter for $Filter {
            fn condition(&self, column: &Column, backend: DbBackend) -> Condition {
                let convert: fn(&$Input, &Column, DbBackend) -> Value = $convert;
                let value = |given: &$Input| convert(given, column, backend);
                comparisons!(self, column, value)
                    .add_option(self.between.as_ref().map(|range| column.expr().between(value(&range.from), value(&range.to))))
                    .add_option(any_found(column, self.contains.as_ref(), backend, contains))
            }

            fn compared_values(&self) -> usize {
                length(self.r#in.as_ref()) + length(self.not_in.as_ref()) + length(self.contains.as_ref())
            }
        }
    };
}

ordered_filter!(
    /// Conditions on a whole number; all given ones must hold.
    IntFilter, IntRange, i64, |number, _, _| (*number).into()
);
ordered_filter!(
    /// Conditions on an amount; all given ones must hold.
    DecimalFilter, DecimalRange, Decimal, |number, column, backend| decimal_value(number.0, column, backend)
);
ordered_filter!(
    /// Conditions on a moment; all given ones must hold.
    DateTimeFilter, DateTimeRange, Moment, |at, column, _| {
        let at = value::ShopTime(stored_moment(at.0));
        // A column of days is compared with the shop's day of the moment.
        if column.ty == ColumnType::Date { at.local().date().into() } else { at.into() }
    }
);

/// The nearest moment that every database compares rightly. In the shop's zone, a moment at the end of year 9999 would be of
/// year 10000, whose text sorts before all others. No column of moments holds anything outside of these bounds.
fn stored_moment(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = at.timestamp().clamp(FIRST_SECOND, LAST_SECOND);
    if seconds == at.timestamp() { at } else { DateTime::from_timestamp(seconds, 0).unwrap_or(at) }
}

/// 1000-01-02 and 9999-12-30, the bounds of MySQL's DATETIME with a day to spare for the zone.
const FIRST_SECOND: i64 = -30_610_137_600;
const LAST_SECOND: i64 = 253_402_128_000;

/// An amount in the precision of its column. SQLite has no single precision.
fn decimal_value(number: f64, column: &Column, backend: DbBackend) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the column holds no more")]
    match (&column.ty, backend) {
        (ColumnType::Float, DbBackend::MySql | DbBackend::Postgres) => (number as f32).into(),
        _ => number.into(),
    }
}

/// Conditions on a yes or no; all given ones must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BooleanFilter {
    /// Equal to this.
    pub eq: Option<bool>,
    /// The stored `1` or `0` contains one of these texts.
    #[graphql(directive = RestOnly::apply())]
    pub contains: Option<Vec<String>>,
}

impl ColumnFilter for BooleanFilter {
    fn condition(&self, column: &Column, _: DbBackend) -> Condition {
        let holds = |stored: &str| {
            self.contains
                .as_ref()
                .is_some_and(|texts| texts.iter().any(|text| stored.contains(text.as_str())))
        };
        let texts = self.contains.as_ref().map(|_| {
            let values = [(true, holds("1")), (false, holds("0"))];
            column.expr().is_in(values.into_iter().filter_map(|(value, held)| held.then_some(value)))
        });
        Condition::all().add_option(self.eq.map(|given| column.expr().eq(given))).add_option(texts)
    }

    fn compared_values(&self) -> usize {
        0
    }
}

/// Conditions on a word of the enum `W`; all given ones must hold. The type is called as the enum, and `Filter`.
#[derive(Clone, Debug, InputObject)]
#[graphql(name_type)]
pub struct WordFilter<W: InputType> {
    /// Equal to this.
    pub eq: Option<W>,
    /// Not equal to this.
    pub ne: Option<W>,
    /// Equal to one of these.
    pub r#in: Option<Vec<W>>,
    /// Equal to none of these.
    pub not_in: Option<Vec<W>>,
    /// Holds one of these texts, in any case, as the word is stored.
    #[graphql(directive = RestOnly::apply())]
    pub contains: Option<Vec<String>>,
    /// Has no value (or has one, for `false`).
    pub is_null: Option<bool>,
}

/// Conditions on a key of the record `T`; all given ones must hold. The type is called as the record, and `IdFilter`.
#[derive(Clone, Debug, InputObject)]
#[graphql(name_type)]
pub struct KeyFilter<T: Record> {
    /// This record.
    pub eq: Option<KeyOf<T>>,
    /// Another record; rows without a value don't count.
    pub ne: Option<KeyOf<T>>,
    /// One of these records.
    pub r#in: Option<Vec<KeyOf<T>>>,
    /// None of these records; rows without a value don't count.
    pub not_in: Option<Vec<KeyOf<T>>>,
    /// Holds one of these texts, as the key is stored.
    #[graphql(directive = RestOnly::apply())]
    pub contains: Option<Vec<String>>,
    /// Has no value (or has one, for `false`).
    pub is_null: Option<bool>,
}

impl<T: Record> TypeName for KeyFilter<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}IdFilter", T::NAME).into()
    }
}

impl<T: Record> ColumnFilter for KeyFilter<T> {
    fn condition(&self, column: &Column, backend: DbBackend) -> Condition {
        let keys = |list: &Vec<KeyOf<T>>| list.iter().map(|key| key.id.0).collect::<Vec<i64>>();
        Condition::all()
            .add_option(self.eq.map(|key| column.expr().eq(key.id.0)))
            .add_option(self.ne.map(|key| column.expr().ne(key.id.0)))
            .add_option(self.r#in.as_ref().map(|list| column.expr().is_in(keys(list))))
            .add_option(self.not_in.as_ref().map(|list| column.expr().is_not_in(keys(list))))
            .add_option(any_found(column, self.contains.as_ref(), backend, contains))
            .add_option(null(column, self.is_null))
    }

    fn compared_values(&self) -> usize {
        length(self.r#in.as_ref()) + length(self.not_in.as_ref()) + length(self.contains.as_ref())
    }
}

impl<W: InputType> TypeName for WordFilter<W> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Filter", W::type_name()).into()
    }
}

impl<W: InputType + Copy + Into<String>> ColumnFilter for WordFilter<W> {
    fn condition(&self, column: &Column, backend: DbBackend) -> Condition {
        let words = |list: &Vec<W>| list.iter().map(|word| (*word).into()).collect::<Vec<String>>();
        Condition::all()
            .add_option(self.eq.map(|word| column.expr().eq(word.into())))
            .add_option(self.ne.map(|word| column.expr().ne(word.into())))
            .add_option(self.r#in.as_ref().map(|list| column.expr().is_in(words(list))))
            .add_option(self.not_in.as_ref().map(|list| column.expr().is_not_in(words(list))))
            .add_option(any_found(column, self.contains.as_ref(), backend, contains))
            .add_option(null(column, self.is_null))
    }

    fn compared_values(&self) -> usize {
        length(self.r#in.as_ref()) + length(self.not_in.as_ref()) + length(self.contains.as_ref())
    }
}
