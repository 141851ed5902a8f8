//! Payloads: what mutations answer in GraphQL.
//!
//! A mutation returns a record or an error; REST answers just that. In the public schema each mutation has a payload
//! of its own around it (`productCreate: ProductCreatePayload`): the record, which is null on failure, `userErrors`, and
//! `deletedId` where it [deletes](Deletes). A resolver knows nothing of it: it is run once, with what is selected on
//! the record, and `PayloadSelection` puts its answer and what the caller can mend of its error into the payload. An
//! error that the caller cannot mend, or whose `userErrors` the document does not select, stays an error of the field.
//!
//! A payload is nullable, like all fields of roots: a null in a type that is not would make the whole `data` null, and
//! with it what the other mutations of the document have done.

use std::borrow::Cow;
use std::sync::PoisonError;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection};
use async_graphql::registry::location_traits::Directive_At_FIELD_DEFINITION;
use async_graphql::registry::{
    __DirectiveLocation, MetaDirectiveInvocation, MetaField, MetaType, ObjectBuilder, Registry,
};
use async_graphql::{
    Context, ContextSelectionSet, ID, Name, OutputType, PathSegment, Pos, Positioned, QueryPathNode,
    QueryPathSegment, ServerError, ServerResult, TypeDirective, Value,
};

use crate::engine::{graphql, own_error};
use crate::error::Refusal;
use crate::execution::Execution;
use crate::record::{merge_fields, path_of, selected};
use crate::scope::RequestScope;
use crate::user_error::{self, Refuses, UserError};
use crate::{directive, facts, name};

/// Tag of an output type that is no record: its fields are fields of the payload.
const FIELDS_TAG: &str = "payload";
/// The field of what the caller can mend.
const USER_ERRORS: &str = "userErrors";
/// The field with the identifier of what was deleted.
const DELETED_ID: &str = "deletedId";
const TYPE_NAME: &str = "__typename";

/// The directive `@deletes` on a mutation: it deletes a record, and its payload has `deletedId`.
pub struct Deletes;

impl Deletes {
    const NAME: &str = "deletes";

    /// The mark on a mutation.
    pub fn apply() -> MetaDirectiveInvocation {
        directive::mark(Self::NAME)
    }

    fn marks(field: &MetaField) -> bool {
        directive::is_marked(Self::NAME, &field.directive_invocations)
    }
}

impl TypeDirective for Deletes {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let about = "The mutation deletes a record: `deletedId` is its global identifier.";
        directive::declare(registry, Self::NAME, about, &[__DirectiveLocation::FIELD_DEFINITION]);
    }
}

impl Directive_At_FIELD_DEFINITION for Deletes {}

/// Puts a payload in the place of the type of each mutation of the public schema.
pub(crate) fn register(registry: &mut Registry, root: &str) {
    let Some(MetaType::Object { fields, .. }) = registry.types.get(root) else { return };
    let fields = fields.clone();
    let user_errors = <Vec<UserError> as OutputType>::create_type_info(registry);
    let deleted_id = <Option<ID> as OutputType>::create_type_info(registry);
    for field in fields.values() {
        let mut parts = record_fields(registry, field);
        if Deletes::marks(field) {
            let about = "Global identifier of what was deleted; null on failure.";
            parts.insert(DELETED_ID.to_owned(), described(DELETED_ID, &deleted_id, about));
        }
        let about = "What the caller can mend; empty on success.";
        parts.insert(USER_ERRORS.to_owned(), described(USER_ERRORS, &user_errors, about));
        let name = payload_name(&field.name);
        let payload = ObjectBuilder::new(&name, parts)
            .description(Some(format!("What `{}` answers.", field.name)))
            .tags(tags_of(registry, field))
            .build();
        registry.types.insert(name.clone(), payload);
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(root)
            && let Some(field) = fields.get_mut(&field.name)
        {
            field.ty = name;
        }
    }
    user_error::add_codes(registry, fields.values().flat_map(Refuses::read));
}

/// `productCreate` → `ProductCreatePayload`
fn payload_name(field: &str) -> String {
    format!("{}Payload", name::capitalised(field))
}

/// The fields that a payload has of the mutation's own type: the record, or the fields of a type that is none.
fn record_fields(registry: &Registry, field: &MetaField) -> IndexMap<String, MetaField> {
    let ty = field.ty.trim_end_matches('!');
    match registry.types.get(ty) {
        Some(MetaType::Object { fields, .. }) if has_fields_tag(registry, field) => {
            let each = fields.iter().map(|(name, field)| {
                let ty = field.ty.trim_end_matches('!').to_owned();
                (name.clone(), MetaField { ty, ..field.clone() })
            });
            each.collect()
        }
        Some(MetaType::Object { .. }) => {
            let name = record_field(ty);
            let about = match Deletes::marks(field) {
                true => "As it was before it was deleted; null on failure.",
                false => "As it is now; null on failure.",
            };
            IndexMap::from([(name.clone(), described(&name, ty, about))])
        }
        _ => IndexMap::from([("result".to_owned(), described("result", ty, "Null on failure."))]),
    }
}

