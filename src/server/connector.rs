//! Opens connections to a server that is asked over HTTP, such as the upstream server: over TCP or a Unix socket, with or
//! without TLS.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::platform::config::UpstreamServer;
use crate::{Error, Result};

/// Errors of a write after the server has closed the connection.
const PEER_CLOSED: [io::ErrorKind; 3] =
    [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted];

/// Opens connections to one server.
pub(super) struct Connector {
    server: UpstreamServer,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

/// The settings that a connector is made by, for messages.
#[derive(Clone, Copy)]
pub(super) struct SettingNames {
    /// Address of the server.
    pub(super) server: &'static str,
    /// File of the authorities that may have signed its certificate.
    pub(super) authorities: &'static str,
}

impl Connector {
    /// Makes a connector to a server. `authorities` is a PEM file of those that may have signed its certificate; `None`:
    /// those of the system.
    ///
    /// # Errors
    /// [`Error::Setting`] where certificates cannot be read, or the host name is not valid.
    pub(super) fn new(
        server: UpstreamServer,
        authorities: Option<&Path>,
        timeout: Duration,
        names: SettingNames,
    ) -> Result<Self> {
        let tls = match &server {
            UpstreamServer::Host { tls: true, host, .. } => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| Error::Setting(format!("{}: {host} is no name of a host", names.server)))?;
                Some((TlsConnector::from(Arc::new(tls_settings(authorities, names.authorities)?)), name))
            }
            _ => None,
        };
        Ok(Self { server, tls, timeout })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> io::Result<Transport> {
        let connecting = async {
            let (host, port) = match &self.server {
                UpstreamServer::Socket(path) => return Ok(transport(UnixStream::connect(path).await?)),
                UpstreamServer::Host { host, port, .. } => (host.as_str(), *port),
            };
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(match &self.tls {
                Some((tls, name)) => transport(tls.connect(name.clone(), stream).await?),
                None => transport(stream),
            })
        };
        timeout(self.timeout, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// TLS settings that trust the authorities in a file, or those of the system.
pub(super) fn tls_settings(authorities: Option<&Path>, setting: &str) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = authorities {
        let unreadable =
            |error: &dyn std::fmt::Display| Error::Setting(format!("{setting}: {}: {error}", file.display()));
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

/// A stream of bytes in both directions.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// An open connection. A server that has stopped reading may still have sent an answer: from then on, written bytes are
/// discarded, and the answer is read.
pub(super) struct Transport {
    io: TokioIo<Box<dyn ByteStream>>,
    is_write_closed: bool,
}

/// A connection over this stream.
pub(super) fn transport(stream: impl ByteStream + 'static) -> Transport {
    Transport { io: TokioIo::new(Box::new(stream)), is_write_closed: false }
}

impl Transport {
    /// Handles the result of a write of `all` bytes.
    fn written(&mut self, polled: Poll<io::Result<usize>>, all: usize) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(Err(error)) if PEER_CLOSED.contains(&error.kind()) => {
                self.is_write_closed = true;
                Poll::Ready(Ok(all))
            }
            polled => polled,
        }
    }
}

impl Read for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_write_closed {
            return Poll::Ready(Ok(bytes.len()));
        }
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.written(polled, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_write_closed {
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut self.io).poll_flush(cx).map_ok(|()| 0);
        self.written(polled, 0).map_ok(drop)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = slices.iter().map(|slice| slice.len()).sum();
        if self.is_write_closed {
            return Poll::Ready(Ok(all));
        }
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.written(polled, all)
    }
}
