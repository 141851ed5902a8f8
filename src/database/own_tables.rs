//! guichet's own tables in the shop's database (`migration/src/own.rs`). They are created at the start, if the
//! database user may do so. If not, only the features that need them are off, until an operator has created them
//! (`guichet doctor` prints the statements).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migration::OWN;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::OnceCell;

use crate::{Error, Result};

/// Time between two attempts to create them, and maximum number of further attempts: each that fails because of another
/// process is one in which that process has created something.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
const MAX_RETRIES: u32 = 6;

/// Whether the tables exist. It is checked until they do.
#[derive(Default)]
pub struct OwnTables {
    all: OnceCell<()>,
    outbox: AtomicBool,
}

/// Why the tables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnTablesError {
    /// They were created by a newer version of guichet.
    #[error("guichet's own tables were made by a newer version of guichet: {0}")]
    Newer(migration::Error),
    /// They do not exist and cannot be created.
    #[error(
        "guichet's own tables cannot be made ({0}): `guichet doctor` writes the statements that make them"
    )]
    NotMade(migration::Error),
    /// They do not exist, and the server is read-only.
    #[error("guichet's own tables are not there, and a server that is read-only makes none")]
    ReadOnly,
    /// The database fails.
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl OwnTables {
    /// Creates the tables if they do not exist. To be called before each use of those for signing in.
    ///
    /// # Errors
    /// [`Error::Absent`] where they cannot be created; when the database fails.
    pub async fn require(&self, db: &DatabaseConnection, read_only: bool) -> Result<()> {
        match self.make(db, read_only).await {
            Ok(()) => Ok(()),
            Err(OwnTablesError::Database(error)) => Err(error.into()),
            // An upgrade may have brought further tables, which signing in does not need.
            Err(_) if migration::may_sign_in(db).await.unwrap_or(false) => Ok(()),
            Err(OwnTablesError::ReadOnly) => Err(Error::ReadOnly),
            Err(lack) => Err(Error::Absent(DbErr::Custom(lack.to_string()))),
        }
    }

    /// Creates the tables if they do not exist.
    ///
    /// # Errors
    /// [`OwnTablesError`] where they cannot be created.
    pub async fn make(&self, db: &DatabaseConnection, read_only: bool) -> Result<(), OwnTablesError> {
        let made = self.all.get_or_try_init(|| make(db, read_only)).await.copied();
        self.find_outbox(db).await;
        made
    }

    /// Looks whether the outbox exists, unless it was there before.
    pub async fn find_outbox(&self, db: &DatabaseConnection) {
        if !self.has_outbox() && migration::has_outbox(db).await.unwrap_or(false) {
            self.outbox.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the outbox was there when it was looked for: transactions must not try a table that may be missing.
    pub fn has_outbox(&self) -> bool {
        self.outbox.load(Ordering::Relaxed)
    }
}

async fn make(db: &DatabaseConnection, read_only: bool) -> Result<(), OwnTablesError> {
    if is_current(db).await? {
        return Ok(());
    }
    if read_only {
        return Err(OwnTablesError::ReadOnly);
    }
    let mut attempts = 0;
    loop {
        let Err(error) = OWN.up(db).await else { return Ok(()) };
        if attempts == MAX_RETRIES {
            return Err(OwnTablesError::NotMade(error));
        }
        // If two processes create one at the same time, one of them fails. Then it goes on with what is still missing.
        attempts += 1;
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// Whether the tables exist in the version that this program knows.
///
/// # Errors
/// [`OwnTablesError::Newer`] where they have a newer version; when the database fails.
pub async fn is_current(db: &DatabaseConnection) -> Result<bool, OwnTablesError> {
    match OWN.missing(db).await {
        Ok(missing) => Ok(missing.is_empty()),
        Err(migration::Error::Database(error)) => Err(OwnTablesError::Database(error)),
        Err(newer) => Err(OwnTablesError::Newer(newer)),
    }
}
