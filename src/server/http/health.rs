//! What a supervisor asks: whether the process lives, whether it can answer, and what it does.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::{App, access};

/// How long the database may take to show that it is there.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The media type of counters.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process lives, whatever its database does.
pub async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The database is there and holds the shop's tables; 503 until it does. Where requests are passed on, the
/// other server's state is told beside it: what is answered here doesn't need it.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let shop = &app.shop;
    let reached = tokio::select! {
        biased;
        reached = access::check_database(&shop.reader) => reached,
        reason = shop.health.cancelled(READY_TIMEOUT) => Err(reason.into()),
    };
    match reached {
        Ok(()) => match &app.upstream {
            Some(upstream) => {
                let state = if upstream.is_reachable().await { "ok" } else { "unavailable" };
                Json(json!({"status": "ok", "upstream": state})).into_response()
            }
            None => Json(json!({"status": "ok"})).into_response(),
        },
        Err(error) => {
            tracing::warn!(cause = error.cause().map(tracing::field::display), "not ready: {error}");
            let retry = [(header::RETRY_AFTER, HeaderValue::from(facade::error::RETRY_AFTER))];
            (StatusCode::SERVICE_UNAVAILABLE, retry, Json(json!({"status": "unavailable"}))).into_response()
        }
    }
}

/// What was counted, in Prometheus' text format.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.telemetry.metrics(app.shop.reader.connections()) {
        Ok(Some(text)) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(cause = error.cause().map(tracing::field::display), "no metrics: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
