//! Fresh databases for tests: clones of one template that holds the recorded shop's rows.
//!
//! * SQLite (default): the template's file is copied.
//! * PostgreSQL, MySQL/MariaDB: a few databases are reused; before each use, the tables that changed are filled anew,
//!   and their counters are reset.
//!
//! `GUICHET_TEST_DATABASE` = `sqlite`, `mysql` or `postgres`; the servers' addresses are
//! `GUICHET_TEST_MYSQL_URL` (default `mysql://root@127.0.0.1:3306`) and
//! `GUICHET_TEST_POSTGRES_URL` (default `postgres://postgres@127.0.0.1:5432`).
//! Each run removes what the run before it left behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::{env, fs, process};

use guichet::database::{connect, connect_or_create};
use guichet::platform::config::{Config, Database as Address, DatabaseTarget};
use migration::{OWN, OWN_TABLES, SHOP};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::sync::OnceCell;

use crate::harness::rows::{self, Snapshot, quoted};

/// The rows of the recorded shop (`tests/golden/data.json`), and further rows that the recordings depend on
/// (`tests/golden/unrecorded.json`).
pub(crate) static DATA: LazyLock<BTreeMap<String, TableData>> = LazyLock::new(|| {
    let files = [include_str!("../../golden/data.json"), include_str!("../../golden/unrecorded.json")];
    files.iter().flat_map(|file| serde_json::from_str::<BTreeMap<_, _>>(file).unwrap()).collect()
});

/// Rows of one table.
#[derive(Deserialize)]
pub(crate) struct TableData {
    /// Names of the columns.
    pub(crate) columns: Vec<String>,
    /// Rows, each in the order of the columns.
    pub(crate) rows: Vec<Vec<Json>>,
}

/// The kind of database that this run of the tests uses.
pub(crate) static BACKEND: LazyLock<DbBackend> =
    LazyLock::new(|| match env::var("GUICHET_TEST_DATABASE").unwrap_or_default().as_str() {
        "" | "sqlite" => DbBackend::Sqlite,
        "mysql" | "mariadb" => DbBackend::MySql,
        "postgres" | "postgresql" => DbBackend::Postgres,
        other => panic!("GUICHET_TEST_DATABASE={other}: sqlite, mysql or postgres"),
    });

/// Statements that make reading metadata a defect: their key is one that no database can compute.
pub(crate) const DEFECT: [&str; 2] = [
    "ALTER TABLE metadata RENAME TO metadata_gone",
    "CREATE VIEW metadata AS SELECT model_id / (model_id - model_id) AS id, gone.* FROM \
     (SELECT model_id, model_type, metadata_gone.key, value, created_at, updated_at FROM metadata_gone) gone",
];
/// Statements that mend it.
pub(crate) const MENDED: [&str; 2] = ["DROP VIEW metadata", "ALTER TABLE metadata_gone RENAME TO metadata"];

static TEMPLATE: OnceCell<Template> = OnceCell::const_new();
static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The database that the others are copies of.
struct Template {
    name: String,
    tables: Vec<String>,
    rows: Snapshot,
    counters: Counters,
}

/// The counters behind automatic ids; on MySQL by table, on PostgreSQL by sequence.
type Counters = BTreeMap<String, Option<String>>;

/// A database of one test, given back by [`Store::close`].
pub(crate) struct Store {
    name: String,
    tables: &'static [String],
    /// Whether it is a clone of the template, so that another test can use it again.
    is_clone: bool,
    /// A connection beside the server's own.
    pub(crate) db: DatabaseConnection,
}

impl Store {
    /// A database that holds the recorded shop's rows.
    pub(crate) async fn fresh() -> Result<Self, DbErr> {
        let template = TEMPLATE.get_or_try_init(Template::make).await?;
        let name = template.copy().await?;
        let db = open(&name).await?;
        let store = Self { name, tables: &template.tables, is_clone: true, db };
        if *BACKEND != DbBackend::Sqlite {
            store.restore(template).await?;
        }
        Ok(store)
    }

