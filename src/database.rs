//! Opening the database: one pool, tuned for each kind of database.

use std::io::ErrorKind;
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

use crate::collation;
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
/// and the next request gets a new one. One connection is tried first, for the sake of its error.
async fn pool<D: SqlxDatabase>(
    options: <D::Connection as Connection>::Options,
    size: u32,
) -> Result<Pool<D>, DbErr> {
    let options = options.disable_statement_logging();
    let first = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    let first = first.map_err(|_| failed(sqlx::Error::Io(ErrorKind::TimedOut.into())))?.map_err(failed)?;
    first.close().await.map_err(failed)?;
    Ok(PoolOptions::<D>::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_lazy_with(options))
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// The original stores naive local times and relies on the server's own `sql_mode`: the session's
/// time zone and mode stay as they are, apart from the harmless `IGNORE_SPACE` that sqlx always asks for.
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
        .collation(collation::SQLITE, collation::compare)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS))
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Statement};

    use super::*;
    use crate::config::Database;

    /// The columns of one row, as texts.
    async fn ask<const N: usize>(db: &DatabaseConnection, sql: &str) -> [Option<String>; N] {
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await.expect("an answer").expect("a row");
        std::array::from_fn(|column| row.try_get_by_index(column).expect("a text"))
    }

    #[tokio::test]
    async fn sqlite_waits_checks_references_and_keeps_a_log() -> Result<(), DbErr> {
        let file = std::env::temp_dir().join(format!("guichet-database-{}.sqlite", std::process::id()));
        let config = Config { database: Database::file(&file), ..Config::default() };
        assert!(connect(&config).await.is_err(), "a file that is not there is not made");
        let db = connect_or_create(&config).await?;
        let [journal] = ask(&db, "SELECT journal_mode FROM pragma_journal_mode").await;
        assert_eq!(journal.as_deref(), Some("wal"));
        let [keys, busy] = ask(
            &db,
            "SELECT CAST(f.foreign_keys AS TEXT), CAST(b.timeout AS TEXT) FROM pragma_foreign_keys f, pragma_busy_timeout b",
        )
        .await;
        assert_eq!((keys.as_deref(), busy.as_deref()), (Some("1"), Some("5000")));
        db.close().await?;
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
        Ok(())
    }

    /// Runs when `GUICHET_TEST_MYSQL` tells where a server is.
    #[tokio::test]
    async fn the_session_of_mysql_is_left_alone() -> Result<(), DbErr> {
        let Ok(server) = std::env::var("GUICHET_TEST_MYSQL") else { return Ok(()) };
        let database = Database::from_url(&server).expect("a URL");
        let db = connect(&Config { database, ..Config::default() }).await?;
        let session =
            ask::<2>(&db, "SELECT @@session.time_zone, REPLACE(@@session.sql_mode, 'IGNORE_SPACE,', '')")
                .await;
        assert_eq!(session, ask::<2>(&db, "SELECT @@global.time_zone, @@global.sql_mode").await);
        let [collation] = ask(&db, "SELECT @@session.collation_connection").await;
        assert_eq!(collation.as_deref(), Some("utf8mb4_unicode_ci"));
        Ok(())
    }
}
