//! One level of records: the selection is read once, the rows are written in one pass.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, PathSegment, Pos, Positioned, ServerError, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};
use bytes::Bytes;

use super::{Batch, Branch, Column, Face, Record, write_value};
use crate::execution::Execution;
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

    /// Counts the rows of a level.
    fn count<T>(&self, rows: &[T]) {
        self.0.fetch_add(u32::try_from(rows.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// A list of records.
pub struct Rows<T: Record>(pub Arc<Vec<T::Model>>);

/// What one response key of a row is answered with.
enum Step<'a, M: 'static> {
    Column(&'static Column<M>),
    TypeName(&'static str),
    Branch {
        branch: &'static Branch<M>,
        field: Cow<'a, Positioned<Field>>,
        sets: Vec<Cow<'a, Positioned<SelectionSet>>>,
    },
}

impl<M> Step<'_, M> {
    /// Abilities of which the caller needs one; empty: seeing the row is enough.
    fn need(&self) -> &'static [auth::Ability] {
        match self {
            Self::Column(column) => column.need,
            Self::TypeName(_) => &[],
            Self::Branch { branch, .. } => branch.need,
        }
    }

    fn into_owned(self) -> Step<'static, M> {
        match self {
            Self::Column(column) => Step::Column(column),
            Self::TypeName(name) => Step::TypeName(name),
            Self::Branch { branch, field, sets } => Step::Branch {
                branch,
                field: Cow::Owned(field.into_owned()),
                sets: sets.into_iter().map(|set| Cow::Owned(set.into_owned())).collect(),
            },
        }
    }
}

/// One response key of every row.
struct Planned<'a, M: 'static> {
    /// The key in the JSON text, with what stands around it: `,"name":`.
    json: Vec<u8>,
    pos: Pos,
    step: Step<'a, M>,
}

impl<'a, M> Planned<'a, M> {
    fn new(field: &Positioned<Field>, step: Step<'a, M>) -> Self {
        // No letter of a name is escaped in JSON.
        let json = [b",\"", field.node.response_key().node.as_bytes(), b"\":"].concat();
        Self { json, pos: field.pos, step }
    }

    fn into_owned(self) -> Planned<'static, M> {
        Planned { json: self.json, pos: self.pos, step: self.step.into_owned() }
    }
}

/// The merged selection on one level of records of one type, whoever asks.
struct Plan<'a, T: Record> {
    fields: IndexMap<Name, Planned<'a, T::Model>>,
}

impl<'a, T: Record> Plan<'a, T> {
    /// The plan of these selections on one level. That of a kept selection is worked out once.
    fn of(
        ctx: &'a ContextSelectionSet<'a>,
        sets: &[&'a Positioned<SelectionSet>],
    ) -> ServerResult<Arc<Self>> {
        let kept = Execution::of(ctx).kept.as_deref();
        let Some(kept) = kept.and_then(|kept| if let [set] = sets { kept.meant(&set.node) } else { None })
        else {
            return Self::new(ctx, sets).map(Arc::new);
        };
        if let Some(plan) = kept.plan::<Plan<'static, T>>() {
            return Ok(plan);
        }
        let plan = Arc::new(Self::new(ctx, sets)?.into_owned());
        kept.keep_plan(&plan);
        Ok(plan)
    }

    fn new(ctx: &'a ContextSelectionSet<'a>, sets: &[&'a Positioned<SelectionSet>]) -> ServerResult<Self> {
        let mut plan = Self { fields: IndexMap::new() };
        for set in sets {
            plan.add_set(ctx, set)?;
        }
        Ok(plan)
    }

    fn into_owned(self) -> Plan<'static, T> {
        let fields = self.fields.into_iter().map(|(key, field)| (key, field.into_owned()));
        Plan { fields: fields.collect() }
    }

