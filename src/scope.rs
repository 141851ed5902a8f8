//! What resolvers use: the shop, the engine and the present request.

use std::ops::Deref;
use std::sync::Arc;

use async_graphql::ContextBase;
use entity::Id;
use facade::Ability;
use facade::engine::Settings as _;
use facade::record::Moment;

use crate::access::{Client, Credential, Owner, Principal, Sessions};
use crate::database::reader::Reader;
use crate::platform::config::Config;
use crate::shop::{Shop, settings};
use crate::{Error, Result};

/// The shop, the engine and the present request, as resolvers use them. It is cheap to copy.
#[derive(Clone, Copy)]
pub struct ShopScope<'a> {
    engine: facade::scope::RequestScope<'a>,
    shop: &'a Arc<Shop>,
    sessions: &'a Sessions,
}

impl<'a, T> From<&ContextBase<'a, T>> for ShopScope<'a> {
    fn from(ctx: &ContextBase<'a, T>) -> Self {
        Self {
            engine: ctx.into(),
            shop: ctx.data_unchecked::<Arc<Shop>>(),
            sessions: ctx.data_unchecked::<Arc<Sessions>>(),
        }
    }
}

impl<'a> Deref for ShopScope<'a> {
    type Target = facade::scope::RequestScope<'a>;

    fn deref(&self) -> &Self::Target {
        &self.engine
    }
}

impl<'a> ShopScope<'a> {
    /// A scope for the change of a record whose `updatedAt` the caller has sent as `expectedUpdatedAt`.
    #[must_use]
    pub fn expecting(self, read: Option<Moment>) -> Self {
        Self { engine: self.engine.expecting(read), ..self }
    }

    /// The shop.
    pub fn shop(self) -> &'a Shop {
        self.shop
    }

    /// Sign-in and sessions.
    pub(crate) fn sessions(self) -> &'a Sessions {
        self.sessions
    }

    /// The client that asks for tokens of a session: its address and `User-Agent`.
    pub(crate) fn session_client(self) -> Client<'a> {
        let agent = self.execution().agent.as_ref().map_or(&[][..], |agent| agent.as_bytes());
        Client { address: self.client(), agent }
    }

    /// The hash of a password or token.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many passwords are waiting to be hashed.
    pub async fn hash(self, plain: impl Into<String>) -> Result<String> {
        self.sessions.passwords.hash(self.client(), plain).await
    }

    /// The shop's database, for reading outside of transactions: a replica where that is allowed.
    pub fn reader(self) -> &'a Reader {
        self.shop.reader(self.execution().fresh)
    }

    /// The operator's settings.
    pub fn config(self) -> &'a Config {
        &self.shop.config
    }

    /// A setting of the shop, from its table `settings`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting(self, name: &str) -> Result<Option<String>> {
        self.shop.setting(name).await
    }

    /// Whether a setting of the shop is switched on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_on(self, name: &str, default: bool) -> Result<bool> {
        settings::is_on(&**self.shop, name, default).await
    }

    /// The locale of the shop's own texts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn default_locale(self) -> Result<String> {
        settings::default_locale(&**self.shop).await
    }

    /// The shop's default currency.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn currency(self) -> Result<String> {
        self.shop.currency().await
    }

    /// Whether the caller may change what needs this ability, and the server takes changes.
    pub fn may_write(self, need: Ability) -> bool {
        !self.engine().options.read_only && self.execution().allow(&[need]).is_ok()
    }

    /// The authenticated caller.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a key.
    pub fn principal(self) -> Result<&'a Principal> {
        self.execution().principal.as_deref().and_then(Principal::of).ok_or(Error::Unauthenticated)
    }

    /// The member of the staff who has signed in; nothing for keys, which act for nobody.
    pub fn staff_member(self) -> Option<Id> {
        match self.principal().ok()? {
            Principal { owner: Owner::Staff(id), credential: Credential::Session(_), .. } => Some(*id),
            _ => None,
        }
    }

    /// `scheme://host` of the shop, as the client has addressed it.
    pub fn base_url(self) -> String {
        self.origin().base()
    }

    /// `scheme://host` of the shop for links in records: as [`Self::base_url`], but with https in production unless
    /// that is switched off.
    pub fn public_url(self) -> String {
        self.config().link_url(&self.base_url())
    }

    /// Host of the request, with its port if it names one.
    pub fn host_name(self) -> String {
        self.origin().host.clone()
    }
}
