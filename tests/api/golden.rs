//! The recordings replayed: every step of every scenario, its answer and what it changed.
//!
//! `GOLDEN=<text>` in the environment replays only the scenarios whose name holds the text.

use std::collections::{BTreeMap, HashMap};
use std::env;

use futures_util::{StreamExt, stream};
use sea_orm::DbBackend;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::compare::{Comparison, Difference};
use crate::deviation::Allowed;
use crate::openapi;
use crate::rows::{Change, changes};
use crate::shop::Shop;
use crate::store::BACKEND;
use crate::wire::{Answer, Request};

/// Failing steps that are printed in full.
const SHOWN: usize = 12;
/// Headers that are absent where the recording has none.
const EXACT_HEADERS: [&str; 4] = ["x-ratelimit-limit", "x-ratelimit-remaining", "retry-after", "allow"];

/// Declares the resources that are replayed: a test for each language.
macro_rules! replay {
    ($($resource:ident),* $(,)?) => {
        /// The resources whose recordings are replayed (`tests/golden/<resource>.jsonl`).
        pub(crate) const RESOURCES: &[(&str, &str)] =
            &[$((stringify!($resource), include_str!(concat!("../golden/", stringify!($resource), ".jsonl")))),*];
        $(mod $resource {
            #[test]
            fn fr() {
                super::replay(stringify!($resource), "fr");
            }
            #[test]
            fn en() {
                super::replay(stringify!($resource), "en");
            }
        })*
    };
}

replay! { common, customers, products, groups, pricings, services }

/// One line of a recording.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Exchange {
    /// Name of the scenario.
    pub(crate) scenario: String,
    /// Its step.
    pub(crate) step: u32,
    /// Language of the server.
    pub(crate) lang: String,
    /// What was sent.
    pub(crate) request: SentStatement,
    /// What came back.
    pub(crate) response: Received,
    /// What changed, in scenarios that write.
    pub(crate) db: Option<Vec<Json>>,
}

/// A recorded request.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SentStatement {
    /// HTTP method.
    pub(crate) method: String,
    /// Path with query.
    pub(crate) path: String,
    headers: BTreeMap<String, String>,
    /// Name of the key, or the bearer text itself.
    pub(crate) key: Option<String>,
    body: Option<Json>,
    raw: Option<String>,
}

/// A recorded answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Received {
    /// HTTP status.
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    /// Body, where it is JSON.
    pub(crate) json: Option<Json>,
    text: Option<String>,
    magic: Option<String>,
}

