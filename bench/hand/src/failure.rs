//! Errors.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::answer;

/// Why a request is refused.
pub enum Failure {
    Unauthenticated,
    Forbidden,
    NotFound,
    /// The request is none of those that this server implements.
    Unknown,
    /// A field of the body, and its error.
    Invalid(&'static str, &'static str),
    Maintenance,
    /// Too many requests or points; the seconds until the client may try again.
    TooMany(u64),
    Database(sqlx::Error),
    Internal(String),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, message) = match &self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "Unauthenticated.".to_owned()),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden.".to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, String::new()),
            Self::Unknown => (StatusCode::BAD_REQUEST, "Unknown document.".to_owned()),
            Self::Invalid(_, text) => (StatusCode::UNPROCESSABLE_ENTITY, (*text).to_owned()),
            Self::Maintenance => (StatusCode::SERVICE_UNAVAILABLE, "Maintenance".to_owned()),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "Too Many Attempts.".to_owned()),
            Self::Database(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            Self::Internal(text) => (StatusCode::INTERNAL_SERVER_ERROR, text.clone()),
        };
        let mut body = json!({ "message": message });
        if let Self::Invalid(field, text) = self {
            body["errors"] = json!({ field: [text] });
        }
        let mut response = (status, Json(body)).into_response();
        if let Self::TooMany(seconds) = self {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        answer::complete(response.headers_mut());
        response
    }
}
