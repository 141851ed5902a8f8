//! XML with the same meaning as the JSON (docs/contract/documented-contract.md#4.6).

use std::borrow::Cow;

use async_graphql::{Name, Value};
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::fields::Fields;
use crate::{Error, Result};

/// Maximum nesting of elements in a body.
const MAX_DEPTH: usize = 64;

/// The beginning of every text.
const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// The XML text of a body. `json` is its JSON text without white space, as [`write_value`](crate::write_value) writes
/// it. Numbers, booleans and dates are as in JSON.
///
/// # Errors
/// [`Error::Internal`] when `json` is not such a text.
pub fn write(json: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len() * 2 + DECLARATION.len());
    out.extend_from_slice(DECLARATION);
    let mut text = Transcoder { json, at: 0, out };
    match text.element("response") {
        Some(()) if text.at == json.len() => Ok(text.out),
        _ => Err(Error::internal(format!("no JSON at byte {}", text.at))),
    }
}

/// Reads JSON and writes XML at the same time.
struct Transcoder<'a> {
    json: &'a [u8],
    /// Index of the next byte to read.
    at: usize,
    out: Vec<u8>,
}

impl<'a> Transcoder<'a> {
    /// Writes the next value as an element; `None` if the JSON is malformed.
    fn element(&mut self, key: &str) -> Option<()> {
        let name = self.open(key);
        match self.json.get(self.at)? {
            b'n' => {
                self.at += "null".len();
                self.out.extend_from_slice(b" nil=\"true\"/>");
                return Some(());
            }
            b'{' | b'[' if matches!(self.json.get(self.at + 1)?, b'}' | b']') => {
                self.at += 2;
                self.out.extend_from_slice(b"/>");
                return Some(());
            }
            b'{' => self.items(b'}', |text| {
                let key = text.string()?.read()?;
                text.at += 1;
                text.element(&key)
            })?,
            b'[' => self.items(b']', |text| text.element("item"))?,
            b'"' => {
                self.out.push(b'>');
                let text = self.string()?;
                if text.is_plain {
                    self.out.extend_from_slice(text.raw);
                } else {
                    self.out.extend_from_slice(escape(without_forbidden(&text.read()?)).as_bytes());
                }
            }
            _ => {
                self.out.push(b'>');
                let rest = &self.json[self.at..];
                let length = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']'));
                let scalar = &rest[..length.unwrap_or(rest.len())];
                self.out.extend_from_slice(scalar);
                self.at += scalar.len();
            }
        }
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
        Some(())
    }

    /// Writes the start tag of an element without its `>`; returns the name of the element. A key that is not an XML
    /// name becomes the attribute `key` of the element `entry`.
    fn open<'k>(&mut self, key: &'k str) -> &'k str {
        self.out.push(b'<');
        if is_name(key) {
            self.out.extend_from_slice(key.as_bytes());
            return key;
        }
        let mut entry = BytesStart::new("entry");
        entry.push_attribute(("key", without_forbidden(key).as_ref()));
        self.out.extend_from_slice(entry.as_bytes());
        "entry"
    }

    /// Writes the items of a list or an object that is not empty. `end` is its last byte.
    fn items(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.out.push(b'>');
        while *self.json.get(self.at)? != end {
            self.at += 1;
            item(self)?;
        }
        self.at += 1;
        Some(())
    }

    /// Reads the next string.
    fn string(&mut self) -> Option<JsonString<'a>> {
        let start = self.at + 1;
        let (mut end, mut is_escaped, mut is_plain) = (start, false, true);
        loop {
            let byte = *self.json.get(end)?;
            match STRING_BYTES[usize::from(byte)] {
                StringByte::Plain => {}
                StringByte::Special => is_plain = false,
                StringByte::Quote => break,
                StringByte::Backslash => {
                    (is_escaped, is_plain) = (true, false);
                    end += 1;
                }
            }
            end += 1;
        }
        self.at = end + 1;
        Some(JsonString { raw: &self.json[start..end], is_escaped, is_plain })
    }
}

