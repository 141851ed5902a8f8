//! The steps that every request takes, the same for both APIs: a permit to run, the key, the rate limits, the
//! execution, and the correction of its price. Each API reads its own requests and writes its own answers.

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
use crate::gate::{Gate, GateState, Permit};
use crate::http::body_memory::{BodyMemory, HeldMemory};
use crate::limit::{CallerLimits, Verdict};
use crate::schema::AnySchema;
use crate::{Abilities, Error, Result, facts};

/// Larger bodies are parsed on a blocking thread, so that they do not delay other requests.
const MAX_INLINE_PARSE_BYTES: usize = 64 * 1024;
/// Maximum number of large bodies that are parsed at the same time.
const MAX_PARSERS: usize = 2;

/// Authentication and rate limits: what the pipeline needs of the host beside [`Host`](crate::engine::Host).
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Authenticates the caller by the key or token in the headers; `None` without a valid one.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the address has sent too many wrong keys; when the database fails.
    async fn identify(&self, headers: &HeaderMap, client: IpAddr) -> Result<Option<Arc<dyn Principal>>>;

    /// Takes an amount from the caller's limit. Where less is left, it takes nothing and refuses.
    async fn take(&self, unit: LimitUnit, caller: &Caller, amount: u32) -> Verdict {
        let _ = (unit, caller, amount);
        Verdict::Unlimited
    }

    /// Names of the limiters that REST documents may name with `limiter`.
    fn limiters(&self) -> &[&str] {
        &[]
    }

    /// Counts a request in a limiter that its document names. Where that limit is used up, it counts nothing and refuses.
    async fn take_own(&self, limiter: &str, caller: &Caller) -> Verdict {
        let _ = (limiter, caller);
        Verdict::Unlimited
    }

    /// Corrects what was taken to what was used in the end; how the caller stands then.
    async fn settle(
        &self,
        unit: LimitUnit,
        caller: &Caller,
        verdict: Verdict,
        taken: u32,
        used: u32,
    ) -> Verdict {
        let _ = (unit, caller, taken, used);
        verdict
    }

    /// Notes that an operation begins. Returns whether it must read from the primary, because it writes or follows
    /// a write of the same account. It is called only where there is a replica.
    async fn begins(&self, caller: &Caller, writes: bool) -> bool {
        let _ = caller;
        writes
    }

    /// Notes that an operation has ended. It is called only where there is a replica.
    async fn ends(&self, caller: &Caller, writes: bool) {
        let _ = (caller, writes);
    }

    /// Checks that REST is not in maintenance.
    ///
    /// # Errors
    /// [`Error::Maintenance`] during maintenance.
    async fn check_open(&self) -> Result<()> {
        Ok(())
    }

    /// Completes when work that begins now must be cancelled: when the time limit is over, or when the database
    /// does not answer.
    async fn cancelled(&self, limit: Duration) -> CancelReason {
        tokio::time::sleep(limit).await;
        CancelReason::TimedOut
    }
}

/// An [`Access`] with one key and no limits, for experiments and examples.
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
    /// An access with this key, whose holder has these abilities.
    ///
    /// # Errors
    /// When the key holds characters that an HTTP header cannot hold.
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

/// What a rate limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitUnit {
    /// Requests.
    Requests,
    /// Points (the price of operations).
    Points,
}

/// The steps that every request takes.
pub struct Pipeline {
    /// The state that all requests share.
    pub engine: Arc<Engine>,
    /// Authentication and limits.
    access: Arc<dyn Access>,
    data: Box<AddData>,
    gate: Gate,
    parsers: Arc<Semaphore>,
    bodies: Arc<BodyMemory>,
}

/// Adds to an operation what the host's resolvers read from their context.
pub type AddData = dyn Fn(Operation) -> Operation + Send + Sync;

/// The sender of a request, with the state of its limits.
pub struct Caller {
    /// The authenticated caller; `None` without a valid key.
    pub principal: Option<Arc<dyn Principal>>,
    /// The address that the request comes from.
    pub client: IpAddr,
    /// The header `User-Agent`; set for GraphQL requests only.
    pub agent: Option<HeaderValue>,
    /// The header `Accept-Language`, where answers follow it.
    pub languages: Option<HeaderValue>,
    /// The limits, as the answer's headers report them.
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
    /// Maximum price in points, which is taken before the operation runs. `None`: no points are taken.
    pub price: Option<u32>,
    /// Computes the points that the operation has cost.
    pub used: Used,
}

/// The result of a job.
pub struct JobResult {
    /// The answer, with its errors.
    pub answer: Answer,
    /// Points that it has cost.
    pub used: u32,
}

impl Pipeline {
    /// A pipeline over the engine and the host's access.
    pub fn new(engine: Arc<Engine>, access: Arc<dyn Access>, data: Box<AddData>) -> Self {
        let gate = Gate::new(engine.options.running, engine.options.waiting);
        let bodies = BodyMemory::new(engine.options.bodies.max);
        Self { engine, access, data, gate, parsers: Arc::new(Semaphore::new(MAX_PARSERS)), bodies }
    }

