//! The regression check that does not depend on the machine: the number of instructions and of SQL statements for some
//! requests. See README.md beside this crate.

#![expect(clippy::print_stderr, reason = "a command line tells its failures there")]

mod ask;
mod count;
mod record;

use std::process::ExitCode;

use count::Shop;
use record::{Figures, Record};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Maximum increase over the recorded figure, in percent.
const TOLERANCE: f64 = 3.0;
/// Maximum difference between two counts of the same case, in percent.
const NOISE: f64 = 0.5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // This program starts itself with this argument, under callgrind.
        ["ask", database, key] => ask::ask(database, key),
        [] => gate(false),
        ["--write"] => gate(true),
        _ => {
            eprintln!("usage: instructions [--write]");
            ExitCode::FAILURE
        }
    }
}

/// Counts until the two smallest counts of each case agree, at most eight times.
fn agreeing(shop: &Shop) -> Vec<Vec<Figures>> {
    let mut counts = vec![shop.count(), shop.count()];
    while counts.len() < 8 && (0..ask::CASES.len()).any(|at| least(&counts, at).1 > NOISE) {
        counts.push(shop.count());
    }
    counts
}

/// The smallest count of a case, and the difference of the next one in percent.
fn least(counts: &[Vec<Figures>], at: usize) -> (Figures, f64) {
    let mut counted: Vec<Figures> = counts.iter().map(|figures| figures[at]).collect();
    counted.sort_by_key(|figures| figures.instructions);
    let noise = 100.0 * (counted[1].instructions as f64 / counted[0].instructions as f64 - 1.0);
    (counted[0], noise)
}

/// Counts every case at least twice, and compares it with the recorded figures, or records it.
fn gate(write: bool) -> ExitCode {
    let (shop, mut record, mut met) = (Shop::prepare(), Record::read(), true);
    println!(
        "| case | instructions | noise | recorded | | statements | recorded |\n|---|---:|---:|---:|---:|---:|---:|"
    );
    let counts = agreeing(&shop);
    for (at, case) in ask::CASES.iter().enumerate() {
        let (counted, noise) = least(&counts, at);
        let known = record.of(case.name);
        let more = 100.0 * (counted.instructions as f64 / known.instructions.max(1) as f64 - 1.0);
        let fits = noise <= NOISE && (write || more <= TOLERANCE && counted.statements <= known.statements);
        println!(
            "| {} | {} | {noise:.2} % | {} | {more:+.1} %{} | {} | {} |",
            case.name,
            counted.instructions,
            known.instructions,
            if fits { "" } else { " ✗" },
            counted.statements,
            known.statements,
        );
        met &= fits;
        record.put(case.name, counted);
    }
    if write {
        record.write();
    }
    println!("{}", if met { "as recorded" } else { "MORE THAN RECORDED: see bench/README.md" });
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