/// The name of the field that holds a record: `Product` → `product`.
fn record_field(ty: &str) -> String {
    let mut letters = ty.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn described(name: &str, ty: &str, about: &str) -> MetaField {
    let mut field = MetaField::new(name, ty);
    field.description = Some(about.to_owned());
    field
}

fn tags_of(registry: &Registry, field: &MetaField) -> Vec<String> {
    if has_fields_tag(registry, field) { vec![FIELDS_TAG.to_owned()] } else { Vec::new() }
}

/// Whether the type of a mutation, or its payload, says that its own fields are those of the payload.
fn has_fields_tag(registry: &Registry, field: &MetaField) -> bool {
    let ty = registry.concrete_type_by_name(&field.ty);
    matches!(ty, Some(MetaType::Object { tags, .. }) if tags.iter().any(|tag| tag == FIELDS_TAG))
}

/// What a document selects on a payload.
pub(crate) struct PayloadSelection<'a> {
    /// The fields by response key.
    keys: Vec<(&'a Name, Positioned<Field>)>,
    /// The mutation with what is selected on its record, as the resolver sees it.
    resolved: Positioned<Field>,
    /// Whether the record's type has the fields of the payload.
    has_fields: bool,
}

impl<'a> PayloadSelection<'a> {
    /// Reads the selection of a mutation.
    ///
    /// # Errors
    /// When the document spreads a fragment that it does not define.
    pub(crate) fn of(ctx: &Context<'a>, field: &MetaField) -> ServerResult<Self> {
        let mutation = ctx.item;
        let set = &mutation.node.selection_set;
        let ctx = ctx.with_selection_set(set);
        let merged = merge_fields(&ctx, &[set], &|_| true)?;
        let keys: Vec<_> = merged.into_iter().map(|(key, merged)| (key, merged.into_field())).collect();
        let has_fields = has_fields_tag(&ctx.schema_env.registry, field);
        let record = keys.iter().map(|(_, field)| field).filter(|field| is_of_record(field));
        let mut items: Vec<_> = match record.clone().count() {
            _ if has_fields => record.cloned().map(selected).collect(),
            1 => record.flat_map(|field| field.node.selection_set.node.items.clone()).collect(),
            _ => numbered_fields(&ctx, record)?,
        };
        if items.is_empty() {
            items.push(selected(Positioned::new(type_name_field(), set.pos)));
        }
        let mut resolved = mutation.clone();
        resolved.node.selection_set.node.items = items;
        Ok(Self { keys, resolved, has_fields })
    }

    /// The context in which the resolver runs: errors of the record's fields have its key in their path.
    pub(crate) fn context<'c>(&'c self, ctx: &'c Context<'c>) -> Context<'c> {
        let mut inner = ctx.clone();
        inner.item = &self.resolved;
        let record = self.keys.iter().find(|(_, field)| is_of_record(field));
        if let Some((key, _)) = record.filter(|_| !self.has_fields) {
            let segment = QueryPathSegment::Name(key.as_str());
            inner.path_node = Some(QueryPathNode { parent: ctx.path_node.as_ref(), segment });
        }
        inner
    }

    /// Errors below a record that is selected under several keys have the path of [`numbered_fields`]: the key of the
    /// first, then `1:name`. They get the key of the record that is meant.
    fn correct_paths(&self, ctx: &Context<'_>) {
        let records: Vec<_> = self.keys.iter().filter(|(_, field)| is_of_record(field)).collect();
        if records.len() < 2 || self.has_fields {
            return;
        }
        let depth = path_of(ctx).len();
        let mut errors = ctx.query_env.errors.lock().unwrap_or_else(PoisonError::into_inner);
        for error in errors.iter_mut() {
            let Some([record, PathSegment::Field(name)]) = error.path.get_mut(depth..depth + 2) else {
                continue;
            };
            if let Some((number, field)) = name.split_once(':')
                && let Some((key, _)) = number.parse::<usize>().ok().and_then(|number| records.get(number))
            {
                let field = field.to_owned();
                (*record, *name) = (PathSegment::Field(key.to_string()), field);
            }
        }
    }

    /// The payload of what the resolver has answered.
    ///
    /// # Errors
    /// What the caller cannot mend, and what it can where the document does not select `userErrors`.
    pub(crate) async fn compose(
        &self,
        ctx: &Context<'_>,
        mutation: &MetaField,
        answer: ServerResult<Option<Value>>,
    ) -> ServerResult<Value> {
        self.correct_paths(ctx);
        let notes = Execution::of(ctx).take_notes();
        let refused = notes.refused.map(|code| graphql(Refusal::message(409, code.meaning).coded(code)));
        let answer = match refused {
            Some(refusal) => Err(refusal.into_server_error(ctx.item.pos)),
            None => answer,
        };
        let (record, user_errors) = match answer {
            Ok(record) => (record.unwrap_or_default(), Vec::new()),
            Err(error) => self.failed(ctx, mutation, error)?,
        };
        let deleted = notes.deleted.filter(|_| user_errors.is_empty()).map_or(Value::Null, Value::from);
        self.write(ctx, mutation, record, &user_errors, deleted).await
    }

    /// The record and the user errors of a mutation that failed.
    fn failed(
        &self,
        ctx: &Context<'_>,
        mutation: &MetaField,
        error: ServerError,
    ) -> ServerResult<(Value, Vec<UserError>)> {
        let path = path_of(ctx);
        if error.path.len() > path.len() + 1 {
            // The mutation is done, and its answer could not be read.
            ctx.add_error(error);
            return Ok((Value::Null, Vec::new()));
        }
        let is_selected = self.keys.iter().any(|(_, field)| field.node.name.node == USER_ERRORS);
        let own = own_error(&error).filter(|_| is_selected);
        let texts = RequestScope::from(ctx).texts();
        match own.and_then(|own| Some((own.code(), UserError::all_of(own, mutation, texts)?))) {
            Some((code, user_errors)) => {
                facts::note(|facts| facts.error(code.name()));
                Ok((Value::Null, user_errors))
            }
            None => Err(ServerError { path, ..error }),
        }
    }

    async fn write(
        &self,
        ctx: &Context<'_>,
        mutation: &MetaField,
        record: Value,
        user_errors: &Vec<UserError>,
        deleted: Value,
    ) -> ServerResult<Value> {
        let mut payload = IndexMap::new();
        let mut records = self.records(record).into_iter();
        for (key, field) in &self.keys {
            let value = match field.node.name.node.as_str() {
                TYPE_NAME => Value::from(payload_name(&mutation.name)),
                DELETED_ID => deleted.clone(),
                USER_ERRORS => {
                    let set = ctx.with_selection_set(&field.node.selection_set);
                    user_errors.resolve(&set, field).await?
                }
                _ => records.next().unwrap_or_default(),
            };
            payload.insert((*key).clone(), value);
        }
        Ok(Value::Object(payload))
    }

    /// The values of the fields of the record, in their order.
    fn records(&self, record: Value) -> Vec<Value> {
        let count = self.keys.iter().filter(|(_, field)| is_of_record(field)).count();
        match record {
            Value::Object(mut fields) if self.has_fields => {
                let keys = self.keys.iter().filter(|(_, field)| is_of_record(field));
                keys.map(|(key, _)| fields.swap_remove(*key).unwrap_or_default()).collect()
            }
            record if count > 1 && record != Value::Null => numbered_records(record, count),
            record => vec![record],
        }
    }
}

