//! XML answers read back by the mapping of the contract (docs/contract/documented-contract.md#4.6) and compared
//! with the JSON answer to the same request.
//!
//! With a folder in `GUICHET_XML_DIR`, they are written there too, each into the folder of its type, which has the XML Schema of
//! that type: `tests/contracts/validate-xml` validates them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::Value as Json;

use crate::golden::exchanges;
use crate::harness::shop::Shop;
use crate::harness::wire::{Answer, Request};
use crate::rest::openapi;

/// One element.
#[derive(Debug, Default)]
struct Element {
    name: String,
    key: Option<String>,
    nil: bool,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn open(start: &BytesStart<'_>) -> Self {
        let attribute = |name: &str| {
            let found = start.try_get_attribute(name).expect("attributes are well-formed")?;
            Some(
                found
                    .normalized_value(XmlVersion::default())
                    .expect("attributes are well-formed")
                    .into_owned(),
            )
        };
        Self {
            name: start.name().as_ref().to_owned(),
            key: attribute("key"),
            nil: attribute("nil").as_deref() == Some("true"),
            ..Self::default()
        }
    }

    /// Whether the element represents that key of an object.
    fn is(&self, key: &str) -> bool {
        match &self.key {
            Some(own) => self.name == "entry" && own == key,
            None => self.name == key,
        }
    }

    /// The first place where it differs from the JSON value, if there is one.
    fn differs(&self, json: &Json, path: &str) -> Option<String> {
        let leaf = self.children.is_empty() && !self.nil;
        let same = match json {
            Json::Null => self.nil && self.text.is_empty() && self.children.is_empty(),
            Json::Array(items) if items.is_empty() => leaf && self.text.is_empty(),
            Json::Object(entries) if entries.is_empty() => leaf && self.text.is_empty(),
            Json::Array(items) => {
                let named = self.children.iter().all(|child| child.name == "item" && child.key.is_none());
                let pairs = self.children.iter().zip(items).enumerate();
                let mut inner = pairs.map(|(at, (child, item))| child.differs(item, &format!("{path}.{at}")));
                if let Some(found) = inner.find_map(|found| found) {
                    return Some(found);
                }
                named && self.children.len() == items.len()
            }
            Json::Object(entries) => {
                for (child, (key, value)) in self.children.iter().zip(entries) {
                    if !child.is(key) {
                        return Some(format!("{path}.{key}: <{}> stands in its place", child.name));
                    }
                    if let Some(found) = child.differs(value, &format!("{path}.{key}")) {
                        return Some(found);
                    }
                }
                self.children.len() == entries.len()
            }
            Json::Bool(flag) => leaf && self.text == flag.to_string(),
            Json::Number(number) => leaf && self.text.parse().ok() == number.as_f64(),
            Json::String(text) => leaf && self.text == storable(text),
        };
        (!same).then(|| format!("{path}: {json} reads as {self:?}"))
    }
}

/// The text without characters that XML does not allow; a parser turns line ends into `\n`.
fn storable(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}

