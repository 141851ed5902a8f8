//! The bytes of a connection, noted as they move. Its end is gentle: a client that still sends what is not
//! read gets the answer before the connection is cut.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::watch::Watch;

/// Bytes that are thrown away at the end of a connection. A client that has sent more may be cut off
/// before it reads the answer.
const THROWN_AWAY: usize = 10 << 20;
/// Bytes that are thrown away at once.
const CHUNK: usize = 1 << 20;
/// How long bytes gather before they are thrown away: often costs more than much.
const GATHERING: Duration = Duration::from_millis(20);
/// Tells Linux to drop received bytes without copying them (`MSG_TRUNC`, tcp(7)).
#[cfg(target_os = "linux")]
const DROP: i32 = 0x20;
#[cfg(not(target_os = "linux"))]
const DROP: i32 = 0;

/// A connection.
pub(super) struct Stream {
    tcp: TcpStream,
    watch: Arc<Watch>,
    thrown_away: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, watch: Arc<Watch>) -> Self {
        Self { tcp, watch, thrown_away: 0, pause: None }
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
        loop {
            if self.thrown_away >= THROWN_AWAY {
                // The sweep ends the connection soon: until then its client can read.
                return Poll::Pending;
            }
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            ready!(self.tcp.poll_read_ready(cx))?;
            match self.throw_away() {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(bytes) => {
                    self.thrown_away += bytes;
                    self.pause = Some(Box::pin(tokio::time::sleep(GATHERING)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Drops what has been received; how many bytes it was.
    fn throw_away(&self) -> io::Result<usize> {
        // Nothing is written to it where bytes are dropped.
        let mut space = Vec::<u8>::with_capacity(CHUNK);
        let space = space.spare_capacity_mut();
        self.tcp.try_io(Interest::READABLE, || SockRef::from(&self.tcp).recv_with_flags(space, DROP))
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
        if self.pause.is_none() && self.thrown_away == 0 {
            ready!(Pin::new(&mut self.tcp).poll_shutdown(cx))?;
        }
        if !self.watch.has_unread() {
            return Poll::Ready(Ok(()));
        }
        self.watch.closing();
        self.poll_throw_away(cx)
    }
}
