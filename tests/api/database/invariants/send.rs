//! Sends operations by both APIs, and reads their answers in one form.

use serde_json::{Map, Value as Json, json};
use tokio::sync::Barrier;

use super::book::{Book, Done, text};
use super::operation::{Face, Operation};
use crate::harness::shop::Shop;
use crate::harness::wire::Request;

const REST: &str = "/api/application/";
/// How often a change is tried again that met another state than the one that was read.
const TRIES: u32 = 3;

/// An answer of either API.
#[derive(Debug)]
pub(super) struct Answer {
    /// Status of REST; that of GraphQL's code.
    pub(super) status: u16,
    /// The body, as the API spells it.
    pub(super) body: Json,
}

/// The state of a record that was read before it is changed.
struct Read {
    /// When it was last changed: as a date of HTTP, and as GraphQL spells it.
    changed: [String; 2],
    /// Its counter.
    number: f64,
}

/// Sends an operation, at a meeting with the other clients or alone, and records its answer.
pub(super) async fn send(shop: &Shop, book: &Book, operation: &Operation, mut meeting: Option<&Barrier>) {
    for _ in 0..TRIES {
        let read = if operation.conditional { read(shop, operation).await } else { None };
        let (input, change) = input(operation, read.as_ref());
        if let Some(meeting) = meeting.take() {
            meeting.wait().await;
        }
        let started = book.begin(&operation.tag);
        let answer = ask(shop, operation, &input, read.as_ref()).await;
        let (success, again) = (answer.status < 300, answer.status == 412 || conflicts(&answer));
        let done = Done { started, ended: book.tick(), change, answer };
        book.note(operation, &input, done);
        if success && operation.looked_at {
            look_again(shop, book, operation, started).await;
        }
        if !again {
            break;
        }
    }
}

/// Reads the record that was written.
async fn look_again(shop: &Shop, book: &Book, operation: &Operation, started: u64) {
    let (name, column) = (operation.kind.name.trim_end_matches("Update"), operation.kind.writes.1);
    let Some(id) = operation.id.filter(|_| !column.is_empty()) else { return };
    let query = format!("query($id: ID!) {{ {name}(id: $id) {{ {column} }} }}");
    let answer = shop.graphql(&query, json!({"id": id}), "all").await;
    assert_eq!(answer.get("errors"), None, "{operation:?}");
    // It may have been deleted meanwhile.
    if !answer["data"][name].is_null() {
        book.look_at(operation, started, &text(&answer["data"][name][column]));
    }
}

fn conflicts(answer: &Answer) -> bool {
    answer.status == 409 && answer.body["errors"][0]["message"] == "The record was changed since it was read."
}

/// The input, and the amount by which it changes its counter.
fn input(operation: &Operation, read: Option<&Read>) -> (Json, i64) {
    let (Some(counter), Some(read)) = (operation.counter(), read) else {
        return (operation.input.clone(), 0);
    };
    let mut input = operation.input.clone();
    // A stock below zero would mean without limit.
    let delta = if read.number + operation.delta as f64 >= 0.0 { operation.delta } else { 0 };
    let sum = read.number + delta as f64;
    input[counter] = if sum.fract() == 0.0 { json!(sum as i64) } else { json!(sum) };
    (input, delta)
}

/// Reads the record that is about to be changed: on REST where its answer tells when it was changed, or its body.
async fn read(shop: &Shop, operation: &Operation) -> Option<Read> {
    let (name, id) = (operation.kind.name.trim_end_matches("Update"), operation.id?);
    let counter = match name {
        "customer" => "balance",
        "product" => "stock",
        _ => "databaseId",
    };
    let query = format!("query($id: ID!) {{ {name}(id: $id) {{ updatedAt {counter} }} }}");
    let answer = shop.graphql(&query, json!({"id": id}), "all").await;
    let row = &answer["data"][name];
    let changed = row["updatedAt"].as_str()?;
    let at: chrono::DateTime<chrono::Utc> = changed.parse().expect("a moment");
    let number = row[counter].as_str().map_or_else(|| row[counter].as_f64(), |text| text.parse().ok());
    let changed = [at.format("%a, %d %b %Y %H:%M:%S GMT").to_string(), changed.to_owned()];
    Some(Read { changed, number: number.expect("a number") })
}