    /// `@skip` and `@include` never arrive here: the executor prunes them beforehand.
    fn add_set(
        &mut self,
        ctx: &'a ContextSelectionSet<'a>,
        set: &'a Positioned<SelectionSet>,
    ) -> ServerResult<()> {
        let kept = Execution::of(ctx).kept.as_deref();
        let set = kept.and_then(|kept| kept.meant(&set.node)).map_or(set, |kept| &kept.set);
        for selection in &set.node.items {
            match &selection.node {
                Selection::Field(field) => self.add_field(field),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragments = kept.map_or(&ctx.query_env.fragments, |kept| &kept.fragments);
                    let fragment = fragments.get(name).ok_or_else(|| {
                        ServerError::new(format!("Unknown fragment \"{name}\"."), Some(spread.pos))
                    })?;
                    if applies::<T>(&fragment.node.type_condition.node.on.node) {
                        self.add_set(ctx, &fragment.node.selection_set)?;
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    if condition.is_none_or(|condition| applies::<T>(&condition.node.on.node)) {
                        self.add_set(ctx, &fragment.node.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_field(&mut self, field: &'a Positioned<Field>) {
        let key = &field.node.response_key().node;
        if let Some(planned) = self.fields.get_mut(key) {
            if let Step::Branch { sets, .. } = &mut planned.step {
                sets.push(Cow::Borrowed(&field.node.selection_set));
            }
            return;
        }
        let name = field.node.name.node.as_str();
        let step = if name == "__typename" {
            Step::TypeName(T::NAME)
        } else if let Some(column) = T::columns().iter().find(|column| column.name == name) {
            Step::Column(column)
        } else if let Some(branch) = T::branches().iter().find(|branch| branch.name == name) {
            let sets = vec![Cow::Borrowed(&field.node.selection_set)];
            Step::Branch { branch, field: Cow::Borrowed(field), sets }
        } else {
            return;
        };
        self.fields.insert(key.clone(), Planned::new(field, step));
    }
}

/// One level of records, as its caller may see it.
struct Level<'a, T: Record> {
    plan: Arc<Plan<'a, T>>,
    face: Face,
    /// Places of the fields that the caller's abilities don't open, in their order.
    refused: Vec<usize>,
    /// The values of each branch, one for each row.
    branches: Vec<std::vec::IntoIter<Value>>,
}

impl<'a, T: Record> Level<'a, T> {
    /// Loads everything that hangs on the rows: once a branch for the whole level.
    async fn load(
        ctx: &'a ContextSelectionSet<'a>,
        rows: &[&T::Model],
        sets: &[&'a Positioned<SelectionSet>],
        path: &[PathSegment],
    ) -> ServerResult<Self> {
        let execution = Execution::of(ctx);
        execution.rows_read.count(rows);
        let plan = Plan::of(ctx, sets)?;
        let face = execution.face;
        let mut level = Self { plan, face, refused: Vec::new(), branches: Vec::new() };
        level.refuse(ctx, path);
        level.branches = level.load_branches(ctx, rows, path).await?;
        Ok(level)
    }

    /// Notes what the caller may not see, with an error for each.
    fn refuse(&mut self, ctx: &ContextSelectionSet<'_>, path: &[PathSegment]) {
        for (at, (key, field)) in self.plan.fields.iter().enumerate() {
            let need = field.step.need();
            if need.is_empty() {
                continue;
            }
            if let Err(error) = auth::check(ctx, need) {
                let error = async_graphql::Error::from(error).into_server_error(field.pos);
                ctx.add_error(ServerError { path: child_path(path, key), ..error });
                self.refused.push(at);
            }
        }
    }

    /// One load a branch. Where one fails that cannot be null, the rows are null.
    async fn load_branches(
        &self,
        ctx: &ContextSelectionSet<'_>,
        rows: &[&T::Model],
        path: &[PathSegment],
    ) -> ServerResult<Vec<std::vec::IntoIter<Value>>> {
        let fields = self.plan.fields.iter().enumerate();
        let loads = fields.filter_map(|(at, (key, planned))| match &planned.step {
            Step::Branch { branch, field, sets } if !self.refused.contains(&at) => {
                let (path, sets) = (child_path(path, key), sets.iter().map(AsRef::as_ref).collect());
                let batch = Batch { ctx, rows: rows.to_vec(), field, sets, path: path.clone() };
                Some(load(T::NAME, branch, batch, path))
            }
            _ => None,
        });
        futures_util::future::join_all(loads).await.into_iter().collect()
    }

    /// What the next row is answered with.
    fn next_row(&mut self) -> impl Iterator<Item = (&Name, &Planned<'a, T::Model>, Answer<T::Model>)> {
        let (face, refused, mut branches) = (self.face, &self.refused, self.branches.iter_mut());
        self.plan.fields.iter().enumerate().filter_map(move |(at, (key, field))| {
            let answer = match &field.step {
                _ if refused.contains(&at) => Answer::Value(Value::Null),
                Step::Column(column) => Answer::Column(column),
                Step::TypeName(name) => Answer::Value(Value::from(*name)),
                Step::Branch { branch, .. } => {
                    let value = branches.next().and_then(Iterator::next).unwrap_or_default();
                    if branch.sparse && face != Face::GraphQl && value == Value::Null {
                        return None;
                    }
                    Answer::Value(value)
                }
            };
            Some((key, field, answer))
        })
    }

    fn value(&mut self, model: &T::Model) -> Value {
        let face = self.face;
        let fields = self.next_row().map(|(key, _, answer)| match answer {
            Answer::Column(column) => (key.clone(), (column.value)(model, face)),
            Answer::Value(value) => (key.clone(), value),
        });
        Value::Object(fields.collect())
    }

    fn json(&mut self, model: &T::Model, out: &mut Vec<u8>) {
        let start = out.len();
        for (_, field, answer) in self.next_row() {
            out.extend_from_slice(&field.json);
            match answer {
                Answer::Column(column) => (column.json)(model, out),
                Answer::Value(value) => write_value(&value, out),
            }
        }
        // The first key has no comma before it.
        match out.get_mut(start) {
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
    }

    fn write(mut self, rows: &[&T::Model]) -> Vec<Value> {
        if self.face != Face::RestJson {
            return rows.iter().map(|row| self.value(row)).collect();
        }
        let mut out = Vec::with_capacity(rows.len() * ROW);
        let mut ends = Vec::with_capacity(rows.len());
        for row in rows {
            self.json(row, &mut out);
            ends.push(out.len());
        }
        // The values share one buffer.
        let (all, mut start) = (Bytes::from(out), 0);
        let values =
            ends.into_iter().map(|end| Value::Binary(all.slice(std::mem::replace(&mut start, end)..end)));
        values.collect()
    }

    /// The rows as one list.
    fn list(mut self, rows: &[&T::Model]) -> Value {
        if self.face != Face::RestJson {
            return Value::List(rows.iter().map(|row| self.value(row)).collect());
        }
        let mut out = Vec::with_capacity(2 + rows.len() * ROW);
        out.push(b'[');
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.json(row, &mut out);
        }
        out.push(b']');
        Value::Binary(out.into())
    }
}

/// What one response key of one row is answered with.
enum Answer<M: 'static> {
    Column(&'static Column<M>),
    Value(Value),
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
    Ok(Level::<T>::load(ctx, rows, sets, path).await?.write(rows))
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
        let mut path = path_of(ctx);
        path.push(PathSegment::Index(0));
        Ok(Level::<T>::load(ctx, &rows, &[ctx.item], &path).await?.list(&rows))
    }
}
