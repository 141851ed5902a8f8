//! Attacks on GraphQL, beside those of `attack.rs`, whose exact refusals are tested.

use std::sync::Arc;

use bench::wire::Request;

use crate::attack::{Attack, attacks};
use crate::body::{MULTIPART, multipart, query, zeros};
use crate::case::{Api, Case, Refusal};
use crate::document::{INTROSPECTION, dear};

const PATH: &str = "/graphql";
/// Slightly less than the maximum size of a request without files.
const MAX_WITHOUT_FILES: usize = (1 << 20) - 1024;
/// Slightly less than the maximum size of a request with files.
const MAX_WITH_FILES: usize = (8 << 20) - 4096;
/// Small enough for all callers.
const SMALL: usize = 60_000;
/// More than any request may announce.
const TOO_LARGE: usize = (9 << 20) + 1;

/// Allowed statuses, whether the request is read and well-formed or not.
const ANY_STATUS: &[u16] = &[200, 400, 401, 413, 415, 431];
/// Allowed statuses of requests that are refused for all callers.
const REFUSED_STATUS: &[u16] = &[400, 401, 413, 431];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = attacks().into_iter().map(told).collect();
    cases.extend(
        [("1 MB", MAX_WITHOUT_FILES), ("60 KB", SMALL)]
            .into_iter()
            .flat_map(|(size, bytes)| texts(size, bytes)),
    );
    cases.extend(
        [("8 MB", MAX_WITH_FILES), ("60 KB", SMALL)].into_iter().flat_map(|(size, bytes)| files(size, bytes)),
    );
    cases.extend(addresses());
    cases.extend(multiplied());
    cases.extend(dear().into_iter().map(|(name, text)| case(name, post(query(&text)), ANY_STATUS)));
    cases.push(case("the usual introspection", post(query(INTROSPECTION)), &[200]));
    cases.push(announced());
    cases
}

fn told(attack: Attack) -> Case {
    let refusal = Refusal { code: attack.code, limit: attack.limit };
    let known: &[u16] = if attack.status == 413 { &[413] } else { &[400] };
    Case { refusal: Some(refusal), known, ..case(attack.name, post(Arc::new(attack.body)), REFUSED_STATUS) }
}

