//! The load: blocking connections that are kept alive; each sends one request after the other.

use std::borrow::Cow;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A request to a server.
pub struct RequestSource {
    port: u16,
    text: RequestText,
}

enum RequestText {
    Same(String),
    Each(Box<dyn Fn() -> String + Sync>),
}

impl RequestSource {
    /// The same text each time.
    pub fn same(port: u16, text: String) -> Self {
        Self { port, text: RequestText::Same(text) }
    }

    /// Another text each time.
    pub fn each(port: u16, text: impl Fn() -> String + Sync + 'static) -> Self {
        Self { port, text: RequestText::Each(Box::new(text)) }
    }

    fn text(&self) -> Cow<'_, str> {
        match &self.text {
            RequestText::Same(text) => text.into(),
            RequestText::Each(text) => text().into(),
        }
    }
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// What was sent before the body.
    pub head: String,
}

impl Answer {
    /// Names of its headers, in lower case and in order.
    pub fn header_names(&self) -> Vec<String> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut names: Vec<String> = lines.map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names
    }
}

/// The result of many requests.
pub struct LoadOutcome {
    /// How long all of them took.
    pub time: Duration,
    /// The time of each request, in ascending order.
    pub latencies: Vec<Duration>,
}

impl LoadOutcome {
    /// The time within which this percentage of the requests were answered.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last.min(self.latencies.len() * percent / 100)).copied().unwrap_or_default()
    }
}

/// Sends one request.
pub fn once(ask: &RequestSource) -> Answer {
    try_once(ask).expect("an answer")
}

/// Sends one request to a server that may not listen yet.
pub fn try_once(ask: &RequestSource) -> io::Result<Answer> {
    Connection::open(ask)?.ask(ask)
}

/// Sends `requests` requests over `connections` connections. A refusal stops the run.
pub fn run(ask: &RequestSource, connections: usize, requests: usize) -> LoadOutcome {
    let left = AtomicUsize::new(requests);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let client = || {
        let mut connection = Connection::open(ask).expect("a connection");
        let mut latencies = Vec::new();
        while take() {
            let begun = Instant::now();
            let answer = connection.ask(ask).expect("an answer");
            latencies.push(begun.elapsed());
            let is_good = matches!(answer.status, 200 | 201);
            assert!(is_good, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        latencies
    };
    let begun = Instant::now();
    let mut latencies: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("answers")).collect()
    });
    let time = begun.elapsed();
    latencies.sort_unstable();
    LoadOutcome { time, latencies }
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(ask: &RequestSource) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", ask.port))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::with_capacity(1 << 16, stream)))
    }

    fn ask(&mut self, ask: &RequestSource) -> io::Result<Answer> {
        self.0.get_mut().write_all(ask.text().as_bytes())?;
        let head = self.head()?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let length = value(&head, "content-length").and_then(|length| length.parse().ok());
        let body = match length {
            Some(length) => self.exactly(length)?,
            None => self.chunks()?,
        };
        Ok(Answer { status, body, head })
    }

    fn head(&mut self) -> io::Result<String> {
        let mut head = String::with_capacity(1 << 10);
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head)
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
            body.extend(self.exactly(length)?);
            // Each chunk ends with a line's end.
            self.exactly(2)?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}

/// The value of a header.
fn value<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}