/// Reads a document; its root element.
fn read(xml: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => open.push(Element::open(&start)),
            Event::Empty(start) => open.last_mut().unwrap().children.push(Element::open(&start)),
            Event::End(_) => {
                let done = open.pop().unwrap();
                open.last_mut().ok_or("one end too many")?.children.push(done);
            }
            Event::Text(text) => {
                open.last_mut().unwrap().text += &text.xml10_content();
            }
            Event::CData(text) => {
                open.last_mut().unwrap().text += &text.xml10_content();
            }
            Event::GeneralRef(name) => {
                let name = name.into_inner();
                let text = quick_xml::escape::unescape(&format!("&{name};")).map(|text| text.into_owned());
                open.last_mut().unwrap().text += &text.map_err(|error| error.to_string())?;
            }
            Event::DocType(_) => return Err("a document type".to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    let mut document = open.pop().filter(|_| open.is_empty()).ok_or("an element is not closed")?;
    match document.children.pop() {
        Some(root) if document.children.is_empty() => Ok(root),
        _ => Err("not one root".to_owned()),
    }
}

/// The difference of an XML answer from the JSON one, if there is one.
fn wrong(json: &Answer, xml: &Answer) -> Option<String> {
    if json.status != xml.status {
        return Some(format!("status {} instead of {}", xml.status, json.status));
    }
    if xml.header("content-type") != Some("application/xml; charset=utf-8") {
        return Some(format!("content type {:?}", xml.header("content-type")));
    }
    if !xml.header("vary").is_some_and(|vary| vary.split(',').any(|name| name.trim() == "Accept")) {
        return Some("no Vary: Accept".to_owned());
    }
    match read(&xml.text()) {
        Ok(root) if root.name == "response" => root.differs(&json.json(), "response"),
        Ok(root) => Some(format!("the root is <{}>", root.name)),
        Err(error) => Some(error),
    }
}

/// Documents that are written into a folder, if there is one.
struct Kept {
    folder: Option<PathBuf>,
    /// The types of those that are written.
    types: BTreeSet<&'static str>,
    /// How many there are.
    count: usize,
}

/// The folder of documents whose type the contract does not tell: errors at paths that no operation has.
const UNTYPED: &str = "untyped";
/// The folder of documents that are wrong, and the type that they should have.
const REFUSED: (&str, &str) = ("refused", "PageLink");
/// Documents of that type: a right one, and wrong ones.
const PAGE_LINK: &str =
    "<response><url nil=\"true\"/><label>1</label><page>1</page><active>true</active></response>";
const WRONG: [(&str, &str, &str); 6] = [
    ("unknown-element", "<label>", "<other/><label>"),
    ("no-number", "<page>1<", "<page>one<"),
    ("number-too-small", "<page>1<", "<page>0<"),
    ("no-boolean", "<active>true<", "<active>perhaps<"),
    ("missing-element", "<label>1</label>", ""),
    ("unknown-attribute", "<page>", "<page unit=\"1\">"),
];

impl Kept {
    /// `part` is the folder's part for one test.
    fn new(part: &str) -> Self {
        let folder = env::var_os("GUICHET_XML_DIR").map(|folder| PathBuf::from(folder).join(part));
        Self { folder, types: BTreeSet::new(), count: 0 }
    }

    fn keep(&mut self, ty: Option<&'static str>, document: &[u8]) {
        let ty = ty.unwrap_or(UNTYPED);
        self.types.insert(ty);
        self.count += 1;
        self.write(&format!("{ty}/{}.xml", self.count), document);
    }

    fn write(&self, name: &str, document: &[u8]) {
        if let Some(folder) = &self.folder {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, document).unwrap();
        }
    }

    /// Writes the schema of each type, and wrong documents.
    async fn finish(self, shop: &Shop) {
        let (folder, ty) = REFUSED;
        for (name, right, wrong) in WRONG {
            assert!(PAGE_LINK.contains(right), "{right}");
            self.write(&format!("{folder}/{name}.xml"), PAGE_LINK.replace(right, wrong).as_bytes());
        }
        self.write(&format!("{ty}/right.xml"), PAGE_LINK.as_bytes());
        for (folder, root) in self.types.iter().map(|ty| (*ty, *ty)).chain([REFUSED, (ty, ty)]) {
            let query = if root == UNTYPED { String::new() } else { format!("?root={root}") };
            let path = format!("/docs/api.xsd{query}");
            let schema = shop.send(&Request { method: "GET".to_owned(), path, ..Request::default() }).await;
            assert_eq!(schema.status, 200, "{root}");
            self.write(&format!("{folder}/schema.xsd"), &schema.body);
        }
    }
}

#[tokio::test]
async fn every_recorded_read_says_the_same_in_xml() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    let mut asked = BTreeSet::new();
    let mut failures = Vec::new();
    let mut kept = Kept::new("reads");
    for step in exchanges() {
        let sent = &step.request;
        let path = &sent.path;
        if sent.method != "GET" || !asked.insert((path.clone(), sent.key.clone())) {
            continue;
        }
        let json = sent.with(&Default::default());
        let xml = accepting(json.clone(), "application/xml");
        let json = accepting(json, "application/json");
        let (json, xml) = (shop.send(&json).await, shop.send(&xml).await);
        failures.extend(wrong(&json, &xml).map(|what| format!("{path}: {what}")));
        kept.keep(openapi::answered_component("GET", path, xml.status), &xml.body);
    }
    assert_eq!(kept.count, asked.len());
    kept.finish(&shop).await;
    shop.close().await;
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), asked.len(), failures.join("\n"));
}