async fn ask(shop: &Shop, operation: &Operation, input: &Json, read: Option<&Read>) -> Answer {
    match operation.face {
        Face::Rest => rest(shop, operation, input, read).await,
        Face::GraphQl => graphql(shop, operation, input, read).await,
    }
}

async fn rest(shop: &Shop, operation: &Operation, input: &Json, read: Option<&Read>) -> Answer {
    let (method, path) = operation.kind.rest;
    let id = operation.id.unwrap_or_default().to_string();
    let mut request = Request {
        method: method.to_owned(),
        path: format!("{REST}{}", path.replace("{id}", &id)),
        body: if input.is_null() { Vec::new() } else { input.to_string().into_bytes() },
        ..Request::default()
    };
    let mut header = |name: &str, value: String| request.headers.push((name.to_owned(), value));
    header("Accept", "application/json".to_owned());
    header("Content-Type", "application/json".to_owned());
    header("Authorization", format!("Bearer {}", Shop::key("all")));
    if let Some(read) = read {
        header("If-Unmodified-Since", read.changed[0].clone());
    }
    let answer = shop.send(&request).await;
    Answer { status: answer.status, body: answer.json() }
}

async fn graphql(shop: &Shop, operation: &Operation, input: &Json, read: Option<&Read>) -> Answer {
    let kind = operation.kind;
    let mut variables = Map::new();
    let (mut declared, mut given) = (Vec::new(), Vec::new());
    let mut add = |name: &str, ty: &str, value: Json| {
        declared.push(format!("${name}: {ty}"));
        given.push(format!("{name}: ${name}"));
        variables.insert(name.to_owned(), value);
    };
    if let Some(id) = operation.id {
        add("id", "ID!", id.to_string().into());
    }
    match (kind.input, input) {
        (Some(ty), input) => add("input", &format!("{ty}!"), public(input)),
        (None, Json::Object(fields)) => {
            fields.iter().for_each(|(name, value)| add(name, "Boolean", value.clone()))
        }
        _ => {}
    }
    if let Some(read) = read {
        add("expectedUpdatedAt", "DateTime", read.changed[1].clone().into());
    }
    let (declared, given) = (declared.join(", "), given.join(", "));
    let query = format!("mutation({declared}) {{ {}({given}) {} }}", kind.name, kind.answer);
    let answer = shop.graphql(&query, Json::Object(variables), "all").await;
    let status = answer["errors"][0]["extensions"]["code"].as_str().map_or(200, status);
    let record = || answer["data"][kind.name].as_object()?.values().next().cloned();
    Answer { status, body: if status == 200 { record().unwrap_or_default() } else { answer } }
}

/// Status of a code of GraphQL; those that no operation here may meet count as a failure of the server.
fn status(code: &str) -> u16 {
    match code {
        "NOT_FOUND" => 404,
        "VALIDATION_FAILED" => 422,
        "CONFLICT" => 409,
        "UNAVAILABLE" => 503,
        _ => 500,
    }
}

/// An input in GraphQL's spelling.
fn public(input: &Json) -> Json {
    let Json::Object(fields) = input else { return input.clone() };
    let fields = fields.iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("status" | "related_type", Json::String(word)) => word.to_uppercase().into(),
            ("use_image_as_background", Json::String(word)) => (word == "true").into(),
            (_, Json::Object(_)) => public(value),
            _ => value.clone(),
        };
        (facade::rest::camel(name), value)
    });
    Json::Object(fields.collect())
}
