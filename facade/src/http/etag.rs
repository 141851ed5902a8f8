//! `ETag` of answers to `GET`, and `If-None-Match` (RFC 9110, 13.1.2).

use axum::http::{HeaderMap, header};

/// Whether the client has the current content, whose tag this is. Tags are compared weakly.
pub fn has_current(asked: &HeaderMap, tag: &str) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    known.any(|known| known == tag || known == "*")
}
