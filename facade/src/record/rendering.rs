//! How the value of a column is written as JSON text, by GraphQL and by REST.

use async_graphql::registry::Registry;
use async_graphql::{Json, OutputType, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::cell::Cell;
use super::rest_form::JsonType;
use crate::api::Api;
use crate::json::{write_bool, write_int, write_str, write_value};

/// How the cells of a field are written. Null is always written as `null`; the rest concerns other cells only.
#[derive(Clone, Copy)]
pub struct Rendering {
    /// Appends the JSON text of the cell, as the API spells it.
    pub json: fn(Cell<'_>, Api, &mut Vec<u8>),
    /// Registers the GraphQL type and returns its name.
    pub register: fn(&mut Registry) -> String,
    /// Whether the column may be null.
    pub nullable: bool,
    /// The JSON type in REST, if it does not follow from the GraphQL type.
    pub json_type: JsonType,
}

impl Rendering {
    /// A whole number.
    pub const INT: Self =
        Self { json: |cell, _, out| write_int(cell.int().unwrap_or_default(), out), ..Self::of::<i64>() };

    /// A text.
    pub const TEXT: Self =
        Self { json: |cell, _, out| write_str(cell.text().unwrap_or_default(), out), ..Self::of::<String>() };

    /// True or false in both APIs.
    pub const BOOL: Self =
        Self { json: |cell, _, out| write_bool(cell.bool().unwrap_or_default(), out), ..Self::of::<bool>() };

    /// True or false in GraphQL, 1 or 0 in REST.
    pub const FLAG: Self = Self {
        json: |cell, api, out| match (api, cell.bool().unwrap_or_default()) {
            (Api::GraphQl, truth) => write_bool(truth, out),
            (Api::Rest(_), truth) => out.push(b'0' + u8::from(truth)),
        },
        json_type: JsonType::Integer,
        ..Self::of::<bool>()
    };

    /// A text that contains JSON, decoded. REST writes empty objects as empty lists, as PHP does. A text that is not
    /// JSON is null.
    pub const JSON: Self = Self {
        json: |cell, api, out| write_value(&decoded(cell, api), api, out),
        nullable: true,
        ..Self::of::<Json<serde_json::Value>>()
    };

    /// A word of a closed list: an enum in GraphQL, the stored word in REST.
    pub const fn word(register: fn(&mut Registry) -> String) -> Self {
        Self {
            json: |cell, api, out| match (cell.text().unwrap_or_default(), api) {
                (word, Api::GraphQl) => write_str(&word.to_uppercase(), out),
                (word, Api::Rest(_)) => write_str(word, out),
            },
            register,
            nullable: false,
            json_type: JsonType::AsTyped,
        }
    }

    /// A rendering of a GraphQL type that always writes null; others replace its `json`.
    pub const fn of<T: OutputType>() -> Self {
        Self {
            json: |_, _, out| out.extend_from_slice(b"null"),
            register: T::create_type_info,
            nullable: false,
            json_type: JsonType::AsTyped,
        }
    }

    /// The same for a column that may be null.
    #[must_use]
    pub const fn or_null(self) -> Self {
        let json_type = match self.json_type {
            JsonType::Text => JsonType::NullableText,
            other => other,
        };
        Self { nullable: true, json_type, ..self }
    }

    /// Registers the type of a field with this rendering and returns its name.
    pub(crate) fn ty(&self, registry: &mut Registry) -> String {
        let name = (self.register)(registry);
        if self.nullable { name.trim_end_matches('!').to_owned() } else { name }
    }
}

fn decoded(cell: Cell<'_>, api: Api) -> Value {
    let json = cell.text().and_then(|text| serde_json::from_str(text).ok());
    let value = json.and_then(|json| Value::from_json(json).ok()).unwrap_or_default();
    if api == Api::GraphQl { value } else { without_empty_objects(value) }
}

fn without_empty_objects(value: Value) -> Value {
    match value {
        Value::Object(fields) if fields.is_empty() => Value::List(Vec::new()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (name, without_empty_objects(value))).collect(),
        ),
        Value::List(items) => Value::List(items.into_iter().map(without_empty_objects).collect()),
        scalar => scalar,
    }
}

/// The opaque global identifier of a record (Relay): its type and primary key.
pub fn global_id(name: &str, key: i64) -> String {
    STANDARD_NO_PAD.encode(format!("{name}:{key}"))
}

/// Writes a global identifier as a JSON text, without allocating where the name is of usual length.
pub(crate) fn write_global_id(name: &str, key: i64, out: &mut Vec<u8>) {
    let (mut plain, mut digits) = ([0; MAX_PLAIN], itoa::Buffer::new());
    let parts = [name.as_bytes(), b":", digits.format(key).as_bytes()];
    let mut length = 0;
    for part in parts {
        match plain.get_mut(length..length + part.len()) {
            Some(place) => place.copy_from_slice(part),
            None => return write_str(&global_id(name, key), out),
        }
        length += part.len();
    }
    out.push(b'"');
    let start = out.len();
    // Four letters for three bytes, rounded up.
    out.resize(start + (length * 4).div_ceil(3), 0);
    // The place is as long as the text.
    let written = STANDARD_NO_PAD.encode_slice(&plain[..length], &mut out[start..]).unwrap_or_default();
    out.truncate(start + written);
    out.push(b'"');
}

/// Bytes of a type's name and a key that [`write_global_id`] encodes in place.
const MAX_PLAIN: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rendering: Rendering, cell: Cell<'_>) -> [String; 2] {
        [Api::GraphQl, Api::REST].map(|api| {
            let mut json = Vec::new();
            (rendering.json)(cell, api, &mut json);
            String::from_utf8(json).unwrap()
        })
    }

    #[test]
    fn texts_are_escaped() {
        let text = "a\"\\\n\u{1}\u{8}é/";
        assert_eq!(shown(Rendering::TEXT, Cell::Text(text)), [r#""a\"\\\n\u0001\bé/""#; 2]);
    }

    #[test]
    fn graphql_and_rest_spell_words_and_flags_differently() {
        let word = Rendering::word(<String as OutputType>::create_type_info);
        assert_eq!(shown(word, Cell::Text("active")), [r#""ACTIVE""#, r#""active""#]);
        assert_eq!(shown(Rendering::FLAG, Cell::Bool(true)), ["true", "1"]);
        assert_eq!(shown(Rendering::BOOL, Cell::Bool(false)), ["false"; 2]);
    }

    #[test]
    fn json_texts_are_decoded() {
        let json = |text| shown(Rendering::JSON, Cell::Text(text));
        let text = r#"{"ram": 2048, "ports": {}}"#;
        assert_eq!(json(text), [r#"{"ram":2048,"ports":{}}"#, r#"{"ram":2048,"ports":[]}"#]);
        assert_eq!(json("{}"), ["{}", "[]"]);
        assert_eq!(json("no json"), ["null"; 2]);
        assert_eq!(json("1.0"), ["1.0", "1"]);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn global_identifiers_are_written_as_they_are_made(name in "[A-Za-z]{1,120}", key in any::<i64>()) {
            let mut out = b"x".to_vec();
            write_global_id(&name, key, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("x\"{}\"", global_id(&name, key)));
        }

        #[test]
        fn texts_of_json_are_shown(text in r#"[\[\]{}:,"a0-9.-]{0,30}|\PC*"#, any in any::<String>(), whole in any::<i64>()) {
            for api in [Api::GraphQl, Api::REST] {
                let written = |rendering: Rendering, cell| {
                    let mut out = Vec::new();
                    (rendering.json)(cell, api, &mut out);
                    serde_json::from_slice::<serde_json::Value>(&out)
                };
                prop_assert!(written(Rendering::JSON, Cell::Text(&text)).is_ok());
                prop_assert_eq!(written(Rendering::TEXT, Cell::Text(&any)).unwrap(), serde_json::json!(any));
                prop_assert_eq!(written(Rendering::INT, Cell::Int(whole)).unwrap(), serde_json::json!(whole));
            }
        }
    }
}
