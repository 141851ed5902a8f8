//! Metrics of a moment: how full the server is and how its databases are. They are set when they are asked for.

use facade::gate::GateState;
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::log;
use super::metrics::registered;
use crate::database::servers;
use crate::server::outbox::OutboxState;

/// The state of a server at the moment when its metrics are asked for.
pub(crate) struct ServerState {
    /// The limits of work at the same time, by name.
    pub(crate) gates: Vec<(&'static str, GateState)>,
    /// How often each rate limit has refused, by its name.
    pub(crate) refusals: Vec<(&'static str, u64)>,
    /// The servers of the database, with their role.
    pub(crate) databases: Vec<(&'static str, servers::ServerState)>,
    /// The outbox.
    pub(crate) outbox: OutboxState,
}

/// The metrics of a moment.
pub(super) struct StateMetrics {
    running: IntGaugeVec,
    max_running: IntGaugeVec,
    waiting: IntGaugeVec,
    max_waiting: IntGaugeVec,
    gate_refusals: IntCounterVec,
    throttle_refusals: IntCounterVec,
    db_up: IntGaugeVec,
    db_in_use: IntGaugeVec,
    connections: IntGaugeVec,
    max_connections: IntGaugeVec,
    lost_lines: IntCounter,
    outbox_attempts: IntCounterVec,
    outbox_rows: IntGaugeVec,
    outbox_oldest: IntGaugeVec,
}

impl StateMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When two metrics have the same name, which would be a defect.
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
        };
        let counter = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let (gate, host) = (["gate"], ["role", "host"]);
        Ok(Self {
            running: gauge("guichet_gate_running", "Requests or passwords that are worked on.", &gate)?,
            max_running: gauge("guichet_gate_running_max", "As many may be worked on.", &gate)?,
            waiting: gauge("guichet_gate_waiting", "Requests or passwords that wait.", &gate)?,
            max_waiting: gauge("guichet_gate_waiting_max", "As many may wait.", &gate)?,
            gate_refusals: counter(
                "guichet_gate_refusals_total",
                "Requests that were refused with 503 because too many ran and waited.",
                &["gate"],
            )?,
            throttle_refusals: counter(
                "guichet_throttle_refusals_total",
                "Requests, keys and sign-ins that were refused by a limit a minute.",
                &["limit"],
            )?,
            db_up: gauge("guichet_db_up", "Whether the database server answers a new connection.", &host)?,
            db_in_use: gauge("guichet_db_in_use", "Whether statements are sent to the server.", &host)?,
            connections: gauge(
                "guichet_db_connections",
                "Connections to the database that are open.",
                &["role", "host", "state"],
            )?,
            max_connections: gauge(
                "guichet_db_connections_max",
                "Connections to the database that may be open.",
                &host,
            )?,
            lost_lines: registered(
                registry,
                IntCounter::new(
                    "guichet_log_lines_lost_total",
                    "Lines of the log that could not be written.",
                )?,
            )?,
            outbox_attempts: counter(
                "guichet_outbox_attempts_total",
                "Mails and webhooks that were sent, that failed, and of those that were given up.",
                &["kind", "outcome"],
            )?,
            outbox_rows: gauge(
                "guichet_outbox_rows",
                "Mails and webhooks in the outbox that wait or were given up, those of all processes.",
                &["kind", "state"],
            )?,
            outbox_oldest: gauge(
                "guichet_outbox_oldest_timestamp_seconds",
                "When the oldest of them was written.",
                &["kind", "state"],
            )?,
        })
    }

    /// Sets the metrics to this state.
    pub(super) fn set(&self, state: &ServerState) {
        for (name, gate) in &state.gates {
            let set = |gauge: &IntGaugeVec, number| gauge.with_label_values(&[name]).set(signed(number));
            set(&self.running, gate.running);
            set(&self.max_running, gate.max_running);
            set(&self.waiting, gate.waiting);
            set(&self.max_waiting, gate.max_waiting);
            raise(&self.gate_refusals.with_label_values(&[name]), gate.refused);
        }
        for (limit, refusals) in &state.refusals {
            raise(&self.throttle_refusals.with_label_values(&[limit]), *refusals);
        }
        for (role, server) in &state.databases {
            self.set_database(role, server);
        }
        raise(&self.lost_lines, log::lost_lines());
        self.set_outbox(&state.outbox);
    }

    fn set_outbox(&self, outbox: &OutboxState) {
        for (kind, outcome, number) in &outbox.attempts {
            raise(&self.outbox_attempts.with_label_values(&[*kind, *outcome]), *number);
        }
        // What is not there any more has no row that would tell so.
        self.outbox_rows.reset();
        self.outbox_oldest.reset();
        for backlog in &outbox.backlog {
            let labels = [backlog.kind.as_str(), backlog.state.as_str()];
            self.outbox_rows.with_label_values(&labels).set(backlog.rows);
            self.outbox_oldest.with_label_values(&labels).set(backlog.oldest / 1000);
        }
    }

    fn set_database(&self, role: &str, server: &servers::ServerState) {
        let labels = [role, server.name.as_str()];
        self.db_up.with_label_values(&labels).set(server.is_reachable.into());
        self.db_in_use.with_label_values(&labels).set(server.is_used.into());
        let connections = server.connections;
        let used = connections.open.saturating_sub(connections.idle);
        for (state, number) in [("idle", connections.idle), ("used", used)] {
            let labels = [role, server.name.as_str(), state];
            self.connections.with_label_values(&labels).set(number.into());
        }
        self.max_connections.with_label_values(&labels).set(connections.max.into());
    }
}

/// Raises a counter to a number that is counted elsewhere.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
