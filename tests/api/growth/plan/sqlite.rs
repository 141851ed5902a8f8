//! SQLite's `EXPLAIN QUERY PLAN`: a tree of steps. Steps that read tables and have the same parent are the loops of a join,
//! the outermost first.

use sea_orm::{DbErr, QueryResult};

use super::Plan;

struct Step {
    id: i32,
    parent: i32,
    text: String,
}

pub(super) fn read(rows: &[QueryResult], is_limited: bool) -> Result<(Plan, String), DbErr> {
    let step = |row: &QueryResult| {
        Ok(Step {
            id: row.try_get_by_index(0)?,
            parent: row.try_get_by_index(1)?,
            text: row.try_get_by_index(3)?,
        })
    };
    let steps = rows.iter().map(step).collect::<Result<Vec<_>, DbErr>>()?;
    let told = steps.iter().map(|step| step.text.clone() + "\n").collect();
    let sorts = steps.iter().any(|step| step.text.starts_with("USE TEMP B-TREE"));
    let mut plan = Plan { sorts, ..Plan::default() };
    let made_before: Vec<&str> = steps.iter().filter_map(made).collect();
    let is_table = |step: &Step| reads_all(step) && !made_before.contains(&table(step));
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| is_table(step)) {
        let is_inner = steps[..at].iter().any(|before| before.parent == step.parent && is_loop(before));
        if is_inner || is_repeated(&steps, step) {
            plan.repeats = Some(step.text.clone());
        } else if is_limited && !sorts {
            plan.walks = true;
        } else {
            plan.scans.push(table(step).to_owned());
        }
    }
    Ok((plan, told))
}

/// Whether a step reads a table from one end to the other. Lists of values and rows that were made before are no tables.
fn reads_all(step: &Step) -> bool {
    let text = &step.text;
    text.starts_with("SCAN ")
        && !["CONSTANT ROW", "VIRTUAL TABLE", "SCAN (", "SUBQUERY"].iter().any(|not| text.contains(not))
}

fn table(step: &Step) -> &str {
    step.text.split(' ').nth(1).unwrap_or_default()
}

/// The name of rows that a step makes, which another step reads.
fn made(step: &Step) -> Option<&str> {
    step.text.strip_prefix("CO-ROUTINE ").or_else(|| step.text.strip_prefix("MATERIALIZE "))
}

fn is_loop(step: &Step) -> bool {
    step.text.starts_with("SCAN ") && !step.text.contains("CONSTANT ROW") || step.text.starts_with("SEARCH ")
}

/// Whether a step runs for each row of another one.
fn is_repeated(steps: &[Step], step: &Step) -> bool {
    let parent = steps.iter().find(|other| other.id == step.parent);
    parent.is_some_and(|parent| parent.text.starts_with("CORRELATED") || is_repeated(steps, parent))
}