    /// How many requests run and wait.
    pub fn gate_state(&self) -> GateState {
        self.gate.state()
    }

    /// Waits for a permit to run.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many requests wait.
    pub async fn enter(&self) -> Result<Permit> {
        self.gate.enter().await
    }

    /// The memory for the body of a request from this client.
    pub(crate) fn body_memory(&self, client: IpAddr) -> HeldMemory {
        self.bodies.of(client)
    }

    /// Reads a request's body. Where it has not arrived completely, the permit is given back while the client sends
    /// it, so that slow clients do not block others.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many requests wait for a permit when the body has arrived.
    pub async fn receive<T>(&self, running: Permit, reading: impl Future<Output = T>) -> Result<(Permit, T)> {
        let mut reading = pin!(reading);
        if let Poll::Ready(read) = poll!(&mut reading) {
            return Ok((running, read));
        }
        drop(running);
        let read = reading.await;
        Ok((self.enter().await?, read))
    }

    /// Authenticates the caller. This happens before anything of the body is read.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the key is wrong and its address has sent too many wrong ones; when the
    /// database fails.
    pub async fn identify(&self, headers: &HeaderMap, client: IpAddr) -> Result<Caller> {
        let principal = self.access.identify(headers, client).await?;
        if let Some(principal) = &principal {
            facts::note(|facts| facts.principal = Some(Arc::clone(principal)));
        }
        Ok(Caller { principal, client, agent: None, languages: None, limits: CallerLimits::default() })
    }

    /// Counts the request against the caller's limit.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has none left in this minute.
    pub async fn count(&self, caller: &mut Caller) -> Result<()> {
        caller.limits.requests = self.access.take(LimitUnit::Requests, caller, 1).await;
        caller.limits.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Counts the request in a limiter of its operation's own.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has none left in this minute.
    pub async fn count_own(&self, caller: &mut Caller, limiter: &str) -> Result<()> {
        caller.limits.own = self.access.take_own(limiter, caller).await;
        caller.limits.own.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Names of the host's limiters.
    pub fn limiters(&self) -> &[&str] {
        self.access.limiters()
    }

    /// Takes a counted request back: one that turns out to mean nothing is not counted.
    pub async fn refund_request(&self, caller: &Caller) {
        self.access.settle(LimitUnit::Requests, caller, caller.limits.requests, 1, 0).await;
    }

    /// Takes points from the caller's limit.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has fewer left in this minute.
    pub async fn charge(&self, caller: &mut Caller, points: u32) -> Result<()> {
        caller.limits.points = self.access.take(LimitUnit::Points, caller, points).await;
        caller.limits.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Reads the state of the caller's limit of points without taking any.
    pub async fn read_points(&self, caller: &mut Caller) {
        caller.limits.points = self.access.take(LimitUnit::Points, caller, 0).await;
    }

    /// Adds the headers about the caller's limits.
    pub fn write_limits(&self, caller: &Caller, headers: &mut HeaderMap) {
        caller.limits.write(headers, self.engine.host.now().timestamp());
    }

    /// Refuses REST during maintenance.
    ///
    /// # Errors
    /// [`Error::Maintenance`].
    pub async fn check_open(&self) -> Result<()> {
        self.access.check_open().await
    }

    /// Runs work for at most `limit`, and cancels it where the database does not answer.
    ///
    /// # Errors
    /// When the limit is exceeded or the database does not answer.
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

    /// Runs fallible work for at most the time limit of requests.
    ///
    /// # Errors
    /// The error of the work; [`Error::Unavailable`] where it was cancelled.
    pub async fn within_timeout<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.within_limit(self.engine.options.timeout, work).await.map_err(Error::from).flatten()
    }

    /// Parses a body of this many bytes: a small one at once, a large one on a blocking thread.
    ///
    /// # Errors
    /// When the runtime shuts down.
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

    /// Takes the price of an operation, runs the operation, and corrects the price to what it has cost.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has too few points left. Errors of the operation itself are in its
    /// answer.
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
        // Without a replica, all reads are fresh.
        let may_lag = self.engine.host.may_lag();
        if may_lag {
            execution.fresh = self.access.begins(caller, writes).await;
        }
        execution.limits = caller.limits;
        let execution = Arc::new(execution);
        let operation = operation.data(Arc::clone(&self.engine)).data(Arc::clone(&execution));
        let operation = (self.data)(operation);
        let answer = catch_panic(pin!(schema.execute(operation))).await;
        if may_lag {
            self.access.ends(caller, writes).await;
        }
        let used = used(&answer, &execution);
        if let Some(price) = price {
            let points =
                self.access.settle(LimitUnit::Points, caller, caller.limits.points, price, used).await;
            caller.limits.points = points;
            facts::note(|facts| facts.cost = Some(used.into()));
        }
        Ok(JobResult { answer, used })
    }
}

/// Turns a panic of a resolver into an error of its operation, so that the connection survives.
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
