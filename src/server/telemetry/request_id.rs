//! The identifier of one request, which its answer carries: the trace's, or what a trusted proxy calls it.

use axum::http::{HeaderName, HeaderValue};

use super::TraceId;

/// Longest identifier that is taken over from a proxy.
const MAX_LENGTH: usize = 128;

/// Identifier of a request: letters, digits and a few signs, so that it can stand in a log as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// Header that carries it.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// What a proxy calls the request, if it is an identifier.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@~".contains(&byte);
        let is_one = !text.is_empty() && text.len() <= MAX_LENGTH && text.bytes().all(fits);
        is_one.then(|| HeaderValue::from_str(text).ok().map(Self)).flatten()
    }

    /// The identifier of a request that is named by its trace.
    pub(crate) fn of_trace(trace: TraceId) -> Self {
        Self(HeaderValue::try_from(trace.to_string()).unwrap_or(HeaderValue::from_static("-")))
    }

    /// As it is told.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }

    /// As the header's value.
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
