//! GraphQL: the documents that this server implements, each with a handler of its own.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::Caller;
use crate::failure::Failure;
use crate::page::Query;
use crate::store::Store;
use crate::{customers, services, tree};

const Q1: &str = include_str!("../../peers/documents/q1.graphql");
const Q2: &str = include_str!("../../peers/documents/q2.graphql");
const Q4: &str = include_str!("../../peers/documents/q4.graphql");
const Q5: &str = include_str!("../../peers/documents/q5.graphql");

/// The body of a request.
#[derive(Deserialize)]
struct Request {
    query: String,
}

/// A page of a list with its total.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Nodes<T> {
    pub total_count: i64,
    pub nodes: Vec<T>,
}

/// `POST /graphql`
pub async fn post<S: Store>(
    State(app): State<Arc<App<S>>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Failure> {
    let request: Request = serde_json::from_slice(&body).map_err(|_| Failure::Unknown)?;
    match request.query.as_str() {
        Q1 => customers::graphql_one(&app, &caller, 4321).await,
        Q2 => customers::graphql_page(&app, &caller, Query::new(5, 25)).await,
        Q4 => tree::graphql(&app, &caller, Query::new(3, 10)).await,
        Q5 => services::graphql_newest(&app, &caller, Query::new(1, 25)).await,
        _ => Err(Failure::Unknown),
    }
}
