//! Bodies that are cheap to send and dear to read, as long as one wants them.

use std::sync::Arc;

use serde_json::json;

/// Boundary of multipart bodies.
const BOUNDARY: &str = "x";
/// What each multipart body is sent as.
pub const MULTIPART: &str = "multipart/form-data; boundary=x";

/// How a body is written.
pub struct Shape {
    /// What it is.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// Writes one of so many bytes, or a few less.
    pub write: fn(usize) -> Vec<u8>,
}

/// Bodies as REST takes them.
pub const SHAPES: &[Shape] = &[
    Shape { name: "JSON `[0,0,…]`", kind: "application/json", write: |size| filled("[0", ",0", "]", size) },
    Shape {
        name: "JSON `[{\"a\":0},…]`",
        kind: "application/json",
        write: |size| filled("[{\"a\":0}", ",{\"a\":0}", "]", size),
    },
    Shape { name: "JSON `[[[…]]]`", kind: "application/json", write: |size| nested("[", "]", size) },
    Shape {
        name: "XML `<r><a/><a/>…</r>`",
        kind: "application/xml",
        write: |size| filled("<r>", "<a/>", "</r>", size),
    },
    Shape {
        name: "XML `<a><a>…</a></a>`",
        kind: "application/xml",
        write: |size| nested("<a>", "</a>", size),
    },
    Shape {
        name: "form `a=1&a=1&…`",
        kind: "application/x-www-form-urlencoded",
        write: |size| filled("a=1", "&a=1", "", size),
    },
    Shape {
        name: "form `a[]=1&a[]=1&…`",
        kind: "application/x-www-form-urlencoded",
        write: |size| filled("a[]=1", "&a[]=1", "", size),
    },
    Shape {
        name: "multipart, empty fields",
        kind: MULTIPART,
        write: |size| {
            filled("", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n", "--x--\r\n", size)
        },
    },
    Shape {
        name: "multipart, parts without a name",
        kind: MULTIPART,
        write: |size| filled("", "--x\r\n\r\n\r\n", "--x--\r\n", size),
    },
];

/// `open`, then `unit` as often as fits, then `close`.
pub fn filled(open: &str, unit: &str, close: &str, size: usize) -> Vec<u8> {
    let times = size.saturating_sub(open.len() + close.len()) / unit.len();
    format!("{open}{}{close}", unit.repeat(times)).into_bytes()
}

/// `open` and `close` as often as both fit.
fn nested(open: &str, close: &str, size: usize) -> Vec<u8> {
    let depth = size / (open.len() + close.len());
    (open.repeat(depth) + &close.repeat(depth)).into_bytes()
}

/// JSON lists of a hundred zeros each, within a list.
pub fn zeros(size: usize) -> String {
    let list = format!("[0{}]", ",0".repeat(99));
    let times = size.saturating_sub(list.len() + 2) / (list.len() + 1);
    format!("[{list}{}]", format!(",{list}").repeat(times))
}

/// The parts of a GraphQL request with files: an operation, and where its files go.
pub fn multipart(operations: &str, map: &str) -> Arc<Vec<u8>> {
    let part = |name: &str, text: &str| {
        let file = if name == "0" { "; filename=\"a.txt\"" } else { "" };
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
    };
    let (operations, map, file) = (part("operations", operations), part("map", map), part("0", "a file"));
    Arc::new(format!("{operations}{map}{file}--{BOUNDARY}--\r\n").into_bytes())
}

/// A GraphQL request as JSON.
pub fn query(text: &str) -> Arc<Vec<u8>> {
    Arc::new(json!({ "query": text }).to_string().into_bytes())
}
