//! `guichet contracts`: the GraphQL schema and the OpenAPI document as files.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, say};

#[derive(Args)]
pub(super) struct Arguments {
    /// Compare only: fail when a file differs from the code
    #[arg(long)]
    check: bool,
    /// Folder of the files
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.check {
        guichet::contracts::write(&arguments.dir)?;
        say("schema.graphql and openapi.json are written");
        return Ok(());
    }
    let stale = guichet::contracts::check(&arguments.dir)?;
    if stale.is_empty() {
        say("schema.graphql and openapi.json are up to date");
        return Ok(());
    }
    Err(Failure::new(format!("{} out of date: run `guichet contracts`", stale.join(" and "))))
}
