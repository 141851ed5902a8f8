//! What requests cost the server, and the tables of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use std::{io, thread};

use bench::demo::{Cpu, Server};

use crate::case::{Caller, Case, Face, Limit};
use crate::report::Report;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one request of one caller is measured at the most, after the first few times.
const BUDGET: Duration = Duration::from_secs(1);
/// These few times.
const AT_LEAST: u32 = 2;
/// Requests of which the mean is taken; of the means, the least. What the system does for the client's own
/// sending is counted to whoever runs when it happens, which is now and then the server.
const BATCH: u32 = 10;
/// What the server still does behind its answer.
const AFTERMATH: Duration = Duration::from_millis(5);
/// Clients that send everything mixed.
const CLIENTS: usize = 4;
/// Megabytes that may be left of all of it.
const LEFT: f64 = 16.0;
/// How long the server may take to give memory back.
const GIVEN_BACK: Duration = Duration::from_secs(5);

const HEAD: &str = "\
| Sent | To | Bytes | Keyless | Wrong key | With key |
|---|---|--:|---|---|---|
";

/// What one request of one caller costs.
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

    /// What is wrong with it.
    fn faults(&self, case: &Case, caller: Caller, factor: f64) -> Vec<String> {
        let (expected, limit) = (case.expected(caller), Limit::of(case.face, caller));
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

/// Measures each case as each caller; a table for each face. Strangers come first: memory that an allocator
/// keeps of what callers with a key may do would hide theirs.
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
    for (face, title) in [(Face::Rest, "REST"), (Face::GraphQl, "GraphQL")] {
        let mut table = HEAD.to_owned();
        for (case, costs) in cases.iter().zip(&costs).filter(|(case, _)| case.face == face) {
            table.push_str(&row(case, costs, factor, report));
        }
        report.section(title, &table);
    }
    Ok(())
}

/// What a case costs the server as each caller; what passes a limit is bold, and reported.
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

/// Sends a request again and again; what it costs each time.
fn measure(server: &Server, case: &Case, caller: Caller, repetitions: u32) -> io::Result<Cost> {
    let request = case.of(caller, server.key());
    let (memory, begun) = (server.forget_peak()?, Instant::now());
    let (mut sent, mut statuses, mut refused) = (0, BTreeSet::new(), true);
    let (mut cpu, mut means, mut in_batch) = (server.cpu()?, Vec::new(), 0);
    while sent < repetitions && (sent < AT_LEAST || begun.elapsed() < BUDGET) {
        if in_batch == BATCH {
            means.push(mean(server, &mut cpu, &mut in_batch)?);
        }
        (sent, in_batch) = (sent + 1, in_batch + 1);
        match request.send(server.address(), PATIENCE) {
            Ok(answer) => {
                statuses.insert(answer.status);
                let asked = case.refusal.filter(|_| caller == Caller::WithKey);
                refused &= asked.is_none_or(|refusal| refusal.is(&answer));
            }
            // Another one would wait as long.
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
    thread::sleep(AFTERMATH);
    let now = server.cpu()?;
    let spent = now.since(before).as_secs_f64() * 1000.0;
    let mean = spent / f64::from((*requests).max(1));
    (*before, *requests) = (now, 0);
    Ok(mean)
}

/// Sends so many requests of all cases and callers at once; whether memory is back where it was
/// before anything was measured.
pub fn mixed(
    server: &Server,
    cases: &[Case],
    requests: usize,
    before: f64,
    report: &mut Report,
) -> io::Result<()> {
    let all: Vec<(&Case, Caller)> =
        cases.iter().flat_map(|case| Caller::ALL.map(|caller| (case, caller))).collect();
    // A stride that meets them all, and neighbours in no order.
    let fails = |at: &usize| {
        let (case, caller) = all[at * 7919 % all.len()];
        let answer = case.of(caller, server.key()).send(server.address(), PATIENCE);
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
    if left > LEFT {
        report.fail(format!("{left:.1} MB are left of {requests} mixed attacks, more than {LEFT}"));
    }
    let text = format!(
        "{requests} of all of them mixed, {CLIENTS} at once, leave {left:.1} MB of memory (pages of files not \
         counted), {LEFT} at the most.\n"
    );
    report.section("What is left", &text);
    Ok(())
}

/// How much more memory the server holds than before, once it has had time to give it back.
fn memory_left(server: &Server, before: f64) -> io::Result<f64> {
    let (begun, mut least) = (Instant::now(), f64::INFINITY);
    while begun.elapsed() < GIVEN_BACK && least > LEFT {
        thread::sleep(Duration::from_millis(100));
        least = least.min(server.memory()?.held() - before);
    }
    Ok(least)
}
