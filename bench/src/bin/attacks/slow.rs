//! Clients that keep a connection open and do as little as possible.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use bench::demo::{Server, ServerOptions};
use bench::wire::{self, Request};
use serde_json::json;

use crate::report::Report;
use crate::sockets;

/// Clients of each kind.
const CLIENTS: usize = 20;
/// Time after which the server must have ended them.
const MAX_END_TIME: Duration = Duration::from_secs(12);
/// Maximum time for an answer to another client meanwhile.
const MAX_OTHER_ANSWER_TIME: Duration = Duration::from_secs(1);
/// How long clients that are not ended in time are observed.
const OBSERVATION_TIME: Duration = Duration::from_secs(15);
/// Time between two checks, and between two writes of clients without pauses.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of each write of clients without pauses.
const FLOOD_BYTES: usize = 16 << 10;
/// Size of an honest client's body, and of its part in each tenth of a second: 16 KB per second.
const HONEST_BODY_BYTES: usize = 128 << 10;
const HONEST_CHUNK_BYTES: usize = 1600;

/// What a client does after its first bytes.
enum NextStep {
    Silence,
    EachSecond(&'static [u8]),
    Always(Vec<u8>),
}

struct SlowClientKind {
    name: &'static str,
    first: String,
    next: NextStep,
}

struct Client {
    kind: usize,
    stream: TcpStream,
    port: u16,
    sent: Instant,
    ended: Option<Duration>,
}

/// Short time limits, so that the measurement is short.
const SETTINGS: [(&str, &str); 5] = [
    ("GUICHET_HEADER_TIMEOUT", "2"),
    ("GUICHET_BODY_TIMEOUT", "2"),
    ("GUICHET_MIN_RATE", "1024"),
    ("GUICHET_KEEP_ALIVE", "2"),
    ("GUICHET_TIMEOUT", "5"),
];

/// The settings with these limits.
fn server() -> io::Result<Server> {
    SETTINGS.iter().fold(ServerOptions::unlimited(), |start, (name, value)| start.set(name, value)).server()
}

/// Runs all kinds of clients at the same time.
pub fn measure(report: &mut Report) -> io::Result<()> {
    let server = server()?;
    let kinds = kinds(server.address(), server.key());
    let begun = Instant::now();
    let mut clients = connect(&server, &kinds)?;
    let (watched, slowest, honest) = thread::scope(|scope| {
        let other = scope.spawn(|| slowest_answer(&server, begun));
        let honest = ["/api/application/customers", "/graphql"].map(|path| {
            let server = &server;
            (path, scope.spawn(move || honest(server, path)))
        });
        let watched = watch(&server, &kinds, &mut clients, begun);
        let honest = honest.map(|(path, client)| (path, client.join().unwrap_or(0)));
        (watched, other.join().unwrap_or(Duration::MAX), honest)
    });
    watched?;
    let mut text = table(&kinds, &mut clients, report);
    let _ = writeln!(
        text,
        "\n{CLIENTS} of each kind at once; meanwhile `/healthz` answers within {} ms ({} at the most).",
        slowest.as_millis(),
        MAX_OTHER_ANSWER_TIME.as_millis()
    );
    if slowest > MAX_OTHER_ANSWER_TIME {
        report
            .fail(format!("slow clients: /healthz took {slowest:.1?}, more than {MAX_OTHER_ANSWER_TIME:?}"));
    }
    for (path, status) in honest {
        let _ = writeln!(text, "128 KiB sent to `{path}` at 16 KB a second are answered with {status}.");
        if !(200..500).contains(&status) || status == 408 {
            report.fail(format!("slow clients: 128 KiB at 16 KB a second to {path} are answered {status}"));
        }
    }
    let settings: Vec<_> = SETTINGS.iter().map(|(name, value)| format!("`{name}={value}`")).collect();
    let _ = writeln!(text, "The server has {}: shorter times than the default ones.", settings.join(", "));
    report.section("Slow clients", &text);
    Ok(())
}

fn kinds(address: &str, key: &str) -> Vec<SlowClientKind> {
    let head = |path: &str, length: &str| {
        let request = Request::new("POST", path).key(key).header("Content-Type", "application/json");
        request
            .header(length.split(':').next().unwrap_or(""), length.split(':').next_back().unwrap_or(""))
            .head(address)
    };
    let long = "Content-Length:100000";
    let (rest, graphql) = (head("/api/application/customers", long), head("/graphql", long));
    let chunked = head("/api/application/customers", "Transfer-Encoding:chunked");
    let (byte, chunk) = (NextStep::EachSecond(b" "), b"1\r\n \r\n");
    let flood = format!("{FLOOD_BYTES:x}\r\n{}\r\n", " ".repeat(FLOOD_BYTES)).into_bytes();
    let alive = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let kind = |name, first: &str, next| SlowClientKind { name, first: first.to_owned(), next };
    let begun = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nX-Slow: ");
    let big = alive("/docs/asset/swagger-ui-bundle.js").repeat(20);
    vec![
        kind("connects, sends nothing", "", NextStep::Silence),
        kind("one byte a second of a head", &begun, NextStep::EachSecond(b"a")),
        kind("half a head, then nothing", &begun, NextStep::Silence),
        kind("one byte a second of a body, REST", &rest, byte),
        kind("one byte a second of a body, GraphQL", &graphql, NextStep::EachSecond(b" ")),
        kind("the head of a body, then nothing, REST", &rest, NextStep::Silence),
        kind("the head of a body, then nothing, GraphQL", &graphql, NextStep::Silence),
        kind("one chunk of one byte a second", &chunked, NextStep::EachSecond(chunk)),
        kind("chunks without an end, 300 KB a second", &chunked, NextStep::Always(flood)),
        kind("asks 20 times for 1.4 MB, never reads", &big, NextStep::Silence),
        kind("asks once, stays", &alive("/healthz"), NextStep::Silence),
    ]
}

fn connect(server: &Server, kinds: &[SlowClientKind]) -> io::Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(kinds.len() * CLIENTS);
    for at in 0..kinds.len() * CLIENTS {
        let kind = at / CLIENTS;
        let mut stream = wire::connect(server.address(), MAX_END_TIME)?;
        stream.write_all(kinds[kind].first.as_bytes())?;
        stream.set_nonblocking(true)?;
        let port = stream.local_addr()?.port();
        clients.push(Client { kind, stream, port, sent: Instant::now(), ended: None });
    }
    Ok(clients)
}

