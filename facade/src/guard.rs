//! Authorization of root fields.
//!
//! A field declares the abilities that it needs once, with the directive `@can`. [`Guarded`] enforces it, the
//! schema prints it, and the REST documents and the tests of the guards read it. A field that needs no key has
//! `@public`. A root field with neither directive is refused to everybody.

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
use crate::payload::{self, PayloadSelection};
use crate::selection::{self, RootFieldMerge};
use crate::{Api, Error, Result, directive, introspection, rest_only, root};

/// The directive `@can(any: […])` on a field: the caller needs one of the named abilities. With an empty list, any
/// valid key is enough. On a field of a filter type it documents the ability that [`filters!`](crate::filters!)
/// checks.
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

    /// Names of the abilities of which a field needs one; `None` where the field has no `@can`.
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

/// The abilities of which the caller needs one to see a field of a record. Empty: whoever sees the record sees the
/// field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Abilities of which the caller needs one, in the order in which errors list them.
    pub any: &'static [Ability],
}

impl Need {
    /// Nothing is needed.
    pub const NONE: Self = Self { any: &[] };

    /// One of these abilities is needed.
    pub const fn of(any: &'static [Ability]) -> Self {
        Self { any }
    }

    /// Whether no ability is needed beyond those for the record.
    pub const fn is_none(self) -> bool {
        self.any.is_empty()
    }
}

/// Adds `@can` and a sentence in the description to a field of a record that needs an ability.
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
        directive::mark(Self::NAME)
    }

    /// Whether a field has this directive.
    pub fn marks(field: &MetaField) -> bool {
        directive::is_marked(Self::NAME, &field.directive_invocations)
    }
}

impl TypeDirective for Public {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let about = "Anybody may ask for it, without a key.";
        directive::declare(registry, Self::NAME, about, &[__DirectiveLocation::FIELD_DEFINITION]);
    }
}

impl Directive_At_FIELD_DEFINITION for Public {}

/// Text between a field's description and the sentence about its need.
const NEED_PREFIX: &str = "\n\nNeeds ";

/// Checks that a set of abilities holds one of `any`.
///
/// # Errors
/// [`Error::Forbidden`] when it doesn't.
pub fn allow(abilities: &Abilities, any: &[impl AsRef<str>]) -> Result<()> {
    if abilities.open(any) { Ok(()) } else { Err(Error::forbidden(any)) }
}

/// A root type whose fields are guarded by their [`Can`]. Every field is nullable: a refused or failed field is
/// null, and the other fields are answered.
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
        rest_only::hide(registry);
        if rest_only::is_public() && registry.mutation_type.as_deref() == Some(T::type_name().as_ref()) {
            payload::register(registry, &T::type_name());
        }
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
            RootFieldMerge::Single => self.resolve_merged(ctx, field).await,
            RootFieldMerge::Merged(merged) => {
                let mut ctx = ctx.clone();
                ctx.item = &merged;
                self.resolve_merged(&ctx, field).await
            }
            RootFieldMerge::Absorbed => Ok(Some(Value::Null)),
        }
    }
}

impl<T: ContainerType> Guarded<T> {
    /// Answers a field that holds all selections with its response key.
    async fn resolve_merged(&self, ctx: &Context<'_>, field: &MetaField) -> ServerResult<Option<Value>> {
        if introspection::FIELDS.contains(&field.name.as_str()) {
            return introspection::resolve(ctx).map(Some).map_err(|error| ctx.set_error_path(error));
        }
        self.resolve_guarded(ctx, field).await
    }

    async fn resolve_guarded(&self, ctx: &Context<'_>, field: &MetaField) -> ServerResult<Option<Value>> {
        let allowed = if Public::marks(field) {
            Ok(())
        } else {
            let any = Can::read(field).ok_or_else(|| Error::Forbidden(Vec::new()));
            any.and_then(|any| Execution::of(ctx).allow(&any))
        };
        let allowed = allowed.and_then(|()| check_writable::<T>(ctx));
        let answer = match allowed {
            Ok(()) if is_mutation::<T>(ctx) && Execution::of(ctx).api == Api::GraphQl => {
                self.resolve_payload(ctx, field).await
            }
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

impl<T: ContainerType> Guarded<T> {
    async fn resolve_payload(&self, ctx: &Context<'_>, field: &MetaField) -> ServerResult<Option<Value>> {
        let payload = PayloadSelection::of(ctx, field)?;
        let answer = self.0.resolve_field(&payload.context(ctx)).await;
        payload.compose(ctx, field, answer).await.map(Some)
    }
}

impl<T: ObjectType> ObjectType for Guarded<T> {}

/// Whether the root type is that of mutations.
fn is_mutation<T: OutputType>(ctx: &Context<'_>) -> bool {
    ctx.schema_env.registry.mutation_type.as_deref() == Some(T::type_name().as_ref())
}

/// Refuses mutations where the server is read-only, and where the caller may only read.
fn check_writable<T: OutputType>(ctx: &Context<'_>) -> Result<()> {
    if !is_mutation::<T>(ctx) {
        return Ok(());
    }
    if Engine::of(ctx).options.read_only {
        return Err(Error::ReadOnly);
    }
    Execution::of(ctx).principal.as_deref().map_or(Ok(()), |who| who.check_writable())
}

/// The description of a field, without the sentence about its need.
pub fn description_without_need(field: &MetaField) -> String {
    let text = field.description.as_deref().unwrap_or_default();
    text.split(NEED_PREFIX).next().unwrap_or_default().to_owned()
}

/// Makes a guarded field nullable and adds the sentence about its need to its description.
pub(crate) fn describe(field: &mut MetaField) {
    field.ty = field.ty.trim_end_matches('!').to_owned();
    match Can::read(field).map(|any| need_text(&any)) {
        None if Public::marks(field) => append_need(&mut field.description, "no key."),
        None => {}
        Some(need) => append_need(&mut field.description, &need),
    }
}

/// Adds the sentence about its need to each input field with `@can`. Both root types call this; the sentence is
/// added once.
fn describe_inputs(registry: &mut Registry) {
    let inputs = registry.types.values_mut().filter_map(|ty| match ty {
        MetaType::InputObject { input_fields, .. } => Some(input_fields.values_mut()),
        _ => None,
    });
    for field in inputs.flatten() {
        let names_need = field.description.as_deref().is_some_and(|text| text.contains(NEED_PREFIX));
        if let Some(need) = Can::read_input(field).filter(|_| !names_need).map(|any| need_text(&any)) {
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
