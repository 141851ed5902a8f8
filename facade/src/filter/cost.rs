//! The directive `@cost`: what a condition or an order costs beside its comparisons, and a computed field beside its objects.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::location_traits::{
    Directive_At_ENUM_VALUE, Directive_At_INPUT_FIELD_DEFINITION,
};
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaField, MetaInputValue, Registry,
};
use async_graphql::{TypeDirective, Value};

/// The directive `@cost(weight: "50")` on a field of a filter and on a word of an order whose table the statement computes, and on a
/// field that takes more work than its objects tell: the points that each use costs. It is that of the GraphQL Cost Directive Specification
/// (<https://ibm.github.io/graphql-specs/cost-spec.html>), which has no words of enums.
pub struct Costs;

impl Costs {
    const NAME: &str = "cost";
    const WEIGHT: &str = "weight";

    /// The directive with this number of points.
    pub fn apply(points: u64) -> MetaDirectiveInvocation {
        let weight = (Self::WEIGHT.to_owned(), Value::String(points.to_string()));
        MetaDirectiveInvocation { name: Self::NAME.to_owned(), args: IndexMap::from([weight]) }
    }

    /// Adds the directive to a field that costs points.
    pub(crate) fn mark(field: &mut MetaField, points: u64, registry: &mut Registry) {
        if points > 0 {
            Self.register(registry);
            field.directive_invocations.push(Self::apply(points));
        }
    }

    /// The points among the directives of a field or word; 0 where there are none.
    pub(crate) fn points(directives: &[MetaDirectiveInvocation]) -> u64 {
        let cost = directives.iter().find(|directive| directive.name == Self::NAME);
        match cost.and_then(|cost| cost.args.get(Self::WEIGHT)) {
            Some(Value::String(weight)) => weight.parse().unwrap_or(0),
            _ => 0,
        }
    }
}

impl TypeDirective for Costs {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let mut weight = MetaInputValue::new(Self::WEIGHT, "String!");
        weight.description = Some("Points, a whole number.".to_owned());
        registry.add_directive(MetaDirective {
            name: Self::NAME.to_owned(),
            description: Some(
                "Points that each use costs, beside those of comparisons and objects.".to_owned(),
            ),
            locations: vec![
                __DirectiveLocation::FIELD_DEFINITION,
                __DirectiveLocation::INPUT_FIELD_DEFINITION,
                __DirectiveLocation::ENUM_VALUE,
            ],
            args: IndexMap::from([(Self::WEIGHT.to_owned(), weight)]),
            is_repeatable: false,
            visible: None,
            composable: None,
        });
    }
}

impl Directive_At_INPUT_FIELD_DEFINITION for Costs {}
impl Directive_At_ENUM_VALUE for Costs {}
