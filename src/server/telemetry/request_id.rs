//! The identifier of a request in `X-Request-Id`: the trace identifier, or the one that a trusted proxy has sent.

use axum::http::{HeaderName, HeaderValue};

use super::TraceId;

/// Maximum length of an identifier of a proxy.
const MAX_LENGTH: usize = 128;

/// Identifier of a request: letters, digits and a few other characters, so that it needs no escaping in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The header.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// Parses the identifier of a proxy.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@~".contains(&byte);
        let is_one = !text.is_empty() && text.len() <= MAX_LENGTH && text.bytes().all(fits);
        is_one.then(|| HeaderValue::from_str(text).ok().map(Self)).flatten()
    }

    /// The identifier of a request without another one: that of its trace.
    pub(crate) fn of_trace(trace: TraceId) -> Self {
        Self(HeaderValue::try_from(trace.to_string()).unwrap_or(HeaderValue::from_static("-")))
    }

    /// The identifier as text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }

    /// The identifier as the value of the header.
    pub(crate) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identifiers_are_taken_over() {
        for text in ["1", "4bf92f3577b34da6a3ce929d0e0e4736", "req-1.2:3/a+b=@~_"] {
            assert_eq!(RequestId::parse(text).unwrap().as_str(), text);
        }
        let long = "a".repeat(MAX_LENGTH + 1);
        for text in ["", "a b", "a\tb", "\"", "é", "a,b", &long] {
            assert_eq!(RequestId::parse(text), None, "{text}");
        }
    }
}
