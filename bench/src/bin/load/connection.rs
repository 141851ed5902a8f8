//! A connection that sends one request after the other.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Buffer size for the head of an answer.
const HEAD_BYTES: usize = 16 << 10;

/// An open connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The head of an answer.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Whether it has `Retry-After`.
    pub retry_after: bool,
    /// Whether the connection ends with it.
    pub closes: bool,
}

impl Connection {
    /// Opens a connection.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = timeout(TIMEOUT, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; HEAD_BYTES] })
    }

    /// Sends a request and reads its answer to the end.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        timeout(TIMEOUT, self.exchange(request)).await?
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        let (mut filled, mut searched) = (0, 0);
        let end = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if let Some(at) = self.buffer[searched..filled].windows(4).position(|four| four == b"\r\n\r\n") {
                break searched + at + 4;
            }
            searched = filled.saturating_sub(3);
        };
        let (answer, length) = read_head(&self.buffer[..end])?;
        let mut left = length.saturating_sub(filled - end);
        while left > 0 {
            let room = left.min(HEAD_BYTES);
            match self.stream.read(&mut self.buffer[..room]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => left -= read,
            }
        }
        Ok(answer)
    }
}

/// Parses a head; returns it with the length of the body.
fn read_head(head: &[u8]) -> io::Result<(Answer, usize)> {
    let text = std::str::from_utf8(head).map_err(io::Error::other)?;
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status in {line:?}")))?;
    let (mut answer, mut length) = (Answer { status, retry_after: false, closes: false }, 0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if is("retry-after") {
            answer.retry_after = true;
        } else if is("connection") {
            answer.closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    Ok((answer, length))
}
