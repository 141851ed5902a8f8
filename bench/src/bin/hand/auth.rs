//! Who asks: a bearer key of a staff member, remembered for a second.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{Id, admin, personal_access_token as token, setting};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QuerySelect};
use sha2::{Digest, Sha256};

use crate::{App, Failure};

/// Age at which every key ends.
const MAX_AGE: TimeDelta = TimeDelta::days(30);

/// A key that was found.
pub struct Key {
    abilities: Vec<String>,
    created_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

/// The caller of a request.
pub struct Caller(Arc<Key>);

impl Caller {
    /// Refuses who has none of these abilities.
    pub fn may(&self, any: &[&str]) -> Result<(), Failure> {
        let held = |name: &String| name == "*" || any.contains(&name.as_str());
        if self.0.abilities.iter().any(held) { Ok(()) } else { Err(Failure::Forbidden) }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or(Failure::Unauthenticated)?;
        let key = match app.keys.get(bearer).await {
            Some(key) => key,
            None => {
                let key = Arc::new(find(&app.db, bearer).await?.ok_or(Failure::Unauthenticated)?);
                app.keys.insert(bearer.to_owned(), Arc::clone(&key)).await;
                key
            }
        };
        let now = Utc::now();
        let young = key.created_at.is_some_and(|made| made > now - MAX_AGE);
        if !young || key.expires_at.is_some_and(|end| end <= now) {
            return Err(Failure::Unauthenticated);
        }
        if maintenance(app).await? {
            return Err(Failure::Maintenance);
        }
        Ok(Self(key))
    }
}

async fn find(db: &DatabaseConnection, bearer: &str) -> Result<Option<Key>, Failure> {
    let Some((id, secret)) = bearer.split_once('|') else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let Some(row) = token::Entity::find_by_id(Id(id)).one(db).await? else { return Ok(None) };
    if row.token != hex::encode(Sha256::digest(secret)) || !row.tokenable_type.ends_with("Admin") {
        return Ok(None);
    }
    let owner = admin::Entity::find()
        .filter(admin::Column::Id.eq(row.tokenable_id))
        .filter(admin::Column::DeletedAt.is_null());
    if owner.limit(1).one(db).await?.is_none() {
        return Ok(None);
    }
    let abilities = row.abilities.as_deref().and_then(|list| serde_json::from_str(list).ok());
    Ok(Some(Key {
        abilities: abilities.unwrap_or_default(),
        created_at: row.created_at.map(|at| at.0),
        expires_at: row.expires_at.map(|at| at.0),
    }))
}

async fn maintenance(app: &App) -> Result<bool, Failure> {
    if let Some(on) = app.maintenance.get(&()).await {
        return Ok(on);
    }
    let setting = setting::Entity::find().filter(setting::Column::Name.eq("maintenance_enabled"));
    let on = setting.limit(1).one(&app.db).await?.is_some_and(|row| !matches!(row.value.as_str(), "" | "0"));
    app.maintenance.insert((), on).await;
    Ok(on)
}
