//! The server's connections: accepted within bounds, watched while they are open, and ended where their
//! client is too slow. What is asked over them is answered by a site.

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

/// Largest head of a request: its line and its headers.
const MAX_HEAD: usize = 32 * 1024;
/// Bytes of a connection that wait to be read or written, at most.
const MAX_BUFFER: usize = 64 * 1024;
/// Bytes of a connection that the system receives before they are read. Without a bound it takes megabytes of a
/// body that is refused.
const RECEIVE_BUFFER: usize = 128 * 1024;
/// Bytes of answers that the system holds before it has sent some. With megabytes of them, a client that reads
/// slowly but steadily would look like one that reads nothing.
#[cfg(target_os = "linux")]
const NOT_SENT_LOW_WATER: u32 = 32 * 1024;
/// How long accepting rests when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What a client is told that finds no room. Its request is not read.
const OVERLOAD_ANSWER: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What connections are accepted by.
#[derive(Clone)]
pub struct Server {
    site: Site,
    connections: Arc<Connections>,
}

impl Server {
    /// A server that answers by a site. Proxies may open any number of connections.
    pub fn new(site: Site, bounds: ConnectionLimits, proxies: &[IpNet]) -> Self {
        let connections = Arc::new(Connections::new(bounds, proxies.to_vec()));
        Self { site, connections }
    }

    /// Answers whoever connects, until `stop` is ready. Then requests under way are answered, and this ends.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        // Connections inherit it. Where the system refuses, its own bound holds.
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
                // Tasks that have ended are forgotten.
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
        // Nobody listens only where no connection is open.
        let _ = stopping.send(true);
        while tasks.join_next().await.is_some() {}
        sweeping.abort();
    }

    /// Finds room for a connection, or tells its client that there is none.
    fn admit(&self, stream: &TcpStream, peer: SocketAddr) -> Option<OpenConnection> {
        let open = self.connections.open(peer.ip().to_canonical());
        if open.is_none() {
            // A client that cannot even take this is not waited for.
            let _ = stream.try_write(OVERLOAD_ANSWER);
        }
        open
    }

    /// Waits a moment where no connection can be accepted, and makes room where files have run out.
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

    /// Answers the requests of one connection, to its gentle end.
    async fn answer(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        open: OpenConnection,
        mut stopped: channel::Receiver<bool>,
    ) {
        let state = open.state();
        // A client that sends nothing costs no buffers.
        let mut first = [0];
        tokio::select! {
            () = state.ended() => return,
            _ = async { stopped.wait_for(|stopped| *stopped).await.map(drop) } => return,
            // That it is readable may be told too early.
            begun = stream.peek(&mut first) => if begun.is_err() { return },
        }
        // Its buffers and state are made now, and gone when it ends.
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
        // Answers are written whole: nothing is gained by waiting for more.
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
        // Whoever is too slow is found by the sweep, for all connections at once.
        builder.header_read_timeout(None).max_header_size(MAX_HEAD).max_buf_size(MAX_BUFFER);
        let io = TokioIo::new(Stream::new(stream, Arc::clone(state)));
        let mut connection = pin!(builder.serve_connection(io, service));
        let mut ended = pin!(state.ended());
        // A server that is gone has stopped.
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
