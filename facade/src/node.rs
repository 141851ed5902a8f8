//! Relay's `Node`: records that can be fetched again by their global identifier.
//!
//! A record that declares a `node` in [`record!`](crate::record!) has an `id`. The declaration says which ability
//! is needed and which rows exist for the caller; both are the same as for the record's own root field. A record
//! without `node` is part of other records and has no `id`. The host lists its nodes in [`NodeTypes`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, Registry};
use async_graphql::{
    ContextSelectionSet, ID, Object, OutputType, PathSegment, Pos, Positioned, ServerError, ServerResult,
    Value,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait, Select};
use value::Id;

use crate::ability::Ability;
use crate::engine::graphql;
use crate::execution::Execution;
use crate::guard::Can;
use crate::record::{
    NODE, PLANNED_TAG, Record, RecordSelection, RecordType, Row, Rows, global_id, path_of, visible_rows,
    write_each,
};
use crate::scope::RequestScope;

/// The primary key in an identifier of the type `name`: plain digits, or, in GraphQL, a global identifier.
pub fn database_id(scope: RequestScope<'_>, name: &str, id: &str) -> Option<Id> {
    if scope.is_rest() { key_in_digits(id) } else { key_of_type(name, id) }
}

/// The primary key in an identifier of the type `name` as GraphQL takes it: plain digits, or a global identifier.
pub(crate) fn key_of_type(name: &str, id: &str) -> Option<Id> {
    key_in_digits(id).or_else(|| typed_id(id).and_then(|(named, key)| (named == name).then_some(key)))
}

/// Decodes a global identifier into type name and primary key.
fn typed_id(id: &str) -> Option<(String, Id)> {
    let bytes = STANDARD_NO_PAD.decode(id).ok()?;
    let (name, key) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((name.to_owned(), key_in_digits(key)?))
}

/// The primary key in plain digits.
pub(crate) fn key_in_digits(text: &str) -> Option<Id> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok().map(Id)).flatten()
}

/// How a record is fetched by its global identifier.
pub struct Refetch<E: EntityTrait> {
    /// Abilities of which the caller needs one, as for the record's own root field.
    pub need: &'static [Ability],
    /// The rows that exist for the caller.
    pub rows: fn(&ContextSelectionSet<'_>) -> Select<E>,
}

/// A record type that is a node.
pub struct NodeType {
    name: &'static str,
    record: fn() -> &'static RecordType,
    need: fn() -> &'static [Ability],
    register: fn(&mut Registry) -> String,
    find: for<'a> fn(NodeSearch<'a>) -> NodesByKey<'a>,
}

/// A search for the nodes of one type: their keys, and the path at which an error of the search is reported.
struct NodeSearch<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    keys: Vec<Id>,
    path: Vec<PathSegment>,
    pos: Pos,
}

/// A future of the nodes that were found, by primary key.
type NodesByKey<'a> = Pin<Box<dyn Future<Output = ServerResult<HashMap<Id, Value>>> + Send + 'a>>;

impl NodeType {
    /// The node type of a record.
    pub const fn of<T: Record>() -> Self {
        Self {
            name: T::NAME,
            record: T::record,
            need: || T::node().map(|node| node.need).unwrap_or_default(),
            register: T::create_type_info,
            find: |search| Box::pin(search.find::<T>()),
        }
    }
}

impl NodeType {
    /// The description of the record.
    pub fn record(&self) -> &'static RecordType {
        (self.record)()
    }
}

impl NodeSearch<'_> {
    async fn find<T: Record>(self) -> ServerResult<HashMap<Id, Value>> {
        let Some(node) = T::node() else { return Ok(HashMap::new()) };
        self.check(node.need)?;
        let rows = visible_rows::<T>(self.ctx.into(), (node.rows)(self.ctx));
        let rows = rows.filter(T::key_column().is_in(self.keys.iter().copied()));
        self.answer(T::record(), QueryTrait::into_query(rows)).await
    }

    fn failed(&self, error: crate::Error) -> ServerError {
        let error = graphql(error).into_server_error(self.pos);
        ServerError { path: self.path.clone(), ..error }
    }

    fn check(&self, need: &[Ability]) -> ServerResult<()> {
        Execution::of(self.ctx).allow(need).map_err(|error| self.failed(error))
    }

    async fn answer(
        &self,
        record: &'static RecordType,
        mut select: SelectStatement,
    ) -> ServerResult<HashMap<Id, Value>> {
        let scope = RequestScope::from(self.ctx);
        let selection = RecordSelection::plan(self.ctx, record)?;
        let columns = selection.columns();
        record.select(columns, &mut select);
        let found = scope.rows(scope.backend().build(&select)).await;
        let found = found.map_err(|error| self.failed(error.into()))?;
        let rows = Rows::new(columns, found.into_iter().map(Row::Read).collect());
        let keys: std::result::Result<Vec<_>, _> = rows.views(record).iter().map(|row| row.key()).collect();
        let keys = keys.map_err(|error| self.failed(error.into()))?;
        let values = write_each(&selection, &rows, self.ctx, &self.path).await?;
        Ok(keys.into_iter().map(Id).zip(values).collect())
    }
}

/// The records of a host that are nodes.
pub trait NodeTypes: Send + Sync + 'static {
    /// The node types.
    const NODES: &'static [NodeType];
}

