//! Compares the answers of the servers. Cases with different answers are not measured.

use std::process::Command;

use serde_json::Value;

use crate::case::{BenchRequest, Case, ServerSet};
use crate::load::{self, Answer};
use crate::server::{Server, ServerKind, peers};
use crate::shop::CREATED_PREFIX;

/// Fields of a new customer that differ between requests.
const OWN_FIELDS: [&str; 3] = ["id", "email", "created_at"];

/// Why the answers to a case differ, if they do.
pub fn difference(case: &Case, servers: &[&Server]) -> Option<String> {
    let asked = || servers.iter().copied().filter(|server| case.includes(server.kind));
    let mut alike = asked().filter(|server| server.kind != ServerKind::PostGraphile);
    let first = alike.next()?;
    for question in case.questions {
        let expected = load::once(&question.of(first));
        if !is_answered(&expected) {
            return Some(format!("{}: {}", first.kind.name(), text(&expected)));
        }
    }
    if case.asked == ServerSet::Alone {
        return None;
    }
    let question = case.questions[0];
    let expected = load::once(&question.of(first));
    let differs = alike.find_map(|other| {
        let found = load::once(&question.of(other));
        let what = differs(question, (first, &expected), (other, &found))?;
        Some(format!("{}: {what}", other.kind.name()))
    });
    differs.or_else(|| {
        let foreign = asked().find(|server| server.kind == ServerKind::PostGraphile)?;
        differs_by_program(question, first, foreign)
    })
}

fn is_answered(answer: &Answer) -> bool {
    matches!(answer.status, 200 | 201) && !answer.body.starts_with(b"{\"errors\"")
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).chars().take(400).collect()
}

/// What differs: the status, the names of the headers (of the yardstick; peers have their own), the text.
fn differs(
    question: BenchRequest,
    (server, expected): (&Server, &Answer),
    (other, found): (&Server, &Answer),
) -> Option<String> {
    if expected.status != found.status {
        return Some(format!("{} is {}: {}", expected.status, found.status, text(found)));
    }
    if !other.kind.is_peer() && expected.header_names() != found.header_names() {
        return Some(format!("{:?} are {:?}", expected.header_names(), found.header_names()));
    }
    let (expected, found) =
        (comparable_text(question, server, expected), comparable_text(question, other, found));
    if expected == found {
        return None;
    }
    let letters = expected.chars().zip(found.chars());
    let same = letters.take_while(|(own, theirs)| own == theirs).count();
    let around = |text: &str| text.chars().skip(same.saturating_sub(40)).take(120).collect::<String>();
    Some(format!("`{}` is `{}`", around(&expected), around(&found)))
}

/// The answer without parts that must differ: the server's address, and the own fields of a new customer.
fn comparable_text(question: BenchRequest, server: &Server, answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text = text.replace(&format!("127.0.0.1:{}", server.port), "host");
    // Peers escape other characters, so the JSON is parsed; the order of fields is compared.
    let Ok(mut value) = serde_json::from_str::<Value>(&text) else { return text };
    if question == BenchRequest::NewCustomer {
        remove_own_fields(&mut value);
    }
    value.to_string()
}

fn remove_own_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if OWN_FIELDS.contains(&name.as_str())
                    || value.as_str().is_some_and(|text| text.contains(CREATED_PREFIX))
                {
                    *value = Value::Null;
                } else {
                    remove_own_fields(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(remove_own_fields),
        _ => {}
    }
}

/// Compares the answer of a peer whose JSON has another form, with the peer's own program.
fn differs_by_program(question: BenchRequest, server: &Server, peer: &Server) -> Option<String> {
    let BenchRequest::Document(name) = question else { return None };
    let mut command = Command::new("node");
    command.current_dir(peers()).args([
        "compare.mjs",
        &server.url(),
        &server.key,
        &peer.url(),
        "postgraphile",
    ]);
    let told = command.output().map_err(|error| error.to_string());
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = match &told {
        Ok(told) => told.lines().find_map(|line| line.strip_prefix(&format!("{name}.graphql: "))),
        Err(error) => Some(error.as_str()),
    };
    let line = line.unwrap_or("compare.mjs says nothing");
    (!line.starts_with("the same")).then(|| format!("{}: {line}", peer.kind.name()))
}
