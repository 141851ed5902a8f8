//! Shadowing: compares a sample of guichet's answers with those of the upstream server, and stores the differences.

mod comparison;
mod declared;
mod findings;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
pub use comparison::{ComparedAnswer, Difference, compare};
pub use declared::DeclaredDifferences;
pub use findings::{DifferingPlace, DifferingValues, Findings, OperationFindings, Outcome};
use percent_encoding::percent_decode_str;
use rand::RngExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, MissedTickBehavior, sleep};

use crate::platform::config;
use crate::server::upstream::documented_path;

/// How long shadowing pauses after the upstream server was too slow or refused to answer.
const PAUSE: Duration = Duration::from_secs(60);
/// Time between two writes of the findings.
const WRITE_INTERVAL: Duration = Duration::from_secs(5);
/// Statuses of a server that cannot answer at present: too many requests, and errors of gateways.
const UNANSWERED_STATUSES: [u16; 4] = [429, 502, 503, 504];
/// How long a changed row may take to appear in all answers; totals are cached for a second.
const SETTLE_TIME: Duration = Duration::from_millis(1200);
/// Maximum size of an answer that is compared, in bytes.
pub const MAX_ANSWER: usize = 8 << 20;

/// The sampler and its findings.
pub struct Shadow {
    settings: config::Shadow,
    file: PathBuf,
    places: Arc<Semaphore>,
    findings: Mutex<Findings>,
    paused_until: Mutex<Option<Instant>>,
}

impl Shadow {
    /// Makes a sampler by the operator's settings, whose findings are written to a file.
    pub fn new(settings: config::Shadow, file: PathBuf) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.max)),
            settings,
            file,
            findings: Mutex::default(),
            paused_until: Mutex::default(),
        }
    }

    /// Decides whether a request is in the sample; returns a permit for its comparison if it is.
    pub fn sample(&self) -> Option<OwnedSemaphorePermit> {
        if rand::rng().random::<f64>() >= self.settings.rate || self.is_paused() {
            return None;
        }
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Time limit of the upstream server.
    pub fn patience(&self) -> Duration {
        self.settings.patience
    }

    fn is_paused(&self) -> bool {
        lock(&self.paused_until).is_some_and(|until| until > Instant::now())
    }

    /// Pauses shadowing for a while.
    pub fn pause(&self) {
        *lock(&self.paused_until) = Some(Instant::now() + PAUSE);
    }

    /// Adds the outcome of a comparison to the findings.
    pub fn record(&self, operation: &str, outcome: Outcome) {
        lock(&self.findings).add(operation, outcome, Utc::now(), self.settings.values);
    }

    /// Writes the findings since the last call.
    pub async fn write(&self) {
        let found = std::mem::take(&mut *lock(&self.findings));
        if found.is_empty() {
            return;
        }
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || found.add_to(&file)).await;
        if let Err(error) = written.map_err(std::io::Error::other).flatten() {
            tracing::warn!(%error, file = %self.file.display(), "what shadowing found was not written");
        }
    }

    /// Writes the findings periodically.
    pub async fn write_periodically(&self) {
        let mut ticks = tokio::time::interval(WRITE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.write().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a status means that a server cannot answer at present.
pub fn is_unanswered(status: u16) -> bool {
    UNANSWERED_STATUSES.contains(&status)
}

/// The name of a `GET` in findings and metrics: its documented path, or that it has none.
pub fn operation(path: &str) -> String {
    format!("GET {}", documented_path(&decoded(path)).as_deref().unwrap_or("(not documented)"))
}

/// The declared differences for a path and a query.
pub fn declared(path: &str, query: &str) -> DeclaredDifferences {
    DeclaredDifferences::of(decoded(path).trim_end_matches('/'), &decoded(query))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Compares two answers to the same request. If they differ, both are requested `again` after changed rows appear
/// everywhere: a difference that is gone then was a change of data in between.
pub async fn compare_twice(
    declared: &DeclaredDifferences,
    (there, here): (ComparedAnswer, ComparedAnswer),
    again: impl AsyncFnOnce() -> Option<(ComparedAnswer, ComparedAnswer)>,
) -> Outcome {
    let first = compare(declared, &there, &here);
    if first.is_empty() {
        return Outcome::Same;
    }
    sleep(SETTLE_TIME).await;
    let Some((there, here)) = again().await else { return Outcome::Unanswered };
    let second = compare(declared, &there, &here);
    let stays = |found: &Difference| second.iter().any(|other| other.pattern() == found.pattern());
    let lasting: Vec<_> = first.into_iter().filter(stays).collect();
    if lasting.is_empty() { Outcome::Changed } else { Outcome::Different(lasting) }
}
