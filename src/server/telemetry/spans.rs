//! Spans of requests and their SQL statements, as OTLP in JSON, with attributes of OpenTelemetry's semantic
//! conventions.
//!
//! A path is its documented form, and a statement has placeholders, so neither holds texts of clients.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use facade::facts::{AnsweredBy, RequestFacts};
use serde_json::{Value as Json, json};

use super::trace::{ParentSpan, TraceId};

/// Kinds of spans in OTLP.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// Status code of a failed span in OTLP.
const FAILED: u8 = 2;

/// A request that was answered, with its statements.
pub(super) struct FinishedRequest {
    pub(super) method: &'static str,
    pub(super) status: u16,
    pub(super) began: SystemTime,
    pub(super) duration: Duration,
    pub(super) trace: TraceId,
    pub(super) parent: Option<ParentSpan>,
    pub(super) statements: Vec<Statement>,
    pub(super) facts: RequestFacts,
}

/// A statement of a request.
pub(super) struct Statement {
    pub(super) sql: String,
    /// When it was sent: time since the request began.
    pub(super) after: Duration,
    pub(super) elapsed: Duration,
    pub(super) failed: bool,
}

impl FinishedRequest {
    /// The span of the request, followed by those of its statements.
    pub(super) fn spans(&self, database: &'static str) -> Vec<Json> {
        let id = span_id();
        let statements =
            self.statements.iter().map(|statement| self.statement_span(&id, database, statement));
        std::iter::once(self.request_span(&id)).chain(statements).collect()
    }

    fn request_span(&self, id: &str) -> Json {
        let facts = &self.facts;
        let name = match &facts.path {
            Some(path) => format!("{} {path}", self.method),
            None => self.method.to_owned(),
        };
        let failed = self.status >= 500;
        let error = failed
            .then(|| facts.errors.first().map_or_else(|| self.status.to_string(), |&code| code.to_owned()));
        let graphql = facts.operation.as_deref().filter(|_| facts.answered_by == AnsweredBy::GraphQl);
        let rest = facts.operation.as_deref().filter(|_| facts.answered_by == AnsweredBy::Rest);
        let (key, _) = super::observed_request::credential(facts);
        let attributes = [
            text("http.request.method", Some(self.method)),
            text("http.route", facts.path.as_deref()),
            number("http.response.status_code", Some(self.status.into())),
            text("error.type", error.as_deref()),
            text("graphql.operation.type", facts.kind),
            text("graphql.operation.name", graphql),
            text("guichet.face", Some(facts.answered_by.name())),
            text("guichet.operation", rest),
            number("guichet.key.id", key),
            number("guichet.cost", facts.cost.and_then(|cost| i64::try_from(cost).ok())),
        ];
        let mut span = self.span(id, &name, SERVER, (Duration::ZERO, self.duration), attributes);
        if let Some(parent) = &self.parent {
            span["parentSpanId"] = format!("{:016x}", parent.span).into();
        }
        if failed {
            span["status"] = json!({"code": FAILED});
        }
        span
    }

    fn statement_span(&self, parent: &str, database: &'static str, statement: &Statement) -> Json {
        let operation = statement.sql.split_whitespace().next().unwrap_or_default().to_uppercase();
        let attributes = [
            text("db.system.name", Some(database)),
            text("db.operation.name", Some(&operation)),
            text("db.query.text", Some(&statement.sql)),
        ];
        let time = (statement.after, statement.elapsed);
        let mut span = self.span(&span_id(), &operation, CLIENT, time, attributes);
        span["parentSpanId"] = parent.into();
        if statement.failed {
            span["status"] = json!({"code": FAILED});
        }
        span
    }

    fn span<const N: usize>(
        &self,
        id: &str,
        name: &str,
        kind: u8,
        (after, elapsed): (Duration, Duration),
        attributes: [Option<Json>; N],
    ) -> Json {
        let begins = self.began + after;
        json!({
            "traceId": self.trace.to_string(),
            "spanId": id,
            "name": name,
            "kind": kind,
            "startTimeUnixNano": nanoseconds(begins),
            "endTimeUnixNano": nanoseconds(begins + elapsed),
            "attributes": attributes.into_iter().flatten().collect::<Vec<_>>(),
        })
    }
}

/// The body of an export request: spans of one service.
pub(super) fn export_request(resource: &[(String, String)], spans: &[Json]) -> Json {
    let resource: Vec<Json> = resource.iter().filter_map(|(name, value)| text(name, Some(value))).collect();
    let scope = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]})
}

fn span_id() -> String {
    format!("{:016x}", rand::random::<u64>().max(1))
}

/// A time in nanoseconds since 1970, as text: the JSON of Protocol Buffers writes 64-bit numbers so.
fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

fn text(name: &str, value: Option<&str>) -> Option<Json> {
    value.map(|value| json!({"key": name, "value": {"stringValue": value}}))
}

fn number(name: &str, value: Option<i64>) -> Option<Json> {
    value.map(|value| json!({"key": name, "value": {"intValue": value.to_string()}}))
}
