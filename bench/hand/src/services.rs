//! The newest services of a status.

use axum::response::Response;
use serde::Serialize;
use sqlx::Error;

use crate::app::App;
use crate::auth::Caller;
use crate::cells::Cells;
use crate::failure::Failure;
use crate::graphql::Nodes;
use crate::page::{Query, number_of, total};
use crate::sql::{Dialect, Sql};
use crate::store::{Store, Value};
use crate::time::Moment;
use crate::{answer, json};

/// The status that the document asks for.
const STATUS: &str = "active";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Service<'r> {
    database_id: i64,
    #[serde(serialize_with = "json::customer_id")]
    customer_id: i64,
    name: &'r str,
    #[serde(serialize_with = "json::word")]
    status: &'r str,
    r#type: &'r str,
    #[serde(serialize_with = "json::word")]
    billing: &'r str,
    currency: &'r str,
    created_at: Option<Moment>,
    expires_at: Option<Moment>,
}

impl<'r> Service<'r> {
    fn read(row: &'r impl Cells) -> Result<Self, Error> {
        Ok(Self {
            database_id: row.int(0)?,
            customer_id: row.int(1)?,
            name: row.text(2)?,
            status: row.text(3)?,
            r#type: row.text(4)?,
            billing: row.text(5)?,
            currency: row.text(6)?,
            created_at: row.time_or_null(7)?.map(Moment::from_local),
            expires_at: row.time_or_null(8)?.map(Moment::from_local),
        })
    }
}

/// `services(filter, sort, page, perPage)`.
#[derive(Serialize)]
struct ListData<'r> {
    services: Nodes<Service<'r>>,
}

/// The statements that find services.
pub struct Statements {
    page: Sql,
    count: Sql,
}

impl Statements {
    pub fn new(dialect: Dialect) -> Self {
        let newest = dialect.descending("created_at");
        let page = format!(
            "SELECT id, customer_id, name, status, type, billing, currency, created_at, expires_at \
             FROM services WHERE deleted_at IS NULL AND status = ? ORDER BY {newest}, id LIMIT ? OFFSET ?"
        );
        let count = "SELECT COUNT(*) FROM services WHERE deleted_at IS NULL AND status = ?";
        Self { page: Sql::new(dialect, &page), count: Sql::new(dialect, count) }
    }
}

/// Answers the document that asks for the newest active services.
pub async fn graphql_newest<S: Store>(
    app: &App<S>,
    caller: &Caller,
    query: Query,
) -> Result<Response, Failure> {
    caller.may(&["services:index"])?;
    // A comparison is a point too.
    let expected = query.rows() + 3;
    app.limits.take(caller.account(), expected)?;
    let statements = &app.statements.services;
    let mut connection = app.pool.acquire().await?;
    let values = [Value::Text(STATUS), Value::Int(query.per_page), Value::Int(query.offset())];
    let rows = S::rows(&mut connection, &statements.page, &values).await?;
    let counted = async { S::rows(&mut connection, &statements.count, &values[..1]).await?[0].int(0) };
    let total_count = total(&query, rows.len(), app.totals.get_or_load("active services", counted)).await?;
    let nodes = rows.iter().map(Service::read).collect::<Result<Vec<_>, _>>()?;
    let standing = app.limits.settle(caller.account(), expected, number_of(&rows) + 3);
    answer::graphql(&ListData { services: Nodes { total_count, nodes } }, standing)
}
