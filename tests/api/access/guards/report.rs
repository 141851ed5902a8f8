//! The counts, as they are kept in `docs/guard-matrix.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::probe::{Cell, Outcome, Part};

const HEAD: &str = "\
# Who may ask for what

Written by `GUICHET_WRITE_DOCS=1 cargo test --test api guards`, which tries every field, change, condition and order of
`schema.graphql` and every operation of `openapi.json` with each of these callers, over HTTP. What a thing needs is what its
`@can` or its description says; any other outcome fails the test, and so does a field without a guard.

Answered, of all that were tried:

";

/// What a thing is called in the table.
const PARTS: [(Part, &str); 4] = [
    (Part::Fields, "Fields"),
    (Part::Changes, "Changes"),
    (Part::Conditions, "Filters and sorts"),
    (Part::Operations, "REST operations"),
];

/// How often something was answered and refused.
#[derive(Clone, Copy, Default)]
struct Count {
    answered: usize,
    refused: usize,
}

/// The counts by caller, in the order in which they first asked.
#[derive(Default)]
pub(super) struct Tally {
    callers: Vec<String>,
    counts: BTreeMap<(String, Part), Count>,
}

impl Tally {
    pub(super) fn count(&mut self, caller: &str, part: Part, outcome: &Outcome) {
        if !self.callers.iter().any(|known| known == caller) {
            self.callers.push(caller.to_owned());
        }
        let count = self.counts.entry((caller.to_owned(), part)).or_default();
        match outcome {
            Outcome::Answered => count.answered += 1,
            _ => count.refused += 1,
        }
    }

    fn table(&self) -> String {
        let names = PARTS.map(|(_, name)| name).join(" | ");
        let mut text = format!("| Caller | {names} |\n|---|--:|--:|--:|--:|\n");
        for caller in &self.callers {
            let cells = PARTS.map(|(part, _)| {
                let count = self.counts.get(&(caller.clone(), part)).copied().unwrap_or_default();
                format!("{} of {}", count.answered, count.answered + count.refused)
            });
            let _ = writeln!(text, "| {caller} | {} |", cells.join(" | "));
        }
        text
    }
}

/// What needs what, without what only hangs on something that is guarded itself.
fn needs(cells: &[&Cell]) -> String {
    let mut by_need: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    // Conditions within others are reported by the outer one.
    let outer = |cell: &&&Cell| cell.part != Part::Conditions || !cell.label.contains(['.', '{']);
    for cell in cells.iter().filter(outer) {
        let need = match &cell.own {
            Some(any) if any.is_empty() => "any valid key".to_owned(),
            Some(any) => any.iter().map(|ability| format!("`{ability}`")).collect::<Vec<_>>().join(" or "),
            None if cell.chain.is_empty() => "no key".to_owned(),
            None => continue,
        };
        by_need.entry(need).or_default().insert(&cell.label);
    }
    let mut text = String::from("| Needs | To be asked for |\n|---|---|\n");
    for (need, labels) in by_need {
        let labels: Vec<String> = labels.into_iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(text, "| {need} | {} |", labels.join(", "));
    }
    text
}

/// Prints the counts, and compares or writes the file.
pub(super) fn keep(tally: &Tally, cells: &[&Cell]) {
    let table = tally.table();
    println!("{table}");
    let text = format!(
        "{HEAD}{table}\n\
         The keys \"without\" and \"with just\" the ability are new ones for each thing; a key with just the ability has those \
         too that lead to it.\nA customer's session or key sees rows of that customer only (`tests/api/resource/viewer.rs`).\n\n\
         ## What each thing needs\n\n\
         What is not named here is open to whoever may see the object that it belongs to.\n\n{}",
        needs(cells)
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guard-matrix.md");
    if std::env::var_os("GUICHET_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = text.lines().zip(kept.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
    let same = text == kept;
    assert!(same, "docs/guard-matrix.md is not what was found; GUICHET_WRITE_DOCS=1 writes it: {differs:?}");
}
