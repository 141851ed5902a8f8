//! `guichet migrate`: the schema, one line for each step.

use crate::config::Config;
use crate::database;
use clap::{Args, Subcommand};
use migration::{Migrator, MigratorTrait};
use sea_orm::sea_query::{Alias, IntoIden, Table};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{Failure, open, say};

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
        Action::Up => up(&database::connect_or_create(config).await?).await,
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

/// Applies the missing migrations one by one.
pub(super) async fn up(db: &DatabaseConnection) -> Result<(), Failure> {
    let missing = Migrator::get_pending_migrations(db).await?;
    if missing.is_empty() {
        say("nothing to do: the schema is current");
    }
    for step in &missing {
        Migrator::up(db, Some(1)).await?;
        say(&format!("applied  {}", step.name()));
    }
    Ok(())
}

/// Drops the tables that the migrations make, and their book; a table of another program stays.
async fn drop_tables(db: &DatabaseConnection) -> Result<(), Failure> {
    let book = Migrator::migration_table_name();
    for table in migration::tables().into_iter().rev().map(Alias::new).map(IntoIden::into_iden).chain([book])
    {
        let name = table.to_string();
        db.execute(Table::drop().if_exists().table(table)).await?;
        say(&format!("dropped  {name}"));
    }
    Ok(())
}

async fn status(db: &DatabaseConnection) -> Result<(), Failure> {
    for step in Migrator::get_applied_migrations_read_only(db).await? {
        say(&format!("applied  {}", step.name()));
    }
    for step in Migrator::get_pending_migrations_read_only(db).await? {
        say(&format!("missing  {}", step.name()));
    }
    Ok(())
}
