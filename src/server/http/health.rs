//! Routes for operators: liveness, readiness and metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::{App, access};

/// Time limit of the database in the readiness check.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The media type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/healthz`: the process is alive, regardless of the database.
pub async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `/readyz`: 200 if the database answers and has the shop's tables, otherwise 503. It also reports whether the
/// upstream server is reachable, which does not affect the status.
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

/// `/metrics`: the metrics in Prometheus' text format.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.telemetry.metrics(&app.state().await) {
        Ok(Some(text)) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(cause = error.cause().map(tracing::field::display), "no metrics: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
