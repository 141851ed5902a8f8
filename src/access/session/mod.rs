//! Sessions: sign-in with a password, access tokens that are valid for minutes, refresh tokens that change with
//! each use (docs/contract/credentials.md#3, docs/contract/credentials.md#4, docs/contract/credentials.md#9,
//! docs/contract/credentials.md#10).
//!
//! A session is a row of the table in [`row`]. Its refresh tokens are `owner.session.family.secret`: all of them
//! have the same `family`, only the current one has the current `secret`, and only hashes of both are stored. A
//! token with the right family and another secret was used before: it may have been stolen, so the session ends.
//! There is one exception: the client that has used a token may send it again within seconds, as two tabs of a
//! browser do, and gets the same new token again, whose secret is derived from the server's key. When the row is
//! deleted, access tokens are refused too.

mod account;
mod attempts;
mod jwt;
mod networks;
mod recovery;
mod refusals;
mod row;
mod totp;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::Id;
use facade::cache::Cache;
use facade::engine::Texts;
use facade::error::Invalid;
use facade::user_error::{BrokenRule, UserErrorCode};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use subtle::ConstantTimeEq;

pub(crate) use self::account::AccountKind;
use self::account::{Account, AccountState, Granted, RECOVERY_CODES};
use self::attempts::SignInAttempt;
pub use self::attempts::SignInAttempts;
pub use self::jwt::KeyRing;
pub(super) use self::jwt::has_jwt_form as is_access_token;
pub(crate) use self::refusals::{
    ACCOUNT_BANNED, INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED, SECOND_FACTOR_WRONG,
};
use self::row::{Column, Entity as Rows, Model as Row};
use super::{Credential, Owner, Principal};
use crate::access::password::Passwords;
use crate::access::{Catalog, key};
use crate::database::reader::Reader;
use crate::platform::config::Config;
use crate::platform::{network, random, signature};
use crate::shop::Shop;
use crate::{Error, Result};

/// How long a session is cached. A session that was ended, or whose account was banned, is refused after this time.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// Maximum number of cached sessions.
const MAX_CACHED: usize = 10_000;
/// Random characters of a session's name, and of the family of its refresh tokens.
const RANDOM_LETTERS: usize = 40;
/// Maximum number of sessions of an account. A further one ends the oldest.
const MAX_SESSIONS: u64 = 100;
/// A primary key that no account has.
const NO_ACCOUNT: Id = Id(0);
/// How long the client that has used a refresh token may send it again.
const REUSE_WINDOW: TimeDelta = TimeDelta::seconds(10);

/// What a client signs in with.
pub(crate) struct Credentials {
    pub(crate) kind: AccountKind,
    pub(crate) email: String,
    pub(crate) password: String,
    /// One-time code or recovery code, if the account has a second factor.
    pub(crate) code: Option<String>,
}

/// The client that asks for tokens.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) address: IpAddr,
    /// Its `User-Agent`.
    pub(crate) agent: &'a [u8],
}

impl Client<'_> {
    fn hash(self) -> String {
        key::hash(&format!(
            "{} {}",
            network::client_network(self.address),
            String::from_utf8_lossy(self.agent)
        ))
    }
}

/// The tokens that a client gets. They must not be logged or stored.
pub struct Tokens {
    /// Access token, for the header `Authorization`.
    pub access: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// Refresh token, with which the client gets the next pair of tokens, once.
    pub refresh: String,
    /// When the session expires.
    pub ends_at: DateTime<Utc>,
}

/// Signs clients in, and authenticates them by access tokens.
pub struct Sessions {
    /// Password hashing.
    pub passwords: Passwords,
    abilities: &'static Catalog,
    attempts: SignInAttempts,
    ring: OnceLock<KeyRing>,
    cache: Cache<String, Option<Arc<Principal>>>,
}

/// What identifies a session in tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SessionName {
    owner: Owner,
    id: String,
}

impl Sessions {
    /// Makes an empty cache of sessions; `attempts` limits sign-in attempts.
    pub fn new(attempts: SignInAttempts, passwords: Passwords, abilities: &'static Catalog) -> Self {
        Self {
            passwords,
            abilities,
            attempts,
            ring: OnceLock::new(),
            cache: Cache::new(MAX_CACHED, CACHE_TTL),
        }
    }

