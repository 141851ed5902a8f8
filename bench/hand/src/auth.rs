//! Authentication: the bearer key of a staff member, cached for a second.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use sqlx::{Database, Error};

use crate::app::{App, CACHE_TTL};
use crate::cells::Cells;
use crate::failure::Failure;
use crate::sql::{Dialect, Sql};
use crate::store::{Store, Value};
use crate::time::Moment;

/// Age at which every key expires.
const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// Class name of the staff in the table.
const STAFF: &str = "App\\Models\\Admin\\Admin";

/// A key that was found.
pub struct Key {
    abilities: Vec<String>,
    /// The staff member whose key it is.
    owner: i64,
    created_at: Option<DateTime<Utc>>,
    ends: [Option<DateTime<Utc>>; 2],
    /// When it was looked up.
    found: Instant,
}

/// The caller of a request.
pub struct Caller(Arc<Key>);

/// The statements that find a key.
pub struct Statements {
    key: Sql,
    owner: Sql,
    maintenance: Sql,
}

impl Statements {
    pub fn new(dialect: Dialect) -> Self {
        let sql = |text: &str| Sql::new(dialect, text);
        Self {
            key: sql("SELECT token, tokenable_type, tokenable_id, abilities, created_at, expires_at \
                      FROM personal_access_tokens WHERE id = ? LIMIT 1"),
            owner: sql("SELECT expires_at FROM admins WHERE id = ? AND deleted_at IS NULL LIMIT 1"),
            maintenance: sql("SELECT value FROM settings WHERE name = ? LIMIT 1"),
        }
    }
}

impl Caller {
    /// Refuses callers with none of these abilities.
    pub fn may(&self, any: &[&str]) -> Result<(), Failure> {
        let held = |name: &String| name == "*" || any.contains(&name.as_str());
        if self.0.abilities.iter().any(held) { Ok(()) } else { Err(Failure::Forbidden) }
    }

    /// The account, for the limits.
    pub fn account(&self) -> i64 {
        self.0.owner
    }
}

impl<S: Store> FromRequestParts<Arc<App<S>>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App<S>>) -> Result<Self, Failure> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or(Failure::Unauthenticated)?;
        let key = match app.keys.get(bearer).filter(|key| key.found.elapsed() < CACHE_TTL) {
            Some(key) => key,
            None => {
                let key = Arc::new(find(app, bearer).await?.ok_or(Failure::Unauthenticated)?);
                app.keys.insert(bearer.to_owned(), Arc::clone(&key));
                key
            }
        };
        let now = Utc::now();
        let young = key.created_at.is_some_and(|made| made > now - MAX_AGE);
        if !young || key.ends.iter().flatten().any(|end| *end <= now) {
            return Err(Failure::Unauthenticated);
        }
        if app.maintenance.get_or_load((), is_closed(app)).await? {
            return Err(Failure::Maintenance);
        }
        Ok(Self(key))
    }
}

async fn find<S: Store>(app: &App<S>, bearer: &str) -> Result<Option<Key>, Error> {
    let Some((id, secret)) = bearer.split_once('|') else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let mut connection = app.pool.acquire().await?;
    let rows = S::rows(&mut connection, &app.statements.auth.key, &[Value::Int(id)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.text(0)? != hex::encode(Sha256::digest(secret)) || row.text(1)? != STAFF {
        return Ok(None);
    }
    let owner = row.int(2)?;
    let rows = S::rows(&mut connection, &app.statements.auth.owner, &[Value::Int(owner)]).await?;
    let Some(member) = rows.first() else { return Ok(None) };
    let abilities = row.text_or_null(3)?.and_then(|list| serde_json::from_str(list).ok());
    Ok(Some(Key {
        abilities: abilities.unwrap_or_default(),
        owner,
        created_at: moment::<S>(row, 4)?,
        ends: [moment::<S>(row, 5)?, moment::<S>(member, 0)?],
        found: Instant::now(),
    }))
}

fn moment<S: Store>(row: &<S as Database>::Row, at: usize) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(row.time_or_null(at)?.map(|local| Moment::from_local(local).utc()))
}

async fn is_closed<S: Store>(app: &App<S>) -> Result<bool, Error> {
    let mut connection = app.pool.acquire().await?;
    let name = [Value::Text("maintenance_enabled")];
    let rows = S::rows(&mut connection, &app.statements.auth.maintenance, &name).await?;
    let on = rows.first().map(|row| row.text(0)).transpose()?;
    Ok(on.is_some_and(|on| !matches!(on, "" | "0" | "false")))
}