/// Whether a field of a payload is answered by the resolver.
fn is_of_record(field: &Positioned<Field>) -> bool {
    ![TYPE_NAME, DELETED_ID, USER_ERRORS].contains(&field.node.name.node.as_str())
}

fn type_name_field() -> Field {
    Field {
        alias: None,
        name: Positioned::new(Name::new(TYPE_NAME), Pos::default()),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::default(),
    }
}

/// What a document selects on a record under several keys (`a: product { … } b: product { … }`), as one selection: the
/// number of the key is before the response key of each of its fields.
fn numbered_fields<'a>(
    ctx: &ContextSelectionSet<'a>,
    records: impl Iterator<Item = &'a Positioned<Field>>,
) -> ServerResult<Vec<Positioned<Selection>>> {
    let mut items = Vec::new();
    for (number, record) in records.enumerate() {
        for (key, merged) in merge_fields(ctx, &[&record.node.selection_set], &|_| true)? {
            let mut field = merged.into_field();
            field.node.alias = Some(Positioned::new(Name::new(format!("{number}:{key}")), field.pos));
            items.push(selected(field));
        }
    }
    Ok(items)
}

/// Splits a record that was read with [`numbered_fields`].
fn numbered_records(record: Value, count: usize) -> Vec<Value> {
    let fields = match record {
        // What the engine itself has written is JSON.
        Value::Binary(json) => serde_json::from_slice(&json).unwrap_or_default(),
        Value::Object(fields) => fields,
        _ => IndexMap::new(),
    };
    let mut records = vec![IndexMap::new(); count];
    for (key, value) in fields {
        if let Some((number, key)) = key.split_once(':')
            && let Some(record) = number.parse::<usize>().ok().and_then(|number| records.get_mut(number))
        {
            record.insert(Name::new(key), value);
        }
    }
    records.into_iter().map(Value::Object).collect()
}
