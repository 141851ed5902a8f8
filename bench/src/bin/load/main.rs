//! What becomes of the server when twice as much is asked of it as it can answer.
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

use bench::demo::{Server, Start};
use bench::limits_page::{self, measured_on};
use bench::open_files;
use tokio::runtime;

use crate::bystanders::{IDLE, SLOW};
use crate::requests::Requests;
use crate::tally::Tally;

/// Connections that find out how much the server can answer.
const FINDERS: usize = 16;
/// Connections of the load.
const CLIENTS: u32 = 500;
/// How long the load lasts where the command line doesn't say.
const SECONDS: u64 = 60;
/// How long the other parts last at the most.
const PART: Duration = Duration::from_secs(5);
/// When it has to be as fast as before again.
const RECOVERY: Duration = Duration::from_secs(2);
/// How many times slower the slowest of a hundred accepted requests may be under load.
const SLOWER: f64 = 10.0;
/// And after it.
const AS_FAST: f64 = 2.0;
/// How many megabytes the load may take.
const MEMORY: f64 = 20.0;
/// Files that this process has open at the most: the connections, and room.
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

/// Measures everything; whether all of it is within the limits.
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

/// The demo server without limits of a client and without a log, unless the environment says otherwise.
fn server() -> std::io::Result<Server> {
    let settings = [("GUICHET_RATE_LIMIT", "0"), ("GUICHET_COST_LIMIT", "0"), ("RUST_LOG", "off")];
    let open = settings.iter().filter(|(name, _)| env::var_os(name).is_none());
    open.fold(Start::default(), |start, (name, value)| start.set(name, value)).server()
}

/// What was found.
struct Found {
    capacity: f64,
    before: Tally,
    under: Tally,
    after: Tally,
    seconds: f64,
    memory: f64,
    reopened: usize,
}

async fn load(server: &Server, options: &Options) -> Result<Found, Box<dyn Error>> {
    let requests = Arc::new(Requests::new(server)?);
    let part = PART.min(options.load);
    // What is allocated once, for the first requests, belongs to none of the parts.
    clients::closed_loop(&requests, FINDERS, part / 5).await;
    let most = clients::closed_loop(&requests, FINDERS, part).await;
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
    tokio::time::sleep(RECOVERY).await;
    let after = half().await;
    let seconds = options.load.as_secs_f64();
    Ok(Found { capacity, before, under, after, seconds, memory, reopened: reopened.get() })
}

impl Found {
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
             MB (pages of files not counted), {MEMORY} at the most. Connections beside it were closed and opened \
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
        if under >= before * SLOWER {
            failures.push(format!(
                "under load 99 of 100 take up to {under:.1} ms, {SLOWER} times {before:.1} or more"
            ));
        }
        if after >= before * AS_FAST {
            failures.push(format!(
                "after it 99 of 100 take up to {after:.1} ms, {AS_FAST} times {before:.1} or more"
            ));
        }
        if self.memory > MEMORY {
            failures.push(format!("{:.1} MB more are resident under load, more than {MEMORY}", self.memory));
        }
        failures
    }
}

/// What stands above the table.
fn about(options: &Options) -> String {
    format!(
        "Written by `target/release/load --write` (`bench/README.md`; {}). {FINDERS} connections that ask without a \
         pause find how much the server can answer; half of it is on REST, half on GraphQL. Then {CLIENTS} \
         connections ask on a schedule, for {} s twice as much as it can, while {IDLE} others send nothing and \
         {SLOW} a byte of a head each second. What is due while a connection waits is skipped. Every answer is 200, or \
         503 with `Retry-After`; the accepted ones are less than {SLOWER} times slower (99 of 100), and {} s later as \
         fast as before.\n\n",
        measured_on(),
        options.load.as_secs(),
        RECOVERY.as_secs()
    )
}
