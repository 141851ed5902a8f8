//! Customers: for REST, and with the columns of the documents.

use std::sync::Arc;

use axum::extract::{Path, Query as Parameters, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use sqlx::{Database, Error};

use crate::app::App;
use crate::auth::Caller;
use crate::cells::Cells;
use crate::failure::Failure;
use crate::graphql::Nodes;
use crate::page::{PagePosition, Query, number_of, total};
use crate::sql::{Dialect, Sql};
use crate::store::{Store, Value};
use crate::time::Moment;
use crate::{answer, json, phone};

/// Columns of [`Customer`], in its order.
pub const COLUMNS: &str = "id, firstname, lastname, email, avatar_path, company_name, billing_details, locale, \
    phone, address, address2, city, country, region, zipcode, email_verified_at, balance, last_login, \
    is_confirmed, is_deleted, deleted_at, dark_mode, notes, created_at, gdpr_compliment, security_question_id";

/// Position of `updated_at` of a single customer, after [`COLUMNS`].
const CHANGED_COLUMN: usize = 26;

/// Columns of [`Node`], in its order.
const NODE: &str = "id, firstname, lastname, email, company_name, locale, address, city, country, region, \
    zipcode, created_at";

/// A customer of REST.
#[derive(Serialize)]
pub struct Customer<'r> {
    id: i64,
    firstname: &'r str,
    lastname: &'r str,
    email: &'r str,
    avatar_path: Option<&'r str>,
    company_name: Option<&'r str>,
    billing_details: Option<&'r str>,
    locale: &'r str,
    phone: Option<&'r str>,
    address: &'r str,
    address2: Option<&'r str>,
    city: &'r str,
    country: &'r str,
    region: &'r str,
    zipcode: &'r str,
    email_verified_at: Option<Moment>,
    #[serde(serialize_with = "json::amount")]
    balance: f64,
    last_login: Option<Moment>,
    #[serde(serialize_with = "json::flag")]
    is_confirmed: bool,
    #[serde(serialize_with = "json::flag")]
    is_deleted: bool,
    deleted_at: Option<Moment>,
    #[serde(serialize_with = "json::flag")]
    dark_mode: bool,
    notes: Option<&'r str>,
    created_at: Option<Moment>,
    #[serde(serialize_with = "json::flag")]
    gdpr_compliment: bool,
    security_question_id: Option<i64>,
}

impl<'r> Customer<'r> {
    pub fn read(row: &'r impl Cells) -> Result<Self, Error> {
        let moment = |at| Ok::<_, Error>(row.time_or_null(at)?.map(Moment::from_local));
        Ok(Self {
            id: row.int(0)?,
            firstname: row.text(1)?,
            lastname: row.text(2)?,
            email: row.text(3)?,
            avatar_path: row.text_or_null(4)?,
            company_name: row.text_or_null(5)?,
            billing_details: row.text_or_null(6)?,
            locale: row.text(7)?,
            phone: row.text_or_null(8)?.filter(|text| phone::is_number(text)),
            address: row.text(9)?,
            address2: row.text_or_null(10)?,
            city: row.text(11)?,
            country: row.text(12)?,
            region: row.text(13)?,
            zipcode: row.text(14)?,
            email_verified_at: moment(15)?,
            balance: row.double(16)?,
            last_login: moment(17)?,
            is_confirmed: row.flag(18)?,
            is_deleted: row.flag(19)?,
            deleted_at: moment(20)?,
            dark_mode: row.flag(21)?,
            notes: row.text_or_null(22)?,
            created_at: moment(23)?,
            gdpr_compliment: row.flag(24)?,
            security_question_id: row.int_or_null(25)?,
        })
    }
}

/// A customer of the documents.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'r> {
    database_id: i64,
    firstname: &'r str,
    lastname: &'r str,
    email: &'r str,
    company_name: Option<&'r str>,
    locale: &'r str,
    address: &'r str,
    city: &'r str,
    country: &'r str,
    region: &'r str,
    zipcode: &'r str,
    created_at: Option<Moment>,
}

impl<'r> Node<'r> {
    fn read(row: &'r impl Cells) -> Result<Self, Error> {
        Ok(Self {
            database_id: row.int(0)?,
            firstname: row.text(1)?,
            lastname: row.text(2)?,
            email: row.text(3)?,
            company_name: row.text_or_null(4)?,
            locale: row.text(5)?,
            address: row.text(6)?,
            city: row.text(7)?,
            country: row.text(8)?,
            region: row.text(9)?,
            zipcode: row.text(10)?,
            created_at: row.time_or_null(11)?.map(Moment::from_local),
        })
    }
}

/// The statements that find customers.
pub struct Statements {
    one: Sql,
    page: Sql,
    count: Sql,
    node: Sql,
    nodes: Sql,
}

