//! Opens the database: one pool of connections, configured for each kind of database.

pub mod health_check;
pub mod own_tables;
pub mod reader;
pub mod replica;
pub mod servers;
pub mod source;

use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use facade::collation;
use facade::failure::{self, Failure};
use futures_util::future::join_all;
use sea_orm::{
    DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxMySqlConnector, SqlxPostgresConnector,
    SqlxSqliteConnector,
};
use sqlx::database::HasStatementCache;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Database as SqlxDatabase, Executor, MySql, Pool};

use crate::platform::config::{Config, Database, DatabaseServer, DatabaseTarget, Driver, Encryption};

/// How long a request waits for a free connection before it is answered with 503. With everything else that it does, no
/// request waits longer than three seconds for a database that does not answer.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of a first connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one of several servers may take to tell whether it can be used, while others may answer.
const LOOK_TIMEOUT: Duration = Duration::from_millis(450);
/// How long SQLite waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_millis(2500);
/// How long a statement may wait for a row's lock of MariaDB or MySQL, in seconds, before its transaction runs again: two may
/// wait for each other in a way that the database does not find, as when a node of a cluster is about to lock all tables.
/// PostgreSQL finds all of them; a limit of its own would also end reads that meet an operator's `ALTER TABLE`.
const LOCK_TIMEOUT: u64 = 1;
/// A connection that was idle for longer is pinged before it is used.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);
/// Fails where a database is no shop.
const TABLE_OF_SHOP: &str = "SELECT 1 FROM personal_access_tokens LIMIT 1";
/// Maximum number of prepared statements that each connection caches.
const MAX_PREPARED_STATEMENTS: usize = 256;
/// Number of cached statements at which a connection to MariaDB or MySQL is emptied of them: one transaction needs fewer
/// than the rest.
const MANY_PREPARED_STATEMENTS: usize = 192;

/// Maximum number of rows that the thread of an SQLite connection reads ahead: a page, or the lists of a level.
const ROWS_AHEAD: usize = 1000;

/// Opens the configured database; of several servers, the first that takes writes. An SQLite file must exist.
///
/// # Errors
/// When no connection can be made within three seconds.
pub async fn connect(config: &Config) -> Result<DatabaseConnection, DbErr> {
    if config.further_servers.is_empty() {
        return open(config, SessionSettings::unlimited(config), false, true).await;
    }
    match connect_to_first(config, LOOK_TIMEOUT).await {
        Ok(db) => Ok(db),
        // Over a slow network.
        Err(_) => connect_to_first(config, CONNECT_TIMEOUT).await,
    }
}

/// Opens the first of several servers that can be used, as far as they tell so in time. All are asked at the same time.
async fn connect_to_first(config: &Config, timeout: Duration) -> Result<DatabaseConnection, DbErr> {
    let servers: Vec<Config> = config.servers().collect();
    let opened = join_all(servers.iter().map(|server| async move {
        let db = open(server, SessionSettings::unlimited(server), false, false).await?;
        // Tables may be made yet.
        check_usable(&db, !config.read_only, false, timeout).await?;
        Ok::<_, DbErr>(db)
    }));
    let mut causes = Vec::new();
    for opened in opened.await {
        match opened {
            Ok(db) => return Ok(db),
            Err(cause) => causes.push(cause),
        }
    }
    // What all of them refuse does not end by itself.
    if causes.iter().all(|cause| failure::of(cause) == Failure::Refused) {
        return Err(causes.swap_remove(0));
    }
    let named = servers.iter().map(|server| server.database.name()).zip(&causes);
    let told: Vec<String> = named.map(|(name, cause)| format!("{name}: {cause}")).collect();
    Err(DbErr::Conn(RuntimeErr::Internal(told.join("; "))))
}

/// Opens the configured database, as [`connect`]; creates the file of an SQLite database if it does not exist.
///
/// # Errors
/// As [`connect`].
pub async fn connect_or_create(config: &Config) -> Result<DatabaseConnection, DbErr> {
    if !config.further_servers.is_empty() {
        return connect(config).await;
    }
    open(config, SessionSettings::unlimited(config), true, true).await
}

