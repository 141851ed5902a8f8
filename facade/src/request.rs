//! What the engine sees of a request and of its host.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::async_trait::async_trait;
use async_graphql::{ContextBase, Error, ServerResult};
use sea_orm::{DbBackend, DbErr, QueryResult, Statement};

use crate::face::Face;
use crate::kept::Kept;
use crate::lookup::Lookups;
use crate::record::Need;
use crate::relation::Filled;

/// A boxed future of a branch: its values, one for each row of the level.
pub type BranchFuture<'a> = Pin<Box<dyn Future<Output = ServerResult<Filled>> + Send + 'a>>;

/// Who runs the engine: the database, and who asks.
#[async_trait]
pub trait Host: Send + Sync {
    /// Which database is read.
    fn backend(&self) -> DbBackend;
    /// The rows of a statement that only reads.
    ///
    /// # Errors
    /// When the database fails.
    async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr>;
    /// Statements that find rows by keys, which all requests share.
    fn lookups(&self) -> &Lookups;
    /// Whether the caller may see what needs one of some abilities.
    ///
    /// # Errors
    /// Why not.
    fn check(&self, need: Need) -> Result<(), Error>;
    /// What a client is told where the database failed.
    fn failed(&self, error: DbErr) -> Error;
    /// What a client is told that asks for too much.
    fn refused(&self, text: String) -> Error;
}

/// A request, as records see it. It is in the context of an execution, in an [`Arc`].
pub struct Request {
    /// For whom the answer is written.
    pub face: Face,
    /// Selections on records that are kept beside the document.
    pub kept: Option<Arc<Kept>>,
    /// The database, and who asks.
    pub host: Arc<dyn Host>,
    read: AtomicU32,
    written: AtomicU32,
}

impl Request {
    /// A request of which nothing was read yet.
    pub fn new(face: Face, kept: Option<Arc<Kept>>, host: Arc<dyn Host>) -> Self {
        Self { face, kept, host, read: AtomicU32::new(0), written: AtomicU32::new(0) }
    }

    /// The request that a context belongs to.
    pub fn of<'a, T>(ctx: &ContextBase<'a, T>) -> &'a Self {
        ctx.data_unchecked::<Arc<Self>>()
    }

    /// How many rows were read for it.
    pub fn rows_read(&self) -> u32 {
        self.read.load(Ordering::Relaxed)
    }

    /// How many objects are in the JSON texts of its answer.
    pub fn objects_written(&self) -> u32 {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn count_rows(&self, rows: usize) {
        self.read.fetch_add(u32::try_from(rows).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Counts objects of a JSON text that becomes part of the answer as it is.
    pub(crate) fn count_objects(&self, objects: u32) {
        self.written.fetch_add(objects, Ordering::Relaxed);
    }
}
