//! Compares two answers to the same request, except for declared differences.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, Response, header};
use regex::Regex;
use serde_json::{Map, Value as Json};

use super::declared::DeclaredDifferences;

/// Headers that are compared. Of `Content-Type`, parameters are ignored.
const HEADERS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::LOCATION, header::CONTENT_DISPOSITION, header::ALLOW];
/// Maximum number of differences of one answer.
const MAX_DIFFERENCES: usize = 100;
/// Maximum length of a value, of a key and of a place, in letters.
const MAX_VALUE: usize = 200;
const MAX_KEY: usize = 100;
const MAX_PLACE: usize = 1000;

/// The parts of an answer that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedAnswer {
    /// HTTP status.
    pub status: u16,
    /// Values of [`HEADERS`], in the same order.
    headers: Vec<Option<String>>,
    body: Bytes,
}

impl ComparedAnswer {
    /// Takes the compared parts of an answer.
    pub fn of(answer: &Response<Bytes>) -> Self {
        let status = answer.status().as_u16();
        let headers = HEADERS.iter().map(|name| value(answer.headers(), name)).collect();
        Self { status, headers, body: answer.body().clone() }
    }
}

fn value(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    let value = if *name == header::CONTENT_TYPE { value.split(';').next()? } else { value };
    Some(without_hosts(value.trim()))
}

/// A difference between two answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its place: `status`, `header content-type`, or a JSON pointer into the body (RFC 6901).
    pub place: String,
    /// The upstream server's value, as JSON; `None` where it has none.
    pub there: Option<String>,
    /// guichet's value, as JSON; `None` where it has none.
    pub here: Option<String>,
}

impl Difference {
    /// The place, with the numbers in a pointer replaced by `*`, so that it is the same for all rows of a list.
    pub fn pattern(&self) -> String {
        if !self.place.starts_with('/') {
            return self.place.clone();
        }
        let steps = self.place.split('/').map(|step| {
            let is_number = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { "*" } else { step }
        });
        steps.collect::<Vec<_>>().join("/")
    }
}

/// The differences between the upstream server's answer and guichet's, without declared ones.
pub fn compare(
    declared: &DeclaredDifferences,
    there: &ComparedAnswer,
    here: &ComparedAnswer,
) -> Vec<Difference> {
    let mut comparison = Comparison { declared, found: Vec::new() };
    if there.status != here.status {
        if !declared.covers_status(there.status, here.status) {
            comparison.differ("status", Some(there.status.to_string()), Some(here.status.to_string()));
        }
        return comparison.found;
    }
    comparison.headers(there, here);
    comparison.bodies(&there.body, &here.body);
    comparison.found
}

