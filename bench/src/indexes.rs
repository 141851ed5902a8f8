//! What each index that the original's schema lacks gains for the list that it is for, and what it costs a new row: for
//! `guichet doctor --indexes`.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::{Map, Value as Json, json};

use crate::case::BenchRequest;
use crate::database::Database;
use crate::load;
use crate::options::Options;
use crate::server::{Server, ServerKind};
use crate::shop::Shop;

/// Requests of which the median is taken, one after the other.
const REQUESTS: usize = 31;
/// Rows that are written at once, and how often.
const ROWS: u32 = 10_000;
const WRITES: usize = 9;

/// The list that an index is for.
const LISTS: [(&str, &str); 11] = [
    (
        "customers_newest",
        "{ customers(first: 25, sort: [{ field: CREATED_AT, direction: DESC }]) { nodes { databaseId email } } }",
    ),
    (
        "services_newest",
        "{ services(first: 25, sort: [{ field: CREATED_AT, direction: DESC }]) { nodes { databaseId name } } }",
    ),
    (
        "services_status",
        "{ services(first: 25, filter: { status: { eq: SUSPENDED } }) { totalCount nodes { databaseId name } } }",
    ),
    (
        "services_status_newest",
        "{ services(first: 25, filter: { status: { eq: ACTIVE } }, sort: [{ field: CREATED_AT, direction: DESC }]) \
         { nodes { databaseId name } } }",
    ),
    (
        "services_status_expires_at",
        "{ services(first: 25, filter: { status: { eq: ACTIVE } }, sort: [{ field: EXPIRES_AT }]) \
         { nodes { databaseId name } } }",
    ),
    (
        "invoices_newest",
        "{ invoices(first: 25, sort: [{ field: CREATED_AT, direction: DESC }]) { nodes { databaseId } } }",
    ),
    (
        "invoices_status",
        "{ invoices(first: 25, filter: { status: { eq: PENDING } }) { totalCount nodes { databaseId } } }",
    ),
    (
        "invoices_status_newest",
        "{ invoices(first: 25, filter: { status: { eq: PENDING } }, sort: [{ field: CREATED_AT, direction: DESC }]) \
         { nodes { databaseId } } }",
    ),
    (
        "invoices_status_due_date",
        "{ invoices(first: 25, filter: { status: { eq: PENDING } }, sort: [{ field: DUE_DATE }]) { nodes { databaseId } } }",
    ),
    (
        "support_tickets_status",
        "{ tickets(first: 25, filter: { status: { eq: OPEN } }) { totalCount nodes { databaseId } } }",
    ),
    (
        "support_tickets_status_newest",
        "{ tickets(first: 25, filter: { status: { eq: OPEN } }, sort: [{ field: CREATED_AT, direction: DESC }]) \
         { nodes { databaseId } } }",
    ),
];

/// Measures all of them on each database, and keeps the figures if that is asked for.
///
/// # Errors
/// When a database or the server does not answer.
pub fn run(options: &Options) -> Result<(), String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/command/doctor/gains.json");
    let kept = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let mut gains: Map<String, Json> = kept.unwrap_or_default();
    for database in &options.databases {
        let measured = on(*database).map_err(|error| format!("{}: {error}", database.name()))?;
        gains.insert(database.name().to_owned(), measured);
    }
    let text = serde_json::to_string_pretty(&gains).map_err(|error| error.to_string())? + "\n";
    println!("{text}");
    if options.write { fs::write(file, text).map_err(|error| error.to_string()) } else { Ok(()) }
}

fn on(database: Database) -> Result<Json, String> {
    let failed = |error: sqlx::Error| error.to_string();
    let mut shop = Shop::prepare(database).map_err(failed)?;
    shop.set_indexes(None, false).map_err(failed)?;
    let server = Server::start(ServerKind::GuichetCounting, &shop, 1)?;
    let mut gains = Map::new();
    for index in migration::further_indexes(database.backend()) {
        let (_, list) = LISTS.iter().find(|(name, _)| *name == index.name).ok_or(index.name)?;
        let (before, write_before) =
            (milliseconds(&server, list), write(&mut shop, index.table).map_err(failed)?);
        shop.set_indexes(Some(index.name), true).map_err(failed)?;
        let (after, write_after) =
            (milliseconds(&server, list), write(&mut shop, index.table).map_err(failed)?);
        shop.set_indexes(Some(index.name), false).map_err(failed)?;
        let gain = json!({
            "before_ms": rounded(before),
            "after_ms": rounded(after),
            "row_us": rounded(write_after - write_before),
        });
        eprintln!("{} {}: {gain}", database.name(), index.name);
        gains.insert(index.name.to_owned(), gain);
    }
    shop.set_indexes(None, true).map_err(failed)?;
    shop.close();
    Ok(gains.into())
}

/// The median time of a request.
fn milliseconds(server: &Server, list: &'static str) -> f64 {
    let ask = BenchRequest::Text("list", list).of(server);
    load::run(&ask, 1, REQUESTS / 4);
    load::run(&ask, 1, REQUESTS).percentile(50).as_secs_f64() * 1e3
}

/// Microseconds for a new row, the least of some runs, which are rolled back.
fn write(shop: &mut Shop, table: &str) -> Result<f64, sqlx::Error> {
    let sql = copy(shop.database, table);
    let mut least = f64::INFINITY;
    for _ in 0..WRITES {
        shop.run("BEGIN")?;
        let begun = Instant::now();
        let written = shop.run(&sql);
        let took = begun.elapsed().as_secs_f64();
        shop.run("ROLLBACK")?;
        written?;
        least = least.min(took * 1e6 / f64::from(ROWS));
    }
    Ok(least)
}

/// The statement that writes copies of rows.
fn copy(database: Database, table: &str) -> String {
    let copied = |column: &str, quoted: &str| match (table, column) {
        (_, "id") | ("invoices", "uuid" | "external_id" | "invoice_number") => None,
        ("customers", "email") => Some(database.joined(&["'copy-'", "id"])),
        _ => Some(quoted.to_owned()),
    };
    format!("{} ORDER BY id LIMIT {ROWS}", database.copy(table, copied))
}

fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