/// A string in a JSON text.
struct JsonString<'a> {
    /// The bytes between its quotes.
    raw: &'a [u8],
    /// Whether it has escape sequences of JSON.
    is_escaped: bool,
    /// Whether its bytes can be copied to XML.
    is_plain: bool,
}

impl<'a> JsonString<'a> {
    fn read(&self) -> Option<Cow<'a, str>> {
        if self.is_escaped {
            let json = [b"\"", self.raw, b"\""].concat();
            return serde_json::from_slice(&json).ok().map(Cow::Owned);
        }
        std::str::from_utf8(self.raw).ok().map(Cow::Borrowed)
    }
}

/// The role of a byte in a JSON string.
#[derive(Clone, Copy)]
enum StringByte {
    /// It is copied to XML.
    Plain,
    /// XML may have to escape or replace it.
    Special,
    /// The end of the string.
    Quote,
    /// The beginning of an escape sequence.
    Backslash,
}

static STRING_BYTES: [StringByte; 256] = {
    let mut bytes = [StringByte::Plain; 256];
    let mut byte = u8::MAX;
    loop {
        if is_special(byte) {
            bytes[byte as usize] = StringByte::Special;
        }
        let Some(next) = byte.checked_sub(1) else { break };
        byte = next;
    }
    bytes[b'"' as usize] = StringByte::Quote;
    bytes[b'\\' as usize] = StringByte::Backslash;
    bytes
};

/// Whether XML may have to escape or replace a character that begins with this byte.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'&' | b'\'' | b'"') || may_be_forbidden(byte)
}

/// Whether a character that XML 1.0 forbids may begin with this byte.
const fn may_be_forbidden(byte: u8) -> bool {
    matches!(byte, 0..b' ' | 0xEF)
}

/// Whether an element has this key as its name.
pub(super) fn is_name(key: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if key.bytes().all(is_plain) {
        return key.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    }
    let mut letters = key.chars();
    letters.next().is_some_and(starts_name) && letters.all(continues_name)
}

/// `NameStartChar` of XML 1.0 without the colon, which separates namespaces.
fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// `NameChar` of XML 1.0 without the colon and the dot, which paths of fields have.
fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The text with U+FFFD in place of characters that XML 1.0 forbids.
fn without_forbidden(text: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    if !text.bytes().any(may_be_forbidden) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if is_allowed(c) { c } else { '\u{FFFD}' }).collect()
}

/// Reads a body that is written as [`write`] writes it. All scalars are texts, as in a form; rules convert them later.
/// Of the elements directly below the root element, only those with wanted names are kept.
///
/// # Errors
/// 400 for malformed XML, a document type, or an entity that XML does not predefine; 413 for more than `max_elements`
/// elements.
pub fn read(body: &[u8], wanted: impl Fn(&str) -> bool, max_elements: usize) -> Result<Fields> {
    let bad = || Error::BadRequest("Bad request.".to_owned());
    let text = std::str::from_utf8(body).map_err(|_| bad())?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{FEFF}').unwrap_or(text));
    let mut open: Vec<OpenElement> = Vec::new();
    let mut left = max_elements;
    loop {
        let event = reader.read_event().map_err(|_| bad())?;
        if matches!(event, Event::Start(_) | Event::Empty(_)) {
            left = left.checked_sub(1).ok_or_else(super::body::too_large)?;
        }
        let is_kept = |open: &[OpenElement], element: &OpenElement| open.len() > 1 || wanted(&element.name);
        match event {
            Event::Start(start) if open.len() < MAX_DEPTH => {
                open.push(OpenElement::new(&start).ok_or_else(bad)?)
            }
            Event::Empty(start) => {
                let element = OpenElement::new(&start).ok_or_else(bad)?;
                let kept = is_kept(&open, &element);
                match open.last_mut() {
                    Some(parent) if kept => parent.add(element),
                    Some(_) => {}
                    None => return has_ended(&mut reader).then(Fields::new).ok_or_else(bad),
                }
            }
            Event::Text(text) => match open.last_mut() {
                Some(element) => element.text.push_str(&text.xml10_content()),
                None if text.xml10_content().trim().is_empty() => {}
                None => return Err(bad()),
            },
            Event::CData(data) => {
                open.last_mut().ok_or_else(bad)?.text.push_str(&data.xml10_content());
            }
            Event::GeneralRef(entity) => {
                let resolved = match entity.resolve_char_ref().map_err(|_| bad())? {
                    Some(letter) => letter.to_string(),
                    None => {
                        let name = entity.xml10_content();
                        quick_xml::escape::resolve_predefined_entity(&name).ok_or_else(bad)?.to_owned()
                    }
                };
                open.last_mut().ok_or_else(bad)?.text.push_str(&resolved);
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(bad)?;
                let kept = is_kept(&open, &element);
                match open.last_mut() {
                    Some(parent) if kept => parent.add(element),
                    Some(_) => {}
                    None => return has_ended(&mut reader).then(|| element.fields()).ok_or_else(bad),
                }
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) | Event::Start(_) | Event::Eof => return Err(bad()),
        }
    }
}

