//! The three databases of the shop: how each is opened and queried.

use std::iter::repeat;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveDateTime;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Database, Encode, Error, MySql, Pool, Postgres, Sqlite, Transaction, Type};

use crate::cells::Cells;
use crate::sql::{Dialect, Sql};

/// Number of connections, as in guichet.
const CONNECTIONS: u32 = 10;
/// Number of connections for SQLite, each of which has a thread of its own.
const CONNECTIONS_TO_A_FILE: u32 = 2;

/// A value of a statement.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Int(i64),
    Double(f64),
    Text(&'a str),
    Time(NaiveDateTime),
    /// The keys of an `IN (?)`.
    Keys(&'a [i64]),
}

/// A database of the shop.
pub trait Store: Database<Row: Cells> {
    const DIALECT: Dialect;

    /// A pool with the same settings as guichet's.
    fn open(url: &str) -> Result<Pool<Self>, Error>;

    /// The rows that a statement finds.
    fn rows(
        connection: &mut Self::Connection,
        sql: &Sql,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;

    /// Runs a statement without rows; returns the key of an inserted row, if the database reports it.
    fn run(
        connection: &mut Self::Connection,
        sql: &Sql,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<i64, Error>> + Send;

    /// Begins a transaction that writes.
    fn begin(pool: &Pool<Self>) -> impl Future<Output = Result<Transaction<'static, Self>, Error>> + Send;
}

/// A pool that pings a connection only if it was idle.
fn pool<D: Database>() -> PoolOptions<D> {
    PoolOptions::new().acquire_timeout(Duration::from_secs(2)).test_before_acquire(false)
}

/// sqlx's type of a statement.
type SqlxQuery<'q, D> = Query<'q, D, <D as Database>::Arguments>;

/// One prepared statement serves all numbers of keys up to a power of two.
fn padded<'q, D>(query: SqlxQuery<'q, D>, keys: &'q [i64]) -> SqlxQuery<'q, D>
where
    D: Database,
    i64: Encode<'q, D> + Type<D>,
{
    let keys = keys.iter().chain(repeat(&keys[0])).take(keys.len().next_power_of_two());
    keys.fold(query, |query, key| query.bind(*key))
}

fn as_array<'q>(query: SqlxQuery<'q, Postgres>, keys: &'q [i64]) -> SqlxQuery<'q, Postgres> {
    query.bind(keys)
}

macro_rules! store {
    ($database:ty, $dialect:ident, $begin:literal, $open:path, $keys:path, $inserted:expr) => {
        impl Store for $database {
            const DIALECT: Dialect = Dialect::$dialect;

            fn open(url: &str) -> Result<Pool<Self>, Error> {
                $open(url)
            }

            async fn rows(
                connection: &mut Self::Connection,
                sql: &Sql,
                values: &[Value<'_>],
            ) -> Result<Vec<Self::Row>, Error> {
                bound!($database, sql, values, $keys).fetch_all(connection).await
            }

            async fn run(
                connection: &mut Self::Connection,
                sql: &Sql,
                values: &[Value<'_>],
            ) -> Result<i64, Error> {
                bound!($database, sql, values, $keys).execute(connection).await.map($inserted)
            }

            async fn begin(pool: &Pool<Self>) -> Result<Transaction<'static, Self>, Error> {
                pool.begin_with($begin).await
            }
        }
    };
}

macro_rules! bound {
    ($database:ty, $sql:ident, $values:ident, $keys:path) => {{
        let mut query: SqlxQuery<'_, $database> = sqlx::query($sql.text($values));
        for value in $values {
            query = match *value {
                Value::Int(number) => query.bind(number),
                Value::Double(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Time(time) => query.bind(time),
                Value::Keys(keys) => $keys(query, keys),
            };
        }
        query
    }};
}

store!(MySql, MySql, "BEGIN", mysql, padded, |done| done.last_insert_id().cast_signed());
store!(Postgres, Postgres, "BEGIN", postgres, as_array, |_| 0);
store!(Sqlite, Sqlite, "BEGIN IMMEDIATE", sqlite, padded, |done| done.last_insert_rowid());

fn mysql(url: &str) -> Result<Pool<MySql>, Error> {
    let options = MySqlConnectOptions::from_str(url)?
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging();
    Ok(pool().max_connections(CONNECTIONS).connect_lazy_with(options))
}

fn postgres(url: &str) -> Result<Pool<Postgres>, Error> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    Ok(pool().max_connections(CONNECTIONS).connect_lazy_with(options))
}

fn sqlite(url: &str) -> Result<Pool<Sqlite>, Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_millis(2500))
        .disable_statement_logging();
    Ok(pool().max_connections(CONNECTIONS_TO_A_FILE).connect_lazy_with(options))
}
