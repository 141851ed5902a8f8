//! Customers with their services and products, invoices and items: one statement for each of the five levels.

use std::collections::HashMap;

use axum::response::Response;
use chrono::NaiveDate;
use serde::Serialize;
use sqlx::{Database, Error};

use crate::app::App;
use crate::auth::Caller;
use crate::cells::Cells;
use crate::failure::Failure;
use crate::page::{Query, number_of};
use crate::sql::{Dialect, Sql};
use crate::store::{Store, Value};
use crate::time::Moment;
use crate::{answer, json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customer<'r> {
    database_id: i64,
    firstname: &'r str,
    lastname: &'r str,
    email: &'r str,
    services: List<Service<'r>>,
    invoices: List<Invoice<'r>>,
}

/// A list inside a record: a connection of which only the rows are selected.
#[derive(Serialize)]
struct List<T> {
    nodes: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service<'r> {
    database_id: i64,
    name: &'r str,
    #[serde(serialize_with = "json::word")]
    status: &'r str,
    r#type: &'r str,
    #[serde(serialize_with = "json::word")]
    billing: &'r str,
    currency: &'r str,
    expires_at: Option<Moment>,
    product: Option<Product<'r>>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Product<'r> {
    database_id: i64,
    name: &'r str,
    r#type: &'r str,
    #[serde(serialize_with = "json::word")]
    status: &'r str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invoice<'r> {
    database_id: i64,
    #[serde(serialize_with = "json::word")]
    status: &'r str,
    total: Money,
    currency: &'r str,
    due_date: NaiveDate,
    created_at: Option<Moment>,
    items: Vec<Item<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'r> {
    database_id: i64,
    name: &'r str,
    quantity: i64,
}

#[derive(Serialize)]
struct Money {
    #[serde(serialize_with = "json::amount")]
    amount: f64,
}

/// `customers(page, perPage)` without a total.
#[derive(Serialize)]
struct ListData<'r> {
    customers: Page<'r>,
}

#[derive(Serialize)]
struct Page<'r> {
    nodes: Vec<Customer<'r>>,
}

/// The statements of the five levels.
pub struct Statements {
    customers: Sql,
    services: Sql,
    products: Sql,
    invoices: Sql,
    items: Sql,
}

impl Statements {
    pub fn new(dialect: Dialect) -> Self {
        let sql = |text: &str| Sql::new(dialect, text);
        Self {
            customers: sql("SELECT id, firstname, lastname, email FROM customers \
                            WHERE deleted_at IS NULL ORDER BY id LIMIT ? OFFSET ?"),
            services: sql("SELECT customer_id, product_id, id, name, status, type, billing, currency, \
                           expires_at FROM services \
                           WHERE customer_id IN (?) AND deleted_at IS NULL AND status <> 'hidden' ORDER BY id"),
            products: sql("SELECT id, name, type, status FROM products \
                           WHERE id IN (?) AND deleted_at IS NULL"),
            invoices: sql("SELECT customer_id, id, status, total, currency, due_date, created_at \
                           FROM invoices WHERE customer_id IN (?) AND deleted_at IS NULL ORDER BY id"),
            items: sql("SELECT invoice_id, id, name, quantity \
                        FROM invoice_items WHERE invoice_id IN (?) AND deleted_at IS NULL ORDER BY id"),
        }
    }
}

/// The rows of the five levels.
struct Rows<R> {
    customers: Vec<R>,
    services: Vec<R>,
    products: Vec<R>,
    invoices: Vec<R>,
    items: Vec<R>,
}

impl<R: Cells> Rows<R> {
    /// The number of objects in the answer; each service has a product.
    fn number(&self) -> u32 {
        let levels = [&self.customers, &self.services, &self.services, &self.invoices, &self.items];
        levels.into_iter().map(|rows| number_of(rows)).sum()
    }
}

/// Answers the document for customers with all their relations.
pub async fn graphql<S: Store>(app: &App<S>, caller: &Caller, query: Query) -> Result<Response, Failure> {
    caller.may(&["customers:index"])?;
    caller.may(&["services:index"])?;
    caller.may(&["invoices:index"])?;
    // A hundred services and invoices of each customer, and ten items.
    let expected = 2 + query.rows() * (1 + 1 + 100 * 2 + 1 + 100 * 11);
    app.limits.take(caller.account(), expected)?;
    let rows = rows::<S>(app, &query).await?;
    let nodes = nodes(&rows)?;
    let standing = app.limits.settle(caller.account(), expected, rows.number() + 2);
    answer::graphql(&ListData { customers: Page { nodes } }, standing)
}

