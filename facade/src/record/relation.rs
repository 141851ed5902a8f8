//! The branches of a record: related rows, the number of them, and computed values. Each branch is loaded for all rows
//! of a level at once.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, InputType, OutputType, PathSegment, Pos, Positioned, ServerError, ServerResult,
    Value,
};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, SelectStatement, SimpleExpr};
use sea_orm::{DbErr, TryGetable};

use super::cell::{CellType, ColumnSet, Row, Rows, View};
use super::join_table::JoinTable;
use super::lookup::{BaseQuery, Lookup};
use super::plan::SelectionPlan;
use super::record_type::RecordType;
use super::selection::{RecordSelection, WrittenRows};
use crate::Error;
use crate::api::Api;
use crate::engine::graphql;
use crate::execution::Execution;
use crate::json::{write_bool, write_int, write_joined, write_value};
use crate::scope::RequestScope;

/// The future of a branch: its values, one for each row of the level.
pub type BranchFuture<'a> = Pin<Box<dyn Future<Output = ServerResult<BranchValues>> + Send + 'a>>;

/// Maximum number of rows that one branch may load for one level. It bounds the statement, and is far beyond any useful
/// answer. A branch with more rows is refused, never truncated.
pub const MAX_ROWS: u64 = 100_000;

/// Maximum number of keys in one `IN` list, below the parameter limit of every database.
pub const MAX_KEYS: usize = 30_000;

/// How rows of another record, the target, are found for a row.
#[derive(Clone, Copy)]
pub struct Relation {
    /// The key that the row has.
    pub source_key: SourceKey,
    /// The other record.
    pub target: fn() -> &'static RecordType,
    /// The column that must equal the key.
    pub key: KeyColumn,
    /// The rows of the target that may be found.
    pub rows: BaseQuery,
    /// What is answered about the rows that are found.
    pub output: RelationOutput,
}

/// The key of a row by which related rows are found: a whole number. A row without one has no related rows.
#[derive(Clone, Copy)]
pub enum SourceKey {
    /// The value of a column.
    Column(usize),
    /// A key that is computed from some columns.
    Computed {
        /// Indexes of the columns.
        columns: &'static [usize],
        /// Computes the key.
        key: fn(View<'_>) -> Result<Option<i64>, DbErr>,
    },
}

/// The column of related rows that must equal the key of the row.
#[derive(Clone, Copy)]
pub enum KeyColumn {
    /// The primary key of the other record.
    Primary,
    /// A column of the other record that has whole numbers, by its index.
    Foreign(usize),
    /// The first column of the join table.
    Joined(fn() -> &'static JoinTable),
}

/// What is answered about related rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationOutput {
    /// All of them, in their order.
    Many,
    /// The first of them, or null.
    One,
    /// Their number.
    Count,
    /// 1 if there are any, else 0: the number of rows in [`Self::One`].
    CountOfOne,
    /// Whether there are any.
    Exists,
}

impl KeyColumn {
    /// The join table of the two records, if there is one.
    pub(crate) fn join_table(self) -> Option<&'static JoinTable> {
        if let Self::Joined(table) = self { Some(table()) } else { None }
    }

    /// The index of the column in the other record; nothing for a column of a join table.
    pub(crate) fn column_index(self, record: &RecordType) -> Option<usize> {
        match self {
            Self::Primary => Some(record.key),
            Self::Foreign(column) => Some(column),
            Self::Joined(_) => None,
        }
    }

    /// The column as an expression in a statement about rows of the other record.
    pub(crate) fn column(self, record: &RecordType) -> SimpleExpr {
        match self {
            Self::Primary => record.column(record.key),
            Self::Foreign(column) => record.column(column),
            Self::Joined(table) => table().source_key(),
        }
    }
}

impl SourceKey {
    pub(crate) fn columns(&self) -> &[usize] {
        match self {
            Self::Column(column) => std::slice::from_ref(column),
            Self::Computed { columns, .. } => columns,
        }
    }

    fn of(&self, row: View<'_>) -> Result<Option<i64>, DbErr> {
        match self {
            Self::Column(column) => row.cell(*column).map(super::cell::Cell::int),
            Self::Computed { key, .. } => key(row),
        }
    }
}

/// The rows of one level for which a branch is loaded.
pub struct Batch<'a> {
    /// The selection set of the level.
    pub ctx: &'a ContextSelectionSet<'a>,
    /// The rows of the level.
    pub rows: &'a [View<'a>],
    /// Position of the branch in the document.
    pub pos: Pos,
    /// Path of the branch in the first row of the level.
    pub path: Vec<PathSegment>,
}

