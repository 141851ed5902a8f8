//! Measures what attacks cost the server: CPU and memory of requests to both APIs, and what clients can block by
//! being slow, silent or many. See README.md beside this crate.

#![expect(clippy::print_stderr, reason = "a command line tells its failures there")]

mod attack;
mod body;
mod case;
mod cost;
mod crowd;
mod document;
mod graphql;
mod report;
mod rest;
mod slow;
mod sockets;
mod unwritable_log;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use bench::demo::ServerOptions;
use bench::limits_page::{self, measured_on};
use bench::open_files;
use bench::wire::Request;

use crate::case::Case;
use crate::report::Report;

/// Default number of repetitions of each request.
const REPETITIONS: u32 = 50;
/// Number of mixed requests for each repetition.
const MIXED: u32 = 20;
/// Maximum number of open files of this process: the connections, and some more.
const OPEN_FILES: u64 = 2048;
/// How long the first answers may take.
const TIMEOUT: Duration = Duration::from_secs(10);

struct Options {
    repetitions: u32,
    factor: f64,
    only: Option<String>,
    write: bool,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut options = Self { repetitions: REPETITIONS, factor: 1.0, only: None, write: false };
        let mut arguments = env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} takes a value"));
            match name.as_str() {
                "--write" => options.write = true,
                "--repetitions" => options.repetitions = value()?.parse()?,
                "--factor" => options.factor = value()?.parse()?,
                "--only" => options.only = Some(value()?),
                _ => return Err(format!("unknown argument {name}: see bench/README.md").into()),
            }
        }
        if options.write && options.only.is_some() {
            return Err("--write needs all parts: leave --only out".into());
        }
        Ok(options)
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == part)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything; returns whether all figures are within the limits.
fn run() -> Result<bool, Box<dyn Error>> {
    let options = Options::read()?;
    open_files::at_least(OPEN_FILES)?;
    let mut report = Report::default();
    if options.wants("requests") {
        requests(&options, &mut report)?;
    }
    if options.wants("slow") {
        slow::measure(&mut report)?;
    }
    if options.wants("connections") {
        crowd::measure(&mut report)?;
    }
    if options.wants("log") {
        unwritable_log::measure(&mut report)?;
    }
    let failures = report.failures();
    failures.iter().for_each(|failure| println!("LIMIT PASSED: {failure}"));
    if failures.is_empty() {
        println!("Everything stays within the limits");
    }
    if options.write {
        limits_page::write("attacks", &format!("{}\n{}", about(&options), report.text()))?;
    }
    Ok(failures.is_empty())
}

/// Sends every request as every caller, then all requests mixed.
fn requests(options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let server = ServerOptions::unlimited().server()?;
    // Memory that is allocated once, for the first request, is not counted.
    let products = body::query("{ products { nodes { name } } }");
    let first = Request::new("POST", "/graphql").key(server.key()).body("application/json", products);
    for _ in 0..10 {
        first.send(server.address(), TIMEOUT)?;
        Request::new("GET", "/api/application/products").key(server.key()).send(server.address(), TIMEOUT)?;
    }
    let before = server.memory()?.held();
    let cases: Vec<Case> = rest::cases().into_iter().chain(graphql::cases()).collect();
    cost::tables(&server, &cases, options.repetitions, options.factor, report)?;
    let mixed = usize::try_from(options.repetitions * MIXED)?;
    cost::mixed(&server, &cases, mixed, before, report)?;
    Ok(())
}

/// The text above the tables.
fn about(options: &Options) -> String {
    format!(
        "Written by `target/release/attacks --write` (`bench/README.md`). Each cell: the status, the CPU of up to \
         {} requests (the least of the means of ten, which the client disturbs least), user and system, and how far memory grew over all of them; from `/proc` of the server \
         ({}). At the most, on a release build: 0.5 ms and 1 MB on REST and 5 ms and 4 MB on GraphQL for callers \
         without a valid key, 100 ms and 64 MB with one. What passes a limit is bold. The refusals of the first rows \
         of GraphQL are held to their codes, and to no SQL statement, by `tests/api/graphql/limits.rs`.\n",
        options.repetitions,
        measured_on()
    )
}
