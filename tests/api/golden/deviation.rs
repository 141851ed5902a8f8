//! Declared differences from the recordings: `deviations.json` came with them, `additions.json` is ours and takes
//! precedence.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

static DECLARED: LazyLock<Vec<Deviation>> = LazyLock::new(|| {
    let files = [include_str!("../../golden/additions.json"), include_str!("../../golden/deviations.json")];
    files.iter().flat_map(|file| serde_json::from_str::<Vec<Deviation>>(file).unwrap()).collect()
});

/// One declared difference.
#[derive(Debug, Deserialize)]
struct Deviation {
    /// Glob on `scenario/step`.
    #[serde(rename = "match", deserialize_with = "glob")]
    matches: Regex,
    /// The status of our answer; then nothing else of the answer is compared.
    status: Option<u16>,
    /// Paths that may differ in any way.
    #[serde(default)]
    ignore: Vec<String>,
    /// Paths that may exist although they were not recorded.
    #[serde(default)]
    extra: Vec<String>,
}

/// All declared differences of one step.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    /// The status instead of the recorded one.
    pub(crate) status: Option<u16>,
    ignore: Vec<Regex>,
    extra: Vec<Regex>,
}

impl Allowed {
    /// What may differ in that step.
    pub(crate) fn at(scenario: &str, step: u32) -> Self {
        let name = format!("{scenario}/{step}");
        let mut allowed = Self::default();
        for deviation in DECLARED.iter().filter(|declared| declared.matches.is_match(&name)) {
            allowed.status = allowed.status.or(deviation.status);
            allowed.ignore.extend(deviation.ignore.iter().map(|path| path_glob(path)));
            allowed.extra.extend(deviation.extra.iter().map(|path| path_glob(path)));
        }
        allowed
    }

    /// Whether a difference at that path is declared; `added`: the recording has nothing there.
    pub(crate) fn covers(&self, path: &str, added: bool) -> bool {
        let listed = |globs: &[Regex]| globs.iter().any(|glob| glob.is_match(path));
        listed(&self.ignore) || added && listed(&self.extra)
    }
}

fn glob<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Regex, D::Error> {
    let pattern = String::deserialize(from)?.replace('.', r"\.").replace('*', ".*");
    Regex::new(&format!("^{pattern}$")).map_err(serde::de::Error::custom)
}

/// A path and all below it; `*` is one step of it, `**` any number of steps.
fn path_glob(path: &str) -> Regex {
    let pattern = regex::escape(path).replace(r"\.\*\*", r"(\..*)?").replace(r"\*", "[^.]+");
    Regex::new(&format!(r"^{pattern}(\..*)?$")).unwrap()
}

#[test]
fn declared_differences_are_found() {
    assert_eq!(Allowed::at("show.groups", 3).status, Some(404));
    assert!(Allowed::at("update.groups.2", 0).covers("body.slug", false));
    assert!(!Allowed::at("update.groups.5", 0).covers("body.slug", false));
    assert!(Allowed::at("update.groups.0", 0).covers("db.groups/2.slug", false));
    let pricing = Allowed::at("products.pricing", 6);
    assert!(pricing.covers("body.data.0.products.1.pricing", true));
    assert!(pricing.covers("body.data.0.groups.0.products.1.pricing", true));
    assert!(!pricing.covers("body.data.0.products.1.pricing", false));
    assert!(!pricing.covers("body.data.0.pricing", true));
}
