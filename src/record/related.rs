//! What hangs on the rows of a level: related rows, their number, computed values. Each is
//! loaded for the whole level at once.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use async_graphql::{
    OutputType, PathSegment, Positioned, ServerError, ServerResult, Value, parser::types::SelectionSet,
    registry::Registry,
};
use entity::Id;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, FromQueryResult, ModelTrait, QueryFilter, QuerySelect, sea_query::ExprTrait};

use super::lookup::look_up;
use super::plan::{list, resolve_level};
use super::{Batch, BranchFuture, ColumnOf, Face, Record, RowsOf};
use crate::auth::Ability;
use crate::execution::Execution;
use crate::scope::Scope;
use crate::{Error, Result};

/// Rows that one branch may load for one level: far beyond any answer that makes sense, so that
/// a statement is bounded. Beyond it the branch is refused, never cut.
const MAX_ROWS: u64 = 100_000;

/// Keys in one `IN` list, below the parameter limit of every database.
const MAX_KEYS: usize = 30_000;

/// A field that is loaded or computed for all rows of a level at once.
pub struct Branch<M: 'static> {
    /// Name of the GraphQL field.
    pub name: &'static str,
    /// Description of the GraphQL field.
    pub doc: &'static str,
    /// Abilities of which the caller needs one; empty: seeing the row is enough.
    pub need: &'static [Ability],
    /// Registers the field's type and names it.
    pub ty: fn(&mut Registry) -> String,
    /// Whether REST leaves the key out where the value is null.
    pub sparse: bool,
    /// Answers the field for every row of the batch, in their order.
    pub resolve: for<'a> fn(Batch<'a, M>) -> BranchFuture<'a>,
}

impl<M> Batch<'_, M> {
    fn face(&self) -> Face {
        Execution::of(self.ctx).face
    }

    fn failed(&self, error: Error) -> ServerError {
        let error = async_graphql::Error::from(error).into_server_error(self.field.pos);
        ServerError { path: self.path.clone(), ..error }
    }

    async fn resolve<T: Record>(&self, children: &[T::Model], in_list: bool) -> ServerResult<Vec<Value>> {
        if children.is_empty() {
            return Ok(Vec::new());
        }
        let mut path = self.path.clone();
        if in_list {
            path.push(PathSegment::Index(0));
        }
        let rows: Vec<_> = children.iter().collect();
        // Boxed: a record may hold records of its own kind.
        let level: Pin<Box<dyn Future<Output = _> + Send + '_>> =
            Box::pin(resolve_level::<T>(self.ctx, &rows, &self.sets, &path));
        level.await
    }
}

/// Rows of `T` whose `column` holds a key of the batch, as lists in the order of `base`.
///
/// # Errors
/// When the database fails or the level has too many rows.
pub async fn many<M, T: Record>(
    batch: Batch<'_, M>,
    key: fn(&M) -> Id,
    column: ColumnOf<T>,
    base: RowsOf<T>,
) -> ServerResult<Vec<Value>> {
    let keys = batch.rows.iter().map(|row| key(row)).collect();
    let children =
        load::<T>(batch.ctx.into(), keys, column, base).await.map_err(|error| batch.failed(error))?;
    let values = batch.resolve::<T>(&children, true).await?;
    let mut lists: HashMap<Id, Vec<Value>> = HashMap::new();
    for (child, value) in children.iter().zip(values) {
        if let Some(parent) = id_in::<T>(child, column) {
            lists.entry(parent).or_default().push(value);
        }
    }
    let face = batch.face();
    Ok(batch.rows.iter().map(|row| list(lists.get(&key(row)).cloned().unwrap_or_default(), face)).collect())
}

/// The row of `T` whose key stands in the batch's rows, or null.
///
/// # Errors
/// When the database fails.
pub async fn one<M, T: Record>(
    batch: Batch<'_, M>,
    key: fn(&M) -> Option<Id>,
    base: RowsOf<T>,
) -> ServerResult<Vec<Value>> {
    let keys = batch.rows.iter().filter_map(|row| key(row)).collect();
    let children = load::<T>(batch.ctx.into(), keys, T::key_column(), base)
        .await
        .map_err(|error| batch.failed(error))?;
    let values = batch.resolve::<T>(&children, false).await?;
    let by_key: HashMap<Id, Value> = children.iter().map(T::key).zip(values).collect();
    Ok(batch
        .rows
        .iter()
        .map(|row| key(row).and_then(|key| by_key.get(&key).cloned()).unwrap_or_default())
        .collect())
}

/// How many rows of `T` hold each key of the batch in `column`.
///
/// # Errors
/// When the database fails.
pub async fn count<M, T: Record>(
    batch: Batch<'_, M>,
    key: fn(&M) -> Id,
    column: ColumnOf<T>,
    base: RowsOf<T>,
) -> ServerResult<Vec<Value>> {
    let counts = counted::<M, T>(&batch, key, column, base).await?;
    Ok(counts.into_iter().map(Value::from).collect())
}

/// Whether any row of `T` holds each key of the batch in `column`.
///
/// # Errors
/// When the database fails.
pub async fn exists<M, T: Record>(
    batch: Batch<'_, M>,
    key: fn(&M) -> Id,
    column: ColumnOf<T>,
    base: RowsOf<T>,
) -> ServerResult<Vec<Value>> {
    let counts = counted::<M, T>(&batch, key, column, base).await?;
    Ok(counts.into_iter().map(|count| Value::Boolean(count > 0)).collect())
}

