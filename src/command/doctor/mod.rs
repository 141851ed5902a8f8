//! `guichet doctor`: checks the settings and the database of the shop, changes nothing, and reports what is wrong and
//! how to correct it.

mod indexes;
mod key;
mod replica;
mod rights;
mod schema;
mod server;
mod servers;
mod upstream;

use std::time::Duration;

use clap::Args;
use futures_util::future::BoxFuture;
use migration::OWN;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, TryGetable,
};
use serde::Serialize;
use serde_json::json;

pub(super) use self::schema::tables;
use super::{Environment, Failure, say};
use crate::database;
use crate::database::own_tables::{OwnTablesError, is_current};
use crate::platform::config::{self, Config, UnknownSetting};

/// How long one check may take: over a slow network, those of every table take long.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct Arguments {
    /// Print JSON in place of text
    #[arg(long)]
    json: bool,
    /// Print the statements that create the indexes which the database lacks, with what each gains, and check nothing
    #[arg(long)]
    indexes: bool,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Ok,
    Warning,
    Error,
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Finding {
    /// Name of the check.
    check: &'static str,
    level: Severity,
    /// The result.
    says: String,
    /// All that the result is about, where that may be much.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
    /// What to do about it, unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// The current user of MySQL in the form of GRANT: name and host, each in quotes.
const MYSQL_USER: &str = "CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')";

/// Most names that the text of a finding lists.
const MAX_NAMES: usize = 8;

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, level: Severity::Ok, says: says.into(), details: Vec::new(), mend: None }
    }

    fn warning(check: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Severity::Warning, mend: Some(mend.into()), ..Self::ok(check, says) }
    }

    fn error(check: &'static str, says: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Severity::Error, mend: Some(mend.into()), ..Self::ok(check, says) }
    }

    /// A finding with everything that it is about.
    fn with_details(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }
}

/// Names as a list that can be read: `a, b, c`, or the first of them and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    match names.get(..MAX_NAMES) {
        Some(first) if names.len() > MAX_NAMES + 1 => {
            format!("{} and {} more", first.join(", "), names.len() - MAX_NAMES)
        }
        _ => names.join(", "),
    }
}

/// A check of the database.
type Check<'a> = BoxFuture<'a, Result<Vec<Finding>, DbErr>>;

/// Prints the findings; fails when one of them is an error.
pub(super) async fn run(environment: &Environment, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.indexes {
        return indexes::run(&environment.config()?, arguments.json).await;
    }
    // A file that cannot be read is reported with the settings.
    let mut findings = environment.variables().map_or_else(|_| Vec::new(), |found| unknown_settings(&found));
    match environment.config() {
        Ok(config) => findings.extend(examine(&config).await),
        Err(failure) => {
            findings.push(Finding::error(
                "settings",
                failure.to_string(),
                "correct the value, or leave it out",
            ));
        }
    }
    let errors = findings.iter().filter(|finding| finding.level == Severity::Error).count();
    if arguments.json {
        let report = json!({"ok": errors == 0, "findings": findings});
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        print(&findings);
    }
    match errors {
        0 => Ok(()),
        1 => Err(Failure::new("1 error was found")),
        many => Err(Failure::new(format!("{many} errors were found"))),
    }
}

fn print(findings: &[Finding]) {
    for Finding { check, level, says, mend, .. } in findings {
        let level = match level {
            Severity::Ok => "ok",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        say(&format!("{level:<8} {check:<12} {says}"));
        if let Some(mend) = mend {
            say(&format!("{:<21} mend: {mend}", ""));
        }
    }
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("settings", "every value is accepted"), key::is_set(config)];
    findings.push(rights::storage(config));
    findings.extend(redis(config).await);
    for (check, found) in [
        ("servers", in_time(async { Ok(servers::examine(config).await) }).await),
        ("replica", in_time(async { Ok(replica::examine(config).await) }).await),
    ] {
        findings.extend(found.unwrap_or_else(|error| vec![failed_check(check, &error)]));
    }
    findings.extend(upstream::examine(config).await);
    let db = match database::connect(&Config { pool: Some(1), ..config.clone() }).await {
        Ok(db) => db,
        Err(error) => {
            findings.push(Finding::error(
                "database",
                format!("it cannot be opened: {error}"),
                "start it, or correct DATABASE_URL, DB_HOST, DB_PORT, DB_SOCKET, DB_DATABASE, DB_USERNAME or DB_PASSWORD",
            ));
            return findings;
        }
    };
    findings.extend(examine_database(config, &db).await);
    // A failure to close the connection does not change the findings.
    let _ = db.close().await;
    findings
}