async fn rows<S: Store>(app: &App<S>, query: &Query) -> Result<Rows<<S as Database>::Row>, Error> {
    let statements = &app.statements.tree;
    let mut connection = app.pool.acquire().await?;
    let page = [Value::Int(query.per_page), Value::Int(query.offset())];
    let customers = S::rows(&mut connection, &statements.customers, &page).await?;
    let ids = keys(&customers, 0)?;
    let services = of::<S>(&mut connection, &statements.services, &ids).await?;
    let mut sold = keys(&services, 1)?;
    sold.sort_unstable();
    sold.dedup();
    let products = of::<S>(&mut connection, &statements.products, &sold).await?;
    let invoices = of::<S>(&mut connection, &statements.invoices, &ids).await?;
    let items = of::<S>(&mut connection, &statements.items, &keys(&invoices, 1)?).await?;
    Ok(Rows { customers, services, products, invoices, items })
}

/// The rows that a statement finds for these keys.
async fn of<S: Store>(
    connection: &mut S::Connection,
    sql: &Sql,
    keys: &[i64],
) -> Result<Vec<<S as Database>::Row>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    S::rows(connection, sql, &[Value::Keys(keys)]).await
}

/// The keys in a column that are not null.
fn keys(rows: &[impl Cells], at: usize) -> Result<Vec<i64>, Error> {
    rows.iter().filter_map(|row| row.int_or_null(at).transpose()).collect()
}

fn nodes<R: Cells>(rows: &Rows<R>) -> Result<Vec<Customer<'_>>, Error> {
    let products = products(&rows.products)?;
    let mut services = services(&rows.services, &products)?;
    let mut items = items(&rows.items)?;
    let mut invoices = invoices(&rows.invoices, &mut items)?;
    rows.customers
        .iter()
        .map(|row| {
            let id = row.int(0)?;
            Ok(Customer {
                database_id: id,
                firstname: row.text(1)?,
                lastname: row.text(2)?,
                email: row.text(3)?,
                services: List { nodes: services.remove(&id).unwrap_or_default() },
                invoices: List { nodes: invoices.remove(&id).unwrap_or_default() },
            })
        })
        .collect()
}

fn products<'r, R: Cells>(rows: &'r [R]) -> Result<HashMap<i64, Product<'r>>, Error> {
    let product = |row: &'r R| {
        let product = Product {
            database_id: row.int(0)?,
            name: row.text(1)?,
            r#type: row.text(2)?,
            status: row.text(3)?,
        };
        Ok((product.database_id, product))
    };
    rows.iter().map(product).collect()
}

/// The services of each customer.
fn services<'r>(
    rows: &'r [impl Cells],
    products: &HashMap<i64, Product<'r>>,
) -> Result<HashMap<i64, Vec<Service<'r>>>, Error> {
    lists(rows, |row| {
        Ok(Service {
            database_id: row.int(2)?,
            name: row.text(3)?,
            status: row.text(4)?,
            r#type: row.text(5)?,
            billing: row.text(6)?,
            currency: row.text(7)?,
            expires_at: row.time_or_null(8)?.map(Moment::from_local),
            product: row.int_or_null(1)?.and_then(|id| products.get(&id).copied()),
        })
    })
}

/// The invoices of each customer.
fn invoices<'r>(
    rows: &'r [impl Cells],
    items: &mut HashMap<i64, Vec<Item<'r>>>,
) -> Result<HashMap<i64, Vec<Invoice<'r>>>, Error> {
    lists(rows, |row| {
        let id = row.int(1)?;
        Ok(Invoice {
            database_id: id,
            status: row.text(2)?,
            total: Money { amount: row.double(3)? },
            currency: row.text(4)?,
            due_date: row.day(5)?,
            created_at: row.time_or_null(6)?.map(Moment::from_local),
            items: items.remove(&id).unwrap_or_default(),
        })
    })
}

/// The items of each invoice.
fn items(rows: &[impl Cells]) -> Result<HashMap<i64, Vec<Item<'_>>>, Error> {
    lists(rows, |row| Ok(Item { database_id: row.int(1)?, name: row.text(2)?, quantity: row.int(3)? }))
}

/// Groups values by the key in the first column of their rows.
fn lists<'r, R: Cells, T>(
    rows: &'r [R],
    mut read: impl FnMut(&'r R) -> Result<T, Error>,
) -> Result<HashMap<i64, Vec<T>>, Error> {
    let mut lists: HashMap<i64, Vec<T>> = HashMap::new();
    for row in rows {
        lists.entry(row.int(0)?).or_default().push(read(row)?);
    }
    Ok(lists)
}
