//! One level of records: the selection is read once, the rows are written in one pass.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, PathSegment, Positioned, ServerError, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};
use bytes::Bytes;

use super::{Batch, Branch, Column, Face, Kept, Record, write_str, write_value};
use crate::{auth, node};

/// JSON of a row, roughly: room that is made for it.
const ROW: usize = 768;

/// How many rows were read for an operation: what a REST request costs.
#[derive(Default)]
pub struct RowsRead(AtomicU32);

impl RowsRead {
    /// So many.
    pub fn number(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts the rows of a level, where that is asked for.
    fn count<T>(ctx: &ContextSelectionSet<'_>, rows: &[T]) {
        if let Some(read) = ctx.data_opt::<Arc<Self>>() {
            read.0.fetch_add(u32::try_from(rows.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
    }
}

/// A list of records.
pub struct Rows<T: Record>(pub Arc<Vec<T::Model>>);

/// What one response key of a row is answered with.
enum Step<'a, M: 'static> {
    Column(&'static Column<M>),
    TypeName(&'static str),
    Refused,
    Branch {
        branch: &'static Branch<M>,
        field: &'a Positioned<Field>,
        sets: Vec<&'a Positioned<SelectionSet>>,
    },
}

impl<M> Step<'_, M> {
    fn is_sparse(&self) -> bool {
        matches!(self, Self::Branch { branch, .. } if branch.sparse)
    }
}

/// The merged selection on one level of records of one type.
struct Plan<'a, M: 'static> {
    /// Name of the records' type.
    ty: &'static str,
    steps: IndexMap<&'a Name, Step<'a, M>>,
    face: Face,
}

impl<'a, M> Plan<'a, M> {
    fn new<T: Record<Model = M>>(
        ctx: &'a ContextSelectionSet<'a>,
        sets: &[&'a Positioned<SelectionSet>],
        path: &[PathSegment],
    ) -> ServerResult<Self> {
        let face = ctx.data_opt::<Face>().copied().unwrap_or(Face::GraphQl);
        let mut plan = Self { ty: T::NAME, steps: IndexMap::new(), face };
        for set in sets {
            plan.add_set::<T>(ctx, set, path)?;
        }
        Ok(plan)
    }

    /// `@skip` and `@include` never arrive here: the executor prunes them beforehand.
    fn add_set<T: Record<Model = M>>(
        &mut self,
        ctx: &'a ContextSelectionSet<'a>,
        set: &'a Positioned<SelectionSet>,
        path: &[PathSegment],
    ) -> ServerResult<()> {
        let kept = ctx.data_opt::<Arc<Kept>>();
        let set = kept.and_then(|kept| kept.meant(&set.node)).unwrap_or(set);
        for selection in &set.node.items {
            match &selection.node {
                Selection::Field(field) => self.add_field::<T>(ctx, field, path),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragments = kept.map_or(&ctx.query_env.fragments, |kept| &kept.fragments);
                    let fragment = fragments.get(name).ok_or_else(|| {
                        ServerError::new(format!("Unknown fragment \"{name}\"."), Some(spread.pos))
                    })?;
                    if applies::<T>(&fragment.node.type_condition.node.on.node) {
                        self.add_set::<T>(ctx, &fragment.node.selection_set, path)?;
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    if condition.is_none_or(|condition| applies::<T>(&condition.node.on.node)) {
                        self.add_set::<T>(ctx, &fragment.node.selection_set, path)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_field<T: Record<Model = M>>(
        &mut self,
        ctx: &ContextSelectionSet<'_>,
        field: &'a Positioned<Field>,
        path: &[PathSegment],
    ) {
        let key = &field.node.response_key().node;
        if let Some(step) = self.steps.get_mut(key) {
            if let Step::Branch { sets, .. } = step {
                sets.push(&field.node.selection_set);
            }
            return;
        }
        let name = field.node.name.node.as_str();
        let refuse = |need: &[auth::Ability]| match auth::check(ctx, need) {
            Ok(()) => false,
            Err(_) if need.is_empty() => false,
            Err(error) => {
                let error = async_graphql::Error::from(error).into_server_error(field.pos);
                ctx.add_error(ServerError { path: child_path(path, key), ..error });
                true
            }
        };
        let step = if name == "__typename" {
            Step::TypeName(T::NAME)
        } else if let Some(column) = T::columns().iter().find(|column| column.name == name) {
            if !column.need.is_empty() && refuse(column.need) { Step::Refused } else { Step::Column(column) }
        } else if let Some(branch) = T::branches().iter().find(|branch| branch.name == name) {
            if !branch.need.is_empty() && refuse(branch.need) {
                Step::Refused
            } else {
                Step::Branch { branch, field, sets: vec![&field.node.selection_set] }
            }
        } else {
            return;
        };
        self.steps.insert(key, step);
    }

    /// Everything that hangs on the rows: one load a branch for the whole level. Where one fails that cannot be
    /// null, the rows are null.
    async fn branches(
        &self,
        ctx: &'a ContextSelectionSet<'a>,
        rows: &[&'a M],
        path: &[PathSegment],
    ) -> ServerResult<Vec<std::vec::IntoIter<Value>>>
    where
        M: Sync,
    {
        let loads = self.steps.iter().filter_map(|(key, step)| match step {
            Step::Branch { branch, field, sets } => {
                let path = child_path(path, key);
                let batch = Batch { ctx, rows: rows.to_vec(), field, sets: sets.clone(), path: path.clone() };
                Some(load(self.ty, branch, batch, path))
            }
            _ => None,
        });
        futures_util::future::join_all(loads).await.into_iter().collect()
    }

    fn value(&self, model: &M, branches: &mut [std::vec::IntoIter<Value>]) -> Value {
        let mut branches = branches.iter_mut();
        let fields = self.steps.iter().filter_map(|(&key, step)| {
            let value = match step {
                Step::Column(column) => (column.value)(model, self.face),
                Step::TypeName(name) => Value::from(*name),
                Step::Refused => Value::Null,
                Step::Branch { .. } => branches.next().and_then(Iterator::next).unwrap_or_default(),
            };
            let left_out = self.face != Face::GraphQl && value == Value::Null && step.is_sparse();
            (!left_out).then(|| (key.clone(), value))
        });
        Value::Object(fields.collect())
    }

    fn json(
        &self,
        keys: &[Vec<u8>],
        model: &M,
        branches: &mut [std::vec::IntoIter<Value>],
        out: &mut Vec<u8>,
    ) {
        let mut branches = branches.iter_mut();
        let mut first = true;
        out.push(b'{');
        for (key, step) in keys.iter().zip(self.steps.values()) {
            let branch = match step {
                Step::Branch { .. } => branches.next().and_then(Iterator::next).unwrap_or_default(),
                _ => Value::Null,
            };
            if branch == Value::Null && step.is_sparse() {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(key);
            match step {
                Step::Column(column) => (column.json)(model, out),
                Step::TypeName(name) => write_str(name, out),
                Step::Refused => out.extend_from_slice(b"null"),
                Step::Branch { .. } => write_value(&branch, out),
            }
        }
        out.push(b'}');
    }

    /// The response keys as they stand in the JSON text, with their colon.
    fn json_keys(&self) -> Vec<Vec<u8>> {
        let keys = self.steps.keys().map(|key| {
            let mut text = Vec::new();
            write_str(key, &mut text);
            text.push(b':');
            text
        });
        keys.collect()
    }

    fn write(&self, rows: &[&M], mut branches: Vec<std::vec::IntoIter<Value>>) -> Vec<Value> {
        if self.face != Face::RestJson {
            return rows.iter().map(|row| self.value(row, &mut branches)).collect();
        }
        let keys = self.json_keys();
        let mut out = Vec::with_capacity(rows.len() * ROW);
        let mut ends = Vec::with_capacity(rows.len());
        for row in rows {
            self.json(&keys, row, &mut branches, &mut out);
            ends.push(out.len());
        }
        // The values share one buffer.
        let (all, mut start) = (Bytes::from(out), 0);
        let values =
            ends.into_iter().map(|end| Value::Binary(all.slice(std::mem::replace(&mut start, end)..end)));
        values.collect()
    }

    /// The rows as one list.
    fn list(&self, rows: &[&M], mut branches: Vec<std::vec::IntoIter<Value>>) -> Value {
        if self.face != Face::RestJson {
            return Value::List(rows.iter().map(|row| self.value(row, &mut branches)).collect());
        }
        let keys = self.json_keys();
        let mut out = Vec::with_capacity(2 + rows.len() * ROW);
        out.push(b'[');
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.json(&keys, row, &mut branches, &mut out);
        }
        out.push(b']');
        Value::Binary(out.into())
    }
}

async fn load<M: Sync>(
    ty: &str,
    branch: &Branch<M>,
    batch: Batch<'_, M>,
    path: Vec<PathSegment>,
) -> ServerResult<std::vec::IntoIter<Value>> {
    let ctx = batch.ctx;
    let error = match (branch.resolve)(batch).await {
        Ok(values) => return Ok(values.into_iter()),
        Err(error) if error.path.is_empty() => ServerError { path, ..error },
        Err(error) => error,
    };
    let field = ctx.schema_env.registry.types.get(ty).and_then(|ty| ty.field_by_name(branch.name));
    if field.is_some_and(|field| field.ty.ends_with('!')) {
        return Err(error);
    }
    ctx.add_error(error);
    Ok(Vec::new().into_iter())
}

/// Whether a fragment on that type is one on a record.
fn applies<T: Record>(on: &Name) -> bool {
    on == T::NAME || on == node::NAME && T::node().is_some()
}

pub(super) fn child_path(path: &[PathSegment], key: &Name) -> Vec<PathSegment> {
    path.iter().cloned().chain([PathSegment::Field(key.to_string())]).collect()
}

/// Answers all rows of one level, in their order.
pub(crate) async fn resolve_level<'a, T: Record>(
    ctx: &'a ContextSelectionSet<'a>,
    rows: &[&'a T::Model],
    sets: &[&'a Positioned<SelectionSet>],
    path: &[PathSegment],
) -> ServerResult<Vec<Value>> {
    RowsRead::count(ctx, rows);
    let plan = Plan::new::<T>(ctx, sets, path)?;
    let branches = plan.branches(ctx, rows, path).await?;
    Ok(plan.write(rows, branches))
}

/// Where the context stands, as the path of an error.
pub(crate) fn path_of(ctx: &ContextSelectionSet<'_>) -> Vec<PathSegment> {
    ctx.set_error_path(ServerError::new("", None)).path
}

/// Answers a single record.
///
/// # Errors
/// When the document names a fragment that it doesn't have.
pub async fn resolve_row<T: Record>(row: &T, ctx: &ContextSelectionSet<'_>) -> ServerResult<Value> {
    let values = resolve_level::<T>(ctx, &[row.model()], &[ctx.item], &path_of(ctx)).await?;
    Ok(values.into_iter().next().unwrap_or_default())
}

/// A list of values as one value of the face.
pub(super) fn list(values: Vec<Value>, face: Face) -> Value {
    let list = Value::List(values);
    if face != Face::RestJson {
        return list;
    }
    let mut out = Vec::new();
    write_value(&list, &mut out);
    Value::Binary(out.into())
}

impl<T: Record> OutputType for Rows<T> {
    fn type_name() -> Cow<'static, str> {
        format!("[{}!]", T::NAME).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry);
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let rows: Vec<_> = self.0.iter().collect();
        RowsRead::count(ctx, &rows);
        let mut path = path_of(ctx);
        path.push(PathSegment::Index(0));
        let plan = Plan::new::<T>(ctx, &[ctx.item], &path)?;
        let branches = plan.branches(ctx, &rows, &path).await?;
        Ok(plan.list(&rows, branches))
    }
}
