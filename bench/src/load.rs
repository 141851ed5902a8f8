//! The load: blocking connections that are kept alive, each asking one request after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::child::Child;

/// A request as it is sent.
pub struct Ask {
    port: u16,
    text: String,
}

impl Ask {
    pub fn get(child: &Child, path: &str) -> Self {
        let (port, key) = (child.port, &child.key);
        let text = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        Self { port, text }
    }

    pub fn graphql(child: &Child, query: &str) -> Self {
        let (port, key) = (child.port, &child.key);
        let body = serde_json::json!({ "query": query }).to_string();
        let text = format!(
            "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nAuthorization: Bearer {key}\r\n\r\n{body}",
            body.len()
        );
        Self { port, text }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Asks once.
pub fn once(ask: &Ask) -> Answer {
    try_once(ask).expect("an answer")
}

/// Asks once a server that may not listen yet.
pub fn try_once(ask: &Ask) -> std::io::Result<Answer> {
    Connection::open(ask)?.ask(ask)
}

/// Asks so many times over so many connections. A refusal stops the run.
pub fn run(ask: &Ask, connections: usize, requests: usize) {
    let left = AtomicUsize::new(requests);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut connection = Connection::open(ask).expect("a connection");
                while take() {
                    let answer = connection.ask(ask).expect("an answer");
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                }
            });
        }
    });
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(ask: &Ask) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", ask.port))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::with_capacity(1 << 16, stream)))
    }

    fn ask(&mut self, ask: &Ask) -> std::io::Result<Answer> {
        self.0.get_mut().write_all(ask.text.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }
}
