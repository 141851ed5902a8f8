//! Attacks on REST.

use std::sync::Arc;

use bench::wire::Request;

use crate::body::SHAPES;
use crate::case::{Api, Case};

/// No such path.
const UNKNOWN: &str = "/api/x";
/// Takes a file.
const GROUPS: &str = "/api/application/groups";
/// Takes none.
const CUSTOMERS: &str = "/api/application/customers";

/// Slightly less than the maximum size of any request.
const LARGE: usize = (8 << 20) - 4096;
/// Slightly less than the maximum size for a path without files.
const WITHOUT_FILE: usize = (256 << 10) - 64;
/// Slightly less than the maximum size of a file.
const WITH_FILE: usize = (2 << 20) - 64;
/// More than any request may announce.
const TOO_LARGE: usize = (9 << 20) + 1;
/// Length of a long URL or of long headers.
const LONG: usize = 60_000;

/// Paths with the size of their bodies, and the allowed statuses without and with a key.
const TARGETS: [(&str, usize, &[u16], &[u16]); 5] = [
    (UNKNOWN, LARGE, &[401, 405], &[404, 405, 413]),
    (GROUPS, LARGE, &[401], &[413]),
    (CUSTOMERS, LARGE, &[401], &[413]),
    (GROUPS, WITH_FILE, &[401], &[400, 413, 422]),
    (CUSTOMERS, WITHOUT_FILE, &[401], &[400, 413, 422]),
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = TARGETS.iter().flat_map(bodies).collect();
    cases.extend([UNKNOWN, CUSTOMERS].map(announced));
    cases.extend(addresses());
    cases
}

fn bodies(
    (path, size, stranger, known): &(&'static str, usize, &'static [u16], &'static [u16]),
) -> Vec<Case> {
    let case = |shape: &crate::body::BodyShape| {
        let body = Arc::new((shape.write)(*size));
        let request = Request::new("POST", path).body(shape.kind, body);
        case(shape.name, path, request, stranger, known)
    };
    SHAPES.iter().map(case).collect()
}

/// A length that is too large, and no body.
fn announced(path: &'static str) -> Case {
    let request = Request::new("POST", path)
        .header("Content-Type", "application/json")
        .header("Content-Length", &TOO_LARGE.to_string());
    case("a length of 9 MiB and a byte", path, request, &[413], &[413])
}

/// Requests without a body that are as long as a head may be.
fn addresses() -> Vec<Case> {
    let field = "filter[a]=b&";
    let query = format!("{CUSTOMERS}?{}", field.repeat(LONG / field.len()));
    let fields = (0..LONG / 20).map(|at| format!("filter[a{at:05}][]=b&")).collect::<String>();
    let many = format!("{CUSTOMERS}?{fields}");
    let path = format!("{CUSTOMERS}/{}", "a".repeat(LONG));
    let headers =
        (0..90).fold(get(CUSTOMERS), |request, at| request.header(&format!("X-Header-{at}"), "value"));
    vec![
        case(
            "a query of one field 5,000 times",
            CUSTOMERS,
            get(&query),
            &[401, 431],
            &[200, 400, 414, 422, 431],
        ),
        case("a query of 3,000 fields", CUSTOMERS, get(&many), &[401, 431], &[200, 400, 414, 422, 431]),
        case("90 headers", CUSTOMERS, headers, &[401], &[200]),
        accepting("15,000 media types", &format!("application/xml{}", ",a".repeat(15_000))),
        accepting("30,000 empty media types", &format!("xml{}", ",".repeat(30_000))),
        case(
            "a path of 60 KB",
            "/api/application/customers/aaa…",
            get(&path),
            &[401, 404, 414, 431],
            &[404, 414, 431],
        ),
    ]
}

fn accepting(name: &str, accept: &str) -> Case {
    let request = get(CUSTOMERS).header("Accept", accept);
    Case { request, ..case(name, CUSTOMERS, get(CUSTOMERS), &[401], &[200]) }
}

fn get(target: &str) -> Request {
    Request::new("GET", target)
}

fn case(
    name: &str,
    path: &'static str,
    request: Request,
    stranger: &'static [u16],
    known: &'static [u16],
) -> Case {
    let request = request.header("Accept", "application/json");
    Case { name: name.to_owned(), path, api: Api::Rest, request, stranger, known, refusal: None }
}
