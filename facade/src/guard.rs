//! The guard on every field.
//!
//! A field says what it needs once, with the directive `@can`: the guard enforces it, the schema
//! prints it, the REST engine and the tests of the guards read it. What needs no key says so with
//! `@public`. A field of a root type that says nothing is refused to everybody.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::location_traits::{
    Directive_At_FIELD_DEFINITION, Directive_At_INPUT_FIELD_DEFINITION,
};
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaField, MetaInputValue, MetaType,
    Registry,
};
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult,
    TypeDirective, Value,
};

use crate::ability::{Abilities, Ability};
use crate::engine::{Engine, graphql};
use crate::execution::Execution;
use crate::selection::{self, RootFieldMerge};
use crate::{Error, Result, root};

/// The directive `@can(any: […])` on a field: the caller needs one of the abilities named.
/// An empty list means that any valid key will do. On a field of conditions it tells what
/// [`filters!`](crate::filters!) holds against the caller.
pub struct Can;

impl Can {
    const NAME: &str = "can";

    /// The directive on a field that needs one of these abilities.
    pub fn apply(any: &[Ability]) -> MetaDirectiveInvocation {
        let any = any.iter().map(|ability| Value::from(ability.name())).collect();
        MetaDirectiveInvocation {
            name: Self::NAME.to_owned(),
            args: IndexMap::from([("any".to_owned(), Value::List(any))]),
        }
    }

    /// Names of the abilities of which a field needs one: `None` when it doesn't say.
    pub fn read(field: &MetaField) -> Option<Vec<&str>> {
        Self::ability_names(&field.directive_invocations)
    }

    /// The same for a field of an input.
    pub fn read_input(field: &MetaInputValue) -> Option<Vec<&str>> {
        Self::ability_names(&field.directive_invocations)
    }

    fn ability_names(directives: &[MetaDirectiveInvocation]) -> Option<Vec<&str>> {
        let invocation = directives.iter().find(|directive| directive.name == Self::NAME)?;
        let Some(Value::List(any)) = invocation.args.get("any") else { return None };
        Some(
            any.iter()
                .filter_map(|name| if let Value::String(name) = name { Some(name.as_str()) } else { None })
                .collect(),
        )
    }
}

impl TypeDirective for Can {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let mut any = MetaInputValue::new("any", "[String!]!");
        any.description = Some("Names of abilities, as a key's list spells them.".to_owned());
        registry.add_directive(MetaDirective {
            name: Self::NAME.to_owned(),
            description: Some(
                "The caller needs one of these abilities; any valid key when the list is empty.".to_owned(),
            ),
            locations: vec![
                __DirectiveLocation::FIELD_DEFINITION,
                __DirectiveLocation::INPUT_FIELD_DEFINITION,
            ],
            args: IndexMap::from([("any".to_owned(), any)]),
            is_repeatable: false,
            visible: None,
            composable: None,
        });
    }
}

impl Directive_At_FIELD_DEFINITION for Can {}
impl Directive_At_INPUT_FIELD_DEFINITION for Can {}

/// What a field of a record needs: one of these abilities. None: seeing the record is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Abilities of which the caller needs one, in the order in which they are told.
    pub any: &'static [Ability],
}

impl Need {
    /// Nothing is needed.
    pub const NONE: Self = Self { any: &[] };

    /// One of these abilities is needed.
    pub const fn of(any: &'static [Ability]) -> Self {
        Self { any }
    }

    /// Whether seeing the record is enough.
    pub const fn is_none(self) -> bool {
        self.any.is_empty()
    }
}

/// Marks a field of a record with what it needs.
pub(crate) fn add_directive_for(registry: &mut Registry, field: &mut MetaField, need: Need) {
    if need.is_none() {
        return;
    }
    Can.register(registry);
    field.directive_invocations.push(Can::apply(need.any));
    describe(field);
}

/// The directive `@public` on a field of a root type: it needs no key.
pub struct Public;

impl Public {
    const NAME: &str = "public";

    /// The directive on a field that anybody may ask for.
    pub fn apply() -> MetaDirectiveInvocation {
        MetaDirectiveInvocation { name: Self::NAME.to_owned(), args: IndexMap::new() }
    }

    /// Whether anybody may ask for a field.
    pub fn marks(field: &MetaField) -> bool {
        field.directive_invocations.iter().any(|directive| directive.name == Self::NAME)
    }
}

impl TypeDirective for Public {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        registry.add_directive(MetaDirective {
            name: Self::NAME.to_owned(),
            description: Some("Anybody may ask for it, without a key.".to_owned()),
            locations: vec![__DirectiveLocation::FIELD_DEFINITION],
            args: IndexMap::new(),
            is_repeatable: false,
            visible: None,
            composable: None,
        });
    }
}

impl Directive_At_FIELD_DEFINITION for Public {}