    /// A database that `guichet seed` has filled, with the recorded keys.
    pub(crate) async fn seeded(arguments: &[&str]) -> Result<Self, DbErr> {
        sweep().await?;
        let name = new_name();
        create(&name, None).await?;
        for command in [&["migrate"][..], &[&["seed"], arguments].concat()] {
            let output = program(&address(&name)).args(command).output().expect("the program runs");
            assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let db = open(&name).await?;
        load(&db, "personal_access_tokens").await?;
        Ok(Self { name, tables: &[], is_clone: false, db })
    }

    /// Where it is, for the server's settings.
    pub(crate) fn address(&self) -> Address {
        address(&self.name)
    }

    /// Its name on its server; `None` for a file.
    pub(crate) fn database(&self) -> Option<&str> {
        (*BACKEND != DbBackend::Sqlite).then_some(&self.name)
    }

    /// Everything in it.
    pub(crate) async fn rows(&self) -> Result<Snapshot, DbErr> {
        rows::read(&self.db, self.tables).await
    }

    /// Ends its use.
    pub(crate) async fn close(self) -> Result<(), DbErr> {
        self.db.close().await?;
        match *BACKEND {
            DbBackend::Sqlite => remove(Path::new(&self.name)),
            _ if self.is_clone => FREE.lock().unwrap().push(self.name),
            backend => {
                // The server's connections may still be open.
                let force = if backend == DbBackend::Postgres { " WITH (FORCE)" } else { "" };
                on_server(&format!("DROP DATABASE {}{force}", quoted(backend, &self.name))).await?;
            }
        }
        Ok(())
    }

    /// Drops guichet's own tables, which the template doesn't have.
    async fn drop_own_tables(&self) -> Result<(), DbErr> {
        let tables = [&OWN_TABLES[..], &[OWN.table]].concat().join(", ");
        self.db.execute_unprepared(&format!("DROP TABLE IF EXISTS {tables}")).await.map(drop)
    }

    /// Puts back every table and counter that changed.
    async fn restore(&self, template: &Template) -> Result<(), DbErr> {
        self.drop_own_tables().await?;
        let now = self.rows().await?;
        let changed = template.rows.iter().filter(|(table, rows)| now[*table] != **rows);
        self.db.execute_unprepared(foreign_keys(false)).await?;
        refill(&self.db, changed.map(|(table, _)| table.as_str())).await?;
        self.db.execute_unprepared(foreign_keys(true)).await?;
        let counters = counters(&self.db).await?;
        for (name, number) in template.counters.iter().filter(|(name, number)| counters[*name] != **number) {
            let sql = match (*BACKEND, number) {
                (DbBackend::Postgres, Some(number)) => format!("SELECT setval('{name}', {number})"),
                (DbBackend::Postgres, None) => format!("ALTER SEQUENCE {name} RESTART"),
                (_, number) => {
                    format!("ALTER TABLE `{name}` AUTO_INCREMENT = {}", number.as_deref().unwrap_or("1"))
                }
            };
            self.db.execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}

impl Template {
    async fn make() -> Result<Self, DbErr> {
        sweep().await?;
        let name = new_name();
        create(&name, None).await?;
        let db = open(&name).await?;
        SHOP.up(&db).await.unwrap();
        db.execute_unprepared(foreign_keys(false)).await?;
        refill(&db, DATA.keys().map(String::as_str)).await?;
        db.execute_unprepared(foreign_keys(true)).await?;
        let tables = rows::tables(&db).await?;
        let rows = rows::read(&db, &tables).await?;
        let counters = counters(&db).await?;
        db.close().await?;
        Ok(Self { name, tables, rows, counters })
    }

    /// Name of a database with the template's tables and, except on MySQL, its rows.
    async fn copy(&self) -> Result<String, DbErr> {
        let free = FREE.lock().unwrap().pop();
        if let Some(name) = free {
            return Ok(name);
        }
        let name = new_name();
        create(&name, Some(&self.name)).await?;
        if *BACKEND == DbBackend::MySql {
            let db = open(&name).await?;
            SHOP.up(&db).await.unwrap();
            db.close().await?;
        }
        Ok(name)
    }
}

/// The built program with nothing in its environment but that database.
pub(crate) fn program(database: &Address) -> process::Command {
    let mut program = process::Command::new(env!("CARGO_BIN_EXE_guichet"));
    let url = match &database.target {
        DatabaseTarget::Url(url) => url.expose().to_owned(),
        DatabaseTarget::File(file) => format!("sqlite:{}", file.display()),
        DatabaseTarget::Server(_) => panic!("a database by its address"),
    };
    program.env_clear().env("DATABASE_URL", url).current_dir("/");
    program
}

/// Settings that reach a database by name, with one connection.
async fn open(name: &str) -> Result<DatabaseConnection, DbErr> {
    let config = Config { database: address(name), pool: Some(1), ..Config::default() };
    let db = connect_or_create(&config).await?;
    if *BACKEND == DbBackend::MySql {
        db.execute_unprepared("SET group_concat_max_len = 4000000").await?;
    }
    Ok(db)
}

fn address(name: &str) -> Address {
    match *BACKEND {
        DbBackend::Sqlite => Address::file(name),
        _ => Address::from_url(&format!("{}/{name}", server_url())).unwrap(),
    }
}

/// The URL of the server, without a database.
pub fn server_url() -> String {
    let (variable, default) = match *BACKEND {
        DbBackend::MySql => ("GUICHET_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306"),
        _ => ("GUICHET_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432"),
    };
    env::var(variable).unwrap_or_else(|_| default.to_owned())
}

/// Runs a statement outside of the tests' databases.
async fn on_server(sql: &str) -> Result<(), DbErr> {
    let db = server_connection().await?;
    db.execute_unprepared(sql).await?;
    db.close().await
}

async fn server_connection() -> Result<DatabaseConnection, DbErr> {
    let own = if *BACKEND == DbBackend::MySql { "mysql" } else { "postgres" };
    connect(&Config { database: address(own), pool: Some(1), ..Config::default() }).await
}

async fn create(name: &str, template: Option<&str>) -> Result<(), DbErr> {
    match (*BACKEND, template) {
        (DbBackend::Sqlite, Some(template)) => {
            fs::copy(template, name).map(|_| ()).map_err(|error| DbErr::Custom(error.to_string()))
        }
        (DbBackend::Sqlite, None) => Ok(()),
        (DbBackend::Postgres, Some(template)) => {
            on_server(&format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"")).await
        }
        (DbBackend::Postgres, None) => on_server(&format!("CREATE DATABASE \"{name}\"")).await,
        _ => on_server(&format!("CREATE DATABASE `{name}` COLLATE utf8mb4_unicode_ci")).await,
    }
}

fn new_name() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("guichet_test_{}_{number}", process::id());
    match *BACKEND {
        DbBackend::Sqlite => folder().join(name + ".sqlite").to_string_lossy().into_owned(),
        _ => name,
    }
}

/// Memory where the system offers it as a folder, else the disk.
pub(crate) fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { env::temp_dir() }
}

