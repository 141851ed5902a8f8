//! The engine's shared state ([`Engine`]), its options, and the traits that its host implements ([`Host`],
//! [`Settings`], [`Texts`]).

use std::sync::Arc;
use std::time::Duration;

use async_graphql::async_trait::async_trait;
use async_graphql::{ContextBase, ServerError};
use chrono::{DateTime, Utc};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::http::BodyLimits;
use crate::page::ListCache;
use crate::record::Lookups;
use crate::resource_states::ResourceStates;
use crate::{Error, Result, operation};

/// Options of a transaction that will write. On SQLite it takes the write lock at its start (`BEGIN IMMEDIATE`): a
/// transaction that has read first could not write any more once another one has written.
pub fn write_transaction_options() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// The application that runs the engine: it provides database, clock, texts and settings.
#[async_trait]
pub trait Host: Settings + Send + Sync + 'static {
    /// The primary database: writes and transactions run on it. On SQLite its connections need the collation
    /// [`collation::SQLITE`](crate::collation::SQLITE) where lists are ordered by texts.
    fn database(&self) -> &DatabaseConnection;

    /// Runs a statement that only reads. With `fresh`, the rows must hold everything that was committed before, so they
    /// come from the primary; otherwise they may come from a replica.
    ///
    /// # Errors
    /// When the database fails.
    async fn rows(&self, statement: Statement, fresh: bool) -> Result<Vec<QueryResult>, DbErr> {
        let _ = fresh;
        self.database().query_all_raw(statement).await
    }

    /// Whether rows that are not `fresh` may be older than the last commit, because they come from a replica.
    fn may_lag(&self) -> bool {
        false
    }

    /// Begins a transaction that will write. The token is cancelled when the server that it runs on is left for another
    /// one: what it waits for then may never come.
    ///
    /// # Errors
    /// When the database fails.
    async fn begin(&self) -> Result<(DatabaseTransaction, CancellationToken), DbErr> {
        let transaction = self.database().begin_with_options(write_transaction_options()).await?;
        Ok((transaction, CancellationToken::new()))
    }

    /// Notes that a statement of a transaction has failed. Returns whether another server may run the transaction soon.
    fn failed(&self, cause: &DbErr) -> bool {
        let _ = cause;
        false
    }

    /// The present moment.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// The texts of answers, in the first of `languages` (a header `Accept-Language`) that the host has; in its own
    /// language without them.
    fn texts(&self, languages: Option<&str>) -> &dyn Texts {
        let _ = languages;
        &KeysAsTexts
    }

    /// The code (ISO 4217) of the currency of amounts whose row names none.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn currency(&self) -> Result<String> {
        Ok("XXX".to_owned())
    }
}

/// Settings of the host that rules of forms read.
#[async_trait]
pub trait Settings: Send + Sync {
    /// The value of a setting; `None` where it is not set.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn setting(&self, name: &str) -> Result<Option<String>> {
        let _ = name;
        Ok(None)
    }
}

/// Why a request's work was cancelled.
#[derive(Debug)]
pub enum CancelReason {
    /// It exceeded its time limit.
    TimedOut,
    /// The database does not answer.
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
    /// The name of an input field in messages; `rest` tells whether REST prints them.
    fn field_name(&self, field: &str, rest: bool) -> String;
    /// An amount of money for people. `amount` is a decimal number as text with the currency's decimals, `currency` its code.
    fn money(&self, amount: &str, currency: &str) -> String {
        format!("{amount} {currency}")
    }
}

/// A database connection alone is a host: it uses the system's clock and has no texts and no settings.
impl Host for DatabaseConnection {
    fn database(&self) -> &DatabaseConnection {
        self
    }
}

impl Settings for DatabaseConnection {}

/// The texts of a host that has none: each key is its own text.
pub(crate) struct KeysAsTexts;

impl Texts for KeysAsTexts {
    fn text(&self, key: &str, _: &[(&str, &str)]) -> String {
        key.to_owned()
    }

    fn field_name(&self, field: &str, _: bool) -> String {
        field.to_owned()
    }
}

/// Limits and switches of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Maximum number of rows of a page in REST.
    pub max_per_page: u64,
    /// Whether mutations are refused.
    pub read_only: bool,
    /// Limits of request bodies.
    pub bodies: BodyLimits,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a GraphQL operation may take.
    pub operation_timeout: Duration,
    /// Maximum number of tokens of a GraphQL document.
    pub max_tokens: u64,
    /// Limits of a GraphQL operation.
    pub operation: operation::OperationLimits,
    /// Who may use introspection.
    pub introspection: Introspection,
    /// Whether REST documents grant no abilities for what their answers include, so that `lends:` has no effect.
    pub strict_includes: bool,
    /// Maximum number of requests that run at the same time.
    pub running: usize,
    /// Maximum number of requests that wait to be run.
    pub waiting: usize,
}

impl Default for Options {
    /// Values that suit a server on the internet.
    fn default() -> Self {
        Self {
            max_per_page: 100,
            read_only: false,
            bodies: BodyLimits::default(),
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

/// Who may use introspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// Everybody.
    Always,
    /// Callers with a valid key.
    Key,
    /// Nobody.
    Never,
}

/// The state that all requests share. Resolvers find it in their context, in an [`Arc`].
pub struct Engine {
    /// The application that runs the engine.
    pub host: Arc<dyn Host>,
    /// Limits and switches.
    pub options: Options,
    /// Cached totals and page starts of large lists.
    pub lists: ListCache,
    /// Cached statements that find rows by keys.
    pub lookups: Lookups,
    /// What resources keep in memory between requests.
    pub states: ResourceStates,
    /// Whether the database is a Galera cluster, once that was asked.
    pub(crate) is_in_cluster: OnceCell<bool>,
}

impl Engine {
    /// An engine with empty caches. Totals of lists are cached for `count_ttl`; zero turns that cache off.
    pub fn new(host: Arc<dyn Host>, options: Options, count_ttl: Duration) -> Self {
        Self {
            host,
            options,
            lists: ListCache::new(count_ttl),
            lookups: Lookups::default(),
            states: ResourceStates::default(),
            is_in_cluster: OnceCell::new(),
        }
    }

    /// An engine with the default options, which caches totals of lists for a second.
    pub fn with_defaults(host: impl Host) -> Arc<Self> {
        Arc::new(Self::new(Arc::new(host), Options::default(), Duration::from_secs(1)))
    }

    /// The engine that a context belongs to.
    pub fn of<'a, T>(ctx: &ContextBase<'a, T>) -> &'a Arc<Self> {
        ctx.data_unchecked::<Arc<Self>>()
    }
}

/// Converts an error to async-graphql's type. The original stays in it as its source.
pub(crate) fn graphql(error: impl Into<Error>) -> async_graphql::Error {
    async_graphql::Error::from(error.into())
}

/// The engine's error inside an error of async-graphql.
pub(crate) fn own_error(error: &ServerError) -> Option<&Error> {
    error.source.as_ref().and_then(|source| source.downcast_ref::<Error>())
}