/// What comes between a field's description and its need.
const NEED_PREFIX: &str = "\n\nNeeds ";

/// Whether a set of abilities opens something that needs one of `any`.
///
/// # Errors
/// [`Error::Forbidden`] when it doesn't.
pub fn allow(abilities: &Abilities, any: &[impl AsRef<str>]) -> Result<()> {
    if abilities.open(any) { Ok(()) } else { Err(Error::forbidden(any)) }
}

/// A root type whose fields are guarded by what they say with [`Can`]. Every field is nullable:
/// a refused or failed one is null and leaves its neighbours alone.
pub struct Guarded<T>(pub T);

impl<T: ContainerType> OutputType for Guarded<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = T::create_type_info(registry);
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(T::type_name().as_ref()) {
            fields.values_mut().for_each(|field| {
                describe(field);
                root::describe_arguments(field);
            });
        }
        describe_inputs(registry);
        name
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        async_graphql::resolver_utils::resolve_container(ctx, self).await
    }
}

impl<T: ContainerType> ContainerType for Guarded<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let name = ctx.item.node.name.node.as_str();
        let root = ctx.schema_env.registry.types.get(T::type_name().as_ref());
        let Some((root, field)) = root.and_then(|root| Some((root, root.field_by_name(name)?))) else {
            return self.0.resolve_field(ctx).await;
        };
        match selection::merge_root_field(ctx, root) {
            RootFieldMerge::Single => self.resolve_guarded(ctx, field).await,
            RootFieldMerge::Merged(merged) => {
                let mut ctx = ctx.clone();
                ctx.item = &merged;
                self.resolve_guarded(&ctx, field).await
            }
            RootFieldMerge::Absorbed => Ok(Some(Value::Null)),
        }
    }
}

impl<T: ContainerType> Guarded<T> {
    async fn resolve_guarded(&self, ctx: &Context<'_>, field: &MetaField) -> ServerResult<Option<Value>> {
        let allowed = if Public::marks(field) {
            Ok(())
        } else {
            let any = Can::read(field).ok_or_else(|| Error::Forbidden(Vec::new()));
            any.and_then(|any| Execution::of(ctx).allow(&any))
        };
        let allowed = allowed.and_then(|()| check_writable::<T>(ctx));
        let answer = match allowed {
            Ok(()) => self.0.resolve_field(ctx).await,
            Err(error) => Err(graphql(error).into_server_error(ctx.item.pos)),
        };
        answer.or_else(|error| {
            let error = if error.path.is_empty() { ctx.set_error_path(error) } else { error };
            ctx.add_error(error);
            Ok(Some(Value::Null))
        })
    }
}

impl<T: ObjectType> ObjectType for Guarded<T> {}

/// Refuses the fields of the mutation root where nothing may be written.
fn check_writable<T: OutputType>(ctx: &Context<'_>) -> Result<()> {
    let writes = ctx.schema_env.registry.mutation_type.as_deref() == Some(T::type_name().as_ref());
    if writes && Engine::of(ctx).options.read_only { Err(Error::ReadOnly) } else { Ok(()) }
}

/// What a field is for, without its need.
pub fn description_without_need(field: &MetaField) -> String {
    let text = field.description.as_deref().unwrap_or_default();
    text.split(NEED_PREFIX).next().unwrap_or_default().to_owned()
}

/// Completes a guarded field: nullable, and its need told in words too.
pub(crate) fn describe(field: &mut MetaField) {
    field.ty = field.ty.trim_end_matches('!').to_owned();
    match Can::read(field).map(|any| need_text(&any)) {
        None if Public::marks(field) => append_need(&mut field.description, "no key."),
        None => {}
        Some(need) => append_need(&mut field.description, &need),
    }
}

/// Tells in words what fields of inputs need; once, though both roots ask.
fn describe_inputs(registry: &mut Registry) {
    let inputs = registry.types.values_mut().filter_map(|ty| match ty {
        MetaType::InputObject { input_fields, .. } => Some(input_fields.values_mut()),
        _ => None,
    });
    for field in inputs.flatten() {
        let told = field.description.as_deref().is_some_and(|text| text.contains(NEED_PREFIX));
        if let Some(need) = Can::read_input(field).filter(|_| !told).map(|any| need_text(&any)) {
            append_need(&mut field.description, &need);
        }
    }
}

fn need_text(any: &[&str]) -> String {
    if any.is_empty() {
        return "a valid key.".to_owned();
    }
    let names = any.iter().map(|ability| format!("`{ability}`")).collect::<Vec<_>>();
    format!("{}.", names.join(" or "))
}

fn append_need(description: &mut Option<String>, need: &str) {
    let text = description.take().unwrap_or_default();
    *description = Some(format!("{text}{NEED_PREFIX}{need}").trim_start().to_owned());
}
