//! The bytes of a connection, noted as they move. Its end is gentle: a client that still sends what is not
//! read gets the answer before the connection is cut.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::watch::Watch;

/// Bytes that are thrown away at the end of a connection. A client that has sent more may be cut off
/// before it reads the answer.
const THROWN_AWAY: usize = 1 << 20;
/// Bytes that are thrown away at once.
const CHUNK: usize = 16 * 1024;

/// A connection.
pub(super) struct Stream {
    tcp: TcpStream,
    watch: Arc<Watch>,
    thrown_away: usize,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, watch: Arc<Watch>) -> Self {
        Self { tcp, watch, thrown_away: 0 }
    }

    fn note(&self, polled: &Poll<io::Result<usize>>) {
        match polled {
            Poll::Pending => self.watch.write_blocked(),
            Poll::Ready(written) => self.watch.written(*written.as_ref().unwrap_or(&0)),
        }
    }

    /// Throws away what the client still sends. A connection that is closed with bytes in it is reset, and
    /// a reset may overtake the answer.
    fn poll_throw_away(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; CHUNK];
        loop {
            if self.thrown_away >= THROWN_AWAY {
                // The sweep ends the connection soon: until then its client can read.
                return Poll::Pending;
            }
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.thrown_away += buffer.filled().len();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.watch.bytes_received();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.note(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.note(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.thrown_away == 0 {
            ready!(Pin::new(&mut self.tcp).poll_shutdown(cx))?;
        }
        if !self.watch.has_unread() {
            return Poll::Ready(Ok(()));
        }
        self.watch.closing();
        self.poll_throw_away(cx)
    }
}
