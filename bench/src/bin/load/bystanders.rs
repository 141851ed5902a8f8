//! Connections beside the load: some send nothing, others send a head byte by byte.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

/// Connections on which nothing is sent.
pub const IDLE: usize = 1000;
/// Connections on which a byte is sent each second.
pub const SLOW: usize = 100;
/// Pause before a closed connection is opened again.
const PAUSE: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);

/// Opens all of them, and each one again when the server closes it, as long as the set is polled.
pub fn gather(address: SocketAddr, reopened: &Rc<Cell<usize>>) -> LocalSet {
    let set = LocalSet::new();
    for number in 0..IDLE + SLOW {
        let reopened = Rc::clone(reopened);
        set.spawn_local(async move {
            loop {
                let _ = if number < IDLE { idle(address).await } else { slow(address).await };
                reopened.set(reopened.get() + 1);
                sleep(PAUSE).await;
            }
        });
    }
    set
}

/// Sends nothing until it is closed.
async fn idle(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    while stream.read(&mut [0; 256]).await? > 0 {}
    Ok(())
}

/// Sends a byte of a head each second until it is closed.
async fn slow(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: slow\r\nX-Slow: ").await?;
    loop {
        match timeout(SECOND, stream.read(&mut [0; 256])).await {
            Ok(read) => {
                if read? == 0 {
                    return Ok(());
                }
            }
            Err(_) => stream.write_all(b"a").await?,
        }
    }
}
