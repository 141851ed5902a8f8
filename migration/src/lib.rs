//! The shop's schema on SQLite, MariaDB/MySQL and PostgreSQL.
//!
//! The tables are described once, by area, in the words of `table.rs`; `ddl.rs` writes them down for each
//! database. On MariaDB the result is the original's schema to the letter (`tests/golden/schema.json`), with further indexes
//! ([`further_indexes`]) and without Laravel's own `migrations` table: [`SHOP`] keeps its records in `guichet_migrations`, so that
//! both can live side by side.

mod accounts;
mod billing;
mod ddl;
mod helpdesk;
mod m20261124_000001_shop;
mod m20261130_000001_indexes;
mod migrator;
mod own;
mod sharing;
mod store;
mod system;
mod table;

pub use ddl::quoted;
pub use migrator::{Error, Migrator, Step};
pub use own::{OWN, OWN_TABLES, has_outbox, may_restrict_keys, may_rotate_keys, may_sign_in};
use sea_orm::DbBackend;

use crate::table::Table;

/// Brings a database to the current schema.
pub const SHOP: Migrator = Migrator {
    table: "guichet_migrations",
    steps: &[m20261124_000001_shop::SHOP, m20261130_000001_indexes::INDEXES],
};

/// Names of all tables of the shop, each after those to which it refers: fill in this order, empty in the
/// reverse one.
#[must_use]
pub fn tables() -> Vec<&'static str> {
    shop().iter().map(|table| table.name).collect()
}

/// One table of the shop, as a database is expected to have it.
pub struct ExpectedTable {
    /// Its name.
    pub name: &'static str,
    /// Its columns in their order.
    pub columns: Vec<ExpectedColumn>,
}

/// One column of an [`ExpectedTable`].
pub struct ExpectedColumn {
    /// Its name.
    pub name: &'static str,
    /// Its type, as the migration writes it for that kind of database.
    pub kind: String,
    /// Most characters of a text.
    pub max_length: Option<usize>,
    /// Whether it is computed from other columns: nothing can be written to it.
    pub generated: bool,
    /// Whether the database numbers the rows with it.
    pub counts_up: bool,
}

/// What a kind of database is expected to hold.
#[must_use]
pub fn expected(backend: DbBackend) -> Vec<ExpectedTable> {
    let column = |column: &table::Column| ExpectedColumn {
        name: column.name,
        kind: ddl::type_of(backend, column.kind),
        max_length: column.kind.max_length(),
        generated: column.generated.is_some(),
        counts_up: matches!(column.kind, table::Kind::Id),
    };
    let table = |table: &Table| ExpectedTable {
        name: table.name,
        columns: table.columns.iter().map(column).collect(),
    };
    shop().iter().map(table).collect()
}

/// An index that the original's schema lacks, for what people ask of a large shop.
pub struct FurtherIndex {
    /// Its name.
    pub name: &'static str,
    /// Its table.
    pub table: &'static str,
    /// Names of its columns in their order.
    pub columns: Vec<&'static str>,
    /// What it is for.
    pub helps: &'static str,
    /// The statement that creates it.
    pub create: String,
    /// The statement that drops it.
    pub drop: String,
}

/// The indexes that the original's schema lacks, for a kind of database.
#[must_use]
pub fn further_indexes(backend: DbBackend) -> Vec<FurtherIndex> {
    let of = |table: &Table| {
        let index = |index: &table::FurtherIndex| FurtherIndex {
            name: index.name,
            table: table.name,
            columns: index.columns.iter().map(|column| column.trim_end_matches(" desc")).collect(),
            helps: index.helps,
            create: ddl::create_further(backend, table, index),
            drop: ddl::drop_further(backend, table, index),
        };
        table.further.iter().map(index).collect::<Vec<_>>()
    };
    shop().iter().flat_map(of).collect()
}

fn shop() -> Vec<Table> {
    let areas =
        [accounts::tables, store::tables, billing::tables, sharing::tables, helpdesk::tables, system::tables];
    areas.iter().flat_map(|tables| tables()).collect()
}
