//! Metrics for Prometheus.
//!
//! Labels never hold texts of clients: an operation is a documented path or a root field of the schema, and
//! everything else has a fixed label. Counting is a look-up and an atomic addition.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_graphql::registry::Registry as Schema;
use facade::facts::{AnsweredBy, RequestFacts};
use facade::operation::INTROSPECTION_FIELDS;
use prometheus::core::Collector;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::log;
use crate::database::source::ConnectionCounts;
use crate::{Error, Result};

/// Upper bounds of the histogram's buckets, in seconds.
const DURATIONS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Label of requests without a documented path.
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
    connections: IntGaugeVec,
    max_connections: IntGauge,
    lost_lines: IntCounter,
    shadow_comparisons: IntCounterVec,
}

/// A finished request, for counting.
pub(super) struct CountedRequest<'a> {
    pub(super) method: &'static str,
    pub(super) status: u16,
    pub(super) duration: Duration,
    pub(super) facts: &'a RequestFacts,
}

impl Metrics {
    /// Metrics of a server with this schema.
    ///
    /// # Errors
    /// When two metrics have the same name, which would be a defect.
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        let metrics = Self::unregistered(schema).map_err(Error::internal)?;
        metrics.register().map_err(Error::internal)?;
        Ok(metrics)
    }

    fn unregistered(schema: &Schema) -> prometheus::Result<Self> {
        let counters =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let durations =
            HistogramOpts::new("guichet_request_duration_seconds", "How long requests took to be answered.")
                .buckets(DURATIONS.to_vec());
        Ok(Self {
            registry: Registry::new(),
            roots: roots(schema),
            requests: counters(
                "guichet_requests_total",
                "Requests that were answered; status 499: the client went away before.",
                &["face", "method", "operation", "status"],
            )?,
            durations: HistogramVec::new(durations, &["face", "operation"])?,
            in_flight: IntGauge::new("guichet_requests_in_flight", "Requests that are being answered.")?,
            errors: counters("guichet_errors_total", "Errors in answers, by their code.", &["face", "code"])?,
            points: IntCounter::new("guichet_cost_points_total", "Points that requests cost.")?,
            retries: IntCounter::new(
                "guichet_transaction_retries_total",
                "Transactions that ran again because the database had ended them in favour of others, or had broken the connection.",
            )?,
            statements: IntCounter::new("guichet_sql_statements_total", "SQL statements that were sent.")?,
            connections: IntGaugeVec::new(
                Opts::new("guichet_db_connections", "Connections to the database that are open."),
                &["state"],
            )?,
            max_connections: IntGauge::new(
                "guichet_db_connections_max",
                "Connections to the database that may be open.",
            )?,
            lost_lines: IntCounter::new(
                "guichet_log_lines_lost_total",
                "Lines of the log that could not be written.",
            )?,
            shadow_comparisons: counters(
                "guichet_shadow_requests_total",
                "Answers that were compared with the upstream's: same, changed meanwhile, different, or unanswered there.",
                &["operation", "outcome"],
            )?,
        })
    }

    fn register(&self) -> prometheus::Result<()> {
        let started =
            Gauge::new("process_start_time_seconds", "When the process started, in seconds since 1970.")?;
        started.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        let build = Opts::new("guichet_build_info", "The program that runs.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        let build = IntGauge::with_opts(build)?;
        build.set(1);
        let collectors: [Box<dyn Collector>; 13] = [
            Box::new(self.requests.clone()),
            Box::new(self.durations.clone()),
            Box::new(self.in_flight.clone()),
            Box::new(self.errors.clone()),
            Box::new(self.points.clone()),
            Box::new(self.statements.clone()),
            Box::new(self.retries.clone()),
            Box::new(self.connections.clone()),
            Box::new(self.max_connections.clone()),
            Box::new(self.lost_lines.clone()),
            Box::new(self.shadow_comparisons.clone()),
            Box::new(started),
            Box::new(build),
        ];
        collectors.into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    /// Counts a request that begins.
    pub(super) fn begin(&self) {
        self.in_flight.inc();
    }

    /// Counts a request that ends.
    pub(super) fn end(&self, request: &CountedRequest<'_>) {
        self.in_flight.dec();
        let (face, operation) = (request.facts.answered_by.name(), self.operation(request.facts));
        let mut digits = itoa::Buffer::new();
        let status = digits.format(request.status);
        self.requests.with_label_values(&[face, request.method, operation, status]).inc();
        self.durations.with_label_values(&[face, operation]).observe(request.duration.as_secs_f64());
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
        match (facts.answered_by, facts.path.as_deref(), facts.roots.as_deref()) {
            (AnsweredBy::GraphQl, _, None) => NONE,
            (AnsweredBy::GraphQl, _, Some([root])) if self.roots.contains(root.as_str()) => root,
            (AnsweredBy::GraphQl, _, Some([_])) => UNKNOWN,
            (AnsweredBy::GraphQl, ..) => SEVERAL,
            (_, path, _) => path.unwrap_or(UNMATCHED),
        }
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// When a name or label is not valid, which would be a defect.
    pub(super) fn text(&self, connections: ConnectionCounts) -> Result<String> {
        let used = connections.open.saturating_sub(connections.idle);
        for (state, number) in [("idle", connections.idle), ("used", used)] {
            self.connections.with_label_values(&[state]).set(number.into());
        }
        self.max_connections.set(connections.max.into());
        self.lost_lines.inc_by(log::lost_lines().saturating_sub(self.lost_lines.get()));
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}

/// Names of the root fields of a schema.
fn roots(schema: &Schema) -> HashSet<String> {
    let types = [Some(&schema.query_type), schema.mutation_type.as_ref()];
    let types = types.into_iter().flatten().filter_map(|name| schema.types.get(name));
    let fields = types.filter_map(|ty| ty.fields()).flat_map(|fields| fields.keys().cloned());
    fields.chain(INTROSPECTION_FIELDS.map(str::to_owned)).collect()
}
