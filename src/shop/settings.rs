//! The shop's own settings: rows of its table `settings`, which the original writes. They are cached for one
//! second, so a change takes effect within that time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use entity::setting;
use facade::cache::LoadingCache;
use facade::engine;
use sea_orm::{EntityTrait, QuerySelect};

use crate::database::reader::Reader;
use crate::{Error, Result};

/// Far more settings than any shop has.
const MAX_SETTINGS: u64 = 10_000;

/// All settings of the shop.
pub struct Settings(LoadingCache<(), Arc<HashMap<String, String>>, Error>);

impl Default for Settings {
    fn default() -> Self {
        Self(LoadingCache::new(1, Duration::from_secs(1)))
    }
}

impl Settings {
    /// The stored text of a setting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, db: &Reader, name: &str) -> Result<Option<String>> {
        let all = match self.0.get(&()) {
            Some(all) => all,
            None => Box::pin(self.load(db)).await?,
        };
        Ok(all.get(name).cloned())
    }

    async fn load(&self, db: &Reader) -> Result<Arc<HashMap<String, String>>> {
        let load = async { load(db).await.map(Arc::new) };
        self.0.get_or_load((), load).await.map_err(|error| error.clone_for_waiter())
    }
}

async fn load(db: &Reader) -> Result<HashMap<String, String>> {
    let rows = setting::Entity::find().limit(MAX_SETTINGS).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.value)).collect())
}

/// Whether a setting of the shop is switched on.
///
/// # Errors
/// When the database fails.
pub async fn is_on(settings: &dyn engine::Settings, name: &str, default: bool) -> Result<bool> {
    let text = settings.setting(name).await?;
    Ok(text.map_or(default, |text| !matches!(text.as_str(), "" | "0" | "false")))
}

/// The shop's own currency.
///
/// # Errors
/// When the database fails.
pub async fn currency(settings: &dyn engine::Settings) -> Result<String> {
    Ok(settings.setting("store_currency").await?.unwrap_or_else(|| super::DEFAULT_CURRENCY.to_owned()))
}

/// The locale of the shop's own texts.
///
/// # Errors
/// When the database fails.
pub async fn default_locale(settings: &dyn engine::Settings) -> Result<String> {
    Ok(settings.setting("app_default_locale").await?.unwrap_or_else(|| "fr_FR".to_owned()))
}

/// Whether the shop supports a locale: its own, or one that is enabled.
///
/// # Errors
/// When the database fails.
pub async fn supports_locale(settings: &dyn engine::Settings, locale: &str) -> Result<bool> {
    if locale == default_locale(settings).await? {
        return Ok(true);
    }
    let enabled = settings.setting("app_enabled_locales").await?;
    let enabled: Option<Vec<String>> = enabled.and_then(|text| serde_json::from_str(&text).ok());
    Ok(enabled.map_or(locale == "en_GB", |enabled| enabled.iter().any(|enabled| enabled == locale)))
}
