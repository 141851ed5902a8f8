//! What the operator is told of the server's work: a line in the log for each request, counters for
//! Prometheus, and traces for an OpenTelemetry collector.
//!
//! Each request has an `ObservedRequest` around its work. Whatever answers it reaches that without being handed it,
//! and notes what it learns; at the end, everything is told at once to those who want to know.
//!
//! Told are names, numbers and identifiers that the server itself gave, and the name that a GraphQL
//! document gives its operation: no other text that a client sent, no address, no secret.

mod exporter;
mod log;
mod metrics;
mod observed_request;
mod request_id;
mod spans;
mod trace;

use std::sync::Arc;

use async_graphql::registry::Registry;
use axum::extract::Request;

use self::exporter::Exporter;
pub(crate) use self::log::Log;
use self::metrics::Metrics;
use self::observed_request::ObservedRequest;
pub(crate) use self::observed_request::request_id;
pub(crate) use self::request_id::RequestId;
pub use self::trace::TraceId;
use crate::Result;
use crate::database::reader::{ConnectionCounts, Observer};
use crate::platform::config::{Config, Sampler};

/// Who wants to know of requests.
pub struct Telemetry {
    log: bool,
    metrics: Option<Metrics>,
    traces: Option<Traces>,
}

/// Where traces go, and which.
struct Traces {
    exporter: Exporter,
    sampler: Sampler,
}

impl Telemetry {
    /// As the operator has set it, for a server with this schema. Traces are sent by a task beside the requests.
    ///
    /// # Errors
    /// When there is a defect in the names of counters.
    pub fn new(config: &Config, schema: &Registry) -> Result<Self> {
        let metrics = config.metrics_listen.map(|_| Metrics::new(schema)).transpose()?;
        let traces = config.otlp.clone().map(|settings| Traces {
            sampler: settings.sampler,
            exporter: Exporter::start(settings, config.database.driver.system()),
        });
        Ok(Self { log: config.request_log, metrics, traces })
    }

    /// Begins to watch a request. `id` is what a trusted proxy calls it.
    pub(crate) fn begin(self: &Arc<Self>, request: &Request, id: Option<RequestId>) -> ObservedRequest {
        ObservedRequest::new(Arc::clone(self), request, id)
    }

    /// An observer of SQL statements that counts them, and tells another.
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

    /// Counts an answer that was compared with the shop's own server's. `operation` is a documented path.
    pub(crate) fn compared(&self, operation: &str, outcome: &str) {
        if let Some(metrics) = &self.metrics {
            metrics.compared(operation, outcome);
        }
    }

    /// Sends the spans that still wait.
    pub(crate) async fn flush(&self) {
        if let Some(traces) = &self.traces {
            traces.exporter.flush().await;
        }
    }

    /// The counters as Prometheus reads them; nothing where none are kept.
    ///
    /// # Errors
    /// When there is a defect in the names of counters.
    pub(crate) fn metrics(&self, connections: ConnectionCounts) -> Result<Option<String>> {
        self.metrics.as_ref().map(|metrics| metrics.text(connections)).transpose()
    }
}