/// A boolean of XML Schema.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim_matches([' ', '\t', '\n', '\r']) {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Whether only comments, processing instructions and white space follow the root element.
fn has_ended(reader: &mut Reader<&[u8]>) -> bool {
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return true,
            Ok(Event::Comment(_) | Event::PI(_)) => {}
            Ok(Event::Text(text)) if text.xml10_content().trim().is_empty() => {}
            _ => return false,
        }
    }
}

/// An element whose end tag is not read yet.
struct OpenElement {
    name: String,
    nil: bool,
    text: String,
    children: Vec<(String, Value)>,
}

impl OpenElement {
    fn new(start: &BytesStart<'_>) -> Option<Self> {
        let mut element = Self {
            name: start.name().as_ref().to_owned(),
            nil: false,
            text: String::new(),
            children: Vec::new(),
        };
        let mut attributes = start.attributes();
        // Without the check for repeated attributes: its time grows with the square of their number.
        for attribute in attributes.with_checks(false) {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
            match attribute.key.as_ref() {
                "nil" => element.nil = boolean(&value) == Some(true),
                "key" if element.name == "entry" => element.name = value,
                _ => {}
            }
        }
        Some(element)
    }

    fn add(&mut self, child: Self) {
        let name = child.name.clone();
        self.children.push((name, child.value()));
    }

    fn value(self) -> Value {
        if self.nil {
            return Value::Null;
        }
        if self.children.is_empty() {
            return Value::String(self.text);
        }
        if self.children.iter().all(|(name, _)| name == "item") {
            return Value::List(self.children.into_iter().map(|(_, value)| value).collect());
        }
        Value::Object(self.fields())
    }

