//! The servers of the database, where several are set, and the cluster that they are nodes of.

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

const NOT_READY: &str = "it is a node of a cluster that is not ready, or takes no writes";
const SAME_IDS: &str = "has wsrep_auto_increment_control=OFF: rows that are made through two nodes at once get the same id, and one of them may be lost";
const OWN_IDS: &str =
    "SET GLOBAL wsrep_auto_increment_control = ON on each node, and take it out of their configuration";

/// What a server may be used for.
enum State {
    /// It takes writes.
    Writes(Cluster),
    /// It answers, and takes no writes.
    Standby,
    Away(DbErr),
}

/// Whether other servers take writes too, and have them in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cluster {
    /// It is no node of a cluster.
    Alone,
    Node,
    /// A node that may give a new row the id that another node gives another row.
    NodeWithSameIds,
}

/// A finding for each of several servers, one for each node of a cluster that is set up wrongly, and one where two take writes that know nothing of each other.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let servers: Vec<Config> = config.servers().collect();
    let states =
        join_all(servers.iter().map(async |server| state(server).await.unwrap_or_else(State::Away))).await;
    let named = || servers.iter().map(|server| server.database.name()).zip(&states);
    let mut findings: Vec<Finding> = named()
        .filter(|(_, state)| matches!(state, State::Writes(Cluster::NodeWithSameIds)))
        .map(|(name, _)| Finding::warning(CHECK, format!("{name} {SAME_IDS}"), OWN_IDS))
        .collect();
    if config.further_servers.is_empty() {
        return findings;
    }
    findings.extend(named().map(|(name, state)| finding(&name, state)));
    let alone = states.iter().filter(|state| matches!(state, State::Writes(Cluster::Alone))).count();
    if alone > 1 {
        let says = format!("{alone} servers take writes, and are no nodes of a cluster");
        findings.push(Finding::warning(CHECK, says, TWO_PRIMARIES));
    }
    findings
}

fn finding(name: &str, state: &State) -> Finding {
    match state {
        State::Writes(_) => Finding::ok(CHECK, format!("{name} takes writes")),
        State::Standby => Finding::ok(CHECK, format!("{name} answers, and takes no writes: a standby")),
        State::Away(cause) => Finding::warning(CHECK, format!("{name} cannot be used now: {cause}"), AWAY),
    }
}

async fn state(server: &Config) -> Result<State, DbErr> {
    let db = database::connect_for_serving(&Config { pool: Some(1), ..server.clone() }).await?;
    let state = match database::takes_writes(&db, TIMEOUT).await {
        Ok(true) => cluster(&db).await.map(State::Writes),
        Ok(false) if cluster(&db).await? != Cluster::Alone => Err(DbErr::Custom(NOT_READY.to_owned())),
        Ok(false) => Ok(State::Standby),
        Err(cause) => Err(cause),
    };
    // A failure to close the connection does not change the finding.
    let _ = db.close().await;
    state
}

async fn cluster(db: &DatabaseConnection) -> Result<Cluster, DbErr> {
    if db.get_database_backend() != DbBackend::MySql || !is_on(db, "wsrep_on").await? {
        return Ok(Cluster::Alone);
    }
    let has_own_ids = is_on(db, "wsrep_auto_increment_control").await?;
    Ok(if has_own_ids { Cluster::Node } else { Cluster::NodeWithSameIds })
}

/// Whether a variable of the server is on.
async fn is_on(db: &DatabaseConnection, variable: &str) -> Result<bool, DbErr> {
    let shown = rows(db, &format!("SHOW GLOBAL VARIABLES LIKE '{variable}'")).await?;
    let value = shown.first().map(|row| row.try_get_by_index::<String>(1)).transpose()?;
    Ok(value.is_some_and(|value| value == "ON"))
}