/// Requests in JSON of a size.
fn texts(size: &str, bytes: usize) -> Vec<Case> {
    let strings = "\"\" ".repeat(4900);
    // In JSON, each quotation mark has two bytes.
    let blanks = " ".repeat(bytes - strings.len() - 2 * 4900 - 100);
    let lists = zeros(bytes - 100);
    let body = |text: String| post(Arc::new(text.into_bytes()));
    vec![
        case(
            format!("4,900 empty texts and blanks, {size}"),
            post(query(&format!("{{ a(b: {strings}{blanks}"))),
            REFUSED_STATUS,
        ),
        case(
            format!("`variables` of zeros, {size}"),
            body(format!(r#"{{"query":"{{ health {{ status }} }}","variables":{{"a":{lists}}}}}"#)),
            ANY_STATUS,
        ),
        case(
            format!("`extensions` of zeros, {size}"),
            body(format!(r#"{{"query":"{{ health {{ status }} }}","extensions":{{"a":{lists}}}}}"#)),
            ANY_STATUS,
        ),
        case(
            format!("JSON beside the known fields, {size}"),
            body(format!(r#"{{"query":"","a":{lists}}}"#)),
            ANY_STATUS,
        ),
    ]
}

/// Requests with a file, whose `operations` or `map` is of a size.
fn files(size: &str, bytes: usize) -> Vec<Case> {
    let room = bytes - 1000;
    let operation = |rest: &str| format!(r#"{{"query":"{{ health {{ status }} }}","variables":{{{rest}}}}}"#);
    let entries = format!(r#"{{"0":["variables.a"{}]}}"#, r#","variables.a""#.repeat(room / 14));
    let (one, map) = (operation(r#""a":null"#), r#"{"0":["variables.a"]}"#);
    let [blanks, letters] = [" ", "x"].map(|letter| letter.repeat(room));
    let parts = [
        ("`operations` with blanks", multipart(&format!("{blanks}{one}"), map)),
        ("`operations` with a text", multipart(&operation(&format!(r#""a":null,"b":"{letters}""#)), map)),
        ("`operations` with zeros", multipart(&operation(&format!(r#""a":null,"b":{}"#, zeros(room))), map)),
        ("`map` with blanks", multipart(&one, &format!("{blanks}{map}"))),
        ("`map` with places", multipart(&one, &entries)),
    ];
    let request = |body| {
        let request = Request::new("POST", PATH).header("GraphQL-Require-Preflight", "1");
        request.body(MULTIPART, body)
    };
    parts.map(|(name, body)| case(format!("{name}, {size}"), request(body), ANY_STATUS)).into()
}

/// Documents in which something long occurs many times.
fn multiplied() -> Vec<Case> {
    let types = |alias: &str| {
        let all = "fields { type { ...T } args { type { ...T } } } inputFields { type { ...T } }";
        format!("{{ __schema {{ types {{ ...T {all} }} }} }} fragment T on __Type {{ {alias}: name }}")
    };
    let list = |value: &str, times: usize| {
        format!("products(filter: {{ name: {{ in: [{}] }} }}) {{ totalCount }}", value.repeat(times))
    };
    let copied = |times: usize, bytes: usize| {
        let query = format!("query($v: String!) {{ {} }}", list("$v ", times));
        let body = format!(r#"{{"query":"{query}","variables":{{"v":"{}"}}}}"#, "s".repeat(bytes));
        post(Arc::new(body.into_bytes()))
    };
    let compared = |times: usize, comparisons: usize| {
        let lists: String =
            (0..times).map(|number| format!("p{number}: products(filter: $f) {{ totalCount }} ")).collect();
        let condition = format!(r#"{{"name":{{"contains":"{}"}}}}"#, "s".repeat(200));
        let conditions = vec![condition; comparisons].join(",");
        let query = format!("query($f: ProductFilter) {{ {lists} }}");
        let body = format!(r#"{{"query":"{query}","variables":{{"f":{{"or":[{conditions}]}}}}}}"#);
        post(Arc::new(body.into_bytes()))
    };
    let unknown: String = (0..460).map(|number| format!("$x{number} ")).collect();
    let named = format!("query {} {{ {} }}", "o".repeat(SMALL - 4000), list(&unknown, 1));
    vec![
        case(
            "an alias of 59 KB in the schema",
            post(query(&types(&"a".repeat(SMALL - 1000)))),
            REFUSED_STATUS,
        ),
        case("an alias of 256 letters in the schema", post(query(&types(&"a".repeat(256)))), ANY_STATUS),
        case("a long name and 460 variables", post(query(&named)), REFUSED_STATUS),
        case("a text of 55 KB used 450 times", copied(450, SMALL - 5000), REFUSED_STATUS),
        case("a text of 900 KB used 1,000 times", copied(1000, 900_000), REFUSED_STATUS),
        case("a text of 900 KB used twice", copied(2, 900_000), ANY_STATUS),
        case("190 comparisons in a variable, used 150 times", compared(150, 190), REFUSED_STATUS),
        case("5,000 comparisons in a variable, used 150 times", compared(150, 5000), REFUSED_STATUS),
        case("190 comparisons in a variable, used once", compared(1, 190), ANY_STATUS),
        case("15,000 media types", accepting(&format!("text/html{}", ",a".repeat(15_000))), &[406]),
        case(
            "20,000 comments",
            post(query(&format!("{{ health {{ status }} {} }}", "#\n".repeat(19_000)))),
            REFUSED_STATUS,
        ),
        case(
            "4,900 comments",
            post(query(&format!("{{ health {{ status }} {} }}", "#\n".repeat(4900)))),
            ANY_STATUS,
        ),
    ]
}

/// Queries in the URL, with its maximum length.
fn addresses() -> Vec<Case> {
    let texts = r#""""#.repeat(SMALL / 8);
    let get = |parameters: &str| {
        let encoded: String = parameters.chars().map(encode).collect();
        Request::new("GET", &format!("{PATH}?{encoded}"))
    };
    let health = "query={health{status}}";
    vec![
        case("`GET`: empty texts", get(&format!("query={{a(b:{texts}")), REFUSED_STATUS),
        case("`GET`: blanks", get(&format!("{health}{}", "+".repeat(SMALL))), ANY_STATUS),
        case(
            "`GET`: `variables` of zeros",
            get(&format!("{health}&variables={{\"a\":{}}}", zeros(SMALL / 2))),
            ANY_STATUS,
        ),
        case("`GET`: unknown parameters", get(&format!("{health}{}", "&a=b".repeat(SMALL / 4))), ANY_STATUS),
    ]
}

/// Percent-encodes a character that a URL cannot hold.
fn encode(letter: char) -> String {
    if matches!(letter, '"' | '{' | '}' | ' ') {
        format!("%{:02X}", u32::from(letter))
    } else {
        letter.into()
    }
}

/// A small query with this `Accept`.
fn accepting(media_types: &str) -> Request {
    post(query("{ health { status } }")).header("Accept", media_types)
}

/// A length that is too large, and no body.
fn announced() -> Case {
    let request = Request::new("POST", PATH)
        .header("Content-Type", "application/json")
        .header("Content-Length", &TOO_LARGE.to_string());
    case("a length of 9 MiB and a byte", request, &[413])
}

fn post(body: Arc<Vec<u8>>) -> Request {
    Request::new("POST", PATH).body("application/json", body)
}

/// A case with the same allowed answers for all callers.
fn case(name: impl Into<String>, request: Request, expected: &'static [u16]) -> Case {
    Case {
        name: name.into(),
        path: PATH,
        api: Api::GraphQl,
        request: request.header("Accept", "application/graphql-response+json"),
        stranger: expected,
        known: expected,
        refusal: None,
    }
}
