//! A connection of the benchmark itself to a database, for a few statements outside of the measurement.

use std::str::FromStr;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ColumnIndex, ConnectOptions, Decode, Error, Executor, MySqlConnection, PgConnection, Row,
    SqliteConnection, Type,
};
use tokio::runtime::{Builder, Runtime};

use crate::database::Database;

/// A connection of this program's own.
pub struct Session {
    runtime: Runtime,
    connection: Connection,
}

enum Connection {
    MySql(MySqlConnection),
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Session {
    /// Connects to a database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn open(database: Database, url: &str) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Io)?;
        let connection = runtime.block_on(async {
            Ok::<_, Error>(match database {
                Database::MySql => Connection::MySql(MySqlConnectOptions::from_str(url)?.connect().await?),
                Database::Postgres => Connection::Postgres(PgConnectOptions::from_str(url)?.connect().await?),
                Database::Sqlite => Connection::Sqlite(SqliteConnectOptions::from_str(url)?.connect().await?),
            })
        })?;
        Ok(Self { runtime, connection })
    }

    /// Runs statements without results.
    ///
    /// # Errors
    /// When the database refuses them.
    pub fn run(&mut self, sql: &str) -> Result<(), Error> {
        let Self { runtime, connection } = self;
        let text = sqlx::raw_sql(AssertSqlSafe(sql));
        runtime.block_on(async {
            match connection {
                Connection::MySql(connection) => connection.execute(text).await.map(drop),
                Connection::Postgres(connection) => connection.execute(text).await.map(drop),
                Connection::Sqlite(connection) => connection.execute(text).await.map(drop),
            }
        })
    }

    /// The text in a column of the only row of a result.
    ///
    /// # Errors
    /// When the database refuses the statement, or answers no row.
    pub fn text(&mut self, sql: &str, column: usize) -> Result<String, Error> {
        let Self { runtime, connection } = self;
        let text = sqlx::raw_sql(AssertSqlSafe(sql));
        runtime.block_on(async {
            match connection {
                Connection::MySql(connection) => cell(&connection.fetch_one(text).await?, column),
                Connection::Postgres(connection) => cell(&connection.fetch_one(text).await?, column),
                Connection::Sqlite(connection) => cell(&connection.fetch_one(text).await?, column),
            }
        })
    }
}

/// A cell as text, whatever type the database gives it.
fn cell<R: Row>(row: &R, column: usize) -> Result<String, Error>
where
    usize: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
{
    row.try_get_unchecked(column)
}
