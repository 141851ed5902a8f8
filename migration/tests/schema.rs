//! The schema that the migration makes, compared with the one recorded from the original.
//!
//! SQLite runs always; MariaDB and PostgreSQL when `GUICHET_TEST_MYSQL` (`mysql://root@127.0.0.1:3306/`) and
//! `GUICHET_TEST_POSTGRES` (`postgres://postgres@127.0.0.1:5432/`) tell where they are.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use migration::SHOP;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement};
use serde_json::{Map, Value, json};

type Schema = BTreeMap<String, Value>;

/// The recorded schema without the one table that is left out.
fn golden() -> Schema {
    let text = include_str!("../../tests/golden/schema.json");
    let mut schema: Schema = serde_json::from_str(text).unwrap();
    schema.remove("migrations").unwrap();
    schema
}

async fn rows(db: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap()
}

fn text(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap()
}

/// Runs `work` in a database of its own and drops that, whatever comes out.
async fn in_scratch<W, O, F>(server: &str, work: W) -> O
where
    W: FnOnce(DatabaseConnection) -> F,
    F: Future<Output = O> + Send + 'static,
    O: Send + 'static,
{
    let name = format!("guichet_schema_{}", std::process::id());
    let url = format!("{}/{name}", server.trim_end_matches('/'));
    let server = Database::connect(server).await.unwrap();
    server.execute_unprepared(&format!("create database {name}")).await.unwrap();
    let db = Database::connect(url).await.unwrap();
    let outcome = tokio::spawn(work(db.clone())).await;
    db.close().await.unwrap();
    server.execute_unprepared(&format!("drop database {name}")).await.unwrap();
    outcome.unwrap()
}

#[tokio::test]
async fn sqlite_has_every_column() {
    let options = ConnectOptions::new("sqlite::memory:").max_connections(1).to_owned();
    let db = Database::connect(options).await.unwrap();
    SHOP.up(&db).await.unwrap();

    for (table, golden) in golden() {
        let found = rows(&db, &format!("select name from pragma_table_xinfo('{table}') order by cid")).await;
        let found: Vec<String> = found.iter().map(|row| text(row, "name")).collect();
        assert_eq!(found, column_names(&golden), "{table}");
    }

    SHOP.down(&db).await.unwrap();
    let left = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'";
    let left: Vec<String> = rows(&db, left).await.iter().map(|row| text(row, "name")).collect();
    assert_eq!(left, ["guichet_migrations"]);
}

#[tokio::test]
async fn a_shop_that_is_there_is_left_as_it_is() {
    let options = ConnectOptions::new("sqlite::memory:").max_connections(1).to_owned();
    let db = Database::connect(options).await.unwrap();
    SHOP.up(&db).await.unwrap();
    db.execute_unprepared("insert into settings (name, value) values ('app_name', 'Shop')").await.unwrap();
    db.execute_unprepared("drop table guichet_migrations").await.unwrap();

    SHOP.up(&db).await.unwrap();

    assert_eq!(rows(&db, "select name from settings").await.len(), 1);
}

