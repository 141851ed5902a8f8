//! `guichet doctor`: checks the settings and the database of the shop, changes nothing, and reports what is wrong and
//! how to correct it.

mod grant;
mod indexes;
mod key;
mod mail;
mod replica;
mod rights;
mod schema;
mod server;
mod servers;
mod settings;
mod upstream;

use std::time::Duration;

use clap::Args;
use futures_util::future::BoxFuture;
use migration::OWN;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Statement, TryGetable,
};
use serde::Serialize;
use serde_json::json;

use self::rights::{AS_OWNER, OwnTableFaults};
pub(super) use self::schema::{Contents, contents};
use self::settings::{Refused, unknown_settings};
use super::{Environment, Failure, say};
use crate::database;
use crate::database::own_tables::{OwnTablesError, is_current};
use crate::platform::config::Config;

/// How long one check may take: over a slow network, those of every table take long.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct Arguments {
    /// Print JSON in place of text
    #[arg(long)]
    json: bool,
    /// Print only the SQL statements that mend what is wrong, as a script for `mysql` or `psql`
    #[arg(long, conflicts_with_all = ["json", "indexes"])]
    sql: bool,
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
    /// The SQL statements that do it, where there are such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sql: Vec<String>,
    /// Whether nothing else of the database can be examined.
    #[serde(skip)]
    is_last: bool,
}

/// Most names that the text of a finding lists.
const MAX_NAMES: usize = 8;

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        let (level, says) = (Severity::Ok, says.into());
        Self { check, level, says, details: Vec::new(), mend: None, sql: Vec::new(), is_last: false }
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

    /// A finding that SQL statements mend, which stand behind the words of its mend.
    fn mended_by(self, sql: Vec<String>) -> Self {
        let mend = format!("{}{}", self.mend.unwrap_or_default(), behind_words(&sql));
        Self { mend: Some(mend), sql, ..self }
    }

    /// What to do about it, without the statements that do it.
    fn mend_in_words(&self) -> Option<&str> {
        let mend = self.mend.as_deref()?;
        Some(mend.strip_suffix(&behind_words(&self.sql)).filter(|_| !self.sql.is_empty()).unwrap_or(mend))
    }
}

/// Statements as they stand behind the words of a mend.
fn behind_words(sql: &[String]) -> String {
    format!(": {};", sql.join("; "))
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
    let of_variables =
        |found: Vec<_>| settings::no_database(&found).into_iter().chain(unknown_settings(&found)).collect();
    let mut findings = environment.variables().map_or_else(|_| Vec::new(), of_variables);
    match environment.config_and_refused() {
        Ok((config, refused)) => findings.extend(examine(&config, &Refused::new(refused)).await),
        Err(failure) => findings.push(Finding::error("settings", failure.to_string(), "correct the file")),
    }
    let errors = findings.iter().filter(|finding| finding.level == Severity::Error).count();
    if arguments.json {
        let report = json!({"ok": errors == 0, "findings": findings});
        say(&serde_json::to_string_pretty(&report)?);
    } else if arguments.sql {
        say(&script(&findings));
    } else {
        say(&table(&findings));
    }
    match errors {
        0 => Ok(()),
        1 => Err(Failure::new("1 error was found")),
        many => Err(Failure::new(format!("{many} errors were found"))),
    }
}

/// What stands in the script above tables that are removed.
const FORMER_TABLES: &str = "-- sessions of an earlier version of guichet: people sign in again";

/// The statements alone. What they are for is a comment of SQL.
fn script(findings: &[Finding]) -> String {
    let mended: Vec<&Finding> = findings.iter().filter(|finding| !finding.sql.is_empty()).collect();
    let mut lines = Vec::new();
    for Finding { check, says, sql, .. } in &mended {
        lines.push(format!("-- {check}: {}", says.split_whitespace().collect::<Vec<_>>().join(" ")));
        let first_dropped = sql.iter().position(|statement| statement.starts_with("DROP TABLE"));
        for (number, statement) in sql.iter().enumerate() {
            lines.extend((first_dropped == Some(number)).then(|| FORMER_TABLES.to_owned()));
            lines.push(format!("{statement};"));
        }
    }
    if mended.is_empty() {
        "-- Nothing was found that SQL statements mend.".to_owned()
    } else {
        lines.join("\n")
    }
}