fn remove(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file.display()));
    }
}

/// Removes the databases of runs that have ended.
async fn sweep() -> Result<(), DbErr> {
    if *BACKEND == DbBackend::Sqlite {
        for entry in fs::read_dir(folder()).into_iter().flatten().flatten() {
            if abandoned(&entry.file_name().to_string_lossy()) {
                let _ = fs::remove_file(entry.path());
            }
        }
        return Ok(());
    }
    let sql = match *BACKEND {
        DbBackend::Postgres => "SELECT datname::text FROM pg_database",
        _ => "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata",
    };
    let db = server_connection().await?;
    for line in db.query_all_raw(Statement::from_string(*BACKEND, sql)).await? {
        let name: String = line.try_get_by_index(0)?;
        if abandoned(&name) {
            db.execute_unprepared(&format!("DROP DATABASE IF EXISTS {}", quoted(*BACKEND, &name))).await?;
        }
    }
    db.close().await
}

/// Whether a name is one of ours and its process has ended.
fn abandoned(name: &str) -> bool {
    let process = name.strip_prefix("guichet_test_").and_then(|rest| rest.split('_').next());
    process.is_some_and(|id| !Path::new("/proc").join(id).exists())
}

/// Switches foreign keys of the connection on or off.
fn foreign_keys(on: bool) -> &'static str {
    match (*BACKEND, on) {
        (DbBackend::Sqlite, false) => "PRAGMA foreign_keys = OFF",
        (DbBackend::Sqlite, true) => "PRAGMA foreign_keys = ON",
        (DbBackend::Postgres, false) => "SET session_replication_role = replica",
        (DbBackend::Postgres, true) => "SET session_replication_role = DEFAULT",
        (_, false) => "SET FOREIGN_KEY_CHECKS = 0",
        (_, true) => "SET FOREIGN_KEY_CHECKS = 1",
    }
}

