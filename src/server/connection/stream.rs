//! The byte stream of a connection, which notes its progress in the state. It is closed gracefully: a client that
//! still sends an unread body receives the answer before the connection is reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::state::{ConnectionState, Stage};

/// Maximum number of bytes that are discarded at the end of a connection. A client that sends more may be reset
/// before it reads the answer.
const MAX_DISCARDED: usize = 256 * 1024;
/// Pause before received bytes are discarded. In this time most clients read the answer and close the connection,
/// and a few large reads cost less than many small ones.
const DISCARD_INTERVAL: Duration = Duration::from_millis(20);
/// How long a client that sends far more than is discarded may take to read its answer.
const READ_TIME: Duration = Duration::from_millis(500);
/// Maximum announced size of a body that is discarded to its end. It is larger than [`MAX_DISCARDED`], because the
/// system's buffers hold a part.
const MAX_ANNOUNCED: u64 = 2 * MAX_DISCARDED as u64;
/// Flag that makes Linux discard received bytes without copying them (`MSG_TRUNC`, tcp(7)).
#[cfg(target_os = "linux")]
const TRUNCATE_FLAG: i32 = 0x20;
#[cfg(not(target_os = "linux"))]
const TRUNCATE_FLAG: i32 = 0;

/// The byte stream of a connection.
pub(super) struct Stream {
    /// `None` after the socket was handed over to [`linger`].
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

/// Discards what a client still sends after the server has closed its side. If a socket is closed with unread
/// bytes, the system resets the connection, and the client may lose the answer. If the client does not close the
/// connection, the sweep ends it. If too many bytes were `announced`, none are read, because the end would not be
/// reached anyway.
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
    // Nothing more is discarded, but the client can still read.
    std::future::pending::<()>().await;
}

/// Gives a client time to read its answer while nothing of what it sends is read. The socket is removed from the
/// event loop, because events about received bytes would cost more than the request.
async fn wait_unregistered(tcp: TcpStream) {
    let unregistered = tcp.into_std();
    tokio::time::sleep(READ_TIME).await;
    drop(unregistered);
}

/// Discards received bytes, at most this many; returns their number.
fn discard_received(tcp: &TcpStream, most: usize) -> io::Result<usize> {
    // On Linux the buffer is not written to.
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
            // The socket is enough for that; everything else of the connection is freed.
            if let Some(tcp) = self.tcp.take() {
                self.state.hand_over(tcp);
            }
        } else if self.state.stage() == Stage::Head
            && let Some(tcp) = &self.tcp
        {
            // A refused head has been received almost completely, so one read is enough.
            let _ = discard_received(tcp, MAX_DISCARDED);
        }
        Poll::Ready(Ok(()))
    }
}
