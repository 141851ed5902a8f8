//! The directive `@inRest` on a field: the form of its value in REST, where it does not follow from the GraphQL type.
//! It is printed in the schema, and the OpenAPI document is made from it.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::location_traits::Directive_At_FIELD_DEFINITION;
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaField, MetaInputValue, Registry,
};
use async_graphql::{TypeDirective, Value};

use super::money::Money;

/// The JSON type of a value in REST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonType {
    /// It follows from the GraphQL type: a text for a `Decimal`, a lower-case word for an enum.
    #[default]
    AsTyped,
    /// A whole number; 1 or 0 for a `Boolean`.
    Integer,
    /// A number.
    Number,
    /// A text, also where GraphQL shows null because the text has not the form of its scalar.
    Text,
    /// A text, or null where the column is.
    NullableText,
}

impl JsonType {
    /// The value of the directive's argument `type`; `None` if the JSON type follows from the GraphQL type.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::AsTyped => None,
            Self::Integer => Some("integer"),
            Self::Number => Some("number"),
            Self::Text => Some("string"),
            Self::NullableText => Some("string or null"),
        }
    }

    /// The JSON type with this [`name`](Self::name); [`Self::AsTyped`] for any other text.
    pub(super) fn from_name(name: &str) -> Self {
        let has_name = |json_type: &Self| json_type.name() == Some(name);
        [Self::Integer, Self::Number, Self::Text, Self::NullableText]
            .into_iter()
            .find(has_name)
            .unwrap_or_default()
    }
}

/// The form of a field in REST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestForm {
    /// The JSON type of the value.
    pub json_type: JsonType,
    /// Whether the key is omitted if the value is null.
    pub sparse: bool,
}

/// The directive `@inRest(type: …, sparse: …)`.
pub struct InRest;

impl InRest {
    const NAME: &'static str = "inRest";

    /// The directive on a computed field, such as an amount of money.
    pub fn apply(json_type: JsonType) -> MetaDirectiveInvocation {
        RestForm { json_type, sparse: false }.directive()
    }

    /// Takes the directive off a field that shows money: an object is no number.
    pub(crate) fn hide_on_money(field: &mut MetaField) {
        if field.ty.trim_end_matches('!') == Money::NAME {
            field.directive_invocations.retain(|directive| directive.name != Self::NAME);
        }
    }
}

impl RestForm {
    fn directive(self) -> MetaDirectiveInvocation {
        let json_type = self.json_type.name().map(|name| ("type".to_owned(), Value::from(name)));
        let sparse = self.sparse.then(|| ("sparse".to_owned(), Value::from(true)));
        MetaDirectiveInvocation {
            name: InRest::NAME.to_owned(),
            args: json_type.into_iter().chain(sparse).collect(),
        }
    }

    /// The form that the directive of a field declares.
    pub fn read(field: &MetaField) -> Self {
        let directive = field.directive_invocations.iter().find(|directive| directive.name == InRest::NAME);
        let argument = |name: &str| directive.and_then(|directive| directive.args.get(name));
        let json_type = match argument("type") {
            Some(Value::String(name)) => JsonType::from_name(name),
            _ => JsonType::default(),
        };
        Self { json_type, sparse: argument("sparse") == Some(&Value::Boolean(true)) }
    }

    /// Adds the directive to a field, unless the form follows from its type.
    pub(crate) fn mark(self, field: &mut MetaField, registry: &mut Registry) {
        if self != Self::default() {
            InRest.register(registry);
            field.directive_invocations.push(self.directive());
        }
    }
}

impl TypeDirective for InRest {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let argument = |name: &str, ty: &str, about: &str| {
            let mut argument = MetaInputValue::new(name, ty);
            argument.description = Some(about.to_owned());
            (name.to_owned(), argument)
        };
        registry.add_directive(MetaDirective {
            name: Self::NAME.to_owned(),
            description: Some("What the REST face makes of the value.".to_owned()),
            locations: vec![__DirectiveLocation::FIELD_DEFINITION],
            args: IndexMap::from([
                argument(
                    "type",
                    "String",
                    "Its JSON type: `integer`, `number`, `string` (never null) or `string or null`.",
                ),
                argument("sparse", "Boolean", "The key is left out where the value is null."),
            ]),
            is_repeatable: false,
            visible: None,
            composable: None,
        });
    }
}

impl Directive_At_FIELD_DEFINITION for InRest {}
