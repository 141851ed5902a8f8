//! Opening the database: one pool, tuned for each kind of database.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DbErr, RuntimeErr, SqlxMySqlConnector, SqlxPostgresConnector, SqlxSqliteConnector,
};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Database as SqlxDatabase, Pool};

use crate::config::{Config, Driver, Server, Target};

/// How long a request waits for a free connection before the answer is 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long SQLite waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements remembered by each connection.
const STATEMENTS: usize = 256;

/// Opens the configured database. An SQLite file must exist.
///
/// # Errors
/// When no connection can be made within three seconds.
pub async fn connect(config: &Config) -> Result<DatabaseConnection, DbErr> {
    open(config, false).await
}

/// Opens the configured database and makes the file of an SQLite database that does not exist.
///
/// # Errors
/// As [`connect`].
pub async fn connect_or_create(config: &Config) -> Result<DatabaseConnection, DbErr> {
    open(config, true).await
}

async fn open(config: &Config, create: bool) -> Result<DatabaseConnection, DbErr> {
    let (target, size) = (&config.database.target, config.pool_size());
    match config.database.driver {
        Driver::MySql => {
            let pool = pool(mysql(target).map_err(failed)?, size).await?;
            Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
        }
        Driver::Postgres => {
            let pool = pool(postgres(target).map_err(failed)?, size).await?;
            Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
        }
        Driver::Sqlite => {
            let options = sqlite(target).map_err(failed)?.create_if_missing(create);
            Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool(options, size).await?))
        }
    }
}

/// A pool that does not test a connection before each use: a statement that meets a dead one fails
/// and the next request gets a new one.
async fn pool<D: SqlxDatabase>(
    options: <D::Connection as Connection>::Options,
    size: u32,
) -> Result<Pool<D>, DbErr> {
    PoolOptions::<D>::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options.disable_statement_logging())
        .await
        .map_err(failed)
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// The original stores naive local times and relies on the server's own `sql_mode`: the session's
/// time zone and mode stay as they are.
fn mysql(target: &Target) -> Result<MySqlConnectOptions, sqlx::Error> {
    let options = match target {
        Target::Url(url) => MySqlConnectOptions::from_str(url.expose())?,
        Target::File(path) => MySqlConnectOptions::new().socket(path),
        Target::Server(server) => {
            let options = MySqlConnectOptions::new()
                .host(&server.host)
                .port(server.port)
                .username(&server.username)
                .database(&server.name);
            let options = server.socket.iter().fold(options, MySqlConnectOptions::socket);
            if server.password.is_empty() { options } else { options.password(server.password.expose()) }
        }
    };
    Ok(options
        .charset("utf8mb4")
        .collation("utf8mb4_unicode_ci")
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .statement_cache_capacity(STATEMENTS))
}

fn postgres(target: &Target) -> Result<PgConnectOptions, sqlx::Error> {
    let options = match target {
        Target::Url(url) => PgConnectOptions::from_str(url.expose())?,
        Target::File(path) => PgConnectOptions::new_without_pgpass().socket(path),
        Target::Server(server) => postgres_server(server),
    };
    Ok(options.statement_cache_capacity(STATEMENTS))
}

fn postgres_server(server: &Server) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .port(server.port)
        .username(&server.username)
        .database(&server.name);
    let options = server.socket.iter().fold(options, PgConnectOptions::socket);
    if server.password.is_empty() { options } else { options.password(server.password.expose()) }
}

fn sqlite(target: &Target) -> Result<SqliteConnectOptions, sqlx::Error> {
    let options = match target {
        Target::Url(url) => SqliteConnectOptions::from_str(url.expose())?,
        Target::File(path) => SqliteConnectOptions::new().filename(path),
        Target::Server(server) => SqliteConnectOptions::new().filename(Path::new(&server.name)),
    };
    Ok(options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS))
}
