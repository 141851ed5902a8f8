//! Rows with their cursors (Relay), answered like a bare list: all rows of the level at once.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::registry::{MetaField, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{
    ContextSelectionSet, Name, OutputType, PathSegment, Positioned, ServerError, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
};

use super::Record;
use super::plan::{child_path, list, path_of, resolve_level};
use crate::execution::Execution;

/// The edges of a list: its rows, and the cursor of each. Its type is the list of them.
pub struct Edges<T: Record> {
    /// The rows.
    pub rows: Arc<Vec<T::Model>>,
    /// Where each row stands; nothing where that isn't asked.
    pub cursors: Arc<Vec<String>>,
}

/// What one response key of an edge is answered with.
enum Part<'a> {
    Node(Vec<&'a Positioned<SelectionSet>>),
    Cursor,
    TypeName,
}

type Parts<'a> = IndexMap<&'a Name, Part<'a>>;

impl<T: Record> OutputType for Edges<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::NAME).into()
    }

    fn qualified_type_name() -> String {
        format!("[{}!]!", Self::type_name())
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let node = field("node", T::create_type_info(registry), "The row.");
            let cursor = String::create_type_info(registry);
            let cursor = field("cursor", cursor, "Where the row stands, for `after` and `before`.");
            let fields = [node, cursor].map(|field| (field.name.clone(), field));
            let builder = ObjectBuilder::new(Self::type_name(), fields.into());
            builder.description(Some("A row of the list with its cursor.".to_owned())).build()
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let mut parts = Parts::new();
        collect(ctx, ctx.item, &Self::type_name(), &mut parts)?;
        let rows: Vec<_> = self.rows.iter().collect();
        let mut path = path_of(ctx);
        path.push(PathSegment::Index(0));
        let mut nodes = Vec::new();
        for (key, part) in &parts {
            if let Part::Node(sets) = part {
                let values = resolve_level::<T>(ctx, &rows, sets, &child_path(&path, key)).await?;
                nodes.push(values.into_iter());
            }
        }
        let edges = (0..self.rows.len()).map(|at| {
            let mut nodes = nodes.iter_mut();
            let values = parts.iter().map(|(&key, part)| {
                let value = match part {
                    Part::Node(_) => nodes.next().and_then(Iterator::next).unwrap_or_default(),
                    Part::Cursor => self.cursors.get(at).map(String::as_str).unwrap_or_default().into(),
                    Part::TypeName => Self::type_name().as_ref().into(),
                };
                (key.clone(), value)
            });
            Value::Object(values.collect())
        });
        let face = Execution::of(ctx).face;
        Ok(list(edges.collect(), face))
    }
}

fn field(name: &str, ty: String, doc: &str) -> MetaField {
    let mut field = MetaField::new(name, ty);
    field.description = Some(doc.to_owned());
    field
}

/// The selection on an edge by response key, fragments spread and equal keys merged.
fn collect<'a>(
    ctx: &ContextSelectionSet<'a>,
    set: &'a Positioned<SelectionSet>,
    edge: &str,
    parts: &mut Parts<'a>,
) -> ServerResult<()> {
    for selection in &set.node.items {
        match &selection.node {
            Selection::Field(field) => add(field, parts),
            Selection::InlineFragment(inline) => {
                if inline.node.type_condition.as_ref().is_none_or(|on| on.node.on.node == edge) {
                    collect(ctx, &inline.node.selection_set, edge, parts)?;
                }
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let fragment = ctx.query_env.fragments.get(name).ok_or_else(|| {
                    ServerError::new(format!("Unknown fragment \"{name}\"."), Some(spread.pos))
                })?;
                if fragment.node.type_condition.node.on.node == edge {
                    collect(ctx, &fragment.node.selection_set, edge, parts)?;
                }
            }
        }
    }
    Ok(())
}

fn add<'a>(field: &'a Positioned<Field>, parts: &mut Parts<'a>) {
    let key = &field.node.response_key().node;
    match (field.node.name.node.as_str(), parts.get_mut(key)) {
        ("node", Some(Part::Node(sets))) => sets.push(&field.node.selection_set),
        (_, Some(_)) => {}
        ("node", None) => {
            parts.insert(key, Part::Node(vec![&field.node.selection_set]));
        }
        ("cursor", None) => {
            parts.insert(key, Part::Cursor);
        }
        ("__typename", None) => {
            parts.insert(key, Part::TypeName);
        }
        _ => {}
    }
}
