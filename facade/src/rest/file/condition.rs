//! Conditional requests (RFC 9110, 13).

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, Utc};

use crate::operation::hash_of;

/// Hexadecimal digits of a hash that are used as an entity tag.
const TAG: usize = 32;
/// The first second of the year 10000, which an HTTP date cannot express.
const TOO_LATE: u64 = 253_402_300_800;

/// The validators of a file (RFC 9110, 8.8).
#[derive(Clone, Default)]
pub(super) struct Validators {
    /// The strong entity tag, with its quotes.
    tag: Option<String>,
    /// The time of the last change, in whole seconds as in the header.
    changed_at: Option<SystemTime>,
}

/// The result of the preconditions.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Preconditions {
    /// The file is sent.
    Hold,
    /// The client has the current file: 304.
    NotModified,
    /// The file is not the one that the client expects: 412.
    Failed,
}

impl Validators {
    pub(super) fn set_tag(&mut self, version: &str) {
        let hash = hash_of(version);
        self.tag = Some(format!("\"{}\"", hash.get(..TAG).unwrap_or(&hash)));
    }

    pub(super) fn set_change(&mut self, at: DateTime<Utc>) {
        let seconds = u64::try_from(at.timestamp()).ok().filter(|seconds| *seconds < TOO_LATE);
        self.changed_at = seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    }

    /// Adds `ETag` and `Last-Modified`.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let mut set = |name: HeaderName, text: Option<String>| {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        };
        set(header::ETAG, self.tag.clone());
        set(header::LAST_MODIFIED, self.changed_at.map(httpdate::fmt_http_date));
    }

    /// Evaluates the preconditions of a `GET` or `HEAD` in the order of RFC 9110, 13.2.2.
    pub(super) fn evaluate(&self, headers: &HeaderMap) -> Preconditions {
        let fails = match tags(headers, &header::IF_MATCH) {
            Some(mut tags) => !tags.any(|tag| tag == "*" || self.matches(tag)),
            None => self.is_unchanged(headers, &header::IF_UNMODIFIED_SINCE) == Some(false),
        };
        if fails {
            return Preconditions::Failed;
        }
        let is_known = match tags(headers, &header::IF_NONE_MATCH) {
            Some(mut tags) => {
                tags.any(|tag| tag == "*" || self.matches(tag.strip_prefix("W/").unwrap_or(tag)))
            }
            None => self.is_unchanged(headers, &header::IF_MODIFIED_SINCE) == Some(true),
        };
        if is_known { Preconditions::NotModified } else { Preconditions::Hold }
    }

    /// Whether `Range` applies: `If-Range` is absent, or matches the current file.
    pub(super) fn allow_range(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(header::IF_RANGE).iter();
        match (lines.next(), lines.next()) {
            (None, _) => true,
            (Some(line), None) => {
                let text = line.to_str().unwrap_or_default();
                self.matches(text) || self.changed_at.is_some() && date(text) == self.changed_at
            }
            _ => false,
        }
    }

    /// Whether a tag matches by the strong comparison, which a weak tag never does.
    fn matches(&self, tag: &str) -> bool {
        self.tag.as_deref() == Some(tag)
    }

    /// Whether the file is unchanged since the date in a header; `None` if either date is unknown.
    fn is_unchanged(&self, headers: &HeaderMap, name: &HeaderName) -> Option<bool> {
        let date = date(headers.get(name)?.to_str().ok()?)?;
        Some(self.changed_at? <= date)
    }
}

/// The tags of a header, or `None` without the header. Splitting at commas is safe, because no tag of ours has one.
fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<impl Iterator<Item = &'a str>> {
    let lines = headers.contains_key(name).then(|| headers.get_all(name).iter())?;
    Some(lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',').map(str::trim)))
}

/// Parses an HTTP date. An invalid one is ignored.
fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: &str = "Mon, 23 Nov 2026 12:00:00 GMT";
    const BEFORE: &str = "Mon, 23 Nov 2026 11:59:59 GMT";
    const AFTER: &str = "Mon, 23 Nov 2026 12:00:01 GMT";

    fn validators() -> Validators {
        let mut validators = Validators::default();
        validators.set_tag("1");
        validators.set_change("2026-11-23T12:00:00.75Z".parse().unwrap());
        validators
    }

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let mut map = HeaderMap::new();
        for (name, text) in list {
            map.append(*name, value(text));
        }
        map
    }

    #[test]
    fn tags_have_precedence_over_dates() {
        let own = validators().tag.unwrap();
        let (weak, among) = (format!("W/{own}"), format!("\"a,b\" , {own}"));
        for (list, expected) in [
            (vec![], Preconditions::Hold),
            (vec![("if-none-match", own.as_str())], Preconditions::NotModified),
            (vec![("if-none-match", weak.as_str())], Preconditions::NotModified),
            (vec![("if-none-match", among.as_str())], Preconditions::NotModified),
            (vec![("if-none-match", "\"a\""), ("if-none-match", own.as_str())], Preconditions::NotModified),
            (vec![("if-none-match", "*")], Preconditions::NotModified),
            (vec![("if-none-match", "\"a\""), ("if-modified-since", AFTER)], Preconditions::Hold),
            (vec![("if-modified-since", BEFORE)], Preconditions::Hold),
            (vec![("if-modified-since", CHANGE)], Preconditions::NotModified),
            (vec![("if-modified-since", "yesterday")], Preconditions::Hold),
            (vec![("if-match", own.as_str())], Preconditions::Hold),
            (vec![("if-match", "*")], Preconditions::Hold),
            (vec![("if-match", weak.as_str())], Preconditions::Failed),
            (vec![("if-match", "\"a\""), ("if-unmodified-since", AFTER)], Preconditions::Failed),
            (vec![("if-unmodified-since", BEFORE)], Preconditions::Failed),
            (vec![("if-unmodified-since", CHANGE)], Preconditions::Hold),
            (vec![("if-match", own.as_str()), ("if-none-match", own.as_str())], Preconditions::NotModified),
        ] {
            assert_eq!(validators().evaluate(&headers(&list)), expected, "{list:?}");
        }
    }

    #[test]
    fn dates_are_ignored_without_a_last_change() {
        let unknown = Validators::default();
        for name in ["if-modified-since", "if-unmodified-since"] {
            assert_eq!(unknown.evaluate(&headers(&[(name, CHANGE)])), Preconditions::Hold);
        }
        assert_eq!(unknown.evaluate(&headers(&[("if-match", "\"a\"")])), Preconditions::Failed);
        assert!(!unknown.allow_range(&headers(&[("if-range", CHANGE)])));
        assert!(!unknown.allow_range(&headers(&[("if-range", "")])));
    }

    #[test]
    fn a_range_needs_a_strong_match() {
        let own = validators().tag.unwrap();
        let weak = format!("W/{own}");
        for (value, fits) in [
            (own.as_str(), true),
            (&weak, false),
            (CHANGE, true),
            (BEFORE, false),
            (AFTER, false),
            ("", false),
        ] {
            assert_eq!(validators().allow_range(&headers(&[("if-range", value)])), fits, "{value}");
        }
        assert!(validators().allow_range(&headers(&[])));
        assert!(!validators().allow_range(&headers(&[("if-range", &own), ("if-range", &own)])));
    }

    #[test]
    fn a_change_out_of_the_range_of_http_dates_is_ignored() {
        let mut validators = Validators::default();
        for at in ["1960-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"] {
            validators.set_change(at.parse().unwrap());
            assert!(validators.changed_at.is_none(), "{at}");
        }
    }
}
