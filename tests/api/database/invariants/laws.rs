//! The invariants that hold after any operations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::book::{Book, Success, text};
use super::operation::{PURSES, STOCKED};
use crate::harness::rows::{Row, Snapshot};
use crate::harness::store::DATA;

const SERVICE: &str = "App\\Models\\Provisioning\\Service";
/// Tables of records that carry metadata, by the original's name of their kind.
const OWNERS: [(&str, &str); 4] = [
    ("App\\Models\\Account\\Customer", "customers"),
    ("App\\Models\\Store\\Group", "groups"),
    ("App\\Models\\Store\\Product", "products"),
    (SERVICE, "services"),
];

/// A table's rows, by key.
struct Rows<'a> {
    columns: &'a [String],
    rows: BTreeMap<i64, &'a Row>,
}

impl<'a> Rows<'a> {
    fn of(snapshot: &'a Snapshot, table: &str) -> Self {
        let rows = snapshot[table].iter().map(|(key, row)| (key.parse().unwrap(), row)).collect();
        Self { columns: &DATA[table].columns, rows }
    }

    fn cell(&self, row: &'a Row, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|name| name == column);
        row[at.unwrap_or_else(|| panic!("no column {column}"))].as_deref()
    }

    fn get(&self, key: i64, column: &str) -> Option<&'a str> {
        self.cell(self.rows.get(&key)?, column)
    }

    fn number(&self, key: i64, column: &str) -> f64 {
        self.get(key, column)
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("no {column} of {key}"))
    }

    fn key(&self, row: &'a Row, column: &str) -> Option<i64> {
        self.cell(row, column)?.parse().ok()
    }

    fn is_live(&self, key: i64) -> bool {
        self.rows.contains_key(&key) && self.get(key, "deleted_at").is_none()
    }
}

/// The invariants of the rows alone, at any moment.
pub(super) fn of_structure(book: &Book, rows: &Snapshot) {
    groups_are_a_forest(rows);
    for (table, column) in
        [("groups", "slug"), ("customers", "email"), ("services", "uuid"), ("invoices", "uuid")]
    {
        is_unique(rows, table, &[column]);
    }
    is_unique(rows, "metadata", &["model_type", "model_id", "key"]);
    metadata_have_owners(rows);
    the_deleted_are_alone(book, rows);
    the_log_tells_states(book, rows);
}

fn groups_are_a_forest(rows: &Snapshot) {
    let groups = Rows::of(rows, "groups");
    for (key, row) in groups.rows.iter().filter(|(key, _)| groups.is_live(**key)) {
        let (mut above, mut seen) = (groups.key(row, "parent_id"), BTreeSet::from([*key]));
        while let Some(parent) = above {
            assert!(groups.is_live(parent), "group {key} is below {parent}, which is deleted");
            assert!(seen.insert(parent), "group {key} is below itself: {seen:?}");
            above = groups.key(groups.rows[&parent], "parent_id");
        }
    }
}

fn is_unique(rows: &Snapshot, table: &str, columns: &[&str]) {
    let rows = Rows::of(rows, table);
    let mut seen = HashMap::new();
    for (key, row) in &rows.rows {
        let value: Vec<_> =
            columns.iter().map(|column| rows.cell(row, column).map(str::to_lowercase)).collect();
        if let Some(other) = seen.insert(value.clone(), key).filter(|_| value.iter().all(Option::is_some)) {
            panic!("{table} {other} and {key} have the same {columns:?}: {value:?}");
        }
    }
}

fn metadata_have_owners(rows: &Snapshot) {
    let metadata = Rows::of(rows, "metadata");
    for (model, table) in OWNERS {
        let owners = Rows::of(rows, table);
        for row in metadata.rows.values().filter(|row| metadata.cell(row, "model_type") == Some(model)) {
            let owner = metadata.key(row, "model_id").unwrap();
            assert!(owners.is_live(owner), "{table} {owner} is deleted and has {row:?}");
        }
    }
}

/// A deleted customer has no personal data.
fn the_deleted_are_alone(book: &Book, rows: &Snapshot) {
    let (customers, start) = (Rows::of(rows, "customers"), Rows::of(&book.start, "customers"));
    let left =
        [("invoices", "customer_id"), ("support_tickets", "customer_id"), ("email_messages", "recipient_id")];
    for (table, column) in left {
        let columns = columns_of(table);
        let at = columns.iter().position(|name| *name == column).unwrap();
        for (key, row) in &rows[table] {
            let owner = row[at].as_deref().and_then(|text| text.parse().ok());
            assert!(
                owner.is_none_or(|owner| !is_deleted(&customers, &start, owner)),
                "{table} {key} of the deleted {owner:?}"
            );
        }
    }
    for key in customers.rows.keys().filter(|key| is_deleted(&customers, &start, **key)) {
        let email = customers.get(*key, "email").unwrap();
        assert_eq!(email, format!("deleted-{key}@clientxcms.com"), "a deleted customer");
        assert_eq!(customers.get(*key, "city"), Some("Deleted"), "customer {key}");
        assert_eq!(customers.number(*key, "balance"), 0.0, "customer {key}");
    }
}

