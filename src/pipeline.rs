//! The way of a request through the server, the same for both faces: a place among those that run, the
//! key, the limits, the execution, and what it cost. A face reads its request and spells the outcome.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_graphql::{EmptySubscription, ObjectType, Request as Operation, Response as Answer, Schema};
use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::{FutureExt, poll};
use tokio::sync::Semaphore;

use crate::auth::{Keys, Principal};
use crate::config::WorkBounds;
use crate::gate::{Gate, Place};
use crate::scope::Shared;
use crate::telemetry;
use crate::throttle::{Bucket, Limits, Throttle};
use crate::{Error, Result};
use facade::execution::Execution;

/// Larger bodies are parsed beside the threads that answer requests.
const PARSED_AT_ONCE: usize = 64 * 1024;
/// How many of them are parsed at the same time.
const PARSERS: usize = 2;

/// What every request passes through.
pub struct Pipeline {
    /// What every request shares.
    pub shared: Arc<Shared>,
    /// Keys that were found a moment ago.
    pub keys: Keys,
    gate: Gate,
    requests: Throttle,
    points: Throttle,
    failed_keys: Throttle,
    parsers: Arc<Semaphore>,
}

/// The counters of a pipeline.
pub struct Throttles {
    /// Requests a minute.
    pub requests: Throttle,
    /// Points a minute.
    pub points: Throttle,
    /// Wrong keys a minute.
    pub failed_keys: Throttle,
}

/// Who asks, and how its limits stand.
pub struct Caller {
    /// Whose key it is; `None` without a valid key.
    pub principal: Option<Arc<Principal>>,
    /// The address that the request comes from.
    pub client: IpAddr,
    /// What program asks, as it says itself; only where that matters.
    pub agent: Option<HeaderValue>,
    /// What the answer tells of the caller's limits.
    pub limits: Limits,
    bucket: Bucket,
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
pub struct Done {
    /// The answer, with its errors.
    pub answer: Answer,
    /// Points that it has cost.
    pub used: u32,
}

impl Pipeline {
    /// A pipeline over what every request shares.
    pub fn new(shared: Arc<Shared>, throttles: Throttles, bounds: WorkBounds) -> Self {
        let Throttles { requests, points, failed_keys } = throttles;
        Self {
            shared,
            keys: Keys::default(),
            gate: Gate::new(bounds.running, bounds.waiting),
            requests,
            points,
            failed_keys,
            parsers: Arc::new(Semaphore::new(PARSERS)),
        }
    }

    /// A place among the requests that run.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait already.
    pub async fn enter(&self) -> Result<Place> {
        self.gate.enter().await
    }

    /// Reads a request's body. A client may take its time for it: where it has not come yet, the place is given
    /// back meanwhile.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait for a place then.
    pub async fn receive<T>(&self, running: Place, reading: impl Future<Output = T>) -> Result<(Place, T)> {
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
        let principal = match self.keys.authenticate(&self.shared, headers).await {
            Ok(principal) => {
                telemetry::note(|facts| facts.caller = Some(Arc::clone(&principal)));
                Some(principal)
            }
            Err(Error::Unauthenticated) => {
                self.count_failed_key(headers, client).await?;
                None
            }
            Err(error) => return Err(error),
        };
        let bucket = principal
            .as_deref()
            .map_or(Bucket::of_client(client), |principal| Bucket::Owner(principal.owner));
        Ok(Caller { principal, client, agent: None, limits: Limits::default(), bucket })
    }

    /// Counts a key that is not valid. A request without any key has tried none.
    async fn count_failed_key(&self, headers: &HeaderMap, client: IpAddr) -> Result<()> {
        if !headers.contains_key(header::AUTHORIZATION) {
            return Ok(());
        }
        let tried = self.failed_keys.hit(Bucket::of_client(client), self.shared.clock.now()).await;
        tried.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Counts the request.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has none left in this minute.
    pub async fn count(&self, caller: &mut Caller) -> Result<()> {
        caller.limits.requests = self.requests.hit(caller.bucket, self.shared.clock.now()).await;
        caller.limits.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Takes a counted request back: one that turns out to mean nothing is not counted.
    pub async fn uncount(&self, caller: Caller) {
        self.requests.settle(caller.bucket, caller.limits.requests, 1, 0).await;
    }

    /// Takes points.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where the caller has fewer left in this minute.
    pub async fn charge(&self, caller: &mut Caller, points: u32) -> Result<()> {
        caller.limits.points = self.points.take(caller.bucket, points, self.shared.clock.now()).await;
        caller.limits.retry_after().map_or(Ok(()), |seconds| Err(Error::RateLimited(seconds)))
    }

    /// Notes how the caller stands with points, where nothing was taken.
    pub async fn note_points(&self, caller: &mut Caller) {
        caller.limits.points = self.points.take(caller.bucket, 0, self.shared.clock.now()).await;
    }

    /// Does something for a request within its time, and gives it up where the database is away.
    ///
    /// # Errors
    /// What the work fails with; [`Error::Unavailable`] where it was given up.
    pub async fn watched<T>(&self, limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.shared.pulse.watch(limit, work).await.map_err(Error::from).flatten()
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
        if bytes <= PARSED_AT_ONCE {
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
    pub async fn run<Q, M>(
        &self,
        schema: &Schema<Q, M, EmptySubscription>,
        caller: &mut Caller,
        job: Job<impl FnOnce(&Answer, &Execution) -> u32>,
    ) -> Result<Done>
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
    {
        let Job { operation, mut execution, writes, price, used } = job;
        if let Some(price) = price {
            self.charge(caller, price).await?;
        }
        let owner = caller.principal.as_deref().map(|principal| principal.owner);
        execution.fresh = self.shared.begins(owner, writes).await;
        let execution = Arc::new(execution);
        let operation = operation.data(Arc::clone(&execution));
        let answer = defended(pin!(schema.execute(operation))).await;
        self.shared.ends(owner, writes).await;
        let used = used(&answer, &execution);
        if let Some(price) = price {
            caller.limits.points = self.points.settle(caller.bucket, caller.limits.points, price, used).await;
            telemetry::note(|facts| facts.cost = Some(used.into()));
        }
        Ok(Done { answer, used })
    }
}

/// A defect of ours ends only the operation that meets it.
async fn defended(execution: impl Future<Output = Answer>) -> Answer {
    let panicked = |_| {
        let error = async_graphql::Error::from(Error::internal("a resolver panicked"));
        Answer::from_errors(vec![error.into_server_error(async_graphql::Pos::default())])
    };
    AssertUnwindSafe(execution).catch_unwind().await.unwrap_or_else(panicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use facade::error::Code;

    #[tokio::test]
    async fn a_panic_ends_only_its_operation() {
        let answer = defended(async { panic!("a defect") }).await;
        let [error] = answer.errors.as_slice() else { panic!("{answer:?}") };
        let source = error.source.as_ref().and_then(|source| source.downcast_ref::<Error>());
        assert_eq!(source.unwrap().code(), Code::Internal);
    }
}
