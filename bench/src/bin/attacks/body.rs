//! Bodies of any length that are cheap to send and expensive to read.

use std::sync::Arc;

use serde_json::json;

/// Boundary of multipart bodies.
const BOUNDARY: &str = "x";
/// Media type of multipart bodies.
pub const MULTIPART: &str = "multipart/form-data; boundary=x";

/// A kind of body.
pub struct BodyShape {
    /// Its description.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// Makes one of at most so many bytes.
    pub write: fn(usize) -> Vec<u8>,
}

/// Bodies as REST takes them.
pub const SHAPES: &[BodyShape] = &[
    BodyShape {
        name: "JSON `[0,0,…]`",
        kind: "application/json",
        write: |size| filled("[0", ",0", "]", size),
    },
    BodyShape {
        name: "JSON `[{\"a\":0},…]`",
        kind: "application/json",
        write: |size| filled("[{\"a\":0}", ",{\"a\":0}", "]", size),
    },
    BodyShape { name: "JSON `[[[…]]]`", kind: "application/json", write: |size| nested("[", "]", size) },
    BodyShape {
        name: "XML `<r><a/><a/>…</r>`",
        kind: "application/xml",
        write: |size| filled("<r>", "<a/>", "</r>", size),
    },
    BodyShape {
        name: "XML `<a><a>…</a></a>`",
        kind: "application/xml",
        write: |size| nested("<a>", "</a>", size),
    },
    BodyShape {
        name: "form `a=1&a=1&…`",
        kind: "application/x-www-form-urlencoded",
        write: |size| filled("a=1", "&a=1", "", size),
    },
    BodyShape {
        name: "form `a[]=1&a[]=1&…`",
        kind: "application/x-www-form-urlencoded",
        write: |size| filled("a[]=1", "&a[]=1", "", size),
    },
    BodyShape {
        name: "multipart, empty fields",
        kind: MULTIPART,
        write: |size| {
            filled("", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n", "--x--\r\n", size)
        },
    },
    BodyShape {
        name: "multipart, parts without a name",
        kind: MULTIPART,
        write: |size| filled("", "--x\r\n\r\n\r\n", "--x--\r\n", size),
    },
];

/// `open`, then `unit` as many times as fit, then `close`.
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
