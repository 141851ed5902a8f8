//! Sends requests to the servers in turns, and reads their cost from `/proc` and from the database.

use std::time::{Duration, Instant};

use crate::case::{BenchRequest, Case};
use crate::load::{self, RequestSource};
use crate::server::{Server, ServerKind};
use crate::shop::Shop;

/// Number of concurrent connections.
const CONNECTIONS: usize = 8;
/// Number of concurrent connections where one server is measured, whose requests may take seconds.
const CONNECTIONS_OF_ONE: usize = 2;
/// Number of concurrent connections where each request hashes passwords for half a second: one for each processor.
const CONNECTIONS_THAT_HASH: usize = 2;
/// Servers with a JIT compiler are warmed up so many times longer.
const JIT_WARM_UP_FACTOR: u32 = 3;
/// Requests whose statements are counted. The smallest count is reported, since others may use the same database.
const COUNTED_REQUESTS: usize = 3;

/// How long the measurement takes.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// Time of a round for one server.
    pub round: Duration,
    /// Time of the warm-up.
    pub warm_up: Duration,
    /// Number of starts, of which the fastest is reported.
    pub starts: usize,
}

impl Effort {
    /// A quarter of an hour on three databases.
    pub const FULL: Self = Self {
        rounds: 11,
        round: Duration::from_millis(500),
        warm_up: Duration::from_millis(1000),
        starts: 5,
    };
    /// Less than two minutes.
    pub const QUICK: Self =
        Self { rounds: 3, round: Duration::from_millis(100), warm_up: Duration::from_millis(150), starts: 1 };
}

/// What a request costs in one round.
#[derive(Clone, Copy)]
pub struct Sample {
    /// CPU of the server in µs.
    pub server: f64,
    /// The same without the threads that hashed passwords.
    pub unhashed: f64,
    /// CPU of the database in µs.
    pub database: f64,
    /// Requests a second.
    pub rate: f64,
    /// Milliseconds within which half of the requests were answered.
    pub p50: f64,
    /// Milliseconds within which 99 of 100 were.
    pub p99: f64,
}

/// The measurements of one server and one request.
pub struct Measured {
    pub kind: ServerKind,
    /// Index of the request in its case.
    pub question: usize,
    /// Label of the request.
    pub label: &'static str,
    /// Bytes of the answer's body.
    pub bytes: usize,
    /// SQL statements for a request, where the database counts them.
    pub statements: Option<u64>,
    pub samples: Vec<Sample>,
}

impl Measured {
    /// The median of a figure.
    pub fn median(&self, figure: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(figure).collect())
    }

    /// The ratio of a figure to that of another measurement, computed for each round, because disturbances of the
    /// machine usually affect both.
    pub fn ratio(&self, other: &Self, figure: fn(&Sample) -> f64) -> f64 {
        let rounds = self.samples.iter().zip(&other.samples);
        median(rounds.map(|(own, theirs)| figure(own) / figure(theirs)).collect())
    }
}

/// The median; of two middle values, the lower one, since disturbances only raise figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// One server with one request.
struct Contestant<'a> {
    server: &'a Server,
    ask: RequestSource,
    connections: usize,
    requests: usize,
    measured: Measured,
}

/// Measures all servers of a case in turns.
pub fn measure(case: &Case, servers: &[&Server], shop: &mut Shop, effort: Effort) -> Vec<Measured> {
    let mut contestants = Vec::new();
    for server in servers.iter().filter(|server| case.includes(server.kind)) {
        for (at, question) in case.questions.iter().enumerate() {
            contestants.push(Contestant::new(server, at, *question, shop, effort, CONNECTIONS));
        }
    }
    // Hashing takes so long that few rounds are sufficient.
    let hashes = case.questions.contains(&BenchRequest::NewCustomer);
    let rounds = if hashes { effort.rounds.div_ceil(2) } else { effort.rounds };
    for _ in 0..rounds {
        for contestant in &mut contestants {
            let sample = contestant.round(shop);
            contestant.measured.samples.push(sample);
        }
    }
    contestants.into_iter().map(|contestant| contestant.measured).collect()
}

/// Measures one server with the first request of a case.
pub fn measure_one(case: &Case, server: &Server, shop: &mut Shop, effort: Effort) -> Measured {
    let mut contestant = Contestant::new(server, 0, case.questions[0], shop, effort, CONNECTIONS_OF_ONE);
    for _ in 0..effort.rounds {
        let sample = contestant.round(shop);
        contestant.measured.samples.push(sample);
    }
    contestant.measured
}

impl<'a> Contestant<'a> {
    /// Warms the server up, and determines the number of requests in a round.
    fn new(
        server: &'a Server,
        at: usize,
        question: BenchRequest,
        shop: &mut Shop,
        effort: Effort,
        connections: usize,
    ) -> Self {
        let ask = question.of(server);
        let measured = Measured {
            kind: server.kind,
            question: at,
            label: question.label(),
            bytes: load::once(&ask).body.len(),
            statements: statements(server, &ask, shop),
            samples: Vec::new(),
        };
        let hashes = question == BenchRequest::NewCustomer;
        let connections = if hashes { CONNECTIONS_THAT_HASH } else { connections };
        let longer = if server.kind.is_peer() { JIT_WARM_UP_FACTOR } else { 1 };
        let rate = warm_up(&ask, connections, effort.warm_up * longer);
        // With fewer requests the figures would mean nothing.
        let requests = ((rate * effort.round.as_secs_f64()) as usize).max(2 * connections);
        Self { server, ask, connections, requests, measured }
    }

    fn round(&self, shop: &mut Shop) -> Sample {
        let before = (self.server.cpu(), shop.cpu());
        let outcome = load::run(&self.ask, self.connections, self.requests);
        let (server, database) = (self.server.cpu().since(&before.0), shop.cpu().since(&before.1));
        let each = self.requests as f64;
        let microseconds = |seconds: f64| seconds * 1e6 / each;
        Sample {
            server: microseconds(server.all),
            unhashed: microseconds(server.all - server.hashing),
            database: microseconds(database.all),
            rate: each / outcome.time.as_secs_f64(),
            p50: outcome.percentile(50).as_secs_f64() * 1e3,
            p99: outcome.percentile(99).as_secs_f64() * 1e3,
        }
    }
}

/// Sends requests for this time; returns the requests per second at the end.
fn warm_up(ask: &RequestSource, connections: usize, span: Duration) -> f64 {
    let (begun, mut requests) = (Instant::now(), connections);
    loop {
        let time = load::run(ask, connections, requests).time.as_secs_f64();
        let rate = requests as f64 / time;
        let left = span.saturating_sub(begun.elapsed()).as_secs_f64();
        if left <= 0.0 {
            return rate;
        }
        // At most twice as many as before, because servers with a JIT compiler become faster meanwhile.
        requests = ((rate * left) as usize).clamp(1, 2 * requests);
    }
}

/// SQL statements for a request whose caller is cached.
fn statements(server: &Server, ask: &RequestSource, shop: &mut Shop) -> Option<u64> {
    let known = BenchRequest::Document("q1").of(server);
    let counts = (0..COUNTED_REQUESTS).map(|_| {
        load::once(&known);
        let before = shop.statements()?;
        load::once(ask);
        // The statement that reads the counter is counted too.
        Some(shop.statements()? - before - 1)
    });
    counts.flatten().min()
}
