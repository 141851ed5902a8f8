//! Replays the recordings: every step of every scenario, with its answer and its changes of the database.
//!
//! Every file `tests/golden/<resource>.jsonl` is replayed, in both languages. `GOLDEN=<text>` in the environment
//! replays only the scenarios whose name holds the text.

pub(crate) mod deviation;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::LazyLock;
use std::{env, fs, thread};

use futures_util::{StreamExt, stream};
use sea_orm::DbBackend;
use serde::Deserialize;
use serde_json::Value as Json;

use self::deviation::Allowed;
use crate::harness::compare::{Comparison, Difference};
use crate::harness::rows::{Change, changes};
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;
use crate::harness::wire::{Answer, Request};
use crate::rest::openapi;

/// Failing steps that are printed in full.
const SHOWN: usize = 12;
/// Headers that must be absent if the recording does not have them.
const EXACT_HEADERS: [&str; 4] = ["x-ratelimit-limit", "x-ratelimit-remaining", "retry-after", "allow"];

/// The recordings of one resource: a file of `tests/golden/`.
pub(crate) struct Recordings {
    /// Name of the file, without `.jsonl`.
    resource: String,
    /// Its lines.
    pub(crate) exchanges: Vec<Exchange>,
}

/// Every file of recordings, by name.
pub(crate) static RECORDINGS: LazyLock<Vec<Recordings>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let recorded = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let mut all: Vec<Recordings> = recorded.map(|path| Recordings::read(&path)).collect();
    assert!(!all.is_empty(), "{} holds no recordings", folder.display());
    all.sort_by(|one, other| one.resource.cmp(&other.resource));
    all
});

/// Every recorded exchange, file by file.
pub(crate) fn exchanges() -> impl Iterator<Item = &'static Exchange> {
    RECORDINGS.iter().flat_map(|recordings| &recordings.exchanges)
}

#[test]
fn fr() {
    replay("fr");
}

#[test]
fn en() {
    replay("en");
}

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
    /// Body, if it is JSON.
    pub(crate) json: Option<Json>,
    text: Option<String>,
    magic: Option<String>,
}

impl Recordings {
    fn read(file: &Path) -> Self {
        let lines = fs::read_to_string(file).unwrap();
        let resource = file.file_stem().unwrap().to_string_lossy().into_owned();
        Self { resource, exchanges: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect() }
    }

    /// The scenarios in one language whose name holds a text, each with its steps.
    fn scenarios(&'static self, lang: &str, named: &str) -> Vec<Scenario> {
        let asked = self.exchanges.iter().filter(|step| step.lang == lang && step.scenario.contains(named));
        let mut scenarios: Vec<Scenario> = Vec::new();
        for step in asked {
            match scenarios.last_mut() {
                Some(last) if last.steps[0].scenario == step.scenario => last.steps.push(step),
                _ => scenarios.push(Scenario { resource: &self.resource, steps: vec![step] }),
            }
        }
        scenarios
    }
}

/// What is replayed over one database: the steps of one name, in one language.
struct Scenario {
    resource: &'static str,
    steps: Vec<&'static Exchange>,
}

/// Replays the scenarios of all files in one language.
fn replay(lang: &str) {
    let named = env::var("GOLDEN").unwrap_or_default();
    // Some scenarios are recorded in one language only.
    assert!(exchanges().any(|step| step.scenario.contains(&named)), "no scenario's name holds {named:?}");
    let scenarios: Vec<Scenario> =
        RECORDINGS.iter().flat_map(|recordings| recordings.scenarios(lang, &named)).collect();
    let steps: usize = scenarios.iter().map(|scenario| scenario.steps.len()).sum();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let failures: Vec<String> = runtime.block_on(async {
        let runs = scenarios.into_iter().map(|scenario| async {
            let name = scenario.name();
            let run = tokio::spawn(scenario.replay()).await;
            run.unwrap_or_else(|panic| vec![format!("── {name}: {panic}\n")])
        });
        stream::iter(runs).buffered(concurrency()).concat().await
    });
    if !failures.is_empty() {
        let shown: Vec<&String> = failures.iter().take(SHOWN).collect();
        let text: String = shown.iter().map(|failure| format!("\n{failure}")).collect();
        panic!("{lang}: {} of {steps} steps differ{text}", failures.len());
    }
}

/// Scenarios of one language that are replayed at the same time.
fn concurrency() -> usize {
    match *BACKEND {
        // It becomes slower with each further database in use.
        DbBackend::MySql => 1,
        _ => thread::available_parallelism().map_or(4, |threads| threads.get().max(4)),
    }
}

impl Scenario {
    fn name(&self) -> String {
        format!("{}: {}", self.resource, self.steps[0].scenario)
    }

    /// Replays its steps; the failing ones as text.
    async fn replay(self) -> Vec<String> {
        let shop = Shop::golden(&self.steps[0].lang).await;
        let writes = self.steps.iter().any(|step| step.db.is_some());
        let mut before = if writes { Some(shop.rows().await) } else { None };
        let mut learned = HashMap::new();
        let mut failures = Vec::new();
        for step in &self.steps {
            let answer = shop.send(&step.request.with(&learned)).await;
            let after = if writes { Some(shop.rows().await) } else { None };
            let changed = before.zip(after.as_ref()).map(|(before, after)| changes(&before, after));
            before = after;
            let mut comparison = Comparison { learned, ..Comparison::default() };
            judge(step, &answer, changed.as_deref(), &mut comparison);
            hold_to_contract(step, &answer, &mut comparison);
            if !comparison.found.is_empty() {
                failures.push(self.report(step, &answer, &comparison.found));
            }
            learned = comparison.learned;
        }
        shop.close().await;
        failures
    }

    /// A failing step as text: the request, the differences, the answer.
    fn report(&self, step: &Exchange, answer: &Answer, found: &[Difference]) -> String {
        let Exchange { step: number, lang, request, response, .. } = step;
        let body = request.body.as_ref().map(Json::to_string).or_else(|| request.raw.clone());
        let mut text = format!(
            "── {}/{number} ({lang}): {} {} {} (key {})\n",
            self.name(),
            request.method,
            request.path,
            body.unwrap_or_default(),
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
}

/// Validates our own answer against `openapi.json`.
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
    /// Whether it only reads: only its path and key matter.
    pub(crate) fn is_plain(&self) -> bool {
        let usual = |(name, value): (&String, &String)| name == "Accept" && value == "application/json";
        self.body.is_none() && self.raw.is_none() && self.headers.iter().all(usual)
    }

    /// Whether it changes something.
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

/// Every recording equals itself: the files are read completely, and the comparison works.
#[test]
fn recordings_agree_with_themselves() {
    for recordings in RECORDINGS.iter() {
        for step in &recordings.exchanges {
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
            assert_eq!(comparison.found, [], "{}: {}/{}", recordings.resource, step.scenario, step.step);
        }
    }
}
