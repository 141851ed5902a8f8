//! Connections to the shop's own server. An open one belongs to the request that uses it, and is driven by
//! that request: a task of its own would cost a change of tasks, often of threads, for each piece. Between
//! two requests it is kept for a while.

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

use super::bell::Bell;
use super::body::Sent;
use super::connector::{Connector, Wire};
use super::trouble::Trouble;

/// Connections that are kept open while nothing is passed on, and how long.
const KEPT: usize = 64;
const KEPT_FOR: Duration = Duration::from_secs(30);
/// How often a connection is polled in a row where it wakes itself. Then other tasks have their turn.
const TURNS: usize = 4;

/// The connections to one server.
pub(super) struct Connections {
    connector: Connector,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Those kept, the longest unused first.
    connections: Vec<(Instant, Connection)>,
    /// Whether a task closes those that are kept for too long.
    is_watched: bool,
}

/// An open connection.
struct Connection {
    sender: http1::SendRequest<Sent>,
    /// Moves the bytes; none once the connection is closed.
    driver: Option<http1::Connection<Wire, Sent>>,
    /// What both halves wake, instead of the task that polls them.
    bell: Bell,
}

/// Why a request got no answer, and the request where no byte of it was sent.
type Failed = (hyper::Error, Option<Request<Sent>>);

/// Why there is no answer.
pub(super) struct NoAnswer {
    pub(super) trouble: Trouble,
    /// Whether a connection that was kept has ended: another one may have an answer.
    pub(super) was_stale: bool,
}

impl From<Trouble> for NoAnswer {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, was_stale: false }
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

    /// Sends a request, whose address is a path, and waits for the head of its answer. `anew` opens a
    /// connection for it, whether one is kept or not.
    ///
    /// # Errors
    /// Where no connection can be opened, and where it breaks.
    pub(super) async fn ask(
        self: &Arc<Self>,
        mut request: Request<Sent>,
        anew: bool,
    ) -> Result<Response<Answer>, NoAnswer> {
        if !anew && let Some(connection) = self.take() {
            match self.exchange(connection, request).await {
                Ok(answer) => return Ok(answer),
                // The server had closed it.
                Err((_, Some(unsent))) => request = unsent,
                Err((error, None)) => {
                    let was_stale = !error.is_parse() && !error.is_user();
                    return Err(NoAnswer { trouble: trouble(&error), was_stale });
                }
            }
        }
        let connection = self.open().await?;
        self.exchange(connection, request).await.map_err(|(error, _)| trouble(&error).into())
    }

    async fn exchange(
        self: &Arc<Self>,
        mut connection: Connection,
        request: Request<Sent>,
    ) -> Result<Response<Answer>, Failed> {
        let answer = connection.exchange(request).await?;
        let mut answer = answer.map(|body| Answer::new(body, connection, self));
        // Nobody reads a body that has ended already.
        if answer.body().body.is_end_stream() {
            answer.body_mut().end();
        }
        Ok(answer)
    }

    async fn open(&self) -> Result<Connection, Trouble> {
        let wire = self.connector.connect().await.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Trouble::Slow,
            _ => Trouble::Away(error.to_string()),
        })?;
        let opened = http1::handshake(wire).await;
        let (sender, driver) = opened.map_err(|error| Trouble::Broken(error.to_string()))?;
        Ok(Connection { sender, driver: Some(driver), bell: Bell::default() })
    }

    /// The kept connection that was used last and is still open.
    fn take(&self) -> Option<Connection> {
        loop {
            let (_, mut connection) = self.idle().connections.pop()?;
            if connection.is_idle() {
                return Some(connection);
            }
        }
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        if idle.connections.len() == KEPT {
            return;
        }
        idle.connections.push((Instant::now(), connection));
        if !mem::replace(&mut idle.is_watched, true) {
            tokio::spawn(close_unused(Arc::downgrade(self)));
        }
    }

    /// Closes those that were not used for long; whether some are left.
    fn close_unused(&self) -> bool {
        let mut idle = self.idle();
        idle.connections.retain(|(since, _)| since.elapsed() < KEPT_FOR);
        idle.is_watched = !idle.connections.is_empty();
        idle.is_watched
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What it means that there was no answer.
fn trouble(error: &hyper::Error) -> Trouble {
    let cause = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    // What is asked of hyper can always be asked: only the request's body fails.
    if error.is_user() { Trouble::Unsent(cause) } else { Trouble::Broken(cause) }
}

/// Closes connections that are not used, as long as there are any.
async fn close_unused(connections: Weak<Connections>) {
    loop {
        tokio::time::sleep(KEPT_FOR / 2).await;
        if !connections.upgrade().is_some_and(|connections| connections.close_unused()) {
            return;
        }
    }
}

impl Connection {
    /// Sends a request; the head of its answer.
    async fn exchange(&mut self, request: Request<Sent>) -> Result<Response<Incoming>, Failed> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| self.attend(cx, |cx| answer.as_mut().poll(cx))).await.map_err(|mut failed| {
            let unsent = failed.take_message();
            (failed.into_error(), unsent)
        })
    }

    /// Polls for something that comes by this connection, and moves what can be moved until it is there or has to
    /// be waited for.
    fn attend<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let waker = self.bell.silence();
        let mut inner = Context::from_waker(&waker);
        for _ in 0..TURNS {
            if let ready @ Poll::Ready(_) = poll(&mut inner) {
                return ready;
            }
            self.drive(&mut inner);
            if let ready @ Poll::Ready(_) = poll(&mut inner) {
                return ready;
            }
            if !self.bell.has_rung() {
                break;
            }
        }
        self.bell.ring_for(cx.waker());
        Poll::Pending
    }

    /// Moves what can be moved.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && Pin::new(driver).poll(cx).is_ready()
        {
            // Whoever waits for an answer learns of it.
            self.driver = None;
        }
    }

    /// Moves what can be moved; whether the next request can be sent.
    fn is_idle(&mut self) -> bool {
        let waker = self.bell.silence();
        self.drive(&mut Context::from_waker(&waker));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// The body of an answer, and the connection that it comes by, which is kept at its end.
pub(super) struct Answer {
    body: Incoming,
    connection: Option<Connection>,
    connections: Arc<Connections>,
}

impl Answer {
    fn new(body: Incoming, connection: Connection, connections: &Arc<Connections>) -> Self {
        Self { body, connection: Some(connection), connections: Arc::clone(connections) }
    }

    fn end(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.is_idle()
        {
            self.connections.keep(connection);
        }
    }
}

impl hyper::body::Body for Answer {
    type Data = bytes::Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<bytes::Bytes>>>> {
        let Self { body, connection, .. } = &mut *self;
        let polled = match connection {
            Some(connection) => connection.attend(cx, |cx| Pin::new(&mut *body).poll_frame(cx)),
            None => Pin::new(body).poll_frame(cx),
        };
        // A body of known length is not asked for its end.
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
