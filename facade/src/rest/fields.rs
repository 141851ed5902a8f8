//! Fields of query and body as PHP reads and writes them: names with brackets are nested maps
//! (docs/contract/wire.md#2).

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters that are percent-encoded: all but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Fields by their names, in the order of the request.
pub type Fields = IndexMap<Name, Value>;

/// Maximum nesting of a name; deeper brackets are ignored.
const MAX_DEPTH: usize = 64;

/// The wanted fields of a text such as `a=1&b[]=2&c[d][e]=3`. Fields after the first `max_fields` are left out, as in
/// PHP.
pub fn parse_form(text: &str, max_fields: usize, wanted: impl Fn(&str) -> bool) -> Fields {
    let mut fields = NestedFields::default();
    for pair in text.split('&').filter(|pair| !pair.is_empty()).take(max_fields) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name);
        if top_name(&name).is_some_and(|name| wanted(&name)) {
            fields.insert(&name, Value::String(decode(value)));
        }
    }
    fields.into_fields()
}

/// The name without its brackets: `a` of `a[b][]`; `None` if it is empty.
pub fn top_name(name: &str) -> Option<String> {
    split_top(name).map(|(first, _)| first)
}

/// The wanted parameters of a query string, decoded. Brackets in their names have no meaning.
pub fn plain_query(text: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter_map(move |(name, value)| {
        let name = decode(name);
        wanted(&name).then(|| (name, decode(value)))
    })
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Fields whose names are nested by brackets.
#[derive(Default)]
pub struct NestedFields {
    fields: IndexMap<String, NestedField>,
    /// The key of the next empty bracket: the greatest number among the keys, plus one.
    next: i64,
}

enum NestedField {
    Value(Value),
    Fields(NestedFields),
}

impl NestedFields {
    /// Inserts a value under a name with brackets. A name that is empty before its first bracket is ignored.
    pub fn insert(&mut self, name: &str, value: Value) {
        let Some((first, rest)) = split_name(name) else { return };
        self.insert_at(first, &rest, value);
    }

    fn insert_at(&mut self, key: String, rest: &[String], value: Value) {
        let key = if key.is_empty() { self.next.to_string() } else { key };
        if let Ok(number) = key.parse::<i64>() {
            self.next = self.next.max(number.saturating_add(1));
        }
        let Some((next, rest)) = rest.split_first() else {
            self.fields.insert(key, NestedField::Value(value));
            return;
        };
        let field = self.fields.entry(key).or_insert_with(|| NestedField::Fields(Self::default()));
        if let NestedField::Value(_) = field {
            *field = NestedField::Fields(Self::default());
        }
        if let NestedField::Fields(inner) = field {
            inner.insert_at(next.clone(), rest, value);
        }
    }

    /// The inserted fields, nested as objects.
    pub fn into_fields(self) -> Fields {
        let value = |field| match field {
            NestedField::Value(value) => value,
            NestedField::Fields(fields) => Value::Object(fields.into_fields()),
        };
        self.fields.into_iter().map(|(key, field)| (Name::new(key), value(field))).collect()
    }
}

/// `a.b[c][]` → `a_b`, [`c`, ``]
fn split_name(name: &str) -> Option<(String, Vec<String>)> {
    let (first, mut tail) = split_top(name)?;
    let mut rest = Vec::new();
    while let Some(inner) = tail.strip_prefix('[').filter(|_| rest.len() < MAX_DEPTH) {
        let Some(end) = inner.find(']') else { break };
        rest.push(inner[..end].to_owned());
        tail = &inner[end + 1..];
    }
    Some((first, rest))
}

/// `a.b[c][]` → `a_b`, `[c][]`
fn split_top(name: &str) -> Option<(String, &str)> {
    let name = name.trim_start_matches(' ');
    let (first, tail) = match name.find('[').filter(|&at| name[at..].contains(']')) {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    (!first.is_empty()).then(|| (first.replace(['.', ' ', '['], "_"), tail))
}

/// The value with lists in place of maps whose keys are 0, 1, 2 and so on.
pub fn with_lists(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let is_list = !fields.is_empty()
                && fields.keys().enumerate().all(|(at, key)| key.as_str() == at.to_string());
            if is_list {
                Value::List(fields.into_values().map(with_lists).collect())
            } else {
                Value::Object(fields.into_iter().map(|(key, value)| (key, with_lists(value))).collect())
            }
        }
        other => other,
    }
}

/// Fields as a query string. Lists have explicit indexes, nulls are left out (docs/contract/wire.md#4.3).
pub fn to_query<'a>(fields: impl IntoIterator<Item = (&'a Name, &'a Value)>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in fields {
        add_pairs(name.to_string(), value, &mut pairs);
    }
    pairs.join("&")
}

fn add_pairs(name: String, value: &Value, pairs: &mut Vec<String>) {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| add_pairs(format!("{name}[{key}]"), value, pairs));
        }
        Value::List(items) => {
            items.iter().enumerate().for_each(|(at, value)| add_pairs(format!("{name}[{at}]"), value, pairs));
        }
        scalar => pairs.push(format!("{}={}", encode(&name), encode(&text(scalar)))),
    }
}