/// Recorded writes with their bodies as XML, one after the other in one shop: other answers than the recorded ones, but
/// of the same types.
#[tokio::test]
async fn recorded_writes_are_read_and_answered_as_xml() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    let mut kept = Kept::new("writes");
    let mut failures = Vec::new();
    let (mut bodies, mut successes) = (0, 0);
    for step in exchanges().filter(|step| step.lang == "fr" && step.request.writes()) {
        let sent = &step.request;
        let mut request = accepting(sent.with(&Default::default()), "application/xml");
        let body = serde_json::from_slice(&request.body).ok().filter(Json::is_object);
        if let Some(body) = &body {
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            request.headers.push(("Content-Type".to_owned(), "application/xml".to_owned()));
            request.body = element("response", body).into_bytes();
        }
        let answer = shop.send(&request).await;
        let is_done = answer.status < 300;
        let ty = body.and_then(|body| openapi::read_component(&sent.method, &sent.path, &body));
        if is_done && ty.is_some() {
            kept.keep(ty, &request.body);
            bodies += 1;
        }
        if answer.body.is_empty() {
            continue;
        }
        if let Err(error) = read(&answer.text()) {
            failures.push(format!("{} {}: {error}", sent.method, sent.path));
        }
        kept.keep(openapi::answered_component(&sent.method, &sent.path, answer.status), &answer.body);
        successes += usize::from(is_done);
    }
    kept.finish(&shop).await;
    shop.close().await;
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
    assert!(bodies > 15 && successes > 30, "only {bodies} bodies and {successes} answers");
}

/// The answers of the demo shop in `openapi.json`, written as XML: recordings do not have every operation.
#[tokio::test]
async fn examples_of_the_contract_are_written_as_xml() {
    let shop = Shop::golden("en").await;
    let mut kept = Kept::new("examples");
    for (ty, example) in openapi::examples() {
        kept.keep(ty, element("response", example).as_bytes());
    }
    assert!(kept.count > 30 && !kept.types.contains(UNTYPED), "{} of {:?}", kept.count, kept.types);
    kept.finish(&shop).await;
    shop.close().await;
}

/// A value as an element.
fn element(name: &str, value: &Json) -> String {
    let content = match value {
        Json::Null => return format!("<{name} nil=\"true\"/>"),
        Json::Array(items) => items.iter().map(|item| element("item", item)).collect(),
        Json::Object(fields) => fields.iter().map(|(name, value)| element(name, value)).collect(),
        Json::String(text) => quick_xml::escape::escape(text).into_owned(),
        scalar => scalar.to_string(),
    };
    format!("<{name}>{content}</{name}>")
}

/// A body of XML has the booleans of XML Schema, and so has the attribute `nil`. JSON has its own.
#[tokio::test]
async fn booleans_and_nil_are_read_as_xml_schema_writes_them() {
    let shop = Shop::golden("en").await;
    let put = async |kind: &str, body: &str| {
        let headers = [("Content-Type", kind), ("Accept", "application/json")];
        let answer = shop.send_with("all", "PUT", "/api/application/customers/1", &headers, body).await;
        (answer.status, answer.json())
    };
    for text in ["true", "false", "1", "0", " true\n", "\t0 "] {
        let body = format!("<response><verified>{text}</verified></response>");
        let (status, answer) = put("application/xml", &body).await;
        assert_eq!(status, 200, "{text:?}: {answer}");
    }
    for text in ["yes", "TRUE", "2", "on"] {
        let body = format!("<response><verified>{text}</verified></response>");
        assert_eq!(put("application/xml", &body).await.0, 422, "{text}");
    }
    assert_eq!(put("application/json", r#"{"verified": "true"}"#).await.0, 422);
    for nil in ["true", "1", " 1 "] {
        put("application/json", r#"{"company_name": "x"}"#).await;
        let (status, answer) =
            put("application/xml", &format!("<response><company_name nil=\"{nil}\"/></response>")).await;
        assert_eq!((status, &answer["company_name"]), (200, &Json::Null), "{nil:?}");
    }
    let (status, answer) =
        put("application/xml", "<response><company_name nil=\"0\">y</company_name></response>").await;
    assert_eq!((status, answer["company_name"].as_str()), (200, Some("y")));
    shop.close().await;
}

fn accepting(mut request: Request, kind: &str) -> Request {
    request.headers.retain(|(name, _)| name != "Accept");
    request.headers.push(("Accept".to_owned(), kind.to_owned()));
    request
}

#[test]
fn xml_is_read_by_the_mapping() {
    let xml = "<?xml version=\"1.0\"?><response><a>1</a><b nil=\"true\"/><c><item>x &amp; y&#10;</item><item/></c>\
               <entry key=\"products.0\">true</entry><d/></response>";
    let json = serde_json::json!({"a": 1, "b": null, "c": ["x & y\n", ""], "products.0": true, "d": []});
    assert_eq!(read(xml).unwrap().differs(&json, "response"), None);
    let other = serde_json::json!({"a": 2});
    assert!(read("<response><a>1</a></response>").unwrap().differs(&other, "response").is_some());
    assert!(read("<response><a></response>").is_err());
}
