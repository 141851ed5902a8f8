//! Reads JSON of clients in one pass, within limits of depth and of the number of values. Fields of the outermost
//! object that are not wanted are skipped and take no memory.

use std::cell::Cell;
use std::fmt;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value};
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The fields of an object, in their order.
pub type Fields = IndexMap<Name, Value>;

/// Limits of JSON.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    /// Maximum number of values, those in lists and objects included.
    pub elements: usize,
    /// Maximum nesting, at most 128 (serde_json's own limit).
    pub depth: usize,
}

/// The outermost value of a text.
#[derive(Debug, PartialEq)]
pub enum JsonBody {
    /// An object, with its wanted fields.
    Object(Fields),
    /// A list; its elements are not kept.
    List,
    /// A text, a number, a truth value or null.
    Scalar,
}

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It is not JSON, or nests too deep.
    Malformed,
    /// It holds too many values.
    TooManyElements,
}

/// Reads a text. Of an object, the fields whose names are `wanted` are kept.
///
/// # Errors
/// [`JsonError`] where the text is not JSON up to its last byte, or exceeds the limits.
pub fn read(text: &[u8], wanted: impl Fn(&str) -> bool, bounds: JsonLimits) -> Result<JsonBody, JsonError> {
    let left = Cell::new(Some(bounds.elements));
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let root = RootReader { wanted: &wanted, values: ValueReader { left: &left, depth: bounds.depth } };
    let body = root.deserialize(&mut deserializer);
    let body = body.and_then(|body| deserializer.end().map(|()| body));
    body.map_err(|_| if left.get().is_none() { JsonError::TooManyElements } else { JsonError::Malformed })
}

/// Reads any value.
///
/// # Errors
/// As [`read`].
pub fn value(text: &[u8], bounds: JsonLimits) -> Result<Value, JsonError> {
    let left = Cell::new(Some(bounds.elements));
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = ValueReader { left: &left, depth: bounds.depth }.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|_| if left.get().is_none() { JsonError::TooManyElements } else { JsonError::Malformed })
}

/// Reads the outermost value.
struct RootReader<'a, Wanted> {
    wanted: &'a Wanted,
    values: ValueReader<'a>,
}