/// A table of all findings, below each what to do about it.
fn table(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        let Finding { check, level, says, sql, .. } = finding;
        let level = match level {
            Severity::Ok => "ok",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        lines.push(format!("{level:<8} {check:<12} {says}"));
        if let Some(mend) = finding.mend_in_words() {
            let colon = if sql.is_empty() { "" } else { ":" };
            lines.push(format!("{:<21} mend: {mend}{colon}", ""));
        }
        lines.extend(sql.iter().map(|statement| format!("{:<27} {statement};", "")));
    }
    lines.join("\n")
}

/// Runs all checks. Those that need a refused setting are left out.
async fn examine(config: &Config, refused: &Refused) -> Vec<Finding> {
    let mut findings = refused.findings();
    let mut left_out = refused.left_out();
    if !left_out.contains(&"key") {
        findings.push(key::is_set(config));
    }
    findings.push(rights::storage(config));
    let beside: [(&str, Check<'_>); 5] = [
        ("redis", Box::pin(async { Ok(redis(config).await.into_iter().collect()) })),
        ("servers", Box::pin(in_time(async { Ok(servers::examine(config).await) }))),
        ("replica", Box::pin(in_time(async { Ok(replica::examine(config).await) }))),
        ("mail", Box::pin(in_time(async { Ok(vec![mail::server(config).await]) }))),
        ("upstream", Box::pin(async { Ok(upstream::examine(config).await) })),
    ];
    for (check, found) in beside {
        if !left_out.contains(&check) {
            findings.extend(found.await.unwrap_or_else(|error| vec![failed_check(check, &error)]));
        }
    }
    if !left_out.contains(&"database") {
        findings.extend(open_and_examine(config, &mut left_out).await);
    }
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.into_iter().map(str::to_owned).collect();
        let says = format!("not examined: {}", listed(&names));
        findings.push(Finding::warning(
            "other checks",
            says,
            "mend the errors above, and ask the doctor again",
        ));
    }
    findings
}

async fn open_and_examine(config: &Config, left_out: &mut Vec<&'static str>) -> Vec<Finding> {
    match database::connect(&Config { pool: Some(1), ..config.clone() }).await {
        Ok(db) => {
            let findings = examine_database(config, &db, left_out).await;
            // A failure to close the connection does not change the findings.
            let _ = db.close().await;
            findings
        }
        Err(error) => vec![Finding::error(
            "database",
            format!("it cannot be opened: {error}"),
            "start it, or correct DATABASE_URL, DB_HOST, DB_PORT, DB_SOCKET, DB_DATABASE, DB_USERNAME or DB_PASSWORD",
        )],
    }
}

/// Checks the database. What most of the shop's tables are missing from is not examined any further.
async fn examine_database(
    config: &Config,
    db: &DatabaseConnection,
    left_out: &mut Vec<&'static str>,
) -> Vec<Finding> {
    let checks: [(&str, Check<'_>); 9] = [
        ("database", Box::pin(server::version(db))),
        ("schema", Box::pin(schema::compare(config, db))),
        ("rights", Box::pin(rights::of_every_table(config, db))),
        ("key", Box::pin(key::opens_values(config, db))),
        ("clock", Box::pin(server::clock(db))),
        ("time zone", Box::pin(server::zone(config, db))),
        ("collation", Box::pin(server::collation(db))),
        ("own tables", Box::pin(own_tables(config, db))),
        ("outbox", Box::pin(mail::backlog(config, db))),
    ];
    let mut findings = Vec::new();
    for (check, found) in checks {
        if left_out.contains(&check) {
            continue;
        }
        match in_time(found).await {
            Ok(found) => findings.extend(found),
            Err(error @ DbErr::ConnectionAcquire(_)) => {
                findings.push(failed_check(check, &error));
                break;
            }
            // What stands in the way was found already.
            Err(_) if has_errors(&findings) => left_out.push(check),
            Err(error) => findings.push(failed_check(check, &error)),
        }
        if findings.iter().any(|finding| finding.is_last) {
            break;
        }
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
            Box::pin(schema::compare(config, &db)),
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
        Ok(true) => match rights::of_own_tables(config, db).await? {
            faults if !faults.text().is_empty() => {
                let sql = mending_statements(config, db, &faults).await?;
                Finding::error(CHECK, faults.text(), AS_OWNER).mended_by(sql)
            }
            _ if config.read_only => Finding::ok(CHECK, "they are there, and can be read"),
            _ => Finding::ok(CHECK, "they are there, and can be read and written"),
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
            AS_OWNER,
        )
        .mended_by(statements(db).await?),
        Err(OwnTablesError::Database(error)) => return Err(error),
        Err(lack) => Finding::error(CHECK, lack.to_string(), "start the newer version of guichet"),
    }])
}