    /// How often an attempt to sign in was refused by its limit.
    pub fn refusals(&self) -> u64 {
        self.attempts.refusals()
    }

    /// The keys of access tokens, read or created at the first use.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn key_ring(&self, config: &Config) -> Result<&KeyRing> {
        if let Some(ring) = self.ring.get() {
            return Ok(ring);
        }
        let ring = KeyRing::open(config)?;
        Ok(self.ring.get_or_init(|| ring))
    }

    /// Authenticates the caller by an access token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where the token is not valid or the session has ended; when the database fails.
    pub async fn authenticate(&self, shop: &Shop, token: &str) -> Result<Arc<Principal>> {
        // A forged token must not cause the creation of a key. Where former keys are set, their tokens are still accepted.
        let may_be_signed = shop.config.jwt_old_keys.is_some() || shop.config.jwt_key_file().exists();
        if self.ring.get().is_none() && !may_be_signed {
            return Err(Error::Unauthenticated);
        }
        let claims = self.key_ring(&shop.config)?.verify(token, shop.clock.now());
        let claims = claims.ok_or(Error::Unauthenticated)?;
        let name = SessionName::of_claims(&claims.sub, &claims.sid).ok_or(Error::Unauthenticated)?;
        let label = name.label();
        let found = match self.cache.get(&label) {
            Some(found) => found,
            None => {
                let found = self.find(shop, &name).await?;
                self.cache.insert(label, found.clone());
                found
            }
        };
        found.ok_or(Error::Unauthenticated)
    }

    async fn find(&self, shop: &Shop, name: &SessionName) -> Result<Option<Arc<Principal>>> {
        let Some(row) = self.row(shop, name).await? else { return Ok(None) };
        let Some(account) = admitted_account(shop, &row, name.owner).await? else { return Ok(None) };
        let Granted { abilities, permissions } = account.granted(&shop.reader, self.abilities).await?;
        let credential = Credential::Session(name.id.clone());
        let owner = name.owner;
        Ok(Some(Arc::new(Principal { owner, credential, abilities, restriction: None, permissions })))
    }

    /// Signs a client in and begins a session. The order of the checks is that of the original: attempts, password,
    /// ban, code.
    ///
    /// # Errors
    /// [`Error::RateLimited`] after too many attempts; [`Error::Invalid`] with the reason; when the database fails.
    pub(crate) async fn begin(
        &self,
        shop: &Shop,
        client: Client<'_>,
        texts: &dyn Texts,
        credentials: Credentials,
    ) -> Result<Tokens> {
        let email = credentials.email.trim().to_lowercase();
        let (db, now) = (&shop.reader, shop.clock.now());
        require_own_tables(shop).await?;
        let account = Account::by_email(db, credentials.kind, &email).await?;
        let owner = account.as_ref().map(|account| account.owner);
        let network = network_hash(shop, client.address);
        // This is queried for an unknown account too, so that the answer takes as long.
        let asked = owner.unwrap_or(Owner::Customer(NO_ACCOUNT));
        let is_known = networks::is_known(db, asked, &network, now).await?;
        let Credentials { kind, password, code, .. } = credentials;
        let attempt = SignInAttempt { client: client.address, kind, email: &email, owner, is_known };
        self.attempts.count(&attempt, now).await?;
        let stored = account.as_ref().map(|account| account.password.as_str());
        let fits = self.passwords.verify(client.address, password, stored).await?;
        let account = account.filter(|account| fits && !account.has_ended(now));
        let account = account
            .ok_or_else(|| refusal("email", INVALID_CREDENTIALS, INVALID_CREDENTIALS.message(texts)))?;
        let state = account.state(db).await?;
        if state.is_banned() {
            return Err(refusal("email", ACCOUNT_BANNED, state.ban_text(texts)));
        }
        check_code(shop, texts, &account, &state, code.as_deref()).await?;
        networks::note(db, account.owner, network, now).await?;
        self.start(shop, client, &account).await
    }

    async fn start(&self, shop: &Shop, client: Client<'_>, account: &Account) -> Result<Tokens> {
        let now = shop.clock.now();
        let age = shop.config.token_expiration.map_or(i64::MAX, |age| age.as_secs().cast_signed());
        let ends = now.timestamp() + shop.config.session_ttl.min(age);
        let name = SessionName { owner: account.owner, id: random::text(RANDOM_LETTERS) };
        let family = random::text(RANDOM_LETTERS);
        let secret = self.secret(shop, &name, &family, 0)?;
        let (owner_type, owner_id) = name.owner.parts();
        // Expired sessions of the account are deleted now, so that the table does not grow forever.
        let ended = delete_of_owner(name.owner).filter(Column::ExpiresAt.lte(now.timestamp()));
        ended.exec(&shop.reader).await?;
        let row = row::ActiveModel {
            owner_type: Set(owner_type.to_owned()),
            owner_id: Set(owner_id),
            id: Set(name.id.clone()),
            family_hash: Set(key::hash(&family)),
            refresh_hash: Set(key::hash(&secret)),
            generation: Set(0),
            refreshed_at: Set(now.timestamp_millis()),
            client_hash: Set(client.hash()),
            password_mark: Set(account.password_mark()),
            created_at: Set(now.timestamp()),
            expires_at: Set(ends),
        };
        Rows::insert(row).exec_without_returning(&shop.reader).await?;
        end_oldest(&shop.reader, &name).await?;
        self.tokens(shop, &name, &family, &secret, ends)
    }

    /// Gets the next tokens of a session. A refresh token is valid once: a second use ends the session, unless the
    /// same client sends it again within seconds. Then it gets the same new refresh token again.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where the token is not valid or the session has ended; when the database fails.
    pub(crate) async fn refresh(&self, shop: &Shop, client: Client<'_>, token: &str) -> Result<Tokens> {
        let (name, row, [family, used]) = self.find_by_refresh_token(shop, token).await?;
        if admitted_account(shop, &row, name.owner).await?.is_none() {
            self.end(&shop.reader, &name).await?;
            return Err(Error::Unauthenticated);
        }
        if !hash_matches(&row.refresh_hash, used) {
            return self.resend(shop, client, token).await;
        }
        let secret = self.secret(shop, &name, family, row.generation + 1)?;
        // If two requests send the same token at the same time, only one of them changes the row.
        let changed = Rows::update_many()
            .col_expr(Column::RefreshHash, Expr::value(key::hash(&secret)))
            .col_expr(Column::Generation, Expr::value(row.generation + 1))
            .col_expr(Column::RefreshedAt, Expr::value(shop.clock.now().timestamp_millis()))
            .col_expr(Column::ClientHash, Expr::value(client.hash()))
            .filter(is_session(&name))
            .filter(Column::RefreshHash.eq(key::hash(used)))
            .exec(&shop.reader)
            .await?;
        if changed.rows_affected == 0 {
            return self.resend(shop, client, token).await;
        }
        self.tokens(shop, &name, family, &secret, row.expires_at)
    }

    /// Answers a refresh token that is not the current one: with the current tokens, if the same client has sent it
    /// a few seconds before. Otherwise the session ends.
    async fn resend(&self, shop: &Shop, client: Client<'_>, token: &str) -> Result<Tokens> {
        let (name, row, [family, used]) = self.find_by_refresh_token(shop, token).await?;
        let before = self.secret(shop, &name, family, row.generation - 1)?;
        let age = shop.clock.now().timestamp_millis() - row.refreshed_at;
        let is_last = bool::from(before.as_bytes().ct_eq(used.as_bytes())) && row.generation > 0;
        if !is_last || age > REUSE_WINDOW.num_milliseconds() || row.client_hash != client.hash() {
            return self.end_reused(shop, &name).await;
        }
        let secret = self.secret(shop, &name, family, row.generation)?;
        // The secret was derived from a former key, so it cannot be derived again.
        if !hash_matches(&row.refresh_hash, &secret) {
            return self.end_reused(shop, &name).await;
        }
        self.tokens(shop, &name, family, &secret, row.expires_at)
    }

    async fn end_reused(&self, shop: &Shop, name: &SessionName) -> Result<Tokens> {
        tracing::warn!(owner = ?name.owner, "a refresh token was used twice: its session ends");
        self.end(&shop.reader, name).await?;
        Err(Error::Unauthenticated)
    }

    /// Ends the session of a refresh token, which need not be the current one.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where there is no such session; when the database fails.
    pub(crate) async fn revoke(&self, shop: &Shop, token: &str) -> Result<()> {
        let (name, ..) = self.find_by_refresh_token(shop, token).await?;
        self.end(&shop.reader, &name).await
    }

    /// Ends all sessions of an account.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn revoke_all(&self, shop: &Shop, owner: Owner) -> Result<u64> {
        require_own_tables(shop).await?;
        let ended = delete_of_owner(owner).exec(&shop.reader).await?;
        self.cache.forget(|_| true);
        Ok(ended.rows_affected)
    }

    async fn end(&self, db: &Reader, name: &SessionName) -> Result<()> {
        Rows::delete_many().filter(is_session(name)).exec(db).await?;
        self.cache.remove(&name.label());
        Ok(())
    }

    /// The session of a refresh token, with the token's family and secret.
    async fn find_by_refresh_token<'a>(
        &self,
        shop: &Shop,
        token: &'a str,
    ) -> Result<(SessionName, Row, [&'a str; 2])> {
        let (name, parts) = SessionName::of_refresh_token(token).ok_or(Error::Unauthenticated)?;
        let row = self.row(shop, &name).await?.filter(|row| hash_matches(&row.family_hash, parts[0]));
        let row = row.filter(|row| row.expires_at > shop.clock.now().timestamp());
        Ok((name, row.ok_or(Error::Unauthenticated)?, parts))
    }

    async fn row(&self, shop: &Shop, name: &SessionName) -> Result<Option<Row>> {
        require_own_tables(shop).await?;
        Ok(Rows::find().filter(is_session(name)).one(&shop.reader).await?)
    }

    /// The secret of one refresh token. It is derived from the server's key, so that it need not be stored.
    fn secret(&self, shop: &Shop, name: &SessionName, family: &str, generation: i64) -> Result<String> {
        let text = format!("{} {family} {generation}", name.label());
        Ok(self.key_ring(&shop.config)?.authentication_code(&text))
    }

    fn tokens(
        &self,
        shop: &Shop,
        name: &SessionName,
        family: &str,
        secret: &str,
        ends: i64,
    ) -> Result<Tokens> {
        let now = shop.clock.now();
        let expires_in = shop.config.access_token_ttl.min(ends - now.timestamp());
        let ring = self.key_ring(&shop.config)?;
        Ok(Tokens {
            access: ring.sign(name.subject(), &name.id, now, expires_in)?,
            expires_in,
            refresh: format!("{}.{family}.{secret}", name.label()),
            ends_at: DateTime::from_timestamp(ends, 0).unwrap_or(now),
        })
    }
}

