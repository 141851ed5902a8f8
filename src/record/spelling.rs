//! The directive `@restType` on a field: how REST spells a value where the GraphQL type doesn't
//! tell. The schema prints it, the OpenAPI document is made from it.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaField, MetaInputValue, Registry,
    location_traits::Directive_At_FIELD_DEFINITION,
};
use async_graphql::{TypeDirective, Value};

/// A REST spelling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// What the GraphQL type says: a text for an exact number, a lower-case word for an enum.
    #[default]
    AsTyped,
    /// A whole number; for a yes or no it is 1 or 0.
    Integer,
    /// A number.
    Number,
}

impl Spelling {
    /// The word of the directive; none where nothing differs.
    fn word(self) -> Option<&'static str> {
        match self {
            Self::AsTyped => None,
            Self::Integer => Some("integer"),
            Self::Number => Some("number"),
        }
    }

    /// How REST spells a field.
    pub fn read(field: &MetaField) -> Self {
        let directive = field.directive_invocations.iter().find(|directive| directive.name == RestType::NAME);
        let word = match directive.and_then(|directive| directive.args.get("name")) {
            Some(Value::String(word)) => word.as_str(),
            _ => return Self::AsTyped,
        };
        [Self::Integer, Self::Number]
            .into_iter()
            .find(|spelling| spelling.word() == Some(word))
            .unwrap_or_default()
    }
}

/// The directive `@restType(name: …)`.
pub struct RestType;

impl RestType {
    const NAME: &'static str = "restType";

    /// The directive on a field that REST spells so.
    pub fn apply(spelling: Spelling) -> MetaDirectiveInvocation {
        let word = spelling.word().map(|word| ("name".to_owned(), Value::from(word)));
        MetaDirectiveInvocation { name: Self::NAME.to_owned(), args: word.into_iter().collect() }
    }

    /// Marks a field, unless its type tells the spelling.
    pub(super) fn mark(field: &mut MetaField, spelling: Spelling, registry: &mut Registry) {
        if spelling != Spelling::AsTyped {
            Self.register(registry);
            field.directive_invocations.push(Self::apply(spelling));
        }
    }
}

impl TypeDirective for RestType {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let mut name = MetaInputValue::new("name", "String!");
        name.description = Some("`integer` or `number`.".to_owned());
        registry.add_directive(MetaDirective {
            name: Self::NAME.to_owned(),
            description: Some("The REST face prints the value as another JSON type.".to_owned()),
            locations: vec![__DirectiveLocation::FIELD_DEFINITION],
            args: IndexMap::from([("name".to_owned(), name)]),
            is_repeatable: false,
            visible: None,
            composable: None,
        });
    }
}

impl Directive_At_FIELD_DEFINITION for RestType {}
