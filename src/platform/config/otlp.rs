//! Settings of the trace exporter: environment variables of the OpenTelemetry specification.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::{ConfigError, Variables, switch};

/// Path for traces below the base URL of a collector.
const TRACES_PATH: &str = "/v1/traces";

/// The collector of traces, and what is sent to it.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// URL for traces (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_ENDPOINT`).
    pub endpoint: Uri,
    /// How spans are written (`OTEL_EXPORTER_OTLP_PROTOCOL`).
    pub protocol: OtlpProtocol,
    /// PEM file of the authorities that may have signed the collector's certificate; `None`: those of the system
    /// (`OTEL_EXPORTER_OTLP_CERTIFICATE`).
    pub certificate: Option<PathBuf>,
    /// Headers of each export request (`OTEL_EXPORTER_OTLP_HEADERS`).
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Timeout of an export request (`OTEL_EXPORTER_OTLP_TIMEOUT`).
    pub timeout: Duration,
    /// How long spans are collected before they are sent (`OTEL_BSP_SCHEDULE_DELAY`).
    pub delay: Duration,
    /// Resource attributes of this server (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`).
    pub resource: Vec<(String, String)>,
    /// Which requests are traced (`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`).
    pub sampler: Sampler,
}

/// How spans are written; both are sent over HTTP to the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// JSON.
    Json,
    /// Protocol Buffers.
    Protobuf,
}

impl OtlpProtocol {
    fn named(text: &str) -> Option<Self> {
        match text {
            "http/json" => Some(Self::Json),
            "http/protobuf" => Some(Self::Protobuf),
            _ => None,
        }
    }
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Fraction of traced requests, from 0 to 1, where the caller has not decided.
    pub ratio: f64,
    /// Whether the caller's decision is followed, if the request belongs to a trace.
    pub follows_caller: bool,
}

impl Sampler {
    fn named(text: &str, ratio: f64) -> Option<Self> {
        let (follows_caller, kind) = match text.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, text),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => ratio,
            _ => return None,
        };
        Some(Self { ratio, follows_caller })
    }
}

impl Otlp {
    /// Reads the variables; `None` where no collector is configured.
    pub(super) fn read(variables: &Variables) -> Result<Option<Self>, ConfigError> {
        let named = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        let [whole, base] = named.map(|name| variables.optional(name, address));
        let base = base?.map(|address| format!("{}{TRACES_PATH}", address.to_string().trim_end_matches('/')));
        let endpoint = whole?.or(base.and_then(|address| address.parse().ok()));
        let Some(endpoint) = endpoint.filter(|_| !variables.is_disabled()) else { return Ok(None) };
        let ratio = variables.read("OTEL_TRACES_SAMPLER_ARG", ratio)?;
        let service = variables.parse::<String>("OTEL_SERVICE_NAME")?;
        let mut resource = variables.read("OTEL_RESOURCE_ATTRIBUTES", pairs)?;
        resource.retain(|(name, _)| name != "service.name" && name != "service.version");
        resource.insert(0, ("service.name".to_owned(), service));
        resource.insert(1, ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
        Ok(Some(Self {
            endpoint,
            protocol: variables.read("OTEL_EXPORTER_OTLP_PROTOCOL", OtlpProtocol::named)?,
            certificate: variables.optional("OTEL_EXPORTER_OTLP_CERTIFICATE", |text| Some(text.into()))?,
            headers: variables.read("OTEL_EXPORTER_OTLP_HEADERS", headers)?,
            timeout: variables.read("OTEL_EXPORTER_OTLP_TIMEOUT", milliseconds)?,
            delay: variables.read("OTEL_BSP_SCHEDULE_DELAY", milliseconds)?,
            resource,
            sampler: variables.read("OTEL_TRACES_SAMPLER", |text| Sampler::named(text, ratio))?,
        }))
    }
}

impl Variables {
    fn is_disabled(&self) -> bool {
        let off = self.set_value("OTEL_SDK_DISABLED").and_then(switch) == Some(true);
        off || self.set_value("OTEL_TRACES_EXPORTER") == Some("none")
    }
}

fn address(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    (is_http && uri.host().is_some_and(|host| !host.is_empty())).then_some(uri)
}

fn milliseconds(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|number| *number > 0).map(Duration::from_millis)
}

fn ratio(text: &str) -> Option<f64> {
    text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
}

/// Parses `name=value,…`, percent-encoded (W3C Baggage).
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(String::from);
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').and_then(|(name, value)| Some((decoded(name)?, decoded(value)?))))
        .collect()
}

fn headers(text: &str) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let header = |(name, value): (String, String)| {
        let mut value = HeaderValue::from_str(&value).ok()?;
        // Usually it is a key.
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    pairs(text)?.into_iter().map(header).collect()
}
