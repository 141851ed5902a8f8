//! The schemas of OpenAPI, read as shapes of XML elements.

use async_graphql::indexmap::IndexMap;
use serde_json::{Map, Number, Value as Json};

use super::super::openapi::MAX_TEXT;
use super::super::xml::is_name;

/// Where references lead.
const PREFIX: &str = "#/components/schemas/";
/// Most references that lead to each other.
const MAX_REFERENCES: usize = 16;
/// Most items that a list is limited to. Validators make a state of each item that a limit allows, and longer lists are
/// limited by the size of an answer only.
const MAX_COUNTED_ITEMS: i64 = 100;

/// What an element may hold.
#[derive(Clone, Debug)]
pub(super) struct Shape<'a> {
    pub(super) content: Content<'a>,
    /// Whether it may be null: an empty element with the attribute `nil`.
    pub(super) is_nullable: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Content<'a> {
    /// What the component of this name holds.
    Component(&'a str),
    Text(Bounds),
    Integer(Bounds),
    Number(Bounds),
    Boolean,
    Moment,
    /// One of these texts.
    Words(Vec<&'a str>),
    /// Elements `item`. Both numbers are those of items.
    List {
        item: Box<Shape<'a>>,
        bounds: Bounds,
    },
    /// One element for each key, in any order.
    Object(IndexMap<&'a str, Member<'a>>),
    /// An object whose keys are not known.
    Map,
    Anything,
}

impl Content<'_> {
    /// Whether it is only a text, which has no elements.
    pub(super) fn is_simple(&self) -> bool {
        !matches!(self, Self::Component(_) | Self::List { .. } | Self::Object(_) | Self::Map | Self::Anything)
    }

    /// Whether an element without anything in it has such a content.
    pub(super) fn may_be_empty(&self) -> bool {
        matches!(self, Self::Text(Bounds { least: None, .. }))
    }

    /// The type of XSD that it is, or restricts.
    pub(super) fn built_in(&self) -> &'static str {
        match self {
            Self::Integer(_) => "xs:long",
            // Decimals of XSD have no exponent, which numbers of JSON may have.
            Self::Number(_) => "xs:double",
            Self::Boolean => "xs:boolean",
            Self::Moment => "xs:dateTime",
            _ => "xs:string",
        }
    }

    /// What it is called in the name of a type.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Integer(_) => "Integer",
            Self::Number(_) => "Number",
            Self::Boolean => "Boolean",
            Self::Moment => "Moment",
            _ => "Text",
        }
    }
}

/// A key of an object.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) shape: Shape<'a>,
    pub(super) is_required: bool,
    pub(super) description: Option<&'a str>,
}

/// The least and the greatest value, length or number of items.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    pub(super) least: Option<Number>,
    pub(super) most: Option<Number>,
}

impl Bounds {
    /// Whether there is any.
    pub(super) fn is_any(&self) -> bool {
        self.least.is_some() || self.most.is_some()
    }

    /// The bounds as the end of a type's name: `From0To255`.
    pub(super) fn name(&self) -> String {
        let part = |word: &str, bound: &Option<Number>| {
            bound.as_ref().map(|bound| format!("{word}{bound}")).unwrap_or_default()
        };
        part("From", &self.least) + &part("To", &self.most)
    }

    /// The bounds with these keys, but for those that every value keeps.
    fn read(schema: &Json, [least, most]: [&str; 2], [lowest, highest]: [i64; 2]) -> Self {
        let bound = |key: &str| schema.get(key)?.as_number().cloned();
        Self {
            least: bound(least).filter(|least| least.as_i64().is_none_or(|least| least > lowest)),
            most: bound(most).filter(|most| most.as_i64().is_none_or(|most| most < highest)),
        }
    }
}

/// The component schemas of an OpenAPI document.
#[derive(Clone, Copy)]
pub(super) struct Components<'a>(Option<&'a Map<String, Json>>);

impl<'a> Components<'a> {
    pub(super) fn new(openapi: &'a Json) -> Self {
        Self(openapi.pointer("/components/schemas").and_then(Json::as_object))
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        self.0.into_iter().flat_map(Map::keys).map(String::as_str)
    }

    pub(super) fn contains(self, name: &str) -> bool {
        self.schema(name).is_some()
    }

