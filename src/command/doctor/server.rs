//! The database server: its version, its clock, the zone and the order of texts.

use chrono::{TimeDelta, Utc};
use entity::ShopTime;
use migration::quoted;
use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use super::{Finding, rows, value};
use crate::platform::config::Config;

/// The oldest supported versions: major and minor.
const MARIADB: [u32; 2] = [10, 6];
const MYSQL: [u32; 2] = [8, 0];
const POSTGRES: [u32; 2] = [14, 0];
const SQLITE: [u32; 2] = [3, 40];
/// Seconds by which two clocks may differ.
const TOLERANCE: i64 = 5;
const COLLATION: &str = "utf8mb4_unicode_ci";

pub(super) async fn version(db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    let (name, oldest, sql) = match db.get_database_backend() {
        DbBackend::MySql => ("", MYSQL, "SELECT VERSION()"),
        DbBackend::Postgres => ("PostgreSQL", POSTGRES, "SHOW server_version"),
        _ => ("SQLite", SQLITE, "SELECT sqlite_version()"),
    };
    let version: String = value(db, sql).await?.unwrap_or_default();
    let (name, oldest) = match name {
        "" if version.to_lowercase().contains("mariadb") => ("MariaDB", MARIADB),
        "" => ("MySQL", MYSQL),
        name => (name, oldest),
    };
    let number = version.split(['-', ' ']).next().unwrap_or_default();
    let text = format!("{name} {number}");
    if numbers(&version) < oldest {
        let mend = format!("use {name} {}.{} or newer", oldest[0], oldest[1]);
        return Ok(vec![Finding::warning("database", format!("{text} is old"), mend)]);
    }
    Ok(vec![Finding::ok("database", text)])
}

/// The first two numbers of a version.
fn numbers(version: &str) -> [u32; 2] {
    let mut parts =
        version.split(|letter: char| !letter.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    [parts.next().unwrap_or(0), parts.next().unwrap_or(0)]
}

pub(super) async fn clock(db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::MySql => "SELECT CAST(UNIX_TIMESTAMP() AS SIGNED)",
        DbBackend::Postgres => "SELECT EXTRACT(EPOCH FROM clock_timestamp())::bigint",
        _ => return Ok(vec![Finding::ok("clock", "the database has this machine's clock")]),
    };
    let there: i64 = value(db, sql).await?.unwrap_or_default();
    let apart = (there - Utc::now().timestamp()).abs();
    if apart > TOLERANCE {
        let says = format!("the database's clock and this machine's are {apart} seconds apart");
        return Ok(vec![Finding::warning("clock", says, "let both follow a time server")]);
    }
    Ok(vec![Finding::ok("clock", "the database's clock agrees with this machine's")])
}

/// Checks the time zone. Stored times have none; if the newest rows are in the future, the zone of the settings is
/// wrong.
pub(super) async fn zone(config: &Config, db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    let zone = config.timezone;
    let newest = "SELECT MAX(at) FROM (SELECT MAX(created_at) at FROM personal_access_tokens \
                  UNION ALL SELECT MAX(created_at) FROM customers \
                  UNION ALL SELECT MAX(created_at) FROM invoices) newest";
    let newest: Option<ShopTime> = value(db, newest).await?;
    let ahead = newest.map_or(TimeDelta::zero(), |at| at.0 - Utc::now());
    if ahead > TimeDelta::minutes(5) {
        let says =
            format!("read as {zone}, the newest rows are {} minutes in the future", ahead.num_minutes());
        let mend = "set APP_TIMEZONE to the zone in which the shop writes its times";
        return Ok(vec![Finding::warning("time zone", says, mend)]);
    }
    Ok(vec![Finding::ok("time zone", format!("stored times are read as {zone}"))])
}

pub(super) async fn collation(db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    match db.get_database_backend() {
        DbBackend::MySql => mysql_collation(db).await,
        DbBackend::Postgres => encoding(db, "SHOW server_encoding", "UTF8").await,
        _ => encoding(db, "SELECT encoding FROM pragma_encoding", "UTF-8").await,
    }
}

async fn mysql_collation(db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    let sql = format!(
        "SELECT CAST(table_name AS CHAR), CAST(table_collation AS CHAR) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_collation <> '{COLLATION}' ORDER BY table_name LIMIT 1000"
    );
    let shop = migration::tables();
    let (mut others, mut statements) = (Vec::new(), Vec::new());
    for row in rows(db, &sql).await? {
        let (table, collation): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if shop.contains(&table.as_str()) {
            statements.push(format!(
                "ALTER TABLE {} CONVERT TO CHARACTER SET utf8mb4 COLLATE {COLLATION}",
                quoted(DbBackend::MySql, &table)
            ));
            others.push(format!("{table} ({collation})"));
        }
    }
    if others.is_empty() {
        return Ok(vec![Finding::ok("collation", format!("texts are compared by {COLLATION}"))]);
    }
    let says = format!("tables with another order of texts: {}", others.join(", "));
    let mend = format!("ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4 COLLATE {COLLATION}");
    Ok(vec![Finding { sql: statements, ..Finding::warning("collation", says, mend) }])
}

async fn encoding(db: &DatabaseConnection, sql: &str, right: &str) -> Result<Vec<Finding>, DbErr> {
    let encoding: String = value(db, sql).await?.unwrap_or_default();
    if encoding == right {
        return Ok(vec![Finding::ok("collation", format!("texts are stored as {encoding}"))]);
    }
    let mend = format!("move the shop to a database with the encoding {right}");
    Ok(vec![Finding::error("collation", format!("texts are stored as {encoding}"), mend)])
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(numbers("10.11.6-MariaDB-0+deb12u1"), [10, 11]);
        assert_eq!(numbers("15.6 (Debian)"), [15, 6]);
        assert!(numbers("3.9.1") < [3, 40] && numbers("17") > [14, 0]);
    }
}
