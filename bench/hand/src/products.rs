//! Products with their metadata and prices.

use std::collections::HashMap;
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
use crate::page::{PagePosition, Query, number_of, total};
use crate::sql::{Dialect, Sql};
use crate::store::{Store, Value};
use crate::time::Moment;
use crate::{answer, json};

/// Class name of products in polymorphic columns.
const MODEL: &str = "App\\Models\\Store\\Product";

#[derive(Serialize)]
struct Product<'r> {
    id: i64,
    name: &'r str,
    group_id: i64,
    status: &'r str,
    description: &'r str,
    pinned: bool,
    stock: i64,
    r#type: &'r str,
    sort_order: i64,
    created_at: Option<Moment>,
    updated_at: Option<Moment>,
    deleted_at: Option<Moment>,
    image: Option<&'r str>,
    metadata: Vec<Metadata<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Vec<Pricing<'r>>>,
}

impl<'r> Product<'r> {
    fn read(
        row: &'r impl Cells,
        metadata: Vec<Metadata<'r>>,
        pricing: Option<Vec<Pricing<'r>>>,
    ) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            name: row.text(1)?,
            group_id: row.int(2)?,
            status: row.text(3)?,
            description: row.text(4)?,
            pinned: row.flag(5)?,
            stock: row.int(6)?,
            r#type: row.text(7)?,
            sort_order: row.int(8)?,
            created_at: row.time_or_null(9)?.map(Moment::from_local),
            updated_at: row.time_or_null(10)?.map(Moment::from_local),
            deleted_at: row.time_or_null(11)?.map(Moment::from_local),
            image: row.text_or_null(12)?,
            metadata,
            pricing,
        })
    }
}

#[derive(Serialize)]
struct Metadata<'r> {
    id: i64,
    model_id: i64,
    model_type: &'r str,
    key: &'r str,
    value: Option<&'r str>,
    created_at: Option<Moment>,
    updated_at: Option<Moment>,
}

impl<'r> Metadata<'r> {
    fn read(row: &'r impl Cells) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            model_id: row.int(1)?,
            model_type: row.text(2)?,
            key: row.text(3)?,
            value: row.text_or_null(4)?,
            created_at: row.time_or_null(5)?.map(Moment::from_local),
            updated_at: row.time_or_null(6)?.map(Moment::from_local),
        })
    }
}

#[derive(Serialize)]
struct Pricing<'r> {
    id: i64,
    related_id: i64,
    related_type: &'r str,
    currency: &'r str,
    #[serde(serialize_with = "json::float")]
    weekly: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_weekly: Option<f64>,
    #[serde(serialize_with = "json::float")]
    onetime: Option<f64>,
    #[serde(serialize_with = "json::float")]
    monthly: Option<f64>,
    #[serde(serialize_with = "json::float")]
    quarterly: Option<f64>,
    #[serde(serialize_with = "json::float")]
    semiannually: Option<f64>,
    #[serde(serialize_with = "json::float")]
    annually: Option<f64>,
    #[serde(serialize_with = "json::float")]
    biennially: Option<f64>,
    #[serde(serialize_with = "json::float")]
    triennially: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_onetime: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_monthly: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_quarterly: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_semiannually: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_annually: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_biennially: Option<f64>,
    #[serde(serialize_with = "json::float")]
    setup_triennially: Option<f64>,
    deleted_at: Option<Moment>,
}

impl<'r> Pricing<'r> {
    fn read(row: &'r impl Cells) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            related_id: row.int(1)?,
            related_type: row.text(2)?,
            currency: row.text(3)?,
            weekly: row.double_or_null(4)?,
            setup_weekly: row.double_or_null(5)?,
            onetime: row.single_or_null(6)?,
            monthly: row.single_or_null(7)?,
            quarterly: row.single_or_null(8)?,
            semiannually: row.single_or_null(9)?,
            annually: row.single_or_null(10)?,
            biennially: row.single_or_null(11)?,
            triennially: row.single_or_null(12)?,
            setup_onetime: row.single_or_null(13)?,
            setup_monthly: row.single_or_null(14)?,
            setup_quarterly: row.single_or_null(15)?,
            setup_semiannually: row.single_or_null(16)?,
            setup_annually: row.single_or_null(17)?,
            setup_biennially: row.single_or_null(18)?,
            setup_triennially: row.single_or_null(19)?,
            deleted_at: row.time_or_null(20)?.map(Moment::from_local),
        })
    }
}

/// Columns of [`Product`], in its order.
const COLUMNS: &str = "id, name, group_id, status, description, pinned, stock, type, sort_order, created_at, \
    updated_at, deleted_at, image";

/// The statements that find products and their related rows.
pub struct Statements {
    one: Sql,
    page: Sql,
    count: Sql,
    metadata: Sql,
    pricing: Sql,
}

