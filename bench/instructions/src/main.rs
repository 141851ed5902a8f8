//! The regression gate that doesn't depend on the machine: how many instructions the server needs for some requests,
//! and how many statements. See README.md beside this crate.

#![expect(clippy::print_stderr, reason = "a command line tells its failures there")]

mod ask;
mod count;
mod record;

use std::process::ExitCode;

use count::Shop;
use record::{Figures, Record};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many parts of a hundred more than recorded are too many.
const TOLERANCE: f64 = 3.0;
/// How far two counts of the same case may lie apart, in parts of a hundred.
const NOISE: f64 = 0.5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // What this program starts itself, under callgrind.
        ["ask", database, key] => ask::ask(database, key),
        [] => gate(false),
        ["--write"] => gate(true),
        _ => {
            eprintln!("usage: instructions [--write]");
            ExitCode::FAILURE
        }
    }
}

/// Counts until the two least counts of each case agree, eight times at most.
fn agreeing(shop: &Shop) -> Vec<Vec<Figures>> {
    let mut counts = vec![shop.count(), shop.count()];
    while counts.len() < 8 && (0..ask::CASES.len()).any(|at| least(&counts, at).1 > NOISE) {
        counts.push(shop.count());
    }
    counts
}

/// The least count of a case, and how far the next one lies above it, in parts of a hundred.
fn least(counts: &[Vec<Figures>], at: usize) -> (Figures, f64) {
    let mut counted: Vec<Figures> = counts.iter().map(|figures| figures[at]).collect();
    counted.sort_by_key(|figures| figures.instructions);
    let noise = 100.0 * (counted[1].instructions as f64 / counted[0].instructions as f64 - 1.0);
    (counted[0], noise)
}

/// Counts every case at least twice, and holds it against what is recorded, or records it.
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
