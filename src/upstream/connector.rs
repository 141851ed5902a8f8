//! Connections to the shop's own server: over TCP or a Unix socket, with TLS or without.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::config::{Upstream, UpstreamServer};
use crate::{Error, Result};

/// Opens connections to one server.
pub(super) struct Connector {
    server: UpstreamServer,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

impl Connector {
    /// As the operator has set it.
    ///
    /// # Errors
    /// [`Error::Setting`] where certificates cannot be read, or the host's name is none.
    pub(super) fn new(upstream: &Upstream) -> Result<Self> {
        let tls = match &upstream.server {
            UpstreamServer::Host { tls: true, host, .. } => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| Error::Setting(format!("GUICHET_UPSTREAM: {host} is no name of a host")))?;
                Some((TlsConnector::from(Arc::new(tls_settings(upstream.ca.as_deref())?)), name))
            }
            _ => None,
        };
        Ok(Self { server: upstream.server.clone(), tls, timeout: upstream.connect_timeout })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> io::Result<Wire> {
        let connecting = async {
            let (host, port) = match &self.server {
                UpstreamServer::Socket(path) => return Ok(wire(UnixStream::connect(path).await?)),
                UpstreamServer::Host { host, port, .. } => (host.as_str(), *port),
            };
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(match &self.tls {
                Some((tls, name)) => wire(tls.connect(name.clone(), stream).await?),
                None => wire(stream),
            })
        };
        timeout(self.timeout, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// TLS that trusts the certificates of a file, or else those of the system.
fn tls_settings(ca: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::Setting(format!("GUICHET_UPSTREAM_CA: {}: {error}", file.display()))
        };
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
        if roots.is_empty() {
            return Err(unreadable(&"it holds no certificate"));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(Error::internal)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Bytes to and from the server.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// An open connection.
pub(super) type Wire = TokioIo<Box<dyn Bytes>>;

fn wire(stream: impl Bytes + 'static) -> Wire {
    TokioIo::new(Box::new(stream))
}
