//! Servers are asked in turns, and what their answers cost is read from `/proc` and from the database.

use std::time::{Duration, Instant};

use crate::case::{Case, Question};
use crate::load::{self, Ask};
use crate::server::{Kind, Server};
use crate::shop::Shop;

/// Connections that ask at the same time.
const CONNECTIONS: usize = 8;
/// As many as there are processors, where each request keeps them busy for half a second.
const CONNECTIONS_THAT_HASH: usize = 2;
/// How much longer those are warmed up that compile what is asked often.
const COMPILING: u32 = 3;
/// Requests whose statements are counted, of which the least count is told: others may use the same database.
const COUNTED: usize = 3;

/// How long is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// How long a server is asked in a round.
    pub round: Duration,
    /// How long it is asked before.
    pub warm_up: Duration,
    /// Starts of which the quickest counts.
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

/// What came out of one server and question.
pub struct Measured {
    pub kind: Kind,
    /// Which question of its case it is.
    pub question: usize,
    /// What the question is called beside others.
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

    /// A figure to that of another one, each round for itself: what disturbs the machine for longer than a round
    /// disturbs both.
    pub fn ratio(&self, other: &Self, figure: fn(&Sample) -> f64) -> f64 {
        let rounds = self.samples.iter().zip(&other.samples);
        median(rounds.map(|(own, theirs)| figure(own) / figure(theirs)).collect())
    }
}

/// The one in the middle; of two, the lower one: whatever disturbs raises figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// One server with one question.
struct Contestant<'a> {
    server: &'a Server,
    ask: Ask,
    connections: usize,
    requests: usize,
    measured: Measured,
}

/// Asks all servers of a case in turns.
pub fn measure(case: &Case, servers: &[&Server], shop: &mut Shop, effort: Effort) -> Vec<Measured> {
    let mut contestants = Vec::new();
    for server in servers.iter().filter(|server| case.asks(server.kind)) {
        for (at, question) in case.questions.iter().enumerate() {
            contestants.push(Contestant::new(server, at, *question, shop, effort));
        }
    }
    // Hashes of passwords take so long that few rounds tell enough.
    let hashes = case.questions.contains(&Question::NewCustomer);
    let rounds = if hashes { effort.rounds.div_ceil(2) } else { effort.rounds };
    for _ in 0..rounds {
        for contestant in &mut contestants {
            let sample = contestant.round(shop);
            contestant.measured.samples.push(sample);
        }
    }
    contestants.into_iter().map(|contestant| contestant.measured).collect()
}

impl<'a> Contestant<'a> {
    /// Warms the server up, and finds how often it can be asked in a round.
    fn new(server: &'a Server, at: usize, question: Question, shop: &mut Shop, effort: Effort) -> Self {
        let ask = question.of(server);
        let measured = Measured {
            kind: server.kind,
            question: at,
            label: question.label(),
            bytes: load::once(&ask).body.len(),
            statements: statements(server, &ask, shop),
            samples: Vec::new(),
        };
        let hashes = question == Question::NewCustomer;
        let connections = if hashes { CONNECTIONS_THAT_HASH } else { CONNECTIONS };
        let longer = if server.kind.is_peer() { COMPILING } else { 1 };
        let rate = warm_up(&ask, connections, effort.warm_up * longer);
        // Fewer than that say nothing.
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

/// Asks for so long; how many requests a second were answered in the end.
fn warm_up(ask: &Ask, connections: usize, span: Duration) -> f64 {
    let (begun, mut requests) = (Instant::now(), connections);
    loop {
        let time = load::run(ask, connections, requests).time.as_secs_f64();
        let rate = requests as f64 / time;
        let left = span.saturating_sub(begun.elapsed()).as_secs_f64();
        if left <= 0.0 {
            return rate;
        }
        // Twice as many at the most: who compiles meanwhile becomes quicker.
        requests = ((rate * left) as usize).clamp(1, 2 * requests);
    }
}

/// Statements for a request of a caller who was asked about a moment ago.
fn statements(server: &Server, ask: &Ask, shop: &mut Shop) -> Option<u64> {
    let known = Question::Document("q1").of(server);
    let counts = (0..COUNTED).map(|_| {
        load::once(&known);
        let before = shop.statements()?;
        load::once(ask);
        // The question itself is counted too.
        Some(shop.statements()? - before - 1)
    });
    counts.flatten().min()
}
