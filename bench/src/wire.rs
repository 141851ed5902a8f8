//! HTTP requests on a socket of their own, and their answers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A request that closes its connection.
#[derive(Clone)]
pub struct Request {
    line: String,
    headers: String,
    body: Arc<Vec<u8>>,
}

/// An answer.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body, or null where it is no JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn read(text: &[u8]) -> Self {
        let head = text.windows(4).position(|letters| letters == b"\r\n\r\n").unwrap_or(text.len());
        let line = String::from_utf8_lossy(&text[..head]);
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, body: text.get(head + 4..).unwrap_or_default().to_vec() }
    }
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, target: &str) -> Self {
        let line = format!("{method} {target} HTTP/1.1\r\n");
        Self { line, headers: String::new(), body: Arc::default() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With the key of the caller.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    /// With a body of a media type.
    #[must_use]
    pub fn body(mut self, kind: &str, body: Arc<Vec<u8>>) -> Self {
        self.body = body;
        let length = self.body.len().to_string();
        self.header("Content-Type", kind).header("Content-Length", &length)
    }

    /// How many bytes are sent, roughly: the host is not counted.
    pub fn bytes(&self) -> usize {
        self.line.len() + self.headers.len() + self.body.len()
    }

    /// What is sent before the body.
    pub fn head(&self, address: &str) -> String {
        format!("{}Host: {address}\r\nConnection: close\r\n{}\r\n", self.line, self.headers)
    }

    /// Sends it and reads the answer. A server may refuse before it has read everything.
    ///
    /// # Errors
    /// When there is no answer in this time.
    pub fn send(&self, address: &str, patience: Duration) -> io::Result<Answer> {
        let mut stream = connect(address, patience)?;
        stream.write_all(self.head(address).as_bytes())?;
        let mut writer = stream.try_clone()?;
        thread::scope(|scope| {
            // A refused request is not read to its end, so writing may fail and reading may end in a reset.
            if !self.body.is_empty() {
                scope.spawn(move || writer.write_all(&self.body));
            }
            answer(&mut stream)
        })
    }
}

/// A connection whose reads and writes don't wait longer than this.
///
/// # Errors
/// When it is not accepted.
pub fn connect(address: &str, patience: Duration) -> io::Result<TcpStream> {
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

/// Reads an answer up to the end of its connection.
///
/// # Errors
/// When nothing came before it ended.
pub fn answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Err(error) if text.is_empty() => return Err(error),
        _ if text.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
        _ => {}
    }
    // Unsent bytes are not needed any more.
    let _ = stream.shutdown(std::net::Shutdown::Both);
    Ok(Answer::read(&text))
}
