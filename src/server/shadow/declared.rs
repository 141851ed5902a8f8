//! Declared differences: where guichet's answers to `GET` requests differ from the original's on purpose
//! (`declared.json`). The recordings have a list of their own, `tests/golden/deviations.json`; a test compares the
//! two.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::comparison::Difference;

static ALL: LazyLock<Vec<Declaration>> = LazyLock::new(|| {
    // A test checks that it can be parsed.
    serde_json::from_str(include_str!("declared.json")).unwrap_or_default()
});

/// One declared difference.
#[derive(Debug, Deserialize)]
struct Declaration {
    /// The requests that it applies to: a pattern of the path, and one of the query.
    #[serde(with = "pattern")]
    path: Regex,
    #[serde(default, with = "optional_pattern")]
    query: Option<Regex>,
    /// Statuses of the original and of guichet that may differ.
    #[serde(default)]
    status: Option<Statuses>,
    /// Places of the body that may differ, with everything below them.
    #[serde(default)]
    ignore: Vec<String>,
    /// Places of the body that only guichet's answer may have, with everything below them.
    #[serde(default)]
    extra: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Statuses {
    there: Vec<u16>,
    here: u16,
}

/// The declared differences for one request.
#[derive(Debug, Default)]
pub struct DeclaredDifferences {
    statuses: Vec<Statuses>,
    ignore: Vec<&'static str>,
    extra: Vec<&'static str>,
}

impl DeclaredDifferences {
    /// The declared differences for a path and a query, both decoded.
    pub fn of(path: &str, query: &str) -> Self {
        let mut declared = Self::default();
        let asked = |entry: &&Declaration| {
            entry.path.is_match(path) && entry.query.as_ref().is_none_or(|known| known.is_match(query))
        };
        for entry in ALL.iter().filter(asked) {
            declared.statuses.extend(entry.status.clone());
            declared.ignore.extend(entry.ignore.iter().map(String::as_str));
            declared.extra.extend(entry.extra.iter().map(String::as_str));
        }
        declared
    }

    pub(super) fn covers_status(&self, there: u16, here: u16) -> bool {
        self.statuses.iter().any(|known| known.here == here && known.there.contains(&there))
    }

    pub(super) fn covers(&self, difference: &Difference) -> bool {
        let place = difference.pattern();
        let listed = |places: &[&str]| places.iter().any(|&known| is_at_or_below(&place, known));
        listed(&self.ignore) || (difference.there.is_none() && listed(&self.extra))
    }
}

/// Whether a place equals `known` or is below it. In `known`, `**` stands for any number of steps.
fn is_at_or_below(place: &str, known: &str) -> bool {
    if known == "/" || place == known {
        return place.starts_with('/') || place == known;
    }
    match known.split_once("/**") {
        Some((before, after)) => place.strip_prefix(before).is_some_and(|rest| {
            rest.match_indices('/').any(|(at, _)| rest[at..].strip_prefix(after).is_some_and(ends_a_step))
        }),
        None => place.strip_prefix(known).is_some_and(ends_a_step),
    }
}

fn ends_a_step(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

mod pattern {
    use regex::Regex;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Regex, D::Error> {
        Regex::new(&format!("^(?:{})$", String::deserialize(from)?)).map_err(D::Error::custom)
    }
}

mod optional_pattern {
    use regex::Regex;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Regex>, D::Error> {
        Regex::new(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_read() {
        let read: Vec<Declaration> = serde_json::from_str(include_str!("declared.json")).unwrap();
        assert!(!read.is_empty());
    }

    #[test]
    fn places_cover_what_is_below_them() {
        assert!(is_at_or_below("/data/*/pricing/EUR", "/data/*/pricing"));
        assert!(!is_at_or_below("/data/*/pricings", "/data/*/pricing"));
        assert!(is_at_or_below("/data/*/groups/*/products/*/pricing/a", "/data/*/**/products/*/pricing"));
        assert!(is_at_or_below("/data/*/products/*/pricing", "/data/*/**/products/*/pricing"));
        assert!(!is_at_or_below("/data/*/pricing", "/data/*/**/products/*/pricing"));
        assert!(is_at_or_below("/anything", "/") && !is_at_or_below("header allow", "/"));
    }
}
