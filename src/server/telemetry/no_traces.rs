//! Stands in for `traces` in a build without the feature `otlp`. Its types have no values: such a build never traces.

use std::time::Duration;

use axum::http::HeaderValue;

use super::observed_request::FinishedRequest;
use super::trace::{ParentSpan, TraceId};
use crate::Result;
use crate::database::source::SentStatement;
use crate::platform::config::Otlp;

/// The tracer of a build that has one.
pub(super) enum Traces {}

/// The span of a request in a build that has spans.
pub(super) enum RequestSpan {}

impl Traces {
    /// Warns that no traces are sent, although the settings name a collector.
    #[expect(clippy::unnecessary_wraps, reason = "the other build reads certificates, which may fail")]
    pub(super) fn start(settings: &Otlp, _: &'static str) -> Result<Option<Self>> {
        tracing::warn!(
            endpoint = %settings.endpoint,
            "no traces are sent: this guichet was built without the feature otlp \
             (cargo build --release --features otlp); unset OTEL_EXPORTER_OTLP_ENDPOINT to silence this"
        );
        Ok(None)
    }

    pub(super) fn begin(&self, _: Option<ParentSpan>, _: Option<ParentSpan>) -> RequestSpan {
        match *self {}
    }

    pub(super) fn statement(&self, _: &RequestSpan, _: &SentStatement<'_>, _: Duration) {
        match *self {}
    }

    pub(super) async fn end(&self) {
        match *self {}
    }
}

impl RequestSpan {
    pub(super) fn trace(&self) -> Option<TraceId> {
        match *self {}
    }

    pub(super) fn traceparent(&self) -> Option<HeaderValue> {
        match *self {}
    }

    pub(super) fn end(&self, _: &FinishedRequest<'_>) {
        match *self {}
    }
}
