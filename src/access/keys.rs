//! Authentication by API keys: rows of `personal_access_tokens`, created by the original or by guichet
//! (docs/contract/credentials.md#2, docs/contract/wire.md#7).

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use entity::{Id, ShopTime, admin, customer, personal_access_token as token};
use facade::cache::Cache;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use subtle::ConstantTimeEq;

use super::{Audience, Catalog, Credential, Owner, Principal, Sessions, key_restriction, session};
use crate::access::key;
use crate::database::reader::Reader;
use crate::shop::Shop;
use crate::{Error, Result};

/// Class names of the two kinds of owner in the table.
pub(super) const STAFF: &str = "App\\Models\\Admin\\Admin";
pub(super) const CUSTOMER: &str = "App\\Models\\Account\\Customer";

/// How long a key is cached. A revoked key is refused after this time.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// Maximum number of cached keys.
const MAX_CACHED: usize = 10_000;

/// Authenticates callers by API keys, with a cache.
pub struct Keys {
    sessions: Arc<Sessions>,
    abilities: &'static Catalog,
    cache: Cache<String, Option<StoredKey>>,
    used: Mutex<HashSet<Id>>,
}

/// A stored key whose owner exists. Whether it has expired is checked at each use.
#[derive(Clone)]
struct StoredKey {
    id: Id,
    principal: Arc<Principal>,
    created_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    /// When the account of its owner expires.
    owner_expires_at: Option<DateTime<Utc>>,
}

impl Keys {
    /// Makes an empty cache. `sessions` authenticates access tokens.
    pub fn new(sessions: Arc<Sessions>, abilities: &'static Catalog) -> Self {
        Self { sessions, abilities, cache: Cache::new(MAX_CACHED, CACHE_TTL), used: Mutex::default() }
    }

    /// Authenticates the caller by the key or access token in the header `Authorization`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a valid one; [`Error::RestrictedKey`] where the key is not for the `client`'s
    /// address; when the database fails.
    pub async fn authenticate(
        &self,
        shop: &Shop,
        headers: &HeaderMap,
        client: IpAddr,
    ) -> Result<Arc<Principal>> {
        let text = sent_key(headers).ok_or(Error::Unauthenticated)?;
        if session::is_access_token(text) {
            return Box::pin(self.sessions.authenticate(shop, text)).await;
        }
        // The cache is keyed by the hash, so that it does not hold secrets.
        let secret = key::hash(text);
        let found = match self.cache.get(&secret) {
            Some(found) => found,
            None => {
                let found = Box::pin(find(shop, self.abilities, text)).await?;
                self.cache.insert(secret, found.clone());
                found
            }
        };
        let (max_age, now) = (shop.config.token_expiration, shop.clock.now());
        let found = found.filter(|found| found.is_valid(max_age, now)).ok_or(Error::Unauthenticated)?;
        if found.principal.restriction.as_ref().is_some_and(|restriction| !restriction.admits(client)) {
            return Err(Error::RestrictedKey(key_restriction::WRONG_ADDRESS));
        }
        if !shop.config.read_only {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(found.id);
        }
        Ok(found.principal)
    }

    /// Whether the database must be asked about the key in the header `Authorization`.
    pub fn must_look_up(&self, headers: &HeaderMap) -> bool {
        let key = sent_key(headers).filter(|text| !session::is_access_token(text));
        key.is_some_and(|text| self.cache.get(&key::hash(text)).is_none())
    }

    /// Writes `last_used_at` of all keys that were used since the last call, with one statement.
    ///
    /// # Errors
    /// When the database fails; the keys are then written with the next call.
    pub async fn write_used(&self, db: &Reader, now: DateTime<Utc>) -> Result<()> {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() {
            return Ok(());
        }
        let written = token::Entity::update_many()
            .col_expr(token::Column::LastUsedAt, Expr::value(ShopTime(now)))
            .col_expr(token::Column::UpdatedAt, Expr::value(ShopTime(now)))
            .filter(token::Column::Id.is_in(used.iter().copied()))
            .exec(db)
            .await;
        if written.is_err() {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(used);
        }
        written?;
        Ok(())
    }
}

impl StoredKey {
    fn is_valid(&self, max_age: Option<Duration>, now: DateTime<Utc>) -> bool {
        let young = max_age.is_none_or(|age| self.created_at.is_some_and(|made| made > now - age));
        young && [self.expires_at, self.owner_expires_at].iter().flatten().all(|end| *end > now)
    }
}

