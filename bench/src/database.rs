//! The databases that are measured on.

use std::path::Path;

use sea_orm::DbBackend;

/// A kind of database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Database {
    MySql,
    Postgres,
    Sqlite,
}

impl Database {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 3] = [Self::MySql, Self::Postgres, Self::Sqlite];

    /// The one that the command line names.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "mysql" => Self::MySql,
            "postgres" => Self::Postgres,
            "sqlite" => Self::Sqlite,
            _ => return None,
        })
    }

    /// Its name for humans.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "MariaDB",
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }

    /// Its kind, as the migration names it.
    pub fn backend(self) -> DbBackend {
        match self {
            Self::MySql => DbBackend::MySql,
            Self::Postgres => DbBackend::Postgres,
            Self::Sqlite => DbBackend::Sqlite,
        }
    }

    /// The statement that writes copies of rows of a table, without what is behind its name. `copied` gives the value of a column by
    /// its name and its name in quotes; a column without one has its default.
    pub fn copy(self, table: &str, copied: impl Fn(&str, &str) -> Option<String>) -> String {
        let mark = if self == Self::MySql { '`' } else { '"' };
        let expected = migration::expected(self.backend());
        let columns =
            expected.iter().filter(|expected| expected.name == table).flat_map(|table| &table.columns);
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in columns.filter(|column| !column.generated) {
            let name = format!("{mark}{}{mark}", column.name);
            if let Some(value) = copied(column.name, &name) {
                names.push(name);
                values.push(value);
            }
        }
        format!("INSERT INTO {table} ({}) SELECT {} FROM {table}", names.join(", "), values.join(", "))
    }

    /// SQL for texts one behind the other.
    pub fn joined(self, texts: &[&str]) -> String {
        if self == Self::MySql { format!("CONCAT({})", texts.join(", ")) } else { texts.join(" || ") }
    }

    /// The URL of a shop by the name of its database; a file is created in this folder. Connections are not encrypted: sqlx would encrypt with
    /// PostgreSQL, Node's driver would not.
    pub fn url(self, folder: &Path, name: &str) -> String {
        match self {
            Self::MySql => format!("mysql://root@127.0.0.1:3306/{name}"),
            Self::Postgres => format!("postgres://postgres@127.0.0.1:5432/{name}?sslmode=disable"),
            Self::Sqlite => format!("sqlite://{}?mode=rwc", folder.join(name).with_extension("db").display()),
        }
    }
}
