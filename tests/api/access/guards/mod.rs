//! The guards, proven: every field, change and condition of the schema and every operation of
//! `openapi.json`, tried by everybody. The schema says what each thing needs (`@can`, `@public`), the
//! issue what each caller may do (`caller.rs`): what is answered and what is refused follows from both.
//!
//! The counts and the needs are kept in `docs/guard-matrix.md`. A new field changes that file:
//! `GUICHET_WRITE_DOCS=1 cargo test --test api guards` writes it, for somebody to look at.

mod caller;
mod contract;
mod probe;
mod report;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_graphql::registry::MetaField;
use facade::Ability;
use guichet::platform::config::Config;
use guichet::server::schema;
use serde_json::{Value as Json, json};

use self::caller::{Caller, everybody};
pub(crate) use self::caller::{all_but, with_just};
use self::probe::{Cell, Found, NO_ROW, Operation, Outcome, Part, Probe, operations, probes};
use self::report::Tally;
use crate::harness::rows::changes;
use crate::harness::shop::Shop;
use crate::harness::store::folder;
use crate::harness::walk::{arguments, composite, fields, needs_of};

/// The recorded shop without limits but this one of requests, and with a row of everything within reach of customer 1 and
/// of the staff.
async fn shop(rate_limit: Option<u32>) -> Shop {
    let license = folder().join(format!("guichet_test_{}_license.json", std::process::id()));
    std::fs::write(&license, "{\"expire\": \"31-12-2026\"}").unwrap();
    let shop = Shop::with("fr", |config| {
        (config.rate_limit, config.sign_in_limit, config.cost_limit) = (rate_limit, None, None);
        (config.max_complexity, config.max_depth, config.max_tokens) = (1 << 40, 60, 1 << 20);
        (config.max_aliases, config.max_root_fields) = (1000, 1000);
        (config.bodies.keyless_query, config.bodies.keyless_tokens) = (1 << 20, 1 << 20);
        config.license_file = Some(license);
    })
    .await;
    shop.add_examples().await;
    shop
}

/// What is counted while everything is tried.
struct Trial<'a> {
    shop: &'a Shop,
    tally: Tally,
    /// What nobody in particular is answered where no key is needed.
    public: HashMap<String, Json>,
    /// What somebody had a row to read it from.
    seen: BTreeSet<String>,
}

impl Trial<'_> {
    /// Tries everything in a probe; those that are counted go to the report.
    async fn probe(&mut self, caller: &Caller, probe: &Probe, counted: impl Fn(&Cell) -> bool) {
        let query = probe.query();
        let answer = self.shop.graphql(&query, json!({}), &caller.bearer).await;
        assert!(answer["data"].is_object(), "{query} for {}: {answer}", caller.name);
        let found = Found::new(&answer);
        for cell in probe.cells() {
            let outcome = found.outcome(cell);
            let context = || format!("{} for {}: {:?}", cell.label, caller.name, found.error(cell));
            assert_eq!(outcome, cell.expected(caller), "{}", context());
            if outcome == Outcome::Answered {
                self.answered(caller, cell, &found);
            } else {
                assert!(found.values(cell).iter().all(|value| value.is_null()), "{} leaks", context());
            }
            if counted(cell) {
                self.tally.count(&caller.name, cell.part, &outcome);
            }
        }
    }

    /// What is answered is no defect, and the same for everybody where no key is needed.
    fn answered(&mut self, caller: &Caller, cell: &Cell, found: &Found<'_>) {
        let error = found.error(cell).map_or(&Json::Null, |error| &error["extensions"]);
        let context = format!("{} for {}: {error}", cell.label, caller.name);
        match cell.part {
            Part::Changes => {
                assert!(
                    !["INTERNAL", "UNAVAILABLE"].contains(&error["code"].as_str().unwrap_or("")),
                    "{context}"
                );
                if cell.chain.is_empty() {
                    let first = self.public.entry(cell.label.clone()).or_insert_with(|| error.clone());
                    assert_eq!(first, error, "{context}");
                }
            }
            // The state of a record may forbid an answer, as no product of the recorded shop is configured.
            _ => assert!(error.is_null() || error["code"] == "CONFLICT", "{context}"),
        }
        if !found.values(cell).is_empty() {
            self.seen.insert(cell.label.clone());
        }
    }

    async fn operation(&mut self, caller: &Caller, operation: &Operation) {
        let (outcome, expected) =
            (operation.outcome(self.shop, caller).await, operation.cell.expected(caller));
        assert_eq!(outcome, expected, "{} for {}", operation.cell.label, caller.name);
        self.tally.count(&caller.name, Part::Operations, &outcome);
    }
}

