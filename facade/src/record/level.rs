//! One level of records: its columns are planned, what hangs on its rows is loaded for all of them at once,
//! and the rows are written in one pass.

use std::sync::Arc;

use async_graphql::{ContextSelectionSet, Name, PathSegment, ServerError, ServerResult, Value};
use bytes::Bytes;
use sea_orm::DbErr;

use super::cell::{Cell, ColumnSet, Rows, View};
use super::plan::{Below, Plan, Planned, Step};
use super::record_type::{Branch, Field, FieldForm, RecordType};
use super::relation::{self, Batch, Filled};
use super::rendering::global_id;
use crate::engine::graphql;
use crate::execution::Execution;
use crate::guard::Need;
use crate::json::write_str;

/// JSON of a row, roughly: room that is made for it.
const ROW: usize = 512;

/// One level of records, as its caller may see it, before its rows are read.
pub struct Level<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    request: &'a Execution,
    plan: Arc<Plan>,
    /// Places of the fields that the caller's abilities don't open, in their order, and why.
    refused: Vec<(usize, async_graphql::Error)>,
}

/// The rows of a level as the text of a JSON list, whose closing bracket is still missing.
#[derive(Default)]
pub(crate) struct Written {
    text: Vec<u8>,
    rows: Vec<Piece>,
}

/// A row in the text of a list.
#[derive(Clone, Copy)]
struct Piece {
    /// Where it ends. It begins behind the bracket or the comma that follows the one before.
    end: usize,
    /// How many objects it is and holds.
    objects: u32,
}

impl<'a> Level<'a> {
    /// Plans the level of records that a selection is on. Nothing is read.
    ///
    /// # Errors
    /// When the document names a fragment that it doesn't have.
    pub fn plan(ctx: &'a ContextSelectionSet<'a>, record: &'static RecordType) -> ServerResult<Self> {
        Ok(Self::new(ctx, Plan::of(ctx, record)?))
    }

    /// A level that is planned, as the caller may see it.
    pub(crate) fn new(ctx: &'a ContextSelectionSet<'a>, plan: Arc<Plan>) -> Self {
        let request = Execution::of(ctx);
        let mut refused = Vec::new();
        for (at, field) in plan.fields.values().enumerate() {
            let need = field.step.need();
            if !need.is_none()
                && let Err(error) = request.check(need)
            {
                refused.push((at, graphql(error)));
            }
        }
        Self { ctx, request, plan, refused }
    }

    /// The columns that are looked at: those of the fields that the caller may see, and the primary key.
    pub fn columns(&self) -> ColumnSet {
        let mut columns = ColumnSet::default().with(self.plan.record.key);
        for (at, field) in self.plan.fields.values().enumerate() {
            if self.is_refused(at) {
                continue;
            }
            match &field.step {
                Step::Column(field) => columns = columns.with(field.column),
                Step::TypeName => {}
                Step::Branch { branch, .. } => columns.extend(branch.columns().iter().copied()),
            }
        }
        columns
    }

    fn is_refused(&self, at: usize) -> bool {
        self.refused.iter().any(|(refused, _)| *refused == at)
    }

    /// Tells what the caller may not see, with an error for each.
    fn tell_refused(&self, path: &[PathSegment]) {
        for (at, error) in &self.refused {
            let Some((key, field)) = self.plan.fields.get_index(*at) else { continue };
            let error = error.clone().into_server_error(field.pos);
            self.ctx.add_error(ServerError { path: child_path(path, key), ..error });
        }
    }

    /// Writes the rows of the level. `path` is that of the first of them.
    pub(crate) async fn write(&self, rows: &Rows, path: &[PathSegment]) -> ServerResult<Written> {
        self.request.counts.add_rows(rows.rows.len());
        self.tell_refused(path);
        let views = rows.views(self.plan.record);
        let branches = self.load_branches(&views, path).await?;
        self.write_rows(&views, &branches).map_err(|error| {
            let error = graphql(error).into_server_error(self.ctx.item.pos);
            ServerError { path: level_path(path).to_vec(), ..error }
        })
    }

