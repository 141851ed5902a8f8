//! The connection to the collector: the SDK's exporter for OTLP over HTTP, with a client that uses hyper.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Uri, header};
use hyper::client::conn::http1;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::platform::config::{Otlp, OtlpProtocol, UpstreamServer};
use crate::server::connector::{Connector, SettingNames};
use crate::{Error, Result};

/// Maximum size of an answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// The exporter by the operator's settings.
///
/// # Errors
/// [`Error::Setting`] where certificates cannot be read, or a variable of the SDK makes no sense.
pub(super) fn exporter(settings: &Otlp) -> Result<SpanExporter> {
    let protocol = match settings.protocol {
        OtlpProtocol::Json => Protocol::HttpJson,
        OtlpProtocol::Protobuf => Protocol::HttpBinary,
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = settings.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(CollectorClient::new(settings)?)
        .with_headers(headers.collect())
        .with_endpoint(settings.endpoint.to_string())
        .with_protocol(protocol)
        .with_timeout(settings.timeout)
        .build();
    exporter.map_err(|error| Error::Setting(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}")))
}

/// Sends each batch on a connection of its own. The SDK calls it in a thread that is not one of the runtime's.
struct CollectorClient {
    connector: Arc<Connector>,
    endpoint: Uri,
    timeout: Duration,
    runtime: Handle,
    /// Whether the last batch was not taken. Only the first of several is logged.
    is_failing: AtomicBool,
}

impl std::fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CollectorClient").finish_non_exhaustive()
    }
}

impl CollectorClient {
    fn new(settings: &Otlp) -> Result<Self> {
        let names = SettingNames {
            server: "OTEL_EXPORTER_OTLP_ENDPOINT",
            authorities: "OTEL_EXPORTER_OTLP_CERTIFICATE",
        };
        let server = server(&settings.endpoint);
        let connector = Connector::new(server, settings.certificate.as_deref(), settings.timeout, names)?;
        Ok(Self {
            connector: Arc::new(connector),
            endpoint: settings.endpoint.clone(),
            timeout: settings.timeout,
            runtime: Handle::current(),
            is_failing: AtomicBool::new(false),
        })
    }

    /// Logs the first of several batches that are not taken.
    fn note(&self, sent: &Result<Response<Bytes>, HttpError>) {
        let cause = match sent {
            Ok(answer) if answer.status().is_success() => {
                return self.is_failing.store(false, Ordering::Relaxed);
            }
            Ok(answer) => format!("it answers {}", answer.status()),
            Err(error) => error.to_string(),
        };
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(cause, endpoint = %self.endpoint, "spans are lost: the collector does not take them");
        }
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = exchange(Arc::clone(&self.connector), request);
        let limit = self.timeout;
        let sent = self.runtime.spawn(async move { timeout(limit, sending).await? }).await?;
        self.note(&sent);
        sent
    }
}

/// The collector as a server.
fn server(endpoint: &Uri) -> UpstreamServer {
    let tls = endpoint.scheme_str() == Some("https");
    let host = endpoint.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    UpstreamServer::Host { tls, host, port: endpoint.port_u16().unwrap_or(if tls { 443 } else { 80 }) }
}

async fn exchange(connector: Arc<Connector>, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut sender, connection) = http1::handshake(connector.connect().await?).await?;
    // It ends when the sender is dropped.
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(with_host(request)?).await?.into_parts();
    Ok(Response::from_parts(parts, to_bytes(Body::new(body), MAX_ANSWER).await?))
}

/// The request as a server expects it: with the path alone in its first line, and the host as a header.
fn with_host(request: Request<Bytes>) -> Result<Request<Body>, HttpError> {
    let (mut parts, body) = request.into_parts();
    if let Some(authority) = parts.uri.authority() {
        parts.headers.insert(header::HOST, HeaderValue::from_str(authority.as_str())?);
    }
    parts.uri = parts.uri.path_and_query().map_or(Uri::from_static("/"), |path| Uri::from(path.clone()));
    Ok(Request::from_parts(parts, Body::from(body)))
}
