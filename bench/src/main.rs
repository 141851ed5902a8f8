//! The benchmark: guichet and alternatives to it, on the same seeded shop.
//! See README.md beside this crate.

#![expect(clippy::print_stderr, reason = "a command line tells its failures there")]

mod case;
mod chart;
mod compare;
mod cpu;
mod database;
mod growth;
mod indexes;
mod load;
mod machine;
mod measure;
mod options;
mod report;
mod results;
mod server;
mod session;
mod shop;
mod target;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use case::{CASES, Case, ServerSet};
use database::Database;
use measure::Effort;
use options::{Options, What};
use results::{CaseResult, Run, ServerResult};
use server::{Server, ServerKind};
use shop::Shop;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let options = match Options::read(env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    match options.what {
        What::Servers => compare_servers(&options),
        What::Indexes => finish(indexes::run(&options)),
        What::Growth => finish(growth::run(&options)),
    }
}

fn finish(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// guichet and its alternatives on one shop.
fn compare_servers(options: &Options) -> ExitCode {
    let peers = server::install_peers();
    if let Err(reason) = &peers {
        eprintln!("the peers are left out: {reason}");
    }
    let runs: Result<Vec<Run>, String> =
        options.databases.iter().map(|database| run(*database, options, peers.is_ok())).collect();
    let runs = match runs {
        Ok(runs) => runs,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let met = tell(&runs, options, peers.is_ok());
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures on one database.
fn run(database: Database, options: &Options, has_peers: bool) -> Result<Run, String> {
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let failed = |error: sqlx::Error| format!("{}: {error}", database.name());
    eprintln!("{}: the shop", database.name());
    let mut shop = Shop::prepare(database).map_err(failed)?;
    shop.clean().map_err(failed)?;
    let kinds =
        ServerKind::ALL.into_iter().filter(|kind| kind.serves(database) && (has_peers || !kind.is_peer()));
    let servers: Result<Vec<Server>, String> = kinds
        .map(|kind| {
            eprintln!("{}: starting {}", database.name(), kind.name());
            // The peers take seconds each time.
            Server::start(kind, &shop, if kind.is_peer() { 1 } else { effort.starts })
        })
        .collect();
    let servers = servers?;
    let servers: Vec<&Server> = servers.iter().collect();
    let cases = CASES.iter().filter(|case| options.wants(case.name));
    let cases: Vec<CaseResult> = cases.map(|case| measured(case, &servers, &mut shop, effort)).collect();
    let result =
        |server: &&Server| ServerResult { kind: server.kind, memory: server.memory(), start: server.start };
    let servers = servers.iter().map(result).collect();
    shop.clean().map_err(failed)?;
    let version = shop.version();
    shop.close();
    Ok(Run { database, version, cases, servers })
}

/// Compares the answers to a case, and measures it if they are the same.
fn measured(case: &Case, servers: &[&Server], shop: &mut Shop, effort: Effort) -> CaseResult {
    eprintln!("{}: {}", shop.database.name(), case.name);
    let outcome = match compare::difference(case, servers) {
        None => Ok(measure::measure(case, servers, shop, effort)),
        Some(difference) => {
            eprintln!("answers differ: {difference}");
            Err(difference)
        }
    };
    CaseResult { name: case.name, alone: case.asked == ServerSet::Alone, outcome }
}

/// Where the rest goes, and what was tried: written by hand, and not measured by this run.
const PROFILE: &str = include_str!("../profile.md");

/// Prints everything, keeps it if that is asked for, and says whether every target is met.
fn tell(runs: &[Run], options: &Options, has_peers: bool) -> bool {
    let targets = target::targets(runs);
    let compared = runs.iter().all(|run| run.cases.iter().all(|case| case.outcome.is_ok()));
    let met = compared && targets.iter().all(target::Target::is_met);
    let mut page = format!(
        "# Results\n\nWritten by `target/release/bench{} --write` (`README.md` explains the columns).\n\n{}\n\n## Targets\n\n{}\n{}\n",
        if options.quick { " --quick" } else { "" },
        machine::description(runs, has_peers),
        report::targets(&targets),
        if met { "Every target is met." } else { "**A target is missed.**" }
    );
    for run in runs {
        page.push_str(&format!("\n## {}\n\n{}", run.database.name(), report::run(run)));
    }
    page.push('\n');
    page.push_str(PROFILE);
    println!("{page}");
    if options.write
        && let Err(error) = write(&page, runs)
    {
        eprintln!("the results cannot be written: {error}");
        return false;
    }
    met
}

/// Keeps the page and the chart beside this crate. The chart is of PostgreSQL, where all peers are.
fn write(page: &str, runs: &[Run]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(folder.join("RESULTS.md"), page)?;
    let all_peers = runs.iter().find(|run| run.database == Database::Postgres).or(runs.first());
    match all_peers.and_then(chart::svg) {
        Some(chart) => fs::write(folder.join("results.svg"), chart),
        None => Ok(()),
    }
}
