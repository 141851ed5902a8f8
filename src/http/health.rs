//! What a supervisor asks: whether the process lives, and whether it can answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::{App, auth};

/// How long the database may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process lives, whatever its database does.
pub async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The database is there and holds the shop's tables; 503 until it does.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let shared = &app.shared;
    match shared.pulse.watch(PATIENCE, auth::reachable(&shared.reader)).await {
        Ok(()) => Json(json!({"status": "ok"})).into_response(),
        Err(error) => {
            tracing::warn!(cause = error.cause().map(tracing::field::display), "not ready: {error}");
            let retry = [(header::RETRY_AFTER, HeaderValue::from(crate::error::RETRY_AFTER))];
            (StatusCode::SERVICE_UNAVAILABLE, retry, Json(json!({"status": "unavailable"}))).into_response()
        }
    }
}