/// The counters of automatic ids. SQLite needs none: its databases are used once.
async fn counters(db: &DatabaseConnection) -> Result<Counters, DbErr> {
    let sql = match *BACKEND {
        DbBackend::Sqlite => return Ok(Counters::new()),
        DbBackend::Postgres => "SELECT quote_ident(sequencename), last_value::text FROM pg_sequences",
        _ => {
            "SELECT CAST(table_name AS CHAR), CAST(auto_increment AS CHAR) FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL"
        }
    };
    let found = db.query_all_raw(Statement::from_string(*BACKEND, sql)).await?;
    found.iter().map(|line| Ok((line.try_get_by_index(0)?, line.try_get_by_index(1)?))).collect()
}

/// Empties tables and loads their recorded rows.
async fn refill(db: &DatabaseConnection, tables: impl Iterator<Item = &str>) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    for table in tables {
        transaction.execute_unprepared(&format!("DELETE FROM {}", quoted(*BACKEND, table))).await?;
        load(&transaction, table).await?;
    }
    transaction.commit().await
}

/// Loads the recorded rows of one empty table, and sets its counter behind them.
async fn load(db: &impl ConnectionTrait, table: &str) -> Result<(), DbErr> {
    let Some(data) = DATA.get(table).filter(|data| !data.rows.is_empty()) else { return Ok(()) };
    let columns: Vec<String> = data.columns.iter().map(|column| quoted(*BACKEND, column)).collect();
    let rows: Vec<String> = data.rows.iter().map(|row| values(row)).collect();
    let name = quoted(*BACKEND, table);
    let sql = format!("INSERT INTO {name} ({}) VALUES {}", columns.join(", "), rows.join(", "));
    db.execute_unprepared(&sql).await?;
    if *BACKEND == DbBackend::Postgres && data.columns.iter().any(|column| column == "id") {
        let sequence = format!("pg_get_serial_sequence('{name}', 'id')");
        let sql =
            format!("SELECT setval({sequence}, (SELECT max(id) FROM {name})) WHERE {sequence} IS NOT NULL");
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// One row as SQL. All values are texts: each database turns them into its column's type.
fn values(row: &[Json]) -> String {
    let cells: Vec<String> = row.iter().map(literal).collect();
    format!("({})", cells.join(", "))
}

fn literal(value: &Json) -> String {
    let text = match value {
        Json::Null => return "NULL".to_owned(),
        Json::String(text) => text.replace('\'', "''"),
        other => other.to_string(),
    };
    let text = if *BACKEND == DbBackend::MySql { text.replace('\\', r"\\") } else { text };
    format!("'{text}'")
}

/// Whatever a test did, the next one finds the recorded rows and their counters; and what it did
/// is told as a recording tells it.
#[tokio::test]
async fn a_database_is_fresh_and_its_changes_are_seen() {
    let mut used: Option<Snapshot> = None;
    for _ in 0..2 {
        let store = Store::fresh().await.unwrap();
        let before = store.rows().await.unwrap();
        for (table, data) in DATA.iter() {
            assert_eq!(before[table].len(), data.rows.len(), "{table}");
        }
        assert!(used.is_none_or(|used| used == before));
        for sql in [
            "INSERT INTO coupon_usages (coupon_id, customer_id, used_at, amount) VALUES (1, 1, '2026-11-23 13:00:00', 2.5)",
            "UPDATE products SET name = 'L''\u{e9}t\u{e9}', pinned = pinned WHERE id = 2",
            "DELETE FROM metadata WHERE id = 6",
        ] {
            store.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        let changes = rows::changes(&before, &store.rows().await.unwrap());
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert!(changes[0].starts_with("insert coupon_usages/2 "), "{}", changes[0]);
        assert_eq!(changes[1..], ["delete metadata/6", "update products/2 {\"name\":\"L'\u{e9}t\u{e9}\"}"]);
        store.close().await.unwrap();
        used = Some(before);
    }
}
