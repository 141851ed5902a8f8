//! Schemas of scalars and enums.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaEnumValue, MetaType};
use utoipa::Number;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, SchemaType};
use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::record::JsonType;

/// Most characters of a text whose length nothing else limits: MySQL and MariaDB send no larger value by default.
pub(in crate::rest) const MAX_TEXT: usize = 16_777_215;

/// Most characters of a moment: `2026-11-23T12:00:00.000000+00:00`.
const MOMENT_LENGTH: usize = 32;

/// The schema of a JSON type.
pub(super) fn typed(ty: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(ty)
}

/// Any value.
pub(super) fn anything() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

/// A whole number of 64 bits.
pub(super) fn integer() -> ObjectBuilder {
    typed(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(Number::from(isize::MIN)))
        .maximum(Some(Number::from(isize::MAX)))
}

/// A whole number from `least` on.
pub(super) fn integer_from(least: isize) -> ObjectBuilder {
    integer().minimum(Some(Number::from(least)))
}

/// A text of at most so many characters.
pub(super) fn text(most: usize) -> ObjectBuilder {
    typed(Type::String).max_length(Some(most))
}

/// A list of at most so many items.
pub(super) fn list(item: impl Into<RefOr<Schema>>, most: usize) -> ArrayBuilder {
    let item: RefOr<Schema> = item.into();
    ArrayBuilder::new().items(item).max_items(Some(most))
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
        // Generators make a type of words, and null beside it.
        RefOr::T(Schema::Object(mut object)) if object.enum_values.is_none() => {
            object.schema_type = with_null(object.schema_type);
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

/// The schema of a GraphQL scalar or enum in REST; `None` for types that have fields. A text has at most `length`
/// characters.
pub(super) fn leaf(ty: &MetaType, json_type: JsonType, length: Option<usize>) -> Option<ObjectBuilder> {
    let text = || text(length.unwrap_or(MAX_TEXT));
    Some(match (ty, json_type) {
        (MetaType::Scalar { name, .. }, JsonType::Integer) if name == "Boolean" => {
            integer_from(0).maximum(Some(Number::from(1_isize)))
        }
        (MetaType::Scalar { .. }, JsonType::Integer) => integer(),
        (MetaType::Scalar { .. }, JsonType::Number) => typed(Type::Number),
        (MetaType::Scalar { .. } | MetaType::Enum { .. }, JsonType::Text | JsonType::NullableText) => text(),
        (MetaType::Scalar { name, .. }, JsonType::AsTyped) => scalar(name, text),
        (MetaType::Enum { enum_values, .. }, _) => words(enum_values),
        _ => return None,
    })
}

/// The words of an enum.
pub(super) fn words(values: &IndexMap<String, MetaEnumValue>) -> ObjectBuilder {
    one_of(values.keys().map(|word| word.to_lowercase()))
}

fn scalar(name: &str, text: impl Fn() -> ObjectBuilder) -> ObjectBuilder {
    match name {
        "Int" => integer(),
        "Float" => typed(Type::Number),
        "Boolean" => typed(Type::Boolean),
        "JSON" | "JSONObject" => anything(),
        // REST writes a day as the moment at which it begins.
        "DateTime" | "Date" => {
            self::text(MOMENT_LENGTH).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        }
        _ => text(),
    }
}
