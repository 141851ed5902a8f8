//! The order of a list, and positions in it.
//!
//! A position is what the order compares of a row, as the database itself tells it, with the primary
//! key last. So a list goes on behind a row whatever was inserted, changed or deleted meanwhile, the
//! row itself included. That is why a position holds the values and not the key alone, from which a
//! subselect could find them: it would lose its place with its row, and move with it.

use chrono::{Datelike, NaiveDate};
use sea_orm::sea_query::{
    CaseStatement, ColumnType, Expr, ExprTrait, NullOrdering, SelectStatement, SimpleExpr,
};
use sea_orm::{Condition, DbBackend, DbErr, Order as SqlOrder, QueryResult, Value};
use serde_json::Value as Json;
use value::{Id, Int, LocalTime};

use crate::collation::{collated, sort_key, word_positions};
use crate::column::Column;
use crate::filter::{Direction, SortKey, equals};

/// What of a long text is compared: MariaDB itself sorts by little more, and a cursor holds it.
const MAX_PREFIX_LETTERS: u16 = 255;
/// Name of the field that shows the primary key.
const PRIMARY_KEY_FIELD: &str = "databaseId";
/// Years that every database can compare with.
const COMPARABLE_YEARS: std::ops::RangeInclusive<i32> = 0..=9999;

/// What a list is ordered by, the primary key last.
pub(super) struct Order {
    terms: Vec<Term>,
}

enum Term {
    /// Rows first whose column equals a text.
    Exact(Column, String),
    Key(SortKey),
}

/// A position: a value of each term, none for null.
pub(super) type Position = Vec<Option<Value>>;

/// Which side of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Behind it.
    After,
    /// Before it.
    Before,
}

/// How the values of a term travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueType {
    Int,
    Real,
    Text,
    Bool,
    Time,
    Date,
}

/// A term as a database compares it.
struct SqlTerm {
    /// What is compared.
    compared: SimpleExpr,
    /// The same, as it is read.
    read: SimpleExpr,
    /// The same, as it is stored, where that is something else.
    stored: Option<SimpleExpr>,
    kind: ValueType,
    nullable: bool,
    descending: bool,
}

impl Order {
    pub(super) fn new() -> Self {
        Self { terms: Vec::new() }
    }

    /// Orders by one key more, unless rows are ordered by it already: nothing tells more than the primary key.
    pub(super) fn add(&mut self, key: SortKey) {
        let known = |term: &Term| matches!(term, Term::Key(known) if known.name == key.name || known.name == PRIMARY_KEY_FIELD);
        if !self.terms.iter().any(known) {
            self.terms.push(Term::Key(key));
        }
    }

    /// Orders by the primary key last of all.
    pub(super) fn add_primary_key(&mut self, column: Column) {
        self.add(SortKey { name: PRIMARY_KEY_FIELD, column, words: &[], direction: Direction::Asc });
    }

    /// Puts rows first whose column equals the text.
    pub(super) fn exact_first(&mut self, column: Column, text: &str) {
        self.terms.push(Term::Exact(column, text.to_owned()));
    }

    /// Whether rows are ordered by their primary key and nothing else.
    pub(super) fn is_by_key(&self) -> bool {
        matches!(self.terms.as_slice(), [Term::Key(key)] if key.name == PRIMARY_KEY_FIELD)
    }

