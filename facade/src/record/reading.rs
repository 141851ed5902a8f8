//! Reads records: whole rows for resolvers, or only the columns that a selection needs.

use std::future::Future;

use async_graphql::{Context, OutputType};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, ModelTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    Statement,
};
use value::{Id, ShopTime};

use super::cell::{ColumnSet, Row, Rows};
use super::lookup::Lookup;
use super::output::{SelectedRow, SelectedRows};
use super::record_type::RecordType;
use super::relation::{KeyColumn, MAX_KEYS, MAX_ROWS};
use super::selection::RecordSelection;
use crate::node::{Refetch, database_id};
use crate::scope::RequestScope;
use crate::write::{CHANGED_COLUMN, changed_at};
use crate::{Error, Result};

/// A column of a record's table.
pub type ColumnOf<T> = <<T as Record>::Entity as EntityTrait>::Column;

/// A row of a table, with the GraphQL type that shows it. Made by [`record!`](crate::record!).
pub trait Record: OutputType + From<Self::Model> + Clone + 'static {
    /// Name of the GraphQL type.
    const NAME: &'static str;
    /// The table.
    type Entity: EntityTrait<Model = Self::Model>;
    /// A row of the table.
    type Model: ModelTrait<Entity = Self::Entity> + FromQueryResult + Send + Sync + 'static;

    /// The columns and branches of the record.
    fn record() -> &'static RecordType;
    /// The primary key's column.
    fn key_column() -> ColumnOf<Self>;
    /// How the row is found by its global identifier; a record without this has no `id` and is no node.
    fn node() -> Option<Refetch<Self::Entity>>;

    /// The whole row of `rows` whose identifier is `id`: a primary key in digits, or a global identifier. Its time of
    /// change is noted for `Last-Modified`.
    ///
    /// # Errors
    /// When the database fails.
    fn find(
        scope: RequestScope<'_>,
        rows: fn() -> Select<Self::Entity>,
        id: &str,
    ) -> impl Future<Output = Result<Option<Self>>> + Send {
        let id = database_id(scope, Self::NAME, id);
        async move {
            let Some(id) = id else { return Ok(None) };
            let rows = visible_rows::<Self>(scope, rows());
            let row = first_model(scope, rows.filter(Self::key_column().eq(id))).await?;
            if let Some(at) = row.as_ref().and_then(changed_at) {
                scope.note_change(at);
            }
            Ok(row.map(Self::from))
        }
    }
}

/// Those of these rows that the caller may see, as `visible` of the record says.
pub fn visible_rows<T: Record>(scope: RequestScope<'_>, rows: Select<T::Entity>) -> Select<T::Entity> {
    match T::record().visible_to(scope) {
        Some(visible) => rows.filter(visible),
        None => rows,
    }
}

/// The whole rows of a statement.
async fn models<E: EntityTrait>(scope: RequestScope<'_>, rows: Select<E>) -> Result<Vec<E::Model>> {
    let rows = scope.rows(scope.backend().build(&QueryTrait::into_query(rows))).await?;
    Ok(rows.iter().map(|row| E::Model::from_query_result(row, "")).collect::<std::result::Result<_, _>>()?)
}

async fn first_model<E: EntityTrait>(scope: RequestScope<'_>, rows: Select<E>) -> Result<Option<E::Model>> {
    Ok(models(scope, rows.limit(1)).await?.into_iter().next())
}

/// As [`Record::find`], but a row that does not exist is an error. `model` is the name of the Eloquent model that the
/// original prints.
///
/// # Errors
/// [`Error::NotFound`] if there is no such row, and errors of the database.
pub async fn require<T: Record>(
    scope: RequestScope<'_>,
    rows: fn() -> Select<T::Entity>,
    id: &str,
    model: &'static str,
) -> Result<T> {
    T::find(scope, rows, id).await?.ok_or_else(|| Error::NotFound { model, id: id.to_owned() })
}

/// As [`require`], but GraphQL also takes the value of `public`, a column of public keys such as UUIDs.
///
/// # Errors
/// As [`require`].
pub async fn require_by_public_key<T: Record>(
    scope: RequestScope<'_>,
    rows: fn() -> Select<T::Entity>,
    public: ColumnOf<T>,
    id: &str,
    model: &'static str,
) -> Result<T> {
    if scope.is_rest() || database_id(scope, T::NAME, id).is_some() {
        return require(scope, rows, id, model).await;
    }
    let row = first_model(scope, visible_rows::<T>(scope, rows()).filter(public.eq(id))).await?;
    row.map(T::from).ok_or_else(|| Error::NotFound { model, id: id.to_owned() })
}