/// The values of a branch, one for each row of the level.
pub enum BranchValues {
    /// Null for every row.
    Nulls,
    /// Any value for each row.
    Values(Vec<Value>),
    /// A whole number for each row.
    Ints(Vec<i64>),
    /// A truth value for each row.
    Bools(Vec<bool>),
    /// The first related row of each row, or null.
    One(RelatedRows),
    /// A list of related rows for each row.
    Many(RelatedRows),
    /// A connection of related rows for each row.
    Connections(ConnectionsByRow),
}

/// The connections of related rows, and which of them belongs to each row of a level.
pub struct ConnectionsByRow {
    pub(crate) written: WrittenRows,
    /// The number of the connection of each row of the level.
    pub(crate) numbers: Vec<usize>,
}

/// Related rows, and which of them belong to each row of a level.
pub struct RelatedRows {
    related: WrittenRows,
    /// The columns of the join table for each related row, as the member of a JSON object; empty unless selected.
    pivots: Vec<Vec<u8>>,
    /// Key and number of each related row, sorted by key; rows of one key keep their order.
    by_key: Vec<(i64, usize)>,
    /// The key of each row of the level.
    keys: Vec<Option<i64>>,
}

impl RelatedRows {
    /// Writes a related row. Returns the number of JSON objects: the row itself and those within it.
    fn write(&self, number: usize, out: &mut Vec<u8>) -> u32 {
        let (text, objects) = self.related.row(number);
        let Some((pivot, fields)) = self.pivots.get(number).zip(text.strip_suffix(b"}")) else {
            out.extend_from_slice(text);
            return objects;
        };
        out.extend_from_slice(fields);
        // In an object without other members, no comma comes before the pivot.
        out.extend_from_slice(if fields == b"{" { &pivot[1..] } else { pivot });
        out.push(b'}');
        objects + 1
    }

    /// Key and number of each related row of a row of the level.
    fn of(&self, row: usize) -> &[(i64, usize)] {
        let Some(key) = self.keys[row] else { return &[] };
        let start = self.by_key.partition_point(|(found, _)| *found < key);
        let length = self.by_key[start..].partition_point(|(found, _)| *found == key);
        &self.by_key[start..start + length]
    }
}

impl BranchValues {
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Nulls => true,
            Self::Values(values) => values.get(row).is_none_or(|value| *value == Value::Null),
            Self::One(related) => related.of(row).is_empty(),
            Self::Ints(_) | Self::Bools(_) | Self::Many(_) | Self::Connections(_) => false,
        }
    }

    /// Writes the value of a row of the level. Returns the number of JSON objects in it.
    pub(crate) fn write(&self, row: usize, api: Api, out: &mut Vec<u8>) -> u32 {
        let mut objects = 0;
        match self {
            Self::Nulls => out.extend_from_slice(b"null"),
            Self::Values(values) => {
                let value = values.get(row).unwrap_or(&Value::Null);
                objects = count_objects(value);
                write_value(value, api, out);
            }
            Self::Ints(numbers) => write_int(numbers[row], out),
            Self::Bools(truths) => write_bool(truths[row], out),
            Self::One(related) => match related.of(row).first() {
                Some((_, number)) => objects = related.write(*number, out),
                None => out.extend_from_slice(b"null"),
            },
            Self::Many(related) => write_joined([b'[', b']'], related.of(row), out, |(_, number), out| {
                objects += related.write(*number, out);
            }),
            Self::Connections(ConnectionsByRow { written, numbers }) => {
                let (text, within) = written.row(numbers[row]);
                objects = within;
                out.extend_from_slice(text);
            }
        }
        objects
    }
}

/// The number of objects in a value: itself and those within it.
pub fn count_objects(value: &Value) -> u32 {
    match value {
        Value::Object(fields) => 1 + fields.values().map(count_objects).sum::<u32>(),
        Value::List(items) => items.iter().map(count_objects).sum(),
        _ => 0,
    }
}

impl<'a> Batch<'a> {
    pub(crate) fn failed(&self, error: async_graphql::Error) -> ServerError {
        ServerError { path: self.path.clone(), ..error.into_server_error(self.pos) }
    }

    fn database_failed(&self, error: DbErr) -> ServerError {
        self.failed(graphql(error))
    }