impl<'de, Wanted: Fn(&str) -> bool> DeserializeSeed<'de> for RootReader<'_, Wanted> {
    type Value = JsonBody;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<JsonBody, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, Wanted: Fn(&str) -> bool> Visitor<'de> for RootReader<'_, Wanted> {
    type Value = JsonBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonBody, A::Error> {
        let inner = self.values.inner()?;
        let mut fields = Fields::new();
        while let Some(name) = map.next_key::<String>()? {
            if (self.wanted)(&name) {
                fields.insert(Name::new(name), map.next_value_seed(inner)?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(JsonBody::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JsonBody, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(JsonBody::List)
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonBody, E> {
        Ok(JsonBody::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<JsonBody, E> {
        Ok(JsonBody::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<JsonBody, E> {
        Ok(JsonBody::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonBody, E> {
        Ok(JsonBody::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<JsonBody, E> {
        Ok(JsonBody::Scalar)
    }

    fn visit_unit<E>(self) -> Result<JsonBody, E> {
        Ok(JsonBody::Scalar)
    }
}

/// Reads an inner value and all values in it.
#[derive(Clone, Copy)]
struct ValueReader<'a> {
    /// Number of values that may still follow; `None` once there was one too many.
    left: &'a Cell<Option<usize>>,
    /// Number of levels that may still follow.
    depth: usize,
}

impl ValueReader<'_> {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("it nests too deep"))?;
        Ok(Self { depth, ..self })
    }

    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        self.left.set(self.left.get().and_then(|left| left.checked_sub(1)));
        self.left.get().map(drop).ok_or_else(|| E::custom("it holds too many values"))
    }
}

impl<'de> DeserializeSeed<'de> for ValueReader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.count::<D::Error>()?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueReader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut fields = Fields::new();
        while let Some(name) = map.next_key::<String>()? {
            fields.insert(Name::new(name), map.next_value_seed(inner)?);
        }
        Ok(Value::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    const BOUNDS: JsonLimits = JsonLimits { elements: 10, depth: 4 };

    fn wanted(text: &str) -> Result<JsonBody, JsonError> {
        read(text.as_bytes(), |name| name != "other", BOUNDS)
    }

    #[test]
    fn wanted_fields_are_read_and_others_take_no_part() {
        let zeros = "0,".repeat(100_000);
        let text =
            format!(r#"{{"a": 1, "other": [{zeros}0], "b": [-1, 1.5, true, null, "x"], "a": {{"c": 2}}}}"#);
        let Ok(JsonBody::Object(fields)) = wanted(&text) else { panic!("{:?}", wanted(&text)) };
        assert_eq!(Value::Object(fields), value!({"a": {"c": 2}, "b": [-1, 1.5, true, null, "x"]}));
        assert_eq!(wanted(&format!("[{zeros}0]")), Ok(JsonBody::List));
        for scalar in ["1", "-1", "1.5", "true", "null", "\"x\"", "\"\\u00e9\""] {
            assert_eq!(wanted(scalar), Ok(JsonBody::Scalar), "{scalar}");
        }
    }

    #[test]
    fn trees_are_bounded() {
        assert_eq!(wanted(r#"{"a": [0,0,0,0,0,0,0,0,0,0]}"#), Err(JsonError::TooManyElements));
        assert!(wanted(r#"{"a": [0,0,0,0,0,0,0,0,0]}"#).is_ok());
        assert!(wanted(r#"{"a": [[[]]]}"#).is_ok());
        assert_eq!(wanted(r#"{"a": [[[[]]]]}"#), Err(JsonError::Malformed));
    }

    #[test]
    fn what_is_broken_at_its_end_is_no_json() {
        for text in
            ["", "{", r#"{"a": 1"#, r#"{"a": 1}}"#, r#"{"a": 1} x"#, r#"{"other": [}"#, "\u{feff}{}", "[0,"]
        {
            assert_eq!(wanted(text), Err(JsonError::Malformed), "{text}");
        }
        assert_eq!(read(b"{\"a\": \"\xff\"}", |_| true, BOUNDS), Err(JsonError::Malformed));
    }

    #[test]
    fn any_value_is_read() {
        assert_eq!(value(br#"{"a": [1]}"#, BOUNDS), Ok(value!({"a": [1]})));
        assert_eq!(value(b"[[[[[]]]]]", BOUNDS), Err(JsonError::Malformed));
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: JsonLimits = JsonLimits { elements: 1000, depth: 100 };

    /// Any value that JSON can spell.
    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::from),
            proptest::num::f64::NORMAL
                .prop_filter("whole numbers come back as such", |number| number.fract() != 0.0)
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            let fields = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::List),
                fields.prop_map(|fields| Value::Object(
                    fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect()
                )),
            ]
        })
    }

    fn count(value: &Value) -> usize {
        1 + match value {
            Value::List(items) => items.iter().map(count).sum(),
            Value::Object(fields) => fields.values().map(count).sum(),
            _ => 0,
        }
    }

    fn written(value: &Value) -> Vec<u8> {
        let mut text = Vec::new();
        crate::write_value(value, crate::Api::REST, &mut text);
        text
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(tree in tree()) {
            let text = written(&tree);
            let exactly = JsonLimits { elements: count(&tree), ..BOUNDS };
            prop_assert_eq!(value(&text, exactly), Ok(tree.clone()));
            let too_few = JsonLimits { elements: exactly.elements - 1, ..BOUNDS };
            prop_assert_eq!(value(&text, too_few), Err(JsonError::TooManyElements));
            let ours: serde_json::Value = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(Value::from_json(ours).unwrap(), tree);
        }

        #[test]
        fn half_a_text_is_none(tree in tree(), share in 0.0..1.0) {
            let text = written(&Value::List(vec![tree]));
            let end = (text.len() as f64 * share) as usize;
            prop_assert_eq!(value(&text[..end], BOUNDS), Err(JsonError::Malformed));
        }

        #[test]
        fn any_bytes_are_judged_as_another_reader_does(text in r#"([\[\]{}:," \\a-c0-9eE+.-]|true|null|\\u[0-9a-fd]{4}){0,20}"#, bytes in any::<Vec<u8>>()) {
            for bytes in [text.as_bytes(), &bytes] {
                let known = serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
                prop_assert_eq!(value(bytes, BOUNDS).is_ok(), known);
                prop_assert_eq!(read(bytes, |_| true, BOUNDS).is_ok(), known);
                let _ = read(bytes, |_| false, BOUNDS);
            }
        }
    }
}