/// Runs the clients until all are ended, or the observation time is over.
fn watch(
    server: &Server,
    kinds: &[SlowClientKind],
    clients: &mut [Client],
    begun: Instant,
) -> io::Result<()> {
    while begun.elapsed() < OBSERVATION_TIME && clients.iter().any(|client| client.ended.is_none()) {
        for client in clients.iter_mut().filter(|client| client.ended.is_none()) {
            go_on(client, &kinds[client.kind].next);
        }
        let held = sockets::held(server.port())?;
        for client in clients.iter_mut().filter(|client| !held.contains(&client.port)) {
            client.ended.get_or_insert(begun.elapsed());
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Sends the due bytes. Errors are ignored: the server has ended the connection.
fn go_on(client: &mut Client, next: &NextStep) {
    match next {
        NextStep::Silence => {}
        NextStep::Always(bytes) => drop(client.stream.write(bytes)),
        NextStep::EachSecond(bytes) => {
            if client.sent.elapsed() >= Duration::from_secs(1) {
                client.sent = Instant::now();
                let _ = client.stream.write(bytes);
            }
        }
    }
}

fn table(kinds: &[SlowClientKind], clients: &mut [Client], report: &mut Report) -> String {
    let mut text =
        "| A client | Is ended after, s | Answered with | At the most, s |\n|---|--:|---|--:|\n".to_owned();
    for (kind, clients) in kinds.iter().zip(clients.chunks_mut(CLIENTS)) {
        let left =
            clients.iter().filter(|client| client.ended.is_none_or(|ended| ended > MAX_END_TIME)).count();
        if left > 0 {
            report.fail(format!(
                "slow clients: {left} of {CLIENTS} are held after {MAX_END_TIME:?}: {}",
                kind.name
            ));
        }
        let ended: Option<Duration> =
            clients.iter().map(|client| client.ended).max().flatten().filter(|_| left == 0);
        let ended = ended.map_or("**not**".to_owned(), |ended| format!("{:.1}", ended.as_secs_f64()));
        let _ = writeln!(
            text,
            "| {} | {ended} | {} | {} |",
            kind.name,
            answered(&mut clients[0]),
            MAX_END_TIME.as_secs()
        );
    }
    text
}

/// The status of the answer to a client, or that there was none.
fn answered(client: &mut Client) -> String {
    let mut line = [0; 12];
    let read = client.stream.read(&mut line).unwrap_or(0);
    let text = String::from_utf8_lossy(&line[..read]);
    text.split(' ').nth(1).map_or("nothing".to_owned(), str::to_owned)
}

/// The maximum time for an answer to other clients in this period.
fn slowest_answer(server: &Server, begun: Instant) -> Duration {
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < MAX_END_TIME {
        let asked = Instant::now();
        let answer = Request::new("GET", "/healthz").send(server.address(), MAX_END_TIME);
        let took =
            if answer.is_ok_and(|answer| answer.status == 200) { asked.elapsed() } else { Duration::MAX };
        slowest = slowest.max(took);
        thread::sleep(PAUSE);
    }
    slowest
}

/// Sends a body slowly, but not too slowly; returns the status of the answer.
fn honest(server: &Server, path: &str) -> u16 {
    let text =
        json!({ "query": "{ health { status } }", "firstname": "x".repeat(HONEST_BODY_BYTES) }).to_string();
    let request = Request::new("POST", path).key(server.key()).header("Content-Type", "application/json");
    let head = request.header("Content-Length", &text.len().to_string()).head(server.address());
    let sent = || {
        let mut stream = wire::connect(server.address(), OBSERVATION_TIME)?;
        stream.write_all(head.as_bytes())?;
        for sip in text.as_bytes().chunks(HONEST_CHUNK_BYTES) {
            thread::sleep(Duration::from_millis(100));
            // If it is refused before the end, the answer is read.
            if stream.write_all(sip).is_err() {
                break;
            }
        }
        wire::answer(&mut stream)
    };
    sent().map_or(0, |answer| answer.status)
}