    /// Names of the fields that the order compares.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.terms.iter().filter_map(|term| match term {
            Term::Key(key) => Some(key.name),
            Term::Exact(..) => None,
        })
    }

    /// Tells this order of `list` from others.
    pub(super) fn signature(&self, list: &str) -> u32 {
        let terms = self.terms.iter().fold(list.to_owned(), |text, term| match term {
            Term::Exact(_, exact) => format!("{text}\n={exact}"),
            Term::Key(key) => format!("{text}\n{} {:?}", key.name, key.direction),
        });
        crc32fast::hash(terms.as_bytes())
    }

    /// The rows in their order, for pages by number: texts in the shop's order.
    pub(super) fn sort_for_pages(&self, select: &mut SelectStatement, backend: DbBackend) {
        for term in &self.terms {
            match term {
                Term::Exact(column, text) => {
                    select.order_by_expr(equals(column, text, backend), SqlOrder::Desc);
                }
                Term::Key(key) => {
                    let descending = key.direction == Direction::Desc;
                    let by = sort_key(&key.column, key.words, backend);
                    add_order_by(select, by, key.column.nullable, descending, backend);
                }
            }
        }
    }

    /// The rows in that order, where nobody goes on behind a position: a `timestamp` is sorted as it is stored, which
    /// the database can tell sooner than how it is shown. Two moments of the hour that autumn repeats are two then.
    pub(super) fn sort_by_stored_values(&self, select: &mut SelectStatement, backend: DbBackend) {
        for term in self.sql_terms(backend) {
            add_order_by(
                select,
                term.stored.unwrap_or(term.compared),
                term.nullable,
                term.descending,
                backend,
            );
        }
    }

    /// The rows in the order in which positions are compared, or from its end.
    pub(super) fn sort_for_cursors(&self, select: &mut SelectStatement, reversed: bool, backend: DbBackend) {
        for term in self.sql_terms(backend) {
            add_order_by(select, term.compared, term.nullable, term.descending != reversed, backend);
        }
    }

    /// Reads the position of each row too, but for its primary key.
    pub(super) fn select(&self, select: &mut SelectStatement, backend: DbBackend) {
        let terms = self.sql_terms(backend).take(self.terms.len().saturating_sub(1));
        for (at, term) in terms.enumerate() {
            select.expr_as(term.read, position_column(at));
        }
    }

    /// How the positions of rows that were read so are found.
    pub(super) fn positions(&self, backend: DbBackend) -> Positions {
        let terms = self.sql_terms(backend).take(self.terms.len().saturating_sub(1));
        Positions(terms.enumerate().map(|(at, term)| (position_column(at), term.kind)).collect())
    }

    /// The rows beyond a position, or at it and beyond.
    pub(super) fn beyond(
        &self,
        position: &[Option<Value>],
        side: Side,
        inclusive: bool,
        backend: DbBackend,
    ) -> Condition {
        let terms: Vec<_> = self
            .sql_terms(backend)
            .zip(position)
            .map(|(term, value)| Comparison {
                ascending: term.descending == (side == Side::Before),
                term,
                value,
            })
            .collect();
        let Some((last, before)) = terms.split_last() else { return Condition::all() };
        let last = if inclusive { last.is_at_or_beyond() } else { Some(last.is_beyond()) };
        let last = Condition::all().add_option(last);
        let beyond = before.iter().rfold(last, |rest, term| {
            let level = Condition::all().add(term.is_equal()).add(rest);
            Condition::any().add(term.is_beyond()).add(level)
        });
        // Said once more of the first term alone: that is what an index on it can use.
        let range = before.first().and_then(Comparison::is_at_or_beyond);
        Condition::all().add_option(range).add(beyond)
    }

    /// The position that values of a cursor tell; nothing where they tell none.
    pub(super) fn parse(&self, values: &[Json], backend: DbBackend) -> Option<Position> {
        if values.len() != self.terms.len() {
            return None;
        }
        let read = |(term, value): (SqlTerm, &Json)| match value {
            Json::Null => term.nullable.then_some(None),
            value => term.kind.parse(value, backend).map(Some),
        };
        self.sql_terms(backend).zip(values).map(read).collect()
    }

    fn sql_terms(&self, backend: DbBackend) -> impl DoubleEndedIterator<Item = SqlTerm> + ExactSizeIterator {
        self.terms.iter().map(move |term| match term {
            Term::Exact(column, text) => SqlTerm::exact(column, text, backend),
            Term::Key(key) => SqlTerm::of(key, backend),
        })
    }
}

/// Columns that hold a row's position, but for its primary key.
pub(super) struct Positions(Vec<(String, ValueType)>);

impl Positions {
    /// The position of a row with this primary key.
    pub(super) fn read(&self, row: &QueryResult, key: Id) -> Result<Position, DbErr> {
        let values = self.0.iter().map(|(column, kind)| kind.read(row, column));
        values.chain([Ok(Some(key.into()))]).collect()
    }
}

/// Name of the column that holds a term's value.
fn position_column(at: usize) -> String {
    format!("position_{at}")
}

/// Null is the smallest value everywhere; PostgreSQL alone takes it for the greatest.
fn add_order_by(
    select: &mut SelectStatement,
    by: SimpleExpr,
    nullable: bool,
    descending: bool,
    backend: DbBackend,
) {
    let (way, nulls) =
        if descending { (SqlOrder::Desc, NullOrdering::Last) } else { (SqlOrder::Asc, NullOrdering::First) };
    if backend == DbBackend::Postgres && nullable {
        select.order_by_expr_with_nulls(by, way, nulls);
    } else {
        select.order_by_expr(by, way);
    }
}

