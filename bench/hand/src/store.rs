//! The three databases that the shop may lie in: how each is opened, asked and read.

use std::iter::repeat;
use std::str::FromStr;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Database, Encode, Error, MySql, Pool, Postgres, Row, Sqlite, Transaction, Type};

use crate::sql::{Dialect, Sql};

/// As many as guichet has.
const CONNECTIONS: u32 = 10;
/// Each has a thread of its own.
const CONNECTIONS_TO_A_FILE: u32 = 2;

/// A value that a statement is sent with.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Int(i64),
    Double(f64),
    Text(&'a str),
    Time(NaiveDateTime),
    /// The keys of an `IN (?)`.
    Keys(&'a [i64]),
}

/// The cells of a row, by their place.
pub trait Cells {
    fn int(&self, at: usize) -> Result<i64, Error>;
    fn int_or_null(&self, at: usize) -> Result<Option<i64>, Error>;
    fn text(&self, at: usize) -> Result<&str, Error>;
    fn text_or_null(&self, at: usize) -> Result<Option<&str>, Error>;
    fn double(&self, at: usize) -> Result<f64, Error>;
    fn double_or_null(&self, at: usize) -> Result<Option<f64>, Error>;
    /// A column that holds single precision where the database knows that.
    fn single_or_null(&self, at: usize) -> Result<Option<f64>, Error>;
    fn flag(&self, at: usize) -> Result<bool, Error>;
    /// A local time of the shop.
    fn time_or_null(&self, at: usize) -> Result<Option<NaiveDateTime>, Error>;
    fn day(&self, at: usize) -> Result<NaiveDate, Error>;
}

/// A database that the shop may lie in.
pub trait Store: Database<Row: Cells> {
    const DIALECT: Dialect;

    /// A pool with the settings that guichet's has.
    fn open(url: &str) -> Result<Pool<Self>, Error>;

    /// The rows that a statement finds.
    fn rows(
        connection: &mut Self::Connection,
        sql: &Sql,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;

    /// Runs a statement that answers no rows; the key of a row that it has inserted, where the database tells.
    fn run(
        connection: &mut Self::Connection,
        sql: &Sql,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<i64, Error>> + Send;

    /// Begins a transaction that writes.
    fn begin(pool: &Pool<Self>) -> impl Future<Output = Result<Transaction<'static, Self>, Error>> + Send;
}

/// A pool that asks a connection whether it lives only where it has been idle.
fn pool<D: Database>() -> PoolOptions<D> {
    PoolOptions::new().acquire_timeout(Duration::from_secs(2)).test_before_acquire(false)
}

macro_rules! cells {
    ($row:ty, single: $single:ty, time: $time:expr, day: $day:expr) => {
        // What a column holds is known: its type isn't looked at once more for every cell.
        impl Cells for $row {
            fn int(&self, at: usize) -> Result<i64, Error> {
                self.try_get_unchecked(at)
            }

            fn int_or_null(&self, at: usize) -> Result<Option<i64>, Error> {
                self.try_get_unchecked(at)
            }

            fn text(&self, at: usize) -> Result<&str, Error> {
                self.try_get_unchecked(at)
            }

            fn text_or_null(&self, at: usize) -> Result<Option<&str>, Error> {
                self.try_get_unchecked(at)
            }

            fn double(&self, at: usize) -> Result<f64, Error> {
                self.try_get_unchecked(at)
            }

            fn double_or_null(&self, at: usize) -> Result<Option<f64>, Error> {
                self.try_get_unchecked(at)
            }

            fn single_or_null(&self, at: usize) -> Result<Option<f64>, Error> {
                let cell: Option<$single> = self.try_get_unchecked(at)?;
                Ok(cell.map(|single| shortest(f64::from(single))))
            }

            fn flag(&self, at: usize) -> Result<bool, Error> {
                self.try_get_unchecked(at)
            }

            fn time_or_null(&self, at: usize) -> Result<Option<NaiveDateTime>, Error> {
                ($time)(self, at)
            }

            fn day(&self, at: usize) -> Result<NaiveDate, Error> {
                ($day)(self, at)
            }
        }
    };
}

/// The double that reads as a single does: 2.99, not 2.9900000095….
fn shortest(double: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "whether it loses anything is the question")]
    let single = double as f32;
    if f64::from(single) != double {
        return double;
    }
    single.to_string().parse().unwrap_or(double)
}

cells!(MySqlRow, single: f32, time: MySqlRow::try_get_unchecked, day: MySqlRow::try_get_unchecked);
cells!(PgRow, single: f32, time: PgRow::try_get_unchecked, day: PgRow::try_get_unchecked);
cells!(SqliteRow, single: f64, time: local_time, day: local_day);

/// SQLite holds times as text in one form; sqlx tries a dozen.
fn local_time(row: &SqliteRow, at: usize) -> Result<Option<NaiveDateTime>, Error> {
    let Some(text) = row.text_or_null(at)? else { return Ok(None) };
    let time = text.as_bytes().get(11..19).and_then(|time| {
        date(text)?.and_hms_opt(number(&time[..2])?, number(&time[3..5])?, number(&time[6..])?)
    });
    time.map(Some).ok_or_else(|| Error::Decode(format!("`{text}` is no time").into()))
}

fn local_day(row: &SqliteRow, at: usize) -> Result<NaiveDate, Error> {
    let text = row.text(at)?;
    date(text).ok_or_else(|| Error::Decode(format!("`{text}` is no day").into()))
}

fn date(text: &str) -> Option<NaiveDate> {
    let date = text.as_bytes().get(..10)?;
    let year = i32::try_from(number(&date[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&date[5..7])?, number(&date[8..])?)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

/// A statement on its way to a database.
type Sent<'q, D> = Query<'q, D, <D as Database>::Arguments>;

/// One prepared statement serves all numbers of keys up to a power of two.
fn padded<'q, D>(query: Sent<'q, D>, keys: &'q [i64]) -> Sent<'q, D>
where
    D: Database,
    i64: Encode<'q, D> + Type<D>,
{
    let keys = keys.iter().chain(repeat(&keys[0])).take(keys.len().next_power_of_two());
    keys.fold(query, |query, key| query.bind(*key))
}

fn as_array<'q>(query: Sent<'q, Postgres>, keys: &'q [i64]) -> Sent<'q, Postgres> {
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
        let mut query: Sent<'_, $database> = sqlx::query($sql.text($values));
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