/// 1 for each row of the batch whose key names a row of `T`, else 0.
///
/// # Errors
/// When the database fails.
pub async fn count_one<M, T: Record>(
    batch: Batch<'_, M>,
    key: fn(&M) -> Option<Id>,
    base: RowsOf<T>,
) -> ServerResult<Vec<Value>> {
    let found = found::<M, T>(&batch, key, base).await?;
    Ok(found.into_iter().map(|found| Value::from(i32::from(found))).collect())
}

/// Whether each row's key names a row of `T`.
///
/// # Errors
/// When the database fails.
pub async fn exists_one<M, T: Record>(
    batch: Batch<'_, M>,
    key: fn(&M) -> Option<Id>,
    base: RowsOf<T>,
) -> ServerResult<Vec<Value>> {
    Ok(found::<M, T>(&batch, key, base).await?.into_iter().map(Value::Boolean).collect())
}

/// The future of a computed value: one for each row.
pub type Computed<'a, V> = Pin<Box<dyn Future<Output = Result<Vec<V>>> + Send + 'a>>;

/// A value computed for all rows at once.
///
/// # Errors
/// When the computation fails.
pub async fn each<M, V: OutputType>(
    batch: Batch<'_, M>,
    compute: for<'a> fn(Scope<'a>, &'a [&'a M]) -> Computed<'a, V>,
) -> ServerResult<Vec<Value>> {
    let computed = compute(batch.ctx.into(), &batch.rows).await.map_err(|error| batch.failed(error))?;
    let merged = (batch.sets.len() > 1).then(|| merged(&batch.sets));
    let set = batch.ctx.with_selection_set(merged.as_ref().unwrap_or(batch.sets[0]));
    let values = computed.iter().map(|value| value.resolve(&set, batch.field));
    futures_util::future::try_join_all(values).await
}

/// Selections on the same value, as one.
fn merged(sets: &[&Positioned<SelectionSet>]) -> Positioned<SelectionSet> {
    let items = sets.iter().flat_map(|set| set.node.items.iter().cloned()).collect();
    Positioned::new(SelectionSet { items }, sets[0].pos)
}

/// Rows of `T` whose `column` holds one of the keys, in the order of `base`.
///
/// # Errors
/// When the database fails or there are too many rows.
pub async fn load<T: Record>(
    scope: Scope<'_>,
    keys: Vec<Id>,
    column: ColumnOf<T>,
    base: RowsOf<T>,
) -> Result<Vec<T::Model>> {
    let mut rows = Vec::new();
    for keys in distinct(keys).chunks(MAX_KEYS) {
        rows.extend(look_up::<T>(scope, base, column, keys, MAX_ROWS + 1).await?);
    }
    if rows.len() as u64 > MAX_ROWS {
        return Err(Error::BadRequest(format!(
            "More than {MAX_ROWS} rows of {}: ask for fewer at a time.",
            T::NAME
        )));
    }
    Ok(rows)
}

fn distinct(mut keys: Vec<Id>) -> Vec<Id> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[derive(FromQueryResult)]
struct Counted {
    parent: Id,
    number: i64,
}

async fn counted<M, T: Record>(
    batch: &Batch<'_, M>,
    key: fn(&M) -> Id,
    column: ColumnOf<T>,
    base: RowsOf<T>,
) -> ServerResult<Vec<i64>> {
    let scope = Scope::from(batch.ctx);
    let mut counts: HashMap<Id, i64> = HashMap::new();
    for keys in distinct(batch.rows.iter().map(|row| key(row)).collect()).chunks(MAX_KEYS) {
        let mut select = base().filter(column.is_in(keys.iter().copied()));
        sea_orm::QueryTrait::query(&mut select).clear_order_by();
        let select = select
            .select_only()
            .column_as(column, "parent")
            .column_as(Expr::col(sea_orm::sea_query::Asterisk).count(), "number")
            .group_by(column);
        let rows = select.into_model::<Counted>().all(scope.reader()).await;
        let rows = rows.map_err(|error| batch.failed(error.into()))?;
        counts.extend(rows.into_iter().map(|row| (row.parent, row.number)));
    }
    Ok(batch.rows.iter().map(|row| counts.get(&key(row)).copied().unwrap_or(0)).collect())
}

async fn found<M, T: Record>(
    batch: &Batch<'_, M>,
    key: fn(&M) -> Option<Id>,
    base: RowsOf<T>,
) -> ServerResult<Vec<bool>> {
    let keys = batch.rows.iter().filter_map(|row| key(row)).collect();
    let rows = load::<T>(batch.ctx.into(), keys, T::key_column(), base)
        .await
        .map_err(|error| batch.failed(error))?;
    let found: std::collections::HashSet<Id> = rows.iter().map(T::key).collect();
    Ok(batch.rows.iter().map(|row| key(row).is_some_and(|key| found.contains(&key))).collect())
}

fn id_in<T: Record>(model: &T::Model, column: ColumnOf<T>) -> Option<Id> {
    match model.get(column) {
        sea_orm::Value::BigInt(value) => value.map(Id),
        sea_orm::Value::Int(value) => value.map(|value| Id(value.into())),
        _ => None,
    }
}
