//! `guichet man`: the man pages, one for the program and one for each command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, Utc};
use clap::{Args, Command};
use clap_mangen::Man;

use super::{Failure, say};

#[derive(Args)]
pub(super) struct Arguments {
    /// Folder of the pages, made if it is not there
    folder: PathBuf,
    /// Day that the pages are of; without it today
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<NaiveDate>,
}

pub(super) fn run(arguments: &Arguments, program: Command) -> Result<(), Failure> {
    let date = arguments.date.unwrap_or_else(|| Utc::now().date_naive());
    fs::create_dir_all(&arguments.folder)?;
    // `help` would have a page for each command again.
    let mut program = program.disable_help_subcommand(true);
    program.build();
    write(program, &arguments.folder, date)?;
    say(&format!("the pages are in {}", arguments.folder.display()));
    Ok(())
}

/// Writes the page of a command and those of the commands below it.
fn write(command: Command, folder: &Path, date: NaiveDate) -> io::Result<()> {
    for inner in command.get_subcommands().cloned() {
        write(inner, folder, date)?;
    }
    let source = concat!("guichet ", env!("CARGO_PKG_VERSION"));
    Man::new(command).date(date.to_string()).source(source).generate_to(folder).map(drop)
}