    /// One load a branch, by the place of its field. Where one fails that cannot be null, the rows are null.
    async fn load_branches(
        &self,
        rows: &[View<'_>],
        path: &[PathSegment],
    ) -> ServerResult<Vec<(usize, Filled)>> {
        let fields = self.plan.fields.iter().enumerate();
        let loads: Vec<_> = fields
            .filter_map(|(at, (key, planned))| match &planned.step {
                Step::Branch { branch, below } if !self.is_refused(at) => {
                    let batch = Batch { ctx: self.ctx, rows, pos: planned.pos, path: child_path(path, key) };
                    let filled = load(self.plan.record, branch, below, batch);
                    Some(async move { Ok((at, filled.await?)) })
                }
                _ => None,
            })
            .collect();
        match loads.len() {
            0 => Ok(Vec::new()),
            _ => futures_util::future::join_all(loads).await.into_iter().collect(),
        }
    }

    fn write_rows(&self, rows: &[View<'_>], branches: &[(usize, Filled)]) -> Result<Written, DbErr> {
        let mut text = Vec::with_capacity(rows.len() * ROW);
        let mut pieces = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            text.push(if number == 0 { b'[' } else { b',' });
            let objects = self.write_row(*row, number, branches, &mut text)?;
            pieces.push(Piece { end: text.len(), objects });
        }
        Ok(Written { text, rows: pieces })
    }

    /// Writes a row; how many objects it is and holds.
    fn write_row(
        &self,
        row: View<'_>,
        number: usize,
        branches: &[(usize, Filled)],
        out: &mut Vec<u8>,
    ) -> Result<u32, DbErr> {
        let (start, api) = (out.len(), self.request.api);
        let mut branches = branches.iter();
        let mut objects = 1;
        for (at, planned) in self.plan.fields.values().enumerate() {
            let Planned { json, step, .. } = planned;
            match step {
                _ if !self.refused.is_empty() && self.is_refused(at) => {
                    out.extend_from_slice(json);
                    out.extend_from_slice(b"null");
                }
                Step::Column(field) => {
                    out.extend_from_slice(json);
                    self.write_field(field, row, out)?;
                }
                Step::TypeName => {
                    out.extend_from_slice(json);
                    write_str(self.plan.record.name, out);
                }
                Step::Branch { branch, .. } => {
                    let Some((_, filled)) = branches.next() else { continue };
                    if branch.sparse && api.is_rest() && filled.is_null(number) {
                        continue;
                    }
                    out.extend_from_slice(json);
                    objects += filled.write(number, api, out);
                }
            }
        }
        // The first key has no comma before it.
        match out.get_mut(start) {
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
        Ok(objects)
    }

    fn write_field(&self, field: &Field, row: View<'_>, out: &mut Vec<u8>) -> Result<(), DbErr> {
        match (&field.shown, row.cell(field.column)?) {
            (FieldForm::Value(rendering), Cell::Null) => {
                check_null(self.plan.record, field, rendering.nullable)?;
                out.extend_from_slice(b"null");
            }
            (FieldForm::Value(rendering), cell) => (rendering.json)(cell, self.request.api, out),
            (FieldForm::GlobalId, _) => write_str(&global_id(self.plan.record.name, row.key()?), out),
        }
        Ok(())
    }
}

/// A column that is said never to be null must not be.
fn check_null(record: &RecordType, field: &Field, nullable: bool) -> Result<(), DbErr> {
    if nullable {
        return Ok(());
    }
    Err(DbErr::Type(format!("`{}.{}` is null", record.table, record.columns[field.column].name)))
}

impl Step {
    fn need(&self) -> Need {
        match self {
            Self::Column(field) => field.need,
            Self::TypeName => Need::NONE,
            Self::Branch { branch, .. } => branch.need,
        }
    }
}

impl Written {
    /// The JSON text of a row, and how many objects it is and holds.
    pub(crate) fn piece(&self, number: usize) -> (&[u8], u32) {
        let Self { text, rows } = self;
        (&text[self.start(number)..rows[number].end], rows[number].objects)
    }

    fn start(&self, number: usize) -> usize {
        1 + number.checked_sub(1).map_or(0, |before| self.rows[before].end)
    }

    fn objects(&self) -> u32 {
        self.rows.iter().map(|row| row.objects).sum()
    }

    /// All rows, each as a value of its own. The texts share one buffer.
    pub(crate) fn into_values(mut self, request: &Execution) -> Vec<Value> {
        request.counts.add_objects(self.objects());
        let text = Bytes::from(std::mem::take(&mut self.text));
        let pieces = self.rows.iter().enumerate().map(|(number, row)| self.start(number)..row.end);
        pieces.map(|piece| Value::Binary(text.slice(piece))).collect()
    }

    /// All rows as one list.
    pub(crate) fn into_list(self, request: &Execution) -> Value {
        request.counts.add_objects(self.objects());
        let Self { mut text, rows } = self;
        if rows.is_empty() {
            text.push(b'[');
        }
        text.push(b']');
        Value::Binary(text.into())
    }
}

async fn load(
    record: &RecordType,
    branch: &'static Branch,
    below: &Below,
    batch: Batch<'_>,
) -> ServerResult<Filled> {
    let (ctx, path) = (batch.ctx, batch.path.clone());
    let filled = match below {
        Below::Related { relation, plan, pivot } => relation::answer(relation, plan, *pivot, batch),
        Below::Computed(resolve, field) => resolve(batch, field),
    };
    let error = match filled.await {
        Ok(filled) => return Ok(filled),
        Err(error) if error.path.is_empty() => ServerError { path, ..error },
        Err(error) => error,
    };
    let ty = ctx.schema_env.registry.types.get(record.name);
    let field = ty.and_then(|ty| ty.field_by_name(branch.name));
    if field.is_some_and(|field| field.ty.ends_with('!')) {
        return Err(error);
    }
    ctx.add_error(error);
    Ok(Filled::Nulls)
}

/// The path of a whole level, from that of its first row.
fn level_path(first: &[PathSegment]) -> &[PathSegment] {
    match first {
        [list @ .., PathSegment::Index(_)] => list,
        record => record,
    }
}

/// The path of a field below another path.
pub(crate) fn child_path(path: &[PathSegment], key: &Name) -> Vec<PathSegment> {
    path.iter().cloned().chain([PathSegment::Field(key.to_string())]).collect()
}

/// Where the context stands, as the path of an error.
pub fn path_of(ctx: &ContextSelectionSet<'_>) -> Vec<PathSegment> {
    ctx.set_error_path(ServerError::new("", None)).path
}