struct Comparison<'a> {
    declared: &'a DeclaredDifferences,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn headers(&mut self, there: &ComparedAnswer, here: &ComparedAnswer) {
        for (name, (there, here)) in HEADERS.iter().zip(there.headers.iter().zip(&here.headers)) {
            if there != here {
                self.differ(&format!("header {name}"), there.clone(), here.clone());
            }
        }
    }

    fn bodies(&mut self, there: &[u8], here: &[u8]) {
        match (serde_json::from_slice(there), serde_json::from_slice(here)) {
            (Ok(there), Ok(here)) => self.values("", &there, &here),
            _ if there == here => {}
            (there, here) => {
                let kind = |read: Result<Json, _>, other| if read.is_ok() { "JSON" } else { other };
                self.differ(
                    "/",
                    Some(kind(there, "other bytes").into()),
                    Some(kind(here, "other bytes").into()),
                );
            }
        }
    }

    fn values(&mut self, place: &str, there: &Json, here: &Json) {
        match (there, here) {
            (Json::Object(there), Json::Object(here)) => self.objects(place, there, here),
            (Json::Array(there), Json::Array(here)) => self.lists(place, there, here),
            (Json::String(there), Json::String(here)) if without_hosts(there) == without_hosts(here) => {}
            (Json::Number(there), Json::Number(here)) if there.as_f64() == here.as_f64() => {}
            _ if there == here => {}
            _ => self.differ(place, Some(there.to_string()), Some(here.to_string())),
        }
    }

    fn objects(&mut self, place: &str, there: &Map<String, Json>, here: &Map<String, Json>) {
        for (key, value) in there {
            let at = format!("{place}/{}", escaped(key));
            match here.get(key) {
                Some(other) => self.values(&at, value, other),
                None => self.differ(&at, Some(value.to_string()), None),
            }
        }
        for (key, value) in here.iter().filter(|(key, _)| !there.contains_key(*key)) {
            self.differ(&format!("{place}/{}", escaped(key)), None, Some(value.to_string()));
        }
    }

    fn lists(&mut self, place: &str, there: &[Json], here: &[Json]) {
        for at in 0..there.len().max(here.len()) {
            let place = format!("{place}/{at}");
            match (there.get(at), here.get(at)) {
                (Some(there), Some(here)) => self.values(&place, there, here),
                (there, here) => self.differ(&place, there.map(Json::to_string), here.map(Json::to_string)),
            }
        }
    }

    fn differ(&mut self, place: &str, there: Option<String>, here: Option<String>) {
        let (there, here) =
            (there.map(|value| cut(value, MAX_VALUE)), here.map(|value| cut(value, MAX_VALUE)));
        let place = if place.is_empty() { "/" } else { place };
        let difference = Difference { place: cut(place.to_owned(), MAX_PLACE), there, here };
        if self.found.len() < MAX_DIFFERENCES && !self.declared.covers(&difference) {
            self.found.push(difference);
        }
    }
}

fn cut(mut text: String, letters: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(letters) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// Escapes a key for a JSON pointer.
fn escaped(key: &str) -> String {
    cut(key.replace('~', "~0").replace('/', "~1"), MAX_KEY)
}

/// Removes scheme and host from the URLs in a text, since the two servers may be addressed by different hosts.
fn without_hosts(text: &str) -> String {
    static HOST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"https?://[^/\s"'<>?]+"#).ok());
    match &*HOST {
        Some(host) if text.contains("://") => host.replace_all(text, "//").into_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(status: u16, body: &Json) -> ComparedAnswer {
        let answer = Response::builder().status(status).header("Content-Type", "application/json");
        ComparedAnswer::of(&answer.body(Bytes::from(body.to_string())).unwrap())
    }

    fn places(there: &Json, here: &Json) -> Vec<String> {
        let declared = DeclaredDifferences::default();
        let found = compare(&declared, &seen(200, there), &seen(200, here));
        found.into_iter().map(|difference| difference.place).collect()
    }

    #[test]
    fn bodies_are_compared_by_value() {
        assert!(places(&json!({"a": 1, "b": [1.5]}), &json!({"b": [1.5], "a": 1.0})).is_empty());
        assert_eq!(places(&json!({"a": [1, 2]}), &json!({"a": [1]})), ["/a/1"]);
        assert_eq!(places(&json!({"a": "1"}), &json!({"a": 1})), ["/a"]);
        assert_eq!(places(&json!({"x/y": {}}), &json!({"x/y": {"~": null}})), ["/x~1y/~0"]);
        assert_eq!(places(&json!([]), &json!({})), ["/"]);
        let link = |host: &str| json!([format!("see {host}/a?b=1, then {host}/c")]);
        assert!(places(&link("http://127.0.0.1:80"), &link("https://shop.example")).is_empty());
    }

    #[test]
    fn a_status_stands_for_everything() {
        let found =
            compare(&DeclaredDifferences::default(), &seen(200, &json!({"a": 1})), &seen(404, &json!({})));
        let [difference] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(difference.place, "status");
        assert_eq!((difference.there.as_deref(), difference.here.as_deref()), (Some("200"), Some("404")));
    }

    #[test]
    fn places_are_the_same_for_all_rows() {
        let difference = |place: &str| Difference { place: place.to_owned(), there: None, here: None };
        assert_eq!(difference("/data/12/pricing/0/a1").pattern(), "/data/*/pricing/*/a1");
        assert_eq!(difference("header content-type").pattern(), "header content-type");
    }
}
