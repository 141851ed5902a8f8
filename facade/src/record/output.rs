//! Records as GraphQL output: one row, a list of rows, a row that is in memory.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, PathSegment, Positioned, ServerResult, Value};

use super::cell::Rows;
use super::level::{Level, path_of};
use super::reading::Record;
use super::record_type::RecordType;
use super::relation::held;
use crate::execution::Execution;

/// A row of a record, with the columns that [`Level::columns`] tells.
pub struct One<T> {
    row: Rows,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> One<T> {
    /// The first of some rows.
    pub fn first(mut row: Rows) -> Option<Self> {
        row.rows.truncate(1);
        (!row.rows.is_empty()).then_some(Self { row, record: PhantomData })
    }
}

impl<T: Record> OutputType for One<T> {
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

/// A list of rows of a record, with the columns that [`Level::columns`] tells.
pub struct List<T> {
    rows: Rows,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> List<T> {
    /// A list of these rows.
    pub fn new(rows: Rows) -> Self {
        Self { rows, record: PhantomData }
    }
}

impl<T: Record> OutputType for List<T> {
    fn type_name() -> Cow<'static, str> {
        format!("[{}!]", T::record().name).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::record().register::<T>(registry);
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let level = Level::plan(ctx, T::record())?;
        let mut path = path_of(ctx);
        path.push(PathSegment::Index(0));
        Ok(level.write(&self.rows, &path).await?.into_list(Execution::of(ctx)))
    }
}

/// Answers a row that is in memory: the values of all columns of its table.
///
/// # Errors
/// When the document names a fragment that it doesn't have, or what hangs on the row fails.
pub async fn write_held(
    record: &'static RecordType,
    values: Vec<sea_orm::Value>,
    ctx: &ContextSelectionSet<'_>,
) -> ServerResult<Value> {
    write_first(&held(values), record, ctx).await
}

async fn write_first(
    rows: &Rows,
    record: &'static RecordType,
    ctx: &ContextSelectionSet<'_>,
) -> ServerResult<Value> {
    let level = Level::plan(ctx, record)?;
    let written = level.write(rows, &path_of(ctx)).await?;
    Ok(written.into_values(Execution::of(ctx)).into_iter().next().unwrap_or_default())
}

/// Answers rows of a level, each as a value of its own. `path` is that of the first of them.
///
/// # Errors
/// As [`write_held`].
pub async fn write_each(
    level: &Level<'_>,
    rows: &Rows,
    ctx: &ContextSelectionSet<'_>,
    path: &[PathSegment],
) -> ServerResult<Vec<Value>> {
    Ok(level.write(rows, path).await?.into_values(Execution::of(ctx)))
}
