//! Applies steps in their order, and records in a table which ones were applied.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};

/// A change of the schema.
pub struct Step {
    /// What it is recorded as: never changed once it was released, and without a quote.
    pub name: &'static str,
    /// The statements that make the change.
    pub(crate) up: fn(DbBackend) -> Vec<String>,
    /// The statements that take it back.
    pub(crate) down: fn(DbBackend) -> Vec<String>,
}

/// The steps that lead to the schema that this program knows.
pub struct Migrator {
    /// The table that records which of them were applied.
    pub table: &'static str,
    pub(crate) steps: &'static [Step],
}

/// Why a schema cannot be brought to this program's version.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database holds steps that this program doesn't know.
    #[error("{} in {table} is not known to this version", names.join(", "))]
    Newer {
        /// The table that records them.
        table: &'static str,
        /// What they are recorded as.
        names: Vec<String>,
    },
    /// The database fails.
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Migrator {
    /// Applies what is missing.
    ///
    /// # Errors
    /// [`Error`]; the steps before the one that failed stay applied.
    pub async fn up(&self, db: &DatabaseConnection) -> Result<(), Error> {
        for step in self.missing(db).await? {
            self.apply(db, step).await?;
        }
        Ok(())
    }

    /// Takes back what was applied, the last step first.
    ///
    /// # Errors
    /// [`Error`]; the steps after the one that failed stay taken back.
    pub async fn down(&self, db: &DatabaseConnection) -> Result<(), Error> {
        for step in self.applied(db).await?.into_iter().rev() {
            let mut statements = (step.down)(db.get_database_backend());
            statements.push(format!("DELETE FROM {} WHERE version = '{}'", self.table, step.name));
            run(db, &statements).await?;
        }
        Ok(())
    }

    /// Applies one step and records it, both or neither; on MariaDB and MySQL a failure leaves the tables that
    /// were made before it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn apply(&self, db: &DatabaseConnection, step: &Step) -> Result<(), DbErr> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut statements = vec![self.create_table()];
        statements.extend((step.up)(db.get_database_backend()));
        statements.push(format!(
            "INSERT INTO {} (version, applied_at) VALUES ('{}', {now})",
            self.table, step.name
        ));
        run(db, &statements).await
    }

    /// The steps that were not applied yet, in their order. Only reads.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn missing(&self, db: &DatabaseConnection) -> Result<Vec<&'static Step>, Error> {
        let recorded = self.recorded(db).await?;
        Ok(self.steps.iter().filter(|step| !recorded.contains(step.name)).collect())
    }

    /// The steps that were applied, in their order. Only reads.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn applied(&self, db: &DatabaseConnection) -> Result<Vec<&'static Step>, Error> {
        let recorded = self.recorded(db).await?;
        Ok(self.steps.iter().filter(|step| recorded.contains(step.name)).collect())
    }

    /// As [`statements`](Self::statements), for the steps that were not applied yet.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn missing_statements(&self, db: &DatabaseConnection) -> Result<Vec<String>, Error> {
        let missing = self.missing(db).await?;
        let made = missing.iter().flat_map(|step| (step.up)(db.get_database_backend()));
        Ok([self.create_table()].into_iter().chain(made).collect())
    }

    /// The statements that make what all steps make, and the table of their records; for an operator whose guichet
    /// may make no tables. [`records`](Self::records) come after them.
    #[must_use]
    pub fn statements(&self, backend: DbBackend) -> Vec<String> {
        let made = self.steps.iter().flat_map(|step| (step.up)(backend));
        [self.create_table()].into_iter().chain(made).collect()
    }

    /// The statements that record all steps as applied, unless they are.
    #[must_use]
    pub fn records(&self) -> Vec<String> {
        let (table, steps) = (self.table, self.steps.iter());
        let record = |name| {
            format!(
                "INSERT INTO {table} (version, applied_at) SELECT '{name}', 0 \
                 WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE version = '{name}')"
            )
        };
        steps.map(|step| record(step.name)).collect()
    }

    fn create_table(&self) -> String {
        let columns = "version varchar(255) NOT NULL PRIMARY KEY, applied_at bigint NOT NULL";
        format!("CREATE TABLE IF NOT EXISTS {} ({columns})", self.table)
    }

    /// What is recorded as applied: all of it is known.
    async fn recorded(&self, db: &DatabaseConnection) -> Result<HashSet<String>, Error> {
        let backend = db.get_database_backend();
        let query = |sql: String| db.query_all_raw(Statement::from_string(backend, sql));
        // Whoever may make no tables is not asked to make this one.
        if query(exists(backend, self.table)).await?.is_empty() {
            return Ok(HashSet::new());
        }
        let rows = query(format!("SELECT version FROM {}", self.table)).await?;
        let recorded =
            rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<HashSet<String>, _>>()?;
        let known = |name: &&String| self.steps.iter().any(|step| step.name == name.as_str());
        let mut names: Vec<String> = recorded.iter().filter(|name| !known(name)).cloned().collect();
        names.sort();
        if names.is_empty() { Ok(recorded) } else { Err(Error::Newer { table: self.table, names }) }
    }
}

/// Asks for a row if a table is there.
fn exists(backend: DbBackend, table: &str) -> String {
    let schema = match backend {
        DbBackend::MySql => "DATABASE()",
        DbBackend::Postgres => "CURRENT_SCHEMA()",
        _ => return format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{table}'"),
    };
    format!(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = {schema} AND table_name = '{table}'"
    )
}

/// Runs statements, all or none where the database can take back what it made: MariaDB and MySQL can't.
async fn run(db: &DatabaseConnection, statements: &[String]) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    for statement in statements {
        transaction.execute_unprepared(statement).await?;
    }
    transaction.commit().await
}
