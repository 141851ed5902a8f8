//! The worker that sends what is in the outbox (`src/shop/outbox/mod.rs`): mails by SMTP, webhooks by HTTP.

mod mail;
mod target;
mod webhook;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

pub(crate) use self::mail::Mailer;
use self::webhook::Caller;
use crate::Result;
use crate::shop::Shop;
use crate::shop::outbox::{self, Backlog, Row};

/// Rows that a process sends at the same time, and how many of them are webhooks: receivers that do not answer hold up no
/// mails.
const MAX_SENDING: usize = 8;
const MAX_WEBHOOKS: usize = 6;
/// How long an attempt may take: less than the lease of a row.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two looks at the table where nothing is due.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The same where the database fails.
const OUTAGE_INTERVAL: Duration = Duration::from_secs(5);
/// Pause between two looks for a table that is not there.
const SEARCH_INTERVAL: Duration = Duration::from_secs(60);
/// Pause between two deletions of rows that were given up long ago.
const CLEANING_INTERVAL: Duration = Duration::from_secs(3600);
/// How often the end of an attempt is noted where the database fails, and the pause between.
const NOTE_ATTEMPTS: u32 = 5;
const NOTE_PAUSE: Duration = Duration::from_secs(1);

/// Why an attempt has failed.
#[derive(Debug)]
pub(super) struct SendError {
    /// The reason, for the operator. It may hold an address: it is stored, and not logged.
    text: String,
    /// The same without what a server has said, for the log.
    summary: String,
    /// Whether another attempt would fail, too.
    is_final: bool,
}

impl SendError {
    /// A reason that may pass.
    fn passing(summary: impl Into<String>, text: impl Into<String>) -> Self {
        Self { text: text.into(), summary: summary.into(), is_final: false }
    }

    /// A reason for which another attempt would fail, too.
    fn last(summary: impl Into<String>, text: impl Into<String>) -> Self {
        Self { is_final: true, ..Self::passing(summary, text) }
    }
}

impl From<DbErr> for SendError {
    fn from(error: DbErr) -> Self {
        Self::passing("the database fails", error.to_string())
    }
}

/// What becomes of attempts.
const OUTCOMES: [&str; 3] = ["sent", "failed", "given_up"];