/// What does not work until guichet's own tables are made.
async fn effect(db: &DatabaseConnection) -> String {
    let parts = [
        (migration::may_sign_in(db).await, "nobody can sign in"),
        (migration::may_restrict_keys(db).await, "no key can be restricted"),
        (migration::may_rotate_keys(db).await, "no key can be rotated"),
        (migration::has_outbox(db).await, "no mail and no webhook is sent"),
    ];
    let lacking = parts.into_iter().filter(|(has, _)| !has.as_ref().is_ok_and(|has| *has));
    lacking.map(|(_, effect)| effect).collect::<Vec<_>>().join(", ")
}

/// The statements that make guichet's own tables and grant its user the rights to read and write them. They may be run
/// again.
async fn statements(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    // Whatever is wrong with them, they are made from the beginning.
    let made = OWN.missing_statements(db).await.unwrap_or_else(|_| OWN.statements(db.get_database_backend()));
    let tables = migration::OWN_TABLES.into_iter().chain([OWN.table]);
    let granted = grant::on_tables(db, tables, false).await?;
    let chosen = grant::choose_database(db).await?;
    Ok([chosen.into_iter().collect(), made, granted, OWN.records()].concat())
}

/// The statements that make those of guichet's own tables that are missing, and grant the rights that are. They take nothing
/// away.
async fn mending_statements(
    config: &Config,
    db: &DatabaseConnection,
    faults: &OwnTableFaults,
) -> Result<Vec<String>, DbErr> {
    let all = OWN.statements(db.get_database_backend());
    let made = all.into_iter().filter(|sql| !faults.missing.is_empty() && sql.starts_with("CREATE TABLE"));
    let granted = grant::on_tables(db, migration::OWN_TABLES, config.read_only).await?;
    let chosen = grant::choose_database(db).await?;
    Ok(chosen.into_iter().chain(made).chain(granted).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking() -> Finding {
        let sql = ["USE shop", "DROP TABLE IF EXISTS a", "DROP TABLE IF EXISTS b", "CREATE TABLE a (id int)"];
        Finding::warning("own tables", "not all of them are there", AS_OWNER)
            .mended_by(sql.map(str::to_owned).to_vec())
    }

    #[test]
    fn each_statement_has_a_line() {
        let table = table(&[Finding::ok("key", "it is set"), lacking()]);
        let lines: Vec<_> = table.lines().map(str::trim_start).collect();
        let expected = [
            "ok       key          it is set",
            "warning  own tables   not all of them are there",
            "mend: run as an owner of the database:",
            "USE shop;",
            "DROP TABLE IF EXISTS a;",
            "DROP TABLE IF EXISTS b;",
            "CREATE TABLE a (id int);",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_script_says_what_it_drops() {
        let script = script(&[lacking()]);
        let expected = format!(
            "-- own tables: not all of them are there\nUSE shop;\n{FORMER_TABLES}\nDROP TABLE IF EXISTS a;\n\
             DROP TABLE IF EXISTS b;\nCREATE TABLE a (id int);"
        );
        assert_eq!(script, expected);
    }
}
