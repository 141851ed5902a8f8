//! `docs/growth.md`: the costs of all lists on the three databases, behind its introduction.

use std::fs;
use std::path::PathBuf;

use sea_orm::DbBackend;

use super::record::{self, Found};

/// What comes before is written by hand.
const BEGIN: &str = "<!-- written by tests/api/growth, GUICHET_GROWTH=write -->\n";
const DATABASES: [DbBackend; 3] = [DbBackend::Sqlite, DbBackend::MySql, DbBackend::Postgres];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/growth.md")
}

/// Writes the tables anew.
pub(super) fn write() {
    let page = fs::read_to_string(file()).unwrap();
    let (introduction, _) = page.split_once(BEGIN).expect("the mark of the tables");
    fs::write(file(), format!("{introduction}{BEGIN}{}", tables())).unwrap();
}

fn tables() -> String {
    let found = DATABASES.map(record::read);
    let mut text = "\n## Every list\n".to_owned();
    let mut list = "";
    for ((of, asks), costs) in &found[0] {
        if of != list {
            list = of;
            text +=
                &format!("\n### {list}\n\n| Asked | SQLite | MariaDB | PostgreSQL |\n|---|---|---|---|\n");
        }
        let kind = (of.clone(), asks.clone());
        let on = |found: &Found, by: &str| {
            let of_kind = found.iter().find(|(known, _)| *known == kind).map(|(_, costs)| costs);
            let cost = of_kind.and_then(|costs| costs.iter().find(|(known, _)| known == by));
            cost.map(|(_, cost)| cost.clone()).unwrap_or_default()
        };
        let rows: Vec<(String, String)> = costs
            .iter()
            .map(|(by, _)| (by.clone(), found.each_ref().map(|found| on(found, by)).join(" | ")))
            .collect();
        for (costs, by) in record::by_cost(&rows) {
            text += &format!("| {asks}: {} | {costs} |\n", by.join(", "));
        }
    }
    text
}

#[test]
fn the_page_has_what_was_found() {
    let page = fs::read_to_string(file()).unwrap();
    let (_, written) = page.split_once(BEGIN).expect("the mark of the tables");
    assert!(
        written == tables(),
        "docs/growth.md is not what tests/api/growth/plans say: run with GUICHET_GROWTH=write"
    );
}