/// Whether a record was deleted since the start.
fn is_deleted(now: &Rows<'_>, start: &Rows<'_>, key: i64) -> bool {
    !now.is_live(key) && (start.is_live(key) || !start.rows.contains_key(&key))
}

/// A table's columns, in the order of the schema.
fn columns_of(table: &str) -> Vec<&'static str> {
    crate::harness::rows::SCHEMA[table].names().collect()
}

/// The entries of the log about a service since the start, in their order.
fn story<'a>(book: &Book, rows: &'a Snapshot) -> BTreeMap<i64, Vec<(&'a str, Json)>> {
    let logs = Rows::of(rows, "action_logs");
    let old = &book.start["action_logs"];
    let mut story: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for row in logs.rows.iter().filter(|(key, _)| !old.contains_key(&key.to_string())).map(|(_, row)| row) {
        assert_eq!(logs.cell(row, "model"), Some(SERVICE), "{row:?}");
        let payload = serde_json::from_str(logs.cell(row, "payload").unwrap()).unwrap();
        let reported = (logs.cell(row, "action").unwrap(), payload);
        story.entry(logs.key(row, "model_id").unwrap()).or_default().push(reported);
    }
    story
}

/// Each entry of the log starts from the status that the one before led to, and the last one leads to that of the row.
fn the_log_tells_states(book: &Book, rows: &Snapshot) {
    let (services, start) = (Rows::of(rows, "services"), Rows::of(&book.start, "services"));
    let mut story = story(book, rows);
    for key in start.rows.keys() {
        let mut state = start.get(*key, "status").unwrap();
        let reported = story.remove(key).unwrap_or_default();
        for (action, _) in &reported {
            let (next, fits) = match *action {
                "service_suspended" => ("suspended", state == "active"),
                "service_unsuspended" => ("active", true),
                "service_expired" => ("expired", !["expired", "cancelled", "hidden"].contains(&state)),
                "service_cancelled" => ("cancelled", true),
                other => panic!("service {key}: {other} in the log"),
            };
            assert!(fits, "service {key}: {action} of one that is {state}: {reported:?}");
            state = next;
        }
        assert_eq!(services.get(*key, "status"), Some(state), "service {key}: {reported:?}");
    }
    assert!(story.is_empty(), "the log tells of services that are not there: {story:?}");
}

/// Every write that was answered is in the rows, and none that was refused.
pub(super) fn of_answers(book: &Book, rows: &Snapshot) {
    nothing_refused_is_there(book, rows);
    the_last_answer_stands(book, rows);
    sums_are_right(book, rows);
    the_log_tells_answers(book, rows);
    children_are_explained(book, rows);
}

fn nothing_refused_is_there(book: &Book, rows: &Snapshot) {
    for (table, rows) in rows {
        for cell in rows.values().flatten().flatten() {
            for tag in cell.match_indices("tag-").map(|(at, _)| &cell[at..]) {
                let end = tag.match_indices('-').nth(2).expect("a whole tag").0;
                assert!(!book.was_refused(&tag[..=end]), "{table} holds {cell}, which was refused");
            }
        }
    }
}

/// The value of a column was written by a success that no other success certainly followed.
fn the_last_answer_stands(book: &Book, rows: &Snapshot) {
    let successes = book.successes();
    let mut written: HashMap<_, Vec<&Success>> = HashMap::new();
    for success in successes.iter().filter(|success| !success.column.is_empty()) {
        written.entry((success.table, success.column, success.id)).or_default().push(success);
    }
    for ((table, column, id), writers) in written {
        let rows = Rows::of(rows, table);
        if !rows.is_live(id) && rows.get(id, column) == Some("Deleted") {
            continue;
        }
        let found = text(&Json::from(rows.get(id, column).unwrap_or_else(|| panic!("no {table} {id}"))));
        let writer = writers.iter().find(|writer| writer.tag == found);
        let writer = writer.unwrap_or_else(|| panic!("nobody has written {found} to {table} {id}.{column}"));
        let later = writers.iter().find(|other| other.started > writer.ended);
        assert!(
            later.is_none(),
            "{table} {id}.{column} is {found}, not {}",
            later.map_or("", |later| &later.tag)
        );
    }
}