/// Opens the configured database for a server: statements time out after `GUICHET_TIMEOUT`, and with
/// `GUICHET_READ_ONLY` nothing can be written. No connection is made yet, so the database need not answer.
///
/// # Errors
/// When the settings are not valid.
pub async fn connect_for_serving(config: &Config) -> Result<DatabaseConnection, DbErr> {
    let session = SessionSettings {
        limit: Some(config.timeout),
        read_only: config.read_only,
        sync_wait: config.sync_wait,
    };
    open(config, session, false, false).await
}

/// Opens a replica for a server. Nothing can be written to it.
///
/// # Errors
/// As [`connect_for_serving`].
pub async fn connect_to_replica(config: &Config, replica: &Database) -> Result<DatabaseConnection, DbErr> {
    let (database, further_servers) = (replica.clone(), Vec::new());
    connect_for_serving(&Config { database, further_servers, read_only: true, ..config.clone() }).await
}

/// Settings that each connection of a pool gets when it is opened.
#[derive(Clone, Copy)]
struct SessionSettings {
    /// Timeout of a statement.
    limit: Option<Duration>,
    /// Whether the database refuses writes.
    read_only: bool,
    /// Whether a node of a Galera cluster answers a read only when it has what was committed on other nodes before.
    sync_wait: bool,
}

impl SessionSettings {
    fn unlimited(config: &Config) -> Self {
        Self { limit: None, read_only: config.read_only, sync_wait: false }
    }

    /// The name of the timeout differs between MariaDB and MySQL; each executes only its own kind of comment.
    /// MySQL's timeout applies to reading statements only.
    fn mysql(self) -> Vec<SessionStatement> {
        let limit = self.limit.map(|limit| {
            format!(
                "SET @guichet_limit = 1 /*M!100101 , SESSION max_statement_time = {:.3} */ \
                 /*!50708 , SESSION max_execution_time = {} */, SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}",
                limit.as_secs_f64(),
                limit.as_millis()
            )
        });
        let read_only = self.read_only.then(|| "SET SESSION TRANSACTION READ ONLY".to_owned());
        // 1: reads and the beginning of transactions. Also where guichet knows of one host only: a proxy may stand before others.
        let sync_wait = self.sync_wait.then(|| SessionStatement {
            sql: "SET SESSION wsrep_sync_wait = 1".to_owned(),
            only_where: Some("SHOW VARIABLES WHERE Variable_name = 'wsrep_on' AND Value = 'ON'"),
        });
        limit.into_iter().chain(read_only).map(SessionStatement::always).chain(sync_wait).collect()
    }

    fn postgres(self) -> Vec<SessionStatement> {
        let limit = self.limit.map(|limit| format!("SET statement_timeout = {}", limit.as_millis()));
        let read_only = self.read_only.then(|| "SET default_transaction_read_only = on".to_owned());
        limit.into_iter().chain(read_only).map(SessionStatement::always).collect()
    }
}

/// A statement for each new connection.
struct SessionStatement {
    sql: String,
    /// A query; the statement is only for servers on which it finds a row.
    only_where: Option<&'static str>,
}

impl SessionStatement {
    fn always(sql: String) -> Self {
        Self { sql, only_where: None }
    }
}

async fn open(
    config: &Config,
    session: SessionSettings,
    create: bool,
    try_first: bool,
) -> Result<DatabaseConnection, DbErr> {
    let (target, size) = (&config.database.target, config.pool_size());
    match config.database.driver {
        Driver::MySql => {
            let pool =
                pool(mysql(target).map_err(connection_error)?, size, session.mysql(), try_first).await?;
            Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
        }
        Driver::Postgres => {
            let pool = pool(postgres(target).map_err(connection_error)?, size, session.postgres(), try_first)
                .await?;
            Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
        }
        Driver::Sqlite => {
            let options = sqlite(target, session.read_only)
                .map_err(connection_error)?
                .create_if_missing(create && !session.read_only);
            let pool = pool(options, size, Vec::new(), try_first).await?;
            Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
        }
    }
}