/// The row of `rows` whose identifier is `id`, with the columns that the selection of the context needs.
///
/// # Errors
/// When the database fails.
pub async fn read_by_id<T: Record>(
    ctx: &Context<'_>,
    rows: fn() -> Select<T::Entity>,
    id: &str,
) -> Result<Option<SelectedRow<T>>> {
    let Some(key) = database_id(ctx.into(), T::NAME, id) else { return Ok(None) };
    let (record, select) = (T::record(), move || QueryTrait::into_query(rows()));
    let read = SingleRead::plan(ctx, record)?;
    let SingleRead { scope, columns, .. } = read;
    let (key_column, visible) = (KeyColumn::Primary, record.visible_to(scope));
    let lookup = Lookup {
        record,
        rows: &select,
        identity: rows as usize,
        key: key_column,
        columns,
        limit: 1,
        visible: visible.as_ref(),
    };
    let statement = scope.engine().lookups.statement(scope.backend(), lookup, &[key.0]);
    Ok(SelectedRow::first(read.rows(statement).await?))
}

/// The first row of a statement, with the columns that the selection of the context needs.
///
/// # Errors
/// When the database fails.
pub async fn read_first<T: Record>(
    ctx: &Context<'_>,
    rows: Select<T::Entity>,
) -> Result<Option<SelectedRow<T>>> {
    let read = SingleRead::plan(ctx, T::record())?;
    let mut select = QueryTrait::into_query(visible_rows::<T>(read.scope, rows).limit(1));
    read.record.select(read.columns, &mut select);
    let statement = read.scope.backend().build(&select);
    Ok(SelectedRow::first(read.rows(statement).await?))
}

/// The columns that are read of a single row.
#[derive(Clone, Copy)]
struct SingleRead<'a> {
    scope: RequestScope<'a>,
    record: &'static RecordType,
    columns: ColumnSet,
    /// Index of the column with the time of change, if REST needs it for `Last-Modified`.
    changed_at: Option<usize>,
}

impl<'a> SingleRead<'a> {
    fn plan(ctx: &Context<'a>, record: &'static RecordType) -> Result<Self> {
        let scope = RequestScope::from(ctx);
        let set = ctx.with_selection_set(&ctx.item.node.selection_set);
        let mut columns = selected_columns(&set, record)?;
        let changed_at = record.column_index(CHANGED_COLUMN).filter(|_| scope.is_rest());
        columns.extend(changed_at);
        Ok(Self { scope, record, columns, changed_at })
    }

    /// Runs the statement, and notes the time of change of its row.
    async fn rows(self, statement: Statement) -> Result<Rows> {
        let found = self.scope.first_row(statement).await?;
        let rows = Rows::new(self.columns, found.into_iter().map(Row::Read).collect());
        if let (Some(column), Some(row)) = (self.changed_at, rows.views(self.record).first())
            && let Some(at) = row.cell(column)?.local()
        {
            self.scope.note_change(ShopTime::from_local(at).0);
        }
        Ok(rows)
    }
}

/// The columns of a record that a selection needs.
fn selected_columns(
    ctx: &async_graphql::ContextSelectionSet<'_>,
    record: &'static RecordType,
) -> Result<ColumnSet> {
    let selection = RecordSelection::plan(ctx, record).map_err(|error| Error::internal(error.message))?;
    Ok(selection.columns())
}

/// The rows of a statement as a list of records, with the columns that the selection of the context needs.
///
/// # Errors
/// When the database fails.
pub async fn read_list<T: Record>(ctx: &Context<'_>, rows: Select<T::Entity>) -> Result<SelectedRows<T>> {
    let scope = RequestScope::from(ctx);
    let ctx = ctx.with_selection_set(&ctx.item.node.selection_set);
    let columns = selected_columns(&ctx, T::record())?;
    let mut select = QueryTrait::into_query(visible_rows::<T>(scope, rows));
    T::record().select(columns, &mut select);
    let found = scope.rows(scope.backend().build(&select)).await?;
    Ok(SelectedRows::new(Rows::new(columns, found.into_iter().map(Row::Read).collect())))
}

/// Whole rows of `T` whose `column` has one of the keys, in the order of `rows`: for values that are computed from
/// them.
///
/// # Errors
/// When the database fails, and [`Error::BadRequest`] for more than [`MAX_ROWS`] rows.
pub async fn load_models<T: Record>(
    scope: RequestScope<'_>,
    mut keys: Vec<Id>,
    column: ColumnOf<T>,
    rows: fn() -> Select<T::Entity>,
) -> Result<Vec<T::Model>> {
    keys.sort_unstable();
    keys.dedup();
    let mut found = Vec::new();
    for keys in keys.chunks(MAX_KEYS) {
        let some = visible_rows::<T>(scope, rows()).filter(column.is_in(keys.iter().copied()));
        let some = some.limit(MAX_ROWS + 1);
        found.extend(models(scope, some).await?);
    }
    if found.len() as u64 > MAX_ROWS {
        let name = T::record().name;
        return Err(Error::BadRequest(format!(
            "More than {MAX_ROWS} rows of {name}: ask for fewer at a time."
        )));
    }
    Ok(found)
}
