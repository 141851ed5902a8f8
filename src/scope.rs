//! What a resolver sees of the server and of the request it answers.

use std::ops::Deref;
use std::sync::Arc;

use async_graphql::ContextBase;
use async_graphql::async_trait::async_trait;
use chrono::{DateTime, Utc};
use facade::engine::{Engine, Host, Texts};
use facade::failure::{self, Failure};
use facade::record::Moment;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};

use crate::auth::{Catalog, Client, Owner, Principal, Sessions};
use crate::clock::Clock;
use crate::config::Config;
use crate::database;
use crate::lang::Lang;
use crate::own_tables::OwnTables;
use crate::password::Passwords;
use crate::pulse::Pulse;
use crate::reader::Reader;
use crate::replica::Replica;
use crate::settings::{self, Settings};
use crate::{Error, Result};

/// What every request shares.
pub struct Shared {
    /// The operator's settings.
    pub config: Config,
    /// The shop's database.
    pub db: DatabaseConnection,
    /// The same database, for what is only read and must not lag behind.
    pub reader: Reader,
    /// A replica of it, for resolvers that only read.
    pub replica: Option<Replica>,
    /// Whether that database is there.
    pub pulse: Pulse,
    /// What time it is.
    pub clock: Clock,
    /// The abilities that there are.
    pub abilities: &'static Catalog,
    /// The shop's settings, remembered for a moment.
    pub settings: Settings,
    /// Who signed in, and how one does.
    pub sessions: Sessions,
    /// guichet's own tables.
    pub own_tables: OwnTables,
    /// Hashes of passwords.
    pub passwords: Passwords,
}

impl Shared {
    /// The shop's database, for reading outside of transactions: a replica where that will do.
    pub fn reader(&self, fresh: bool) -> &Reader {
        match &self.replica {
            Some(replica) if !fresh => &replica.reader,
            _ => &self.reader,
        }
    }

    /// Notes that a request of an account begins: whether it has to read from the primary.
    pub async fn begins(&self, owner: Option<Owner>, writes: bool) -> bool {
        match (&self.replica, owner) {
            (None, _) => false,
            (Some(replica), Some(owner)) if writes => {
                replica.writers.note(owner).await;
                true
            }
            (Some(replica), Some(owner)) => replica.writers.include(owner).await,
            (Some(_), None) => writes,
        }
    }

    /// Notes that a request of an account has ended.
    pub async fn ends(&self, owner: Option<Owner>, writes: bool) {
        if let (Some(replica), Some(owner), true) = (&self.replica, owner, writes) {
            replica.writers.note(owner).await;
        }
    }

    /// Begins a transaction that is going to write: on SQLite it waits for its turn now, since one
    /// that has read cannot write any more once another has written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        match self.db.begin_with_options(options).await {
            // Nothing is lost yet but a connection that died while it was idle.
            Err(error) if failure::of(&error) == Failure::Lost => {
                database::drop_dead(&self.db).await;
                Ok(self.db.begin_with_options(options).await?)
            }
            begun => Ok(begun?),
        }
    }
}

#[async_trait]
impl Host for Shared {
    fn database(&self) -> &DatabaseConnection {
        &self.db
    }

    async fn rows(&self, statement: Statement, fresh: bool) -> Result<Vec<QueryResult>, DbErr> {
        self.reader(fresh).query_all_raw(statement).await
    }

    fn may_lag(&self) -> bool {
        self.replica.is_some()
    }

    async fn begin(&self) -> Result<DatabaseTransaction> {
        Self::begin(self).await
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn texts(&self) -> &dyn Texts {
        &self.config.lang
    }
}

#[async_trait]
impl facade::engine::Settings for Shared {
    async fn setting(&self, name: &str) -> Result<Option<String>> {
        self.settings.get(&self.reader, name).await
    }
}

/// What every request shares, for work that outlives a resolver's borrow.
pub struct Owned {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The shop.
    pub shared: Arc<Shared>,
}

/// The server and the request, as a resolver sees them: what the engine knows of both, and the shop.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    engine: facade::scope::Scope<'a>,
    shared: &'a Arc<Shared>,
}

impl<'a, T> From<&ContextBase<'a, T>> for Scope<'a> {
    fn from(ctx: &ContextBase<'a, T>) -> Self {
        Self { engine: ctx.into(), shared: ctx.data_unchecked::<Arc<Shared>>() }
    }
}

impl<'a> Deref for Scope<'a> {
    type Target = facade::scope::Scope<'a>;

    fn deref(&self) -> &Self::Target {
        &self.engine
    }
}

impl<'a> Scope<'a> {
    /// What every request shares, for work that outlives this borrow.
    pub fn owned(self) -> Owned {
        Owned { engine: Arc::clone(self.engine.engine()), shared: Arc::clone(self.shared) }
    }

    /// The same, for a change of a record that a GraphQL caller has read in this state.
    #[must_use]
    pub fn expecting(self, read: Option<Moment>) -> Self {
        Self { engine: self.engine.expecting(read), ..self }
    }

    /// What every request shares.
    pub fn shared(self) -> &'a Shared {
        self.shared
    }

    /// Who asks for tokens of a session, whatever it proves itself with.
    pub(crate) fn asking_client(self) -> Client<'a> {
        let agent = self.execution().agent.as_ref().map_or(&[][..], |agent| agent.as_bytes());
        Client { address: self.client(), agent }
    }

    /// The hash of a password or token.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many passwords wait.
    pub async fn hash(self, plain: impl Into<String>) -> Result<String> {
        self.shared.passwords.hash(self.client(), plain).await
    }

    /// The shop's database, for reading outside of transactions: a replica where that will do.
    pub fn reader(self) -> &'a Reader {
        self.shared.reader(self.execution().fresh)
    }

    /// The operator's settings.
    pub fn config(self) -> &'a Config {
        &self.shared.config
    }

    /// Language of texts that the server writes.
    pub fn lang(self) -> Lang {
        self.shared.config.lang
    }

    /// A setting of the shop, from its table `settings`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting(self, name: &str) -> Result<Option<String>> {
        self.shared.settings.get(&self.shared.reader, name).await
    }

    /// Whether a setting of the shop is switched on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_on(self, name: &str, default: bool) -> Result<bool> {
        settings::is_on(self.shared(), name, default).await
    }

    /// The locale in which the shop's own texts are written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn default_locale(self) -> Result<String> {
        settings::default_locale(self.shared()).await
    }

    /// The currency in which the shop sells where none is asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn currency(self) -> Result<String> {
        Ok(self.setting("store_currency").await?.unwrap_or_else(|| "EUR".to_owned()))
    }

    /// Who asks.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a key.
    pub fn principal(self) -> Result<&'a Principal> {
        let who: Option<&'a dyn std::any::Any> = self.execution().principal.as_deref().map(|who| who as _);
        who.and_then(|who| who.downcast_ref()).ok_or(Error::Unauthenticated)
    }

    /// Address of the shop in links, as the client reached it.
    pub fn base_url(self) -> String {
        self.origin().base()
    }

    /// Address of the shop as it is printed in records: as [`Self::base_url`], with https in
    /// production unless that is switched off.
    pub fn public_url(self) -> String {
        self.config().published(&self.base_url())
    }

    /// Host of the request, with its port if it names one.
    pub fn host_name(self) -> String {
        self.origin().host.clone()
    }
}
