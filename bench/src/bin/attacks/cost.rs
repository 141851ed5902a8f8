//! Measures the cost of requests for the server, and prints tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use std::{io, thread};

use bench::demo::{Cpu, Server};

use crate::case::{Api, Caller, Case, Limit};
use crate::report::Report;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for measuring one request of one caller, after the first repetitions.
const MAX_MEASURING_TIME: Duration = Duration::from_secs(1);
/// Number of the first repetitions.
const MIN_REPETITIONS: u32 = 2;
/// Requests in a batch. The result is the smallest mean of all batches, because the system's work for the client's
/// sending is sometimes counted for the server.
const BATCH: u32 = 10;
/// Time for the server to finish its work after an answer.
const PAUSE_AFTER_BATCH: Duration = Duration::from_millis(5);
/// Number of clients that send all requests mixed.
const CLIENTS: usize = 4;
/// Maximum memory growth after all requests, in megabytes.
const MAX_MEMORY_LEFT_MB: f64 = 16.0;
/// Time for the server to return memory to the system.
const MEMORY_RETURN_TIME: Duration = Duration::from_secs(5);

const HEAD: &str = "\
| Sent | To | Bytes | Keyless | Wrong key | With key |
|---|---|--:|---|---|---|
";

/// The cost of one request of one caller.
struct Cost {
    cpu: f64,
    memory: f64,
    statuses: BTreeSet<u16>,
    refused: bool,
}

impl Cost {
    fn cell(&self) -> String {
        let statuses = self.statuses.iter().map(u16::to_string).collect::<Vec<_>>().join("/");
        format!("{statuses}, {:.2} ms, {:.1} MB", self.cpu, self.memory)
    }

    /// The reason why it is not allowed.
    fn faults(&self, case: &Case, caller: Caller, factor: f64) -> Vec<String> {
        let (expected, limit) = (case.expected(caller), Limit::of(case.api, caller));
        let mut faults = Vec::new();
        if self.statuses.iter().any(|status| !expected.contains(status)) {
            faults.push(format!("answered {:?}, not {expected:?} (0: not at all)", self.statuses));
        }
        if !self.refused {
            faults.push("not refused with the code and limit that the tests hold it to".to_owned());
        }
        if self.cpu > limit.cpu * factor {
            faults.push(format!("{:.2} ms of CPU, more than {:.2}", self.cpu, limit.cpu * factor));
        }
        if self.memory > limit.memory {
            faults.push(format!("{:.1} MB, more than {:.1}", self.memory, limit.memory));
        }
        faults
    }
}

/// Measures each case for each caller; one table for each API. Callers without a key come first, because memory
/// that the allocator keeps after requests with a key would hide their cost.
pub fn tables(
    server: &Server,
    cases: &[Case],
    repetitions: u32,
    factor: f64,
    report: &mut Report,
) -> io::Result<()> {
    let mut costs: Vec<Vec<Cost>> = cases.iter().map(|_| Vec::new()).collect();
    for caller in Caller::ALL {
        for (case, costs) in cases.iter().zip(&mut costs) {
            costs.push(measure(server, case, caller, repetitions)?);
        }
    }
    for (api, title) in [(Api::Rest, "REST"), (Api::GraphQl, "GraphQL")] {
        let mut table = HEAD.to_owned();
        for (case, costs) in cases.iter().zip(&costs).filter(|(case, _)| case.api == api) {
            table.push_str(&row(case, costs, factor, report));
        }
        report.section(title, &table);
    }
    Ok(())
}

/// The cost of a case for each caller; figures beyond a limit are bold and reported.
fn row(case: &Case, costs: &[Cost], factor: f64, report: &mut Report) -> String {
    let mut row = format!("| {} | `{}` | {} |", case.name, case.path, case.request.bytes());
    for (caller, cost) in Caller::ALL.into_iter().zip(costs) {
        let faults = cost.faults(case, caller, factor);
        let mark = if faults.is_empty() { "" } else { "**" };
        // Writing to a text does not fail.
        let _ = write!(row, " {mark}{}{mark} |", cost.cell());
        if !faults.is_empty() {
            let (name, path, caller) = (&case.name, case.path, caller.name());
            report.fail(format!("{name} to {path}, {caller}: {}", faults.join("; ")));
        }
    }
    row.push('\n');
    row
}

