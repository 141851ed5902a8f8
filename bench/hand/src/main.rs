//! The yardstick: a server that is written by hand with axum, sqlx and serde, only for the requests of the
//! benchmark. It has the same keys, limits and headers as guichet. Usage:
//! `hand <database-url> <address> [<seconds for which totals are remembered>]`.

mod answer;
mod app;
mod auth;
mod cells;
mod customers;
mod failure;
mod graphql;
mod json;
mod limits;
mod new_customer;
mod page;
mod phone;
mod products;
mod services;
mod sql;
mod store;
mod time;
mod timed_cache;
mod tree;

use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::Router;
use axum::routing::{get, post};
use limits::LimitCounts;
use sqlx::{MySql, Postgres, Sqlite};
use store::Store;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// More than one client can send: counting is measured, not refusing.
const UNLIMITED: LimitCounts = LimitCounts { requests: 1_000_000_000, points: 1_000_000_000 };

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, address, rest @ ..] = arguments.as_slice() else {
        panic!("usage: hand <database-url> <address> [<seconds for which totals are remembered>]");
    };
    let totals = rest.first().map_or(1.0, |seconds| seconds.parse().expect("a number of seconds"));
    let totals = Duration::from_secs_f64(totals);
    let router = match url.split(':').next() {
        Some("mysql" | "mariadb") => router::<MySql>(url, totals),
        Some("postgres" | "postgresql") => router::<Postgres>(url, totals),
        _ => router::<Sqlite>(url, totals),
    };
    let listener = tokio::net::TcpListener::bind(address).await.expect("a free address");
    axum::serve(listener, router).await.expect("a running server");
}

/// The routes over a database.
fn router<S: Store>(url: &str, totals: Duration) -> Router {
    let app = App::<S>::open(url, totals, UNLIMITED).expect("a database");
    Router::new()
        .route("/graphql", post(graphql::post::<S>))
        .route("/api/application/customers", get(customers::list::<S>).post(new_customer::create::<S>))
        .route("/api/application/customers/{id}", get(customers::show::<S>))
        .route("/api/application/products", get(products::list::<S>))
        .route("/api/application/products/{id}", get(products::show::<S>))
        .with_state(Arc::new(app))
}
