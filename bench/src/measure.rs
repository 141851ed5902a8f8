//! Servers are asked in turns, and what their answers cost is read from `/proc` and from the database.

use std::time::Duration;

use crate::case::{Case, Question};
use crate::load::{self, Ask};
use crate::server::{Kind, Server};
use crate::shop::Shop;

/// Connections that ask at the same time.
const CONNECTIONS: usize = 8;

/// How long is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// How long a server is asked in a round.
    pub round: Duration,
    /// How long it is asked before: what compiles at run time is compiled then.
    pub warm_up: Duration,
    /// Starts of which the quickest counts.
    pub starts: usize,
}

impl Effort {
    pub const FULL: Self = Self {
        rounds: 9,
        round: Duration::from_millis(500),
        warm_up: Duration::from_millis(1000),
        starts: 5,
    };
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
    /// SQL statements, where the database counts them.
    pub statements: f64,
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
    /// Bytes of the answer's body.
    pub bytes: usize,
    pub samples: Vec<Sample>,
}

impl Measured {
    /// The median of a figure.
    pub fn median(&self, figure: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(figure).collect())
    }

    /// The least of a figure: others may use the same database.
    pub fn least(&self, figure: fn(&Sample) -> f64) -> f64 {
        self.samples.iter().map(figure).fold(f64::INFINITY, f64::min)
    }

    /// A figure to that of another one, each round for itself: what disturbs the machine for longer than a round
    /// disturbs both.
    pub fn ratio(&self, other: &Self, figure: fn(&Sample) -> f64) -> f64 {
        let rounds = self.samples.iter().zip(&other.samples);
        median(rounds.map(|(own, theirs)| figure(own) / figure(theirs)).collect())
    }
}

/// The one in the middle.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One server with one question.
struct Contestant<'a> {
    server: &'a Server,
    ask: Ask,
    requests: usize,
    measured: Measured,
}

/// Asks all servers of a case in turns.
pub fn measure(case: &Case, servers: &[&Server], shop: &mut Shop, effort: Effort) -> Vec<Measured> {
    let asked = servers.iter().filter(|server| case.asks(server.kind));
    let mut contestants: Vec<Contestant<'_>> = asked
        .flat_map(|server| case.questions.iter().enumerate().map(|(at, question)| (*server, at, *question)))
        .map(|(server, at, question)| Contestant::new(server, at, question, effort))
        .collect();
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
    fn new(server: &'a Server, at: usize, question: Question, effort: Effort) -> Self {
        let ask = question.of(server);
        let bytes = load::once(&ask).body.len();
        let mut requests = CONNECTIONS;
        loop {
            let time = load::run(&ask, CONNECTIONS, requests).time;
            let left = effort.warm_up.as_secs_f64() / time.as_secs_f64();
            if left < 1.5 || requests > 1 << 20 {
                let rate = requests as f64 / time.as_secs_f64();
                // Fewer than that say nothing.
                requests = ((rate * effort.round.as_secs_f64()) as usize).max(CONNECTIONS);
                break;
            }
            requests = (requests as f64 * left.min(10.0)) as usize;
        }
        let measured = Measured { kind: server.kind, question: at, bytes, samples: Vec::new() };
        Self { server, ask, requests, measured }
    }

    fn round(&self, shop: &mut Shop) -> Sample {
        // What was read in the last round is read anew: keys and totals are remembered for a second.
        load::run(&self.ask, CONNECTIONS, CONNECTIONS);
        let before = (self.server.cpu(), shop.cpu(), shop.statements());
        let outcome = load::run(&self.ask, CONNECTIONS, self.requests);
        let (server, database, statements) = (self.server.cpu(), shop.cpu(), shop.statements());
        let each = self.requests as f64;
        let server = server.since(&before.0);
        let microseconds = |seconds: f64| seconds * 1e6 / each;
        let counted = statements.zip(before.2).map(|(after, before)| after - before - 1);
        Sample {
            server: microseconds(server.all),
            unhashed: microseconds(server.all - server.hashing),
            database: microseconds(database.since(&before.1).all),
            statements: counted.map_or(f64::NAN, |statements| statements as f64 / each),
            rate: each / outcome.time.as_secs_f64(),
            p50: outcome.percentile(50).as_secs_f64() * 1e3,
            p99: outcome.percentile(99).as_secs_f64() * 1e3,
        }
    }
}
