//! The attacks on GraphQL that must be refused before anything is looked up. Here they are measured;
//! `tests/api/graphql/limits.rs` sends the same ones and counts SQL statements.

use std::fmt::Write as _;

use serde_json::json;

/// A malicious request.
pub struct Attack {
    /// Its description.
    pub name: &'static str,
    /// The body of the request.
    pub body: Vec<u8>,
    /// The code that it is refused with.
    pub code: &'static str,
    /// The exceeded limit, as the refusal names it; empty where it names none.
    pub limit: &'static str,
    /// The HTTP status of the refusal.
    pub status: u16,
}

impl Attack {
    fn query(name: &'static str, query: &str, code: &'static str, limit: &'static str) -> Self {
        let status = if code == "QUERY_TOO_LONG" { 413 } else { 400 };
        Self { name, body: json!({ "query": query }).to_string().into_bytes(), code, limit, status }
    }
}

/// All of them.
pub fn attacks() -> Vec<Attack> {
    let names = repeated(100_000, |text, _| text.push_str("name "));
    let letters = "x".repeat(10 << 20);
    let batch = json!(vec![json!({ "query": "{ health { status } }" }); 100]);
    vec![
        Attack::query("1,000 aliases", &aliases(1000), "QUERY_TOO_LONG", "tokens"),
        Attack::query("depth 500", &deep(500), "QUERY_TOO_DEEP", "brackets"),
        Attack::query(
            "100,000 tokens",
            &format!("{{ products {{ nodes {{ {names}}} }} }}"),
            "QUERY_TOO_LONG",
            "tokens",
        ),
        Attack::query("circular fragments", CIRCULAR, "GRAPHQL_VALIDATION_FAILED", ""),
        Attack::query(
            "introspection nested 20 times",
            &introspection(20),
            "QUERY_TOO_DEEP",
            "introspectionDepth",
        ),
        Attack::query(
            "30 long aliases on each type of a field of the schema",
            &long_aliases(30),
            "ANSWER_TOO_LARGE",
            "introspection",
        ),
        Attack::query(
            "a 10 MB query",
            &format!("{{ health {{ status }} }} #{letters}"),
            "QUERY_TOO_LONG",
            "bytes",
        ),
        Attack {
            name: "100 batched queries",
            body: batch.to_string().into_bytes(),
            code: "BATCH_NOT_ALLOWED",
            limit: "",
            status: 400,
        },
    ]
}

/// Two fragments that spread each other.
const CIRCULAR: &str = "{ products { nodes { ...A } } } fragment A on Product { group { ...B } } \
                        fragment B on Group { products { ...A } }";

/// A query of one root field with so many aliases.
pub fn aliases(count: usize) -> String {
    let names = repeated(count, |text, at| {
        // Writing to a text does not fail.
        let _ = write!(text, " a{at}: products(perPage: 1) {{ totalCount }}");
    });
    format!("{{{names} }}")
}

/// `{ products { nodes { group { products { group { … name` so many levels deep.
pub fn deep(levels: usize) -> String {
    let inner = "group { products { ".repeat(levels / 2);
    format!("{{ products {{ nodes {{ {inner} name {} }} }}", "} }".repeat(levels / 2) + "}")
}

/// An introspection query whose fields and types nest so many levels.
pub fn introspection(levels: usize) -> String {
    let (open, close) = ("fields { type { ".repeat(levels), "} }".repeat(levels));
    format!("{{ __schema {{ types {{ {open} name {close} }} }} }}")
}

/// An introspection query whose answer has few parts, and is long by its aliases.
fn long_aliases(count: usize) -> String {
    let letters = "y".repeat(250);
    let aliases = repeated(count, |text, at| {
        // Writing to a text does not fail.
        let _ = write!(text, " x{at}{letters}: isOneOf");
    });
    format!("{{ __schema {{ types {{ fields {{ type {{{aliases} }} }} }} }} }}")
}

fn repeated(count: usize, write: impl Fn(&mut String, usize)) -> String {
    (0..count).fold(String::new(), |mut text, at| {
        write(&mut text, at);
        text
    })
}