/// Makes a pool that pings a connection before its use only if it was idle for a while; a connection that broke
/// before that fails with its next statement. With `try_first`, one connection is opened at once, so that its error
/// is reported.
async fn pool<D: SqlxDatabase + HasStatementCache>(
    options: <D::Connection as Connection>::Options,
    size: u32,
    session: Vec<SessionStatement>,
    try_first: bool,
) -> Result<Pool<D>, DbErr>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    let options = options.disable_statement_logging();
    if try_first {
        test_connection::<D>(&options, CONNECT_TIMEOUT).await?;
    }
    let session = std::sync::Arc::new(session);
    Ok(PoolOptions::<D>::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > PING_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_release(|connection, _| {
            Box::pin(async move {
                if has_many_statements::<D>(connection) {
                    connection.clear_cached_statements().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let session = std::sync::Arc::clone(&session);
            Box::pin(async move {
                for SessionStatement { sql, only_where } in session.iter() {
                    let is_for_server = match only_where {
                        Some(query) => connection.fetch_optional(*query).await?.is_some(),
                        None => true,
                    };
                    if is_for_server {
                        connection.execute(AssertSqlSafe(sql.as_str())).await?;
                    }
                }
                Ok(())
            })
        })
        .connect_lazy_with(options))
}

/// Whether a connection must be returned to sqlx's pool, which closes its cached statements in a task.
///
/// sqlx closes the least recently used statement when the cache is full. MariaDB and MySQL do not answer that, and as
/// sqlx leaves `TCP_NODELAY` off, the next statement is only sent when the server's delayed acknowledgement arrives: 40 ms
/// later, for each statement that is new to the connection.
fn has_many_statements<D: SqlxDatabase + HasStatementCache>(connection: &D::Connection) -> bool {
    D::NAME == MySql::NAME && connection.cached_statements_size() >= MANY_PREPARED_STATEMENTS
}

/// Opens one connection and closes it again.
async fn test_connection<D: SqlxDatabase>(
    options: &<D::Connection as Connection>::Options,
    timeout: Duration,
) -> Result<(), DbErr> {
    let connection = within(timeout, options.connect()).await?;
    connection.close().await.map_err(connection_error)
}

/// What a new connection is used for, which must be done in time.
async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DbErr> {
    let done = tokio::time::timeout(timeout, work).await;
    done.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into()))).map_err(connection_error)
}

/// Checks that a new connection, outside of the pool, can be opened in time.
///
/// # Errors
/// When it cannot be opened.
pub async fn check_reachable(db: &DatabaseConnection, timeout: Duration) -> Result<(), DbErr> {
    match db.get_database_backend() {
        DbBackend::MySql => {
            let options = db.get_mysql_connection_pool().connect_options();
            test_connection::<sqlx::MySql>(&options, timeout).await
        }
        DbBackend::Postgres => {
            let options = db.get_postgres_connection_pool().connect_options();
            test_connection::<sqlx::Postgres>(&options, timeout).await
        }
        // SQLite has no connection that could be lost: a statement on a missing file fails at once.
        _ => Ok(()),
    }
}

/// Whether a server takes writes, by a new connection outside of the pool: it is no standby, not read-only, and a node of a
/// cluster that is ready.
///
/// # Errors
/// When it cannot be reached in time.
pub async fn takes_writes(db: &DatabaseConnection, timeout: Duration) -> Result<bool, DbErr> {
    readiness(db, true, false, timeout).await.map(|readiness| readiness != Readiness::NotReady)
}

/// Whether a server can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// It can, but another node of its cluster is better: it sends its data to one that joins, during which its writes may
    /// wait, or has not caught up with the others.
    NotSynced,
    NotReady,
}

/// Checks that one of several servers can be used: it can be reached, with `writes` it takes writes, and `with_tables` it has
/// the shop's tables. Returns whether none can be better.
async fn check_usable(
    db: &DatabaseConnection,
    writes: bool,
    with_tables: bool,
    timeout: Duration,
) -> Result<bool, DbErr> {
    match readiness(db, writes, with_tables, timeout).await? {
        Readiness::NotReady => {
            Err(DbErr::Conn(RuntimeErr::Internal("the server is not ready, or takes no writes".to_owned())))
        }
        readiness => Ok(readiness == Readiness::Ready),
    }
}

/// Whether the server itself has answered that it has no place for a connection: it is there.
fn is_busy(cause: &DbErr) -> bool {
    let is_answer =
        matches!(cause, DbErr::Conn(RuntimeErr::SqlxError(error)) if error.as_database_error().is_some());
    is_answer && failure::of(cause) == Failure::Unavailable
}

