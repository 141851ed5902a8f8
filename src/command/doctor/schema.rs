//! Compares the schema of the database with the expected one. Additions of the original or of extensions are accepted.

use std::collections::HashMap;

use migration::ExpectedTable;
use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use super::rights::HiddenSchema;
use super::{Finding, Severity, listed, rights, rows, value};
use crate::platform::config::Config;

const MIGRATE: &str = "the database is empty: `guichet migrate` makes the shop's tables";
const UPDATE: &str = "update the shop, or restore what was removed; what needs it answers 503";
const ANOTHER: &str = "this is probably not the shop's database: correct DATABASE_URL or DB_DATABASE; otherwise update the shop";
const GRANT: &str =
    "grant the rights that are listed below: without them nobody can tell whether these are there";
const UNCOUNTED: &str = "restore AUTO_INCREMENT, or the identity or sequence of PostgreSQL, above the greatest key; making a row answers 503 until then";
const UNREADABLE: &str = "give it the expected type; reading it fails until then";
const DOUBTFUL: &str = "give it the expected type; values that do not fit it cannot be read";

/// The table of the original's migrations, whose names start with a day.
const MIGRATIONS: &str = "migrations";
/// The day of the newest schema that guichet knows, that of version 2.16.
const NEWEST_KNOWN: &str = "2026_11_23";

/// Tables by name, each with its columns.
type ActualSchema = HashMap<String, HashMap<String, ActualColumn>>;

/// A column of the database.
struct ActualColumn {
    kind: String,
    /// Whether the database numbers its rows.
    counts_up: bool,
}

/// What the names of guichet's own tables begin with.
const OWN_PREFIX: &str = "guichet_";

/// What a database is to guichet.
pub(in crate::command) enum Contents {
    /// It holds no tables but guichet's own.
    Nothing,
    /// It holds these tables, most of the shop's among them.
    Shop(Vec<String>),
    /// It holds these tables, and few of the shop's or none: it is that of another program.
    Another(Vec<String>),
    /// Its tables cannot be seen.
    Hidden(HiddenSchema),
}

/// Judges a database by the names of its tables.
pub(in crate::command) async fn contents(
    config: &Config,
    db: &DatabaseConnection,
) -> Result<Contents, DbErr> {
    judge(config, db, &actual_schema(db).await?).await
}

async fn judge(config: &Config, db: &DatabaseConnection, found: &ActualSchema) -> Result<Contents, DbErr> {
    let expected = migration::tables();
    let missing = expected.iter().filter(|name| !found.contains_key(**name)).count();
    let mut names: Vec<String> = found.keys().filter(|name| !name.starts_with(OWN_PREFIX)).cloned().collect();
    names.sort_unstable();
    if missing * 2 <= expected.len() {
        return Ok(Contents::Shop(names));
    }
    Ok(match HiddenSchema::find(config, db).await? {
        Some(schema) => Contents::Hidden(schema),
        None if names.is_empty() => Contents::Nothing,
        None => Contents::Another(names),
    })
}

pub(super) async fn compare(config: &Config, db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    let backend = db.get_database_backend();
    let (expected, found) = (migration::expected(backend), actual_schema(db).await?);
    let holds_others = match judge(config, db, &found).await? {
        Contents::Hidden(schema) => return Ok(vec![schema.finding()]),
        contents => matches!(contents, Contents::Another(_)),
    };
    let mut differences = Differences::default();
    for table in &expected {
        differences.add_table(db, table, found.get(table.name)).await?;
    }
    let mut findings = differences.findings(expected.len(), holds_others);
    if findings.is_empty() {
        let columns: usize = expected.iter().map(|table| table.columns.len()).sum();
        let text = format!("{} tables with {columns} columns are as expected", expected.len());
        findings.push(Finding::ok("schema", text));
    }
    if found.contains_key(MIGRATIONS) {
        findings.extend(newer(db).await.unwrap_or_default());
    }
    Ok(findings)
}

/// How the schema of the database differs from the expected one.
#[derive(Debug, Default)]
struct Differences {
    missing_tables: Vec<String>,
    missing_columns: Vec<String>,
    /// Tables and columns that the user has no right to, whether they exist or not.
    hidden: Vec<String>,
    /// Keys that the database does not make any more.
    uncounted: Vec<String>,
    /// Columns of another type: those that cannot be read, and those of which some values cannot.
    unreadable: Vec<String>,
    doubtful: Vec<String>,
}