/// Checks the database. What most of the shop's tables are missing from is not examined any further.
async fn examine_database(config: &Config, db: &DatabaseConnection) -> Vec<Finding> {
    let checks: [(&str, Check<'_>); 8] = [
        ("database", Box::pin(server::version(db))),
        ("schema", Box::pin(schema::compare(db))),
        ("rights", Box::pin(rights::of_every_table(config, db))),
        ("key", Box::pin(key::opens_values(config, db))),
        ("clock", Box::pin(server::clock(db))),
        ("time zone", Box::pin(server::zone(config, db))),
        ("collation", Box::pin(server::collation(db))),
        ("own tables", Box::pin(own_tables(config, db))),
    ];
    let mut findings = Vec::new();
    let mut blocked = Vec::new();
    for (check, found) in checks {
        match in_time(found).await {
            Ok(found) => findings.extend(found),
            Err(error @ DbErr::ConnectionAcquire(_)) => {
                findings.push(failed_check(check, &error));
                break;
            }
            // What stands in the way was found already.
            Err(_) if has_errors(&findings) => blocked.push(check.to_owned()),
            Err(error) => findings.push(failed_check(check, &error)),
        }
        if findings.iter().any(schema::is_another) {
            break;
        }
    }
    if !blocked.is_empty() {
        let says = format!("not examined: {}", listed(&blocked));
        findings.push(Finding::warning(
            "other checks",
            says,
            "mend the errors above, and ask the doctor again",
        ));
    }
    findings
}

fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Severity::Error)
}

/// What a server examines in its log when it starts: misspelt settings, the schema, the key, the clocks. Each is a
/// warning there, and none stops the start.
pub(super) async fn examine_at_start(config: &Config, variables: &[(String, String)]) {
    let mut findings = unknown_settings(variables);
    findings.push(key::is_set(config));
    if let Ok(db) = database::connect(&Config { pool: Some(1), ..config.clone() }).await {
        let checks: [Check<'_>; 3] = [
            Box::pin(schema::compare(&db)),
            Box::pin(key::opens_values(config, &db)),
            Box::pin(server::clock(&db)),
        ];
        for check in checks {
            // A database that cannot be examined now is reported by the requests that need it.
            findings.extend(in_time(check).await.unwrap_or_default());
        }
        // A failure to close the connection does not change the findings.
        let _ = db.close().await;
    }
    for Finding { check, says, mend, .. } in findings.iter().filter(|finding| finding.level != Severity::Ok) {
        tracing::warn!(check, mend, "{says}");
    }
}

/// Variables that look like settings of guichet, but are none.
fn unknown_settings(variables: &[(String, String)]) -> Vec<Finding> {
    let unknown = config::unknown(variables).into_iter();
    let finding = |UnknownSetting { name, meant }| {
        let mend = meant
            .map_or("leave it out: `guichet serve --help` lists all settings".to_owned(), |meant| {
                format!("{meant} was probably meant")
            });
        Finding::warning("settings", format!("{name} does not exist"), mend)
    };
    unknown.map(finding).collect()
}

/// What a check finds, unless a server falls silent.
async fn in_time<T>(check: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    let silent = |_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
    tokio::time::timeout(CHECK_TIMEOUT, check).await.map_err(silent)?
}

