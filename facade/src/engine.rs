//! What all requests share, and what the engine needs of its host.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::ContextBase;
use async_graphql::async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::http::BodyBounds;
use crate::page::ListCache;
use crate::record::Lookups;
use crate::{Error, Result, operation};

/// How a transaction begins that is going to write: on SQLite it waits for its turn now, since one that has read cannot
/// write any more once another has written.
pub fn write_transaction_options() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// Who runs the engine: its database, clock, texts and settings.
#[async_trait]
pub trait Host: Settings + Send + Sync + 'static {
    /// The database that is written, and that transactions run on. Where lists are ordered by texts on SQLite, its
    /// connections bring the order [`collation::SQLITE`](crate::collation::SQLITE) along.
    fn database(&self) -> &DatabaseConnection;

    /// The rows of a statement that only reads. `fresh` rows may not lag behind what was written.
    ///
    /// # Errors
    /// When the database fails.
    async fn rows(&self, statement: Statement, fresh: bool) -> Result<Vec<QueryResult>, DbErr> {
        let _ = fresh;
        self.database().query_all_raw(statement).await
    }

    /// Whether rows that need not be fresh may lag behind what was written: they come from a replica.
    fn may_lag(&self) -> bool {
        false
    }

    /// Begins a transaction that is going to write.
    ///
    /// # Errors
    /// When the database fails.
    async fn begin(&self) -> Result<DatabaseTransaction> {
        Ok(self.database().begin_with_options(write_transaction_options()).await?)
    }

    /// The present moment.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// Texts that the engine puts into answers.
    fn texts(&self) -> &dyn Texts {
        &KeysAsTexts
    }
}

/// Settings of the host that rules of inputs ask for.
#[async_trait]
pub trait Settings: Send + Sync {
    /// The text of a setting; nothing where it is not set.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn setting(&self, name: &str) -> Result<Option<String>> {
        let _ = name;
        Ok(None)
    }
}

/// Why work was given up.
#[derive(Debug)]
pub enum CancelReason {
    /// It took longer than it may.
    TimedOut,
    /// The database is away.
    DatabaseUnavailable(DbErr),
}

impl From<CancelReason> for Error {
    fn from(reason: CancelReason) -> Self {
        Self::Unavailable(match reason {
            CancelReason::TimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
            CancelReason::DatabaseUnavailable(cause) => cause,
        })
    }
}

/// Texts by key, in the language that the host answers in.
pub trait Texts: Send + Sync {
    /// The text of a key, with its `:placeholders` filled in.
    fn text(&self, key: &str, values: &[(&str, &str)]) -> String;
    /// The name by which messages call a field of an input.
    fn field_name(&self, field: &str) -> String;
}

/// A database alone is a host: with the system's clock, without texts and settings.
impl Host for DatabaseConnection {
    fn database(&self) -> &DatabaseConnection {
        self
    }
}

impl Settings for DatabaseConnection {}

/// The texts of a host that has none: keys stand for themselves.
struct KeysAsTexts;

impl Texts for KeysAsTexts {
    fn text(&self, key: &str, _: &[(&str, &str)]) -> String {
        key.to_owned()
    }

    fn field_name(&self, field: &str) -> String {
        field.to_owned()
    }
}

/// Bounds of what is asked, read and answered.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Rows of a page in REST.
    pub max_per_page: u64,
    /// Whether mutations are refused.
    pub read_only: bool,
    /// What is read of a request's body.
    pub bodies: BodyBounds,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a GraphQL operation may take.
    pub operation_timeout: Duration,
    /// Tokens of a GraphQL document.
    pub max_tokens: u64,
    /// What a GraphQL operation may ask for.
    pub operation: operation::OperationLimits,
    /// Who may ask for the GraphQL schema itself.
    pub introspection: Introspection,
    /// Whether REST documents lend no abilities for what their answers include.
    pub strict_includes: bool,
    /// Requests that run at the same time.
    pub running: usize,
    /// Requests that wait for a place.
    pub waiting: usize,
}

impl Default for Options {
    /// What a server on the internet can be run with.
    fn default() -> Self {
        Self {
            max_per_page: 100,
            read_only: false,
            bodies: BodyBounds::default(),
            timeout: Duration::from_secs(30),
            operation_timeout: Duration::from_secs(10),
            max_tokens: 5_000,
            operation: operation::OperationLimits::default(),
            introspection: Introspection::Always,
            strict_includes: false,
            running: 64,
            waiting: 256,
        }
    }
}

/// Who may ask for the GraphQL schema itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// Everybody.
    Always,
    /// Whoever has a valid key.
    Key,
    /// Nobody.
    Never,
}

/// What all requests share. It is in the data of a schema, in an [`Arc`].
pub struct Engine {
    /// Who runs the engine.
    pub host: Arc<dyn Host>,
    /// Bounds of what is asked, read and answered.
    pub options: Options,
    /// Totals and places of big lists, remembered for a moment.
    pub lists: ListCache,
    /// Statements that find rows by keys.
    pub lookups: Lookups,
}

impl Engine {
    /// An engine that remembers nothing yet; totals of lists it will remember for `count_ttl`.
    pub fn new(host: Arc<dyn Host>, options: Options, count_ttl: Duration) -> Self {
        Self { host, options, lists: ListCache::new(count_ttl), lookups: Lookups::default() }
    }

    /// An engine with usual bounds, which remembers totals for a second.
    pub fn with_defaults(host: impl Host) -> Arc<Self> {
        Arc::new(Self::new(Arc::new(host), Options::default(), Duration::from_secs(1)))
    }

    /// The engine that a context belongs to.
    pub fn of<'a, T>(ctx: &ContextBase<'a, T>) -> &'a Arc<Self> {
        ctx.data_unchecked::<Arc<Self>>()
    }
}

/// An error as the executor of a schema takes it. Its cause stays with it.
pub(crate) fn graphql(error: impl Into<Error>) -> async_graphql::Error {
    async_graphql::Error::from(error.into())
}
