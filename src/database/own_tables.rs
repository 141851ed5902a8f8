//! guichet's own tables in the shop's database (`migration/src/own.rs`). They are created at the start, if the
//! database user may do so. If not, only the features that need them are off, until an operator has created them
//! (`guichet doctor` prints the statements).

use std::time::Duration;

use migration::OWN;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::OnceCell;

use crate::{Error, Result};

/// Time between two checks whether another process has created them, and maximum number of checks.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
const MAX_RETRIES: u32 = 5;

/// Whether the tables exist. It is checked until they do.
#[derive(Default)]
pub struct OwnTables(OnceCell<()>);

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
        self.0.get_or_try_init(|| make(db, read_only)).await.copied()
    }
}

async fn make(db: &DatabaseConnection, read_only: bool) -> Result<(), OwnTablesError> {
    if is_current(db).await? {
        return Ok(());
    }
    if read_only {
        return Err(OwnTablesError::ReadOnly);
    }
    let Err(error) = OWN.up(db).await else { return Ok(()) };
    // If two processes create them at the same time, one of them fails.
    for _ in 0..MAX_RETRIES {
        if is_current(db).await? {
            return Ok(());
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    Err(OwnTablesError::NotMade(error))
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
