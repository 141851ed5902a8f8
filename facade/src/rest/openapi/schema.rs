//! Schemas of scalars and enums.

use async_graphql::registry::MetaType;
use utoipa::openapi::schema::{AnyOfBuilder, SchemaType};
use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::record::JsonType;

/// The schema of a JSON type.
pub(super) fn typed(ty: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(ty)
}

/// Any value.
pub(super) fn anything() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

/// A whole number.
pub(super) fn integer() -> ObjectBuilder {
    typed(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

/// A text that is one of these.
pub(super) fn one_of<T: Into<String>>(words: impl IntoIterator<Item = T>) -> ObjectBuilder {
    typed(Type::String).enum_values(Some(words.into_iter().map(Into::into).collect::<Vec<String>>()))
}

/// The schema that allows null too.
pub(super) fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    let with_null = |ty: SchemaType| match ty {
        SchemaType::Type(ty) if ty != Type::Null => SchemaType::from_iter([ty, Type::Null]),
        other => other,
    };
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = with_null(object.schema_type);
            if let Some(words) = &mut object.enum_values {
                words.push(serde_json::Value::Null);
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = with_null(array.schema_type);
            RefOr::T(Schema::Array(array))
        }
        other => AnyOfBuilder::new().item(other).item(Object::with_type(Type::Null)).into(),
    }
}

/// The schema with a description.
pub(super) fn described(mut schema: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    if description.is_empty() {
        return schema;
    }
    let description = description.to_owned();
    match &mut schema {
        RefOr::Ref(reference) => reference.description = description,
        RefOr::T(Schema::Object(object)) => object.description = Some(description),
        RefOr::T(Schema::Array(array)) => array.description = Some(description),
        RefOr::T(Schema::AllOf(all)) => all.description = Some(description),
        RefOr::T(Schema::AnyOf(any)) => any.description = Some(description),
        RefOr::T(_) => {}
    }
    schema
}

/// The schema of a GraphQL scalar or enum in REST; `None` for types that have fields.
pub(super) fn leaf(ty: &MetaType, json_type: JsonType) -> Option<ObjectBuilder> {
    Some(match (ty, json_type) {
        (MetaType::Scalar { .. }, JsonType::Integer) => integer(),
        (MetaType::Scalar { .. }, JsonType::Number) => typed(Type::Number),
        (MetaType::Scalar { .. } | MetaType::Enum { .. }, JsonType::Text | JsonType::NullableText) => {
            typed(Type::String)
        }
        (MetaType::Scalar { name, .. }, JsonType::AsTyped) => scalar(name),
        (MetaType::Enum { enum_values, .. }, _) => one_of(enum_values.keys().map(|word| word.to_lowercase())),
        _ => return None,
    })
}

fn scalar(name: &str) -> ObjectBuilder {
    match name {
        "Int" => integer(),
        "Float" => typed(Type::Number),
        "Boolean" => typed(Type::Boolean),
        "JSON" | "JSONObject" => anything(),
        // REST writes a day as the moment at which it begins.
        "DateTime" | "Date" => {
            typed(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        }
        _ => typed(Type::String),
    }
}
