//! Traces by the OpenTelemetry SDK: a span for each request, and one below it for each SQL statement, with attributes of
//! OpenTelemetry's semantic conventions. A thread of the SDK sends them in batches: no request waits for it, and spans that
//! don't fit in its queue are lost.
//!
//! A path is its documented form, and a statement has placeholders, so neither holds texts of clients.

mod collector;

use std::time::{Duration, SystemTime};

use axum::http::HeaderValue;
use facade::facts::{AnsweredBy, RequestFacts};
use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceState,
    TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue, trace};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};

use super::observed_request::{self, FinishedRequest};
use super::trace::{ParentSpan, TraceId};
use crate::Result;
use crate::database::source::SentStatement;
use crate::platform::config::{self, Otlp};

/// Time limit of the last batches when the server stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum length of a statement's text in a span.
const MAX_SQL_LETTERS: usize = 2048;

/// The tracer, and what its spans are sent by.
pub(super) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    database: &'static str,
}

/// The span of a request that is being answered. It has an identifier also where the request is not sampled.
pub(super) struct RequestSpan {
    context: Context,
    began: SystemTime,
}

impl Traces {
    /// Starts the thread that sends spans.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) where a setting of the exporter makes no sense.
    pub(super) fn start(settings: &Otlp, database: &'static str) -> Result<Option<Self>> {
        let batches = BatchConfigBuilder::default().with_scheduled_delay(settings.delay).build();
        let exporter = BatchSpanProcessor::builder(collector::exporter(settings)?).with_batch_config(batches);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(exporter.build())
            .with_sampler(sampler(settings.sampler))
            .with_resource(resource(settings))
            .build();
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"));
        let tracer = provider.tracer_with_scope(scope.with_version(env!("CARGO_PKG_VERSION")).build());
        Ok(Some(Self { provider, tracer, database }))
    }

    /// Begins the span of a request, below `parent` or in a trace of its own. It has a link to the span of a stranger.
    pub(super) fn begin(&self, parent: Option<ParentSpan>, linked: Option<ParentSpan>) -> RequestSpan {
        let began = SystemTime::now();
        let parent = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent.into()),
            None => Context::new(),
        };
        let links = linked.map(|linked| Link::with_context(linked.into())).into_iter().collect();
        let span = SpanBuilder::from_name("request").with_kind(SpanKind::Server).with_start_time(began);
        let span = span.with_links(links).start_with_context(&self.tracer, &parent);
        RequestSpan { context: Context::new().with_span(span), began }
    }

    /// Adds the span of a statement that has ended. `after`: when it was sent, since the request began.
    pub(super) fn statement(&self, request: &RequestSpan, sent: &SentStatement<'_>, after: Duration) {
        if !request.context.span().is_recording() {
            return;
        }
        let operation = sent.sql.split_whitespace().next().unwrap_or_default().to_uppercase();
        let sql = sent.sql.get(..MAX_SQL_LETTERS).unwrap_or(sent.sql).to_owned();
        let began = request.began + after;
        let span = SpanBuilder::from_name(operation.clone())
            .with_kind(SpanKind::Client)
            .with_start_time(began)
            .with_attributes([
                KeyValue::new("db.system.name", self.database),
                KeyValue::new("db.operation.name", operation),
                KeyValue::new("db.query.text", sql),
            ]);
        let mut span = span.start_with_context(&self.tracer, &request.context);
        if sent.failed {
            trace::Span::set_status(&mut span, Status::error(""));
        }
        trace::Span::end_with_timestamp(&mut span, began + sent.elapsed);
    }

    /// Sends the waiting spans; later ones are not sent any more.
    pub(super) async fn end(&self) {
        let provider = self.provider.clone();
        let sending = move || provider.shutdown_with_timeout(FLUSH_TIMEOUT);
        // What was not taken is logged already.
        let _ = tokio::task::spawn_blocking(sending).await;
    }
}

impl RequestSpan {
    /// Its trace; `None` once no spans are sent any more.
    pub(super) fn trace(&self) -> Option<TraceId> {
        let context = self.context.span().span_context().clone();
        context.is_valid().then(|| TraceId::of(u128::from_be_bytes(context.trace_id().to_bytes())))
    }

    /// The header `traceparent` for requests that are sent on behalf of this one.
    pub(super) fn traceparent(&self) -> Option<HeaderValue> {
        let span = self.context.span();
        let context = span.span_context();
        let flags = context.trace_flags().to_u8();
        let text = format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id());
        context.is_valid().then(|| HeaderValue::try_from(text).ok()).flatten()
    }

    /// Ends the span, with what is known of the request.
    pub(super) fn end(&self, request: &FinishedRequest<'_>) {
        let span = self.context.span();
        if !span.is_recording() {
            return;
        }
        if let Some(path) = &request.facts.path {
            span.update_name(format!("{} {path}", request.method));
        } else {
            span.update_name(request.method);
        }
        span.set_attributes(attributes(request));
        if request.status >= 500 {
            span.set_status(Status::error(""));
            let code = request.facts.errors.first();
            let error = code.map_or_else(|| request.status.to_string(), |&code| code.to_owned());
            span.set_attribute(KeyValue::new("error.type", error));
        }
        span.end_with_timestamp(self.began + request.duration);
    }
}

impl From<ParentSpan> for SpanContext {
    fn from(parent: ParentSpan) -> Self {
        let flags = TraceFlags::default().with_sampled(parent.sampled);
        let trace = trace::TraceId::from(parent.trace.number());
        Self::new(trace, SpanId::from(parent.span), flags, true, TraceState::default())
    }
}

/// The attributes of a request's span.
fn attributes(request: &FinishedRequest<'_>) -> impl Iterator<Item = KeyValue> {
    let facts = request.facts;
    let operation_of = |face| facts.operation.clone().filter(|_| facts.answered_by == face);
    let texts = [
        ("http.request.method", Some(request.method.to_owned())),
        ("http.route", facts.path.clone()),
        ("graphql.operation.type", facts.kind.map(str::to_owned)),
        ("graphql.operation.name", operation_of(AnsweredBy::GraphQl)),
        ("guichet.face", Some(facts.answered_by.name().to_owned())),
        ("guichet.operation", operation_of(AnsweredBy::Rest)),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some(KeyValue::new(name, text?)));
    let numbers = [
        ("http.response.status_code", Some(i64::from(request.status))),
        ("guichet.key.id", key(facts)),
        ("guichet.cost", facts.cost.and_then(|cost| i64::try_from(cost).ok())),
    ];
    texts.chain(numbers.into_iter().filter_map(|(name, number)| Some(KeyValue::new(name, number?))))
}

/// Primary key of the caller's API key.
fn key(facts: &RequestFacts) -> Option<i64> {
    observed_request::credential(facts).0
}

fn sampler(settings: config::Sampler) -> Sampler {
    let root = Sampler::TraceIdRatioBased(settings.ratio);
    if settings.follows_caller { Sampler::ParentBased(Box::new(root)) } else { root }
}

fn resource(settings: &Otlp) -> Resource {
    let attributes = settings.resource.iter();
    let attributes = attributes.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder().with_attributes(attributes).build()
}
