//! `Range` (RFC 9110, 14).

use std::ops::Range;

use axum::http::{HeaderMap, header};
use http_range_header::{RangeUnsatisfiableError, parse_range_header};

/// The part of a file that a client requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// The whole file.
    Whole,
    /// A range of bytes.
    Part(Range<u64>),
    /// A range that the file does not have: 416.
    Unsatisfiable,
}

/// Reads the header for a file of `length` bytes. An invalid range and several ranges are ignored, as RFC 9110 allows:
/// the answer is the whole file.
pub(super) fn requested(headers: &HeaderMap, length: u64) -> RequestedRange {
    let mut lines = headers.get_all(header::RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return RequestedRange::Whole };
    let ranges = line.to_str().ok().and_then(|text| parse_range_header(text).ok());
    let Some(range) = ranges.filter(|ranges| ranges.len() == 1) else { return RequestedRange::Whole };
    match range.validate(length).as_deref() {
        Ok([part]) => RequestedRange::Part(*part.start()..part.end().saturating_add(1)),
        // The last bytes of an empty file are the whole file.
        Ok(_) => RequestedRange::Whole,
        Err(RangeUnsatisfiableError::Unsatisfiable) => RequestedRange::Unsatisfiable,
        Err(_) => RequestedRange::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, length: u64) -> RequestedRange {
        let value = axum::http::HeaderValue::from_str(text).unwrap();
        requested(&HeaderMap::from_iter([(header::RANGE, value)]), length)
    }

    #[test]
    fn one_range_is_a_part() {
        for (text, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("Bytes=2-5", 2..6),
            ("bytes=7-", 7..10),
            ("bytes=-3", 7..10),
            ("bytes=-99999999999999999999", 0..10),
            ("bytes=4-99999999999999999999", 4..10),
            ("bytes=0-9", 0..10),
            ("bytes=,2-3,", 2..4),
        ] {
            assert_eq!(of(text, 10), RequestedRange::Part(part), "{text}");
        }
    }

    #[test]
    fn invalid_and_several_ranges_are_ignored() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=x-1",
            "bytes=5-2",
            "bytes=+1-2",
            "bytes=1",
            "rows=0-1",
            "bytes=0-1,3-4",
            "bytes=--1",
            "bytes=0-1,99-",
            "bytes=0x1-2",
            "bytes=\u{661}-2",
            // Numbers of more than 30 digits are invalid.
            "bytes=999999999999999999999999999999999999-",
        ] {
            assert_eq!(of(text, 10), RequestedRange::Whole, "{text}");
        }
        let mut twice = HeaderMap::new();
        for text in ["bytes=0-1", "bytes=0-1"] {
            twice.append(header::RANGE, text.parse().unwrap());
        }
        assert_eq!(requested(&twice, 10), RequestedRange::Whole);
    }

    #[test]
    fn a_range_beyond_the_end_is_unsatisfiable() {
        for text in ["bytes=10-", "bytes=10-11", "bytes=99999999999999999999-", "bytes=-0"] {
            assert_eq!(of(text, 10), RequestedRange::Unsatisfiable, "{text}");
        }
        for (text, expected) in [
            ("bytes=0-", RequestedRange::Unsatisfiable),
            ("bytes=0-5", RequestedRange::Unsatisfiable),
            ("bytes=-0", RequestedRange::Unsatisfiable),
            ("bytes=-5", RequestedRange::Whole),
        ] {
            assert_eq!(of(text, 0), expected, "{text}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_within_the_file(text in r"bytes=[0-9]{0,22}-[0-9]{0,22}|\PC{0,40}", length in any::<u64>()) {
            let value = axum::http::HeaderValue::from_str(&text);
            let headers: HeaderMap = value.map(|value| (header::RANGE, value)).into_iter().collect();
            if let RequestedRange::Part(part) = requested(&headers, length) {
                prop_assert!(part.start < part.end && part.end <= length, "{:?}", part);
            }
        }
    }
}