/// Redis, if it is set. Without it, each process counts for itself.
async fn redis(config: &Config) -> Option<Finding> {
    let server = config.redis.as_ref()?;
    Some(match crate::platform::redis::check(server).await {
        Ok(()) => Finding::ok("redis", "it takes what processes share"),
        Err(error) => Finding::warning(
            "redis",
            format!("it cannot be used: {error}; each process counts for itself"),
            "start it, or correct REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD or REDIS_DB",
        ),
    })
}

/// guichet's own tables: whether they exist, or can be made.
async fn own_tables(config: &Config, db: &DatabaseConnection) -> Result<Vec<Finding>, DbErr> {
    const CHECK: &str = "own tables";
    Ok(vec![match is_current(db).await {
        Ok(true) => match rights::of_own_tables(config, db).await?.as_slice() {
            [] if config.read_only => Finding::ok(CHECK, "they are there, and can be read"),
            [] => Finding::ok(CHECK, "they are there, and can be read and written"),
            wrong => {
                let tables = migration::OWN_TABLES.join(", ");
                let mend = format!(
                    "GRANT these rights to the user of the settings; where a table is missing, DROP TABLE IF EXISTS {tables}, {}, \
                     and ask the doctor again",
                    OWN.table
                );
                Finding::error(CHECK, wrong.join(", "), mend)
            }
        },
        Ok(false) if config.read_only => Finding::warning(
            CHECK,
            format!(
                "not all of them are there, and a server that is read-only makes none: {}",
                effect(db).await
            ),
            "start guichet once without GUICHET_READ_ONLY, as a user who may make tables",
        ),
        Ok(false) if rights::may_make_tables(db).await? => {
            Finding::ok(CHECK, "not all of them are there yet: the next start makes them")
        }
        Ok(false) => Finding::warning(
            CHECK,
            format!("not all of them are there, and guichet may not make them: {}", effect(db).await),
            format!("run these as an owner of the database: {};", statements(db).await?.join("; ")),
        ),
        Err(OwnTablesError::Database(error)) => return Err(error),
        Err(lack) => Finding::error(CHECK, lack.to_string(), "start the newer version of guichet"),
    }])
}

/// What does not work until guichet's own tables are made.
async fn effect(db: &DatabaseConnection) -> &'static str {
    match migration::may_sign_in(db).await {
        Ok(true) => "no key can be restricted",
        _ => "nobody can sign in, and no key can be restricted",
    }
}

/// The statements that make guichet's own tables and grant its user the rights to read and write them. They may be run
/// again.
async fn statements(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let backend = db.get_database_backend();
    // Whatever is wrong with them, they are made from the beginning.
    let made = OWN.missing_statements(db).await.unwrap_or_else(|_| OWN.statements(backend));
    let (place, user) = match backend {
        DbBackend::MySql => ("SELECT CONCAT('USE `', DATABASE(), '`')", format!("SELECT {MYSQL_USER}")),
        DbBackend::Postgres => (
            "SELECT 'SET search_path TO ' || quote_ident(current_schema())",
            "SELECT quote_ident(current_user)".to_owned(),
        ),
        _ => return Ok([made, OWN.records()].concat()),
    };
    let mut statements: Vec<String> = value(db, place).await?.into_iter().collect();
    statements.extend(made);
    if let Some(user) = value::<String>(db, &user).await? {
        for table in migration::OWN_TABLES.into_iter().chain([OWN.table]) {
            statements.push(format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {user}"));
        }
    }
    statements.extend(OWN.records());
    Ok(statements)
}

/// The finding about a check that failed to run.
fn failed_check(check: &'static str, error: &DbErr) -> Finding {
    Finding::error(check, format!("it cannot be examined: {error}"), "mend the errors above first")
}

async fn rows(db: &DatabaseConnection, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await
}

/// The first value of the first row, if there is a row.
async fn value<T: TryGetable>(db: &DatabaseConnection, sql: &str) -> Result<Option<T>, DbErr> {
    match rows(db, sql).await?.first() {
        Some(row) => row.try_get_by_index(0),
        None => Ok(None),
    }
}
