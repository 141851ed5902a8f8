//! The way of a request through the server, the same for both faces: a place among those that run, the
//! key, the limits, the execution, and what it cost. A face reads its request and spells the outcome.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_graphql::async_trait::async_trait;
use async_graphql::{Request as Operation, Response as Answer};
use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::{FutureExt, poll};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::engine::{CancelReason, Engine};
use crate::execution::{Execution, Principal};
use crate::gate::{Gate, Permit};
use crate::limit::{CallerLimits, Verdict};
use crate::schema::AnySchema;
use crate::{Abilities, Error, Result, facts};

/// Larger bodies are parsed beside the threads that answer requests.
const MAX_INLINE_PARSE_BYTES: usize = 64 * 1024;
/// How many of them are parsed at the same time.
const MAX_PARSERS: usize = 2;

/// Who asks and how much it may: what the pipeline needs of its host beside the [engine's](crate::engine::Host).
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Who asks, by the key or token in the headers; `None` without a valid one.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the address has tried too many wrong keys; when the database fails.
    async fn identify(&self, headers: &HeaderMap, client: IpAddr) -> Result<Option<Arc<dyn Principal>>>;

    /// Counts something in the caller's window, or nothing if it isn't left.
    async fn take(&self, unit: Unit, caller: &Caller, amount: u32) -> Verdict {
        let _ = (unit, caller, amount);
        Verdict::Unlimited
    }

    /// Corrects what was taken to what was used in the end; how the caller stands then.
    async fn settle(&self, unit: Unit, caller: &Caller, verdict: Verdict, taken: u32, used: u32) -> Verdict {
        let _ = (unit, caller, taken, used);
        verdict
    }

    /// Notes that a request begins; whether it must read what was just written, not what a replica holds. Asked only
    /// where there is a replica.
    async fn begins(&self, caller: &Caller, writes: bool) -> bool {
        let _ = caller;
        writes
    }

    /// Notes that a request has ended.
    async fn ends(&self, caller: &Caller, writes: bool) {
        let _ = (caller, writes);
    }

    /// Whether REST is answered at all.
    ///
    /// # Errors
    /// [`Error::Maintenance`] while it is closed.
    async fn check_open(&self) -> Result<()> {
        Ok(())
    }

    /// Ends when work has to be given up that began now: because it takes longer than the limit, or the database is
    /// away.
    async fn cancelled(&self, limit: Duration) -> CancelReason {
        tokio::time::sleep(limit).await;
        CancelReason::TimedOut
    }
}

/// One key that opens everything, without limits: to try something out.
pub struct OneKey {
    key: HeaderValue,
    holder: Arc<Holder>,
}

struct Holder(Abilities);

impl Principal for Holder {
    fn abilities(&self) -> &Abilities {
        &self.0
    }
}

impl OneKey {
    /// The key, and what its holder may do.
    ///
    /// # Errors
    /// When the key cannot stand in a header.
    pub fn new(key: &str, abilities: Abilities) -> Result<Arc<Self>> {
        let key = HeaderValue::try_from(format!("Bearer {key}")).map_err(Error::internal)?;
        Ok(Arc::new(Self { key, holder: Arc::new(Holder(abilities)) }))
    }
}

#[async_trait]
impl Access for OneKey {
    async fn identify(&self, headers: &HeaderMap, _: IpAddr) -> Result<Option<Arc<dyn Principal>>> {
        let sent = headers.get(header::AUTHORIZATION);
        let fits = sent.is_some_and(|sent| sent.as_bytes().ct_eq(self.key.as_bytes()).into());
        Ok(fits.then(|| Arc::clone(&self.holder) as Arc<dyn Principal>))
    }
}

/// What is counted of a caller in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Points of what is asked for.
    Points,
}

/// What every request passes through.
pub struct Pipeline {
    /// What every request shares.
    pub engine: Arc<Engine>,
    /// Who asks and how much it may.
    access: Arc<dyn Access>,
    gate: Gate,
    parsers: Arc<Semaphore>,
}

/// Who asks, and how its limits stand.
pub struct Caller {
    /// Whose key it is; `None` without a valid key.
    pub principal: Option<Arc<dyn Principal>>,
    /// The address that the request comes from.
    pub client: IpAddr,
    /// What program asks, as it says itself; only where that matters.
    pub agent: Option<HeaderValue>,
    /// What the answer tells of the caller's limits.
    pub limits: CallerLimits,
}

/// An operation that is ready to run.
pub struct Job<Used> {
    /// The operation.
    pub operation: Operation,
    /// Its request, as the resolvers see it.
    pub execution: Execution,
    /// Whether it changes something.
    pub writes: bool,
    /// Points that it costs at most; they are taken before it runs. `None` takes none.
    pub price: Option<u32>,
    /// Points that it has cost in the end.
    pub used: Used,
}

/// What came of a job.
pub struct JobResult {
    /// The answer, with its errors.
    pub answer: Answer,
    /// Points that it has cost.
    pub used: u32,
}

impl Pipeline {
    /// A pipeline over what every request shares.
    pub fn new(engine: Arc<Engine>, access: Arc<dyn Access>) -> Self {
        let gate = Gate::new(engine.options.running, engine.options.waiting);
        Self { engine, access, gate, parsers: Arc::new(Semaphore::new(MAX_PARSERS)) }
    }

