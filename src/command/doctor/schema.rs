//! Compares the schema of the database with the expected one. Additions of the original or of extensions are accepted.

use std::collections::HashMap;

use migration::{ExpectedColumn, ExpectedTable};
use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use super::{Finding, Severity, rows, value};

const MIGRATE: &str = "the database is empty: `guichet migrate` makes the shop's tables";
const UPDATE: &str = "update the shop, or restore what was removed; what needs it answers 503";

/// The table of the original's migrations, whose names start with a day.
const MIGRATIONS: &str = "migrations";
/// The day of the newest schema that guichet knows, that of version 2.16.
const NEWEST_KNOWN: &str = "2026_11_23";

/// Tables by name, each with its columns and their types.
type ActualSchema = HashMap<String, HashMap<String, String>>;

pub(super) async fn compare(db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    let backend = db.get_database_backend();
    let (expected, found) = (migration::expected(backend), actual_schema(db).await?);
    if !expected.iter().any(|table| found.contains_key(table.name)) {
        return Ok(vec![Finding::error("schema", "none of the shop's tables is there", MIGRATE)]);
    }
    let mut findings: Vec<Finding> =
        expected.iter().flat_map(|table| table_findings(backend, table, &found)).collect();
    if findings.is_empty() {
        let columns: usize = expected.iter().map(|table| table.columns.len()).sum();
        let text = format!("{} tables with {columns} columns are as expected", expected.len());
        findings.push(Finding::ok("schema", text));
    }
    if found.contains_key(MIGRATIONS) {
        findings.extend(newer(db).await?);
    }
    Ok(findings)
}

/// A warning if the shop or an extension has migrations that are newer than [`NEWEST_KNOWN`].
async fn newer(db: &DatabaseConnection) -> Result<Option<Finding>, DbErr> {
    let sql = format!("SELECT MAX(migration) FROM {MIGRATIONS} WHERE migration LIKE '2%'");
    let newest: Option<String> = value::<Option<String>>(db, &sql).await?.flatten();
    let newest = newest.filter(|name| name.get(..NEWEST_KNOWN.len()).is_some_and(|day| day > NEWEST_KNOWN));
    Ok(newest.map(|name| {
        let says = format!("the schema is newer than the one of version 2.16, which guichet knows: {name}");
        let mend = "look for a newer guichet; what an extension added does no harm";
        Finding::warning("schema", says, mend)
    }))
}

fn table_findings(backend: DbBackend, table: &ExpectedTable, found: &ActualSchema) -> Vec<Finding> {
    let Some(columns) = found.get(table.name) else {
        return vec![Finding::error("schema", format!("table {} is missing", table.name), UPDATE)];
    };
    table.columns.iter().filter_map(|column| column_finding(backend, table.name, column, columns)).collect()
}

fn column_finding(
    backend: DbBackend,
    table: &str,
    column: &ExpectedColumn,
    found: &HashMap<String, String>,
) -> Option<Finding> {
    let name = column.name;
    let Some(found) = found.get(name) else {
        return Some(Finding::error("schema", format!("column {table}.{name} is missing"), UPDATE));
    };
    let level = difference(backend, &column.kind, found)?;
    let says = format!("column {table}.{name} has the type {found}, not {}", column.kind);
    let mend = if level == Severity::Error {
        "give it the expected type; reading it fails until then"
    } else {
        "give it the expected type; values that do not fit it cannot be read"
    };
    Some(Finding { check: "schema", level, says, mend: Some(mend.to_owned()) })
}

/// The severity of a different type. The driver of PostgreSQL reads a column only as its exact type; the other two read
/// any number as a number and any text as a text.
fn difference(backend: DbBackend, expected: &str, found: &str) -> Option<Severity> {
    let (expected, found) = (plain(expected), plain(found));
    let same_family = family(&expected) == family(&found);
    match backend {
        _ if expected == found || (same_family && family(&found) == "text") => None,
        DbBackend::Postgres => Some(Severity::Error),
        DbBackend::Sqlite => (!same_family).then_some(Severity::Warning),
        _ if same_family => Some(Severity::Warning),
        _ => Some(Severity::Error),
    }
}

/// The name of a type in lower case, without length and collation.
fn plain(kind: &str) -> String {
    let kind = kind.to_lowercase();
    let kind = kind.split(" collate ").next().unwrap_or_default();
    let kind = kind.split(" character set ").next().unwrap_or_default();
    // `timestamp(0) without time zone` is `timestamp without time zone`.
    let (before, after) = kind.split_once('(').unwrap_or((kind, ""));
    let after = after.split_once(')').map_or("", |(_, after)| after);
    format!("{before}{after}").trim().to_owned()
}

fn family(kind: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    match kind {
        _ if has(&["bool", "int"]) => "whole number",
        _ if has(&["char", "text", "enum", "clob"]) => "text",
        _ if has(&["time"]) => "time",
        "date" => "date",
        _ if has(&["float", "double", "real", "decimal", "numeric"]) => "number",
        _ => "other",
    }
}

/// All columns of the database, read with one statement.
async fn actual_schema(db: &DatabaseConnection) -> Result<ActualSchema, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::MySql => {
            "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(column_type AS CHAR) \
             FROM information_schema.columns WHERE table_schema = DATABASE()"
        }
        DbBackend::Postgres => {
            "SELECT table_name::text, column_name::text, data_type::text \
             FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false)::text[])"
        }
        _ => {
            "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_xinfo(m.name) c \
             WHERE m.type IN ('table', 'view')"
        }
    };
    let mut found = ActualSchema::new();
    for row in rows(db, sql).await? {
        let (table, column): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        found.entry(table).or_default().insert(column, row.try_get_by_index(2)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_type_has_many_spellings() {
        for (backend, expected, found) in [
            (DbBackend::MySql, "bigint unsigned", "bigint(20) unsigned"),
            (DbBackend::MySql, "enum('a','b')", "varchar(255)"),
            (DbBackend::MySql, "longtext character set utf8mb4 collate utf8mb4_bin", "longtext"),
            (DbBackend::Postgres, "timestamp(0) without time zone", "timestamp without time zone"),
            (DbBackend::Postgres, "varchar(36)", "character varying"),
            (DbBackend::Sqlite, "varchar(255) collate nocase", "VARCHAR"),
            (DbBackend::Sqlite, "boolean", "tinyint(1)"),
        ] {
            assert_eq!(difference(backend, expected, found), None, "{found}");
        }
    }

    #[test]
    fn a_different_type_is_reported() {
        for (backend, expected, found, level) in [
            (DbBackend::MySql, "int", "bigint(20)", Severity::Warning),
            (DbBackend::MySql, "int", "varchar(255)", Severity::Error),
            (DbBackend::Postgres, "double precision", "numeric", Severity::Error),
            (DbBackend::Postgres, "text", "jsonb", Severity::Error),
            (DbBackend::Sqlite, "integer", "text", Severity::Warning),
        ] {
            assert_eq!(difference(backend, expected, found), Some(level), "{found}");
        }
    }
}
