//! How a database runs a statement, by its own `EXPLAIN`, and what that costs as tables grow.

mod mysql;
mod postgres;
mod sqlite;

use std::fmt;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, Values};

/// What a statement costs as its tables grow; the least first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cost {
    /// Nothing but the rows that it is about, found by an index.
    Rows,
    /// Rows in the order of an index, until the page is full: all of them where few fit.
    InOrder,
    /// The rows that fit, found by an index, and sorted.
    RowsSorted,
    /// A table, once.
    Scan,
    /// A table, once, and what fits sorted.
    ScanSorted,
    /// A table, again and again; the step that does it.
    Worse(String),
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows",
            Self::InOrder => "in order",
            Self::RowsSorted => "rows, sorted",
            Self::Scan => "scan",
            Self::ScanSorted => "scan, sorted",
            Self::Worse(step) => return write!(f, "worse: {step}"),
        })
    }
}

/// What the plan of a statement does.
#[derive(Default)]
struct Plan {
    /// Tables that it reads from one end to the other, by an index or not.
    scans: Vec<String>,
    /// Reads an index from one end, and the statement may end it early.
    walks: bool,
    /// Sorts rows.
    sorts: bool,
    /// Reads a whole table again and again: the step.
    repeats: Option<String>,
}

impl Plan {
    fn cost(self) -> Cost {
        match self {
            Self { repeats: Some(step), .. } => Cost::Worse(step),
            Self { sorts, scans, .. } if !scans.is_empty() => match read_often(&scans) {
                Some(table) => Cost::Worse(format!("reads all of {table} more than {MOST_SCANS} times")),
                None if sorts => Cost::ScanSorted,
                None => Cost::Scan,
            },
            Self { sorts: true, .. } => Cost::RowsSorted,
            Self { walks: true, .. } => Cost::InOrder,
            Self { .. } => Cost::Rows,
        }
    }
}

/// A statement that joins a table with itself, or asks two things of it, may read it twice, whatever its size.
const MOST_SCANS: usize = 2;

/// A table that is read more often than that.
fn read_often(tables: &[String]) -> Option<&String> {
    tables.iter().find(|table| tables.iter().filter(|other| other == table).count() > MOST_SCANS)
}

/// The cost of a statement, and the plan as the database tells it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn explain(
    db: &DatabaseConnection,
    sql: &str,
    values: Option<Values>,
) -> Result<(Cost, String), DbErr> {
    let backend = db.get_database_backend();
    let explain = match backend {
        DbBackend::MySql => "EXPLAIN",
        DbBackend::Postgres => "EXPLAIN (FORMAT JSON)",
        _ => "EXPLAIN QUERY PLAN",
    };
    let values = values.unwrap_or_else(|| Values(Vec::new()));
    let rows =
        db.query_all_raw(Statement::from_sql_and_values(backend, format!("{explain} {sql}"), values)).await?;
    // A statement without a limit reads an index to its end.
    let is_limited = sql.contains("LIMIT");
    let (plan, told) = match backend {
        DbBackend::MySql => mysql::read(&rows, is_limited)?,
        DbBackend::Postgres => postgres::read(&rows)?,
        _ => sqlite::read(&rows, is_limited)?,
    };
    Ok((plan.cost(), told))
}
