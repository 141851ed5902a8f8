//! The server's connections: they are accepted within limits, observed while they are open, and ended if their
//! client is too slow. Requests on them are answered by a [`Site`].

mod connections;
mod state;
mod stream;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch as channel;
use tokio::task::JoinSet;

use self::connections::{Connections, OpenConnection};
use self::state::{ConnectionState, ReceivedBody, SentBody};
use self::stream::Stream;
use crate::platform::config::ConnectionLimits;
use crate::server::http::Site;

/// Maximum size of the head of a request (request line and headers), in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// Maximum size of hyper's buffer of a connection, in bytes.
const MAX_BUFFER: usize = 64 * 1024;
/// Size of the system's receive buffer of a connection, in bytes. Without a limit the system takes megabytes of a
/// body that is refused.
const RECEIVE_BUFFER: usize = 128 * 1024;
/// Unsent bytes of answers that the system accepts (`TCP_NOTSENT_LOWAT`). With megabytes of them, a client that
/// reads slowly but steadily would look like one that reads nothing.
#[cfg(target_os = "linux")]
const NOT_SENT_LOW_WATER: u32 = 32 * 1024;
/// How long accepting pauses when the system cannot open another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The answer to a connection beyond the limits. Its request is not read.
const OVERLOAD_ANSWER: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Accepts and serves connections.
#[derive(Clone)]
pub struct Server {
    site: Site,
    connections: Arc<Connections>,
}

impl Server {
    /// A server of this site. Connections of the proxies are not limited by address.
    pub fn new(site: Site, bounds: ConnectionLimits, proxies: &[IpNet]) -> Self {
        let connections = Arc::new(Connections::new(bounds, proxies.to_vec()));
        Self { site, connections }
    }

    /// Serves connections until `stop` completes. Then it answers the requests that have begun, and returns.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        // Accepted connections inherit these options. If the system refuses them, its defaults apply.
        let socket = SockRef::from(&listener);
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        #[cfg(target_os = "linux")]
        let _ = socket.set_tcp_notsent_lowat(NOT_SENT_LOW_WATER);
        let (stopping, stopped) = channel::channel(false);
        let mut tasks = JoinSet::new();
        let sweeping = tokio::spawn(Arc::clone(&self.connections).sweep(stopped.clone()));
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                // Removes tasks that have ended.
                Some(_) = tasks.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        if let Some(open) = self.admit(&stream, peer) {
                            tasks.spawn(self.clone().answer(stream, peer, open, stopped.clone()));
                        }
                    }
                    Err(error) => self.pause_accepting(&error).await,
                }
            }
        }
        drop(listener);
        // Sending fails only if no connection is open.
        let _ = stopping.send(true);
        while tasks.join_next().await.is_some() {}
        sweeping.abort();
    }

    /// Counts a connection, or answers 503 if there are too many.
    fn admit(&self, stream: &TcpStream, peer: SocketAddr) -> Option<OpenConnection> {
        let open = self.connections.open(peer.ip().to_canonical());
        if open.is_none() {
            // The server does not wait for a client that cannot even receive this.
            let _ = stream.try_write(OVERLOAD_ANSWER);
        }
        open
    }

    /// After a failed `accept`: if the system is out of resources, ends the connection that is idle the longest,
    /// and waits a moment.
    async fn pause_accepting(&self, error: &io::Error) {
        let gone = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
        );
        if gone {
            return;
        }
        tracing::warn!(%error, "no connection can be accepted");
        self.connections.end_longest_idle();
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }

    /// Serves one connection to its end.
    async fn answer(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        open: OpenConnection,
        mut stopped: channel::Receiver<bool>,
    ) {
        let state = open.state();
        // Buffers are allocated after the first byte, so that a client that sends nothing costs none.
        let mut first = [0];
        tokio::select! {
            () = state.ended() => return,
            _ = async { stopped.wait_for(|stopped| *stopped).await.map(drop) } => return,
            // `peek`, because readiness alone can be wrong.
            begun = stream.peek(&mut first) => if begun.is_err() { return },
        }
        // Boxed, so that buffers and state are allocated now and freed when it ends.
        Box::pin(self.answer_requests(stream, peer, state, stopped)).await;
        if let Some(left) = state.take_handed_over() {
            tokio::select! {
                () = state.ended() => {}
                () = stream::linger(left, state.unread_bytes()) => {}
            }
        }
    }

    async fn answer_requests(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        state: &Arc<ConnectionState>,
        mut stopped: channel::Receiver<bool>,
    ) {
        // Answers are written as a whole, so delaying small packets has no advantage.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request: hyper::Request<Incoming>| {
            state.head_received();
            let received = Arc::clone(state);
            let mut request: Request = request.map(|body| Body::new(ReceivedBody::new(body, received)));
            request.extensions_mut().insert(ConnectInfo(peer));
            let sent = Arc::clone(state);
            async move {
                let answer = self.site.answer(request).await;
                Ok::<_, Infallible>(answer.map(|body| SentBody::new(body, sent)))
            }
        });
        let mut builder = http1::Builder::new();
        // The sweep checks all connections for slow clients, so hyper needs no timer.
        builder.header_read_timeout(None).max_header_size(MAX_HEAD).max_buf_size(MAX_BUFFER);
        let io = TokioIo::new(Stream::new(stream, Arc::clone(state)));
        let mut connection = pin!(builder.serve_connection(io, service));
        let mut ended = pin!(state.ended());
        // If the channel is closed, the server has stopped.
        let stopping = pin!(async { stopped.wait_for(|stopped| *stopped).await.map(drop) });
        let served: Result<(), hyper::Error> = tokio::select! {
            biased;
            () = &mut ended => return,
            served = connection.as_mut() => served,
            _ = stopping => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    () = &mut ended => return,
                    served = connection => served,
                }
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpSocket;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;
    use crate::platform::config::Config;

    /// A server whose first answer never ends. The channel is closed when the body of that answer is dropped.
    async fn endless(limits: ConnectionLimits) -> (SocketAddr, oneshot::Receiver<()>) {
        let (held, released) = oneshot::channel::<()>();
        let held = Arc::new(Mutex::new(Some(held)));
        let route = get(async move || {
            let held = held.lock().unwrap().take();
            Body::from_stream(stream::repeat_with(move || {
                let _held = &held;
                Ok::<_, io::Error>(Bytes::from_static(&[b'x'; MAX_BUFFER]))
            }))
        });
        let server = Server::new(Site::of_router(Router::new().route("/", route)), limits, &[]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server.serve(listener, std::future::pending()));
        // Connections inherit the options of the listener only once the server has started.
        tokio::task::yield_now().await;
        (address, released)
    }

    /// A body may hold an open file.
    #[tokio::test]
    async fn the_body_of_a_client_that_stops_reading_is_dropped() {
        let (body_timeout, min_rate) = (Duration::from_millis(300), 10_000);
        let limits = ConnectionLimits { body_timeout, min_rate, ..Config::default().connections };
        let (address, released) = endless(limits).await;
        let socket = TcpSocket::new_v4().unwrap();
        // With a small buffer, the server cannot write any more at once.
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let mut client = socket.connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
        let mut first = [0; 1000];
        client.read_exact(&mut first).await.unwrap();
        assert!(first.starts_with(b"HTTP/1.1 200 OK\r\n"));
        let ended = timeout(Duration::from_secs(20), released).await;
        assert!(ended.expect("the connection is ended").is_err());
    }
}