/// Sends a request repeatedly; returns the cost of one.
fn measure(server: &Server, case: &Case, caller: Caller, repetitions: u32) -> io::Result<Cost> {
    let request = case.of(caller, server.key());
    let (memory, begun) = (server.forget_peak()?, Instant::now());
    let (mut sent, mut statuses, mut refused) = (0, BTreeSet::new(), true);
    let (mut cpu, mut means, mut in_batch) = (server.cpu()?, Vec::new(), 0);
    while sent < repetitions && (sent < MIN_REPETITIONS || begun.elapsed() < MAX_MEASURING_TIME) {
        if in_batch == BATCH {
            means.push(mean(server, &mut cpu, &mut in_batch)?);
        }
        (sent, in_batch) = (sent + 1, in_batch + 1);
        match request.send(server.address(), TIMEOUT) {
            Ok(answer) => {
                statuses.insert(answer.status);
                let asked = case.refusal.filter(|_| caller == Caller::WithKey);
                refused &= asked.is_none_or(|refusal| refusal.is(&answer));
            }
            // The next one would take as long.
            Err(_) => {
                statuses.insert(0);
                break;
            }
        }
    }
    means.push(mean(server, &mut cpu, &mut in_batch)?);
    let memory = server.memory()?.growth_since(&memory);
    let cpu = means.into_iter().min_by(f64::total_cmp).unwrap_or_default();
    Ok(Cost { cpu, memory, statuses, refused })
}

/// The mean CPU of the requests of a batch, in milliseconds. The next batch begins.
fn mean(server: &Server, before: &mut Cpu, requests: &mut u32) -> io::Result<f64> {
    thread::sleep(PAUSE_AFTER_BATCH);
    let now = server.cpu()?;
    let spent = now.since(before).as_secs_f64() * 1000.0;
    let mean = spent / f64::from((*requests).max(1));
    (*before, *requests) = (now, 0);
    Ok(mean)
}

/// Sends so many requests of all cases and callers concurrently, and checks whether memory returns to its size
/// before the measurement.
pub fn mixed(
    server: &Server,
    cases: &[Case],
    requests: usize,
    before: f64,
    report: &mut Report,
) -> io::Result<()> {
    let all: Vec<(&Case, Caller)> =
        cases.iter().flat_map(|case| Caller::ALL.map(|caller| (case, caller))).collect();
    // A stride that reaches all cases, in no simple order.
    let fails = |at: &usize| {
        let (case, caller) = all[at * 7919 % all.len()];
        let answer = case.of(caller, server.key()).send(server.address(), TIMEOUT);
        !answer.is_ok_and(|answer| case.expected(caller).contains(&answer.status))
    };
    let client = |first: usize| (first..requests).step_by(CLIENTS).filter(fails).count();
    let failed: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|first| scope.spawn(move || client(first))).collect();
        clients.into_iter().map(|client| client.join().unwrap_or(requests)).sum()
    });
    if failed > 0 {
        report.fail(format!("{failed} of {requests} mixed attacks are not answered as they should be"));
    }
    let left = memory_left(server, before)?;
    if left > MAX_MEMORY_LEFT_MB {
        report.fail(format!(
            "{left:.1} MB are left of {requests} mixed attacks, more than {MAX_MEMORY_LEFT_MB}"
        ));
    }
    let text = format!(
        "{requests} of all of them mixed, {CLIENTS} at once, leave {left:.1} MB of memory (pages of files not \
         counted), {MAX_MEMORY_LEFT_MB} at the most.\n"
    );
    report.section("What is left", &text);
    Ok(())
}

/// Memory growth of the server, after it has had time to return memory.
fn memory_left(server: &Server, before: f64) -> io::Result<f64> {
    let (begun, mut least) = (Instant::now(), f64::INFINITY);
    while begun.elapsed() < MEMORY_RETURN_TIME && least > MAX_MEMORY_LEFT_MB {
        thread::sleep(Duration::from_millis(100));
        least = least.min(server.memory()?.held() - before);
    }
    Ok(least)
}
