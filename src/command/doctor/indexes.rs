//! `guichet doctor --indexes`: the statements that create the indexes which the shop lacks, each with what it gains and costs.
//! guichet itself runs none of them in a shop's database.

use std::collections::HashMap;

use migration::FurtherIndex;
use sea_orm::{DatabaseConnection, DbBackend, DbErr};
use serde::{Deserialize, Serialize};

use super::rows;
use crate::command::{Failure, open, say};
use crate::platform::config::Config;

/// The figures of `target/release/bench --indexes --write`, by database and index.
const GAINS: &str = include_str!("gains.json");
const INTRODUCTION: &str = "\
-- Indexes for what people ask of a large shop, that this database lacks. The figures are of a shop of 10,000 customers,
-- 50,000 services and 100,000 invoices: the time of the request, and what one more row takes longer, to some
-- microseconds. In a shop that is open, create them one by one when little goes on.";

/// What an index gains and costs.
#[derive(Clone, Copy, Deserialize, Serialize)]
struct Gain {
    /// Milliseconds of the request without it.
    before_ms: f64,
    /// Milliseconds with it.
    after_ms: f64,
    /// Microseconds that a new row takes longer.
    row_us: f64,
}

/// An index in the report.
#[derive(Serialize)]
struct Lacking {
    name: &'static str,
    table: &'static str,
    helps: &'static str,
    statement: String,
    #[serde(flatten)]
    gain: Option<Gain>,
}

/// Prints the statements as SQL, or as JSON.
pub(super) async fn run(config: &Config, as_json: bool) -> Result<(), Failure> {
    let db = open(config).await?;
    let lacking = lacking(&db).await?;
    // A failure to close the connection does not change the report.
    let _ = db.close().await;
    if as_json {
        say(&serde_json::to_string_pretty(&lacking)?);
        return Ok(());
    }
    if lacking.is_empty() {
        say("-- This database has all indexes that guichet knows of.");
        return Ok(());
    }
    say(INTRODUCTION);
    for index in lacking {
        say(&format!("\n-- {}\n{};", told(&index), index.statement));
    }
    Ok(())
}

fn told(index: &Lacking) -> String {
    match index.gain {
        Some(Gain { before_ms, after_ms, row_us }) => {
            let row = if row_us < 1.0 { "no longer".to_owned() } else { format!("{row_us:.0} µs longer") };
            format!("{}: {before_ms:.1} ms become {after_ms:.1} ms; a new row takes {row}", index.helps)
        }
        None => index.helps.to_owned(),
    }
}

/// The indexes that a database lacks, under whatever names.
async fn lacking(db: &DatabaseConnection) -> Result<Vec<Lacking>, Failure> {
    let backend = db.get_database_backend();
    let (there, gains) = (indexes(db).await?, gains(backend)?);
    let is_there = |index: &FurtherIndex| {
        there.iter().any(|(table, columns)| table == index.table && *columns == index.columns)
    };
    let lacking = migration::further_indexes(backend).into_iter().filter(|index| !is_there(index));
    let lacking = lacking.map(|index| Lacking {
        name: index.name,
        table: index.table,
        helps: index.helps,
        gain: gains.get(index.name).copied(),
        statement: index.create,
    });
    Ok(lacking.collect())
}

fn gains(backend: DbBackend) -> Result<HashMap<String, Gain>, serde_json::Error> {
    let mut all: HashMap<String, HashMap<String, Gain>> = serde_json::from_str(GAINS)?;
    let name = match backend {
        DbBackend::MySql => "MariaDB",
        DbBackend::Postgres => "PostgreSQL",
        _ => "SQLite",
    };
    Ok(all.remove(name).unwrap_or_default())
}

/// The indexes of a database: the table of each, and its columns in their order.
async fn indexes(db: &DatabaseConnection) -> Result<Vec<(String, Vec<String>)>, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::MySql => {
            "SELECT CAST(table_name AS CHAR), CAST(index_name AS CHAR), CAST(column_name AS CHAR) \
             FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index"
        }
        DbBackend::Postgres => {
            "SELECT t.relname::text, i.relname::text, a.attname::text FROM pg_index x \
             JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
             CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY k (number, place) \
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number \
             WHERE t.relnamespace = current_schema()::regnamespace AND x.indpred IS NULL ORDER BY 1, 2, k.place"
        }
        _ => {
            "SELECT m.name, l.name, i.name FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_info(l.name) i \
             WHERE m.type = 'table' AND l.partial = 0 AND i.name IS NOT NULL ORDER BY m.name, l.name, i.seqno"
        }
    };
    let mut found: Vec<(String, String, Vec<String>)> = Vec::new();
    for row in rows(db, sql).await? {
        let (table, index): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let column = row.try_get_by_index(2)?;
        match found.last_mut().filter(|(known, name, _)| *known == table && *name == index) {
            Some((_, _, columns)) => columns.push(column),
            None => found.push((table, index, vec![column])),
        }
    }
    Ok(found.into_iter().map(|(table, _, columns)| (table, columns)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_its_figures() {
        for backend in [DbBackend::MySql, DbBackend::Postgres, DbBackend::Sqlite] {
            let gains = gains(backend).unwrap();
            for index in migration::further_indexes(backend) {
                assert!(
                    gains.contains_key(index.name),
                    "{backend:?} {}: run bench --indexes --write",
                    index.name
                );
            }
            assert_eq!(gains.len(), migration::further_indexes(backend).len());
        }
    }
}