    /// An argument of the branch; nothing where it was not given.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it does not fit its type.
    pub fn argument<T: InputType>(&self, field: &Positioned<Field>, name: &str) -> crate::Result<Option<T>> {
        let given = self.ctx.with_field(field).param_value::<Option<T>>(name, None);
        given.map(|(_, given)| given).map_err(|error| Error::BadRequest(error.message))
    }

    /// Resolves the branch with a value of a GraphQL type for each row, in their order. `field` has the selection on
    /// the values.
    ///
    /// # Errors
    /// The error of `computed`, and errors of resolving the values.
    pub async fn values<V: OutputType>(
        &self,
        field: &Positioned<Field>,
        computed: Result<Vec<V>, async_graphql::Error>,
    ) -> ServerResult<BranchValues> {
        let computed = computed.map_err(|error| self.failed(error))?;
        let set = self.ctx.with_selection_set(&field.node.selection_set);
        let values = computed.iter().map(|value| value.resolve(&set, field));
        futures_util::future::try_join_all(values).await.map(BranchValues::Values)
    }

    /// The key of each row.
    pub(crate) fn keys(&self, relation: &Relation) -> ServerResult<Vec<Option<i64>>> {
        let keys = self.rows.iter().map(|row| relation.source_key.of(*row));
        keys.collect::<Result<_, _>>().map_err(|error| self.database_failed(error))
    }
}

/// Resolves a branch of related rows for all rows of a level.
///
/// # Errors
/// When the database fails or there are more than [`MAX_ROWS`] rows.
pub(crate) fn resolve_related<'a>(
    relation: &'static Relation,
    plan: &'a Arc<SelectionPlan>,
    pivot: bool,
    batch: Batch<'a>,
) -> BranchFuture<'a> {
    // Boxed, because a record may have branches of its own type.
    match relation.output {
        RelationOutput::Many | RelationOutput::One => Box::pin(rows(relation, plan, pivot, batch)),
        RelationOutput::Count => {
            Box::pin(async move { counts(relation, &batch).await.map(BranchValues::Ints) })
        }
        RelationOutput::CountOfOne => Box::pin(async move {
            let counts = counts(relation, &batch).await?;
            Ok(BranchValues::Ints(counts.into_iter().map(|count| i64::from(count > 0)).collect()))
        }),
        RelationOutput::Exists => Box::pin(async move {
            let counts = counts(relation, &batch).await?;
            Ok(BranchValues::Bools(counts.into_iter().map(|count| count > 0).collect()))
        }),
    }
}

/// Loads and writes the related rows of all rows; with `pivot`, each has the columns of the join table.
async fn rows(
    relation: &'static Relation,
    plan: &Arc<SelectionPlan>,
    pivot: bool,
    batch: Batch<'_>,
) -> ServerResult<BranchValues> {
    let (record, keys) = (plan.record, batch.keys(relation)?);
    let selection = RecordSelection::new(batch.ctx, Arc::clone(plan));
    let mut columns = selection.columns();
    columns.extend(relation.key.column_index(record));
    let rows = load(relation, &batch, distinct(&keys), columns).await?;
    let by_key =
        relation.key.sort_rows(&rows, record, columns).map_err(|error| batch.database_failed(error))?;
    let join = relation.key.join_table().filter(|_| pivot);
    let api = Execution::of(batch.ctx).api;
    let pivots = join.map_or_else(|| Ok(Vec::new()), |join| pivots(join, &rows, columns, api));
    let pivots = pivots.map_err(|error| batch.database_failed(error))?;
    let related = if rows.rows.is_empty() {
        WrittenRows::default()
    } else {
        let mut path = batch.path.clone();
        if relation.output == RelationOutput::Many {
            path.push(PathSegment::Index(0));
        }
        selection.write(&rows, &path).await?
    };
    let related = RelatedRows { related, pivots, by_key, keys };
    Ok(if relation.output == RelationOutput::Many {
        BranchValues::Many(related)
    } else {
        BranchValues::One(related)
    })
}

impl KeyColumn {
    /// The key by which each related row was found and the number of the row, sorted by key. Rows of one key keep their
    /// order.
    fn sort_rows(
        self,
        rows: &Rows,
        record: &'static RecordType,
        columns: ColumnSet,
    ) -> Result<Vec<(i64, usize)>, DbErr> {
        let mut by_key = Vec::with_capacity(rows.rows.len());
        for (number, (view, row)) in rows.views(record).iter().zip(&rows.rows).enumerate() {
            let key = match (self.column_index(record), self.join_table(), row) {
                (Some(column), ..) => view.cell(column)?.int(),
                (None, Some(join), Row::Read(row)) => join.source_key_of(row, columns.len())?,
                _ => None,
            };
            by_key.extend(key.map(|key| (key, number)));
        }
        by_key.sort_by_key(|(key, _)| *key);
        Ok(by_key)
    }
}

