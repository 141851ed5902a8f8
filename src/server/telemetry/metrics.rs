//! Metrics for Prometheus.
//!
//! Labels never hold texts of clients: an operation is a REST operation's name, a root field of the schema or a documented
//! path, and everything else has a fixed label. Counting is a look-up and an atomic addition.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use async_graphql::registry::Registry as Schema;
use facade::facts::{AnsweredBy, RequestFacts};
use facade::operation::INTROSPECTION_FIELDS;
use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use super::observed_request::FinishedRequest;
use super::state_metrics::{ServerState, StateMetrics};
use crate::{Error, Result};

/// Upper bounds of the histogram's buckets, in seconds.
const DURATIONS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Label of requests without an operation or documented path.
const UNMATCHED: &str = "unmatched";
/// Labels of GraphQL requests without a valid operation, with several root fields, and with an unknown root field.
const NONE: &str = "none";
const SEVERAL: &str = "several";
const UNKNOWN: &str = "unknown";

/// The metrics.
pub(super) struct Metrics {
    registry: Registry,
    roots: HashSet<String>,
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
    errors: IntCounterVec,
    points: IntCounter,
    statements: IntCounter,
    retries: IntCounter,
    shadow_comparisons: IntCounterVec,
    /// Locked, so that two scrapes at once do not both raise a counter.
    state: Mutex<StateMetrics>,
}

impl Metrics {
    /// Metrics of a server with this schema.
    ///
    /// # Errors
    /// When two metrics have the same name, which would be a defect.
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        Self::registered(schema).map_err(Error::internal)
    }

    fn registered(schema: &Schema) -> prometheus::Result<Self> {
        let registry = Registry::new();
        register_process(&registry)?;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(&registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let counter = |name: &str, help: &str| registered(&registry, IntCounter::new(name, help)?);
        let request = ["face", "method", "operation", "status"];
        let durations =
            HistogramOpts::new("guichet_request_duration_seconds", "How long requests took to be answered.")
                .buckets(DURATIONS.to_vec());
        let in_flight = IntGauge::new("guichet_requests_in_flight", "Requests that are being answered.")?;
        Ok(Self {
            roots: roots(schema),
            requests: counters(
                "guichet_requests_total",
                "Requests that were answered; status 499: the client went away before.",
                &request,
            )?,
            durations: registered(&registry, HistogramVec::new(durations, &request)?)?,
            in_flight: registered(&registry, in_flight)?,
            errors: counters("guichet_errors_total", "Errors in answers, by their code.", &["face", "code"])?,
            points: counter("guichet_cost_points_total", "Points that requests cost.")?,
            retries: counter(
                "guichet_transaction_retries_total",
                "Transactions that ran again because the database had ended them in favour of others, or had broken the connection.",
            )?,
            statements: counter("guichet_sql_statements_total", "SQL statements that were sent.")?,
            shadow_comparisons: counters(
                "guichet_shadow_requests_total",
                "Answers that were compared with the upstream's: same, changed meanwhile, different, or unanswered there.",
                &["operation", "outcome"],
            )?,
            state: Mutex::new(StateMetrics::register(&registry)?),
            registry,
        })
    }

    /// Counts a request that begins.
    pub(super) fn begin(&self) {
        self.in_flight.inc();
    }

    /// Counts a request that ends.
    pub(super) fn end(&self, request: &FinishedRequest<'_>) {
        self.in_flight.dec();
        let (face, operation) = (request.facts.answered_by.name(), self.operation(request.facts));
        let mut digits = itoa::Buffer::new();
        let status = digits.format(request.status);
        let labels = [face, request.method, operation, status];
        self.requests.with_label_values(&labels).inc();
        self.durations.with_label_values(&labels).observe(request.duration.as_secs_f64());
        for code in &request.facts.errors {
            self.errors.with_label_values(&[face, code]).inc();
        }
        self.retries.inc_by(request.facts.retries.into());
        self.points.inc_by(request.facts.cost.unwrap_or(0));
    }

    /// Counts a comparison with the upstream server's answer.
    pub(super) fn compared(&self, operation: &str, outcome: &str) {
        self.shadow_comparisons.with_label_values(&[operation, outcome]).inc();
    }

    /// Counts an SQL statement.
    pub(super) fn statement(&self) {
        self.statements.inc();
    }

    /// The label `operation` of a request.
    fn operation<'a>(&self, facts: &'a RequestFacts) -> &'a str {
        match (facts.answered_by, facts.roots.as_deref()) {
            (AnsweredBy::GraphQl, None) => NONE,
            (AnsweredBy::GraphQl, Some([root])) if self.roots.contains(root.as_str()) => root,
            (AnsweredBy::GraphQl, Some([_])) => UNKNOWN,
            (AnsweredBy::GraphQl, Some(_)) => SEVERAL,
            (AnsweredBy::Rest, _) => facts.operation.as_deref().unwrap_or(UNMATCHED),
            _ => facts.path.as_deref().unwrap_or(UNMATCHED),
        }
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// When a name or label is not valid, which would be a defect.
    pub(super) fn text(&self, state: &ServerState) -> Result<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).set(state);
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}

/// Registers a metric.
pub(super) fn registered<M>(registry: &Registry, metric: M) -> prometheus::Result<M>
where
    M: Collector + Clone + 'static,
{
    registry.register(Box::new(metric.clone())).map(|()| metric)
}

/// Registers what tells of the program and its process. Figures of the process are read from Linux.
fn register_process(registry: &Registry) -> prometheus::Result<()> {
    let build = Opts::new("guichet_build_info", "The program that runs.")
        .const_label("version", env!("CARGO_PKG_VERSION"));
    registered(registry, IntGauge::with_opts(build)?)?.set(1);
    #[cfg(target_os = "linux")]
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    Ok(())
}

/// Names of the root fields of a schema.
fn roots(schema: &Schema) -> HashSet<String> {
    let types = [Some(&schema.query_type), schema.mutation_type.as_ref()];
    let types = types.into_iter().flatten().filter_map(|name| schema.types.get(name));
    let fields = types.filter_map(|ty| ty.fields()).flat_map(|fields| fields.keys().cloned());
    fields.chain(INTROSPECTION_FIELDS.map(str::to_owned)).collect()
}
