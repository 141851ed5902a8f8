//! Conditions on one column, by the type of its values.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{InputObject, InputType, TypeName};
use async_graphql::{InputValueError, InputValueResult, OutputType, Value as Given};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use sea_orm::sea_query::{ColumnType, Expr, ExprTrait};
use sea_orm::{Condition, DbBackend, Value};

use super::search::{comparable_text, contains, starts_with};
use super::{ColumnFilter, all_of, any_of};
use crate::column::Column;
use crate::record::{Day, Decimal, KeyOf, Moment, Record};
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

/// The operators that columns of all values have in common, as SQL. `$value` converts a given value.
macro_rules! equalities {
    ($filter:expr, $column:ident, $value:expr) => {{
        let value = $value;
        let values = |list: &Vec<_>| list.iter().map(value).collect::<Vec<_>>();
        Condition::all()
            .add_option($filter.eq.as_ref().map(|given| $column.expr().eq(value(given))))
            .add_option($filter.ne.as_ref().map(|given| $column.expr().ne(value(given))))
            .add_option($filter.r#in.as_ref().map(|list| $column.expr().is_in(values(list))))
            .add_option($filter.not_in.as_ref().map(|list| $column.expr().is_not_in(values(list))))
    }};
}

/// As `equalities!`, with the operators that columns of ordered values have in common.
macro_rules! comparisons {
    ($filter:expr, $column:ident, $value:expr) => {{
        let value = $value;
        equalities!($filter, $column, value)
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
    ($(#[$doc:meta])+ $Filter:ident, $Range:ident, $Input:ty, $compare:expr) => {
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
                let compare: fn(&Self, &Column, DbBackend) -> Condition = $compare;
                compare(self, column, backend).add_option(any_found(column, self.contains.as_ref(), backend, contains))
            }

            fn compared_values(&self) -> usize {
                length(self.r#in.as_ref()) + length(self.not_in.as_ref()) + length(self.contains.as_ref())
            }
        }
    };
}

/// [`comparisons!`] with the range.
macro_rules! range_comparisons {
    ($filter:ident, $column:ident, $value:expr) => {{
        let value = $value;
        let between = $filter.between.as_ref();
        comparisons!($filter, $column, value)
            .add_option(between.map(|range| $column.expr().between(value(&range.from), value(&range.to))))
    }};
}

ordered_filter!(
    /// Conditions on a whole number; all given ones must hold.
    IntFilter, IntRange, i64,
    |filter, column, _| range_comparisons!(filter, column, |number: &i64| *number)
);
ordered_filter!(
    /// Conditions on an amount; all given ones must hold.
    DecimalFilter, DecimalRange, Decimal,
    |filter, column, backend| range_comparisons!(filter, column, |number: &Decimal| decimal_value(number.0, column, backend))
);
ordered_filter!(
    /// Conditions on a day; all given ones must hold.
    DateFilter, DateRange, Day,
    |filter, column, _| range_comparisons!(filter, column, |day: &Day| value::ShopDate(day.0))
);
ordered_filter!(
    /// Conditions on a moment; all given ones must hold. Each value may be a day of the shop, such as `"2026-11-28"`: all of
    /// its moments, in the shop's time zone. So `eq` finds what is on that day, `gt` what is after it, `lte` what is on
    /// or before it.
    DateTimeFilter, DateTimeRange, MomentOrDay, |filter, column, _| {
        let spans = |list: &Vec<MomentOrDay>| list.iter().map(|given| given.span(column)).collect();
        let one = |given: &MomentOrDay, compare: fn(Span, &Column) -> Condition| compare(given.span(column), column);
        Condition::all()
            .add_option(filter.eq.as_ref().map(|given| one(given, Span::holds)))
            .add_option(filter.ne.as_ref().map(|given| one(given, Span::misses)))
            .add_option(filter.r#in.as_ref().map(|list| held_by_any(spans(list), column)))
            .add_option(filter.not_in.as_ref().map(|list| held_by_none(spans(list), column)))
            .add_option(filter.gt.as_ref().map(|given| one(given, Span::lies_before)))
            .add_option(filter.gte.as_ref().map(|given| one(given, Span::begins_before)))
            .add_option(filter.lt.as_ref().map(|given| one(given, Span::lies_behind)))
            .add_option(filter.lte.as_ref().map(|given| one(given, Span::ends_behind)))
            .add_option(filter.between.as_ref().map(|range| {
                range.from.span(column).begins_before(column).add(range.to.span(column).ends_behind(column))
            }))
            .add_option(null(column, filter.is_null))
    }
);

/// A value that moments are compared with: one of them, or a day of the shop. It is a `DateTime` in the schema.
#[derive(Clone, Copy, Debug)]
pub enum MomentOrDay {
    /// A moment.
    Moment(Moment),
    /// All moments of a day.
    Day(Day),
}

impl InputType for MomentOrDay {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Moment as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Moment as OutputType>::create_type_info(registry)
    }

    fn parse(given: Option<Given>) -> InputValueResult<Self> {
        if let Some(Given::String(text)) = &given
            && let Some(day) = Day::read(text)
        {
            return Ok(Self::Day(day));
        }
        Moment::parse(given).map(Self::Moment).map_err(InputValueError::propagate)
    }

    fn to_value(&self) -> Given {
        match self {
            Self::Moment(moment) => moment.to_value(),
            Self::Day(day) => day.to_value(),
        }
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl MomentOrDay {
    /// What the column holds at this time. A column of days holds the day of a moment in the shop.
    fn span(&self, column: &Column) -> Span {
        match (self, &column.ty) {
            (Self::Day(Day(day)), ColumnType::Date) => Span::One(value::ShopDate(*day).into()),
            (Self::Day(Day(day)), _) => {
                let midnight =
                    |day: NaiveDate| value::LocalTime(stored_local(day.and_time(NaiveTime::MIN))).into();
                Span::Day(midnight(*day), midnight(day.checked_add_days(Days::new(1)).unwrap_or(*day)))
            }
            (Self::Moment(at), ColumnType::Date) => {
                let day = value::ShopTime(stored_moment(at.0)).local().date();
                Span::One(value::ShopDate(day).into())
            }
            (Self::Moment(at), _) => Span::One(value::ShopTime(stored_moment(at.0)).into()),
        }
    }
}

/// The stored values that a value stands for: one of them, or all from a midnight until before the next.
#[derive(Clone)]
enum Span {
    One(Value),
    Day(Value, Value),
}

/// Comparisons of a column with the times of a span, as SQL.
impl Span {
    fn holds(self, column: &Column) -> Condition {
        match self {
            Self::One(at) => Condition::all().add(column.expr().eq(at)),
            Self::Day(..) => self.clone().begins_before(column).add(self.ends_behind(column)),
        }
    }

    fn misses(self, column: &Column) -> Condition {
        match self {
            Self::One(at) => Condition::all().add(column.expr().ne(at)),
            Self::Day(..) => {
                Condition::any().add(self.clone().lies_behind(column)).add(self.lies_before(column))
            }
        }
    }

    /// The whole span is before the column.
    fn lies_before(self, column: &Column) -> Condition {
        Condition::all().add(match self {
            Self::One(at) => column.expr().gt(at),
            Self::Day(_, next) => column.expr().gte(next),
        })
    }

    /// The span begins before the column, or with it.
    fn begins_before(self, column: &Column) -> Condition {
        Condition::all().add(match self {
            Self::One(at) => column.expr().gte(at),
            Self::Day(first, _) => column.expr().gte(first),
        })
    }

    /// The whole span is behind the column.
    fn lies_behind(self, column: &Column) -> Condition {
        Condition::all().add(match self {
            Self::One(at) => column.expr().lt(at),
            Self::Day(first, _) => column.expr().lt(first),
        })
    }

    /// The span ends behind the column, or with it.
    fn ends_behind(self, column: &Column) -> Condition {
        Condition::all().add(match self {
            Self::One(at) => column.expr().lte(at),
            Self::Day(_, next) => column.expr().lt(next),
        })
    }
}

/// The single values of a list, which are compared as one list, and its days.
fn singles_and_days(spans: Vec<Span>) -> (Vec<Value>, Vec<Span>) {
    let (mut singles, mut days) = (Vec::new(), Vec::new());
    for span in spans {
        match span {
            Span::One(single) => singles.push(single),
            day @ Span::Day(..) => days.push(day),
        }
    }
    (singles, days)
}

fn held_by_any(spans: Vec<Span>, column: &Column) -> Condition {
    let (singles, days) = singles_and_days(spans);
    let mut parts: Vec<Condition> = days.into_iter().map(|day| day.holds(column)).collect();
    parts.push(Condition::all().add(column.expr().is_in(singles)));
    any_of(parts)
}

fn held_by_none(spans: Vec<Span>, column: &Column) -> Condition {
    let (singles, days) = singles_and_days(spans);
    let mut parts: Vec<Condition> = days.into_iter().map(|day| day.misses(column)).collect();
    parts.push(Condition::all().add(column.expr().is_not_in(singles)));
    all_of(parts)
}

/// The nearest moment that every database compares rightly. In the shop's zone, a moment at the end of year 9999 would be of
/// year 10000, whose text sorts before all others. No column of moments holds anything outside of these bounds.
fn stored_moment(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = at.timestamp().clamp(FIRST_SECOND, LAST_SECOND);
    if seconds == at.timestamp() { at } else { DateTime::from_timestamp(seconds, 0).unwrap_or(at) }
}

/// 1000-01-02 and 9999-12-30, the bounds of MySQL's DATETIME with a day to spare for the zone.
const FIRST_SECOND: i64 = -30_610_137_600;
const LAST_SECOND: i64 = 253_402_128_000;

/// The same for a local time.
fn stored_local(at: NaiveDateTime) -> NaiveDateTime {
    stored_moment(at.and_utc()).naive_utc()
}

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

/// Conditions on a word of the enum or code `W`; all given ones must hold. The type is called as that, and `Filter`.
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

impl<W: InputType> TypeName for WordFilter<W> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Filter", W::type_name()).into()
    }
}

impl<W: InputType + Clone + Into<String> + PartialEq> WordFilter<W> {
    /// Whether the conditions hold for a value that is this word.
    pub fn holds(&self, word: &W) -> bool {
        let stored: String = word.clone().into();
        let is_found = |texts: &Vec<String>| texts.iter().any(|text| stored.contains(&text.to_lowercase()));
        self.eq.as_ref().is_none_or(|given| given == word)
            && self.ne.as_ref().is_none_or(|given| given != word)
            && self.r#in.as_ref().is_none_or(|list| list.contains(word))
            && self.not_in.as_ref().is_none_or(|list| !list.contains(word))
            && self.contains.as_ref().is_none_or(is_found)
            && self.is_null != Some(true)
    }
}

impl<W: InputType + Clone + Into<String>> ColumnFilter for WordFilter<W> {
    fn condition(&self, column: &Column, backend: DbBackend) -> Condition {
        equalities!(self, column, |word: &W| -> String { word.clone().into() })
            .add_option(any_found(column, self.contains.as_ref(), backend, contains))
            .add_option(null(column, self.is_null))
    }

    fn compared_values(&self) -> usize {
        length(self.r#in.as_ref()) + length(self.not_in.as_ref()) + length(self.contains.as_ref())
    }
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
        equalities!(self, column, |key: &KeyOf<T>| key.id.0)
            .add_option(any_found(column, self.contains.as_ref(), backend, contains))
            .add_option(null(column, self.is_null))
    }

    fn compared_values(&self) -> usize {
        length(self.r#in.as_ref()) + length(self.not_in.as_ref()) + length(self.contains.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Query, SqliteQueryBuilder};

    use super::*;

    /// The condition on a column of days or of moments, as SQL.
    fn sql(ty: ColumnType, filter: &DateTimeFilter) -> String {
        let mut column = Column::of(crate::toy::book::Column::BoughtAt);
        column.ty = ty;
        let condition = filter.condition(&column, DbBackend::Sqlite);
        let sql = Query::select().cond_where(condition).to_string(SqliteQueryBuilder);
        sql.replace("\"books\".\"bought_at\"", "at").replace("SELECT  WHERE ", "")
    }

    fn given(text: &str) -> Option<MomentOrDay> {
        MomentOrDay::parse(Some(Given::from(text))).ok()
    }

    /// SQLite compares texts: a day is less than its own midnight.
    #[test]
    fn columns_of_days_are_compared_with_days() {
        for (text, day) in [("2026-11-28", "2026-11-28"), ("2026-11-27T23:30:00Z", "2026-11-28")] {
            let filter = DateTimeFilter { eq: given(text), lt: given(text), ..DateTimeFilter::default() };
            let expected = format!("at = '{day}' AND at < '{day}'");
            assert_eq!(sql(ColumnType::Date, &filter), expected, "{text}");
        }
    }

    #[test]
    fn a_day_is_from_midnight_to_midnight() {
        let filter = DateTimeFilter { eq: given("2026-11-28"), ..DateTimeFilter::default() };
        let expected = "at >= '2026-11-28 00:00:00.000000' AND at < '2026-11-29 00:00:00.000000'";
        assert_eq!(sql(ColumnType::DateTime, &filter), expected);
    }
}