/// Cells by what decides about them.
fn by_guard<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> BTreeMap<Vec<Vec<Ability>>, Vec<&'c Cell>> {
    let mut groups: BTreeMap<_, Vec<&Cell>> = BTreeMap::new();
    for cell in cells.into_iter().filter(|cell| !cell.chain.is_empty()) {
        groups.entry(cell.chain.clone()).or_default().push(cell);
    }
    groups
}

/// Keys that lack just what is needed, and keys that have nothing else.
async fn keys_of(trial: &mut Trial<'_>, cells: &[&Cell]) -> [Vec<Caller>; 2] {
    let cell = cells[0];
    let (guard, shop) = (cell.guard(), trial.shop);
    let mut lacking = Vec::new();
    if !guard.is_empty() {
        lacking.push(with_just(shop, "key without the ability", &all_but(guard)).await);
    }
    let mut just = Vec::new();
    for &ability in guard {
        just.push(with_just(shop, "key with just the ability", &cell.opened_by(ability)).await);
    }
    [lacking, just]
}

#[tokio::test]
async fn everything_is_open_to_those_who_may_and_to_nobody_else() {
    // A limit that is never reached, so that `me { limits }` has something to show.
    let shop = shop(Some(1_000_000)).await;
    let (probes, operations) = (probes(&schema::registry()), operations());
    let callers = everybody(&shop).await;
    let before = shop.rows().await;
    let mut trial =
        Trial { shop: &shop, tally: Tally::default(), public: HashMap::new(), seen: BTreeSet::new() };
    for caller in &callers {
        for operation in &operations {
            trial.operation(caller, operation).await;
        }
        // The changes come last: among them is the end of the session.
        for probe in &probes {
            trial.probe(caller, probe, |_| true).await;
        }
    }
    for probe in &probes {
        for (chain, cells) in by_guard(probe.cells()) {
            let probe = probe.guarded_by(&chain);
            for caller in keys_of(&mut trial, &cells).await.iter().flatten() {
                trial.probe(caller, &probe, |cell| cell.chain == chain).await;
            }
        }
    }
    for operation in &operations {
        for caller in keys_of(&mut trial, &[&operation.cell]).await.iter().flatten() {
            trial.operation(caller, operation).await;
        }
    }
    let written: Vec<String> = changes(&before, &shop.rows().await).iter().map(ToString::to_string).collect();
    assert!(written.is_empty(), "{written:?}");
    let cells: Vec<&Cell> = probes.iter().flat_map(Probe::cells).collect();
    let readable = cells.iter().filter(|cell| cell.part == Part::Fields);
    let unseen: Vec<&str> =
        readable.map(|cell| cell.label.as_str()).filter(|label| !trial.seen.contains(*label)).collect();
    assert!(unseen.is_empty(), "no row shows {unseen:?}");
    let cells: Vec<&Cell> =
        cells.into_iter().chain(operations.iter().map(|operation| &operation.cell)).collect();
    report::keep(&trial.tally, &cells);
    shop.close().await;
}

/// Who may not is error_details the same whatever there is and whatever else is wrong, and costs no statement.
#[tokio::test]
async fn a_refusal_tells_nothing() {
    let shop = shop(None).await;
    let guarded = |cell: &Cell| !cell.guard().is_empty();
    for operation in operations().iter().filter(|operation| guarded(&operation.cell)) {
        let caller = with_just(&shop, &operation.cell.label, &all_but(operation.cell.guard())).await;
        let before = shop.statements();
        let mut error_details = BTreeSet::new();
        for parameter in ["1", NO_ROW, "x"] {
            for query in ["", "?filter[nope]=1&sort=nope&include=nope&page=x"] {
                for body in [None, Some(json!({"name": ["x"], "id": {}}))] {
                    let body = body.filter(|_| !operation.reads());
                    let address = format!("{}{query}", operation.address(parameter));
                    let answer = shop.ask(&operation.method, &address, &caller.bearer, body.as_ref()).await;
                    error_details.insert((answer.0, answer.2.to_string()));
                }
            }
        }
        assert_eq!(error_details.len(), 1, "{}: {error_details:?}", operation.cell.label);
        assert_eq!(shop.statements(), before, "{} is looked up", operation.cell.label);
    }
    let caller = with_just(&shop, "key without abilities", &[]).await;
    for probe in probes(&schema::registry()) {
        let query = probe.query();
        let other = match query.contains(NO_ROW) {
            true => query.replace(NO_ROW, "1"),
            false => query.replace("\"1\"", &format!("\"{NO_ROW}\"")),
        };
        let before = shop.statements();
        let one = shop.graphql(&query, json!({}), &caller.bearer).await;
        let other = shop.graphql(&other, json!({}), &caller.bearer).await;
        assert_eq!((&one["data"], error_details(&one)), (&other["data"], error_details(&other)), "{query}");
        if probe.cells().all(|cell| cell.expected(&caller) != Outcome::Answered) {
            assert_eq!(shop.statements(), before, "{query} is looked up");
        }
    }
    shop.close().await;
}