impl Statements {
    pub fn new(dialect: Dialect) -> Self {
        let sql = |text: &str| Sql::new(dialect, text);
        Self {
            one: sql(&format!("SELECT {COLUMNS} FROM products WHERE deleted_at IS NULL AND id = ? LIMIT 1")),
            page: sql(&format!(
                "SELECT {COLUMNS} FROM products WHERE deleted_at IS NULL ORDER BY id LIMIT ? OFFSET ?"
            )),
            count: sql("SELECT COUNT(*) FROM products WHERE deleted_at IS NULL"),
            // With the table's name before it, `key` is no reserved word in MariaDB.
            metadata: sql("SELECT id, model_id, model_type, metadata.key, value, created_at, updated_at \
                           FROM metadata WHERE model_type = ? AND model_id IN (?) ORDER BY id"),
            pricing: sql("SELECT id, related_id, related_type, currency, weekly, setup_weekly, onetime, \
                          monthly, quarterly, semiannually, annually, biennially, triennially, setup_onetime, \
                          setup_monthly, setup_quarterly, setup_semiannually, setup_annually, \
                          setup_biennially, setup_triennially, deleted_at FROM pricings \
                          WHERE related_type = 'product' AND deleted_at IS NULL AND related_id IN (?) \
                          ORDER BY id"),
        }
    }
}

/// Rows of products and their related rows.
struct Rows<R> {
    products: Vec<R>,
    metadata: Vec<R>,
    pricing: Option<Vec<R>>,
}

impl<R: Cells> Rows<R> {
    fn number(&self) -> u32 {
        let pricing = self.pricing.as_deref().map_or(0, number_of);
        number_of(&self.products) + number_of(&self.metadata) + pricing
    }

    fn data(&self) -> Result<Vec<Product<'_>>, Error> {
        let mut metadata = lists(&self.metadata, Metadata::read)?;
        let mut pricing = self.pricing.as_ref().map(|rows| lists(rows, Pricing::read)).transpose()?;
        self.products
            .iter()
            .map(|row| {
                let id = row.int(0)?;
                let pricing = pricing.as_mut().map(|lists| lists.remove(&id).unwrap_or_default());
                Product::read(row, metadata.remove(&id).unwrap_or_default(), pricing)
            })
            .collect()
    }
}

/// Groups values by the product's key in the second column of their rows.
fn lists<'r, R: Cells, T>(
    rows: &'r [R],
    read: impl Fn(&'r R) -> Result<T, Error>,
) -> Result<HashMap<i64, Vec<T>>, Error> {
    let mut lists: HashMap<i64, Vec<T>> = HashMap::new();
    for row in rows {
        lists.entry(row.int(1)?).or_default().push(read(row)?);
    }
    Ok(lists)
}

/// `GET /api/application/products`
pub async fn list<S: Store>(
    State(app): State<Arc<App<S>>>,
    caller: Caller,
    Parameters(query): Parameters<Query>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    caller.may(&["products:index"])?;
    let page = [Value::Int(query.per_page), Value::Int(query.offset())];
    answer(&app, &caller, &page, query, &uri, &headers).await
}

/// `GET /api/application/products/{id}`: a page of one row.
pub async fn show<S: Store>(
    State(app): State<Arc<App<S>>>,
    caller: Caller,
    Path(id): Path<i64>,
    Parameters(query): Parameters<Query>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    caller.may(&["products:show", "products:index"])?;
    answer(&app, &caller, &[Value::Int(id)], query, &uri, &headers).await
}

/// Answers a page, or one product where only a key is given.
async fn answer<S: Store>(
    app: &App<S>,
    caller: &Caller,
    values: &[Value<'_>],
    query: Query,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let expected = query.rows() + 1;
    app.limits.take(caller.account(), expected)?;
    let statements = &app.statements.products;
    let mut connection = app.pool.acquire().await?;
    let sql = if values.len() == 1 { &statements.one } else { &statements.page };
    let products = S::rows(&mut connection, sql, values).await?;
    let rows = with_parts::<S>(&mut connection, statements, products, &query).await?;
    let counted = async { S::rows(&mut connection, &statements.count, &[]).await?[0].int(0) };
    let total = total(&query, rows.products.len(), app.totals.get_or_load("products", counted)).await?;
    let body = PagePosition::new(headers, uri, &query, total).flat(rows.data()?);
    let standing = app.limits.settle(caller.account(), expected, rows.number() + 1);
    answer::rest(&body, standing)
}

/// Products with their related rows.
async fn with_parts<S: Store>(
    connection: &mut S::Connection,
    statements: &Statements,
    products: Vec<<S as Database>::Row>,
    query: &Query,
) -> Result<Rows<<S as Database>::Row>, Error> {
    let keys: Vec<i64> = products.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Ok(Rows { products, metadata: Vec::new(), pricing: None });
    }
    let of_products = [Value::Text(MODEL), Value::Keys(&keys)];
    let metadata = S::rows(connection, &statements.metadata, &of_products).await?;
    let pricing = if query.include.split(',').any(|name| name == "pricing") {
        Some(S::rows(connection, &statements.pricing, &[Value::Keys(&keys)]).await?)
    } else {
        None
    };
    Ok(Rows { products, metadata, pricing })
}
