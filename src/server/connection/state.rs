//! The state of an open connection: what the server waits for, since when, and how fast the client is. Code that
//! moves bytes notes it here; the sweep (`connections.rs`) decides whether the client is too slow.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::platform::config::ConnectionLimits;

/// Maximum number of chunks in which a head may arrive. A head of 32 KiB arrives in about twenty.
const MAX_HEAD_CHUNKS: u32 = 128;
/// Bytes that the client's system may buffer before the client reads them, and how many of them a steady client
/// reads per millisecond.
const MAX_UNREAD: u64 = 8 * 1024 * 1024;
const UNREAD_PER_MILLISECOND: u64 = 64;
/// How long a client may take to close its side after the server has closed the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the server waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    /// The first request.
    New,
    /// The next request.
    Idle,
    /// The client's end of the connection.
    Closing,
    /// The rest of a request's head.
    Head,
    /// More of a request's body.
    Body,
    /// Nothing of the client: the server is working.
    Busy,
}

impl Stage {
    const ALL: [Self; 6] = [Self::New, Self::Idle, Self::Closing, Self::Head, Self::Body, Self::Busy];
}

/// The connections of one address.
#[derive(Default)]
pub(super) struct AddressConnections {
    pub(super) open: AtomicUsize,
    /// Whether they are those of a trusted proxy.
    pub(super) is_proxy: bool,
}

impl AddressConnections {
    /// Their number, for choosing the connection that is ended. Zero for a proxy, because it serves many clients.
    pub(super) fn weight(&self) -> usize {
        if self.is_proxy { 0 } else { self.open.load(Ordering::Relaxed) }
    }
}

/// The state of one connection.
pub(super) struct ConnectionState {
    pub(super) peer: IpAddr,
    pub(super) of_address: Arc<AddressConnections>,
    opened: Instant,
    stage: AtomicU8,
    /// When the stage began, in milliseconds since `opened`.
    since: AtomicU64,
    /// Chunks in which the head has arrived so far. hyper parses the head again after each chunk.
    head_chunks: AtomicU32,
    received: Transfer,
    sent: Transfer,
    /// Bytes that were sent on this connection.
    sent_in_all: AtomicU64,
    /// Whether a part of a body was not read and will not be.
    unread: AtomicBool,
    /// Size of this part in bytes, if the request has announced it.
    unread_bytes: AtomicU64,
    /// The socket, handed over after the server has closed its side, while the client still sends an unread body.
    handed_over: Mutex<Option<TcpStream>>,
    end: Notify,
}

/// The bytes of one body in one direction, and how long the server has waited for the client.
#[derive(Default)]
struct Transfer {
    bytes: AtomicU64,
    /// Milliseconds that the server has waited for the client so far, without the present wait.
    waited: AtomicU64,
    /// When the present wait began, in milliseconds since the connection was opened, at least 1; 0: the server does
    /// not wait.
    waiting: AtomicU64,
}

impl Transfer {
    /// Resets the counters for a new body.
    fn begin(&self) {
        for counter in [&self.bytes, &self.waited, &self.waiting] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    fn wait(&self, now: u64) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.waiting.store(now.max(1), Ordering::Relaxed);
        }
    }

    fn moved(&self, bytes: usize, now: impl FnOnce() -> u64) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let waiting = self.waiting.swap(0, Ordering::Relaxed);
        if waiting > 0 {
            self.waited.fetch_add(now().saturating_sub(waiting), Ordering::Relaxed);
        }
    }

    /// How long the present wait has lasted, in milliseconds.
    fn stalled(&self, now: u64) -> Option<u64> {
        let waiting = self.waiting.load(Ordering::Relaxed);
        (waiting > 0).then(|| now.saturating_sub(waiting))
    }

    /// Whether the server waits for the client, and the client is too slow. `credit` is additional time in
    /// milliseconds.
    fn is_too_slow(&self, now: u64, bounds: &ConnectionLimits, credit: u64) -> bool {
        let Some(stalled) = self.stalled(now) else { return false };
        let patience = milliseconds(bounds.body_timeout).saturating_add(credit);
        let waited = self.waited.load(Ordering::Relaxed).saturating_add(stalled);
        let expected = waited.saturating_mul(bounds.min_rate) / 1000;
        stalled > patience || (waited > patience && self.bytes.load(Ordering::Relaxed) < expected)
    }
}

