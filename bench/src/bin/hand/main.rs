//! The yardstick: the same answers from handlers written by hand with axum, SeaORM and serde,
//! the way a careful developer writes them for a few routes. Usage: `hand <database-url> <address>`.

mod auth;
mod customers;
mod json;
mod page;
mod products;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use moka::future::Cache;
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keys, totals and settings are believed for a second.
const REMEMBERED: Duration = Duration::from_secs(1);

/// What the handlers share.
#[derive(Clone)]
struct App {
    db: DatabaseConnection,
    keys: Cache<String, Arc<auth::Key>>,
    totals: Cache<&'static str, u64>,
    maintenance: Cache<(), bool>,
}

/// Why a request is refused.
enum Failure {
    Unauthenticated,
    Forbidden,
    NotFound,
    Maintenance,
    Database(DbErr),
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "Unauthenticated.".to_owned()),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden.".to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, String::new()),
            Self::Maintenance => (StatusCode::SERVICE_UNAVAILABLE, "Maintenance".to_owned()),
            Self::Database(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        };
        (status, Json(serde_json::json!({ "message": message }))).into_response()
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("the database's URL");
    let address = arguments.next().expect("the address to listen on");
    let mut options = ConnectOptions::new(url);
    options.max_connections(10).sqlx_logging(false).test_before_acquire(false);
    let db = Database::connect(options).await.expect("the database");
    let remembered = || Cache::builder().max_capacity(10_000).time_to_live(REMEMBERED);
    let app = App {
        db,
        keys: remembered().build(),
        totals: Cache::builder().max_capacity(100).time_to_live(REMEMBERED).build(),
        maintenance: Cache::builder().max_capacity(1).time_to_live(REMEMBERED).build(),
    };
    let router = Router::new()
        .route("/api/application/products", get(products::list))
        .route("/api/application/products/{id}", get(products::show))
        .route("/api/application/customers", get(customers::list))
        .route("/api/application/customers/{id}", get(customers::show))
        .layer(middleware::from_fn(headers))
        .with_state(app);
    let listener = tokio::net::TcpListener::bind(address).await.expect("a free address");
    axum::serve(listener, router).await.expect("a running server");
}

/// The headers of every answer.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::VARY.as_str(), "Accept");
    set(header::CACHE_CONTROL.as_str(), "no-cache, private");
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN.as_str(), "http://localhost:3000");
    set(header::X_FRAME_OPTIONS.as_str(), "SAMEORIGIN");
    set(header::X_CONTENT_TYPE_OPTIONS.as_str(), "nosniff");
    set(header::REFERRER_POLICY.as_str(), "strict-origin-when-cross-origin");
    set("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(self)");
    set("x-permitted-cross-domain-policies", "none");
    response
}
