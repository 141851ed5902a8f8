//! Webhooks: an HTTP request with a body of JSON, signed as Standard Webhooks says
//! (<https://github.com/standard-webhooks/standard-webhooks>).

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use hyper::client::conn::http1;
use ipnet::IpNet;
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::SendError;
use super::target::Target;
use crate::platform::config::{Config, Secret};
use crate::server::connector::{self, Transport};
use crate::shop::outbox::Row;

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the rest of an answer is waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Most addresses of a host that are tried.
const MAX_ADDRESSES: usize = 3;
/// Bytes of an answer that are read. They are thrown away.
const MAX_ANSWER: usize = 16 * 1024;

/// Calls webhooks.
pub(super) struct Caller {
    allowed: Vec<IpNet>,
    secret: Option<Secret>,
    tls: OnceLock<TlsConnector>,
}

impl Caller {
    /// A caller by the operator's settings.
    pub(super) fn new(config: &Config) -> Self {
        let (allowed, secret) = (config.webhook_allow.clone(), config.webhook_secret.clone());
        Self { allowed, secret, tls: OnceLock::new() }
    }

    /// TLS with the system's authorities, which are read for the first webhook.
    fn tls(&self) -> std::io::Result<&TlsConnector> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let settings = connector::tls_settings(None, "").map_err(std::io::Error::other)?;
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(settings))))
    }

    /// Calls the webhook of a row. An answer other than 2xx is a failure; redirects are not followed.
    pub(super) async fn send(&self, row: &Row, now: DateTime<Utc>) -> Result<(), SendError> {
        let target = Target::parse(&row.target)?;
        let addresses = target.addresses(&self.allowed).await?;
        let failed =
            |error: &dyn std::fmt::Display| SendError::passing("it does not answer", error.to_string());
        let connection = self.connect(&target, &addresses).await?;
        let (mut sender, connection) = http1::handshake(connection).await.map_err(|error| failed(&error))?;
        // It ends with the sender.
        let connection = tokio::spawn(connection);
        let request = self.request(row, &target, now)?;
        let answered = sender.send_request(request).await.map_err(|error| failed(&error));
        let answered = match answered {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                // A longer answer, or one that breaks off, has told its status all the same.
                let _ = timeout(BODY_TIMEOUT, to_bytes(Body::new(body), MAX_ANSWER)).await;
                judge(head.status)
            }
            Err(error) => Err(error),
        };
        connection.abort();
        answered
    }

    /// Connects to the first of the addresses that takes a connection.
    async fn connect(&self, target: &Target, addresses: &[SocketAddr]) -> Result<Transport, SendError> {
        let mut failure = SendError::passing("it cannot be reached", "no address");
        for address in addresses.iter().take(MAX_ADDRESSES) {
            match timeout(CONNECT_TIMEOUT, self.open(target, *address)).await {
                Ok(Ok(transport)) => return Ok(transport),
                Ok(Err(error)) => failure = SendError::passing("it cannot be reached", error.to_string()),
                Err(_) => failure = SendError::passing("it cannot be reached", "no connection in time"),
            }
        }
        Err(failure)
    }

    async fn open(&self, target: &Target, address: SocketAddr) -> std::io::Result<Transport> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        if !target.is_https() {
            return Ok(connector::transport(stream));
        }
        let name = ServerName::try_from(target.host()).map_err(std::io::Error::other)?;
        Ok(connector::transport(self.tls()?.connect(name, stream).await?))
    }

    fn request(&self, row: &Row, target: &Target, now: DateTime<Utc>) -> Result<Request<Body>, SendError> {
        let timestamp = now.timestamp().to_string();
        let mut request = Request::post(target.path())
            .header(header::HOST, target.authority())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("guichet/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_LENGTH, row.body.len())
            .header("webhook-id", &row.message_id)
            .header("webhook-timestamp", &timestamp);
        if let Some(secret) = &self.secret {
            request = request.header("webhook-signature", signature(secret, row, &timestamp)?);
        }
        let request = request.body(Body::from(row.body.clone()));
        request.map_err(|error| SendError::last("it is no request", error.to_string()))
    }
}

/// The signature of identifier, time and body. The key is what stands behind `whsec_`, in Base64; any other text is a key
/// itself.
fn signature(secret: &Secret, row: &Row, timestamp: &str) -> Result<String, SendError> {
    let text = secret.expose();
    let decoded = text.strip_prefix("whsec_").and_then(|code| STANDARD.decode(code).ok());
    let key = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
    let no_key = |_| SendError::passing("it cannot be signed", "the key is not valid");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(no_key)?;
    mac.update(format!("{}.{timestamp}.{}", row.message_id, row.body).as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// What a status means: 410 says that the receiver is gone for good.
fn judge(status: StatusCode) -> Result<(), SendError> {
    let text = format!("it has answered {}", status.as_u16());
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::GONE => Err(SendError::last(text.clone(), text)),
        _ if status.is_redirection() => {
            let why = format!("{text}: redirects are not followed");
            Err(SendError::passing(text, why))
        }
        _ => Err(SendError::passing(text.clone(), text)),
    }
}
