//! The elements of a schema and their fields, as the specification's section "Introspection" has them.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{
    Deprecation, MetaDirective, MetaEnumValue, MetaField, MetaInputValue, MetaType, MetaTypeName,
};
use async_graphql::resolver_utils::enum_value;
use async_graphql::{Context, Value};

use super::VisibleSchema;

/// An element of the schema.
#[derive(Clone, Copy)]
pub(super) enum Element<'a> {
    Schema,
    Type(&'a MetaType),
    /// A type around another one.
    Wrapper(MetaTypeName<'a>),
    Field(&'a MetaField),
    InputValue(&'a MetaInputValue),
    EnumValue(&'a MetaEnumValue),
    Directive(&'a MetaDirective),
}

/// The answer to a field of an element.
pub(super) enum Answer<'a> {
    Text(Option<&'a str>),
    Boolean(bool),
    Object(Option<Element<'a>>),
    List(Option<Vec<Element<'a>>>),
    Value(Value),
}

/// Whether a schema shows an element, where the element says so itself.
type IsVisible = fn(&Context<'_>) -> bool;

impl<'a> VisibleSchema<'a> {
    /// Whether an element is a type that the request may see. True for all other elements.
    pub(super) fn shows(&self, element: Element<'_>) -> bool {
        if let Element::Type(ty) = element { self.visible.contains(ty.name()) } else { true }
    }

    fn has(&self, visible: Option<IsVisible>) -> bool {
        visible.is_none_or(|is_visible| is_visible(self.ctx))
    }

    /// A type by its name in the schema's language, such as `[Product!]`.
    fn type_reference(&self, name: &'a str) -> Option<Element<'a>> {
        match MetaTypeName::create(name) {
            MetaTypeName::Named(name) => self.registry.types.get(name).map(Element::Type),
            wrapper => Some(Element::Wrapper(wrapper)),
        }
    }

    fn visible_type(&self, name: &str) -> Option<Element<'a>> {
        self.registry.types.get(name).map(Element::Type).filter(|ty| self.shows(*ty))
    }

    fn visible_types(&self, names: impl IntoIterator<Item = &'a String>) -> Answer<'a> {
        Answer::List(Some(names.into_iter().filter_map(|name| self.visible_type(name)).collect()))
    }

    fn input_values(
        &self,
        values: &'a IndexMap<String, MetaInputValue>,
        include_deprecated: bool,
    ) -> Answer<'a> {
        let values = values.values().filter(|value| {
            (include_deprecated || !value.deprecation.is_deprecated()) && self.has(value.visible)
        });
        Answer::List(Some(values.map(Element::InputValue).collect()))
    }
}

impl<'a> Element<'a> {
    /// The name of the element's own type.
    fn type_name(self) -> &'static str {
        match self {
            Self::Schema => "__Schema",
            Self::Type(_) | Self::Wrapper(_) => "__Type",
            Self::Field(_) => "__Field",
            Self::InputValue(_) => "__InputValue",
            Self::EnumValue(_) => "__EnumValue",
            Self::Directive(_) => "__Directive",
        }
    }

    /// The answer to a field. Null for a field that the element lacks: documents are validated before.
    pub(super) fn answer(
        self,
        schema: &VisibleSchema<'a>,
        field: &str,
        include_deprecated: bool,
    ) -> Answer<'a> {
        if field == "__typename" {
            return Answer::Text(Some(self.type_name()));
        }
        match self {
            Self::Schema => of_schema(schema, field),
            Self::Type(ty) => of_type(schema, ty, field, include_deprecated),
            Self::Wrapper(wrapper) => of_wrapper(schema, wrapper, field),
            Self::Field(of) => match field {
                "args" => schema.input_values(&of.args, include_deprecated),
                "type" => Answer::Object(schema.type_reference(&of.ty)),
                _ => of_named(field, &of.name, of.description.as_deref(), &of.deprecation),
            },
            Self::InputValue(of) => match field {
                "type" => Answer::Object(schema.type_reference(&of.ty)),
                "defaultValue" => Answer::Text(of.default_value.as_deref()),
                _ => of_named(field, &of.name, of.description.as_deref(), &of.deprecation),
            },
            Self::EnumValue(of) => of_named(field, &of.name, of.description.as_deref(), &of.deprecation),
            Self::Directive(of) => match field {
                "locations" => {
                    Answer::Value(Value::List(of.locations.iter().copied().map(enum_value).collect()))
                }
                "args" => schema.input_values(&of.args, include_deprecated),
                "isRepeatable" => Answer::Boolean(of.is_repeatable),
                _ => of_named(field, &of.name, of.description.as_deref(), &Deprecation::NoDeprecated),
            },
        }
    }
}

fn of_schema<'a>(schema: &VisibleSchema<'a>, field: &str) -> Answer<'a> {
    let registry = schema.registry;
    let root =
        |name: &Option<String>| Answer::Object(name.as_deref().and_then(|name| schema.visible_type(name)));
    match field {
        // The schema has no text of its own, and the field is not nullable.
        "description" => Answer::Text(registry.types.get("__Schema").and_then(description)),
        "types" => schema.visible_types(registry.types.keys()),
        "queryType" => Answer::Object(schema.visible_type(&registry.query_type)),
        "mutationType" => root(&registry.mutation_type),
        "subscriptionType" => root(&registry.subscription_type),
        "directives" => Answer::List(Some(registry.directives.values().map(Element::Directive).collect())),
        _ => Answer::Text(None),
    }
}

fn of_type<'a>(
    schema: &VisibleSchema<'a>,
    ty: &'a MetaType,
    field: &str,
    include_deprecated: bool,
) -> Answer<'a> {
    match (field, ty) {
        ("kind", _) => Answer::Text(Some(kind(ty))),
        ("name", _) => Answer::Text(Some(ty.name())),
        ("description", _) => Answer::Text(description(ty)),
        ("fields", MetaType::Object { fields, .. } | MetaType::Interface { fields, .. }) => {
            let fields = fields.values().filter(|field| {
                (include_deprecated || !field.deprecation.is_deprecated())
                    && !field.name.starts_with("__")
                    && schema.has(field.visible)
            });
            Answer::List(Some(fields.map(Element::Field).collect()))
        }
        ("interfaces", MetaType::Object { name, .. } | MetaType::Interface { name, .. }) => {
            schema.visible_types(schema.registry.implements.get(name).into_iter().flatten())
        }
        (
            "possibleTypes",
            MetaType::Interface { possible_types, .. } | MetaType::Union { possible_types, .. },
        ) => schema.visible_types(possible_types),
        ("enumValues", MetaType::Enum { enum_values, .. }) => {
            let values = enum_values.values().filter(|value| {
                (include_deprecated || !value.deprecation.is_deprecated()) && schema.has(value.visible)
            });
            Answer::List(Some(values.map(Element::EnumValue).collect()))
        }
        ("inputFields", MetaType::InputObject { input_fields, .. }) => {
            schema.input_values(input_fields, include_deprecated)
        }
        ("isOneOf", MetaType::InputObject { oneof, .. }) => Answer::Boolean(*oneof),
        ("specifiedByURL", MetaType::Scalar { specified_by_url, .. }) => {
            Answer::Text(specified_by_url.as_deref())
        }
        _ => Answer::Text(None),
    }
}

fn of_wrapper<'a>(schema: &VisibleSchema<'a>, wrapper: MetaTypeName<'a>, field: &str) -> Answer<'a> {
    match (field, wrapper) {
        ("kind", MetaTypeName::List(_)) => Answer::Text(Some("LIST")),
        ("kind", _) => Answer::Text(Some("NON_NULL")),
        ("ofType", MetaTypeName::List(inner) | MetaTypeName::NonNull(inner)) => {
            Answer::Object(schema.type_reference(inner))
        }
        _ => Answer::Text(None),
    }
}

/// The answers that elements with a name and a deprecation have in common.
fn of_named<'a>(
    field: &str,
    name: &'a str,
    description: Option<&'a str>,
    deprecation: &'a Deprecation,
) -> Answer<'a> {
    match field {
        "name" => Answer::Text(Some(name)),
        "description" => Answer::Text(description),
        "isDeprecated" => Answer::Boolean(deprecation.is_deprecated()),
        "deprecationReason" => Answer::Text(deprecation.reason()),
        _ => Answer::Text(None),
    }
}

fn kind(ty: &MetaType) -> &'static str {
    match ty {
        MetaType::Scalar { .. } => "SCALAR",
        MetaType::Object { .. } => "OBJECT",
        MetaType::Interface { .. } => "INTERFACE",
        MetaType::Union { .. } => "UNION",
        MetaType::Enum { .. } => "ENUM",
        MetaType::InputObject { .. } => "INPUT_OBJECT",
    }
}

fn description(ty: &MetaType) -> Option<&str> {
    let (MetaType::Scalar { description, .. }
    | MetaType::Object { description, .. }
    | MetaType::Interface { description, .. }
    | MetaType::Union { description, .. }
    | MetaType::Enum { description, .. }
    | MetaType::InputObject { description, .. }) = ty;
    description.as_deref()
}