/// The columns of the join table for each row, as the member of a JSON object.
fn pivots(join: &JoinTable, rows: &Rows, columns: ColumnSet, api: Api) -> Result<Vec<Vec<u8>>, DbErr> {
    let read = rows.rows.iter().filter_map(|row| if let Row::Read(row) = row { Some(row) } else { None });
    read.map(|row| join.write(row, columns.len(), api)).collect()
}

/// Rows of the target whose key column has one of the keys, in the order of the relation's rows.
async fn load(
    relation: &Relation,
    batch: &Batch<'_>,
    keys: Vec<i64>,
    columns: ColumnSet,
) -> ServerResult<Rows> {
    let (scope, record) = (RequestScope::from(batch.ctx), (relation.target)());
    let visible = record.visible_to(scope);
    let lookup = Lookup {
        record,
        rows: &relation.rows,
        identity: relation.rows as usize,
        key: relation.key,
        columns,
        limit: MAX_ROWS + 1,
        visible: visible.as_ref(),
    };
    let mut rows = Vec::new();
    for keys in keys.chunks(MAX_KEYS) {
        let statement = scope.engine().lookups.statement(scope.backend(), lookup, keys);
        let found = scope.rows(statement).await.map_err(|error| batch.database_failed(error))?;
        rows.extend(found.into_iter().map(Row::Read));
    }
    if rows.len() as u64 > MAX_ROWS {
        return Err(batch.failed(graphql(too_many_rows(record))));
    }
    Ok(Rows::new(columns, rows))
}

/// The refusal of a branch with more than [`MAX_ROWS`] rows.
pub(crate) fn too_many_rows(record: &RecordType) -> Error {
    Error::BadRequest(format!("More than {MAX_ROWS} rows of {}: ask for fewer at a time.", record.name))
}

/// The keys that rows have, each once.
pub(crate) fn distinct(keys: &[Option<i64>]) -> Vec<i64> {
    let mut keys: Vec<i64> = keys.iter().copied().flatten().collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The number of related rows of each row.
async fn counts(relation: &Relation, batch: &Batch<'_>) -> ServerResult<Vec<i64>> {
    let (keys, scope) = (batch.keys(relation)?, RequestScope::from(batch.ctx));
    let mut rows = relation.bare_rows(scope);
    if let Some(visible) = (relation.target)().visible_to(scope) {
        rows.cond_where(visible);
    }
    let counts = count_by_key(scope, &rows, relation.column(), &distinct(&keys)).await;
    let counts = counts.map_err(|error| batch.database_failed(error))?;
    Ok(keys.iter().map(|key| key.and_then(|key| counts.get(&key).copied()).unwrap_or(0)).collect())
}

/// The number of rows of a statement without columns and order for each of these values of its column. Values that no
/// row has are left out.
pub(crate) async fn count_by_key(
    scope: RequestScope<'_>,
    rows: &SelectStatement,
    column: SimpleExpr,
    keys: &[i64],
) -> Result<HashMap<i64, i64>, DbErr> {
    let mut counts = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let mut select = rows.clone();
        select
            .expr(column.clone())
            .expr(Func::count(Expr::col(Asterisk)))
            .and_where(column.clone().is_in(keys.iter().copied()))
            .add_group_by([column.clone()]);
        for row in scope.rows(scope.backend().build(&select)).await? {
            let key = CellType::Int.read(&row, 0)?.int();
            let number = i64::try_get_by(&row, 1_usize)?;
            counts.extend(key.map(|key| (key, number)));
        }
    }
    Ok(counts)
}

impl Relation {
    /// The column that must equal the key, in the statement of [`Self::bare_rows`].
    pub(crate) fn column(&self) -> SimpleExpr {
        self.key.column((self.target)())
    }

    /// The rows that may be found, joined to the join table, as a statement without columns and order.
    pub(crate) fn bare_rows(&self, scope: RequestScope<'_>) -> SelectStatement {
        let mut select = scope.lists().rows(self.rows as usize, self.rows);
        if let Some(join) = self.key.join_table() {
            join.join((self.target)(), &mut select);
        }
        select
    }
}
