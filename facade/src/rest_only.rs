//! What only REST has: fields of roots, records and forms, and arguments of roots, that documents need and clients of
//! GraphQL don't see.
//!
//! The internal schema has them, the public one lacks them: its SDL, its introspection and the validation of what
//! clients send know nothing of them. Both schemas have the same Rust types, so that what runs operations is compiled
//! once. Types register themselves without knowing for which schema; so the thread says which one it builds
//! (`in_public`), and the roots take away what is marked (`hide`).

use std::borrow::Cow;
use std::cell::Cell;

use async_graphql::TypeDirective;
use async_graphql::registry::location_traits::{
    Directive_At_ARGUMENT_DEFINITION, Directive_At_FIELD_DEFINITION, Directive_At_INPUT_FIELD_DEFINITION,
};
use async_graphql::registry::{__DirectiveLocation, MetaDirectiveInvocation, MetaField, MetaType, Registry};

use crate::directive;
use crate::record::InRest;
use crate::rest::FileResponse;

thread_local! {
    static IN_PUBLIC: Cell<bool> = const { Cell::new(false) };
}

/// Builds a schema or its types as clients of GraphQL see them.
pub(crate) fn in_public<T>(build: impl FnOnce() -> T) -> T {
    let before = IN_PUBLIC.replace(true);
    let built = build();
    IN_PUBLIC.set(before);
    built
}

/// Whether the schema that is being built is the one that clients of GraphQL see.
pub fn is_public() -> bool {
    IN_PUBLIC.get()
}

/// The directive `@restOnly`: a field or an argument of the internal schema alone.
pub struct RestOnly;

impl RestOnly {
    const NAME: &str = "restOnly";

    /// The mark on a field of a root or an argument of one.
    pub fn apply() -> MetaDirectiveInvocation {
        directive::mark(Self::NAME)
    }

    /// Marks a field that only REST has.
    pub(crate) fn mark(
        directives: &mut Vec<MetaDirectiveInvocation>,
        rest_only: bool,
        registry: &mut Registry,
    ) {
        if rest_only {
            Self.register(registry);
            directives.push(Self::apply());
        }
    }

    fn marks(directives: &[MetaDirectiveInvocation]) -> bool {
        directive::is_marked(Self::NAME, directives)
    }
}

/// Takes what only REST has out of a registry, if it is the public schema's.
pub(crate) fn hide(registry: &mut Registry) {
    if !is_public() {
        return;
    }
    for ty in registry.types.values_mut() {
        match ty {
            MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } => {
                fields.retain(|_, field| {
                    !RestOnly::marks(&field.directive_invocations) && !FileResponse::is_in(field)
                });
                fields.values_mut().for_each(hide_arguments);
                fields.values_mut().for_each(InRest::hide_on_money);
            }
            MetaType::InputObject { input_fields, .. } => {
                input_fields.retain(|_, field| !RestOnly::marks(&field.directive_invocations));
            }
            _ => {}
        }
    }
    registry.directives.remove(RestOnly::NAME);
}

fn hide_arguments(field: &mut MetaField) {
    field.args.retain(|_, argument| !RestOnly::marks(&argument.directive_invocations));
}

impl TypeDirective for RestOnly {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let locations = [
            __DirectiveLocation::FIELD_DEFINITION,
            __DirectiveLocation::ARGUMENT_DEFINITION,
            __DirectiveLocation::INPUT_FIELD_DEFINITION,
        ];
        directive::declare(registry, Self::NAME, "Only REST has it.", &locations);
    }
}

impl Directive_At_FIELD_DEFINITION for RestOnly {}
impl Directive_At_INPUT_FIELD_DEFINITION for RestOnly {}
impl Directive_At_ARGUMENT_DEFINITION for RestOnly {}
