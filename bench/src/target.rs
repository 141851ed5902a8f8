//! The targets that figures are compared with.

use crate::case::names::{CUSTOMER, CUSTOMERS, DEEP, NESTED, NEW, Q1, Q2, Q4, Q5, THOUSAND, XML};
use crate::database::Database;
use crate::measure::Sample;
use crate::results::Run;
use crate::server::ServerKind::{self, Guichet, GuichetCounting, Hand, HandCounting};

/// A figure and its maximum.
pub struct Target {
    pub name: String,
    pub at_most: f64,
    /// The figure by database, where it was measured.
    pub figures: Vec<(Database, f64)>,
}

impl Target {
    fn new(
        name: impl Into<String>,
        at_most: f64,
        runs: &[Run],
        figure: impl Fn(&Run) -> Option<f64>,
    ) -> Self {
        let figures = runs.iter().filter_map(|run| Some((run.database, figure(run)?)));
        Self { name: name.into(), at_most, figures: figures.collect() }
    }

    /// Whether a figure is within the target.
    pub fn is_met_by(&self, figure: f64) -> bool {
        figure <= self.at_most
    }

    /// Whether all figures are.
    pub fn is_met(&self) -> bool {
        self.figures.iter().all(|(_, figure)| self.is_met_by(*figure))
    }
}

/// Cases that are compared with the yardstick, and how many times slower guichet may be.
const TO_HAND: [(&str, f64); 7] =
    [(Q1, 1.4), (CUSTOMER, 1.15), (Q2, 1.1), (CUSTOMERS, 1.0), (Q4, 1.3), (Q5, 1.1), (THOUSAND, 0.9)];
/// Cases that are compared with the fastest peer, and the fraction of its CPU that guichet may need.
const TO_PEERS: [(&str, f64); 4] = [(Q1, 0.6), (Q2, 0.5), (Q4, 0.5), (Q5, 0.5)];
/// Megabytes.
const MAX_MEMORY_MB: f64 = 40.0;

/// All targets with their figures.
pub fn targets(runs: &[Run]) -> Vec<Target> {
    let mut targets = Vec::new();
    for (case, at_most) in TO_HAND {
        targets.push(to_hand(runs, case, case, at_most, (Guichet, Hand)));
        let counting = format!("{case}, counting");
        targets.push(to_hand(runs, case, &counting, at_most, (GuichetCounting, HandCounting)));
    }
    for (case, at_most) in TO_PEERS {
        let of = |own| move |run: &Run| run.ratio_to_fastest_peer(case, own);
        targets.push(Target::new(format!("{case}, to the fastest peer"), at_most, runs, of(Guichet)));
        let counting = format!("{case}, counting, to the fastest peer");
        targets.push(Target::new(counting, at_most, runs, of(GuichetCounting)));
    }
    targets.extend(of_writing(runs));
    targets.extend(of_guichet_alone(runs));
    // Cases that were not measured have no targets.
    targets.retain(|target| !target.figures.is_empty());
    targets
}

fn to_hand(
    runs: &[Run],
    case: &str,
    name: &str,
    at_most: f64,
    (own, hand): (ServerKind, ServerKind),
) -> Target {
    let name = format!("{name}, to by hand");
    Target::new(name, at_most, runs, |run| run.ratio(case, own, hand, |sample| sample.server))
}

/// Targets of writes. The two hashes of a new customer take hundreds of times as long as everything else, so their time
/// is subtracted.
fn of_writing(runs: &[Run]) -> [Target; 3] {
    let of = |figure: fn(&Sample) -> f64| move |run: &Run| run.ratio(NEW, Guichet, Hand, figure);
    [
        Target::new(format!("{NEW}, to by hand"), 1.2, runs, of(|sample| sample.server)),
        Target::new(
            format!("{NEW}, without the hashes, to by hand"),
            1.2,
            runs,
            of(|sample| sample.unhashed),
        ),
        Target::new(format!("{NEW}, statements, to by hand"), 1.0, runs, |run| {
            let statements = |kind| Some(run.of(NEW, kind)?.statements? as f64);
            Some(statements(Guichet)? / statements(Hand)?)
        }),
    ]
}

fn of_guichet_alone(runs: &[Run]) -> [Target; 8] {
    let both = |sample: &Sample| sample.server + sample.database;
    [
        Target::new("XML to JSON of 25 customers", 1.25, runs, |run| {
            run.ratio_of_questions(XML, Guichet, |sample| sample.server)
        }),
        Target::new("page 2,000 to page 1 of services, server and database", 10.0, runs, |run| {
            run.ratio_of_questions(DEEP, Guichet, both)
        }),
        Target::new("page 2,000 to page 1, nothing remembered", 10.0, runs, |run| {
            run.ratio_of_questions(DEEP, GuichetCounting, both)
        }),
        Target::new(
            "25 products with 5 of 50,000 services each to 25 services, server and database",
            3.0,
            runs,
            |run| run.ratio_of_questions(NESTED, Guichet, both),
        ),
        Target::new("resident after the run, MB", MAX_MEMORY_MB, runs, |run| run.memory(Guichet)),
        Target::new("resident after the run, counting, MB", MAX_MEMORY_MB, runs, |run| {
            run.memory(GuichetCounting)
        }),
        Target::new("resident after the run, to the smallest peer", 0.3, runs, |run| {
            Some(run.memory(Guichet)? / run.smallest_peer()?)
        }),
        Target::new("25 customers on SQLite, to MariaDB's server and database", 1.3, runs, |run| {
            let mariadb = runs.iter().find(|run| run.database == Database::MySql)?;
            let cpu = |run: &Run| Some(run.of(CUSTOMERS, Guichet)?.median(both));
            (run.database == Database::Sqlite).then_some(cpu(run)? / cpu(mariadb)?)
        }),
    ]
}