impl SessionName {
    fn of_claims(subject: &str, id: &str) -> Option<Self> {
        let (owner_type, owner_id) = subject.split_once(':')?;
        Some(Self { owner: owner(owner_type, owner_id)?, id: id.to_owned() })
    }

    /// Parses a refresh token into the session's name, and family and secret.
    fn of_refresh_token(token: &str) -> Option<(Self, [&str; 2])> {
        let mut parts = token.split('.');
        let mut next = || parts.next();
        let (owner_type, owner_id, id, family, secret) = (next()?, next()?, next()?, next()?, next()?);
        let name = Self { owner: owner(owner_type, owner_id)?, id: id.to_owned() };
        let is_ours = parts.next().is_none() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_ours.then_some((name, [family, secret]))
    }

    /// The claim `sub` of access tokens.
    fn subject(&self) -> String {
        let (owner_type, owner_id) = self.owner.parts();
        format!("{owner_type}:{}", owner_id.0)
    }

    /// The beginning of refresh tokens.
    fn label(&self) -> String {
        let (owner_type, owner_id) = self.owner.parts();
        format!("{owner_type}.{}.{}", owner_id.0, self.id)
    }
}

/// The account of a session; `None` where the session or the account has expired, or the account was deleted or
/// banned, or its password has changed.
async fn admitted_account(shop: &Shop, row: &Row, owner: Owner) -> Result<Option<Account>> {
    let now = shop.clock.now();
    let Some(account) = Account::of(&shop.reader, owner).await? else { return Ok(None) };
    if row.expires_at <= now.timestamp()
        || account.has_ended(now)
        || account.password_mark() != row.password_mark
        || account.state(&shop.reader).await?.is_banned()
    {
        return Ok(None);
    }
    Ok(Some(account))
}