/// The nodes with these identifiers, in the same order; null where there is none. Each type is fetched with one
/// statement, and a refusal or failure is reported once for each type.
async fn find(
    types: &'static [NodeType],
    ctx: &ContextSelectionSet<'_>,
    ids: &[ID],
    path: impl Fn(usize) -> Vec<PathSegment>,
    pos: Pos,
) -> Vec<Value> {
    let named: Vec<_> = ids.iter().map(|id| type_and_key(types, id)).collect();
    let searches = types.iter().filter_map(|ty| {
        let is = |named: &Option<(&str, Id)>| named.is_some_and(|(name, _)| name == ty.name);
        let first = named.iter().position(is)?;
        let mut keys: Vec<Id> =
            named.iter().filter(|named| is(named)).flatten().map(|&(_, key)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        let search = (ty.find)(NodeSearch { ctx, keys, path: path(first), pos });
        Some(async move { (ty.name, search.await) })
    });
    let mut found = HashMap::new();
    for (name, answers) in futures_util::future::join_all(searches).await {
        match answers {
            Ok(answers) => {
                found.insert(name, answers);
            }
            Err(error) => ctx.add_error(error),
        }
    }
    let answer = |named: Option<(&str, Id)>| {
        named.and_then(|(name, key)| found.get(name)?.get(&key).cloned()).unwrap_or_default()
    };
    named.into_iter().map(answer).collect()
}

/// Type and key of a global identifier; `None` unless it is exactly in the form that the server writes.
fn type_and_key(types: &'static [NodeType], id: &ID) -> Option<(&'static str, Id)> {
    let (name, key) = typed_id(id)?;
    let ty = types.iter().find(|ty| ty.name == name)?;
    (global_id(ty.name, key.0) == **id).then_some((ty.name, key))
}

/// Output type of `node`: the node with this identifier.
pub struct Node<N>(ID, PhantomData<fn() -> N>);

impl<N: NodeTypes> OutputType for Node<N> {
    fn type_name() -> Cow<'static, str> {
        NODE.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Interface, |registry| {
            N::NODES.iter().for_each(|ty| {
                (ty.register)(registry);
            });
            let mut id = MetaField::new("id", ID::create_type_info(registry));
            id.description = Some("Global identifier, opaque.".to_owned());
            MetaType::Interface {
                name: NODE.to_owned(),
                description: Some(description(N::NODES)),
                fields: IndexMap::from([("id".to_owned(), id)]),
                possible_types: N::NODES.iter().map(|ty| ty.name.to_owned()).collect::<IndexSet<_>>(),
                extends: false,
                keys: None,
                visible: None,
                inaccessible: false,
                tags: vec![PLANNED_TAG.to_owned()],
                rust_typename: None,
                directive_invocations: Vec::new(),
                requires_scopes: Vec::new(),
            }
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let path = path_of(ctx);
        let found = find(N::NODES, ctx, std::slice::from_ref(&self.0), |_| path.clone(), field.pos).await;
        Ok(found.into_iter().next().unwrap_or_default())
    }
}

fn description(types: &[NodeType]) -> String {
    let needs = types.iter().map(|ty| {
        let names: Vec<_> = (ty.need)().iter().map(|ability| format!("`{ability}`")).collect();
        format!("- `{}`: {}", ty.name, names.join(" or "))
    });
    let needs: Vec<_> = needs.collect();
    format!(
        "A record that can be found again by its `id`.\n\n`node` and `nodes` need, as the record's own query \
         does:\n\n{}",
        needs.join("\n")
    )
}

/// Output type of `nodes`: the nodes with these identifiers.
pub struct Nodes<N>(Vec<ID>, PhantomData<fn() -> N>);

impl<N: NodeTypes> OutputType for Nodes<N> {
    fn type_name() -> Cow<'static, str> {
        format!("[{NODE}]").into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Node::<N>::create_type_info(registry);
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let path = path_of(ctx);
        let at = |index| path.iter().cloned().chain([PathSegment::Index(index)]).collect();
        Ok(Value::List(find(N::NODES, ctx, &self.0, at, field.pos).await))
    }
}

/// The root fields `node` and `nodes`.
pub struct NodeQuery<N>(PhantomData<fn() -> N>);

impl<N> Default for NodeQuery<N> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[Object]
impl<N: NodeTypes> NodeQuery<N> {
    /// The record that a global identifier names, whatever its type; null where there is none. The type says
    /// which ability it needs (see `Node`).
    #[graphql(directive = Can::apply(&[]))]
    async fn node(&self, #[graphql(desc = "Global identifier.")] id: ID) -> Node<N> {
        Node(id, PhantomData)
    }

    /// The records that global identifiers name, in their order; null where there is none.
    #[graphql(directive = Can::apply(&[]))]
    async fn nodes(
        &self,
        #[graphql(desc = "Global identifiers, as many as a list may have rows.")] ids: Vec<ID>,
    ) -> Nodes<N> {
        Nodes(ids, PhantomData)
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn global_identifiers_are_read_back(name in "[A-Za-z]{1,20}", key in 0..=i64::MAX) {
            prop_assert_eq!(typed_id(&global_id(&name, key)), Some((name, Id(key))));
        }

        #[test]
        fn any_text_names_a_record_or_nothing(id in r"\PC*|[0-9A-Za-z+/=]{0,20}", inner in r"[A-Za-z]{0,3}:?[0-9+-]{0,21}") {
            for id in [id, STANDARD_NO_PAD.encode(inner)] {
                let named = type_and_key(&[], &ID(id.clone()));
                prop_assert!(named.is_none_or(|(name, key)| global_id(name, key.0) == id));
                prop_assert!(key_in_digits(&id).is_none_or(|key| key.0 >= 0));
            }
        }
    }
}
