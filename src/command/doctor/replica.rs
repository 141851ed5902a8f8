//! The replicas, if any are set. While none can be used, guichet reads from the primary.

use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use super::{Finding, Severity, schema, value};
use crate::database;
use crate::platform::config::{Config, Database};

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
        let found = check_schema_and_lag(&replica).await;
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

async fn check_schema_and_lag(replica: &DatabaseConnection) -> Result<Finding, DbErr> {
    let other = schema::compare(replica).await?.into_iter().find(|finding| finding.level == Severity::Error);
    if let Some(Finding { says, .. }) = other {
        let says = format!("its schema is not the primary's: {says}");
        return Ok(Finding::warning("replica", says, "let it catch up, or correct DATABASE_READ_URL"));
    }
    Ok(match lag(replica).await? {
        Some(seconds) => {
            Finding::ok("replica", format!("it holds the shop's tables, and lags {seconds} s behind"))
        }
        None => Finding::ok("replica", "it holds the shop's tables"),
    })
}

/// The lag in seconds, if a user without special rights can read it.
async fn lag(replica: &DatabaseConnection) -> Result<Option<i64>, DbErr> {
    if replica.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let sql = "SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 \
               ELSE EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()) END::bigint";
    Ok(value::<Option<i64>>(replica, sql).await?.flatten())
}