/// Checks the second factor of an account that has one: a code of the authenticator app, or a recovery code, which
/// is then removed.
async fn check_code(
    shop: &Shop,
    texts: &dyn Texts,
    account: &Account,
    state: &AccountState,
    code: Option<&str>,
) -> Result<()> {
    let Some(secret) = state.get("2fa_secret") else { return Ok(()) };
    let Some(code) = code.map(str::trim).filter(|code| !code.is_empty()) else {
        return Err(refusal("code", SECOND_FACTOR_REQUIRED, SECOND_FACTOR_REQUIRED.message(texts)));
    };
    if let Some(step) = totp::step(secret, code, shop.clock.now())
        && totp::use_up(&shop.reader, account.owner, step).await?
    {
        return Ok(());
    }
    if let Some(stored) = state.get(RECOVERY_CODES)
        && let Some(rest) = recovery::remove_code(&shop.config.app_key, stored, code)
        && account.replace(&shop.reader, RECOVERY_CODES, stored, rest, shop.clock.now()).await?
    {
        return Ok(());
    }
    Err(refusal("code", SECOND_FACTOR_WRONG, SECOND_FACTOR_WRONG.message(texts)))
}

/// Creates guichet's own tables if they do not exist.
async fn require_own_tables(shop: &Shop) -> Result<()> {
    shop.own_tables.require(shop.servers.db(), shop.config.read_only).await
}

