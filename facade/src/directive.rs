//! Directives without arguments, which mark fields of the schema: how they are applied, found and declared.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{__DirectiveLocation, MetaDirective, MetaDirectiveInvocation, Registry};

/// The directive of this name on a field.
pub(crate) fn mark(name: &str) -> MetaDirectiveInvocation {
    MetaDirectiveInvocation { name: name.to_owned(), args: IndexMap::new() }
}

/// Whether the directive of this name is among those of a field.
pub(crate) fn is_marked(name: &str, directives: &[MetaDirectiveInvocation]) -> bool {
    directives.iter().any(|directive| directive.name == name)
}

/// Adds the directive to the schema.
pub(crate) fn declare(registry: &mut Registry, name: &str, about: &str, locations: &[__DirectiveLocation]) {
    registry.add_directive(MetaDirective {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        locations: locations.to_vec(),
        args: IndexMap::new(),
        is_repeatable: false,
        visible: None,
        composable: None,
    });
}