async fn readiness(
    db: &DatabaseConnection,
    writes: bool,
    with_tables: bool,
    timeout: Duration,
) -> Result<Readiness, DbErr> {
    let state = async {
        match db.get_database_backend() {
            DbBackend::MySql => {
                mysql_readiness(&db.get_mysql_connection_pool().connect_options(), writes, with_tables).await
            }
            DbBackend::Postgres => {
                let options = db.get_postgres_connection_pool().connect_options();
                postgres_readiness(&options, writes, with_tables).await
            }
            _ => Ok(Readiness::Ready),
        }
    };
    within(timeout, state).await
}

/// The status `wsrep_ready` counts in a cluster only: MySQL has none, and MariaDB outside of a cluster is never ready.
async fn mysql_readiness(
    options: &MySqlConnectOptions,
    writes: bool,
    with_tables: bool,
) -> Result<Readiness, sqlx::Error> {
    let mut connection = options.clone().disable_statement_logging().connect().await?;
    // The text of the variable differs between versions.
    let read_only = "SELECT IF(CAST(@@global.read_only AS CHAR) IN ('0', 'OFF'), 'off', 'on')";
    let read_only: String = sqlx::query_scalar(read_only).fetch_one(&mut connection).await?;
    let mut shows = async |sql: &'static str, expected: &str| {
        let shown: Option<(String, String)> = sqlx::query_as(sql).fetch_optional(&mut connection).await?;
        Ok::<_, sqlx::Error>(shown.is_some_and(|(_, value)| value == expected))
    };
    let is_in_cluster = shows("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'", "ON").await?;
    let is_ready = !is_in_cluster || shows("SHOW GLOBAL STATUS LIKE 'wsrep_ready'", "ON").await?;
    let is_synced = !is_in_cluster || shows("SHOW GLOBAL STATUS LIKE 'wsrep_local_state'", "4").await?;
    if with_tables && is_ready {
        connection.execute(TABLE_OF_SHOP).await?;
    }
    connection.close().await?;
    Ok(match is_ready && (!writes || read_only == "off") {
        true if is_synced => Readiness::Ready,
        true => Readiness::NotSynced,
        false => Readiness::NotReady,
    })
}

async fn postgres_readiness(
    options: &PgConnectOptions,
    writes: bool,
    with_tables: bool,
) -> Result<Readiness, sqlx::Error> {
    let mut connection = options.clone().disable_statement_logging().connect().await?;
    let state = "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'";
    let takes_writes: bool = sqlx::query_scalar(state).fetch_one(&mut connection).await?;
    if with_tables {
        connection.execute(TABLE_OF_SHOP).await?;
    }
    connection.close().await?;
    Ok(if takes_writes || !writes { Readiness::Ready } else { Readiness::NotReady })
}

/// Closes the pool's idle connections that are broken, so that the next statement gets one that works.
pub async fn close_dead_connections(db: &DatabaseConnection) {
    match db.get_database_backend() {
        DbBackend::MySql => close_dead_connections_of(db.get_mysql_connection_pool()).await,
        DbBackend::Postgres => close_dead_connections_of(db.get_postgres_connection_pool()).await,
        _ => {}
    }
}

