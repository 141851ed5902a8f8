//! The order of a list, and positions in it.
//!
//! A position holds the values of a row that the order compares, as the database returns them, with the primary key
//! last. So a list can continue after a position whatever was inserted, changed or deleted meanwhile, the row
//! itself included. A position with the primary key alone would not do: it would be lost when its row is deleted,
//! and move when its row changes.

use chrono::{Datelike, NaiveDate};
use sea_orm::sea_query::{
    CaseStatement, ColumnType, CommonTableExpression, Expr, ExprTrait, JoinType, NullOrdering,
    OrderedStatement, SelectStatement, SimpleExpr, WithClause,
};
use sea_orm::{Condition, DbBackend, DbErr, Order as SqlOrder, QueryResult, Value};
use serde_json::Value as Json;
use value::{Id, Int, LocalTime};

use crate::collation::{collated, sort_key, word_positions};
use crate::column::Column;
use crate::filter::{Direction, JoinedTable, SortKey, equals};
use crate::record::RecordType;

/// Letters of a long text that are compared. A cursor holds them, so they must be few; MariaDB itself sorts long
/// texts by a prefix.
const MAX_PREFIX_LETTERS: u16 = 255;
/// Name of the field that shows the primary key.
const PRIMARY_KEY_FIELD: &str = "databaseId";
/// Years that all databases can compare with.
const COMPARABLE_YEARS: std::ops::RangeInclusive<i32> = 0..=9999;

/// The order of a list; the primary key is its last term.
pub(super) struct Order {
    terms: Vec<Term>,
}

enum Term {
    /// Rows whose column equals a text come first.
    Exact(Column, String),
    Key(SortKey),
}

/// How a statement writes an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderForm {
    /// For REST's pages.
    Pages,
    /// As positions are compared, or the reverse of it.
    Cursors { reversed: bool },
    /// Where the client asks for no cursors. A `timestamp` is then sorted by its stored value, for which the database can use
    /// an index. In the hour that is repeated in autumn, this order is finer than that of [`Self::Cursors`].
    Stored,
}

/// A position in an order: one value for each term; `None` is SQL's null.
pub(super) type Position = Vec<Option<Value>>;

/// A side of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Behind it.
    After,
    /// Before it.
    Before,
}

/// The type in which values of a term are read, and how a cursor writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueType {
    Int,
    Real,
    Text,
    Bool,
    Time,
    Date,
}

/// A term of an order as SQL.
struct SqlTerm {
    /// The expression that is compared and sorted by.
    compared: SimpleExpr,
    /// The expression that reads the value for a cursor.
    read: SimpleExpr,
    /// The expression for the stored value, where it differs from `compared`.
    stored: Option<SimpleExpr>,
    kind: ValueType,
    nullable: bool,
    descending: bool,
}

impl Order {
    pub(super) fn new() -> Self {
        Self { terms: Vec::new() }
    }

    /// Adds a key, unless it has no effect: it is in the order already, or the primary key is.
    pub(super) fn add(&mut self, key: SortKey) {
        let known = |term: &Term| matches!(term, Term::Key(known) if known.name == key.name || known.name == PRIMARY_KEY_FIELD);
        if !self.terms.iter().any(known) {
            self.terms.push(Term::Key(key));
        }
    }

    /// Adds the primary key as the last key.
    pub(super) fn add_primary_key(&mut self, column: Column) {
        self.add(SortKey::of(PRIMARY_KEY_FIELD, column, &[], Direction::Asc));
    }

    /// Adds a term that puts rows first whose column equals the text.
    pub(super) fn exact_first(&mut self, column: Column, text: &str) {
        self.terms.push(Term::Exact(column, text.to_owned()));
    }

    /// Whether the primary key is the only term.
    pub(super) fn is_by_key(&self) -> bool {
        matches!(self.terms.as_slice(), [Term::Key(key)] if key.name == PRIMARY_KEY_FIELD)
    }