    /// A place among the requests that run.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait already.
    pub async fn enter(&self) -> Result<Permit> {
        self.gate.enter().await
    }

    /// Reads a request's body. A client may take its time for it: where it has not come yet, the place is given
    /// back meanwhile.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait for a place then.
    pub async fn receive<T>(&self, running: Permit, reading: impl Future<Output = T>) -> Result<(Permit, T)> {
        let mut reading = pin!(reading);
        if let Poll::Ready(read) = poll!(&mut reading) {
            return Ok((running, read));
        }
        drop(running);
        let read = reading.await;
        Ok((self.enter().await?, read))
    }

    /// The caller: whose key the request carries. Nothing of the request's body was read yet.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the key is wrong and its address has tried too many wrong ones; when
    /// the database fails.
    pub async fn identify(&self, headers: &HeaderMap, client: IpAddr) -> Result<Caller> {
        let principal = self.access.identify(headers, client).await?;
        if let Some(principal) = &principal {
            facts::note(|facts| facts.principal = Some(Arc::clone(principal)));
        }
        Ok(Caller { principal, client, agent: None, limits: CallerLimits::default() })
    }

    /// Counts the request.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has none left in this minute.
    pub async fn count(&self, caller: &mut Caller) -> Result<()> {
        caller.limits.requests = self.access.take(Unit::Requests, caller, 1).await;
        caller.limits.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Takes a counted request back: one that turns out to mean nothing is not counted.
    pub async fn refund_request(&self, caller: &Caller) {
        self.access.settle(Unit::Requests, caller, caller.limits.requests, 1, 0).await;
    }

    /// Takes points.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has fewer left in this minute.
    pub async fn charge(&self, caller: &mut Caller, points: u32) -> Result<()> {
        caller.limits.points = self.access.take(Unit::Points, caller, points).await;
        caller.limits.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Notes how the caller stands with points, where nothing was taken.
    pub async fn read_points(&self, caller: &mut Caller) {
        caller.limits.points = self.access.take(Unit::Points, caller, 0).await;
    }

    /// Adds the headers that tell the caller how its limits stand.
    pub fn write_limits(&self, caller: &Caller, headers: &mut HeaderMap) {
        caller.limits.write(headers, self.engine.host.now().timestamp());
    }

    /// Refuses REST while the host is closed.
    ///
    /// # Errors
    /// [`Error::Maintenance`].
    pub async fn check_open(&self) -> Result<()> {
        self.access.check_open().await
    }

    /// Does something for a request within its time, and gives it up where the database is away.
    ///
    /// # Errors
    /// When it takes longer than the limit, or the database is away.
    pub async fn within_limit<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, CancelReason> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            reason = self.access.cancelled(limit) => Err(reason),
        }
    }

    /// The same, for work that can fail itself.
    ///
    /// # Errors
    /// What the work fails with; [`Error::Unavailable`] where it was given up.
    pub async fn within_timeout<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.within_limit(self.engine.options.timeout, work).await.map_err(Error::from).flatten()
    }

    /// Reads a body: a large one beside the threads that answer requests, where only some are read at a time.
    ///
    /// # Errors
    /// When the server is torn down.
    pub async fn parse<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        if bytes <= MAX_INLINE_PARSE_BYTES {
            return Ok(work());
        }
        let place = Arc::clone(&self.parsers).acquire_owned().await.map_err(Error::internal)?;
        let parsing = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        parsing.await.map_err(Error::internal)
    }

    /// Takes the points of an operation, runs it, and corrects the points to what it has cost.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has too few points left; errors of the operation itself
    /// are part of its answer.
    pub async fn run(
        &self,
        schema: &AnySchema,
        caller: &mut Caller,
        job: Job<impl FnOnce(&Answer, &Execution) -> u32>,
    ) -> Result<JobResult> {
        let Job { operation, mut execution, writes, price, used } = job;
        if let Some(price) = price {
            self.charge(caller, price).await?;
        }
        // Without a replica, everything that is read is fresh.
        let may_lag = self.engine.host.may_lag();
        if may_lag {
            execution.fresh = self.access.begins(caller, writes).await;
        }
        let execution = Arc::new(execution);
        let operation = operation.data(Arc::clone(&execution));
        let answer = catch_panic(pin!(schema.execute(operation))).await;
        if may_lag {
            self.access.ends(caller, writes).await;
        }
        let used = used(&answer, &execution);
        if let Some(price) = price {
            let points = self.access.settle(Unit::Points, caller, caller.limits.points, price, used).await;
            caller.limits.points = points;
            facts::note(|facts| facts.cost = Some(used.into()));
        }
        Ok(JobResult { answer, used })
    }
}

/// A defect of ours ends only the operation that meets it.
async fn catch_panic(execution: impl Future<Output = Answer>) -> Answer {
    let panicked = |_| {
        let error = async_graphql::Error::from(Error::internal("a resolver panicked"));
        Answer::from_errors(vec![error.into_server_error(async_graphql::Pos::default())])
    };
    AssertUnwindSafe(execution).catch_unwind().await.unwrap_or_else(panicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn a_panic_ends_only_its_operation() {
        let answer = catch_panic(async { panic!("a defect") }).await;
        let [error] = answer.errors.as_slice() else { panic!("{answer:?}") };
        let source = error.source.as_ref().and_then(|source| source.downcast_ref::<Error>());
        assert_eq!(source.unwrap().code(), Code::Internal);
    }
}
