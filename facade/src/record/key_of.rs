//! Foreign keys: `ID` in GraphQL, numbers in REST.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::registry::Registry;
use async_graphql::{ID, InputType, InputValueError, InputValueResult, Value};
use value::Id;

use super::leaf::CustomRendering;
use super::reading::Record;
use super::rendering::{Rendering, write_global_id};
use super::rest_form::JsonType;
use crate::api::Api;
use crate::json::{write_int, write_str};
use crate::node::{key_in_digits, key_of_type};

/// The key of a row of the record `T`. As a column (`customer_id shown KeyOf<Customer>`) and as the type of a field of a
/// form or filter, it is an `ID` in GraphQL: it is written as the global identifier of that record, and read from one or
/// from the digits of the key. In REST it is a number.
pub struct KeyOf<T> {
    /// The key.
    pub id: Id,
    record: PhantomData<fn() -> T>,
}

impl<T> Clone for KeyOf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for KeyOf<T> {}

impl<T> std::fmt::Debug for KeyOf<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.id.fmt(out)
    }
}

impl<T> PartialEq for KeyOf<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T> From<KeyOf<T>> for Id {
    fn from(key: KeyOf<T>) -> Self {
        key.id
    }
}

impl<T: Record> CustomRendering for KeyOf<T> {
    fn rendering() -> Rendering {
        Rendering {
            json: |cell, api, out| match (cell.int().unwrap_or_default(), api) {
                (key, Api::GraphQl) => write_global_id(T::NAME, key, out),
                (key, Api::Rest(_)) => write_int(key, out),
            },
            json_type: JsonType::Integer,
            ..Rendering::of::<ID>()
        }
    }
}

impl<T: Record> InputType for KeyOf<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let id = match &value {
            Value::Number(number) => number.as_i64().filter(|key| *key >= 0).map(Id),
            Value::String(text) => key_of_type(T::NAME, text),
            _ => None,
        };
        let id =
            id.ok_or_else(|| InputValueError::custom(format!("it is no identifier of a {}", T::NAME)))?;
        Ok(Self { id, record: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::from(self.id.0)
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

/// The key of a row whose type another column or field names, or that GraphQL does not show: its digits, as an `ID`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key(pub Id);

impl From<Key> for Id {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl InputType for Key {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let digits = match value.unwrap_or_default() {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text,
            _ => String::new(),
        };
        key_in_digits(&digits)
            .map(Self)
            .ok_or_else(|| InputValueError::custom("it is no primary key in digits"))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0.0)
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl CustomRendering for Key {
    fn rendering() -> Rendering {
        Rendering {
            json: |cell, api, out| match (cell.int().unwrap_or_default(), api) {
                (key, Api::GraphQl) => write_str(itoa::Buffer::new().format(key), out),
                (key, Api::Rest(_)) => write_int(key, out),
            },
            json_type: JsonType::Integer,
            ..Rendering::of::<ID>()
        }
    }
}
