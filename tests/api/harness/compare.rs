//! When two values are the same (`tests/golden/README.md`): by value, random ones by kind, hosts
//! of URLs left out, answers to writes read loosely.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::harness::rows::{Act, Cell, Change, SCHEMA};

/// Text of the data base before every scenario: a value found in it is not random.
const DATA: &str = include_str!("../../golden/data.json");
/// Secrets that are null or absent in our answers, whatever was recorded.
pub(crate) const HIDDEN: [&str; 2] = ["confirmation_token", "totp_secret"];

/// One place where our answer differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Where: `status`, `header <name>`, `body.data.0.name`, `db.<table>/<key>.<column>`.
    pub(crate) path: String,
    /// The recorded value; `None` if the recording has none.
    pub(crate) expected: Option<String>,
    /// Our value; `None` if our answer has none.
    pub(crate) got: Option<String>,
}

impl Difference {
    /// Shown as one line.
    pub(crate) fn line(&self) -> String {
        let shown = |value: &Option<String>| value.as_deref().map_or("(nothing)".to_owned(), short);
        format!("{}: expected {}, got {}", self.path, shown(&self.expected), shown(&self.got))
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A comparison that collects differences, and learns which random value of ours stands for
/// which recorded one.
#[derive(Default)]
pub(crate) struct Comparison {
    /// An answer to a write: more keys, and the types that a read shows.
    pub(crate) loose: bool,
    /// Recorded random value → ours.
    pub(crate) learned: HashMap<String, String>,
    /// The differences.
    pub(crate) found: Vec<Difference>,
}

impl Comparison {
    /// Compares two JSON values.
    pub(crate) fn json(&mut self, path: &str, want: &Json, got: &Json) {
        match (want, got) {
            (Json::Object(want), Json::Object(got)) => self.objects(path, want, got),
            (Json::Array(want), Json::Array(got)) => self.lists(path, want, got),
            (Json::String(want), Json::String(got)) if self.texts(want, got) => {}
            (Json::Number(want), Json::Number(got)) if want.as_f64() == got.as_f64() => {}
            _ if want == got || self.loose && spelled(want).is_some() && spelled(want) == spelled(got) => {}
            _ => self.differ(path, Some(want.to_string()), Some(got.to_string())),
        }
    }

    fn objects(&mut self, path: &str, want: &Map<String, Json>, got: &Map<String, Json>) {
        for (key, value) in want {
            let at = format!("{path}.{key}");
            match got.get(key) {
                None | Some(Json::Null) if HIDDEN.contains(&key.as_str()) => {}
                Some(other) => self.json(&at, value, other),
                None => self.differ(&at, Some(value.to_string()), None),
            }
        }
        for (key, value) in got.iter().filter(|(key, _)| !want.contains_key(*key)) {
            let hidden = value.is_null() && HIDDEN.contains(&key.as_str());
            if !self.loose && !hidden {
                self.differ(&format!("{path}.{key}"), None, Some(value.to_string()));
            }
        }
    }

    fn lists(&mut self, path: &str, want: &[Json], got: &[Json]) {
        for at in 0..want.len().max(got.len()) {
            let path = format!("{path}.{at}");
            match (want.get(at), got.get(at)) {
                (Some(want), Some(got)) => self.json(&path, want, got),
                (want, got) => self.differ(&path, want.map(Json::to_string), got.map(Json::to_string)),
            }
        }
    }

    /// Compares two texts: same but for hosts, or of the same random kind.
    pub(crate) fn texts(&mut self, want: &str, got: &str) -> bool {
        if want == got || hostless(want) == hostless(got) {
            return true;
        }
        let same = kind(want).is_some_and(|known| kind(got) == Some(known)) && !DATA.contains(want);
        if same {
            self.learned.insert(want.to_owned(), got.to_owned());
        }
        same
    }

    /// Compares row changes.
    pub(crate) fn changes(&mut self, want: &[Change], got: &[Change]) {
        let named = |changes: &[Change]| -> BTreeMap<String, Change> {
            let name = |change: &Change| format!("db.{}/{}", change.table, change.key);
            changes.iter().map(|change| (name(change), change.clone())).collect()
        };
        let (want, got) = (named(want), named(got));
        for (path, change) in &want {
            match (&change.act, got.get(path).map(|change| &change.act)) {
                (Act::Insert(want), Some(Act::Insert(got))) => self.rows(path, change, want, got, false),
                (Act::Update(want), Some(Act::Update(got))) => self.rows(path, change, want, got, true),
                (Act::Delete, Some(Act::Delete)) => {}
                _ => self.differ(path, Some(change.to_string()), got.get(path).map(Change::to_string)),
            }
        }
        for (path, change) in got.iter().filter(|(path, _)| !want.contains_key(*path)) {
            self.differ(path, None, Some(change.to_string()));
        }
    }

    fn rows(
        &mut self,
        path: &str,
        change: &Change,
        want: &BTreeMap<String, Cell>,
        got: &BTreeMap<String, Cell>,
        exact: bool,
    ) {
        for (column, cell) in want {
            let ours = got.get(column);
            let same = match (cell, ours) {
                (Some(want), Some(Some(got))) => self.cells(SCHEMA[&change.table].kind(column), want, got),
                (None, Some(None)) => true,
                _ => false,
            };
            if !same {
                let shown = |cell: &Cell| cell.clone().unwrap_or_else(|| "NULL".to_owned());
                self.differ(&format!("{path}.{column}"), Some(shown(cell)), ours.map(shown));
            }
        }
        for (column, cell) in got.iter().filter(|(column, _)| exact && !want.contains_key(*column)) {
            self.differ(&format!("{path}.{column}"), None, Some(format!("{cell:?}")));
        }
    }

    fn cells(&mut self, kind: &str, want: &str, got: &str) -> bool {
        if numeric(kind) {
            return number(want).is_some_and(|want| number(got) == Some(want));
        }
        let parsed = |text: &str| serde_json::from_str::<Json>(text).ok().filter(|json| !json.is_number());
        match (parsed(want), parsed(got)) {
            (Some(want), Some(got)) => {
                let mut inner = Self::default();
                inner.json("", &want, &got);
                inner.found.is_empty()
            }
            _ => self.texts(want, got),
        }
    }

    /// Notes a difference.
    pub(crate) fn differ(&mut self, path: &str, expected: Option<String>, got: Option<String>) {
        self.found.push(Difference { path: path.to_owned(), expected, got });
    }
}

fn numeric(kind: &str) -> bool {
    ["bigint", "int", "tinyint", "double", "float", "decimal"].iter().any(|name| kind.starts_with(name))
}

/// A number, `4.50` and `4.5` alike; PostgreSQL spells its booleans out.
fn number(text: &str) -> Option<f64> {
    match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => text.parse().ok(),
    }
}

/// One spelling for `15`, `"15"`, `"15.00"`, and for `1`, `"1"`, `true`.
fn spelled(value: &Json) -> Option<String> {
    match value {
        Json::Bool(flag) => Some(i32::from(*flag).to_string()),
        Json::Number(number) => number.as_f64().map(|number| number.to_string()),
        Json::String(text) => Some(number(text).map_or_else(|| text.clone(), |number| number.to_string())),
        _ => None,
    }
}

/// The text with every URL's host cut out.
fn hostless(text: &str) -> String {
    static HOST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(https?://)[^/\s\x22'<>?]+").unwrap());
    HOST.replace_all(text, "$1").into_owned()
}

/// The kind of a random value.
fn kind(text: &str) -> Option<usize> {
    static KINDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let kinds = [
            r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
            r"^\d+\|CLIENTXCMS[0-9A-Za-z]{48}$",
            r"^\$2[aby]\$\d\d\$.{53}$",
            r"^eyJpdiI6[0-9A-Za-z+/=]+$",
            r"^[0-9a-f]{64}$",
            r"^[0-9A-Za-z]{60}$",
            r"^[A-Z2-7]{16}$",
        ];
        kinds.iter().map(|kind| Regex::new(kind).unwrap()).collect()
    });
    KINDS.iter().position(|kind| kind.is_match(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(loose: bool, want: Json, got: Json) -> Vec<String> {
        let mut comparison = Comparison { loose, ..Comparison::default() };
        comparison.json("body", &want, &got);
        comparison.found.into_iter().map(|difference| difference.path).collect()
    }

    #[test]
    fn json_is_compared_by_value() {
        assert!(paths(false, json!({"a": 1, "b": [1.5]}), json!({"b": [1.5], "a": 1.0})).is_empty());
        assert_eq!(paths(false, json!({"a": [1, 2]}), json!({"a": [1]})), ["body.a.1"]);
        assert_eq!(paths(false, json!({"a": "1"}), json!({"a": 1})), ["body.a"]);
        assert_eq!(paths(false, json!({}), json!({"more": 1})), ["body.more"]);
    }

    #[test]
    fn answers_to_writes_are_read_loosely() {
        assert!(paths(true, json!({"a": "15", "b": "1"}), json!({"a": 15, "b": true, "more": 1})).is_empty());
        assert_eq!(
            paths(true, json!({"a": null, "b": "x"}), json!({"a": 0, "b": "y"})),
            ["body.a", "body.b"]
        );
    }

    #[test]
    fn hosts_and_random_values_do_not_count() {
        let want = json!(["http://127.0.0.1/api?page=1", "769ba2bc-0000-4000-8000-5cbe4d95761d"]);
        let got = json!(["http://localhost:8080/api?page=1", "11111111-0000-4000-8000-5cbe4d95761d"]);
        assert!(paths(false, want, got).is_empty());
        let stored = json!("b338afd6-b776-4568-a9ca-4bb956e78ec7");
        assert_eq!(paths(false, stored, json!("11111111-0000-4000-8000-5cbe4d95761d")), ["body"]);
    }

    #[test]
    fn secrets_may_be_null_or_absent() {
        assert!(paths(false, json!({"totp_secret": null}), json!({})).is_empty());
        assert!(paths(false, json!({}), json!({"confirmation_token": null})).is_empty());
        assert!(paths(false, json!({"totp_secret": "S"}), json!({"totp_secret": null})).is_empty());
    }
}