    pub(super) fn description(self, name: &str) -> Option<&'a str> {
        description(self.schema(name)?)
    }

    fn schema(self, name: &str) -> Option<&'a Json> {
        self.0?.get(name)
    }

    /// The shape of a component, which refers to no other one by itself.
    pub(super) fn component(self, name: &str) -> Shape<'a> {
        let mut shape = self.schema(name).map_or(Shape::ANYTHING, |schema| self.shape(schema));
        for _ in 0..MAX_REFERENCES {
            let Content::Component(other) = shape.content else { return shape };
            let is_nullable = shape.is_nullable;
            shape = self.schema(other).map_or(Shape::ANYTHING, |schema| self.shape(schema));
            shape.is_nullable |= is_nullable;
        }
        Shape::ANYTHING
    }

    fn shape(self, schema: &'a Json) -> Shape<'a> {
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            return Content::Component(reference.strip_prefix(PREFIX).unwrap_or(reference)).into();
        }
        if let Some(parts) = schema.get("allOf").and_then(Json::as_array) {
            return self.merged(parts).into();
        }
        if let Some(alternatives) =
            schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array)
        {
            return self.either(alternatives);
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Json::String(ty)) => vec![ty],
            Some(Json::Array(types)) => types.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let mut values = types.iter().filter(|ty| **ty != "null");
        let content = match (values.next(), values.next()) {
            (Some(ty), None) => self.content(ty, schema),
            _ => Content::Anything,
        };
        Shape { content, is_nullable: types.contains(&"null") }
    }

    /// One of several shapes. Only null beside another shape has a type of its own: XSD 1.0 has no type for an element that is
    /// either a number or a list.
    fn either(self, alternatives: &'a [Json]) -> Shape<'a> {
        let is_null = |schema: &&Json| schema.get("type").is_some_and(|ty| ty == "null");
        let mut values = alternatives.iter().filter(|schema| !is_null(schema));
        match (values.next(), values.next()) {
            (Some(only), None) => Shape { is_nullable: true, ..self.shape(only) },
            _ => Shape::ANYTHING,
        }
    }

    /// The keys of all parts: XSD 1.0 cannot add elements to a type whose elements come in any order.
    fn merged(self, parts: &'a [Json]) -> Content<'a> {
        let mut all = IndexMap::new();
        for part in parts {
            let shape = self.shape(part);
            let content = match shape.content {
                Content::Component(name) => self.component(name).content,
                other => other,
            };
            match content {
                Content::Object(members) => all.extend(members),
                Content::Map => return Content::Map,
                _ => return Content::Anything,
            }
        }
        Content::Object(all)
    }

    /// The content of an element whose value is of a JSON type.
    fn content(self, ty: &str, schema: &'a Json) -> Content<'a> {
        match ty {
            "boolean" => Content::Boolean,
            "integer" => Content::Integer(Bounds::read(schema, ["minimum", "maximum"], [i64::MIN, i64::MAX])),
            "number" => Content::Number(Bounds::read(schema, ["minimum", "maximum"], [i64::MIN, i64::MAX])),
            "string" => text(schema),
            "array" => self.list(schema),
            "object" => self.object(schema),
            _ => Content::Anything,
        }
    }

    fn list(self, schema: &'a Json) -> Content<'a> {
        let item = schema.get("items").map_or(Shape::ANYTHING, |items| self.shape(items));
        let bounds = Bounds::read(schema, ["minItems", "maxItems"], [0, MAX_COUNTED_ITEMS + 1]);
        Content::List { item: Box::new(item), bounds }
    }

    /// An object without known keys, or with a key that is no name of XML, is a map: the elements of all such keys are called
    /// `entry`, and an element may be there once only.
    fn object(self, schema: &'a Json) -> Content<'a> {
        let is_open = schema.get("additionalProperties").is_some_and(|more| *more != false);
        match schema.get("properties").and_then(Json::as_object) {
            Some(properties) if !is_open && properties.keys().all(|key| is_name(key)) => {
                let required = schema.get("required").and_then(Json::as_array);
                let member = |(key, value): (&'a String, &'a Json)| {
                    let is_required =
                        required.is_some_and(|required| required.iter().any(|name| name == key));
                    (
                        key.as_str(),
                        Member { shape: self.shape(value), is_required, description: description(value) },
                    )
                };
                Content::Object(properties.iter().map(member).collect())
            }
            _ => Content::Map,
        }
    }
}

impl Shape<'_> {
    pub(super) const ANYTHING: Self = Self { content: Content::Anything, is_nullable: true };

    /// Whether the type of the element has the attribute `nil`. Values that are not known may be null.
    pub(super) fn may_be_nil(&self) -> bool {
        self.is_nullable || matches!(self.content, Content::Map | Content::Anything)
    }
}

impl<'a> From<Content<'a>> for Shape<'a> {
    fn from(content: Content<'a>) -> Self {
        Self { content, is_nullable: false }
    }
}

fn text(schema: &Json) -> Content<'_> {
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        return Content::Words(words.iter().filter_map(Json::as_str).collect());
    }
    if schema.get("format").is_some_and(|format| format == "date-time") {
        return Content::Moment;
    }
    Content::Text(Bounds::read(schema, ["minLength", "maxLength"], [0, MAX_TEXT as i64]))
}

fn description(schema: &Json) -> Option<&str> {
    schema.get("description")?.as_str()
}
