//! Measures the server under twice the load that it can answer.
//! See README.md beside this crate.

#![expect(clippy::print_stderr, reason = "a command line tells its failures there")]

mod bystanders;
mod clients;
mod connection;
mod requests;
mod tally;

use std::cell::Cell;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bench::demo::{Server, ServerOptions};
use bench::limits_page::{self, measured_on};
use bench::open_files;
use tokio::runtime;

use crate::bystanders::{IDLE, SLOW};
use crate::requests::Requests;
use crate::tally::AnswerCounts;

/// Connections that determine how many requests the server can answer.
const PROBE_CONNECTIONS: usize = 16;
/// Connections of the load.
const CLIENTS: u32 = 500;
/// Default duration of the load in seconds.
const SECONDS: u64 = 60;
/// Maximum duration of the other parts.
const MAX_PART_TIME: Duration = Duration::from_secs(5);
/// Time after which the server must be as fast as before.
const RECOVERY_TIME: Duration = Duration::from_secs(2);
/// Maximum factor of the 99th percentile of accepted requests under load.
const MAX_SLOWDOWN: f64 = 10.0;
/// Maximum factor after the load.
const MAX_SLOWDOWN_AFTER: f64 = 2.0;
/// Maximum memory growth under load in megabytes.
const MAX_MEMORY_MB: f64 = 20.0;
/// Maximum number of open files of this process: the connections, and some more.
const OPEN_FILES: u64 = 4096;

struct Options {
    load: Duration,
    write: bool,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut options = Self { load: Duration::from_secs(SECONDS), write: false };
        let mut arguments = env::args().skip(1);
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--write" => options.write = true,
                "--seconds" => {
                    let seconds = arguments.next().ok_or("--seconds takes a number")?.parse()?;
                    options.load = Duration::from_secs(seconds);
                }
                _ => return Err(format!("unknown argument {name}: see bench/README.md").into()),
            }
        }
        Ok(options)
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
    let server = server()?;
    let mut found =
        runtime::Builder::new_current_thread().enable_all().build()?.block_on(load(&server, &options))?;
    let (table, failures) = (found.table(), found.failures());
    println!("{table}");
    failures.iter().for_each(|failure| println!("LIMIT PASSED: {failure}"));
    if failures.is_empty() {
        println!("Everything stays within the limits");
    }
    if options.write {
        limits_page::write("load", &format!("## Load\n\n{}{table}", about(&options)))?;
    }
    Ok(failures.is_empty())
}

/// The demo server without limits of clients and without a log, unless the environment sets them.
fn server() -> std::io::Result<Server> {
    let settings = [("GUICHET_RATE_LIMIT", "0"), ("GUICHET_COST_LIMIT", "0"), ("RUST_LOG", "off")];
    let open = settings.iter().filter(|(name, _)| env::var_os(name).is_none());
    open.fold(ServerOptions::default(), |start, (name, value)| start.set(name, value)).server()
}

/// The results of all parts.
struct LoadResults {
    capacity: f64,
    before: AnswerCounts,
    under: AnswerCounts,
    after: AnswerCounts,
    seconds: f64,
    memory: f64,
    reopened: usize,
}

async fn load(server: &Server, options: &Options) -> Result<LoadResults, Box<dyn Error>> {
    let requests = Arc::new(Requests::new(server)?);
    let part = MAX_PART_TIME.min(options.load);
    // Memory that is allocated once, for the first requests, is not counted.
    clients::closed_loop(&requests, PROBE_CONNECTIONS, part / 5).await;
    let most = clients::closed_loop(&requests, PROBE_CONNECTIONS, part).await;
    if most.accepted() == 0 {
        return Err(format!("no request is answered with 200: {:?}", most.wrong).into());
    }
    let capacity = f64::from(u32::try_from(most.accepted())?) / part.as_secs_f64();
    let half = || clients::open_loop(&requests, CLIENTS, capacity / 2.0, part);
    let before = half().await;
    let memory = server.forget_peak()?;
    let reopened = Rc::new(Cell::new(0));
    let beside = bystanders::gather(requests.address, &reopened);
    let under = beside.run_until(clients::open_loop(&requests, CLIENTS, capacity * 2.0, options.load)).await;
    let memory = server.memory()?.growth_since(&memory);
    drop(beside);
    tokio::time::sleep(RECOVERY_TIME).await;
    let after = half().await;
    let seconds = options.load.as_secs_f64();
    Ok(LoadResults { capacity, before, under, after, seconds, memory, reopened: reopened.get() })
}

