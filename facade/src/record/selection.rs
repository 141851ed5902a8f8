//! The selection on one level of records: which columns to read, the branches that are loaded for all rows at once,
//! and the rows written as JSON in one pass.

use std::ops::Range;
use std::sync::Arc;

use async_graphql::{ContextBase, ContextSelectionSet, Name, PathSegment, ServerError, ServerResult, Value};
use bytes::Bytes;
use sea_orm::DbErr;

use super::cell::{Cell, ColumnSet, Rows, View};
use super::connection::WrittenConnection;
use super::currency::Currency;
use super::money::{MoneyColumn, MoneySelection, RowCurrency};
use super::plan::{BranchSelection, FieldSource, PlannedField, SelectionPlan};
use super::record_type::{Branch, Field, FieldForm, RecordType};
use super::relation::{self, Batch, BranchValues, count_objects};
use super::rendering::write_global_id;
use crate::api::Api;
use crate::engine::graphql;
use crate::execution::Execution;
use crate::guard::Need;
use crate::json::{write_str, write_value};
use crate::page;
use crate::scope::RequestScope;

/// Bytes that are reserved for the JSON text of one row: about what a row needs.
const ROW_CAPACITY: usize = 512;

/// The fields that are selected on the rows of one level, and which of them the caller may read.
pub struct RecordSelection<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    request: &'a Execution,
    plan: Arc<SelectionPlan>,
    /// The fields that the caller may not read: the index of each in the plan, ascending, and its error.
    refused: Vec<(usize, async_graphql::Error)>,
}

/// The rows of a level as the text of a JSON list without its closing bracket.
#[derive(Default)]
pub(crate) struct WrittenRows {
    text: Vec<u8>,
    rows: Vec<WrittenRow>,
}

/// One row in the text of a list.
#[derive(Clone, Copy)]
struct WrittenRow {
    /// Offset of its end in the text. It starts one byte, a bracket or a comma, after the end of the row before.
    end: usize,
    /// Number of JSON objects: the row itself and those within it.
    objects: u32,
}

impl<'a> RecordSelection<'a> {
    /// Plans the selection set of the context on rows of a record. Reads nothing.
    ///
    /// # Errors
    /// When the document spreads a fragment that it does not define.
    pub fn plan(ctx: &'a ContextSelectionSet<'a>, record: &'static RecordType) -> ServerResult<Self> {
        Ok(Self::new(ctx, SelectionPlan::of(ctx, record)?))
    }

    /// Checks the abilities that the fields of a plan need, once for all rows.
    pub(crate) fn new(ctx: &'a ContextSelectionSet<'a>, plan: Arc<SelectionPlan>) -> Self {
        let request = Execution::of(ctx);
        let mut refused = Vec::new();
        for (at, field) in plan.fields.values().enumerate() {
            let need = field.source.need();
            if !need.is_none()
                && let Err(error) = request.check(need)
            {
                refused.push((at, graphql(error)));
            }
        }
        Self { ctx, request, plan, refused }
    }

    /// The columns to read: those that the fields need which the caller may read, and the primary key.
    pub fn columns(&self) -> ColumnSet {
        let mut columns = ColumnSet::default().with(self.plan.record.key);
        for (at, field) in self.plan.fields.values().enumerate() {
            if self.is_refused(at) {
                continue;
            }
            match &field.source {
                FieldSource::Column(field) | FieldSource::Money(field, ..) => columns.extend(field.columns()),
                FieldSource::TypeName => {}
                FieldSource::Branch { branch, .. } => columns.extend(branch.columns().iter().copied()),
            }
        }
        columns
    }

    fn is_refused(&self, at: usize) -> bool {
        self.refused.iter().any(|(refused, _)| *refused == at)
    }

    /// Adds an error to the response for each field that the caller may not read.
    fn report_refused(&self, path: &[PathSegment]) {
        for (at, error) in &self.refused {
            let Some((key, field)) = self.plan.fields.get_index(*at) else { continue };
            let error = error.clone().into_server_error(field.pos);
            self.ctx.add_error(ServerError { path: child_path(path, key), ..error });
        }
    }

    /// Writes the rows of the level. `path` is the path of the first row in the response.
    ///
    /// # Errors
    /// When a row cannot be read, or a branch fails whose type is not nullable.
    pub(crate) async fn write(&self, rows: &Rows, path: &[PathSegment]) -> ServerResult<WrittenRows> {
        self.request.counts.add_rows(rows.rows.len());
        self.report_refused(path);
        let views = rows.views(self.plan.record);
        let currency = self.host_currency().await.map_err(|error| self.failed(error, path))?;
        let branches = self.load_branches(&views, path).await?;
        self.write_rows(&views, &branches, currency.as_ref()).map_err(|error| self.failed(error, path))
    }

    fn failed(&self, error: impl Into<crate::Error>, path: &[PathSegment]) -> ServerError {
        let error = graphql(error).into_server_error(self.ctx.item.pos);
        ServerError { path: level_path(path).to_vec(), ..error }
    }

