//! The shop: its database, settings and texts, what writes leave behind, and what invented shops are made with.

pub mod action_log;
pub mod country;
pub mod html;
pub mod image;
pub mod mail;
pub mod outbox;
pub mod sample;
pub mod settings;
pub mod storage;
pub mod tax;
pub mod texts;

use std::sync::Arc;

use async_graphql::async_trait::async_trait;
use chrono::{DateTime, Utc};
use facade::engine::{Host, Texts};
use facade::facts;
use facade::failure::{self, Failure};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult, Statement};
use tokio_util::sync::CancellationToken;

use self::image::ImageSizes;
use self::settings::Settings;
use self::texts::Dictionaries;
use crate::Result;
use crate::database::health_check::HealthCheck;
use crate::database::own_tables::OwnTables;
use crate::database::reader::Reader;
use crate::database::replica::Replica;
use crate::database::servers::Servers;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::lang::Lang;

/// The currency of a shop that has set none.
pub const DEFAULT_CURRENCY: &str = "EUR";

/// The shop: its database, settings and clock. All requests share it.
pub struct Shop {
    /// The operator's settings.
    pub config: Config,
    /// The servers that hold the shop's database (the primary).
    pub servers: Arc<Servers>,
    /// Reads from the primary.
    pub reader: Reader,
    /// A replica, for operations that only read.
    pub replica: Option<Replica>,
    /// Checks whether the primary answers.
    pub health: HealthCheck,
    /// The clock.
    pub clock: Clock,
    /// The shop's settings, cached for a second.
    pub settings: Settings,
    /// The texts of answers and mails.
    pub dictionaries: &'static Dictionaries,
    /// guichet's own tables.
    pub own_tables: OwnTables,
    /// Sizes of pictures.
    pub image_sizes: ImageSizes,
}

impl Shop {
    /// The reader for reads outside of transactions: the replica's, unless rows must be `fresh`.
    pub fn reader(&self, fresh: bool) -> &Reader {
        match &self.replica {
            Some(replica) if !fresh => &replica.reader,
            _ => &self.reader,
        }
    }

    /// Notes that an operation of an account begins; returns whether it must read from the primary.
    pub async fn begins(&self, account: Option<&str>, writes: bool) -> bool {
        match (&self.replica, account) {
            (None, _) => false,
            (Some(replica), Some(account)) if writes => {
                replica.writers.note(account).await;
                true
            }
            (Some(replica), Some(account)) => replica.writers.contains(account).await,
            (Some(_), None) => writes,
        }
    }

    /// Notes that an operation of an account has ended.
    pub async fn ends(&self, account: Option<&str>, writes: bool) {
        if let (Some(replica), Some(account), true) = (&self.replica, account, writes) {
            replica.writers.note(account).await;
        }
    }

    /// The shop's default currency.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn currency(&self) -> Result<String> {
        settings::currency(self).await
    }
}

/// Tells the operator of a failure that only the operator can mend.
fn report_lack(cause: &DbErr) {
    if failure::of(cause) == Failure::Absent {
        tracing::error!(%cause, trace_id = %facts::trace_id(), "the database lacks what a request needs: see `guichet doctor`");
    }
}

#[async_trait]
impl Host for Shop {
    fn database(&self) -> &DatabaseConnection {
        self.servers.db()
    }

    async fn rows(&self, statement: Statement, fresh: bool) -> Result<Vec<QueryResult>, DbErr> {
        self.reader(fresh).query_all_raw(statement).await.inspect_err(report_lack)
    }

    fn may_lag(&self) -> bool {
        self.replica.is_some()
    }

    async fn begin(&self) -> Result<(DatabaseTransaction, CancellationToken), DbErr> {
        self.servers.begin().await
    }

    fn failed(&self, cause: &DbErr) -> bool {
        report_lack(cause);
        self.servers.failed(cause)
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn texts(&self, languages: Option<&str>) -> &dyn Texts {
        self.dictionaries.of(languages.and_then(Lang::accepted).unwrap_or(self.config.lang))
    }

    async fn currency(&self) -> Result<String> {
        Self::currency(self).await
    }
}

#[async_trait]
impl facade::engine::Settings for Shop {
    async fn setting(&self, name: &str) -> Result<Option<String>> {
        self.settings.get(&self.reader, name).await
    }
}
