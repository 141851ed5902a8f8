//! The rights of guichet: on the tables of the shop, and on the folder of uploads.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use facade::failure::{self, Failure};
use migration::{ExpectedTable, quoted};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, TransactionTrait};

use super::{Finding, grant, listed, rows, value};
use crate::platform::config::Config;

/// Who runs the statements of a mend.
pub(super) const AS_OWNER: &str = "run as an owner of the database";
const GRANT_FILE: &str = "let guichet's user write the file and its folder";

/// Tries each kind of statement on each table, with a condition that no row meets, in transactions that are rolled
/// back.
pub(super) async fn of_every_table(config: &Config, db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    if let Some(finding) = read_only_database(db).await? {
        return Ok(vec![finding]);
    }
    let missing = missing_rights(config, db).await?;
    if missing.is_empty() {
        let may = if config.read_only { "read" } else { "read and written" };
        return Ok(vec![Finding::ok("rights", format!("every table can be {may}"))]);
    }
    let details = missing
        .iter()
        .flat_map(|(rights, tables)| tables.iter().map(move |table| format!("{rights} on {table}")))
        .collect();
    let groups = missing.iter().map(|(rights, tables)| match tables.as_slice() {
        [table] => format!("{rights} on {table}"),
        tables => format!("{rights} on {} tables ({})", tables.len(), listed(tables)),
    });
    let says = format!("not allowed: {}", groups.collect::<Vec<_>>().join("; "));
    let finding = Finding::error("rights", says, AS_OWNER).with_details(details);
    Ok(vec![match grant::on_all_tables(db, config.read_only).await? {
        statements if statements.is_empty() => Finding { mend: Some(GRANT_FILE.to_owned()), ..finding },
        statements => finding.mended_by(statements),
    }])
}

/// The tables by the rights that are missing on them.
async fn missing_rights(
    config: &Config,
    db: &DatabaseConnection,
) -> Result<BTreeMap<String, Vec<String>>, DbErr> {
    let verbs = if config.read_only { &VERBS[..1] } else { &VERBS };
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for table in migration::expected(db.get_database_backend()) {
        let mut names = Vec::new();
        for verb in verbs {
            names.extend(denied(db, *verb, &table).await?.then_some(verb.0));
        }
        if !names.is_empty() {
            missing.entry(names.join(", ")).or_default().push(table.name.to_owned());
        }
    }
    let sequences = if config.read_only { Vec::new() } else { denied_sequences(db).await? };
    if !sequences.is_empty() {
        missing.insert("USAGE of the sequence".to_owned(), sequences);
    }
    Ok(missing)
}

/// Whether a missing right, and not absence, hides a table, or one of its columns.
pub(super) async fn is_hidden(
    db: &DatabaseConnection,
    table: &str,
    column: Option<&str>,
) -> Result<bool, DbErr> {
    let backend = db.get_database_backend();
    let column = column.map_or("1".to_owned(), |column| quoted(backend, column));
    let sql = format!("SELECT {column} FROM {} WHERE 1 = 0", quoted(backend, table));
    Ok(try_statement(db, &sql).await?.is_some_and(|failure| failure != Failure::Absent))
}

/// The tables whose numbers for new rows the user may not draw. Only PostgreSQL has a right of its own for it.
async fn denied_sequences(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(Vec::new());
    }
    // Which condition is looked at first is up to PostgreSQL; only CASE has an order.
    let sql = "SELECT t.relname::text FROM pg_class s \
               JOIN pg_depend d ON d.objid = s.oid AND d.deptype = 'a' \
               AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass \
               JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace n ON n.oid = t.relnamespace \
               WHERE n.nspname = ANY (current_schemas(false)) \
               AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') ELSE false END \
               ORDER BY 1 LIMIT 1000";
    let shop = migration::tables();
    let mut denied = Vec::new();
    for row in rows(db, sql).await? {
        let table: String = row.try_get_by_index(0)?;
        denied.extend(shop.contains(&table.as_str()).then_some(table));
    }
    Ok(denied)
}

/// The schema of PostgreSQL that would be the shop's, if the user had the right to use it: without that right nothing in it is
/// seen.
#[derive(Clone, Debug)]
pub(in crate::command) struct HiddenSchema {
    /// Its name, quoted.
    name: String,
    /// The statements that show it.
    statements: Vec<String>,
}

