//! What was found, kept in `plans/<database>.txt`: a line for each set of questions that cost the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use sea_orm::DbBackend;

use super::plan::Cost;
use super::question::Question;

/// What a question costs.
#[derive(Default)]
pub(super) struct Costs {
    /// Its most expensive statement but the one that counts.
    rows: Option<Cost>,
    /// The statement that counts.
    total: Option<Cost>,
}

impl Costs {
    pub(super) fn add(&mut self, sql: &str, cost: Cost) {
        let of = if sql.starts_with("SELECT COUNT(") { &mut self.total } else { &mut self.rows };
        *of = of.take().max(Some(cost));
    }

    pub(super) fn worst(&self) -> Cost {
        self.rows.clone().max(self.total.clone()).unwrap_or(Cost::Rows)
    }
}

/// Questions that are alike: their list, and what is asked of it.
pub(super) type Kind = (String, String);
/// For each kind of question, in the order in which they were asked, the answer to "by what?": the cost of each.
pub(super) type Found = Vec<(Kind, Vec<(String, String)>)>;

/// The costs as they are written down: with the shop's own indexes, and with further ones where they differ.
pub(super) fn written(found: &[(&Question, Costs, Costs)]) -> Found {
    let mut kinds = Found::new();
    for (question, own, further) in found {
        let kind = (question.list.clone(), question.asks.clone());
        let cost = (question.by.clone(), cost(own, further));
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, costs)) => costs.push(cost),
            None => kinds.push((kind, vec![cost])),
        }
    }
    kinds
}

fn cost(own: &Costs, further: &Costs) -> String {
    let of = |own: &Option<Cost>, further: &Option<Cost>| match (own, further) {
        (Some(own), Some(further)) if own != further => Some(format!("{own} → {further}")),
        (Some(own), _) => Some(own.to_string()),
        (None, _) => None,
    };
    let total = of(&own.total, &further.total).map(|total| format!("; total {total}"));
    of(&own.rows, &further.rows).unwrap_or_default() + &total.unwrap_or_default()
}

/// The file of a database.
fn file(backend: DbBackend) -> PathBuf {
    let name = match backend {
        DbBackend::MySql => "mariadb",
        DbBackend::Postgres => "postgresql",
        _ => "sqlite",
    };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/api/growth/plans/{name}.txt"))
}

/// Writes the file of a database.
pub(super) fn keep(backend: DbBackend, found: &Found) {
    let lines = found.iter().flat_map(|((list, asks), costs)| {
        by_cost(costs)
            .into_iter()
            .map(move |(cost, by)| format!("{list} | {asks} | {} | {cost}\n", by.join(", ")))
    });
    fs::write(file(backend), lines.collect::<String>()).unwrap();
}

/// What is asked at the same cost, in the order of the first of them.
pub(super) fn by_cost(costs: &[(String, String)]) -> Vec<(&str, Vec<&str>)> {
    let mut sets: Vec<(&str, Vec<&str>)> = Vec::new();
    for (by, cost) in costs {
        match sets.iter_mut().find(|(known, _)| known == cost) {
            Some((_, set)) => set.push(by),
            None => sets.push((cost, vec![by])),
        }
    }
    sets
}

/// Reads the file of a database.
pub(super) fn read(backend: DbBackend) -> Found {
    let text = fs::read_to_string(file(backend)).unwrap_or_default();
    let mut found = Found::new();
    for line in text.lines() {
        let [list, asks, by, cost] = line.split(" | ").collect::<Vec<_>>()[..] else { panic!("{line}") };
        let kind = (list.to_owned(), asks.to_owned());
        let costs = by.split(", ").map(|by| (by.to_owned(), cost.to_owned()));
        match found.last_mut().filter(|(known, _)| *known == kind) {
            Some((_, known)) => known.extend(costs),
            None => found.push((kind, costs.collect())),
        }
    }
    found
}

/// Fails where something else is asked than in the file, or where an index serves it and none did, or the other way round.
/// Which of two ways through indexes is the cheaper one differs from run to run where they cost the same.
pub(super) fn compare(backend: DbBackend, found: &Found) {
    let each = |found: &Found| {
        let costs = found.iter().flat_map(|((list, asks), costs)| {
            costs.iter().map(move |(by, cost)| (format!("{list} | {asks} | {by}"), reads(cost)))
        });
        costs.collect::<BTreeMap<_, _>>()
    };
    let (recorded, found) = (each(&read(backend)), each(found));
    let questions: BTreeSet<_> = recorded.keys().chain(found.keys()).collect();
    let differences: Vec<String> = questions
        .into_iter()
        .map(|question| (question, found.get(question), recorded.get(question)))
        .filter(|(_, found, recorded)| found != recorded)
        .map(|(question, found, recorded)| format!("{question}: {found:?}, recorded is {recorded:?}"))
        .collect();
    assert!(
        differences.is_empty(),
        "{} costs are not the recorded ones. If that is on purpose, run this again with GUICHET_GROWTH=write on each database.\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// What costs as they are written down tell of tables: read by an index, or from one end to the other.
fn reads(costs: &str) -> String {
    let read =
        |cost: &str| if cost.starts_with("scan") || cost.starts_with("worse") { "scan" } else { "index" };
    let of_statement = |costs: &str| {
        let (own, further) = costs.split_once(" → ").unwrap_or((costs, costs));
        format!("{} → {}", read(own), read(further))
    };
    let (rows, total) = costs.split_once("; total ").unwrap_or((costs, ""));
    format!("{}; {}", of_statement(rows), of_statement(total))
}
