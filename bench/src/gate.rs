//! One case: both servers answer the same, then each is asked in turns.

use crate::Options;
use crate::child::Child;
use crate::load::{self, Ask};
use crate::shop::Shop;

/// Connections that ask at the same time.
const CONNECTIONS: usize = 16;

/// What a case's ratio is held against.
pub enum Target {
    AtMost(f64),
    Information,
}

/// Something to ask.
pub struct Case {
    pub name: &'static str,
    pub target: Target,
    path: &'static str,
    graphql: Option<&'static str>,
}

/// What a request costs: CPU in microseconds, statements.
#[derive(Clone, Copy)]
pub struct Cost {
    pub cpu: f64,
    pub statements: f64,
}

/// What came out where both answer the same.
pub struct Figures {
    pub product: Cost,
    pub hand: Cost,
    /// The product's CPU to the yardstick's, each round for itself: what disturbs the machine for
    /// longer than a round disturbs both.
    pub ratio: f64,
}

impl Case {
    pub const fn rest(name: &'static str, path: &'static str, target: Target) -> Self {
        Self { name, target, path, graphql: None }
    }

    /// The same question as GraphQL: held against the yardstick's REST answer, for information.
    pub const fn graphql(name: &'static str, path: &'static str, query: &'static str) -> Self {
        Self { name, target: Target::Information, path, graphql: Some(query) }
    }

    /// Asks both servers in turns.
    pub fn measure(&self, product: &Child, hand: &Child, shop: &Shop, options: &Options) -> Option<Figures> {
        let (own, theirs) = (self.ask(product), Ask::get(hand, self.path));
        if !self.equal(&own, &theirs) {
            return None;
        }
        let (mut product_costs, mut hand_costs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            product_costs.push(cost(product, &own, shop, options.requests));
            hand_costs.push(cost(hand, &theirs, shop, options.requests));
        }
        let ratios = product_costs.iter().zip(&hand_costs).map(|(product, hand)| product.cpu / hand.cpu);
        let ratio = median(ratios.collect());
        Some(Figures { product: summary(&product_costs), hand: summary(&hand_costs), ratio })
    }

    fn ask(&self, child: &Child) -> Ask {
        match self.graphql {
            None => Ask::get(child, self.path),
            Some(query) => Ask::graphql(child, query),
        }
    }

    fn equal(&self, own: &Ask, theirs: &Ask) -> bool {
        let (own_answer, their_answer) = (load::once(own), load::once(theirs));
        if self.graphql.is_some() {
            let clean = own_answer.status == 200 && own_answer.json().get("errors").is_none();
            if !clean {
                eprintln!("{}: {}", self.name, String::from_utf8_lossy(&own_answer.body));
            }
            return clean;
        }
        let port = |ask: &Ask| format!("127.0.0.1:{}", ask.port());
        let text = |body: &[u8], ask: &Ask| String::from_utf8_lossy(body).replace(&port(ask), "host");
        let (own_text, their_text) = (text(&own_answer.body, own), text(&their_answer.body, theirs));
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let same = own_answer.status == 200
            && their_answer.status == 200
            && parse(&own_text).is_some()
            && parse(&own_text) == parse(&their_text);
        if !same {
            eprintln!(
                "{}: {} {own_text}\n{} {their_text}",
                self.name, own_answer.status, their_answer.status
            );
        }
        same
    }
}

/// The cost of one round.
fn cost(child: &Child, ask: &Ask, shop: &Shop, requests: usize) -> Cost {
    load::run(ask, CONNECTIONS, requests / 10);
    let (cpu, statements) = (child.cpu(), shop.statements());
    load::run(ask, CONNECTIONS, requests);
    let (cpu, statements) = (child.cpu() - cpu, shop.statements() - statements);
    let each = requests as f64;
    Cost { cpu: cpu.as_secs_f64() * 1e6 / each, statements: statements as f64 / each }
}

/// The median of the CPU. Of the statements the least: others may use the same MariaDB.
fn summary(costs: &[Cost]) -> Cost {
    let statements = costs.iter().map(|cost| cost.statements).fold(f64::INFINITY, f64::min);
    Cost { cpu: median(costs.iter().map(|cost| cost.cpu).collect()), statements }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
