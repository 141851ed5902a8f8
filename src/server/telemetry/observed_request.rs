//! The observation of a request while it is answered, and its line in the log.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method, Response};
use facade::facts::{RequestFacts, SharedFacts};

use super::trace::{ParentSpan, TraceId};
use super::{RequestId, RequestSpan, Telemetry};
use crate::access::{Credential, Principal};
use crate::database::source::SentStatement;

/// Target of the log lines of requests; `RUST_LOG=guichet::request=off` turns them off.
const TARGET: &str = "guichet::request";
/// Status of a request whose client has disconnected before it was answered, as in nginx.
const CLIENT_CLOSED_REQUEST: u16 = 499;
/// Methods that are reported by name; any other is a text of the client.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
/// Letters of a session's name that are logged: enough to identify it, too few to use it.
const SESSION_LETTERS: usize = 8;
/// Maximum number of statements with spans in a request: many would push the spans of others out of the exporter's queue.
const MAX_STATEMENT_SPANS: u32 = 50;

tokio::task_local! {
    static REQUEST: ObservedRequest;
}

/// Primary key of the caller's API key, or the beginning of its session's name.
pub(super) fn credential(facts: &RequestFacts) -> (Option<i64>, Option<&str>) {
    match facts.principal.as_deref().and_then(Principal::of).map(|who| &who.credential) {
        Some(Credential::Key(id)) => (Some(id.0), None),
        Some(Credential::Session(name)) => (None, name.get(..SESSION_LETTERS)),
        None => (None, None),
    }
}

/// Who has sent a request.
pub(crate) enum RequestSender {
    /// A trusted proxy, with its identifier of the request.
    Trusted(Option<RequestId>),
    /// Anybody else.
    Stranger,
}

/// A request that has ended, for metrics and traces.
pub(super) struct FinishedRequest<'a> {
    pub(super) method: &'static str,
    pub(super) status: u16,
    pub(super) duration: Duration,
    pub(super) facts: &'a RequestFacts,
}

/// A request that is observed. It is reported when this is dropped: when it was answered, or its client has
/// disconnected.
pub(crate) struct ObservedRequest {
    telemetry: Arc<Telemetry>,
    began: Instant,
    method: &'static str,
    trace: TraceId,
    id: RequestId,
    /// Whether a trusted proxy has sent the identifier.
    is_named: bool,
    /// Its span, where traces are sent.
    span: Option<RequestSpan>,
    statements: Cell<u32>,
    status: Cell<u16>,
    facts: SharedFacts,
}

impl ObservedRequest {
    /// Begins the observation. Only a trusted sender names request and trace: operators search their logs by both. The
    /// trace of a stranger ends here, and that of the request is linked to it (W3C Trace Context, 4.3).
    pub(super) fn new(telemetry: Arc<Telemetry>, request: &Request, sender: RequestSender) -> Self {
        if let Some(metrics) = &telemetry.metrics {
            metrics.begin();
        }
        let method = METHODS.iter().find(|method| *method == request.method());
        let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let given = ParentSpan::of(request.headers());
        let (given_id, parent, linked) = match sender {
            RequestSender::Trusted(id) => (id, given, None),
            RequestSender::Stranger => (None, None, given),
        };
        let span = telemetry.traces.as_ref().map(|traces| traces.begin(parent, linked));
        let trace = span.as_ref().and_then(RequestSpan::trace).or(parent.map(|parent| parent.trace));
        let trace = trace.unwrap_or_else(TraceId::random);
        let id = given_id.clone().unwrap_or_else(|| RequestId::of_trace(trace));
        let facts = SharedFacts::new(RequestFacts {
            trace_id: trace.number(),
            request_id: given_id.as_ref().map(|id| id.as_str().to_owned()),
            path,
            ..RequestFacts::default()
        });
        Self {
            telemetry,
            began: Instant::now(),
            method: method.map_or("OTHER", Method::as_str),
            trace,
            is_named: given_id.is_some(),
            id,
            span,
            statements: Cell::new(0),
            status: Cell::new(CLIENT_CLOSED_REQUEST),
            facts,
        }
    }

    /// The identifier in `X-Request-Id`.
    pub(crate) fn request_id(&self) -> RequestId {
        self.id.clone()
    }

    /// Answers the request, so that facts and statements are noted meanwhile.
    pub(crate) async fn observe(self, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        let watched = async {
            let response = answer.await;
            REQUEST.with(|observed| observed.status.set(response.status().as_u16()));
            response
        };
        let facts = self.facts.clone();
        facts.note_during(REQUEST.scope(self, watched)).await
    }
}

impl Drop for ObservedRequest {
    fn drop(&mut self) {
        let duration = self.began.elapsed();
        let facts = self.facts.with(std::mem::take);
        let (method, status) = (self.method, self.status.get());
        let finished = FinishedRequest { method, status, duration, facts: &facts };
        if let Some(metrics) = &self.telemetry.metrics {
            metrics.end(&finished);
        }
        if self.telemetry.log && is_logged() {
            let line = LogLine {
                method,
                status,
                duration,
                statements: self.statements.get(),
                trace: self.trace,
                request_id: self.is_named.then_some(&self.id),
            };
            line.write(&facts);
        }
        if let Some(span) = &self.span {
            span.end(&finished);
        }
    }
}

/// A line of the log, without the facts.
struct LogLine<'a> {
    method: &'static str,
    status: u16,
    duration: Duration,
    statements: u32,
    trace: TraceId,
    /// If it differs from the trace identifier.
    request_id: Option<&'a RequestId>,
}

impl LogLine<'_> {
    fn write(self, facts: &RequestFacts) {
        let (key, session) = credential(facts);
        tracing::info!(
            target: TARGET,
            method = self.method,
            path = facts.path.as_deref(),
            face = facts.answered_by.name(),
            operation = facts.operation.as_deref(),
            document = facts.document.as_deref(),
            status = self.status,
            duration_us = u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX),
            key,
            session,
            cost = facts.cost,
            statements = self.statements,
            retries = (facts.retries > 0).then_some(facts.retries),
            errors = (!facts.errors.is_empty()).then(|| facts.errors.join(",")),
            trace_id = %self.trace,
            request_id = self.request_id.map(RequestId::as_str),
            "request"
        );
    }
}

/// Whether the log's filter lets lines of requests through.
fn is_logged() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::INFO)
}

/// The identifier of the request that is being answered.
pub(crate) fn request_id() -> RequestId {
    REQUEST.try_with(ObservedRequest::request_id).unwrap_or_else(|_| RequestId::of_trace(TraceId::random()))
}

/// The header `traceparent` for requests to others on behalf of the one that is being answered; `None` where it has no span.
pub(crate) fn traceparent() -> Option<HeaderValue> {
    REQUEST.try_with(|observed| observed.span.as_ref().and_then(RequestSpan::traceparent)).ok().flatten()
}

/// Notes an SQL statement of the request that is being answered.
pub(super) fn note_statement(sent: &SentStatement<'_>) {
    let _ = REQUEST.try_with(|observed| {
        let count = observed.statements.get() + 1;
        observed.statements.set(count);
        if let (Some(traces), Some(span)) = (&observed.telemetry.traces, &observed.span)
            && count <= MAX_STATEMENT_SPANS
        {
            traces.statement(span, sent, observed.began.elapsed().saturating_sub(sent.elapsed));
        }
    });
}
