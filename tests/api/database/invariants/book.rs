//! The answers that the clients got, in their order.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value as Json;

use super::operation::Operation;
use super::send::Answer;
use crate::harness::rows::Snapshot;

/// Statuses with which an operation may be refused; 503 is counted apart.
const REFUSALS: [u16; 6] = [400, 404, 409, 412, 422, 503];

/// Fields that may be refused: values that must be unique, and parents that do not exist.
const REFUSED_FIELDS: [&str; 5] = ["slug", "email", "parent_id", "group_id", "related_id"];

/// An operation that was answered.
pub(super) struct Done {
    pub(super) started: u64,
    pub(super) ended: u64,
    /// The amount by which it changes its counter.
    pub(super) change: i64,
    pub(super) answer: Answer,
}

/// A success, as it is looked for in the rows.
pub(super) struct Success {
    pub(super) name: &'static str,
    pub(super) table: &'static str,
    /// The record.
    pub(super) id: i64,
    pub(super) started: u64,
    pub(super) ended: u64,
    /// The input.
    pub(super) input: Json,
    /// The column that it writes, and the value.
    pub(super) tag: String,
    pub(super) column: &'static str,
    /// By how much it changed its counter.
    pub(super) change: i64,
    /// Whether the action was done, if the answer says so apart from its status.
    pub(super) acted: bool,
}

/// What is known about the run besides the rows.
pub(super) struct Book {
    /// The rows before the first operation.
    pub(super) start: Snapshot,
    clock: AtomicU64,
    successes: Mutex<Vec<Success>>,
    /// Tags of operations that were refused.
    refused: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<u16, usize>>,
    by_name: Mutex<HashMap<&'static str, [usize; 2]>>,
    /// When the operation of a tag has ended.
    under_way: Mutex<HashMap<String, u64>>,
}

impl Book {
    pub(super) fn new(start: Snapshot) -> Self {
        Self {
            start,
            clock: AtomicU64::new(0),
            successes: Mutex::default(),
            refused: Mutex::default(),
            counts: Mutex::default(),
            by_name: Mutex::default(),
            under_way: Mutex::default(),
        }
    }

    /// The next moment.
    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Notes an answer, which must be one that the operation may get.
    pub(super) fn note(&self, operation: &Operation, input: &Json, done: Done) {
        let Answer { status, body } = &done.answer;
        let success = (200..300).contains(status);
        self.under_way.lock().unwrap().insert(operation.tag.clone(), done.ended);
        assert!(success || REFUSALS.contains(status), "{operation:?}: {status} {body}");
        self.count(operation.kind.name, *status);
        if !success {
            assert_known_fields(operation, *status, body);
            self.refused.lock().unwrap().push(operation.tag.clone());
            return;
        }
        let success = Success::new(operation, input, done);
        self.successes.lock().unwrap().push(success);
    }

    /// Counts an answer.
    pub(super) fn count(&self, name: &'static str, status: u16) {
        *self.counts.lock().unwrap().entry(status).or_default() += 1;
        self.by_name.lock().unwrap().entry(name).or_default()[usize::from(status >= 300)] += 1;
    }

    /// Notes that a tag is on its way.
    pub(super) fn begin(&self, tag: &str) -> u64 {
        let started = self.tick();
        self.under_way.lock().unwrap().insert(tag.to_owned(), u64::MAX);
        started
    }

    /// What is read after a success is what it has written, or what somebody wrote who ended after it began.
    pub(super) fn look_at(&self, own: &Operation, started: u64, found: &str) {
        let ended = self.under_way.lock().unwrap().get(found).copied();
        assert!(found == own.tag || ended.is_some_and(|ended| ended > started), "{found} after {own:?}");
    }

    /// All successes, in the order of their answers.
    pub(super) fn successes(&self) -> std::sync::MutexGuard<'_, Vec<Success>> {
        self.successes.lock().unwrap()
    }

    /// Whether a tag is one of an operation that had no success.
    pub(super) fn was_refused(&self, tag: &str) -> bool {
        // One that was tried again may have had it then.
        let refused = self.refused.lock().unwrap().iter().any(|refused| refused == tag);
        refused && !self.successes().iter().any(|success| success.tag == tag)
    }

    /// How many operations were answered with a status.
    pub(super) fn answered(&self, status: u16) -> usize {
        self.counts.lock().unwrap().get(&status).copied().unwrap_or_default()
    }

    /// How many operations were sent.
    pub(super) fn sent(&self) -> usize {
        self.counts.lock().unwrap().values().sum()
    }

    /// A summary to print: answers by status, then successes and refusals of each mutation.
    pub(super) fn report(&self) -> String {
        let by_name: BTreeMap<_, _> = self.by_name.lock().unwrap().clone().into_iter().collect();
        let each: Vec<String> =
            by_name.iter().map(|(name, [well, ill])| format!("{name} {well}/{ill}")).collect();
        format!("{} sent, {:?}; {}", self.sent(), self.counts.lock().unwrap(), each.join(", "))
    }
}

/// A value that is taken, be it since long or by one who was faster, is reported by its field; so is a parent.
fn assert_known_fields(operation: &Operation, status: u16, body: &Json) {
    if status == 422 {
        let errors =
            body.get("message").map_or(&body["errors"][0]["extensions"]["errors"], |_| &body["errors"]);
        let reported: Vec<&str> =
            errors.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
        let known = reported.iter().all(|field| REFUSED_FIELDS.contains(field));
        assert!(known && !reported.is_empty(), "{operation:?}: {body}");
    }
}

impl Success {
    fn new(operation: &Operation, input: &Json, done: Done) -> Self {
        let Done { started, ended, change, answer: Answer { body, .. } } = done;
        let (table, column) = operation.kind.writes;
        let made = body["id"].as_i64().or(body["databaseId"].as_i64()).unwrap_or_default();
        let id = operation.id.unwrap_or(made);
        assert!(id > 0, "{operation:?}: {body}");
        let shown = body.get(column).filter(|_| !column.is_empty());
        assert!(shown.is_none_or(|shown| text(shown) == operation.tag), "{operation:?}: {body}");
        let acted = body["result"]["success"].as_bool().unwrap_or(true);
        let (name, input, tag) = (operation.kind.name, input.clone(), operation.tag.clone());
        Self { name, table, id, started, ended, input, tag, column, change, acted }
    }
}

/// A value as it is compared: numbers with two decimals, however they are spelled.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => {
            text.parse::<f64>().map_or_else(|_| text.clone(), |number| format!("{number:.2}"))
        }
        Json::Number(number) => format!("{:.2}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}
