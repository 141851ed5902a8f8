//! The command line: reads the arguments, runs one command, turns its failure into one line on
//! standard error and an exit code (0 done, 1 failed, 2 wrong usage).

mod command;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match command::run(command::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nowhere is left to report that standard error is closed.
            let _ = writeln!(io::stderr(), "guichet: {failure}");
            ExitCode::from(failure.code)
        }
    }
}
