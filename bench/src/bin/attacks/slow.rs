//! Clients that hold a connection and do as little as they can.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use bench::demo::{Server, Start};
use bench::wire::{self, Request};
use serde_json::json;

use crate::report::Report;
use crate::sockets;

/// Clients of each kind.
const CLIENTS: usize = 20;
/// When the server has to have ended them.
const ENDED: Duration = Duration::from_secs(12);
/// How long somebody else waits for an answer meanwhile.
const OTHERS: Duration = Duration::from_secs(1);
/// How long is looked at those that are not ended in time.
const WATCHED: Duration = Duration::from_secs(15);
/// How often is looked, and what has no pause is sent.
const PAUSE: Duration = Duration::from_millis(50);
/// Sent on and on by clients that don't wait.
const FLOOD: usize = 16 << 10;
/// What an honest client sends, and how much of it each tenth of a second: 16 KB a second.
const HONEST: usize = 128 << 10;
const SIP: usize = 1600;

/// How a client goes on after its first bytes.
enum Next {
    Silence,
    EachSecond(&'static [u8]),
    Always(Vec<u8>),
}

struct Kind {
    name: &'static str,
    first: String,
    next: Next,
}

struct Client {
    kind: usize,
    stream: TcpStream,
    port: u16,
    sent: Instant,
    ended: Option<Duration>,
}

/// Times so short that the measuring is.
const SETTINGS: [(&str, &str); 5] = [
    ("GUICHET_HEADER_TIMEOUT", "2"),
    ("GUICHET_BODY_TIMEOUT", "2"),
    ("GUICHET_MIN_RATE", "1024"),
    ("GUICHET_KEEP_ALIVE", "2"),
    ("GUICHET_TIMEOUT", "5"),
];

/// The settings that end such clients soon.
fn server() -> io::Result<Server> {
    SETTINGS.iter().fold(Start::unlimited(), |start, (name, value)| start.set(name, value)).server()
}

/// Holds all kinds against the server at once.
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
        OTHERS.as_millis()
    );
    if slowest > OTHERS {
        report.fail(format!("slow clients: /healthz took {slowest:.1?}, more than {OTHERS:?}"));
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

fn kinds(address: &str, key: &str) -> Vec<Kind> {
    let head = |path: &str, length: &str| {
        let request = Request::new("POST", path).key(key).header("Content-Type", "application/json");
        request
            .header(length.split(':').next().unwrap_or(""), length.split(':').next_back().unwrap_or(""))
            .head(address)
    };
    let long = "Content-Length:100000";
    let (rest, graphql) = (head("/api/application/customers", long), head("/graphql", long));
    let chunked = head("/api/application/customers", "Transfer-Encoding:chunked");
    let (byte, chunk) = (Next::EachSecond(b" "), b"1\r\n \r\n");
    let flood = format!("{FLOOD:x}\r\n{}\r\n", " ".repeat(FLOOD)).into_bytes();
    let alive = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let kind = |name, first: &str, next| Kind { name, first: first.to_owned(), next };
    let begun = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nX-Slow: ");
    let big = alive("/docs/asset/swagger-ui-bundle.js").repeat(20);
    vec![
        kind("connects, sends nothing", "", Next::Silence),
        kind("one byte a second of a head", &begun, Next::EachSecond(b"a")),
        kind("half a head, then nothing", &begun, Next::Silence),
        kind("one byte a second of a body, REST", &rest, byte),
        kind("one byte a second of a body, GraphQL", &graphql, Next::EachSecond(b" ")),
        kind("the head of a body, then nothing, REST", &rest, Next::Silence),
        kind("the head of a body, then nothing, GraphQL", &graphql, Next::Silence),
        kind("one chunk of one byte a second", &chunked, Next::EachSecond(chunk)),
        kind("chunks without an end, 300 KB a second", &chunked, Next::Always(flood)),
        kind("asks 20 times for 1.4 MB, never reads", &big, Next::Silence),
        kind("asks once, stays", &alive("/healthz"), Next::Silence),
    ]
}

fn connect(server: &Server, kinds: &[Kind]) -> io::Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(kinds.len() * CLIENTS);
    for at in 0..kinds.len() * CLIENTS {
        let kind = at / CLIENTS;
        let mut stream = wire::connect(server.address(), ENDED)?;
        stream.write_all(kinds[kind].first.as_bytes())?;
        stream.set_nonblocking(true)?;
        let port = stream.local_addr()?.port();
        clients.push(Client { kind, stream, port, sent: Instant::now(), ended: None });
    }
    Ok(clients)
}

