//! The seeded shop: created at the first run and kept for later ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::Error;

use crate::cpu::{self, CpuSnapshot};
use crate::database::Database;
use crate::server::beside;
use crate::session::Session;

/// The staff member that `guichet seed` creates.
const STAFF: &str = "admin@example.com";
/// Prefix of the addresses of customers that the benchmark creates.
pub const CREATED_PREFIX: &str = "bench-made-";

/// A shop with a key for it.
pub struct Shop {
    pub database: Database,
    pub url: String,
    pub key: String,
    session: Session,
    /// Its database's process, where that is not the server's own.
    process: Option<u32>,
}

impl Shop {
    /// Creates and fills the shop if it does not exist, and creates a key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn prepare(database: Database) -> Result<Self, Error> {
        Self::prepare_named(database, "guichet_bench")
    }

    /// As [`Self::prepare`], in a database of this name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn prepare_named(database: Database, name: &str) -> Result<Self, Error> {
        let url = database.url(&beside(""), name);
        make(database, &url, name)?;
        run_guichet(&url, &["migrate"]);
        let mut session = Session::open(database, &url)?;
        if number(&mut session, "COUNT(*)", "customers")? == 0 {
            run_guichet(&url, &["seed"]);
        }
        if database == Database::Postgres {
            // Without autovacuum, the planner has no statistics otherwise.
            session.run("ANALYZE")?;
        }
        let process = process_of(database, &mut session)?;
        let told = run_guichet(&url, &["create-api-key", "bench", STAFF]);
        let key = told.lines().find_map(|line| line.strip_prefix("Token: ")).expect("a key").to_owned();
        Ok(Self { database, url, key, session, process })
    }

    /// The version of the database.
    pub fn version(&mut self) -> String {
        let sql =
            if self.database == Database::Sqlite { "SELECT sqlite_version()" } else { "SELECT version()" };
        let text = self.session.text(sql, 0).unwrap_or_default();
        text.split(" (").next().unwrap_or_default().trim_start_matches("PostgreSQL ").to_owned()
    }

    /// Number of statements that the database has received so far, if it counts them; this one included.
    pub fn statements(&mut self) -> Option<u64> {
        if self.database != Database::MySql {
            return None;
        }
        self.session.text("SHOW GLOBAL STATUS LIKE 'Questions'", 1).ok()?.parse().ok()
    }

    /// Runs statements without results.
    ///
    /// # Errors
    /// When the database refuses them.
    pub fn run(&mut self, sql: &str) -> Result<(), Error> {
        self.session.run(sql)
    }

    /// A number that is computed from a table.
    ///
    /// # Errors
    /// When the database refuses it.
    pub fn number(&mut self, expression: &str, table: &str) -> Result<u64, Error> {
        number(&mut self.session, expression, table)
    }

    /// Makes the indexes that the original's schema lacks, or drops them, those of one name or all, and lets the database
    /// count its rows anew.
    ///
    /// # Errors
    /// When the database refuses it.
    pub fn set_indexes(&mut self, name: Option<&str>, are_there: bool) -> Result<(), Error> {
        let indexes = migration::further_indexes(self.database.backend());
        for index in indexes.iter().filter(|index| name.is_none_or(|name| index.name == name)) {
            let done = self.session.run(if are_there { &index.create } else { &index.drop });
            // MariaDB fails where there is nothing to drop.
            if are_there {
                done?;
            }
        }
        self.analyze()
    }

    /// Lets the database count its rows.
    ///
    /// # Errors
    /// When the database refuses it.
    pub fn analyze(&mut self) -> Result<(), Error> {
        match self.database {
            Database::Postgres => self.session.run("VACUUM ANALYZE"),
            Database::MySql => self
                .session
                .run("ANALYZE TABLE customers, services, invoices, invoice_items, support_tickets"),
            Database::Sqlite => Ok(()),
        }
    }

    /// CPU time of the database so far; zero if it runs inside the server's process.
    pub fn cpu(&self) -> CpuSnapshot {
        // PostgreSQL has a process for each connection.
        self.process.map(CpuSnapshot::of_family).unwrap_or_default()
    }

    /// Deletes the customers that the benchmark has created.
    pub fn clean(&mut self) -> Result<(), Error> {
        for (table, column) in
            [("email_messages", "recipient"), ("password_reset_tokens", "email"), ("customers", "email")]
        {
            self.session.run(&format!("DELETE FROM {table} WHERE {column} LIKE '{CREATED_PREFIX}%'"))?;
        }
        Ok(())
    }

    /// Revokes the key.
    pub fn close(self) {
        run_guichet(&self.url, &["revoke-api-key", self.key.split('|').next().unwrap_or_default()]);
    }
}

/// A number that is computed from a table.
fn number(session: &mut Session, expression: &str, table: &str) -> Result<u64, Error> {
    let text = session.text(&format!("SELECT CAST({expression} AS CHAR(20)) FROM {table}"), 0)?;
    text.trim().parse().map_err(|error| Error::Protocol(format!("{text}: {error}")))
}

/// Makes an empty database, unless it is there.
fn make(database: Database, url: &str, name: &str) -> Result<(), Error> {
    match database {
        Database::MySql => {
            let mut server = Session::open(database, &url.replace(name, "mysql"))?;
            server.run(&format!(
                "CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
            ))
        }
        Database::Postgres => {
            let mut server = Session::open(database, &url.replace(name, "postgres"))?;
            let there = format!("SELECT COUNT(*)::text FROM pg_database WHERE datname = '{name}'");
            if server.text(&there, 0)? == "0" {
                server.run(&format!("CREATE DATABASE {name}"))
            } else {
                Ok(())
            }
        }
        Database::Sqlite => Ok(()),
    }
}

/// The process of a database on this machine.
fn process_of(database: Database, session: &mut Session) -> Result<Option<u32>, Error> {
    Ok(match database {
        Database::MySql => {
            let file = PathBuf::from(session.text("SELECT @@pid_file", 0)?);
            fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok())
        }
        Database::Postgres => {
            let own = session.text("SELECT pg_backend_pid()::text", 0)?;
            own.parse().ok().and_then(cpu::parent_of)
        }
        Database::Sqlite => None,
    })
}

/// Runs a command of guichet to its end, in a folder that has no `.env`, and gives what it printed.
fn run_guichet(url: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(beside("guichet"));
    command.args(arguments).current_dir(Path::new("/")).env("DATABASE_URL", url);
    let output = command.output().expect("the binary `guichet` beside this one");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
