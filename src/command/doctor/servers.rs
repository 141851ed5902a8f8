//! The servers of the database, where several are set.

use std::time::Duration;

use super::Finding;
use crate::database;
use crate::platform::config::Config;

const CHECK: &str = "servers";
/// How long a server may take to tell its state.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A finding for each server. One that takes no writes is none to worry about, unless no other does.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    if config.further_servers.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for server in config.servers() {
        let name = server.database.name();
        findings.push(match check(&server).await {
            Ok(()) => Finding::ok(CHECK, format!("{name} takes writes")),
            Err(error) => Finding::warning(
                CHECK,
                format!("{name} cannot be used now: {error}"),
                "a standby is as it should be; start any other, or take it out of DATABASE_URL or DB_HOST",
            ),
        });
    }
    findings
}

async fn check(server: &Config) -> Result<(), sea_orm::DbErr> {
    let db = database::connect_for_serving(&Config { pool: Some(1), ..server.clone() }).await?;
    let checked = database::check_takes_writes(&db, TIMEOUT).await;
    // A failure to close the connection does not change the finding.
    let _ = db.close().await;
    checked
}
