//! The seeded database: made on the first run, kept for the next.

use std::process::Command;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use tokio::runtime::Runtime;

use crate::child::guichet;

/// The staff member whom `guichet seed` makes.
const STAFF: &str = "admin@example.com";

/// The database with a key for it.
pub struct Shop {
    runtime: Runtime,
    db: DatabaseConnection,
    url: String,
    pub key: String,
}

impl Shop {
    /// Makes and fills the database where it is missing, and a key.
    pub fn prepare(url: &str) -> Self {
        let (server, name) = url.rsplit_once('/').expect("a URL with a database");
        let runtime = Runtime::new().expect("a runtime");
        let db = runtime.block_on(Database::connect(format!("{server}/mysql"))).expect("the server");
        let make = format!(
            "CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        );
        runtime.block_on(db.execute_unprepared(&make)).expect("the database");
        tell(guichet().arg("migrate").env("DATABASE_URL", url));
        let shop = Self { runtime, db, url: url.to_owned(), key: String::new() };
        if shop.number(&format!("SELECT CAST(COUNT(*) AS CHAR) FROM `{name}`.customers"), 0) == 0 {
            tell(guichet().arg("seed").env("DATABASE_URL", url));
        }
        let told = tell(guichet().args(["create-api-key", "bench", STAFF]).env("DATABASE_URL", url));
        let key = told.lines().find_map(|line| line.strip_prefix("Token: ")).expect("a key").to_owned();
        Self { key, ..shop }
    }

    /// Statements that the server was sent so far, this one included.
    pub fn statements(&self) -> u64 {
        self.number("SHOW GLOBAL STATUS LIKE 'Questions'", 1)
    }

    fn number(&self, sql: &str, column: usize) -> u64 {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        let row = self.runtime.block_on(self.db.query_one_raw(statement)).expect("an answer").expect("a row");
        row.try_get_by_index::<String>(column).expect("a text").parse().expect("a number")
    }

    /// Revokes the key.
    pub fn close(self) {
        let id = self.key.split('|').next().unwrap_or_default();
        tell(guichet().args(["revoke-api-key", id]).env("DATABASE_URL", &self.url));
    }
}

/// Runs a command to its end and gives what it printed.
fn tell(command: &mut Command) -> String {
    let output = command.output().expect("the binary `guichet` beside this one");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