/// Balance and stock: start, what was added by those who had read it, and what expired services gave back.
fn sums_are_right(book: &Book, rows: &Snapshot) {
    let services = Rows::of(&book.start, "services");
    for (table, column, records) in [("customers", "balance", PURSES), ("products", "stock", STOCKED)] {
        let (before, after) = (Rows::of(&book.start, table), Rows::of(rows, table));
        for id in records {
            let successes = book.successes();
            let changes = successes.iter().filter(|success| success.table == table && success.id == id);
            let changed: i64 = changes.map(|success| success.change).sum();
            let expired = successes.iter().filter(|success| {
                let product = services.get(success.id, "product_id").map(|text| text.parse::<i64>().unwrap());
                success.name == "serviceExpire" && success.acted && table == "products" && product == Some(id)
            });
            let expected = before.number(id, column) + changed as f64 + expired.count() as f64;
            let found = after.number(id, column);
            // Balances are floats.
            let fits = (found - expected).abs() < 0.001;
            assert!(fits, "{column} of {table} {id} is {found}, not {expected}: changed by {changed}");
        }
    }
}

/// The log has each action that was answered as done once, and no other.
fn the_log_tells_answers(book: &Book, rows: &Snapshot) {
    let story = story(book, rows);
    let successes = book.successes();
    let done = |name: &'static str, id: i64| {
        successes.iter().filter(move |one| one.name == name && one.id == id && one.acted)
    };
    for id in book.start["services"].keys().map(|key| key.parse::<i64>().unwrap()) {
        let reported = story.get(&id).map_or(&[][..], Vec::as_slice);
        let count = |action: &str| reported.iter().filter(|(known, _)| *known == action).count();
        assert_eq!(count("service_expired"), done("serviceExpire", id).count(), "service {id}: {reported:?}");
        assert!(
            count("service_unsuspended") >= done("serviceUnsuspend", id).count(),
            "service {id}: {reported:?}"
        );
        let reasons: Vec<&str> =
            reported.iter().filter_map(|(_, payload)| payload["reason"].as_str()).collect();
        let (own, others): (Vec<&str>, Vec<&str>) =
            reasons.iter().partition(|reason| reason.starts_with("tag-"));
        let mut answered: Vec<&str> = done("serviceSuspend", id).map(|one| one.tag.as_str()).collect();
        let mut own = own;
        answered.sort_unstable();
        own.sort_unstable();
        assert_eq!(own, answered, "suspensions of service {id}");
        let known = ["Customer suspended", "Customer banned"];
        let cancelled = count("service_cancelled");
        let odd = others.iter().filter(|reason| !known.contains(reason)).count();
        assert!(odd <= cancelled, "service {id}: {others:?}");
    }
}

/// Records below a deleted record were put there after the deletion, which the contract allows.
fn children_are_explained(book: &Book, rows: &Snapshot) {
    let below = [("products", "group_id", "groups"), ("pricings", "related_id", "products")];
    let successes = book.successes();
    for (table, column, parents) in below {
        let (children, start) = (Rows::of(rows, table), Rows::of(&book.start, parents));
        let parents = Rows::of(rows, parents);
        for (key, row) in children.rows.iter().filter(|(key, _)| children.is_live(**key)) {
            let parent = children.key(row, column).unwrap();
            let of_products = table != "pricings" || children.cell(row, "related_type") == Some("product");
            if !of_products || !is_deleted(&parents, &start, parent) {
                continue;
            }
            let name = if table == "products" { "groupDelete" } else { "productDelete" };
            let deleted =
                successes.iter().find(|one| one.name == name && one.id == parent).expect("a deletion");
            let moved = successes.iter().any(|one| {
                one.table == table
                    && one.id == *key
                    && one.input[column] == parent
                    && one.ended > deleted.started
            });
            assert!(moved, "{table} {key} is below {parent}, which was deleted");
        }
    }
    services_of_the_deleted_were_hidden(book, rows);
}

fn services_of_the_deleted_were_hidden(book: &Book, rows: &Snapshot) {
    let (services, customers) = (Rows::of(rows, "services"), Rows::of(rows, "customers"));
    let (start, owners) = (Rows::of(&book.start, "services"), Rows::of(&book.start, "customers"));
    for (key, row) in services.rows.iter().filter(|(key, _)| services.is_live(**key)) {
        let owner = services.key(row, "customer_id").unwrap();
        let hidden = start.get(*key, "status") == Some("hidden");
        assert!(
            !is_deleted(&customers, &owners, owner) || hidden,
            "service {key} of the deleted customer {owner}"
        );
    }
}
