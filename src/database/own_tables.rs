//! guichet's own tables in the shop's database (`migration/src/own.rs`): made at the start, where guichet
//! may. Where it may not, what needs them is off until an operator has made them (`guichet doctor` writes
//! the statements), and nothing else.

use std::time::Duration;

use migration::OWN;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::sync::OnceCell;

use crate::{Error, Result};

/// How long another process that makes them at the same moment is waited for, and how often.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
const MAX_RETRIES: u32 = 5;

/// Whether they are there. Asked until they are.
#[derive(Default)]
pub struct OwnTables(OnceCell<()>);

/// Why they cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnTablesError {
    /// Their version is not known here.
    #[error("guichet's own tables were made by a newer version of guichet: {0}")]
    Newer(migration::Error),
    /// They are not there, and cannot be made.
    #[error(
        "guichet's own tables cannot be made ({0}): `guichet doctor` writes the statements that make them"
    )]
    NotMade(migration::Error),
    /// They are not there, and the server writes nothing.
    #[error("guichet's own tables are not there, and a server that is read-only makes none")]
    ReadOnly,
    /// The database fails.
    #[error(transparent)]
    Database(DbErr),
}

impl OwnTables {
    /// Makes them where they are not there; what needs them asks this first.
    ///
    /// # Errors
    /// [`Error::Absent`] where that cannot be; when the database fails.
    pub async fn require(&self, db: &DatabaseConnection, read_only: bool) -> Result<()> {
        self.make(db, read_only).await.map_err(|lack| match lack {
            OwnTablesError::Database(error) => error.into(),
            OwnTablesError::ReadOnly => Error::ReadOnly,
            lack => Error::Absent(DbErr::Custom(lack.to_string())),
        })
    }

    /// Makes them where they are not there.
    ///
    /// # Errors
    /// [`OwnTablesError`] where that cannot be.
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
    // Of two processes that make them at the same moment, one fails.
    for _ in 0..MAX_RETRIES {
        if is_current(db).await? {
            return Ok(());
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    Err(OwnTablesError::NotMade(error))
}

/// Whether they are there, in the version that is known here.
///
/// # Errors
/// [`OwnTablesError::Newer`] where that is another one; when the database fails.
pub async fn is_current(db: &DatabaseConnection) -> Result<bool, OwnTablesError> {
    match OWN.missing(db).await {
        Ok(missing) => Ok(missing.is_empty()),
        Err(migration::Error::Database(error)) => Err(OwnTablesError::Database(error)),
        Err(newer) => Err(OwnTablesError::Newer(newer)),
    }
}