/// The key or access token in the header `Authorization`.
fn sent_key(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get_all(header::AUTHORIZATION).iter().next_back()?;
    sent.to_str().ok().and_then(bearer)
}

/// The text after the last `bearer ` in any case, up to a comma (docs/contract/wire.md#7.2).
fn bearer(header: &str) -> Option<&str> {
    let at = header.to_ascii_lowercase().rfind("bearer ")?;
    let text = header[at + "bearer ".len()..].split(',').next()?;
    (!text.is_empty()).then_some(text)
}

/// Checks that the database answers and has the shop's tables.
///
/// # Errors
/// When the database fails.
pub async fn check_database(db: &impl ConnectionTrait) -> Result<()> {
    let any = token::Entity::find().select_only().column(token::Column::Id).limit(1);
    any.into_tuple::<Id>().one(db).await?;
    Ok(())
}

async fn find(shop: &Shop, catalog: &Catalog, text: &str) -> Result<Option<StoredKey>> {
    let db = &shop.reader;
    let select = token::Entity::find();
    let (select, secret) = match key::split(text) {
        Some((id, secret)) => (select.filter(token::Column::Id.eq(id)), secret),
        None if text.contains('|') => return Ok(None),
        None => (select.filter(token::Column::Token.eq(key::hash(text))), text),
    };
    let Some(row) = select.limit(1).one(db).await? else { return Ok(None) };
    if !bool::from(row.token.as_bytes().ct_eq(key::hash(secret).as_bytes())) {
        return Ok(None);
    }
    let Some((owner, owner_expires_at)) = owner(db, &row).await? else { return Ok(None) };
    let names: Vec<String> =
        row.abilities.as_deref().map_or_else(Vec::new, |list| serde_json::from_str(list).unwrap_or_default());
    // Keys of both audiences may have `*` (docs/contract/wire.md#quirk-10).
    let audience = match owner {
        Owner::Staff(_) => Audience::Staff,
        Owner::Customer(_) => Audience::Customers,
    };
    let abilities = catalog.of_key(names.iter().map(String::as_str), audience);
    let restriction = key_restriction::of_keys(db, [row.token.as_str()]).await?.into_values().next();
    Ok(Some(StoredKey {
        id: row.id,
        principal: Arc::new(Principal {
            owner,
            credential: Credential::Key(row.id),
            abilities,
            restriction: restriction.map(Arc::new),
            permissions: None,
        }),
        created_at: row.created_at.map(|at| at.0),
        expires_at: row.expires_at.map(|at| at.0),
        owner_expires_at,
    }))
}

/// The owner of a key, unless it was deleted, and when its account expires.
async fn owner(db: &Reader, row: &token::Model) -> Result<Option<(Owner, Option<DateTime<Utc>>)>> {
    let id = row.tokenable_id;
    Ok(match row.tokenable_type.as_str() {
        STAFF => {
            let select = admin::Entity::find().select_only().column(admin::Column::ExpiresAt);
            let alive = select.filter(admin::Column::Id.eq(id)).filter(admin::Column::DeletedAt.is_null());
            let ends = alive.limit(1).into_tuple::<Option<ShopTime>>().one(db).await?;
            ends.map(|ends| (Owner::Staff(id), ends.map(|at| at.0)))
        }
        CUSTOMER => {
            let select = customer::Entity::find().select_only().column(customer::Column::Id);
            let alive =
                select.filter(customer::Column::Id.eq(id)).filter(customer::Column::DeletedAt.is_null());
            alive.limit(1).into_tuple::<Id>().one(db).await?.map(|id| (Owner::Customer(id), None))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::bearer;

    #[test]
    fn the_last_bearer_counts_in_any_case_up_to_a_comma() {
        assert_eq!(bearer("Bearer 1|x"), Some("1|x"));
        assert_eq!(bearer("foo BEARER y, foo"), Some("y"));
        assert_eq!(bearer("Bearer Bearer z"), Some("z"));
        assert_eq!(bearer("Bearer  x"), Some(" x"));
        assert_eq!(bearer("Basic x"), None);
        assert_eq!(bearer("bearer "), None);
    }

    proptest! {
        #[test]
        fn any_header_names_a_key_or_none(header in r"(bearer|BEARER|,| |\PC){0,20}", key in "[0-9]{1,9}\\|[0-9A-Za-z]{1,40}") {
            prop_assert!(bearer(&header).is_none_or(|key| header.contains(key)));
            let header = format!("{header} Bearer {key}");
            prop_assert_eq!(bearer(&header), Some(key.as_str()));
        }
    }
}