impl Differences {
    async fn add_table(
        &mut self,
        db: &DatabaseConnection,
        table: &ExpectedTable,
        found: Option<&HashMap<String, ActualColumn>>,
    ) -> Result<(), DbErr> {
        let Some(found) = found else {
            let name = table.name.to_owned();
            let list = if rights::is_hidden(db, table.name, None).await? {
                &mut self.hidden
            } else {
                &mut self.missing_tables
            };
            list.push(name);
            return Ok(());
        };
        for column in &table.columns {
            let name = format!("{}.{}", table.name, column.name);
            match found.get(column.name) {
                Some(actual) => {
                    self.add_type(db.get_database_backend(), &name, &column.kind, &actual.kind);
                    if column.counts_up && !actual.counts_up {
                        self.uncounted.push(name);
                    }
                }
                None if rights::is_hidden(db, table.name, Some(column.name)).await? => self.hidden.push(name),
                None => self.missing_columns.push(name),
            }
        }
        Ok(())
    }

    fn add_type(&mut self, backend: DbBackend, name: &str, expected: &str, found: &str) {
        let list = match difference(backend, expected, found) {
            Some(Severity::Error) => &mut self.unreadable,
            Some(_) => &mut self.doubtful,
            None => return,
        };
        list.push(format!("{name} ({found}, not {expected})"));
    }

    /// A finding for each cause.
    fn findings(self, tables: usize, holds_others: bool) -> Vec<Finding> {
        let Self { missing_tables, missing_columns, hidden, uncounted, unreadable, doubtful } = self;
        if missing_tables.len() == tables {
            let mend = if holds_others { ANOTHER } else { MIGRATE };
            let finding = Finding::error("schema", "none of the shop's tables is there", mend);
            return vec![Finding { is_last: true, ..finding }];
        }
        let lost = if missing_tables.len() * 2 > tables { ANOTHER } else { UPDATE };
        let about = |one: &str, many: &str, names: Vec<String>, level, mend: &str| {
            let says = match names.as_slice() {
                [] => return None,
                [name] => one.replace("{}", name),
                names => format!("{} {many}: {}", names.len(), listed(names)),
            };
            let (mend, is_last) = (Some(mend.to_owned()), mend == ANOTHER);
            Some(Finding { level, mend, is_last, ..Finding::ok("schema", says) }.with_details(names))
        };
        let (error, warning) = (Severity::Error, Severity::Warning);
        let other = ("column {} has another type", "columns have another type");
        let uncounted_text =
            ("column {} no longer counts up: no row can be made", "columns no longer count up");
        [
            about("table {} is missing", "tables are missing", missing_tables, error, lost),
            about("column {} is missing", "columns are missing", missing_columns, error, UPDATE),
            about("there is no right to read {}", "tables or columns cannot be read", hidden, warning, GRANT),
            about(uncounted_text.0, uncounted_text.1, uncounted, error, UNCOUNTED),
            about(other.0, other.1, unreadable, error, UNREADABLE),
            about(other.0, other.1, doubtful, warning, DOUBTFUL),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
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
            "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(column_type AS CHAR), extra LIKE '%auto_increment%' \
             FROM information_schema.columns WHERE table_schema = DATABASE()"
        }
        DbBackend::Postgres => {
            "SELECT table_name::text, column_name::text, data_type::text, \
             (is_identity = 'YES' OR COALESCE(column_default, '') LIKE 'nextval(%')::int::bigint \
             FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false)::text[])"
        }
        _ => {
            "SELECT m.name, c.name, c.type, c.pk > 0 FROM sqlite_master m, pragma_table_xinfo(m.name) c \
             WHERE m.type IN ('table', 'view') AND substr(m.name, 1, 7) <> 'sqlite_'"
        }
    };
    let mut found = ActualSchema::new();
    for row in rows(db, sql).await? {
        let (table, column): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let actual =
            ActualColumn { kind: row.try_get_by_index(2)?, counts_up: row.try_get_by_index::<i64>(3)? != 0 };
        found.entry(table).or_default().insert(column, actual);
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
