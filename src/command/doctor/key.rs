//! `APP_KEY`: whether it is set, and whether it is the key that the shop encrypts with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sea_orm::{DatabaseConnection, DbErr};
use serde::Deserialize;

use super::{Finding, value};
use crate::platform::config::Config;
use crate::platform::signature;

pub(super) fn is_set(config: &Config) -> Finding {
    if config.app_key.is_empty() {
        let mend = "set APP_KEY to the shop's; encrypted values and signed links need it";
        return Finding::warning("key", "APP_KEY is not set", mend);
    }
    Finding::ok("key", "APP_KEY has the right form")
}

/// An encrypted value (docs/contract/credentials.md#12).
#[derive(Deserialize)]
struct Encrypted {
    iv: String,
    value: String,
    mac: String,
}

/// Checks whether a key opens the newest encrypted value, by its message authentication code.
pub(super) async fn opens_values(config: &Config, db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    if config.app_key.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT password FROM servers WHERE password IS NOT NULL ORDER BY id DESC LIMIT 1";
    let newest: Option<String> = value(db, sql).await?;
    let encrypted = newest.and_then(|text| STANDARD.decode(text).ok());
    let Some(encrypted) = encrypted.and_then(|json| serde_json::from_slice::<Encrypted>(&json).ok()) else {
        return Ok(vec![Finding::ok("key", "nothing in the database is encrypted yet")]);
    };
    let message = encrypted.iv + &encrypted.value;
    let fits = |key| signature::is_valid_mac(key, &message, &encrypted.mac);
    Ok(vec![if fits(&config.app_key) {
        Finding::ok("key", "APP_KEY opens the shop's encrypted values")
    } else if config.previous_keys.iter().any(fits) {
        Finding::ok("key", "one of APP_PREVIOUS_KEYS opens the shop's encrypted values")
    } else {
        let mend = "take APP_KEY (and APP_PREVIOUS_KEYS) from the shop's own .env";
        Finding::error("key", "APP_KEY does not open the shop's encrypted values", mend)
    }])
}
