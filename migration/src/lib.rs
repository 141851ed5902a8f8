//! The shop's schema on SQLite, MariaDB/MySQL and PostgreSQL.
//!
//! The tables are described once, by area, in the words of `table.rs`; `ddl.rs` writes them down for each
//! database. On MariaDB the result is the original's schema to the letter (`tests/golden/schema.json`), apart
//! from Laravel's own `migrations` table: the [`Migrator`] keeps its books in `guichet_migrations`, so that
//! both can live side by side.

mod accounts;
mod billing;
mod ddl;
mod helpdesk;
mod m20261124_000001_shop;
mod sharing;
mod store;
mod system;
mod table;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, sea_query::DynIden, sea_query::IntoIden};

use crate::table::Table;

/// Brings a database to the current schema.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261124_000001_shop::Shop)]
    }

    fn migration_table_name() -> DynIden {
        "guichet_migrations".into_iden()
    }
}

/// Names of all tables of the shop, each after those to which it refers: fill in this order, empty in the
/// reverse one.
#[must_use]
pub fn tables() -> Vec<&'static str> {
    shop().iter().map(|table| table.name).collect()
}

fn shop() -> Vec<Table> {
    let areas =
        [accounts::tables, store::tables, billing::tables, sharing::tables, helpdesk::tables, system::tables];
    areas.iter().flat_map(|tables| tables()).collect()
}
