//! Trace identifiers, which connect the telemetry of several programs about one request (W3C Trace Context).

use std::fmt;

use axum::http::HeaderMap;

/// Header with the caller's trace.
const TRACEPARENT: &str = "traceparent";

/// Identifier of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(u128);

impl TraceId {
    /// A random identifier.
    pub fn random() -> Self {
        Self(rand::random::<u128>().max(1))
    }

    /// The identifier of this number.
    #[cfg(feature = "otlp")]
    pub(super) fn of(number: u128) -> Self {
        Self(number)
    }

    /// The identifier as a number.
    pub fn number(self) -> u128 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The span of the caller, with its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "a build without traces needs the trace alone"))]
pub(super) struct ParentSpan {
    pub(super) trace: TraceId,
    pub(super) span: u64,
    pub(super) sampled: bool,
}

impl ParentSpan {
    /// Reads the header `traceparent`; `None` where it is missing, malformed or repeated.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let (Some(only), None) = (given.next(), given.next()) else { return None };
        Self::read(only.to_str().ok()?)
    }

    /// Parses `version-trace-span-flags`; later versions may append further parts.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = number(parts.next()?, 2)?;
        let trace = number(parts.next()?, 32)?;
        let span = number(parts.next()?, 16)?;
        let flags = number(parts.next()?, 2)?;
        let known = version < 0xff && (version > 0 || parts.next().is_none());
        let span = u64::try_from(span).ok()?;
        let valid = known && trace != 0 && span != 0;
        valid.then_some(Self { trace: TraceId(trace), span, sampled: flags & 1 == 1 })
    }
}

/// Parses a number of exactly this many lower-case hexadecimal digits.
fn number(text: &str, digits: usize) -> Option<u128> {
    let plain = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_is_read_as_the_recommendation_writes_it() {
        let parent = ParentSpan::read(GIVEN).unwrap();
        assert_eq!(parent.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!((parent.span, parent.sampled), (0xb7ad_6b71_6920_3331, true));
        assert!(!ParentSpan::read(&GIVEN.replace("-01", "-00")).unwrap().sampled);
        let later = GIVEN.replace("00-0af", "01-0af");
        assert!(ParentSpan::read(&format!("{later}-more")).is_some());
    }

    #[test]
    fn what_is_no_trace_is_none() {
        let zeros = |count| "0".repeat(count);
        for text in [
            String::new(),
            GIVEN.to_uppercase(),
            format!("{GIVEN}-more"),
            GIVEN.replace("00-0af", "ff-0af"),
            GIVEN.replace("0af7651916cd43dd8448eb211c80319c", &zeros(32)),
            GIVEN.replace("b7ad6b7169203331", &zeros(16)),
            GIVEN.replace("b7ad6b7169203331", "b7ad6b716920333"),
            GIVEN.replace("-01", ""),
        ] {
            assert_eq!(ParentSpan::read(&text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn callers_are_read_back(trace in 1..=u128::MAX, span in 1..=u64::MAX, sampled in any::<bool>(), text in r"[0-9a-f-]{0,60}|\PC*") {
            let parent = ParentSpan { trace: TraceId(trace), span, sampled };
            let written = format!("00-{}-{span:016x}-{:02x}", parent.trace, u8::from(sampled));
            prop_assert_eq!(ParentSpan::read(&written), Some(parent));
            ParentSpan::read(&text);
        }
    }
}