async fn close_dead_connections_of<D: SqlxDatabase>(pool: &Pool<D>) {
    let mut alive = Vec::new();
    while let Some(mut connection) = pool.try_acquire() {
        match tokio::time::timeout(PING_AFTER_IDLE, connection.ping()).await {
            Ok(Ok(())) => alive.push(connection),
            _ => connection.close_on_drop(),
        }
    }
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// Options for MySQL and MariaDB. The original stores local times and relies on the server's own `sql_mode`, so
/// time zone and mode of the session are not changed, except for `IGNORE_SPACE`, which sqlx always sets and which
/// is harmless.
fn mysql(target: &DatabaseTarget) -> Result<MySqlConnectOptions, sqlx::Error> {
    let options = match target {
        DatabaseTarget::Url(url) => {
            let options = MySqlConnectOptions::from_str(url.expose())?;
            let host = without_brackets(options.get_host()).to_owned();
            options.host(&host)
        }
        DatabaseTarget::File(path) => MySqlConnectOptions::new().socket(path),
        DatabaseTarget::Server(server) => {
            let options = MySqlConnectOptions::new()
                .host(&server.host)
                .port(server.port)
                .username(&server.username)
                .database(&server.name);
            let options = server.socket.iter().fold(options, MySqlConnectOptions::socket);
            let options = server.authority.iter().fold(options, MySqlConnectOptions::ssl_ca);
            let options =
                encryption(server).map(mysql_mode).into_iter().fold(options, MySqlConnectOptions::ssl_mode);
            if server.password.is_empty() { options } else { options.password(server.password.expose()) }
        }
    };
    // Unix sockets are not encrypted.
    let local = options.get_socket().is_some();
    let options = if local { options.ssl_mode(MySqlSslMode::Disabled) } else { options };
    Ok(options
        .charset("utf8mb4")
        .collation("utf8mb4_unicode_ci")
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .statement_cache_capacity(MAX_PREPARED_STATEMENTS))
}

/// The host of a URL. sqlx looks an address of IPv6 up together with its brackets.
fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The encryption of a server: if only a certificate authority is set, the certificate is verified against it.
fn encryption(server: &DatabaseServer) -> Option<Encryption> {
    server.encryption.or(server.authority.is_some().then_some(Encryption::Authority))
}

fn mysql_mode(encryption: Encryption) -> MySqlSslMode {
    match encryption {
        Encryption::Never => MySqlSslMode::Disabled,
        Encryption::Preferred => MySqlSslMode::Preferred,
        Encryption::Required => MySqlSslMode::Required,
        Encryption::Authority => MySqlSslMode::VerifyCa,
        Encryption::Host => MySqlSslMode::VerifyIdentity,
    }
}

fn postgres_mode(encryption: Encryption) -> PgSslMode {
    match encryption {
        Encryption::Never => PgSslMode::Disable,
        Encryption::Preferred => PgSslMode::Prefer,
        Encryption::Required => PgSslMode::Require,
        Encryption::Authority => PgSslMode::VerifyCa,
        Encryption::Host => PgSslMode::VerifyFull,
    }
}

fn postgres(target: &DatabaseTarget) -> Result<PgConnectOptions, sqlx::Error> {
    let options = match target {
        DatabaseTarget::Url(url) => {
            let options = PgConnectOptions::from_str(url.expose())?;
            let host = without_brackets(options.get_host()).to_owned();
            options.host(&host)
        }
        DatabaseTarget::File(path) => PgConnectOptions::new_without_pgpass().socket(path),
        DatabaseTarget::Server(server) => postgres_server(server),
    };
    let local = options.get_socket().is_some();
    let options = if local { options.ssl_mode(PgSslMode::Disable) } else { options };
    Ok(options.statement_cache_capacity(MAX_PREPARED_STATEMENTS))
}

fn postgres_server(server: &DatabaseServer) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .port(server.port)
        .username(&server.username)
        .database(&server.name);
    let options = server.socket.iter().fold(options, PgConnectOptions::socket);
    let options = server.authority.iter().fold(options, PgConnectOptions::ssl_root_cert);
    let options = encryption(server).map(postgres_mode).into_iter().fold(options, PgConnectOptions::ssl_mode);
    if server.password.is_empty() { options } else { options.password(server.password.expose()) }
}

/// Options for SQLite. The journal mode is not changed if the database is read-only.
fn sqlite(target: &DatabaseTarget, read_only: bool) -> Result<SqliteConnectOptions, sqlx::Error> {
    let options = match target {
        DatabaseTarget::Url(url) => SqliteConnectOptions::from_str(url.expose())?,
        DatabaseTarget::File(path) => SqliteConnectOptions::new().filename(path),
        DatabaseTarget::Server(server) => SqliteConnectOptions::new().filename(Path::new(&server.name)),
    };
    let options = if read_only {
        options.read_only(true)
    } else {
        options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal)
    };
    Ok(options
        .foreign_keys(true)
        .collation(collation::SQLITE, collation::compare)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .statement_cache_capacity(MAX_PREPARED_STATEMENTS))
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Statement};

    use super::*;
    use crate::platform::config::Database;

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
        assert_eq!((keys.as_deref(), busy.as_deref()), (Some("1"), Some("2500")));
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
