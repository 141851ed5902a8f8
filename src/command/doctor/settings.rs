//! The settings: values that are refused, and names that do not exist.

use super::Finding;
use crate::platform::config::{self, ConfigError, UnknownSetting};

const CHECK: &str = "settings";

/// Checks, and what the names of the settings that they need begin with.
const NEEDED: [(&str, &[&str]); 8] = [
    ("key", &["APP_KEY", "APP_PREVIOUS_KEYS"]),
    ("redis", &["GUICHET_THROTTLE", "REDIS_"]),
    ("servers", DATABASE),
    ("replica", &["DATABASE_", "DB_", "MYSQL_ATTR_SSL_CA", "GUICHET_REPLICA_LAG"]),
    ("mail", &["GUICHET_MAIL", "MAIL_"]),
    ("upstream", &["GUICHET_UPSTREAM"]),
    ("database", DATABASE),
    ("time zone", &["APP_TIMEZONE"]),
];
const DATABASE: &[&str] = &["DATABASE_URL", "DB_", "MYSQL_ATTR_SSL_CA"];

/// The values of settings that are refused, in whose place the checks have the default.
pub(super) struct Refused(Vec<ConfigError>);

impl Refused {
    pub(super) fn new(refused: Vec<ConfigError>) -> Self {
        Self(refused)
    }

    /// A finding for each, or one that says that there are none.
    pub(super) fn findings(&self) -> Vec<Finding> {
        if self.0.is_empty() {
            return vec![Finding::ok(CHECK, "every value is accepted")];
        }
        let finding = |error: &ConfigError| {
            Finding::error(CHECK, error.to_string(), "correct the value, or leave it out")
        };
        self.0.iter().map(finding).collect()
    }

    /// The checks that would examine the default in place of what was meant.
    pub(super) fn left_out(&self) -> Vec<&'static str> {
        let is_refused = |prefix: &&str| self.0.iter().any(|error| error.variable.starts_with(prefix));
        NEEDED.iter().filter(|(_, names)| names.iter().any(is_refused)).map(|(check, _)| *check).collect()
    }
}

/// That no setting names a database, so that the one of the defaults is examined.
pub(super) fn no_database(variables: &[(String, String)]) -> Option<Finding> {
    let mend = "start in the folder of the shop's .env, or name that file with --env-file";
    let finding = || Finding::warning(CHECK, "no setting names a database", mend);
    config::names_database(variables).is_none().then(finding)
}

/// Variables that look like settings of guichet, but are none.
pub(super) fn unknown_settings(variables: &[(String, String)]) -> Vec<Finding> {
    let unknown = config::unknown(variables).into_iter();
    let finding = |UnknownSetting { name, meant }| {
        let mend = meant
            .map_or("leave it out: `guichet serve --help` lists all settings".to_owned(), |meant| {
                format!("{meant} was probably meant")
            });
        Finding::warning(CHECK, format!("{name} does not exist"), mend)
    };
    unknown.map(finding).collect()
}
