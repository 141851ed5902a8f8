//! What a resolver sees of the server and of the request it answers.

use std::sync::Arc;

use async_graphql::{ContextBase, UploadValue};
use chrono::{DateTime, Utc};
use sea_orm::{DatabaseConnection, DbBackend};

use crate::auth::Principal;
use crate::clock::Clock;
use crate::config::Config;
use crate::lang::Lang;
use crate::page::Counts;
use crate::settings::Settings;
use crate::{Error, Result};

/// What every request shares.
pub struct Shared {
    /// The operator's settings.
    pub config: Config,
    /// The shop's database.
    pub db: DatabaseConnection,
    /// What time it is.
    pub clock: Clock,
    /// Counts of big lists, remembered for a moment.
    pub counts: Counts,
    /// The shop's settings, remembered for a moment.
    pub settings: Settings,
}

/// How the request reached the server, for addresses in answers.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: String,
    /// Host with port, as the client named it.
    pub host: String,
}

impl Origin {
    /// `scheme://host`
    pub fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }
}

/// Marks a request whose updates demand their required fields: REST's `POST`. GraphQL and REST's
/// `PUT` leave absent fields as they are (spec: `documented-contract.md`, rule 19).
#[derive(Clone, Copy)]
pub struct Strict;

/// The server and the request, as a resolver sees them.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    shared: &'a Shared,
    principal: Option<&'a Principal>,
    origin: Option<&'a Origin>,
    /// Files that came with the request.
    pub uploads: &'a [UploadValue],
    /// Whether absent required fields of an update are an error.
    pub strict: bool,
}

impl<'a, T> From<&ContextBase<'a, T>> for Scope<'a> {
    fn from(ctx: &ContextBase<'a, T>) -> Self {
        Self {
            shared: ctx.data_unchecked::<Arc<Shared>>(),
            principal: ctx.data_opt::<Arc<Principal>>().map(AsRef::as_ref),
            origin: ctx.data_opt(),
            uploads: &ctx.query_env.uploads,
            strict: ctx.data_opt::<Strict>().is_some(),
        }
    }
}

impl<'a> Scope<'a> {
    /// The shop's database.
    pub fn db(self) -> &'a DatabaseConnection {
        &self.shared.db
    }

    /// Which database it is.
    pub fn backend(self) -> DbBackend {
        self.shared.db.get_database_backend()
    }

    /// The operator's settings.
    pub fn config(self) -> &'a Config {
        &self.shared.config
    }

    /// Language of texts that the server writes.
    pub fn lang(self) -> Lang {
        self.shared.config.lang()
    }

    /// The present moment.
    pub fn now(self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// Counts of big lists, remembered for a moment.
    pub fn counts(self) -> &'a Counts {
        &self.shared.counts
    }

    /// A setting of the shop, from its table `settings`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting(self, name: &str) -> Result<Option<String>> {
        self.shared.settings.get(self.db(), name).await
    }

    /// Who asks.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a key.
    pub fn principal(self) -> Result<&'a Principal> {
        self.principal.ok_or(Error::Unauthenticated)
    }

    /// Address of the shop in links, as the client reached it; `APP_URL` where that isn't known.
    pub fn base_url(self) -> String {
        self.origin.map_or_else(|| self.config().app_url.clone(), Origin::base)
    }
}