    /// The currency of amounts whose row names none, where such an amount is selected.
    async fn host_currency(&self) -> crate::Result<Option<Currency>> {
        let is_needed = |planned: &PlannedField| match planned.source {
            FieldSource::Money(_, column, _) => column.currency == RowCurrency::Host,
            _ => false,
        };
        if !self.plan.fields.values().any(is_needed) {
            return Ok(None);
        }
        let code = RequestScope::from(self.ctx).host().currency().await?;
        Ok(Some(Currency::stored(&code)))
    }

    /// Loads all branches at the same time. Each comes with the index of its field in the plan.
    ///
    /// # Errors
    /// When a branch fails whose type is not nullable: GraphQL makes the rows null then.
    async fn load_branches(
        &self,
        rows: &[View<'_>],
        path: &[PathSegment],
    ) -> ServerResult<Vec<(usize, BranchValues)>> {
        let fields = self.plan.fields.iter().enumerate();
        let loads: Vec<_> = fields
            .filter_map(|(at, (key, planned))| match &planned.source {
                FieldSource::Branch { branch, selection } if !self.is_refused(at) => {
                    let batch = Batch { ctx: self.ctx, rows, pos: planned.pos, path: child_path(path, key) };
                    let values = load(self.plan.record, branch, selection, batch);
                    Some(async move { Ok((at, values.await?)) })
                }
                _ => None,
            })
            .collect();
        match loads.len() {
            0 => Ok(Vec::new()),
            _ => futures_util::future::join_all(loads).await.into_iter().collect(),
        }
    }

    fn write_rows(
        &self,
        rows: &[View<'_>],
        branches: &[(usize, BranchValues)],
        currency: Option<&Currency>,
    ) -> crate::Result<WrittenRows> {
        let counts = &self.request.counts;
        let mut text = Vec::with_capacity(rows.len() * ROW_CAPACITY);
        let mut written = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            counts.check_text(text.len())?;
            text.push(if number == 0 { b'[' } else { b',' });
            let objects = self.write_row(*row, number, (branches, currency), &mut text)?;
            written.push(WrittenRow { end: text.len(), objects });
        }
        counts.add_text(text.len());
        Ok(WrittenRows { text, rows: written })
    }

    /// Writes a row. Returns the number of JSON objects: the row itself and those within it.
    fn write_row(
        &self,
        row: View<'_>,
        number: usize,
        (branches, currency): (&[(usize, BranchValues)], Option<&Currency>),
        out: &mut Vec<u8>,
    ) -> Result<u32, DbErr> {
        let (start, api) = (out.len(), self.request.api);
        let mut branches = branches.iter();
        let mut objects = 1;
        for (at, planned) in self.plan.fields.values().enumerate() {
            let PlannedField { json, source, .. } = planned;
            match source {
                _ if !self.refused.is_empty() && self.is_refused(at) => {
                    out.extend_from_slice(json);
                    out.extend_from_slice(b"null");
                }
                FieldSource::Column(field) => {
                    out.extend_from_slice(json);
                    self.write_field(field, row, out)?;
                }
                FieldSource::Money(field, column, selection) => {
                    out.extend_from_slice(json);
                    self.write_money(field, (column, selection), currency, row, out)?;
                }
                FieldSource::TypeName => {
                    out.extend_from_slice(json);
                    write_str(self.plan.record.name, out);
                }
                FieldSource::Branch { branch, .. } => {
                    let Some((_, values)) = branches.next() else { continue };
                    if branch.sparse && api.is_rest() && values.is_null(number) {
                        continue;
                    }
                    out.extend_from_slice(json);
                    objects += values.write(number, api, out);
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
        match (&field.form, row.cell(field.column)?) {
            (FieldForm::Value(rendering) | FieldForm::Money(MoneyColumn { rendering, .. }), cell) => {
                match cell {
                    Cell::Null => {
                        check_null(self.plan.record, field, rendering.nullable)?;
                        out.extend_from_slice(b"null");
                    }
                    cell => (rendering.json)(cell, self.request.api, out),
                }
            }
            (FieldForm::GlobalId, _) => write_global_id(self.plan.record.name, row.key()?, out),
        }
        Ok(())
    }

    /// Writes an amount of money. Without a currency in the row, it is in the host's `currency`.
    fn write_money(
        &self,
        field: &Field,
        (column, selection): (&MoneyColumn, &MoneySelection),
        currency: Option<&Currency>,
        row: View<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), DbErr> {
        let cell = row.cell(field.column)?;
        if cell == Cell::Null {
            check_null(self.plan.record, field, column.rendering.nullable)?;
        }
        let code = match column.currency {
            RowCurrency::Column(column) => Some(row.cell(column)?.text().unwrap_or_default()),
            RowCurrency::Host => currency.map(Currency::as_str),
        };
        if let Some(currency) = code {
            column.write(cell, currency, selection, RequestScope::from(self.ctx).texts(), out);
        }
        Ok(())
    }
}

/// Refuses a null in a column that is declared as never null.
fn check_null(record: &RecordType, field: &Field, nullable: bool) -> Result<(), DbErr> {
    if nullable {
        return Ok(());
    }
    Err(DbErr::Type(format!("`{}.{}` is null", record.table, record.columns[field.column].name)))
}

impl FieldSource {
    fn need(&self) -> Need {
        match self {
            Self::Column(field) | Self::Money(field, ..) => field.need,
            Self::TypeName => Need::NONE,
            Self::Branch { branch, .. } => branch.need,
        }
    }
}

impl WrittenRows {
    /// The JSON text of a row, and the number of JSON objects in it.
    pub(crate) fn row(&self, number: usize) -> (&[u8], u32) {
        let Self { text, rows } = self;
        (&text[self.start(number)..rows[number].end], rows[number].objects)
    }

    fn start(&self, number: usize) -> usize {
        1 + number.checked_sub(1).map_or(0, |before| self.rows[before].end)
    }

    /// The number of JSON objects in all rows.
    pub(crate) fn objects(&self) -> u32 {
        self.rows.iter().map(|row| row.objects).sum()
    }

    /// Each row as one value of JSON text, with the number of JSON objects in it. The values share one buffer.
    pub(crate) fn into_values(mut self) -> Vec<(Value, u32)> {
        let text = Bytes::from(std::mem::take(&mut self.text));
        let rows = self.rows.iter().enumerate();
        rows.map(|(number, row)| (Value::Binary(text.slice(self.start(number)..row.end)), row.objects))
            .collect()
    }

    /// The rows of each part as one value, the JSON text of a list, with the number of JSON objects in it.
    pub(crate) fn into_lists(self, parts: &[Range<usize>]) -> Vec<(Value, u32)> {
        if parts.len() == 1 {
            let objects = self.objects();
            return vec![(self.into_list(), objects)];
        }
        let list = |part: &Range<usize>| {
            let rows = &self.rows[part.clone()];
            let text = rows.last().map_or(&[][..], |last| &self.text[self.start(part.start)..last.end]);
            let list = [b"[", text, b"]"].concat();
            (Value::Binary(list.into()), rows.iter().map(|row| row.objects).sum())
        };
        parts.iter().map(list).collect()
    }

    /// All rows as one value, the JSON text of a list.
    pub(crate) fn into_list(self) -> Value {
        let Self { mut text, rows } = self;
        if rows.is_empty() {
            text.push(b'[');
        }
        text.push(b']');
        Value::Binary(text.into())
    }

    /// The texts of connections, as if each were a row.
    pub(crate) fn of_connections(connections: &[WrittenConnection], api: Api) -> Self {
        let mut written = Self::default();
        for WrittenConnection { value, objects } in connections {
            written.text.push(if written.rows.is_empty() { b'[' } else { b',' });
            write_value(value, api, &mut written.text);
            let objects = objects + count_objects(value);
            written.rows.push(WrittenRow { end: written.text.len(), objects });
        }
        written
    }
}

/// Loads the values of a branch. A branch that fails is null with an error, if its type is nullable.
async fn load(
    record: &RecordType,
    branch: &'static Branch,
    selection: &BranchSelection,
    batch: Batch<'_>,
) -> ServerResult<BranchValues> {
    let (ctx, path) = (batch.ctx, batch.path.clone());
    let values = match selection {
        BranchSelection::Related { relation, plan, pivot } => {
            relation::resolve_related(relation, plan, *pivot, batch)
        }
        BranchSelection::Connection { list, relation, plan, arguments } => {
            page::resolve_nested(list, relation, plan, arguments, batch)
        }
        BranchSelection::Computed(resolve, field) => resolve(batch, field),
    };
    let error = match values.await {
        Ok(values) => return Ok(values),
        Err(error) if error.path.is_empty() => ServerError { path, ..error },
        Err(error) => error,
    };
    let ty = ctx.schema_env.registry.types.get(record.name);
    let field = ty.and_then(|ty| ty.field_by_name(branch.name));
    let is_connection = matches!(selection, BranchSelection::Connection { .. });
    if !is_connection && field.is_some_and(|field| field.ty.ends_with('!')) {
        return Err(error);
    }
    ctx.add_error(error);
    Ok(BranchValues::Nulls)
}

/// The path of a list or a single record, from the path of its first row.
fn level_path(first: &[PathSegment]) -> &[PathSegment] {
    match first {
        [list @ .., PathSegment::Index(_)] => list,
        record => record,
    }
}

/// The path of a field of the object at `path`.
pub(crate) fn child_path(path: &[PathSegment], key: &Name) -> Vec<PathSegment> {
    path.iter().cloned().chain([PathSegment::Field(key.to_string())]).collect()
}

/// The path of the field that the context resolves, for errors.
pub fn path_of<T>(ctx: &ContextBase<'_, T>) -> Vec<PathSegment> {
    ctx.set_error_path(ServerError::new("", None)).path
}
