//! The rows of a database and their changes: the part `db` of a recording.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

/// A cell as a MariaDB client prints it; `None` is NULL.
pub(crate) type Cell = Option<String>;
/// One row: its columns in the order of the schema.
pub(crate) type Row = Vec<Cell>;
/// Every table's rows by their key.
pub(crate) type Snapshot = BTreeMap<String, BTreeMap<String, Row>>;

/// The recorded shop's tables (`tests/golden/schema.json`).
pub(crate) static SCHEMA: LazyLock<BTreeMap<String, Table>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../golden/schema.json")).unwrap());

/// Recorded facts of one table.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    columns: Vec<Column>,
    #[serde(default)]
    indexes: BTreeMap<String, Index>,
}

/// Recorded facts of one column.
#[derive(Debug, Deserialize)]
pub(crate) struct Column {
    /// Its name.
    #[serde(rename = "c")]
    pub(crate) name: String,
    /// Its type in MariaDB.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Deserialize)]
struct Index {
    columns: Vec<String>,
}

impl Table {
    /// The identity of the row: its primary key, or the whole row if it has none.
    fn key(&self, cells: impl Fn(&str) -> Cell) -> String {
        let all = || self.columns.iter().map(|column| column.name.clone()).collect();
        let names: Vec<String> = self.indexes.get("PRIMARY").map_or_else(all, |index| index.columns.clone());
        names.iter().map(|name| cells(name).unwrap_or_default()).collect::<Vec<_>>().join("/")
    }

    /// Names of the columns, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Type of a column in MariaDB.
    pub(crate) fn kind(&self, column: &str) -> &str {
        self.columns.iter().find(|known| known.name == column).map_or("", |known| &known.kind)
    }
}

/// Reads every table in one statement.
pub(crate) async fn read(db: &DatabaseConnection, tables: &[String]) -> Result<Snapshot, DbErr> {
    let backend = db.get_database_backend();
    let parts: Vec<String> = tables.iter().map(|table| select(backend, table, &SCHEMA[table])).collect();
    let found = db.query_all_raw(Statement::from_string(backend, parts.join(" UNION ALL "))).await?;
    found
        .iter()
        .map(|line| {
            let table: String = line.try_get_by_index(0)?;
            let body: Option<String> = line.try_get_by_index(1)?;
            let rows = by_key(&SCHEMA[&table], &body.unwrap_or_else(|| "[]".to_owned()));
            Ok((table, rows))
        })
        .collect()
}

/// The tables of the recorded schema that this database has.
pub(crate) async fn tables(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        DbBackend::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
        _ => "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()",
    };
    let found = db.query_all_raw(Statement::from_string(backend, sql)).await?;
    let names: Result<Vec<String>, DbErr> = found.iter().map(|line| line.try_get_by_index(0)).collect();
    Ok(names?.into_iter().filter(|name| SCHEMA.contains_key(name)).collect())
}

fn select(backend: DbBackend, name: &str, table: &Table) -> String {
    let cells = |cast: &dyn Fn(String) -> String| {
        let cells: Vec<String> =
            table.columns.iter().map(|column| cast(quoted(backend, &column.name))).collect();
        cells.join(", ")
    };
    let rows = match backend {
        DbBackend::Sqlite => {
            format!("json_group_array(json_array({}))", cells(&|cell| format!("CAST({cell} AS TEXT)")))
        }
        DbBackend::Postgres => {
            format!("json_agg(to_json(ARRAY[{}]))::text", cells(&|cell| format!("{cell}::text")))
        }
        _ => {
            let cells = cells(&|cell| format!("CAST({cell} AS CHAR)"));
            format!("CAST(JSON_ARRAYAGG(JSON_ARRAY({cells})) AS CHAR)")
        }
    };
    format!("SELECT '{name}', {rows} FROM {}", quoted(backend, name))
}

/// A name as this database quotes it.
pub(crate) fn quoted(backend: DbBackend, name: &str) -> String {
    match backend {
        DbBackend::MySql => format!("`{name}`"),
        _ => format!("\"{name}\""),
    }
}

fn by_key(table: &Table, body: &str) -> BTreeMap<String, Row> {
    let rows: Vec<Row> = serde_json::from_str(body).unwrap();
    rows.into_iter().map(|row| (table.key(|name| cell(table, &row, name)), row)).collect()
}

fn cell(table: &Table, row: &Row, name: &str) -> Cell {
    let at = table.columns.iter().position(|column| column.name == name)?;
    row.get(at)?.clone()
}

/// One changed row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Table of the row.
    pub(crate) table: String,
    /// Its primary key.
    pub(crate) key: String,
    /// The change.
    pub(crate) act: Act,
}

/// A change of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// A new row with these cells.
    Insert(BTreeMap<String, Cell>),
    /// New values of these cells.
    Update(BTreeMap<String, Cell>),
    /// The row was deleted.
    Delete,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, act } = self;
        match act {
            Act::Insert(cells) => write!(f, "insert {table}/{key} {}", json!(cells)),
            Act::Update(cells) => write!(f, "update {table}/{key} {}", json!(cells)),
            Act::Delete => write!(f, "delete {table}/{key}"),
        }
    }
}

impl Change {
    /// A change as a recording spells it.
    pub(crate) fn recorded(line: &Json) -> Self {
        let name = line["table"].as_str().unwrap().to_owned();
        let table = &SCHEMA[&name];
        if let Some(row) = line["insert"].as_object() {
            let key = table.key(|column| row.get(column).and_then(text));
            return Self { table: name, key, act: Act::Insert(cells(row, text)) };
        }
        if let Some(row) = line["update"].as_object() {
            let key = text(&line["id"]).unwrap();
            return Self { table: name, key, act: Act::Update(cells(row, |pair| text(&pair[1]))) };
        }
        Self { table: name, key: text(&line["delete"]).unwrap(), act: Act::Delete }
    }
}

fn cells(row: &Map<String, Json>, value: impl Fn(&Json) -> Cell) -> BTreeMap<String, Cell> {
    row.iter().map(|(name, cell)| (name.clone(), value(cell))).collect()
}

fn text(value: &Json) -> Cell {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The changes from `before` to `after`, without the last use of keys.
pub(crate) fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut found = Vec::new();
    for (name, now) in after.iter().filter(|(name, _)| *name != "personal_access_tokens") {
        let (table, then) = (&SCHEMA[name], &before[name]);
        let change = |key: &String, act| Change { table: name.clone(), key: key.clone(), act };
        for (key, row) in now {
            match then.get(key) {
                None => found.push(change(key, Act::Insert(named(table, row, None)))),
                Some(old) if old != row => {
                    found.push(change(key, Act::Update(named(table, row, Some(old)))));
                }
                Some(_) => {}
            }
        }
        let gone = then.keys().filter(|key| !now.contains_key(*key));
        found.extend(gone.map(|key| change(key, Act::Delete)));
    }
    found
}

/// Cells by column name: all, or those that differ from the old row.
fn named(table: &Table, row: &Row, old: Option<&Row>) -> BTreeMap<String, Cell> {
    let cells = table.columns.iter().zip(row).enumerate();
    cells
        .filter(|(at, (_, cell))| old.is_none_or(|old| old[*at] != **cell))
        .map(|(_, (column, cell))| (column.name.clone(), cell.clone()))
        .collect()
}
