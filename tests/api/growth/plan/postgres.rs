//! PostgreSQL's `EXPLAIN (FORMAT JSON)`: a tree of nodes.

use sea_orm::{DbErr, QueryResult};
use serde_json::Value as Json;

use super::Plan;

/// A table of fewer rows is read whole because that is quicker than by its index.
const FEW_ROWS: f64 = 100.0;

/// What runs a node.
#[derive(Clone, Copy, Default)]
struct Place {
    /// It runs again for each row of another node.
    is_repeated: bool,
    /// What is above ends it when the page is full.
    is_limited: bool,
}

pub(super) fn read(rows: &[QueryResult]) -> Result<(Plan, String), DbErr> {
    let told: Json = rows[0].try_get_by_index(0)?;
    let mut plan = Plan::default();
    walk(&told[0]["Plan"], Place::default(), &mut plan);
    Ok((plan, outline(&told[0]["Plan"], 0)))
}

fn walk(node: &Json, place: Place, plan: &mut Plan) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let reads_whole_index = kind.starts_with("Index") && node["Index Cond"].is_null();
    if kind == "Seq Scan" || reads_whole_index {
        if place.is_repeated && node["Plan Rows"].as_f64().unwrap_or_default() >= FEW_ROWS {
            plan.repeats = Some(format!("{kind} of {}", node["Relation Name"]));
        } else if place.is_limited {
            plan.walks = true;
        } else {
            plan.scans.push(node["Relation Name"].to_string());
        }
    }
    plan.sorts |= kind == "Sort";
    for (at, child) in node["Plans"].as_array().into_iter().flatten().enumerate() {
        walk(child, place.below(node, kind, child, at), plan);
    }
}

impl Place {
    fn below(self, node: &Json, kind: &str, child: &Json, at: usize) -> Self {
        let parent = child["Parent Relationship"].as_str().unwrap_or_default();
        let is_inner =
            kind == "Nested Loop" && parent == "Inner" && at > 0 && !is_single_row(&node["Plans"][0]);
        // A hashed subplan is made once.
        let is_hashed = node.to_string().contains("hashed SubPlan");
        let is_subplan = parent == "SubPlan" && !is_hashed;
        let is_made_once = ["Materialize", "Hash"].contains(&kind);
        let reads_all = ["Sort", "Aggregate", "Hash", "HashAggregate", "BitmapAnd"].contains(&kind);
        Self {
            is_repeated: (self.is_repeated || is_inner || is_subplan) && !is_made_once,
            is_limited: (self.is_limited || kind == "Limit") && !reads_all,
        }
    }
}

/// Whether a node has one row always: an aggregate without groups, or what such a one has left.
fn is_single_row(node: &Json) -> bool {
    match node["Node Type"].as_str().unwrap_or_default() {
        "CTE Scan" => node["Plan Rows"] == 1,
        "Aggregate" => node["Group Key"].is_null(),
        "Subquery Scan" => is_single_row(&node["Plans"][0]),
        _ => false,
    }
}

/// The nodes, indented.
fn outline(node: &Json, depth: usize) -> String {
    let name = |key: &str| node[key].as_str().unwrap_or_default();
    let line = format!(
        "{}{} {} {} {}\n",
        "  ".repeat(depth),
        name("Node Type"),
        name("Relation Name"),
        name("Index Name"),
        name("Index Cond")
    );
    let below = node["Plans"].as_array().into_iter().flatten().map(|child| outline(child, depth + 1));
    line + &below.collect::<String>()
}
