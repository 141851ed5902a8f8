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

use super::state::{ConnectionState, Stage};

/// Bytes that are thrown away at the end of a connection. A client that has sent more may be cut off
/// before it reads the answer.
const MAX_DISCARDED: usize = 256 * 1024;
/// How long bytes gather before they are thrown away. Most clients have read the answer by then, and closed
/// the connection; and reading often costs more than reading much.
const DISCARD_INTERVAL: Duration = Duration::from_millis(20);
/// How long a client may take to read its answer that sends far more than is read.
const READ_TIME: Duration = Duration::from_millis(500);
/// Bytes of a body that may be thrown away to its end: the system holds some more.
const MAX_ANNOUNCED: u64 = 2 * MAX_DISCARDED as u64;
/// Tells Linux to drop received bytes without copying them (`MSG_TRUNC`, tcp(7)).
#[cfg(target_os = "linux")]
const TRUNCATE_FLAG: i32 = 0x20;
#[cfg(not(target_os = "linux"))]
const TRUNCATE_FLAG: i32 = 0;

/// A connection.
pub(super) struct Stream {
    /// `None` once it was left to [`linger`].
    tcp: Option<TcpStream>,
    state: Arc<ConnectionState>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, state: Arc<ConnectionState>) -> Self {
        Self { tcp: Some(tcp), state }
    }

    fn tcp(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.tcp.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn note(&self, polled: &Poll<io::Result<usize>>) {
        match polled {
            Poll::Pending => self.state.write_blocked(),
            Poll::Ready(written) => self.state.written(*written.as_ref().unwrap_or(&0)),
        }
    }
}

/// Throws away for a while what a client still sends, whose connection is closed from this side. One that is
/// closed with bytes in it is reset, and a reset may overtake the answer. The sweep ends it where the client
/// doesn't. Of `announced` bytes that are too many nothing is read: it would not be the last of them anyway.
pub(super) async fn linger(tcp: TcpStream, announced: u64) {
    if announced > MAX_ANNOUNCED {
        return wait_unregistered(tcp).await;
    }
    let mut left = MAX_DISCARDED;
    while left > 0 {
        tokio::time::sleep(DISCARD_INTERVAL).await;
        if tcp.readable().await.is_err() {
            return;
        }
        match discard_received(&tcp, left) {
            Ok(0) => return,
            Ok(bytes) => left = left.saturating_sub(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
    // Nothing more is read, but its client can.
    std::future::pending::<()>().await;
}

/// Gives a client time to read its answer while nothing is read of what it sends: the system doesn't even tell of
/// it, which would cost more than the request.
async fn wait_unregistered(tcp: TcpStream) {
    let unregistered = tcp.into_std();
    tokio::time::sleep(READ_TIME).await;
    drop(unregistered);
}

/// Drops what has been received, up to so many bytes; how many it was.
fn discard_received(tcp: &TcpStream, most: usize) -> io::Result<usize> {
    // Nothing is written to it where bytes are dropped.
    let mut space = Vec::<u8>::with_capacity(most);
    let space = space.spare_capacity_mut();
    tcp.try_io(Interest::READABLE, || SockRef::from(tcp).recv_with_flags(space, TRUNCATE_FLAG))
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.tcp()?.poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.state.bytes_received();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.tcp()?.poll_write(cx, bytes);
        self.note(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = self.tcp()?.poll_write_vectored(cx, slices);
        self.note(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.tcp()?.poll_shutdown(cx))?;
        if self.state.has_unread_body() {
            // Whatever else the connection holds is not needed for that.
            if let Some(tcp) = self.tcp.take() {
                self.state.hand_over(tcp);
            }
        } else if self.state.stage() == Stage::Head
            && let Some(tcp) = &self.tcp
        {
            // A head that was refused has come as a whole, or nearly so.
            let _ = discard_received(tcp, MAX_DISCARDED);
        }
        Poll::Ready(Ok(()))
    }
}