    /// Names of the fields that the order compares, without the column of an exact match.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.terms.iter().filter_map(|term| match term {
            Term::Key(key) => Some(key.name),
            Term::Exact(..) => None,
        })
    }

    /// The tables that hold what the order compares and the list's own does not.
    pub(super) fn tables(&self) -> impl Iterator<Item = &JoinedTable> {
        self.terms.iter().filter_map(|term| match term {
            Term::Key(key) => key.table.as_deref(),
            Term::Exact(..) => None,
        })
    }

    /// Joins those tables to a statement that reads rows of a record.
    pub(super) fn join(&self, record: &RecordType, mut select: SelectStatement) -> SelectStatement {
        for table in self.tables() {
            match table.key {
                Some(key) => {
                    let on = record.column(record.key).equals((table.name, key));
                    select.join_subquery(JoinType::LeftJoin, table.rows.clone(), table.name, on);
                }
                // As a materialized one it is made once, however few rows the planner expects.
                None => {
                    let mut rows = CommonTableExpression::new();
                    rows.query(table.rows.clone()).table_name(table.name).materialized(true);
                    select.with_cte(WithClause::new().cte(rows).to_owned());
                    select.cross_join(table.name);
                }
            }
        }
        select
    }

    /// A checksum of the list's name and the order: a cursor is valid only for the same list in the same order.
    pub(super) fn signature(&self, list: &str) -> u32 {
        let terms = self.terms.iter().fold(list.to_owned(), |text, term| match term {
            Term::Exact(_, exact) => format!("{text}\n={exact}"),
            Term::Key(SortKey { name, direction, table: None, .. }) => {
                format!("{text}\n{name} {direction:?}")
            }
            Term::Key(SortKey { name, direction, table: Some(table), .. }) => {
                format!("{text}\n{name} {direction:?} {}", table.identity)
            }
        });
        crc32fast::hash(terms.as_bytes())
    }

    /// Adds the order to a statement, or to a window of one.
    pub(super) fn sort(&self, statement: &mut impl OrderedStatement, form: OrderForm, backend: DbBackend) {
        match form {
            OrderForm::Pages => self.sort_for_pages(statement, backend),
            OrderForm::Stored => {
                for term in self.sql_terms(backend) {
                    let by = term.stored.unwrap_or(term.compared);
                    add_order_by(statement, by, term.nullable, term.descending, backend);
                }
            }
            OrderForm::Cursors { reversed } => {
                for term in self.sql_terms(backend) {
                    let descending = term.descending != reversed;
                    add_order_by(statement, term.compared, term.nullable, descending, backend);
                }
            }
        }
    }

    fn sort_for_pages(&self, statement: &mut impl OrderedStatement, backend: DbBackend) {
        for term in &self.terms {
            match term {
                Term::Exact(column, text) => {
                    statement.order_by_expr(equals(column, text, backend), SqlOrder::Desc);
                }
                Term::Key(key) => {
                    let descending = key.direction == Direction::Desc;
                    let by = sort_key(&key.column, key.words, backend);
                    add_order_by(statement, by, key.column.nullable, descending, backend);
                }
            }
        }
    }

    /// Makes a statement also select the values of each row's position, except the primary key.
    pub(super) fn select(&self, select: &mut SelectStatement, backend: DbBackend) {
        let terms = self.sql_terms(backend).take(self.terms.len().saturating_sub(1));
        for (at, term) in terms.enumerate() {
            select.expr_as(term.read, position_column(at));
        }
    }

    /// Describes the columns that [`select`](Self::select) adds.
    pub(super) fn positions(&self, backend: DbBackend) -> Positions {
        let terms = self.sql_terms(backend).take(self.terms.len().saturating_sub(1));
        Positions(terms.enumerate().map(|(at, term)| (position_column(at), term.kind)).collect())
    }

    /// The condition for the rows beyond a position; with `inclusive`, also the row at it.
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
        // The condition on the first term alone is redundant, but an index on it can be used for it.
        let range = before.first().and_then(Comparison::is_at_or_beyond);
        Condition::all().add_option(range).add(beyond)
    }

    /// Reads a position from the values of a cursor; `None` where they do not fit the order.
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

/// The selected columns that hold a row's position, except the primary key.
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

/// Adds one expression to the order of a statement. Null sorts as the smallest value; PostgreSQL needs
/// `NULLS FIRST` or `NULLS LAST` for that.
fn add_order_by(
    statement: &mut impl OrderedStatement,
    by: SimpleExpr,
    nullable: bool,
    descending: bool,
    backend: DbBackend,
) {
    let (way, nulls) =
        if descending { (SqlOrder::Desc, NullOrdering::Last) } else { (SqlOrder::Asc, NullOrdering::First) };
    if backend == DbBackend::Postgres && nullable {
        statement.order_by_expr_with_nulls(by, way, nulls);
    } else {
        statement.order_by_expr(by, way);
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
            // A `timestamp` is compared by its local time, since a cursor holds that. In the hour that is repeated
            // in autumn, two different stored values have the same local time.
            (ty, DbBackend::MySql) if kind == ValueType::Time && is_date_or_time(ty) => {
                stored = Some(plain.clone());
                Expr::cust_with_expr("CAST(? AS DATETIME(6))", plain)
            }
            _ => plain,
        };
        let read = match (kind, backend) {
            // As a double, so that the cursor holds exactly the value that the column compares.
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

/// SQL for the beginning of a long text.
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

/// A term that is compared with a value, in one direction.
struct Comparison<'a> {
    term: SqlTerm,
    value: &'a Option<Value>,
    ascending: bool,
}

impl Comparison<'_> {
    fn compared(&self) -> SimpleExpr {
        self.term.compared.clone()
    }

    /// SQL for: the row is beyond the value.
    fn is_beyond(&self) -> SimpleExpr {
        match (self.value, self.ascending) {
            (Some(value), true) => self.compared().gt(value.clone()),
            (Some(value), false) => self.or_null(self.compared().lt(value.clone())),
            (None, true) => self.compared().is_not_null(),
            (None, false) => Expr::val(1).eq(0),
        }
    }

    /// SQL for: the row is at the value or beyond it; `None` where that is true of every row.
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

    /// Descending, null comes last, so it is beyond every value.
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
            // SQLite stores dates and times as texts.
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
                // PostgreSQL refuses NUL in a parameter; none of its rows holds it.
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

/// A position as the JSON values of a cursor, without any loss.
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
        order.add(SortKey::of("boughtAt", column, &[], Direction::Desc));
        let sorted = |form| {
            let mut select = Query::select();
            order.sort(&mut select, form, DbBackend::MySql);
            DbBackend::MySql.build(&select).sql
        };
        assert_eq!(sorted(OrderForm::Stored), "SELECT  ORDER BY `books`.`bought_at` DESC");
        let exactly = sorted(OrderForm::Cursors { reversed: false });
        assert_eq!(exactly, "SELECT  ORDER BY CAST(`books`.`bought_at` AS DATETIME(6)) DESC");
    }
}
