//! `guichet health`: asks the running server whether it lives, for the health checks of containers.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use clap::Args;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Environment, Failure, say};

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of the answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

#[derive(Args)]
pub(super) struct Arguments {
    /// Address of the server, in place of GUICHET_LISTEN
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    /// Ask whether the database is there too (/readyz), not only whether the process lives (/healthz)
    #[arg(long)]
    ready: bool,
}

pub(super) async fn run(environment: &Environment, arguments: &Arguments) -> Result<(), Failure> {
    let listen = match arguments.address {
        Some(address) => address,
        None => environment.config()?.listen,
    };
    let address = SocketAddr::new(reachable(listen.ip()), listen.port());
    let path = if arguments.ready { "/readyz" } else { "/healthz" };
    let answer = timeout(TIMEOUT, ask(address, path)).await;
    let answer = answer.map_err(|_| Failure::new(format!("{address} does not answer in time")))?;
    let (status, body) =
        answer.map_err(|error| Failure::new(format!("{address} does not answer: {error}")))?;
    if !status.is_success() {
        return Err(Failure::new(format!("{address} answers {status}: {body}")));
    }
    say(&body);
    Ok(())
}

async fn ask(address: SocketAddr, path: &str) -> Result<(StatusCode, String), Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender.
    tokio::spawn(connection);
    let request = Request::get(path).header(header::HOST, address.to_string()).body(Body::empty())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = to_bytes(Body::new(body), MAX_ANSWER).await?;
    Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
}

/// The address at which a server is reached that listens on all of them.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}
