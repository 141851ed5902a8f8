//! Rows of records as GraphQL output: one row, a list of rows, a row that is in memory.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, PathSegment, Positioned, ServerResult, Value};

use super::cell::Rows;
use super::reading::Record;
use super::record_type::RecordType;
use super::selection::{RecordSelection, path_of};
use crate::execution::Execution;

/// One row of the record `T` as GraphQL output, with the columns that [`RecordSelection::columns`] lists.
pub struct SelectedRow<T> {
    row: Rows,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> SelectedRow<T> {
    /// The first row, if there is one.
    pub fn first(mut row: Rows) -> Option<Self> {
        row.rows.truncate(1);
        (!row.rows.is_empty()).then_some(Self { row, record: PhantomData })
    }
}

impl<T: Record> OutputType for SelectedRow<T> {
    fn type_name() -> Cow<'static, str> {
        T::record().name.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::record().register::<T>(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        write_first(&self.row, T::record(), ctx).await
    }
}

/// A list of rows of the record `T` as GraphQL output, with the columns that [`RecordSelection::columns`] lists.
pub struct SelectedRows<T> {
    rows: Rows,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> SelectedRows<T> {
    /// A list of these rows.
    pub fn new(rows: Rows) -> Self {
        Self { rows, record: PhantomData }
    }
}

impl<T: Record> OutputType for SelectedRows<T> {
    fn type_name() -> Cow<'static, str> {
        format!("[{}!]", T::record().name).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::record().register::<T>(registry);
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let selection = RecordSelection::plan(ctx, T::record())?;
        let mut path = path_of(ctx);
        path.push(PathSegment::Index(0));
        let written = selection.write(&self.rows, &path).await?;
        Execution::of(ctx).counts.add_objects(written.objects());
        Ok(written.into_list())
    }
}

/// Resolves a row that is in memory. `values` has one value for each column of its table, in their order.
///
/// # Errors
/// When the document spreads a fragment that it does not define, or a branch fails whose type is not nullable.
pub async fn write_in_memory(
    record: &'static RecordType,
    values: Vec<sea_orm::Value>,
    ctx: &ContextSelectionSet<'_>,
) -> ServerResult<Value> {
    write_first(&Rows::in_memory(values), record, ctx).await
}

async fn write_first(
    rows: &Rows,
    record: &'static RecordType,
    ctx: &ContextSelectionSet<'_>,
) -> ServerResult<Value> {
    let selection = RecordSelection::plan(ctx, record)?;
    Ok(write_each(&selection, rows, ctx, &path_of(ctx)).await?.into_iter().next().unwrap_or_default())
}

/// Writes rows, each as one value. `path` is the path of the first row in the response.
///
/// # Errors
/// As [`write_in_memory`].
pub async fn write_each(
    selection: &RecordSelection<'_>,
    rows: &Rows,
    ctx: &ContextSelectionSet<'_>,
    path: &[PathSegment],
) -> ServerResult<Vec<Value>> {
    let written = selection.write(rows, path).await?;
    Execution::of(ctx).counts.add_objects(written.objects());
    Ok(written.into_values().into_iter().map(|(row, _)| row).collect())
}
