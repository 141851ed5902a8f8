//! `guichet migrate`: the schema, one line for each step.

use clap::{Args, Subcommand};
use migration::SHOP;
use sea_orm::sea_query::Table;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::doctor::{self, Contents};
use super::{Failure, open, say};
use crate::database;
use crate::platform::config::Config;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// Apply what is missing (the default); makes the file of an SQLite database
    Up,
    /// Show what is applied and what is missing
    Status,
    /// Drop every table of the shop, with all its rows, and start anew
    Fresh {
        /// Say that all rows may be lost
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    match arguments.action.unwrap_or(Action::Up) {
        Action::Up => {
            let db = database::connect_or_create(config).await?;
            refuse_other_tables(config, &db).await?;
            up(&db).await
        }
        Action::Status => status(&open(config).await?).await,
        Action::Fresh { force: false } => {
            Err(Failure::usage("`migrate fresh` drops every table of the shop: add --force to say so"))
        }
        Action::Fresh { force: true } => {
            let db = database::connect_or_create(config).await?;
            drop_tables(&db).await?;
            up(&db).await
        }
    }
}

/// Refuses a database that holds tables, none of which a migration has made: one of another program, or of a shop that the
/// original has made.
async fn refuse_other_tables(config: &Config, db: &DatabaseConnection) -> Result<(), Failure> {
    if !SHOP.applied(db).await?.is_empty() {
        return Ok(());
    }
    match doctor::contents(config, db).await? {
        Contents::Nothing => Ok(()),
        Contents::Shop(tables) | Contents::Another(tables) => Err(Failure::new(format!(
            "the database is not empty, it holds {}: `migrate` makes the shop's tables in an empty database; is it the right one?",
            doctor::listed(&tables)
        ))),
        Contents::Hidden(schema) => Err(Failure::of(schema)),
    }
}

/// Applies the missing migrations one by one.
pub(super) async fn up(db: &DatabaseConnection) -> Result<(), Failure> {
    let missing = SHOP.missing(db).await?;
    if missing.is_empty() {
        say("nothing to do: the schema is current");
    }
    for step in missing {
        SHOP.apply(db, step).await?;
        say(&format!("applied  {}", step.name));
    }
    Ok(())
}

/// Drops the tables that the migrations make, and the table that records them. Tables of other programs stay.
async fn drop_tables(db: &DatabaseConnection) -> Result<(), Failure> {
    for name in migration::tables().into_iter().rev().chain([SHOP.table]) {
        db.execute(Table::drop().if_exists().table(name)).await?;
        say(&format!("dropped  {name}"));
    }
    Ok(())
}

async fn status(db: &DatabaseConnection) -> Result<(), Failure> {
    for step in SHOP.applied(db).await? {
        say(&format!("applied  {}", step.name));
    }
    for step in SHOP.missing(db).await? {
        say(&format!("missing  {}", step.name));
    }
    Ok(())
}