impl Statements {
    pub fn new(dialect: Dialect) -> Self {
        let one = |columns: &str| {
            let text = format!("SELECT {columns} FROM customers WHERE deleted_at IS NULL AND id = ? LIMIT 1");
            Sql::new(dialect, &text)
        };
        let page = |columns: &str| {
            let condition = "deleted_at IS NULL ORDER BY id LIMIT ? OFFSET ?";
            Sql::new(dialect, &format!("SELECT {columns} FROM customers WHERE {condition}"))
        };
        Self {
            one: one(&format!("{COLUMNS}, updated_at")),
            page: page(COLUMNS),
            count: Sql::new(dialect, "SELECT COUNT(*) FROM customers WHERE deleted_at IS NULL"),
            node: one(NODE),
            nodes: page(NODE),
        }
    }
}

/// `GET /api/application/customers`
pub async fn list<S: Store>(
    State(app): State<Arc<App<S>>>,
    caller: Caller,
    Parameters(query): Parameters<Query>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    caller.may(&["customers:index"])?;
    let expected = query.rows() + 1;
    app.limits.take(caller.account(), expected)?;
    let rows = page::<S>(&app, &app.statements.customers.page, query.per_page, query.offset()).await?;
    let total = total(&query, rows.len(), count(&app)).await?;
    let data = rows.iter().map(Customer::read).collect::<Result<Vec<_>, _>>()?;
    let body = PagePosition::new(&headers, &uri, &query, total).wrapped(data);
    let standing = app.limits.settle(caller.account(), expected, number_of(&rows) + 1);
    answer::rest(&body, standing)
}

/// `GET /api/application/customers/{id}`
pub async fn show<S: Store>(
    State(app): State<Arc<App<S>>>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Response, Failure> {
    caller.may(&["customers:show"])?;
    app.limits.take(caller.account(), 2)?;
    let row = one::<S>(&app, &app.statements.customers.one, id).await?.ok_or(Failure::NotFound)?;
    let standing = app.limits.settle(caller.account(), 2, 2);
    let mut response = answer::rest(&Customer::read(&row)?, standing)?;
    if let Some(changed) = row.time_or_null(CHANGED_COLUMN)? {
        answer::last_modified(response.headers_mut(), Moment::from_local(changed));
    }
    Ok(response)
}

/// `customer(id)`.
#[derive(Serialize)]
struct SingleData<'r> {
    customer: Option<Node<'r>>,
}

/// Answers the document that asks for one customer.
pub async fn graphql_one<S: Store>(app: &App<S>, caller: &Caller, id: i64) -> Result<Response, Failure> {
    caller.may(&["customers:show", "customers:index"])?;
    app.limits.take(caller.account(), 2)?;
    let row = one::<S>(app, &app.statements.customers.node, id).await?;
    let customer = row.as_ref().map(Node::read).transpose()?;
    let standing = app.limits.settle(caller.account(), 2, 2);
    answer::graphql(&SingleData { customer }, standing)
}

/// `customers(page, perPage)`.
#[derive(Serialize)]
struct ListData<'r> {
    customers: Nodes<Node<'r>>,
}

/// Answers the document that asks for a page of customers.
pub async fn graphql_page<S: Store>(
    app: &App<S>,
    caller: &Caller,
    query: Query,
) -> Result<Response, Failure> {
    caller.may(&["customers:index"])?;
    let expected = query.rows() + 2;
    app.limits.take(caller.account(), expected)?;
    let rows = page::<S>(app, &app.statements.customers.nodes, query.per_page, query.offset()).await?;
    let total_count = total(&query, rows.len(), count(app)).await?;
    let nodes = rows.iter().map(Node::read).collect::<Result<Vec<_>, _>>()?;
    let standing = app.limits.settle(caller.account(), expected, number_of(&rows) + 2);
    answer::graphql(&ListData { customers: Nodes { total_count, nodes } }, standing)
}

async fn one<S: Store>(app: &App<S>, sql: &Sql, id: i64) -> Result<Option<<S as Database>::Row>, Error> {
    let mut connection = app.pool.acquire().await?;
    Ok(S::rows(&mut connection, sql, &[Value::Int(id)]).await?.pop())
}

async fn page<S: Store>(
    app: &App<S>,
    sql: &Sql,
    rows: i64,
    offset: i64,
) -> Result<Vec<<S as Database>::Row>, Error> {
    let mut connection = app.pool.acquire().await?;
    S::rows(&mut connection, sql, &[Value::Int(rows), Value::Int(offset)]).await
}

async fn count<S: Store>(app: &App<S>) -> Result<i64, Error> {
    let counted = async {
        let mut connection = app.pool.acquire().await?;
        S::rows(&mut connection, &app.statements.customers.count, &[]).await?[0].int(0)
    };
    app.totals.get_or_load("customers", counted).await
}