/// What became of attempts since the process has started.
struct OutcomeCounts(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Default for OutcomeCounts {
    /// Each is there from the start: of a counter that begins with 1, Prometheus does not see the first.
    fn default() -> Self {
        let kinds = [outbox::MAIL, outbox::WEBHOOK];
        let all = kinds.into_iter().flat_map(|kind| OUTCOMES.map(|outcome| ((kind, outcome), 0)));
        Self(Mutex::new(all.collect()))
    }
}

impl OutcomeCounts {
    fn raise(&self, kind: &str, outcome: &'static str) {
        let kind = if kind == outbox::MAIL { outbox::MAIL } else { outbox::WEBHOOK };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((kind, outcome)).or_default() += 1;
    }
}

/// The outbox at the moment when the metrics are asked for.
#[derive(Default)]
pub(crate) struct OutboxState {
    /// What became of attempts of this process: kind, outcome, number.
    pub(crate) attempts: Vec<(&'static str, &'static str, u64)>,
    /// The rows of the table, those of all processes.
    pub(crate) backlog: Vec<Backlog>,
}

/// Sends what is in the outbox.
pub(crate) struct OutboxSender {
    shop: Arc<Shop>,
    mailer: Option<Mailer>,
    caller: Caller,
    counts: OutcomeCounts,
    /// The places of webhooks.
    webhooks: Arc<Semaphore>,
    /// When old rows were last deleted, in seconds of the process.
    started: Instant,
    cleaned: AtomicU64,
    is_failing: AtomicBool,
}

impl OutboxSender {
    /// A sender by the operator's settings.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) where the certificates of a mail server cannot be read.
    pub(crate) fn new(shop: Arc<Shop>) -> Result<Self> {
        let mailer = shop.config.mail.as_ref().map(Mailer::new).transpose()?;
        let caller = Caller::new(&shop.config);
        Ok(Self {
            shop,
            mailer,
            caller,
            counts: OutcomeCounts::default(),
            webhooks: Arc::new(Semaphore::new(MAX_WEBHOOKS)),
            started: Instant::now(),
            cleaned: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
        })
    }

    /// Sends what is due until `stop` is cancelled. Then what is under way is finished.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut sending = JoinSet::new();
        loop {
            let pause = self.send_due(&mut sending).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = sending.join_next() => {}
                () = sleep(pause) => {}
            }
        }
        while sending.join_next().await.is_some() {}
    }

    /// Takes as many rows as there is place for. Returns how long to wait until the next look.
    async fn send_due(self: &Arc<Self>, sending: &mut JoinSet<()>) -> Duration {
        self.shop.own_tables.find_outbox(self.shop.servers.db()).await;
        if !self.shop.own_tables.has_outbox() {
            return SEARCH_INTERVAL;
        }
        let webhooks = self.webhooks.available_permits();
        let kinds = self.kinds(webhooks > 0);
        let free = MAX_SENDING.saturating_sub(sending.len());
        if free == 0 || kinds.is_empty() {
            return LOOK_INTERVAL;
        }
        // Each row that is taken has a place, whatever its kind.
        let free = if webhooks > 0 { free.min(webhooks) } else { free };
        let limit = u64::try_from(free).unwrap_or_default();
        let taken = outbox::take(&self.shop.reader, kinds, self.shop.clock.now(), limit).await;
        let was_failing = self.is_failing.swap(taken.is_err(), Ordering::Relaxed);
        match taken {
            Ok(rows) => {
                for row in rows {
                    let is_webhook = row.kind == outbox::WEBHOOK;
                    let place = is_webhook.then(|| Arc::clone(&self.webhooks).try_acquire_owned().ok());
                    let attempt = Arc::clone(self).attempt(row);
                    sending.spawn(async move {
                        attempt.await;
                        drop(place);
                    });
                }
                self.clean().await;
                LOOK_INTERVAL
            }
            Err(error) => {
                if !was_failing {
                    tracing::warn!(%error, "the outbox cannot be read");
                }
                OUTAGE_INTERVAL
            }
        }
    }

    /// The kinds of rows that this process sends now.
    fn kinds(&self, webhooks: bool) -> &'static [&'static str] {
        match (self.mailer.is_some(), webhooks) {
            (true, true) => &[outbox::MAIL, outbox::WEBHOOK],
            (true, false) => &[outbox::MAIL],
            (false, true) => &[outbox::WEBHOOK],
            (false, false) => &[],
        }
    }

    /// Deletes rows that were given up long ago, now and then.
    async fn clean(&self) {
        let now = self.started.elapsed().as_secs();
        let last = self.cleaned.load(Ordering::Relaxed);
        if now.saturating_sub(last) < CLEANING_INTERVAL.as_secs() {
            return;
        }
        self.cleaned.store(now, Ordering::Relaxed);
        if let Err(error) = outbox::forget_old(&self.shop.reader, self.shop.clock.now()).await {
            tracing::warn!(%error, "old rows of the outbox were not deleted");
        }
    }

    /// Sends a row that this process has taken, and notes how that has ended.
    async fn attempt(self: Arc<Self>, row: Row) {
        let silent = |_| SendError::passing("no answer in time", "no answer in time");
        let sent = timeout(ATTEMPT_TIMEOUT, self.send(&row)).await.map_err(silent).flatten();
        match sent {
            Ok(()) => {
                self.counts.raise(&row.kind, "sent");
                let (db, sent) = (&self.shop.reader, &row);
                noted(row.id.0, move || outbox::done(db, sent)).await;
            }
            Err(error) => self.fail(&row, &error).await,
        }
    }

    async fn send(&self, row: &Row) -> Result<(), SendError> {
        match &self.mailer {
            _ if row.kind == outbox::WEBHOOK => self.caller.send(row, self.shop.clock.now()).await,
            Some(mailer) => mailer.send(&self.shop.reader, row).await,
            None => Err(SendError::passing("it is switched off", "mails are switched off")),
        }
    }

    async fn fail(&self, row: &Row, error: &SendError) {
        let (db, now) = (&self.shop.reader, self.shop.clock.now());
        let fail = move || outbox::failed(db, row, &error.text, error.is_final, now);
        let gives_up = noted(row.id.0, fail).await;
        let (id, kind, event, attempts, cause) =
            (row.id.0, row.kind.as_str(), row.event.as_str(), row.attempts, error.summary.as_str());
        self.counts.raise(kind, "failed");
        if gives_up == Some(true) {
            self.counts.raise(kind, "given_up");
            tracing::warn!(id, kind, event, attempts, cause, "a row of the outbox was given up");
        } else {
            tracing::info!(id, kind, event, attempts, cause, "a row of the outbox is tried again later");
        }
    }

    /// What became of attempts, and what is left to send.
    pub(crate) async fn state(&self) -> OutboxState {
        let counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let attempts = counts.into_iter().map(|((kind, outcome), number)| (kind, outcome, number)).collect();
        let backlog = match self.shop.own_tables.has_outbox() {
            // A database that fails is told by other metrics.
            true => outbox::backlog(&self.shop.reader).await.unwrap_or_default(),
            false => Vec::new(),
        };
        OutboxState { attempts, backlog }
    }
}

/// Writes how an attempt has ended, also where the database fails for a moment: otherwise the row is sent once more.
async fn noted<T, Work>(id: i64, write: impl Fn() -> Work) -> Option<T>
where
    Work: Future<Output = Result<T, DbErr>>,
{
    for attempt in 1..=NOTE_ATTEMPTS {
        match write().await {
            Ok(done) => return Some(done),
            Err(_) if attempt < NOTE_ATTEMPTS => sleep(NOTE_PAUSE).await,
            Err(error) => {
                tracing::warn!(id, %error, "how an attempt of the outbox has ended was not written")
            }
        }
    }
    None
}