impl LoadResults {
    fn table(&mut self) -> String {
        let mut text =
            "| | Asked, a second | 200 | 503 | Skipped | Others | Median, ms | 99 of 100 within, ms |\n\
                        |---|--:|--:|--:|--:|--:|--:|--:|\n"
                .to_owned();
        let half = self.capacity / 2.0;
        let parts = [
            ("Half of what it can", half, &mut self.before),
            ("Twice what it can", self.capacity * 2.0, &mut self.under),
            ("Half again", half, &mut self.after),
        ];
        for (name, rate, tally) in parts {
            let (median, slow) = (tally.quantile(0.5), tally.quantile(0.99));
            let (accepted, wrong) = (tally.accepted(), tally.wrong.values().sum::<usize>());
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "| {name} | {rate:.0} | {accepted} | {} | {} | {wrong} | {median:.1} | {slow:.1} |",
                tally.refused, tally.skipped
            );
        }
        let served = f64::from(u32::try_from(self.under.accepted()).unwrap_or(u32::MAX)) / self.seconds;
        let _ = writeln!(
            text,
            "\nOf {:.0} a second that it can answer, it answers {served:.0} with 200 under load. Memory grows by {:.1} \
             MB (pages of files not counted), {MAX_MEMORY_MB} at the most. Connections beside it were closed and opened \
             again {} times.",
            self.capacity, self.memory, self.reopened
        );
        text
    }

    fn failures(&mut self) -> Vec<String> {
        let mut failures = Vec::new();
        for (name, tally) in [("before", &self.before), ("under load", &self.under), ("after", &self.after)] {
            for (what, times) in &tally.wrong {
                failures.push(format!("{name}: {times} times {what}"));
            }
        }
        let [before, under, after] =
            [&mut self.before, &mut self.under, &mut self.after].map(|tally| tally.quantile(0.99));
        if under >= before * MAX_SLOWDOWN {
            failures.push(format!(
                "under load 99 of 100 take up to {under:.1} ms, {MAX_SLOWDOWN} times {before:.1} or more"
            ));
        }
        if after >= before * MAX_SLOWDOWN_AFTER {
            failures.push(format!(
                "after it 99 of 100 take up to {after:.1} ms, {MAX_SLOWDOWN_AFTER} times {before:.1} or more"
            ));
        }
        if self.memory > MAX_MEMORY_MB {
            failures.push(format!(
                "{:.1} MB more are resident under load, more than {MAX_MEMORY_MB}",
                self.memory
            ));
        }
        failures
    }
}

/// The text above the table.
fn about(options: &Options) -> String {
    format!(
        "Written by `target/release/load --write` (`bench/README.md`; {}). {PROBE_CONNECTIONS} connections that ask without a \
         pause find how much the server can answer; half of it is on REST, half on GraphQL. Then {CLIENTS} \
         connections ask on a schedule, for {} s twice as much as it can, while {IDLE} others send nothing and \
         {SLOW} a byte of a head each second. What is due while a connection waits is skipped. Every answer is 200, or \
         503 with `Retry-After`; the accepted ones are less than {MAX_SLOWDOWN} times slower (99 of 100), and {} s later as \
         fast as before.\n\n",
        measured_on(),
        options.load.as_secs(),
        RECOVERY_TIME.as_secs()
    )
}