impl ConnectionState {
    pub(super) fn new(peer: IpAddr, of_address: Arc<AddressConnections>) -> Self {
        Self {
            peer,
            of_address,
            opened: Instant::now(),
            stage: AtomicU8::new(Stage::New as u8),
            since: AtomicU64::new(0),
            head_chunks: AtomicU32::new(0),
            received: Transfer::default(),
            sent: Transfer::default(),
            sent_in_all: AtomicU64::new(0),
            unread: AtomicBool::new(false),
            unread_bytes: AtomicU64::new(0),
            handed_over: Mutex::default(),
            end: Notify::new(),
        }
    }

    fn now(&self) -> u64 {
        milliseconds(self.opened.elapsed())
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::ALL.get(usize::from(self.stage.load(Ordering::Relaxed))).copied().unwrap_or(Stage::Busy)
    }

    fn set_stage(&self, stage: Stage) {
        self.since.store(self.now(), Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Notes received bytes. If the server was waiting for a request, its head begins. A head in too many chunks
    /// ends the connection.
    pub(super) fn bytes_received(&self) {
        if matches!(self.stage(), Stage::New | Stage::Idle) {
            self.set_stage(Stage::Head);
        }
        if self.stage() == Stage::Head && self.head_chunks.fetch_add(1, Ordering::Relaxed) >= MAX_HEAD_CHUNKS
        {
            self.end();
        }
    }

    /// Notes that a head is complete, and its request is being answered.
    pub(super) fn head_received(&self) {
        self.head_chunks.store(0, Ordering::Relaxed);
        self.received.begin();
        self.sent.begin();
        self.set_stage(Stage::Busy);
    }

    fn body_awaited(&self) {
        self.received.wait(self.now());
        self.set_stage(Stage::Body);
    }

    fn body_moved(&self, bytes: usize) {
        self.received.moved(bytes, || self.now());
        if self.stage() == Stage::Body {
            self.set_stage(Stage::Busy);
        }
    }

    /// Notes that an answer was handed over to hyper completely; the next request may come.
    fn answered(&self) {
        self.set_stage(Stage::Idle);
    }

    /// Notes that nothing can be written, because the client does not read.
    pub(super) fn write_blocked(&self) {
        self.sent.wait(self.now());
    }

    pub(super) fn written(&self, bytes: usize) {
        self.sent_in_all.fetch_add(bytes as u64, Ordering::Relaxed);
        self.sent.moved(bytes, || self.now());
    }

    /// Hands the socket over after the server has closed its side; what the client still sends is to be discarded.
    pub(super) fn hand_over(&self, tcp: TcpStream) {
        self.set_stage(Stage::Closing);
        *self.handed_over.lock().unwrap_or_else(PoisonError::into_inner) = Some(tcp);
    }

    /// Takes the socket that was handed over.
    pub(super) fn take_handed_over(&self) -> Option<TcpStream> {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Bytes of a body that will not be read, if the request has announced them.
    pub(super) fn unread_bytes(&self) -> u64 {
        self.unread_bytes.load(Ordering::Relaxed)
    }

    /// Whether the client may still be sending a body that will not be read.
    pub(super) fn has_unread_body(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// How long the server has waited for the client; `None` while the server is working.
    pub(super) fn waiting_time(&self) -> Option<Duration> {
        let now = self.now();
        let waited = match self.stage() {
            Stage::Busy => self.sent.stalled(now)?,
            _ => now.saturating_sub(self.since.load(Ordering::Relaxed)),
        };
        Some(Duration::from_millis(waited))
    }

    /// Additional time, in milliseconds, for reading what was sent: megabytes of it may be in the buffers of the
    /// client's system, which accept nothing more until the client has read a large part of them.
    fn unread_credit(&self) -> u64 {
        self.sent_in_all.load(Ordering::Relaxed).min(MAX_UNREAD) / UNREAD_PER_MILLISECOND
    }

    /// Whether the client is too slow or was idle for too long.
    pub(super) fn is_overdue(&self, bounds: &ConnectionLimits) -> bool {
        let now = self.now();
        if self.sent.is_too_slow(now, bounds, self.unread_credit()) {
            return true;
        }
        let limit = match self.stage() {
            Stage::Busy => return false,
            Stage::Body => return self.received.is_too_slow(now, bounds, 0),
            Stage::New | Stage::Head => bounds.header_timeout,
            Stage::Idle => bounds.keep_alive,
            Stage::Closing => CLOSE_TIMEOUT,
        };
        now.saturating_sub(self.since.load(Ordering::Relaxed)) > milliseconds(limit)
    }

    /// Asks the connection's task to end it.
    pub(super) fn end(&self) {
        self.end.notify_one();
    }

    /// Waits until the connection is to be ended.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The body of a request, which notes its progress in the state.
pub(super) struct ReceivedBody {
    body: Incoming,
    state: Arc<ConnectionState>,
}

impl ReceivedBody {
    pub(super) fn new(body: Incoming, state: Arc<ConnectionState>) -> Self {
        Self { body, state }
    }
}

impl HttpBody for ReceivedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => self.state.body_awaited(),
            Poll::Ready(Some(Ok(frame))) => self.state.body_moved(frame.data_ref().map_or(0, Bytes::len)),
            Poll::Ready(_) => self.state.body_moved(0),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            self.state.unread.store(true, Ordering::Relaxed);
            let left = self.body.size_hint().exact().unwrap_or_default();
            self.state.unread_bytes.store(left, Ordering::Relaxed);
        }
        self.state.body_moved(0);
    }
}

/// The body of an answer, which notes its end in the state.
pub(super) struct SentBody {
    body: Body,
    state: Arc<ConnectionState>,
}

impl SentBody {
    pub(super) fn new(body: Body, state: Arc<ConnectionState>) -> Self {
        Self { body, state }
    }
}

impl HttpBody for SentBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for SentBody {
    fn drop(&mut self) {
        self.state.answered();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> ConnectionLimits {
        ConnectionLimits {
            body_timeout: Duration::from_secs(10),
            min_rate: 500,
            ..crate::platform::config::Config::default().connections
        }
    }

    #[test]
    fn a_flow_is_too_slow_when_it_stalls_or_trickles() {
        let flow = Transfer::default();
        assert!(!flow.is_too_slow(1_000_000, &bounds(), 0), "nobody waits");
        flow.wait(1000);
        assert!(!flow.is_too_slow(11_000, &bounds(), 0));
        assert!(flow.is_too_slow(11_001, &bounds(), 0), "it stalls");
        // A byte a second.
        for second in 2..=9 {
            flow.moved(1, || second * 1000);
            flow.wait(second * 1000);
        }
        assert!(!flow.is_too_slow(10_900, &bounds(), 0));
        flow.moved(1, || 10_900);
        flow.wait(10_900);
        assert!(flow.is_too_slow(11_100, &bounds(), 0), "it trickles");
        // As much as it may be slow.
        flow.moved(6000, || 11_100);
        flow.wait(11_100);
        assert!(!flow.is_too_slow(12_000, &bounds(), 0));
    }

    #[test]
    fn time_in_which_the_server_works_does_not_count() {
        let flow = Transfer::default();
        flow.wait(1);
        flow.moved(10, || 1000);
        assert!(!flow.is_too_slow(1_000_000, &bounds(), 0));
        flow.wait(1_000_000);
        assert!(!flow.is_too_slow(1_005_000, &bounds(), 0));
    }
}