impl HiddenSchema {
    /// Looks for it in the search path; none where the tables of the shop may be seen, or are in no such schema.
    pub(super) async fn find(config: &Config, db: &DatabaseConnection) -> Result<Option<Self>, DbErr> {
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let tables: Vec<String> = migration::tables().iter().map(|name| format!("'{name}'")).collect();
        let sql = format!(
            "SELECT quote_ident(n.nspname) FROM pg_namespace n JOIN (\
             SELECT place, replace(regexp_replace(part, '^\"(.*)\"$', '\\1'), '\"\"', '\"') AS name \
             FROM regexp_split_to_table(current_setting('search_path'), '\\s*,\\s*') WITH ORDINALITY AS parts (part, place)\
             ) path ON n.nspname = CASE path.name WHEN '$user' THEN current_user::text ELSE path.name END \
             WHERE NOT has_schema_privilege(n.oid, 'USAGE') \
             AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname IN ({})) \
             ORDER BY path.place LIMIT 1",
            tables.join(", ")
        );
        let Some(name) = value::<String>(db, &sql).await? else { return Ok(None) };
        let user = grant::user(db).await?.unwrap_or_default();
        let mut statements = vec![format!("GRANT USAGE ON SCHEMA {name} TO {user}")];
        statements.extend(grant::on_schema(db, &name, config.read_only).await?);
        Ok(Some(Self { name, statements }))
    }

    /// The finding about it.
    pub(super) fn finding(self) -> Finding {
        let finding = Finding::error("rights", self.says(), AS_OWNER).mended_by(self.statements);
        Finding { is_last: true, ..finding }
    }

    fn says(&self) -> String {
        format!("not allowed: USAGE of the schema {}, which holds the shop's tables", self.name)
    }
}

impl fmt::Display for HiddenSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {AS_OWNER}: {};", self.says(), self.statements.join("; "))
    }
}

