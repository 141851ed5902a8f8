//! Media types (RFC 9110, 8.3.1).

use axum::http::HeaderValue;

/// The media type of unknown content.
const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The value of `Content-Type`. An invalid media type becomes `application/octet-stream`.
pub(super) fn header(text: &str) -> HeaderValue {
    let is_type = is_media_range(essence(text)) && !text.contains('*');
    let value = HeaderValue::from_str(text).ok().filter(|value| is_type && value.to_str().is_ok());
    value.unwrap_or(UNKNOWN)
}

/// Whether a text is a media type without parameters, or a media range (`image/*`).
pub(in crate::rest) fn is_media_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Whether a media range includes a media type.
pub(super) fn covers(range: &str, media_type: &HeaderValue) -> bool {
    let media_type = essence(media_type.to_str().unwrap_or_default());
    let whole = range.strip_suffix('*').filter(|kind| kind.ends_with('/'));
    match whole {
        Some("*/") => true,
        Some(kind) => media_type.get(..kind.len()).is_some_and(|own| own.eq_ignore_ascii_case(kind)),
        None => media_type.eq_ignore_ascii_case(range),
    }
}

/// A media type without parameters.
fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// Whether a text is a token (RFC 9110, 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_media_type_is_replaced() {
        for text in ["application/pdf", "text/csv; charset=utf-8", "image/svg+xml"] {
            assert_eq!(header(text), text);
        }
        for text in
            ["", "pdf", "/", "a/", "text/ html", "text/html\r\nX: y", "a/b; c=\n", "*/*", "text/*", "a/é"]
        {
            assert_eq!(header(text), UNKNOWN, "{text}");
        }
    }

    #[test]
    fn ranges_include_their_types() {
        let csv = header("Text/CSV; charset=utf-8");
        for range in ["text/csv", "text/*", "*/*"] {
            assert!(covers(range, &csv), "{range}");
        }
        for range in ["text/plain", "te/*", "application/*", "text/c"] {
            assert!(!covers(range, &csv), "{range}");
        }
    }
}
