//! Telemetry: a line in the log for each request, metrics for Prometheus, and traces for an OpenTelemetry collector.
//!
//! Each request has an `ObservedRequest` in a task-local variable. The code that answers the request notes facts in it.
//! When it is dropped, log, metrics and traces are written.
//!
//! They hold names, numbers and identifiers of the server, and the name of the operation in a GraphQL document: no
//! other text that a client has sent, no address, no secret.

mod log;
mod metrics;
#[cfg(not(feature = "otlp"))]
mod no_traces;
mod observed_request;
mod request_id;
mod state_metrics;
mod trace;
#[cfg(feature = "otlp")]
mod traces;

use std::sync::Arc;

use async_graphql::registry::Registry;
use axum::extract::Request;

pub(crate) use self::log::Log;
use self::metrics::Metrics;
#[cfg(not(feature = "otlp"))]
use self::no_traces::{RequestSpan, Traces};
use self::observed_request::ObservedRequest;
pub(crate) use self::observed_request::{RequestSender, request_id, traceparent};
pub(crate) use self::request_id::RequestId;
pub(crate) use self::state_metrics::ServerState;
pub use self::trace::TraceId;
#[cfg(feature = "otlp")]
use self::traces::{RequestSpan, Traces};
use crate::Result;
use crate::database::source::Observer;
use crate::platform::config::Config;

/// Log, metrics and traces of requests.
pub struct Telemetry {
    log: bool,
    metrics: Option<Metrics>,
    traces: Option<Traces>,
}

impl Telemetry {
    /// Makes the telemetry by the operator's settings, for a server with this schema. Traces are sent in the
    /// background.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) where a setting of traces makes no sense; when the name of a metric is not
    /// valid, which would be a defect.
    pub fn new(config: &Config, schema: &Registry) -> Result<Self> {
        let metrics = config.metrics_listen.map(|_| Metrics::new(schema)).transpose()?;
        let traces = match &config.otlp {
            Some(settings) => Traces::start(settings, config.database.driver.system())?,
            None => None,
        };
        Ok(Self { log: config.request_log, metrics, traces })
    }

    /// Begins to observe a request.
    pub(crate) fn begin(self: &Arc<Self>, request: &Request, sender: RequestSender) -> ObservedRequest {
        ObservedRequest::new(Arc::clone(self), request, sender)
    }

    /// An observer of SQL statements that counts them and calls another one.
    #[must_use]
    pub fn observer(self: &Arc<Self>, other: Observer) -> Observer {
        let telemetry = Arc::clone(self);
        Arc::new(move |sent| {
            observed_request::note_statement(sent);
            if let Some(metrics) = &telemetry.metrics {
                metrics.statement();
            }
            other(sent);
        })
    }

    /// Counts a comparison with the upstream server's answer. `operation` is a documented path.
    pub(crate) fn compared(&self, operation: &str, outcome: &str) {
        if let Some(metrics) = &self.metrics {
            metrics.compared(operation, outcome);
        }
    }

    /// Sends the waiting spans. To be called at the end: later ones are not sent.
    pub(crate) async fn end_traces(&self) {
        if let Some(traces) = &self.traces {
            traces.end().await;
        }
    }

    /// The metrics in Prometheus' text format; `None` where metrics are off.
    ///
    /// # Errors
    /// When the name of a metric is not valid, which would be a defect.
    pub(crate) fn metrics(&self, state: &ServerState) -> Result<Option<String>> {
        self.metrics.as_ref().map(|metrics| metrics.text(state)).transpose()
    }
}