/// The stored pseudonym of a client's network.
fn network_hash(shop: &Shop, client: IpAddr) -> String {
    signature::pseudonym(&shop.config.app_key, &format!("sign-in {}", network::client_network(client)))
}

fn refusal(field: &str, code: UserErrorCode, text: String) -> Error {
    Error::Invalid(Invalid::single(field, BrokenRule::new(code, text)))
}

fn hash_matches(stored: &str, part: &str) -> bool {
    stored.as_bytes().ct_eq(key::hash(part).as_bytes()).into()
}

fn owner(owner_type: &str, owner_id: &str) -> Option<Owner> {
    let id: Id = owner_id.parse().ok().map(Id)?;
    if id.0.to_string() != owner_id {
        return None;
    }
    match owner_type {
        "customer" => Some(Owner::Customer(id)),
        "staff" => Some(Owner::Staff(id)),
        _ => None,
    }
}

fn is_session(name: &SessionName) -> Condition {
    owned_by(name.owner).add(Column::Id.eq(name.id.as_str()))
}

fn owned_by(owner: Owner) -> Condition {
    let (owner_type, owner_id) = owner.parts();
    Condition::all().add(Column::OwnerType.eq(owner_type)).add(Column::OwnerId.eq(owner_id))
}

/// Ends the oldest sessions of an account that has too many, without the new one.
async fn end_oldest(db: &Reader, new: &SessionName) -> Result<()> {
    let oldest: Vec<String> = Rows::find()
        .select_only()
        .column(Column::Id)
        .filter(owned_by(new.owner))
        .filter(Column::Id.ne(new.id.as_str()))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(MAX_SESSIONS - 1)
        .limit(MAX_SESSIONS)
        .into_tuple()
        .all(db)
        .await?;
    if !oldest.is_empty() {
        delete_of_owner(new.owner).filter(Column::Id.is_in(oldest)).exec(db).await?;
    }
    Ok(())
}

fn delete_of_owner(owner: Owner) -> sea_orm::DeleteMany<Rows> {
    Rows::delete_many().filter(owned_by(owner))
}
