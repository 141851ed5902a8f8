//! Whether guichet answers as the shop's own server does: a sample of its answers is compared with that
//! server's, and what differs is kept.

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
use rand::Rng;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, MissedTickBehavior, sleep};

use crate::platform::config;
use crate::server::upstream::documented_path;

/// How long nothing is asked once the shop's own server was too slow, or refused to answer.
const PAUSE: Duration = Duration::from_secs(60);
/// How often findings are written.
const WRITE_INTERVAL: Duration = Duration::from_secs(5);
/// Statuses of a server that has no answer for now: too many requests, and those of gateways.
const UNANSWERED_STATUSES: [u16; 4] = [429, 502, 503, 504];
/// How long a row that has changed may take to be seen everywhere; totals are remembered for a second.
const SETTLE_TIME: Duration = Duration::from_millis(1200);
/// Largest answer that is compared.
pub const MAX_ANSWER: usize = 8 << 20;

/// The sampler, and what it has found.
pub struct Shadow {
    settings: config::Shadow,
    file: PathBuf,
    places: Arc<Semaphore>,
    findings: Mutex<Findings>,
    paused_until: Mutex<Option<Instant>>,
}

impl Shadow {
    /// As the operator has set it; findings go to a file.
    pub fn new(settings: config::Shadow, file: PathBuf) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.max)),
            settings,
            file,
            findings: Mutex::default(),
            paused_until: Mutex::default(),
        }
    }

    /// A place for a question that is asked of both, where this one is of the sample.
    pub fn sample(&self) -> Option<OwnedSemaphorePermit> {
        if rand::rng().random::<f64>() >= self.settings.rate || self.is_paused() {
            return None;
        }
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// How long the shop's own server may take.
    pub fn patience(&self) -> Duration {
        self.settings.patience
    }

    fn is_paused(&self) -> bool {
        lock(&self.paused_until).is_some_and(|until| until > Instant::now())
    }

    /// Asks nothing for a while.
    pub fn pause(&self) {
        *lock(&self.paused_until) = Some(Instant::now() + PAUSE);
    }

    /// Keeps what became of a question.
    pub fn record(&self, operation: &str, outcome: Outcome) {
        lock(&self.findings).add(operation, outcome, Utc::now(), self.settings.values);
    }

    /// Writes what was found since the last time.
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

    /// Writes again and again.
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

/// Whether a server has no answer for now.
pub fn is_unanswered(status: u16) -> bool {
    UNANSWERED_STATUSES.contains(&status)
}

/// What a `GET` is counted as: its documented path, or that it has none.
pub fn operation(path: &str) -> String {
    format!("GET {}", documented_path(&decoded(path)).as_deref().unwrap_or("(not documented)"))
}

/// What is declared for a question.
pub fn declared(path: &str, query: &str) -> DeclaredDifferences {
    DeclaredDifferences::of(decoded(path).trim_end_matches('/'), &decoded(query))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What becomes of a question that was answered there and here. Where the answers differ, both are asked for
/// `again`, once rows that have changed show everywhere: what differs only once has changed meanwhile.
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
