//! The tables, in Markdown.

use std::fmt::Write as _;

use crate::database::Database;
use crate::measure::Measured;
use crate::results::{CaseResult, Run};
use crate::server::ServerKind;
use crate::target::Target;

/// The targets, each met or not.
pub fn targets(targets: &[Target]) -> String {
    let mut text = "| | at most | MariaDB | PostgreSQL | SQLite | |\n|---|--:|--:|--:|--:|---|\n".to_owned();
    for target in targets {
        let cells = Database::ALL.map(|database| {
            let figure = target.figures.iter().find(|(of, _)| *of == database);
            figure.map_or("–".to_owned(), |(_, figure)| {
                let digits = if target.at_most >= 10.0 { 1 } else { 2 };
                let figure_text = format!("{figure:.digits$}");
                if target.is_met_by(*figure) { figure_text } else { format!("**{figure_text}**") }
            })
        });
        let verdict = if target.is_met() { "met" } else { "**not met**" };
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "| {} | {} | {} | {verdict} |", target.name, target.at_most, cells.join(" | "));
    }
    text
}

/// All figures of a database.
pub fn run(run: &Run) -> String {
    let mut text = String::new();
    for case in &run.cases {
        let _ = writeln!(text, "### {}\n\n{}", case.name, figures(run, case));
    }
    let _ = writeln!(text, "### Memory and start\n\n{}", servers(run));
    text
}

fn figures(run: &Run, case: &CaseResult) -> String {
    let measured = match &case.outcome {
        Ok(measured) => measured,
        Err(difference) => return format!("Answers differ, nothing is measured: {difference}\n"),
    };
    let hashes = case.name == crate::case::names::NEW;
    let mut text =
        "| | server µs | database µs | requests/s | p50 ms | p99 ms | statements | bytes | guichet to it |\n\
                    |---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    for one in measured {
        let name = one.kind.name();
        let name = if case.alone { format!("{name}, {}", one.label) } else { name.to_owned() };
        let name = if hashes { format!("{name}, with two hashes") } else { name };
        let _ = writeln!(
            text,
            "| {name} | {:.0} | {} | {:.0} | {:.2} | {:.2} | {} | {} | {} |",
            one.median(|sample| sample.server),
            number(
                if run.database == Database::Sqlite {
                    f64::NAN
                } else {
                    one.median(|sample| sample.database)
                },
                0
            ),
            one.median(|sample| sample.rate),
            one.median(|sample| sample.p50),
            one.median(|sample| sample.p99),
            one.statements.map_or("–".to_owned(), |statements| statements.to_string()),
            one.bytes,
            number(if case.alone { f64::NAN } else { guichet_to(run, case, one) }, 2),
        );
    }
    if hashes {
        let unhashed = measured
            .iter()
            .map(|one| format!("{} {:.0} µs", one.kind.name(), one.median(|sample| sample.unhashed)));
        let _ =
            writeln!(text, "\nWithout the threads that hash: {}.", unhashed.collect::<Vec<_>>().join(", "));
    }
    text
}

/// The ratio of guichet's CPU to a server's. A server that counts each total is compared with the guichet that does
/// too.
fn guichet_to(run: &Run, case: &CaseResult, one: &Measured) -> f64 {
    let own = match one.kind {
        ServerKind::Guichet | ServerKind::GuichetCounting => return f64::NAN,
        ServerKind::HandCounting => ServerKind::GuichetCounting,
        _ => ServerKind::Guichet,
    };
    run.ratio(case.name, own, one.kind, |sample| sample.server).unwrap_or(f64::NAN)
}

fn number(figure: f64, digits: usize) -> String {
    if figure.is_finite() { format!("{figure:.digits$}") } else { "–".to_owned() }
}

fn servers(run: &Run) -> String {
    let mut text = "| | resident MB | start to first answer, ms |\n|---|--:|--:|\n".to_owned();
    for server in &run.servers {
        let (name, start) = (server.kind.name(), server.start * 1e3);
        let _ = writeln!(text, "| {name} | {:.1} | {start:.0} |", server.memory);
    }
    text
}