/// A kind of statement: the name of its right, and a function that makes a statement without effect on a table.
type Verb = (&'static str, fn(DbBackend, &ExpectedTable) -> String);

const VERBS: [Verb; 4] = [("SELECT", select), ("INSERT", insert), ("UPDATE", update), ("DELETE", delete)];

fn select(backend: DbBackend, table: &ExpectedTable) -> String {
    format!("SELECT 1 FROM {} WHERE 1 = 0", quoted(backend, table.name))
}

fn insert(backend: DbBackend, table: &ExpectedTable) -> String {
    let columns = table.columns.iter().filter(|column| !column.generated);
    let columns: Vec<String> = columns.map(|column| quoted(backend, column.name)).collect();
    let (name, columns) = (quoted(backend, table.name), columns.join(", "));
    format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE 1 = 0")
}

fn update(backend: DbBackend, table: &ExpectedTable) -> String {
    let column = table.columns.iter().find(|column| !column.generated).map_or("id", |column| column.name);
    let (name, column) = (quoted(backend, table.name), quoted(backend, column));
    format!("UPDATE {name} SET {column} = {column} WHERE 1 = 0")
}

fn delete(backend: DbBackend, table: &ExpectedTable) -> String {
    format!("DELETE FROM {} WHERE 1 = 0", quoted(backend, table.name))
}

/// Whether a statement is refused. Missing tables are reported by the check of the schema.
async fn denied(db: &DatabaseConnection, verb: Verb, table: &ExpectedTable) -> Result<bool, DbErr> {
    let sql = (verb.1)(db.get_database_backend(), table);
    Ok(try_statement(db, &sql).await?.is_some_and(|failure| failure != Failure::Absent))
}

/// Runs a statement in a transaction that is rolled back. Returns its failure, if it fails.
async fn try_statement(db: &DatabaseConnection, sql: &str) -> Result<Option<Failure>, DbErr> {
    let transaction = db.begin().await?;
    let tried = transaction.execute_unprepared(sql).await;
    transaction.rollback().await?;
    match tried.map_err(|error| (failure::of(&error), error)) {
        Ok(_) => Ok(None),
        Err((Failure::Lost | Failure::Unavailable, error)) => Err(error),
        Err((failure, _)) => Ok(Some(failure)),
    }
}

/// What is wrong with guichet's own tables.
#[derive(Default)]
pub(super) struct OwnTableFaults {
    /// Tables that are not there.
    pub(super) missing: Vec<&'static str>,
    /// Rights that the user lacks, each with its table.
    pub(super) denied: Vec<String>,
}

impl OwnTableFaults {
    /// All of it in words; empty where nothing is wrong.
    pub(super) fn text(&self) -> String {
        let missing = self.missing.iter().map(|name| format!("{name} is missing"));
        let denied = self.denied.iter().map(|right| format!("not allowed: {right}"));
        missing.chain(denied).collect::<Vec<_>>().join(", ")
    }
}

/// Tries each kind of statement that the server sends on each of guichet's own tables.
pub(super) async fn of_own_tables(config: &Config, db: &DatabaseConnection) -> Result<OwnTableFaults, DbErr> {
    let mut faults = OwnTableFaults::default();
    for name in migration::OWN_TABLES {
        let column = match name {
            "guichet_outbox" => "id",
            _ if name.starts_with("guichet_key_") => "key_hash",
            _ => "owner_id",
        };
        let statements = [
            ("SELECT", format!("SELECT 1 FROM {name} WHERE 1 = 0")),
            ("INSERT", format!("INSERT INTO {name} SELECT * FROM {name} WHERE 1 = 0")),
            ("UPDATE", format!("UPDATE {name} SET {column} = {column} WHERE 1 = 0")),
            ("DELETE", format!("DELETE FROM {name} WHERE 1 = 0")),
        ];
        let sent = if config.read_only { &statements[..1] } else { &statements };
        for (right, sql) in sent {
            match try_statement(db, sql).await? {
                Some(Failure::Absent) => {
                    faults.missing.push(name);
                    break;
                }
                Some(_) => faults.denied.push(format!("{right} {name}")),
                None => {}
            }
        }
    }
    Ok(faults)
}

/// Whether the user may create guichet's own tables, and drop those of an earlier version.
pub(super) async fn may_make_tables(db: &DatabaseConnection) -> Result<bool, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::MySql => {
            "SELECT COUNT(DISTINCT privilege_type) = 2 FROM (\
             SELECT grantee, privilege_type FROM information_schema.user_privileges \
             UNION ALL SELECT grantee, privilege_type FROM information_schema.schema_privileges \
             WHERE DATABASE() LIKE table_schema\
             ) held WHERE privilege_type IN ('CREATE', 'DROP') AND grantee = \
             CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), \
             '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')"
        }
        DbBackend::Postgres => "SELECT has_schema_privilege(current_schema(), 'CREATE')::int::bigint",
        _ => return Ok(true),
    };
    Ok(value::<i64>(db, sql).await?.is_some_and(|rights| rights > 0))
}

/// A warning if the whole database is read-only.
async fn read_only_database(db: &DatabaseConnection) -> Result<Option<Finding>, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::MySql => "SELECT CAST(@@global.read_only AS SIGNED)",
        DbBackend::Postgres => "SELECT pg_is_in_recovery()::int::bigint",
        _ => return Ok(None),
    };
    let is_read_only = value::<i64>(db, sql).await?.is_some_and(|flag| flag != 0);
    let mend = "use the primary, or start with `guichet serve --read-only`";
    Ok(is_read_only.then(|| Finding::warning("rights", "the database is read-only or a replica", mend)))
}

/// Checks that the folder of uploads exists and is writable.
pub(super) fn storage(config: &Config) -> Finding {
    let folder = &config.storage;
    let inner = folder.join("app");
    if inner.join("public").is_dir() && !folder.join("public").is_dir() {
        let says = format!(
            "{} is not where the shop keeps its files: that is {}",
            folder.display(),
            inner.display()
        );
        return Finding::warning("storage", says, format!("GUICHET_STORAGE={}", inner.display()));
    }
    match writable(folder) {
        Ok(()) => Finding::ok("storage", format!("{} can be written", folder.display())),
        Err(error) => Finding::warning(
            "storage",
            format!("{}: {error}", folder.display()),
            "make the folder, or point GUICHET_STORAGE at the shop's; uploads fail until then",
        ),
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    let trial = folder.join(format!(".guichet-doctor-{}", std::process::id()));
    std::fs::File::create_new(&trial)?;
    std::fs::remove_file(trial)
}