/// Reads a file of recordings.
pub(crate) fn exchanges(file: &str) -> Vec<Exchange> {
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Replays the scenarios of one file in one language.
fn replay(resource: &str, lang: &str) {
    let file = RESOURCES.iter().find(|(name, _)| *name == resource).unwrap().1;
    let only = env::var("GOLDEN").unwrap_or_default();
    let mut scenarios: Vec<Vec<Exchange>> = Vec::new();
    for exchange in exchanges(file) {
        if exchange.lang != lang || !exchange.scenario.contains(&only) {
            continue;
        }
        match scenarios.last_mut() {
            Some(steps) if steps[0].scenario == exchange.scenario => steps.push(exchange),
            _ => scenarios.push(vec![exchange]),
        }
    }
    let steps: usize = scenarios.iter().map(Vec::len).sum();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let failures: Vec<String> = runtime.block_on(async {
        // MariaDB slows down with every more database in use.
        let concurrency = if *BACKEND == DbBackend::MySql { 1 } else { 4 };
        let runs = scenarios.into_iter().map(|steps| async {
            let name = steps[0].scenario.clone();
            let run = tokio::spawn(scenario(steps)).await;
            run.unwrap_or_else(|panic| vec![format!("── {name}: {panic}\n")])
        });
        stream::iter(runs).buffered(concurrency).concat().await
    });
    if !failures.is_empty() {
        let shown: Vec<&String> = failures.iter().take(SHOWN).collect();
        let text: String = shown.iter().map(|failure| format!("\n{failure}")).collect();
        panic!("{resource} ({lang}): {} of {steps} steps differ{text}", failures.len());
    }
}

/// Replays one scenario; the failing steps as text.
async fn scenario(steps: Vec<Exchange>) -> Vec<String> {
    let shop = Shop::golden(&steps[0].lang).await;
    let writes = steps.iter().any(|step| step.db.is_some());
    let mut before = if writes { Some(shop.rows().await) } else { None };
    let mut learned = HashMap::new();
    let mut failures = Vec::new();
    for step in &steps {
        let answer = shop.send(&step.request.with(&learned)).await;
        let after = if writes { Some(shop.rows().await) } else { None };
        let changed = before.zip(after.as_ref()).map(|(before, after)| changes(&before, after));
        before = after;
        let mut comparison = Comparison { learned, ..Comparison::default() };
        judge(step, &answer, changed.as_deref(), &mut comparison);
        hold_to_contract(step, &answer, &mut comparison);
        if !comparison.found.is_empty() {
            failures.push(report(step, &answer, &comparison.found));
        }
        learned = comparison.learned;
    }
    shop.close().await;
    failures
}

/// Holds our own answer against `openapi.json`.
fn hold_to_contract(step: &Exchange, answer: &Answer, into: &mut Comparison) {
    let request = &step.request;
    if answer.header("content-type") == Some("application/json") {
        let found = openapi::contradiction(&request.method, &request.path, answer.status, &answer.json());
        if let Some(found) = found {
            into.differ("openapi.json", None, Some(found));
        }
    }
}

/// Compares one answer and its changes with the recorded ones.
fn judge(step: &Exchange, answer: &Answer, changed: Option<&[Change]>, into: &mut Comparison) {
    let allowed = Allowed::at(&step.scenario, step.step);
    let want = &step.response;
    let status = allowed.status.unwrap_or(want.status);
    if answer.status != status {
        into.differ("status", Some(status.to_string()), Some(answer.status.to_string()));
    }
    if allowed.status.is_none() {
        into.loose = step.request.writes() && (200..300).contains(&want.status);
        headers(want, answer, into);
        body(want, answer, into);
        if let (Some(want), Some(got)) = (&step.db, changed) {
            let want: Vec<Change> = want.iter().map(Change::recorded).collect();
            into.changes(&want, got);
        }
        into.found.retain(|difference| !allowed.covers(&difference.path, difference.expected.is_none()));
    }
    if status >= 400 && changed.is_some_and(|changed| !changed.is_empty()) {
        let changed: Vec<String> = changed.into_iter().flatten().map(Change::to_string).collect();
        into.differ("a refused request changed", None, Some(changed.join("; ")));
    }
}

fn headers(want: &Received, answer: &Answer, into: &mut Comparison) {
    for (name, want) in &want.headers {
        let got = answer.header(name);
        let same = match (name.as_str(), got) {
            ("vary", Some(got)) => want.split(", ").all(|part| got.split(", ").any(|other| other == part)),
            (_, Some(got)) => into.texts(want, got),
            (_, None) => false,
        };
        if !same {
            into.differ(&format!("header {name}"), Some(want.clone()), got.map(str::to_owned));
        }
    }
    for name in EXACT_HEADERS.iter().filter(|name| !want.headers.contains_key(**name)) {
        if let Some(got) = answer.header(name) {
            into.differ(&format!("header {name}"), None, Some(got.to_owned()));
        }
    }
}

fn body(want: &Received, answer: &Answer, into: &mut Comparison) {
    match (&want.json, &want.text, &want.magic) {
        (Some(json), ..) => match serde_json::from_slice(&answer.body) {
            Ok(got) => into.json("body", json, &got),
            Err(_) => into.differ("body", Some(json.to_string()), Some(answer.text())),
        },
        (None, Some(text), _) if !into.texts(text, &answer.text()) => {
            into.differ("body", Some(text.clone()), Some(answer.text()));
        }
        (None, None, Some(magic)) if !same_file(magic, &answer.body) => {
            into.differ("body", Some(magic.clone()), Some(answer.text().chars().take(8).collect()));
        }
        _ => {}
    }
}

/// A file is of the same kind: it begins alike; nothing stays nothing. The number after the dash
/// of a PDF's first line is its version.
fn same_file(magic: &str, body: &[u8]) -> bool {
    let start = magic.split_once('-').map_or(magic, |(start, _)| start);
    if magic.is_empty() { body.is_empty() } else { body.starts_with(start.as_bytes()) }
}

impl SentStatement {
    /// Whether it is a question alone: nothing but its path and key counts.
    pub(crate) fn is_plain(&self) -> bool {
        let usual = |(name, value): (&String, &String)| name == "Accept" && value == "application/json";
        self.body.is_none() && self.raw.is_none() && self.headers.iter().all(usual)
    }

    /// Whether it is meant to change something.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// The request to send, with our own random values in place of the recorded ones.
    pub(crate) fn with(&self, learned: &HashMap<String, String>) -> Request {
        let ours =
            |text: &str| learned.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new));
        let mut headers: Vec<(String, String)> = self.headers.clone().into_iter().collect();
        if let Some(key) = &self.key {
            headers.push(("Authorization".to_owned(), format!("Bearer {}", Shop::key(&ours(key)))));
        }
        let body = self.body.as_ref().map(Json::to_string);
        let body = body.or_else(|| self.raw.clone()).map(|text| ours(&text)).unwrap_or_default();
        Request { method: self.method.clone(), path: ours(&self.path), headers, body: body.into_bytes() }
    }
}

/// A failing step, to read: what was asked, what differs, what came.
fn report(step: &Exchange, answer: &Answer, found: &[Difference]) -> String {
    let Exchange { scenario, step: number, lang, request, response, .. } = step;
    let body = request.body.as_ref().map(Json::to_string).or_else(|| request.raw.clone()).unwrap_or_default();
    let mut text = format!(
        "── {scenario}/{number} ({lang}): {} {} {body} (key {})\n",
        request.method,
        request.path,
        request.key.as_deref().unwrap_or("none given")
    );
    for difference in found.iter().take(12) {
        text += &format!("   {}\n", difference.line());
    }
    if found.len() > 12 {
        text += &format!("   … and {} more\n", found.len() - 12);
    }
    let recorded = response.json.as_ref().map(Json::to_string).unwrap_or_default();
    let cut = |text: &str| text.chars().take(400).collect::<String>();
    text + &format!(
        "   recorded: {} {}\n   answered: {} {}\n",
        response.status,
        cut(&recorded),
        answer.status,
        cut(&answer.text())
    )
}

/// Every recording agrees with itself: the files are read whole, and the comparison is sound.
#[test]
fn recordings_agree_with_themselves() {
    for (resource, file) in RESOURCES {
        for step in exchanges(file) {
            let mut comparison = Comparison::default();
            let headers = step.response.headers.clone().into_iter().collect();
            let body = step.response.json.as_ref().map(Json::to_string);
            let body = body.or_else(|| step.response.text.clone()).unwrap_or_default().into_bytes();
            self::headers(
                &step.response,
                &Answer { status: 0, headers, body: body.clone() },
                &mut comparison,
            );
            self::body(&step.response, &Answer { status: 0, headers: vec![], body }, &mut comparison);
            let changes: Vec<Change> = step.db.iter().flatten().map(Change::recorded).collect();
            comparison.changes(&changes, &changes);
            assert_eq!(comparison.found, [], "{resource}: {}/{}", step.scenario, step.step);
        }
    }
}