#[tokio::test]
async fn mariadb_is_the_original_to_the_letter() {
    let Ok(server) = std::env::var("GUICHET_TEST_MYSQL") else { return };
    in_scratch(&server, |db| async move {
        SHOP.up(&db).await.unwrap();
        let mut found = mariadb_schema(&db).await;
        for index in migration::further_indexes(db.get_database_backend()) {
            let indexes = found.get_mut(index.table).unwrap()["indexes"].as_object_mut().unwrap();
            assert_eq!(indexes.remove(index.name).unwrap()["columns"], json!(index.columns));
        }
        for (table, golden) in golden() {
            assert_eq!(found.get(&table), Some(&golden), "{table}");
        }
        assert_eq!(found.len(), migration::tables().len());
        let options: Vec<_> =
            rows(&db, OPTIONS).await.iter().map(|row| (text(row, "e"), text(row, "c"))).collect();
        assert_eq!(options, [("InnoDB".to_owned(), "utf8mb4_unicode_ci".to_owned())]);

        SHOP.down(&db).await.unwrap();
        assert!(mariadb_schema(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn postgres_has_every_column() {
    let Ok(server) = std::env::var("GUICHET_TEST_POSTGRES") else { return };
    in_scratch(&server, |db| async move {
        SHOP.up(&db).await.unwrap();
        let found = postgres_columns(&db).await;
        for (table, golden) in golden() {
            let nulls = golden["columns"].as_array().unwrap().iter().map(|column| string(&column["null"]));
            let golden: Vec<_> = column_names(&golden).into_iter().zip(nulls).collect();
            assert_eq!(found.get(&table), Some(&golden), "{table}");
        }

        SHOP.down(&db).await.unwrap();
        let left = postgres_columns(&db).await;
        assert_eq!(left.keys().collect::<Vec<_>>(), ["guichet_migrations"]);
    })
    .await;
}

/// The columns of each table, with whether they may be null.
async fn postgres_columns(db: &DatabaseConnection) -> BTreeMap<String, Vec<(String, String)>> {
    let columns = "select table_name as t, column_name as c, is_nullable as n from information_schema.columns \
                   where table_schema = 'public' order by table_name, ordinal_position";
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows(db, columns).await {
        found.entry(text(&row, "t")).or_default().push((text(&row, "c"), text(&row, "n")));
    }
    found
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn column_names(table: &Value) -> Vec<String> {
    table["columns"].as_array().unwrap().iter().map(|column| string(&column["c"])).collect()
}

/// Reads MariaDB's schema into the form of `schema.json`.
async fn mariadb_schema(db: &DatabaseConnection) -> Schema {
    let mut schema = Schema::new();
    for row in rows(db, COLUMNS).await {
        let empty = || json!({"columns": [], "indexes": {}, "foreign_keys": []});
        let table = schema.entry(text(&row, "t")).or_insert_with(empty);
        table["columns"].as_array_mut().unwrap().push(column(&row));
    }
    for row in rows(db, INDEXES).await {
        let indexes = schema.get_mut(&text(&row, "t")).unwrap()["indexes"].as_object_mut().unwrap();
        let unique = text(&row, "non_unique") == "0";
        let index =
            indexes.entry(text(&row, "name")).or_insert_with(|| json!({"unique": unique, "columns": []}));
        index["columns"].as_array_mut().unwrap().push(text(&row, "c").into());
    }
    for row in rows(db, FOREIGN_KEYS).await {
        let keys = &mut schema.get_mut(&text(&row, "t")).unwrap()["foreign_keys"];
        keys.as_array_mut().unwrap().push(json!({
            "column": text(&row, "c"), "references": text(&row, "r"), "on_delete": text(&row, "rule"),
        }));
    }
    schema
}

const OPTIONS: &str = "select distinct engine as e, table_collation as c from information_schema.tables \
    where table_schema = database() and table_name <> 'guichet_migrations'";

const COLUMNS: &str = "select table_name as t, column_name as c, column_type as type, is_nullable as `null`, \
    column_default as `default`, extra, generation_expression as gen from information_schema.columns \
    where table_schema = database() and table_name <> 'guichet_migrations' order by table_name, ordinal_position";

const INDEXES: &str = "select table_name as t, index_name as name, cast(non_unique as char) as non_unique, \
    column_name as c from information_schema.statistics \
    where table_schema = database() and table_name <> 'guichet_migrations' order by table_name, name, seq_in_index";

const FOREIGN_KEYS: &str = "select k.table_name as t, k.column_name as c, \
    concat(k.referenced_table_name, '.', k.referenced_column_name) as r, f.delete_rule as rule \
    from information_schema.key_column_usage k join information_schema.referential_constraints f \
    on f.constraint_schema = k.table_schema and f.constraint_name = k.constraint_name \
    where k.table_schema = database() order by k.table_name, k.column_name";

/// A column in the form of `schema.json`, which leaves out what is empty.
fn column(row: &QueryResult) -> Value {
    let optional = |name| row.try_get::<Option<String>>("", name).unwrap().filter(|text| !text.is_empty());
    let mut column = Map::new();
    for key in ["c", "type", "null", "default", "extra", "gen"] {
        if let Some(text) = optional(key) {
            column.insert(key.to_owned(), text.into());
        }
    }
    column.into()
}