impl SqlTerm {
    fn exact(column: &Column, text: &str, backend: DbBackend) -> Self {
        let place =
            CaseStatement::new().case(equals(column, text, backend), Expr::val(0)).finally(Expr::val(1));
        let compared: SimpleExpr = place.into();
        Self {
            read: compared.clone(),
            compared,
            stored: None,
            kind: ValueType::Int,
            nullable: false,
            descending: false,
        }
    }

    fn of(key: &SortKey, backend: DbBackend) -> Self {
        let (ty, nullable, descending) =
            (&key.column.ty, key.column.nullable, key.direction == Direction::Desc);
        if !key.words.is_empty() {
            let compared = word_positions(&key.column, key.words);
            return Self {
                read: compared.clone(),
                compared,
                stored: None,
                kind: ValueType::Int,
                nullable: true,
                descending,
            };
        }
        let (plain, mut stored) = (key.column.expr(), None);
        let kind = ValueType::of(ty, backend);
        let compared = match (ty, backend) {
            (ColumnType::Text, _) => collated(prefix(plain, backend), backend),
            _ if kind == ValueType::Text && !is_date_or_time(ty) => collated(plain, backend),
            // A `timestamp` is compared as it is shown: two moments of the hour that autumn repeats are one.
            (ty, DbBackend::MySql) if kind == ValueType::Time && is_date_or_time(ty) => {
                stored = Some(plain.clone());
                Expr::cust_with_expr("CAST(? AS DATETIME(6))", plain)
            }
            _ => plain,
        };
        let read = match (kind, backend) {
            // Each kind of number with a fraction, exactly as its own column compares it.
            (ValueType::Real, DbBackend::MySql) => Expr::cust_with_expr("? + 0e0", compared.clone()),
            (ValueType::Real, DbBackend::Postgres) => {
                Expr::cust_with_expr("CAST($1 AS double precision)", compared.clone())
            }
            (ValueType::Real, _) => Expr::cust_with_expr("CAST(? AS REAL)", compared.clone()),
            (ValueType::Text, DbBackend::Sqlite) => Expr::cust_with_expr("CAST(? AS TEXT)", compared.clone()),
            _ => compared.clone(),
        };
        Self { compared, read, stored, kind, nullable, descending }
    }
}

/// The beginning of a long text.
fn prefix(text: SimpleExpr, backend: DbBackend) -> SimpleExpr {
    let text_here = if backend == DbBackend::Postgres { "$1" } else { "?" };
    Expr::cust_with_expr(format!("SUBSTR({text_here}, 1, {MAX_PREFIX_LETTERS})"), text)
}

fn is_date_or_time(ty: &ColumnType) -> bool {
    matches!(
        ty,
        ColumnType::DateTime | ColumnType::Timestamp | ColumnType::TimestampWithTimeZone | ColumnType::Date
    )
}

/// A term of an order, held against a value of it in one direction.
struct Comparison<'a> {
    term: SqlTerm,
    value: &'a Option<Value>,
    ascending: bool,
}

impl Comparison<'_> {
    fn compared(&self) -> SimpleExpr {
        self.term.compared.clone()
    }

    /// Beyond the value.
    fn is_beyond(&self) -> SimpleExpr {
        match (self.value, self.ascending) {
            (Some(value), true) => self.compared().gt(value.clone()),
            (Some(value), false) => self.or_null(self.compared().lt(value.clone())),
            (None, true) => self.compared().is_not_null(),
            (None, false) => Expr::val(1).eq(0),
        }
    }

    /// Beyond the value or equal to it; nothing where every row is.
    fn is_at_or_beyond(&self) -> Option<SimpleExpr> {
        match (self.value, self.ascending) {
            (Some(value), true) => Some(self.compared().gte(value.clone())),
            (Some(value), false) => Some(self.or_null(self.compared().lte(value.clone()))),
            (None, true) => None,
            (None, false) => Some(self.compared().is_null()),
        }
    }

    fn is_equal(&self) -> SimpleExpr {
        match self.value {
            Some(value) => self.compared().eq(value.clone()),
            None => self.compared().is_null(),
        }
    }

    /// Downwards, null comes last.
    fn or_null(&self, condition: SimpleExpr) -> SimpleExpr {
        if self.term.nullable { condition.or(self.compared().is_null()) } else { condition }
    }
}