    fn fields(self) -> Fields {
        self.children.into_iter().map(|(name, value)| (Name::new(name), value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    fn all(body: &[u8]) -> Result<Fields> {
        read(body, |_| true, 1000)
    }

    #[test]
    fn elements_are_bounded_and_only_wanted_ones_are_kept() {
        let body = b"<x><name>a</name><other><name>b</name></other><list><item>1</item></list></x>";
        let fields = read(body, |name| name != "other", 6).unwrap();
        assert_eq!(Value::Object(fields), value!({"name": "a", "list": ["1"]}));
        let refused = read(body, |_| true, 5).unwrap_err();
        assert_eq!(refused.status(), 413);
    }

    pub(super) fn json(value: &Value) -> Vec<u8> {
        let mut json = Vec::new();
        crate::write_value(value, crate::Api::REST, &mut json);
        json
    }

    fn written(value: &Value) -> String {
        let text = String::from_utf8(write(&json(value)).unwrap()).unwrap();
        text.split_once("?>").unwrap().1.to_owned()
    }

    #[test]
    fn values_become_elements() {
        let body = value!({"id": 1, "name": "a<b", "none": null, "list": [1, true], "empty": []});
        assert_eq!(
            written(&body),
            "<response><id>1</id><name>a&lt;b</name><none nil=\"true\"/><list><item>1</item><item>true</item></list><empty/></response>"
        );
        let odd = Value::Object(Fields::from_iter([(Name::new("products.0"), Value::from("\u{1}"))]));
        assert_eq!(written(&odd), "<response><entry key=\"products.0\">\u{FFFD}</entry></response>");
        for (key, is_name) in [
            ("clé", true),
            ("_a-1", true),
            ("ª", false),
            ("a²", false),
            ("-a", false),
            ("a:b", false),
            ("", false),
        ] {
            let fields = Fields::from_iter([(Name::new(key), Value::from(1))]);
            let plain = written(&Value::Object(fields)).contains(&format!("<{key}>1</{key}>"));
            assert_eq!(plain, is_name, "{key}");
        }
    }

    #[test]
    fn malformed_json_is_an_error() {
        for text in ["", "{", "[", "\"", "\"\\", "{\"a\"", "{\"a\":", "[1", "[1,", "1,", "{}{}"] {
            assert!(write(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn bodies_are_read_backwards() {
        let fields =
            all(b"<x><name>a &amp; b</name><none nil=\"true\"/><list><item>1</item></list></x>").unwrap();
        assert_eq!(Value::Object(fields), value!({"name": "a & b", "none": null, "list": ["1"]}));
        assert!(all("\u{FEFF}<?xml version=\"1.0\"?>\n<x/>\n<!-- end -->\n".as_bytes()).is_ok());
    }

    #[test]
    fn document_types_entities_and_rubbish_are_refused() {
        for body in [
            "<!DOCTYPE x [<!ENTITY e \"v\">]><x>&e;</x>",
            "<x>&e;</x>",
            "<x",
            "",
            "<x><y></x>",
            "<x/><y/>",
            "<x><y>1</y></x>z",
            "z<x/>",
            "<x/><!DOCTYPE x>",
        ] {
            assert!(matches!(all(body.as_bytes()), Err(Error::BadRequest(_))), "{body}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::tests::json;
    use super::*;

    /// Texts of characters that XML allows.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), r#"[ \t\r\n<>&;"'a\]]{0,9}"#]
            .prop_map(|text| without_forbidden(&text).into_owned())
    }

    /// Values that are read as they were written: texts and nulls, in lists and objects that are not empty.
    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![1 => Just(Value::Null), 9 => text().prop_map(Value::String)];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Value::List),
                fields(inner, 1).prop_map(Value::Object),
            ]
        })
    }

    fn fields(value: impl Strategy<Value = Value>, least: usize) -> impl Strategy<Value = Fields> {
        let name = prop_oneof!["[a-zé_][a-z0-9_-]{0,5}", text()];
        let name = name
            .prop_filter("these names have a meaning of their own", |name| name != "item" && name != "entry");
        prop::collection::vec((name, value), least..4)
            .prop_map(|fields| fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(fields in fields(tree(), 1)) {
            let body = write(&json(&Value::Object(fields.clone()))).unwrap();
            prop_assert_eq!(read(&body, |_| true, 1000).unwrap(), fields);
        }

        #[test]
        fn any_bytes_are_written_or_refused(text in r#"[\[\]{}:,"\\a0n]{0,12}"#, bytes in any::<Vec<u8>>()) {
            let _ = (write(text.as_bytes()), write(&bytes));
        }

        #[test]
        fn any_bytes_are_read_or_refused(text in r#"(<[/?!]?[a-b]{0,2}( [a-b]="?[<&;a-b]{0,3}"?)?/?>|&(#x?)?[0-9a-f]{0,6};|<!\[CDATA\[|\]\]>|<!--|-->|[a-b ]){0,12}"#, bytes in any::<Vec<u8>>()) {
            for bytes in [text.as_bytes(), &bytes] {
                let _ = read(bytes, |name| name != "b", 9);
            }
        }
    }
}