/// Lets the clients go on until each is ended, or for too long.
fn watch(server: &Server, kinds: &[Kind], clients: &mut [Client], begun: Instant) -> io::Result<()> {
    while begun.elapsed() < WATCHED && clients.iter().any(|client| client.ended.is_none()) {
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

/// Sends what is due. What cannot be written is not: the server ends such a connection.
fn go_on(client: &mut Client, next: &Next) {
    match next {
        Next::Silence => {}
        Next::Always(bytes) => drop(client.stream.write(bytes)),
        Next::EachSecond(bytes) => {
            if client.sent.elapsed() >= Duration::from_secs(1) {
                client.sent = Instant::now();
                let _ = client.stream.write(bytes);
            }
        }
    }
}

fn table(kinds: &[Kind], clients: &mut [Client], report: &mut Report) -> String {
    let mut text =
        "| A client | Is ended after, s | Answered with | At the most, s |\n|---|--:|---|--:|\n".to_owned();
    for (kind, clients) in kinds.iter().zip(clients.chunks_mut(CLIENTS)) {
        let left = clients.iter().filter(|client| client.ended.is_none_or(|ended| ended > ENDED)).count();
        if left > 0 {
            report.fail(format!("slow clients: {left} of {CLIENTS} are held after {ENDED:?}: {}", kind.name));
        }
        let ended: Option<Duration> =
            clients.iter().map(|client| client.ended).max().flatten().filter(|_| left == 0);
        let ended = ended.map_or("**not**".to_owned(), |ended| format!("{:.1}", ended.as_secs_f64()));
        let _ = writeln!(
            text,
            "| {} | {ended} | {} | {} |",
            kind.name,
            answered(&mut clients[0]),
            ENDED.as_secs()
        );
    }
    text
}

/// The status that a client was answered with, or that it was not.
fn answered(client: &mut Client) -> String {
    let mut line = [0; 12];
    let read = client.stream.read(&mut line).unwrap_or(0);
    let text = String::from_utf8_lossy(&line[..read]);
    text.split(' ').nth(1).map_or("nothing".to_owned(), str::to_owned)
}

/// The longest that anybody else waits in this time.
fn slowest_answer(server: &Server, begun: Instant) -> Duration {
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < ENDED {
        let asked = Instant::now();
        let answer = Request::new("GET", "/healthz").send(server.address(), ENDED);
        let took =
            if answer.is_ok_and(|answer| answer.status == 200) { asked.elapsed() } else { Duration::MAX };
        slowest = slowest.max(took);
        thread::sleep(PAUSE);
    }
    slowest
}

/// Sends a body slowly, but not too slowly; the status that it is answered with.
fn honest(server: &Server, path: &str) -> u16 {
    let text = json!({ "query": "{ health { status } }", "firstname": "x".repeat(HONEST) }).to_string();
    let request = Request::new("POST", path).key(server.key()).header("Content-Type", "application/json");
    let head = request.header("Content-Length", &text.len().to_string()).head(server.address());
    let sent = || {
        let mut stream = wire::connect(server.address(), WATCHED)?;
        stream.write_all(head.as_bytes())?;
        for sip in text.as_bytes().chunks(SIP) {
            thread::sleep(Duration::from_millis(100));
            // Whoever is refused before the end reads why.
            if stream.write_all(sip).is_err() {
                break;
            }
        }
        wire::answer(&mut stream)
    };
    sent().map_or(0, |answer| answer.status)
}
