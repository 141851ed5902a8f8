//! Every entity reads and writes its table: the recorded rows, and a made-up one where a table has none.
//!
//! SQLite runs always; MariaDB and PostgreSQL when `GUICHET_TEST_MYSQL` (`mysql://root@127.0.0.1:3306/`) and
//! `GUICHET_TEST_POSTGRES` (`postgres://postgres@127.0.0.1:5432/`) tell where they are.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Debug;

use entity::value::{Amount, Decimal2, Flag, Id, Price, ShopDate, ShopTime};
use migration::SHOP;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait,
    IntoActiveModel, PrimaryKeyTrait,
};
use serde_json::Value;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Fills the tables: texts for every kind of column, which all three databases turn into what the column
/// holds.
async fn fill(db: &DatabaseConnection) {
    let schema = golden(include_str!("../../tests/golden/schema.json"));
    let data = golden(include_str!("../../tests/golden/data.json"));
    for table in migration::tables() {
        let (columns, rows) = match data.get(table) {
            Some(recorded) => (strings(&recorded["columns"]), recorded["rows"].as_array().unwrap().clone()),
            None => made_up(&schema[table]),
        };
        for row in rows {
            let sql = insert(db.get_database_backend(), table, &columns, row.as_array().unwrap());
            db.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// One row with a value in every column.
fn made_up(table: &Value) -> (Vec<String>, Vec<Value>) {
    let columns = table["columns"].as_array().unwrap().iter().filter(|column| column.get("gen").is_none());
    let cell = |column: &Value| (column["c"].as_str().unwrap().to_owned(), Value::from(sample(column)));
    let (names, row): (Vec<_>, Vec<_>) = columns.map(cell).unzip();
    (names, vec![row.into()])
}

fn sample(column: &Value) -> String {
    let kind = column["type"].as_str().unwrap();
    match kind.split(['(', ' ']).next().unwrap() {
        "timestamp" | "datetime" => "2026-07-01 12:00:00".to_owned(),
        "date" => "2026-07-01".to_owned(),
        "enum" => kind.split('\'').nth(1).unwrap().to_owned(),
        _ => "1".to_owned(),
    }
}

fn insert(backend: DbBackend, table: &str, columns: &[String], row: &[Value]) -> String {
    let mark = if backend == DbBackend::MySql { "`" } else { "\"" };
    let columns: Vec<_> = columns.iter().map(|column| format!("{mark}{column}{mark}")).collect();
    let row: Vec<_> = row.iter().map(|value| literal(backend, value)).collect();
    format!("insert into {mark}{table}{mark} ({}) values ({})", columns.join(","), row.join(","))
}

fn literal(backend: DbBackend, value: &Value) -> String {
    let text = match value {
        Value::Null => return "null".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = if backend == DbBackend::MySql { text.replace('\\', "\\\\") } else { text };
    format!("'{}'", text.replace('\'', "''"))
}

/// Reads all rows of an entity, writes them to another database and reads them there.
async fn copy<E>(from: &DatabaseConnection, to: &DatabaseConnection)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + PartialEq + Debug + Clone + Sync,
    E::ActiveModel: Send,
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: Debug,
{
    let table = E::default();
    let rows = E::find().all(from).await.unwrap_or_else(|error| panic!("{}: {error}", table.table_name()));
    assert!(!rows.is_empty(), "{}", table.table_name());
    for row in &rows {
        let active = row.clone().into_active_model().reset_all();
        E::insert(active).exec(to).await.unwrap_or_else(|error| panic!("{}: {error}", table.table_name()));
    }
    assert_eq!(in_order(E::find().all(to).await.unwrap()), in_order(rows), "{}", table.table_name());
}

/// The same order on both sides: PostgreSQL promises none.
fn in_order<M: Debug>(mut rows: Vec<M>) -> Vec<M> {
    rows.sort_by_cached_key(|row| format!("{row:?}"));
    rows
}

macro_rules! copy_each {
    ($from:expr, $to:expr, $($entity:ident),* $(,)?) => { $(copy::<entity::$entity::Entity>($from, $to).await;)* };
}

async fn copy_all(from: &DatabaseConnection, to: &DatabaseConnection) {
    copy_each!(
        from,
        to,
        security_question,
        customer,
        admin,
        customer_note,
        password_reset_token,
        personal_access_token,
        role,
        permission,
        permission_role,
        group,
        product,
        pricing,
        server,
        subdomains_host,
        config_option,
        config_options_option,
        config_options_product,
        coupon,
        coupon_product,
        coupon_usage,
        gateway,
        invoice,
        invoice_item,
        invoice_log,
        invoice_sequence,
        custom_item,
        cancellation_reason,
        service,
        service_renewal,
        config_options_service,
        subscription,
        upgrade,
        support_department,
        support_ticket,
        support_message,
        support_attachment,
        support_comment,
        setting,
        metadata,
        translation,
        action_log,
        action_log_entry,
        email_template,
        email_message,
    );
}

/// What the recorded rows say, in the terms of the entities.
async fn check_values(db: &DatabaseConnection) {
    let customer = entity::customer::Entity::find_by_id(Id(1)).one(db).await.unwrap().unwrap();
    assert_eq!(customer.balance, Amount(12.5));
    assert_eq!(customer.is_confirmed, Flag(true));
    assert_eq!(customer.created_at, Some(ShopTime("2025-10-22T10:00:00Z".parse().unwrap())));
    let product = entity::product::Entity::find_by_id(Id(1)).one(db).await.unwrap().unwrap();
    assert!(product.pinned);
    let pricing = entity::pricing::Entity::find_by_id(Id(1)).one(db).await.unwrap().unwrap();
    assert_eq!((pricing.monthly, pricing.setup_monthly), (Some(Price(2.99)), Some(Price(4.99))));
    assert_eq!((pricing.weekly, pricing.onetime, pricing.deleted_at), (None, None, None));
    let invoice = entity::invoice::Entity::find_by_id(Id(1)).one(db).await.unwrap().unwrap();
    assert_eq!(invoice.due_date, ShopDate("2026-08-05".parse().unwrap()));
    assert!((invoice.total - 15.56).abs() < f64::EPSILON);
    let item = entity::invoice_item::Entity::find_by_id(Id(1)).one(db).await.unwrap().unwrap();
    assert_eq!(item.related_id, Some(Id(2)));
    let gateway = entity::gateway::Entity::find_by_id(Id(1)).one(db).await.unwrap().unwrap();
    assert_eq!(gateway.minimal_amount, Decimal2(0.5));
}

/// A row without a key gets one; a renewal that is open keeps a second one out.
async fn check_writes(db: &DatabaseConnection) {
    let setting = entity::setting::ActiveModel {
        name: Set("app_name".to_owned()),
        value: Set("Shop".to_owned()),
        ..Default::default()
    };
    let setting = setting.insert(db).await.unwrap();
    assert!(setting.id > Id(0));
    assert_eq!(setting.created_at, None);

    let open = || entity::service_renewal::ActiveModel {
        service_id: Set(Id(4711)),
        invoice_id: Set(Id(1)),
        ..Default::default()
    };
    assert_eq!(open().insert(db).await.unwrap().status, "pending");
    assert!(open().insert(db).await.is_err());
}

async fn check(from: DatabaseConnection, to: DatabaseConnection) {
    SHOP.up(&from).await.unwrap();
    SHOP.up(&to).await.unwrap();
    fill(&from).await;
    check_values(&from).await;
    copy_all(&from, &to).await;
    from.close().await.unwrap();
    to.close().await.unwrap();
}

async fn memory() -> DatabaseConnection {
    Database::connect(ConnectOptions::new("sqlite::memory:").max_connections(1).to_owned()).await.unwrap()
}

#[tokio::test]
async fn sqlite() {
    check(memory().await, memory().await).await;
}

#[tokio::test]
async fn sqlite_fills_what_is_not_given() {
    let db = memory().await;
    SHOP.up(&db).await.unwrap();
    check_writes(&db).await;
}

/// Runs the checks in two databases of their own and drops these, whatever comes out.
async fn on_server(variable: &str) {
    let Ok(url) = std::env::var(variable) else { return };
    let server = Database::connect(&url).await.unwrap();
    let names = ["from", "to"].map(|end| format!("guichet_rows_{}_{end}", std::process::id()));
    for name in &names {
        server.execute_unprepared(&format!("create database {name}")).await.unwrap();
    }
    let [from, to] = names.clone().map(|name| format!("{}/{name}", url.trim_end_matches('/')));
    let outcome = tokio::spawn(async move {
        check_fresh(&to).await;
        check(Database::connect(from).await.unwrap(), Database::connect(to).await.unwrap()).await;
    })
    .await;
    for name in &names {
        let force = if variable.ends_with("POSTGRES") { " with (force)" } else { "" };
        server.execute_unprepared(&format!("drop database {name}{force}")).await.unwrap();
    }
    outcome.unwrap();
}

async fn check_fresh(url: &str) {
    let db = Database::connect(url).await.unwrap();
    SHOP.up(&db).await.unwrap();
    check_writes(&db).await;
    SHOP.down(&db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn mariadb() {
    on_server("GUICHET_TEST_MYSQL").await;
}

#[tokio::test]
async fn postgres() {
    on_server("GUICHET_TEST_POSTGRES").await;
}
