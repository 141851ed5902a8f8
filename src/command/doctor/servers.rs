//! The servers of the database, where several are set.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use super::{Finding, rows};
use crate::database;
use crate::platform::config::Config;

const CHECK: &str = "servers";
/// How long a server may take to tell its state.
const TIMEOUT: Duration = Duration::from_secs(3);
const AWAY: &str = "start it, or take it out of DATABASE_URL or DB_HOST";
const TWO_PRIMARIES: &str =
    "stop the one that was replaced, until it follows the other: what is written to it is lost";

/// What a server may be used for.
enum State {
    /// It takes writes; in a cluster, others do so too.
    Writes {
        in_cluster: bool,
    },
    /// It answers, and takes no writes.
    Standby,
    Away(DbErr),
}

/// A finding for each server, and one where two take writes that know nothing of each other.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    if config.further_servers.is_empty() {
        return Vec::new();
    }
    let servers: Vec<Config> = config.servers().collect();
    let states =
        join_all(servers.iter().map(async |server| state(server).await.unwrap_or_else(State::Away))).await;
    let names = servers.iter().map(|server| server.database.name());
    let mut findings: Vec<Finding> = names.zip(&states).map(|(name, state)| finding(&name, state)).collect();
    let alone = states.iter().filter(|state| matches!(state, State::Writes { in_cluster: false })).count();
    if alone > 1 {
        let says = format!("{alone} servers take writes, and are no nodes of a cluster");
        findings.push(Finding::warning(CHECK, says, TWO_PRIMARIES));
    }
    findings
}

fn finding(name: &str, state: &State) -> Finding {
    match state {
        State::Writes { .. } => Finding::ok(CHECK, format!("{name} takes writes")),
        State::Standby => Finding::ok(CHECK, format!("{name} answers, and takes no writes: a standby")),
        State::Away(cause) => Finding::warning(CHECK, format!("{name} cannot be used now: {cause}"), AWAY),
    }
}

async fn state(server: &Config) -> Result<State, DbErr> {
    let db = database::connect_for_serving(&Config { pool: Some(1), ..server.clone() }).await?;
    let state = match database::takes_writes(&db, TIMEOUT).await {
        Ok(true) => is_in_cluster(&db).await.map(|in_cluster| State::Writes { in_cluster }),
        Ok(false) => Ok(State::Standby),
        Err(cause) => Err(cause),
    };
    // A failure to close the connection does not change the finding.
    let _ = db.close().await;
    state
}

async fn is_in_cluster(db: &DatabaseConnection) -> Result<bool, DbErr> {
    if db.get_database_backend() != DbBackend::MySql {
        return Ok(false);
    }
    let shown = rows(db, "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'").await?;
    let is_on = shown.first().map(|row| row.try_get_by_index::<String>(1)).transpose()?;
    Ok(is_on.is_some_and(|is_on| is_on == "ON"))
}
