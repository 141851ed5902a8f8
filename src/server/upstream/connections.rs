//! Connections to the upstream server. The request that uses a connection also polls its I/O: a separate task would
//! cost a switch of tasks, often of threads, for each chunk. Between two requests a connection is kept for a while.

use std::error::Error as _;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, mem};

use axum::http::{Request, Response};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use tokio::time::Instant;

use super::body::RequestBody;
use super::error::UpstreamError;
use super::waker::ConnectionWaker;
use crate::server::connector::{Connector, Transport};

/// Maximum number of idle connections, and how long they are kept.
const MAX_IDLE: usize = 64;
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

/// The connections to the upstream server.
pub(super) struct Connections {
    connector: Connector,
    idle: Mutex<IdleConnections>,
}

#[derive(Default)]
struct IdleConnections {
    /// Idle connections with the time of their last use, the oldest first.
    connections: Vec<(Instant, Connection)>,
    /// Whether a task runs that closes old ones.
    is_watched: bool,
}

/// An open connection.
struct Connection {
    sender: http1::SendRequest<RequestBody>,
    /// Does the I/O; `None` once the connection is closed.
    driver: Option<http1::Connection<Transport, RequestBody>>,
    /// The waker of both halves.
    waker: ConnectionWaker,
}

/// Why a request was not answered; with the request, if no byte of it was sent.
type SendError = (hyper::Error, Option<Request<RequestBody>>);

/// Why a request was not answered.
pub(super) struct RequestFailure {
    pub(super) error: UpstreamError,
    /// Whether it was sent on a kept connection that has ended, so that another connection may succeed.
    pub(super) was_stale: bool,
}

impl From<UpstreamError> for RequestFailure {
    fn from(error: UpstreamError) -> Self {
        Self { error, was_stale: false }
    }
}

impl Connections {
    pub(super) fn new(connector: Connector) -> Arc<Self> {
        Arc::new(Self { connector, idle: Mutex::default() })
    }

    /// Opens a connection and closes it again.
    pub(super) async fn try_to_connect(&self) -> io::Result<()> {
        self.connector.connect().await.map(drop)
    }

    /// Sends a request, whose URL is only a path, and waits for the head of its answer. With `new_connection`, it
    /// uses no kept connection.
    ///
    /// # Errors
    /// When no connection can be opened, and when it breaks.
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Request<RequestBody>,
        new_connection: bool,
    ) -> Result<Response<ConnectionBody>, RequestFailure> {
        if !new_connection && let Some(connection) = self.take() {
            match self.exchange(connection, request).await {
                Ok(answer) => return Ok(answer),
                // The server had closed it.
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => {
                    let was_stale = !error.is_parse() && !error.is_user();
                    return Err(RequestFailure { error: error_of(&error), was_stale });
                }
            }
        }
        let connection = self.open().await?;
        self.exchange(connection, request).await.map_err(|(error, _)| error_of(&error).into())
    }

    async fn exchange(
        self: &Arc<Self>,
        mut connection: Connection,
        request: Request<RequestBody>,
    ) -> Result<Response<ConnectionBody>, SendError> {
        let answer = connection.exchange(request).await?;
        let mut answer = answer.map(|body| ConnectionBody::new(body, connection, self));
        // A body that is empty is not read, so its connection is put back now.
        if answer.body().body.is_end_stream() {
            answer.body_mut().end();
        }
        Ok(answer)
    }

    async fn open(&self) -> Result<Connection, UpstreamError> {
        let transport = self.connector.connect().await.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => UpstreamError::ConnectTimeout,
            _ => UpstreamError::Unreachable(error.to_string()),
        })?;
        let opened = http1::handshake(transport).await;
        let (sender, driver) = opened.map_err(|error| UpstreamError::Broken(error.to_string()))?;
        Ok(Connection { sender, driver: Some(driver), waker: ConnectionWaker::default() })
    }

    /// The most recently used idle connection that is still open.
    fn take(&self) -> Option<Connection> {
        loop {
            let (_, mut connection) = self.idle().connections.pop()?;
            if connection.is_idle() {
                return Some(connection);
            }
        }
    }

    fn put_back(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        if idle.connections.len() == MAX_IDLE {
            return;
        }
        idle.connections.push((Instant::now(), connection));
        if !mem::replace(&mut idle.is_watched, true) {
            tokio::spawn(close_unused(Arc::downgrade(self)));
        }
    }

    /// Closes idle connections that were not used for long; returns whether some are left.
    fn close_unused(&self) -> bool {
        let mut idle = self.idle();
        idle.connections.retain(|(since, _)| since.elapsed() < MAX_IDLE_TIME);
        idle.is_watched = !idle.connections.is_empty();
        idle.is_watched
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Classifies an error of hyper.
fn error_of(error: &hyper::Error) -> UpstreamError {
    let cause = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    // hyper reports an error of the request's body as an error of its user; nothing else is used wrongly here.
    if error.is_user() { UpstreamError::RequestBroken(cause) } else { UpstreamError::Broken(cause) }
}

/// Closes unused connections periodically, as long as there are idle ones.
async fn close_unused(connections: Weak<Connections>) {
    loop {
        tokio::time::sleep(MAX_IDLE_TIME / 2).await;
        if !connections.upgrade().is_some_and(|connections| connections.close_unused()) {
            return;
        }
    }
}

impl Connection {
    /// Sends a request; returns the head of its answer.
    async fn exchange(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, SendError> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| self.poll_with_io(cx, |cx| answer.as_mut().poll(cx))).await.map_err(|mut failed| {
            let unsent = failed.take_message();
            (failed.into_error(), unsent)
        })
    }

    /// Polls for a result that depends on this connection's I/O, and polls the I/O, until the result is ready or
    /// nothing more can be done now.
    fn poll_with_io<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Self { driver, waker, .. } = self;
        waker.poll(cx, |inner| {
            if let ready @ Poll::Ready(_) = poll(inner) {
                return ready;
            }
            poll_io(driver, inner);
            poll(inner)
        })
    }

    /// Polls the I/O; returns whether the next request can be sent.
    fn is_idle(&mut self) -> bool {
        let waker = self.waker.polling_waker();
        poll_io(&mut self.driver, &mut Context::from_waker(&waker));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// Polls the I/O of a connection.
fn poll_io(driver: &mut Option<http1::Connection<Transport, RequestBody>>, cx: &mut Context<'_>) {
    if let Some(open) = driver
        && Pin::new(open).poll(cx).is_ready()
    {
        // hyper reports the end to the future of the answer.
        *driver = None;
    }
}

/// The body of an answer, and its connection, which is put back at the end of the body.
pub(super) struct ConnectionBody {
    body: Incoming,
    connection: Option<Connection>,
    connections: Arc<Connections>,
}

impl ConnectionBody {
    fn new(body: Incoming, connection: Connection, connections: &Arc<Connections>) -> Self {
        Self { body, connection: Some(connection), connections: Arc::clone(connections) }
    }

    fn end(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.is_idle()
        {
            self.connections.put_back(connection);
        }
    }
}

impl hyper::body::Body for ConnectionBody {
    type Data = bytes::Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<bytes::Bytes>>>> {
        let Self { body, connection, .. } = &mut *self;
        let polled = match connection {
            Some(connection) => connection.poll_with_io(cx, |cx| Pin::new(&mut *body).poll_frame(cx)),
            None => Pin::new(body).poll_frame(cx),
        };
        // The end of a body of known length is not polled.
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.end();
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