impl ValueType {
    fn of(ty: &ColumnType, backend: DbBackend) -> Self {
        match ty {
            ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => Self::Text,
            ColumnType::Float | ColumnType::Double | ColumnType::Decimal(_) => Self::Real,
            ColumnType::Boolean if backend == DbBackend::Postgres => Self::Bool,
            // SQLite stores moments as texts.
            ty if is_date_or_time(ty) && backend == DbBackend::Sqlite => Self::Text,
            ColumnType::Date => Self::Date,
            ty if is_date_or_time(ty) => Self::Time,
            _ => Self::Int,
        }
    }

    fn read(self, row: &QueryResult, column: &str) -> Result<Option<Value>, DbErr> {
        Ok(match self {
            Self::Int => row.try_get::<Option<Int>>("", column)?.map(Value::from),
            Self::Real => row.try_get::<Option<f64>>("", column)?.map(Value::from),
            Self::Text => row.try_get::<Option<String>>("", column)?.map(Value::from),
            Self::Bool => row.try_get::<Option<bool>>("", column)?.map(Value::from),
            Self::Time => row.try_get::<Option<LocalTime>>("", column)?.map(Value::from),
            Self::Date => row.try_get::<Option<NaiveDate>>("", column)?.map(Value::from),
        })
    }

    fn parse(self, value: &Json, backend: DbBackend) -> Option<Value> {
        match self {
            Self::Int => value.as_i64().map(Value::from),
            Self::Real => {
                value.as_u64().map(f64::from_bits).filter(|number| number.is_finite()).map(Value::from)
            }
            Self::Text => {
                let text = value.as_str()?;
                // No row of PostgreSQL holds this letter, and it cannot be asked for it.
                let askable = backend != DbBackend::Postgres || !text.contains('\0');
                askable.then(|| text.into())
            }
            Self::Bool => value.as_bool().map(Value::from),
            Self::Time => {
                let time = chrono::DateTime::from_timestamp_micros(value.as_i64()?)?.naive_utc();
                COMPARABLE_YEARS.contains(&time.year()).then(|| time.into())
            }
            Self::Date => {
                let date = NaiveDate::from_num_days_from_ce_opt(i32::try_from(value.as_i64()?).ok()?)?;
                COMPARABLE_YEARS.contains(&date.year()).then(|| date.into())
            }
        }
    }
}

/// A position as values of a cursor, exactly.
pub(super) fn cursor_values(position: &[Option<Value>]) -> impl Iterator<Item = Json> {
    position.iter().map(|value| value.as_ref().map_or(Json::Null, json))
}

fn json(value: &Value) -> Json {
    match value {
        Value::BigInt(Some(number)) => Json::from(*number),
        Value::Double(Some(number)) => Json::from(number.to_bits()),
        Value::String(Some(text)) => Json::from(text.as_str()),
        Value::Bool(Some(flag)) => Json::from(*flag),
        Value::ChronoDateTime(Some(time)) => Json::from(time.and_utc().timestamp_micros()),
        Value::ChronoDate(Some(date)) => Json::from(date.num_days_from_ce()),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::Query;

    use super::*;
    use crate::toy::book;

    #[test]
    fn a_timestamp_is_sorted_as_it_is_stored_where_no_cursor_leads_on() {
        let mut order = Order::new();
        let column = Column::of(book::Column::BoughtAt);
        order.add(SortKey { name: "boughtAt", column, words: &[], direction: Direction::Desc });
        let sorted = |sort: &dyn Fn(&mut SelectStatement)| {
            let mut select = Query::select();
            sort(&mut select);
            DbBackend::MySql.build(&select).sql
        };
        let as_stored = sorted(&|select| order.sort_by_stored_values(select, DbBackend::MySql));
        assert_eq!(as_stored, "SELECT  ORDER BY `books`.`bought_at` DESC");
        let exactly = sorted(&|select| order.sort_for_cursors(select, false, DbBackend::MySql));
        assert_eq!(exactly, "SELECT  ORDER BY CAST(`books`.`bought_at` AS DATETIME(6)) DESC");
    }
}