/// A scalar as text, as PHP writes it: false and null are the empty text. Lists and objects are empty too.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Boolean(true) => "1".to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A value as whole number, as PHP casts it: the integer that the text begins with, otherwise 0
/// (docs/contract/wire.md#4.5).
pub fn leading_integer(value: &Value) -> i64 {
    match value {
        Value::List(items) => i64::from(!items.is_empty()),
        Value::Object(fields) => i64::from(!fields.is_empty()),
        scalar => {
            let text = text(scalar);
            let text = text.trim_start();
            let end = text
                .char_indices()
                .skip_while(|&(at, c)| at == 0 && matches!(c, '+' | '-'))
                .find(|(_, c)| !c.is_ascii_digit());
            let digits = &text[..end.map_or(text.len(), |(at, _)| at)];
            let saturated = if digits.starts_with('-') { i64::MIN } else { i64::MAX };
            digits.parse().unwrap_or(if digits.len() > 18 { saturated } else { 0 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_FIELDS: usize = 1000;

    fn parse(text: &str) -> Fields {
        parse_form(text, MAX_FIELDS, |_| true)
    }

    fn round(text: &str) -> String {
        let fields: Fields = parse(text).into_iter().map(|(key, value)| (key, with_lists(value))).collect();
        to_query(&fields)
    }

    #[test]
    fn names_nest_and_lists_get_indices() {
        assert_eq!(round("arr[]=1&arr[]=2"), "arr%5B0%5D=1&arr%5B1%5D=2");
        assert_eq!(round("filter[name]=10%25&per_page=4"), "filter%5Bname%5D=10%25&per_page=4");
        assert_eq!(round("a.b=1&c+d=2"), "a_b=1&c_d=2");
        assert_eq!(round("k[l]m=1"), "k%5Bl%5D=1");
        assert_eq!(round("x=1&x=2"), "x=2");
        assert_eq!(round("a[5]=1&a[1]=2&a[]=3"), "a%5B5%5D=1&a%5B1%5D=2&a%5B6%5D=3");
        assert_eq!(round("a=1&a[b]=2&a[][c]=3&a[]=4"), "a%5Bb%5D=2&a%5B0%5D%5Bc%5D=3&a%5B1%5D=4");
        assert_eq!(round("s=a+b*(,~"), "s=a%20b%2A%28%2C~");
    }

    #[test]
    fn many_elements_and_great_keys_are_read() {
        let text = (0..100_000).map(|at| format!("a[]={at}")).collect::<Vec<_>>().join("&");
        let fields = parse(&text);
        assert!(matches!(with_lists(fields["a"].clone()), Value::List(items) if items.len() == MAX_FIELDS));
        parse("a[9223372036854775807]=1&a[]=2&b[18446744073709551615]=1&b[]=2");
    }

    #[test]
    fn integers_are_cast_by_their_beginning() {
        let cast = |text: &str| leading_integer(&Value::from(text));
        assert_eq!([cast("5abc"), cast("1.9"), cast("abc"), cast(""), cast("-3")], [5, 1, 0, 0, -3]);
        assert_eq!(cast("99999999999999999999"), i64::MAX);
        assert_eq!(leading_integer(&Value::List(vec![Value::from("5")])), 1);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Fields that a form can express: without nulls and empty lists, and with names without brackets.
    fn fields() -> impl Strategy<Value = Fields> {
        let name = "[a-z_-][a-zé0-9_-]{0,6}";
        let text = any::<String>().prop_map(Value::String);
        let nested = text.prop_recursive(4, 32, 4, move |inner| {
            let map = prop::collection::vec((name, inner.clone()), 1..4);
            let map = map.prop_map(|fields| {
                fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect()
            });
            prop_oneof![prop::collection::vec(inner, 1..4).prop_map(Value::List), map.prop_map(Value::Object)]
        });
        prop::collection::vec((name, nested), 0..5)
            .prop_map(|fields| fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
    }

    fn depth(value: &Value) -> usize {
        match value {
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(fields in fields()) {
            let read = parse_form(&to_query(&fields), 10_000, |_| true);
            let read: Fields = read.into_iter().map(|(name, value)| (name, with_lists(value))).collect();
            prop_assert_eq!(read, fields);
        }

        #[test]
        fn any_form_is_read_within_its_bounds(text in r"[a-c\[\].&=+ %0-9é-]{0,60}|\PC*", fields in 0..9_usize) {
            let read = Value::Object(parse_form(&text, fields, |_| true));
            prop_assert!(depth(&read) <= MAX_DEPTH + 2);
            prop_assert!(matches!(&read, Value::Object(read) if read.len() <= fields));
            let _ = with_lists(read);
            prop_assert!(plain_query(&text, |_| true).count() <= text.split('&').count());
        }

        #[test]
        fn whole_numbers_are_cast_by_their_beginning(number in any::<i64>(), behind in r"([^0-9]\PC*)?", text in r"[ +0-9.e-]{0,25}") {
            let cast = |text: String| leading_integer(&Value::from(text));
            prop_assert_eq!(cast(format!("{number}{behind}")), number);
            cast(text);
        }
    }
}
