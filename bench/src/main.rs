//! The speed gate: guichet against handlers written by hand, on one seeded MariaDB.
//! See README.md beside this crate.

#![expect(clippy::print_stderr, reason = "a command line tells its failures there")]

mod child;
mod gate;
mod load;
mod shop;

use std::process::ExitCode;

use gate::{Case, Figures, Target};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Resident memory after the run, in MB.
const MEMORY: f64 = 40.0;
/// From start to the first answer, in milliseconds.
const START: f64 = 150.0;

/// What is measured, and by how much the product may be slower than the yardstick.
const CASES: &[Case] = &[
    Case::rest("one customer", "/api/application/customers/4321", Target::AtMost(1.15)),
    Case::rest("25 customers", "/api/application/customers?per_page=25", Target::AtMost(1.35)),
    Case::rest(
        "25 products, prices",
        "/api/application/products?per_page=25&include=pricing",
        Target::AtMost(1.35),
    ),
    Case::rest("one product", "/api/application/products/321", Target::Information),
    Case::graphql(
        "one customer (GraphQL)",
        "/api/application/customers/4321",
        include_str!("customer.graphql"),
    ),
    Case::graphql(
        "25 customers (GraphQL)",
        "/api/application/customers?per_page=25",
        include_str!("customers.graphql"),
    ),
    Case::graphql(
        "25 products (GraphQL)",
        "/api/application/products?per_page=25&include=pricing",
        include_str!("products.graphql"),
    ),
];

/// How much is asked.
struct Options {
    url: String,
    requests: usize,
    rounds: usize,
    only: Option<String>,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            url: "mysql://root@127.0.0.1:3306/guichet_bench".to_owned(),
            requests: 800,
            rounds: 25,
            only: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().unwrap_or_else(|| panic!("{name} takes a value"));
            match name.as_str() {
                "--database-url" => options.url = value,
                "--requests" => options.requests = value.parse().expect("a number of requests"),
                "--rounds" => options.rounds = value.parse().expect("a number of rounds"),
                "--only" => options.only = Some(value),
                _ => panic!("unknown argument {name}: see bench/README.md"),
            }
        }
        options
    }
}

fn main() -> ExitCode {
    let options = Options::read();
    let shop = shop::Shop::prepare(&options.url);
    let start = child::time_to_first_answer(&options.url, &shop.key);
    let product = child::Child::guichet(&options.url, &shop.key);
    let hand = child::Child::hand(&options.url, &shop.key);
    println!(
        "{} requests a round, {} rounds, medians; CPU of the server process\n",
        options.requests, options.rounds
    );
    println!("| case | guichet µs | by hand µs | ratio | at most | statements | by hand |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut met = true;
    for case in CASES.iter().filter(|case| options.only.as_ref().is_none_or(|only| case.name.contains(only)))
    {
        met &= report(case, case.measure(&product, &hand, &shop, &options));
    }
    let memory = product.memory();
    println!(
        "\nresident memory after the run: {memory:.1} MB (below {MEMORY}; by hand {:.1})",
        hand.memory()
    );
    println!("start to first answer: {start:.0} ms (within {START})");
    met &= memory < MEMORY && start <= START;
    drop((product, hand));
    shop.close();
    println!("{}", if met { "every target is met" } else { "A TARGET IS MISSED" });
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a row of the table; whether its targets are met.
fn report(case: &Case, figures: Option<Figures>) -> bool {
    let Some(Figures { product, hand, ratio }) = figures else {
        println!("| {} | – | – | answers differ | | | |", case.name);
        return matches!(case.target, Target::Information);
    };
    let (limit, met) = match case.target {
        Target::AtMost(limit) => {
            (format!("{limit:.2}"), ratio <= limit && product.statements <= hand.statements + 0.02)
        }
        Target::Information => ("–".to_owned(), true),
    };
    println!(
        "| {} | {:.0} | {:.0} | {ratio:.2}{} | {limit} | {:.2} | {:.2} |",
        case.name,
        product.cpu,
        hand.cpu,
        if met { "" } else { " ✗" },
        product.statements,
        hand.statements,
    );
    met
}
