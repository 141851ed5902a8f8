//! The replicas, if any are set. While none can be used, guichet reads from the primary.

use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use super::{Finding, Severity, schema, value};
use crate::database;
use crate::platform::config::{Config, Database};

const FOLLOW: &str =
    "let it follow the primary again, or take it out of DATABASE_READ_URL: what it answers may be old";
const MEND: &str = "start it, correct DATABASE_READ_URL, or leave it out";

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for replica in &config.replicas {
        let finding = examine_one(config, replica).await;
        let says = match config.replicas.len() {
            1 => finding.says,
            _ => format!("{}: {}", replica.name(), finding.says),
        };
        findings.push(Finding { says, ..finding });
    }
    findings
}

async fn examine_one(config: &Config, replica: &Database) -> Finding {
    let (database, further_servers) = (replica.clone(), Vec::new());
    let config = Config { database, further_servers, pool: Some(1), read_only: true, ..config.clone() };
    let examined = async {
        let replica = database::connect(&config).await?;
        let found = check_schema_and_lag(&config, &replica).await;
        // A failure to close the connection does not change the finding.
        let _ = replica.close().await;
        found
    };
    let unusable = |error| {
        let says = format!("it cannot be read from: {error}; the primary is");
        Finding::warning("replica", says, MEND)
    };
    examined.await.unwrap_or_else(unusable)
}

async fn check_schema_and_lag(config: &Config, replica: &DatabaseConnection) -> Result<Finding, DbErr> {
    let lag = config.replica_lag;
    let other =
        schema::compare(config, replica).await?.into_iter().find(|finding| finding.level == Severity::Error);
    if let Some(Finding { says, .. }) = other {
        let says = format!("its schema is not the primary's: {says}");
        return Ok(Finding::warning("replica", says, "let it catch up, or correct DATABASE_READ_URL"));
    }
    Ok(match state(replica).await? {
        Some((false, seconds)) => {
            let says =
                format!("it is no standby that follows a primary now; its last change is {seconds} s old");
            Finding::warning("replica", says, FOLLOW)
        }
        Some((true, seconds)) if u64::try_from(seconds).is_ok_and(|seconds| seconds > lag.as_secs()) => {
            let says = format!("it lags {seconds} s behind, GUICHET_REPLICA_LAG says {} s", lag.as_secs());
            Finding::warning("replica", says, "let it catch up, or raise GUICHET_REPLICA_LAG")
        }
        Some((true, seconds)) => {
            Finding::ok("replica", format!("it holds the shop's tables, and lags {seconds} s behind"))
        }
        None => Finding::ok("replica", "it holds the shop's tables"),
    })
}

/// Whether it follows a primary, and its lag in seconds; nothing where a user without special rights cannot read that.
async fn state(replica: &DatabaseConnection) -> Result<Option<(bool, i64)>, DbErr> {
    if replica.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let follows = "SELECT pg_is_in_recovery() AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver)";
    let follows = value::<bool>(replica, follows).await?.unwrap_or_default();
    let age = "COALESCE(EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()), 0)";
    // One that has all that it received is not behind, however long nothing was written.
    let lag = match follows {
        true => {
            format!("CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE {age} END")
        }
        false => age.to_owned(),
    };
    let lag = format!("SELECT CAST({lag} AS bigint)");
    Ok(value::<i64>(replica, &lag).await?.map(|lag| (follows, lag)))
}