/// The record that a change answers shows no more than reading it does.
#[tokio::test]
async fn what_a_change_answers_is_guarded_too() {
    let shop = shop(None).await;
    let registry = schema::registry();
    let mut tried = 0;
    for field in fields(&registry, "Mutation") {
        let payload = composite(&registry, &field.ty).unwrap();
        let record =
            fields(&registry, payload).find(|part| part.name != "userErrors" && part.name != "deletedId");
        let Some((part, ty)) = record.and_then(|part| Some((part, composite(&registry, &part.ty)?))) else {
            continue;
        };
        let needs = needs_of(field).unwrap_or_default();
        let is_closed = |below: &&MetaField| {
            needs_of(below)
                .is_some_and(|any| !any.is_empty() && !any.iter().any(|ability| needs.contains(ability)))
        };
        let closed: Vec<&MetaField> = fields(&registry, ty).filter(is_closed).collect();
        let below = closed.iter().map(|below| match composite(&registry, &below.ty) {
            Some(_) => format!(" {} {{ __typename }}", below.name),
            None => format!(" {}", below.name),
        });
        let arguments = arguments(&registry, field);
        let below = below.collect::<String>();
        let query =
            format!("mutation {{ {}{arguments} {{ {} {{ __typename{below} }} }} }}", field.name, part.name);
        let caller = with_just(&shop, &field.name, &needs).await;
        let answer = shop.graphql(&query, json!({}), &caller.bearer).await;
        let Some(record) = answer["data"][&field.name][&part.name].as_object() else { continue };
        for below in closed {
            let path = json!([field.name, part.name, below.name]);
            let errors = answer["errors"].as_array().into_iter().flatten();
            let error = errors.into_iter().find(|error| error["path"] == path);
            let code = error.map(|error| &error["extensions"]["code"]);
            assert_eq!(code, Some(&json!("FORBIDDEN")), "{query}: {answer}");
            assert!(record[&below.name].is_null(), "{query}: {answer}");
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    shop.close().await;
}

/// What the errors of an answer say, without where they stand in the document.
/// A key that has just what an operation needs may do it: nothing is written and then refused.
#[tokio::test]
async fn changes_are_answered_to_keys_that_have_just_what_they_need() {
    let unlimited = |config: &mut Config| (config.rate_limit, config.cost_limit) = (None, None);
    let shop = Shop::with("fr", unlimited).await;
    let mut tried = 0;
    for operation in operations() {
        let (Some(body), Some(guard)) = (&operation.example, &operation.cell.own) else { continue };
        for &ability in guard {
            let caller = with_just(&shop, "key with just the ability", &[ability]).await;
            let (status, _, answer) =
                shop.ask(&operation.method, &operation.address("1"), &caller.bearer, Some(body)).await;
            assert!(
                status != 403 && status < 500,
                "{} with {ability}: {status} {answer}",
                operation.cell.label
            );
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    shop.close().await;
}

fn error_details(answer: &Json) -> Vec<Json> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.map(|error| json!([error["message"], error["path"], error["extensions"]])).collect()
}

/// Relations that an operation includes are shown to whoever may use it (`lends`), and where includes are
/// strict, to whoever may see them: the rows, their number, and whether there are any.
#[tokio::test]
async fn strict_includes_need_the_ability_of_what_is_included() {
    let strict = Shop::with("fr", |config| (config.rate_limit, config.strict_includes) = (None, true)).await;
    let mut tried = 0;
    for operation in contract::inclusions(&schema::internal_registry()) {
        for (name, needs) in &operation.includes {
            let everything = operation.lends.iter().chain(operation.needs.first()).chain(needs.first());
            let with: Vec<Ability> = everything.copied().collect();
            let without: Vec<Ability> =
                with.iter().copied().filter(|ability| !needs.contains(ability)).collect();
            let address = format!("{}?include={name}", operation.address);
            for (abilities, expected) in [(without, if needs.is_empty() { 200 } else { 403 }), (with, 200)] {
                let caller = with_just(&strict, name, &abilities).await;
                let (status, _, body) = strict.get(&address, &caller.bearer).await;
                assert_eq!(status, expected, "{address} with {abilities:?}: {body}");
            }
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
    strict.close().await;
}
