//! `APP_KEY`: whether it is set, and whether it is the key that the shop encrypts with.

use entity::{Encrypted, Id};
use sea_orm::{DatabaseConnection, DbErr};

use super::{Finding, listed, rows};
use crate::platform::config::Config;
use crate::platform::encryption::{is_sealed, open};

pub(super) fn is_set(config: &Config) -> Finding {
    if config.app_key.is_empty() {
        let mend = "set APP_KEY to the shop's; encrypted values and signed links need it";
        return Finding::warning("key", "APP_KEY is not set", mend);
    }
    Finding::ok("key", "APP_KEY has the right form")
}

/// Most servers whose access data is looked at.
const MAX_SERVERS: usize = 1_000;

/// Checks whether a key opens the encrypted values: the access data of servers, of the newest first.
pub(super) async fn opens_values(config: &Config, db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    if config.app_key.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT id, username, password FROM servers ORDER BY id DESC LIMIT {MAX_SERVERS}");
    let (mut by_app_key, mut by_former, mut by_none) = (0, 0, Vec::new());
    for row in rows(db, &sql).await? {
        let server: Id = row.try_get_by_index(0)?;
        for column in 1..=2 {
            let Encrypted(stored) = row.try_get_by_index(column)?;
            if !is_sealed(&stored) {
                continue;
            }
            if open([&config.app_key], &stored).is_some() {
                by_app_key += 1;
            } else if open(&config.previous_keys, &stored).is_some() {
                by_former += 1;
            } else if by_none.last() != Some(&server) {
                by_none.push(server);
            }
        }
    }
    Ok(vec![match (by_app_key, by_former, by_none.as_slice()) {
        (0, 0, []) => Finding::ok("key", "nothing in the database is encrypted yet"),
        (_, 0, []) => Finding::ok("key", "APP_KEY opens the shop's encrypted values"),
        (0, _, []) => Finding::ok("key", "one of APP_PREVIOUS_KEYS opens the shop's encrypted values"),
        (_, _, []) => Finding::ok("key", "APP_KEY and APP_PREVIOUS_KEYS open the shop's encrypted values"),
        (0, 0, _) => {
            let mend = "take APP_KEY (and APP_PREVIOUS_KEYS) from the shop's own .env";
            Finding::error("key", "APP_KEY does not open the shop's encrypted values", mend)
        }
        (_, _, servers) => {
            let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
            let says = format!("no key opens the user name and password of servers {}", listed(&servers));
            let mend = "add the key that the shop had before to APP_PREVIOUS_KEYS, or enter them once more";
            Finding::error("key", says, mend).with_details(servers)
        }
    }])
}
