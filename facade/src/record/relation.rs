//! What hangs on the rows of a level: related rows, their number, computed values. Each is loaded for the
//! whole level at once.

use std::pin::Pin;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, OutputType, PathSegment, Pos, Positioned, ServerError, ServerResult, Value,
};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{DbErr, TryGetable};

use super::cell::{ColumnSet, Kind, Row, Rows, View};
use super::join_table::JoinTable;
use super::level::{Level, Written};
use super::lookup::{Lookup, RowsOf};
use super::plan::Plan;
use super::record_type::RecordType;
use crate::Error;
use crate::api::Api;
use crate::engine::graphql;
use crate::execution::Execution;
use crate::json::{write_bool, write_int, write_joined, write_value};
use crate::scope::RequestScope;

/// A boxed future of a branch: its values, one for each row of the level.
pub type BranchFuture<'a> = Pin<Box<dyn Future<Output = ServerResult<Filled>> + Send + 'a>>;

/// Rows that one branch may load for one level: far beyond any answer that makes sense, so that
/// a statement is bounded. Beyond it the branch is refused, never cut.
pub const MAX_ROWS: u64 = 100_000;

/// Keys in one `IN` list, below the parameter limit of every database.
pub const MAX_KEYS: usize = 30_000;

/// Rows of another record that belong to a row.
#[derive(Clone, Copy)]
pub struct Relation {
    /// What of the row is looked for.
    pub own: Own,
    /// The other record.
    pub target: fn() -> &'static RecordType,
    /// Where it is looked for.
    pub key: KeyColumn,
    /// Among which of its rows.
    pub rows: RowsOf,
    /// What is told of them.
    pub shown: Related,
}

/// What of a row is looked for in another table: a whole number, or nothing.
#[derive(Clone, Copy)]
pub enum Own {
    /// The value of a column.
    Column(usize),
    /// A key that is worked out of some columns.
    Worked {
        /// Places of the columns.
        columns: &'static [usize],
        /// The key, if there is one.
        key: fn(View<'_>) -> Result<Option<i64>, DbErr>,
    },
}

/// The column in which the key of a row is looked for, to find the rows that are related to it.
#[derive(Clone, Copy)]
pub enum KeyColumn {
    /// The primary key of the other record.
    Primary,
    /// A column of the other record that holds whole numbers, by its place.
    Foreign(usize),
    /// The first column of the table between the two.
    Joined(fn() -> &'static JoinTable),
}

/// What is told of related rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Related {
    /// All of them, in their order.
    Many,
    /// The first of them, or null.
    One,
    /// Their number.
    Count,
    /// 1 if there are any, else 0: the number of what [`Self::One`] tells.
    CountOfOne,
    /// Whether there are any.
    Exists,
}

impl KeyColumn {
    /// The table between the two records, if there is one.
    pub(crate) fn join_table(self) -> Option<&'static JoinTable> {
        if let Self::Joined(table) = self { Some(table()) } else { None }
    }

    /// The place of the column in the other record; nothing where it is none of its columns.
    pub(crate) fn place(self, record: &RecordType) -> Option<usize> {
        match self {
            Self::Primary => Some(record.key),
            Self::Foreign(column) => Some(column),
            Self::Joined(_) => None,
        }
    }

    /// The column in a statement that reads rows of the other record.
    pub(crate) fn column(self, record: &RecordType) -> SimpleExpr {
        match self {
            Self::Primary => record.column(record.key),
            Self::Foreign(column) => record.column(column),
            Self::Joined(table) => table().own_key(),
        }
    }
}

impl Own {
    pub(crate) fn columns(&self) -> &[usize] {
        match self {
            Self::Column(column) => std::slice::from_ref(column),
            Self::Worked { columns, .. } => columns,
        }
    }

    fn key(&self, row: View<'_>) -> Result<Option<i64>, DbErr> {
        match self {
            Self::Column(column) => row.cell(*column).map(super::cell::Cell::int),
            Self::Worked { key, .. } => key(row),
        }
    }
}

/// The rows of one level for which a branch is asked.
pub struct Batch<'a> {
    /// Where the level is resolved.
    pub ctx: &'a ContextSelectionSet<'a>,
    /// The rows of the level.
    pub rows: &'a [View<'a>],
    /// Where the field that asks stands in the document.
    pub pos: Pos,
    /// Path of the field in the first row of the level.
    pub path: Vec<PathSegment>,
}

/// The values of a branch, one for each row of the level.
pub enum Filled {
    /// Null for every row.
    Nulls,
    /// A value for each.
    Values(Vec<Value>),
    /// A number for each.
    Ints(Vec<i64>),
    /// A truth value for each.
    Bools(Vec<bool>),
    /// A related row for each, or none.
    One(Links),
    /// Some related rows for each.
    Many(Links),
}

/// Related rows, and which of them belong to each row of a level.
pub struct Links {
    children: Written,
    /// What the table between says of each child, as a member of a JSON object; empty where it isn't asked for.
    pivots: Vec<Vec<u8>>,
    /// Key and number of each child, by key; those of one key in their order.
    places: Vec<(i64, usize)>,
    /// The key of each row.
    keys: Vec<Option<i64>>,
}

impl Links {
    /// Writes a child; how many objects it is and holds.
    fn write(&self, child: usize, out: &mut Vec<u8>) -> u32 {
        let (text, objects) = self.children.piece(child);
        let Some((pivot, fields)) = self.pivots.get(child).zip(text.strip_suffix(b"}")) else {
            out.extend_from_slice(text);
            return objects;
        };
        out.extend_from_slice(fields);
        // Behind the only brace, no comma separates anything.
        out.extend_from_slice(if fields == b"{" { &pivot[1..] } else { pivot });
        out.push(b'}');
        objects + 1
    }

    fn of(&self, row: usize) -> &[(i64, usize)] {
        let Some(key) = self.keys[row] else { return &[] };
        let start = self.places.partition_point(|(place, _)| *place < key);
        let length = self.places[start..].partition_point(|(place, _)| *place == key);
        &self.places[start..start + length]
    }
}

impl Filled {
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Nulls => true,
            Self::Values(values) => values.get(row).is_none_or(|value| *value == Value::Null),
            Self::One(links) => links.of(row).is_empty(),
            Self::Ints(_) | Self::Bools(_) | Self::Many(_) => false,
        }
    }

    /// Writes the value of a row; how many objects it is and holds.
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
            Self::One(links) => match links.of(row).first() {
                Some((_, child)) => objects = links.write(*child, out),
                None => out.extend_from_slice(b"null"),
            },
            Self::Many(links) => write_joined([b'[', b']'], links.of(row), out, |(_, child), out| {
                objects += links.write(*child, out);
            }),
        }
        objects
    }
}

/// Objects in a tree.
pub fn count_objects(value: &Value) -> u32 {
    match value {
        Value::Object(fields) => 1 + fields.values().map(count_objects).sum::<u32>(),
        Value::List(items) => items.iter().map(count_objects).sum(),
        _ => 0,
    }
}

impl<'a> Batch<'a> {
    fn failed(&self, error: async_graphql::Error) -> ServerError {
        ServerError { path: self.path.clone(), ..error.into_server_error(self.pos) }
    }

    fn database_failed(&self, error: DbErr) -> ServerError {
        self.failed(graphql(error))
    }

    /// Answers the branch with a value of a GraphQL type for every row. The field holds what is selected of it.
    ///
    /// # Errors
    /// What the values were not computed for.
    pub async fn values<V: OutputType>(
        &self,
        field: &Positioned<Field>,
        computed: Result<Vec<V>, async_graphql::Error>,
    ) -> ServerResult<Filled> {
        let computed = computed.map_err(|error| self.failed(error))?;
        let set = self.ctx.with_selection_set(&field.node.selection_set);
        let values = computed.iter().map(|value| value.resolve(&set, field));
        futures_util::future::try_join_all(values).await.map(Filled::Values)
    }

    /// The key of each row.
    fn keys(&self, relation: &Relation) -> ServerResult<Vec<Option<i64>>> {
        let keys = self.rows.iter().map(|row| relation.own.key(*row));
        keys.collect::<Result<_, _>>().map_err(|error| self.database_failed(error))
    }
}

/// Answers a branch of related rows for all rows of a level.
///
/// # Errors
/// When the database fails or there are too many rows.
pub(crate) fn answer<'a>(
    relation: &'static Relation,
    plan: &'a Arc<Plan>,
    pivot: bool,
    batch: Batch<'a>,
) -> BranchFuture<'a> {
    // Boxed: a record may hold records of its own kind.
    match relation.shown {
        Related::Many | Related::One => Box::pin(rows(relation, plan, pivot, batch)),
        Related::Count => Box::pin(async move { counts(relation, &batch).await.map(Filled::Ints) }),
        Related::CountOfOne => Box::pin(async move {
            let counts = counts(relation, &batch).await?;
            Ok(Filled::Ints(counts.into_iter().map(|count| i64::from(count > 0)).collect()))
        }),
        Related::Exists => Box::pin(async move {
            let counts = counts(relation, &batch).await?;
            Ok(Filled::Bools(counts.into_iter().map(|count| count > 0).collect()))
        }),
    }
}

/// The related rows of all rows, written; with `pivot`, each with what the table between says of it.
async fn rows(
    relation: &'static Relation,
    plan: &Arc<Plan>,
    pivot: bool,
    batch: Batch<'_>,
) -> ServerResult<Filled> {
    let (record, keys) = (plan.record, batch.keys(relation)?);
    let level = Level::new(batch.ctx, Arc::clone(plan));
    let mut columns = level.columns();
    columns.extend(relation.key.place(record));
    let rows = load(relation, &batch, distinct(&keys), columns).await?;
    let places = relation.key.places(&rows, record, columns).map_err(|error| batch.database_failed(error))?;
    let join = relation.key.join_table().filter(|_| pivot);
    let api = Execution::of(batch.ctx).api;
    let pivots = join.map_or_else(|| Ok(Vec::new()), |join| pivots(join, &rows, columns, api));
    let pivots = pivots.map_err(|error| batch.database_failed(error))?;
    let children = if rows.rows.is_empty() {
        Written::default()
    } else {
        let mut path = batch.path.clone();
        if relation.shown == Related::Many {
            path.push(PathSegment::Index(0));
        }
        level.write(&rows, &path).await?
    };
    let links = Links { children, pivots, places, keys };
    Ok(if relation.shown == Related::Many { Filled::Many(links) } else { Filled::One(links) })
}

impl KeyColumn {
    /// The key by which each row was found, and the number of the row: by key, rows of one key in their order.
    fn places(
        self,
        rows: &Rows,
        record: &'static RecordType,
        columns: ColumnSet,
    ) -> Result<Vec<(i64, usize)>, DbErr> {
        let mut places = Vec::with_capacity(rows.rows.len());
        for (number, (view, row)) in rows.views(record).iter().zip(&rows.rows).enumerate() {
            let key = match (self.place(record), self.join_table(), row) {
                (Some(column), ..) => view.cell(column)?.int(),
                (None, Some(join), Row::Read(row)) => join.own_key_of(row, columns.len())?,
                _ => None,
            };
            places.extend(key.map(|key| (key, number)));
        }
        places.sort_by_key(|(key, _)| *key);
        Ok(places)
    }
}

/// What the table between says of each row.
fn pivots(join: &JoinTable, rows: &Rows, columns: ColumnSet, api: Api) -> Result<Vec<Vec<u8>>, DbErr> {
    let read = rows.rows.iter().filter_map(|row| if let Row::Read(row) = row { Some(row) } else { None });
    read.map(|row| join.write(row, columns.len(), api)).collect()
}

/// Rows whose column holds one of the keys, in the order of the relation's rows.
async fn load(
    relation: &Relation,
    batch: &Batch<'_>,
    keys: Vec<i64>,
    columns: ColumnSet,
) -> ServerResult<Rows> {
    let (scope, record) = (RequestScope::from(batch.ctx), (relation.target)());
    let lookup = Lookup {
        record,
        rows: &relation.rows,
        identity: relation.rows as usize,
        key: relation.key,
        columns,
        limit: MAX_ROWS + 1,
    };
    let mut rows = Vec::new();
    for keys in keys.chunks(MAX_KEYS) {
        let statement = scope.engine().lookups.statement(scope.backend(), lookup, keys);
        let found = scope.rows(statement).await.map_err(|error| batch.database_failed(error))?;
        rows.extend(found.into_iter().map(Row::Read));
    }
    if rows.len() as u64 > MAX_ROWS {
        let text = format!("More than {MAX_ROWS} rows of {}: ask for fewer at a time.", record.name);
        return Err(batch.failed(graphql(Error::BadRequest(text))));
    }
    Ok(Rows::new(columns, rows))
}

fn distinct(keys: &[Option<i64>]) -> Vec<i64> {
    let mut keys: Vec<i64> = keys.iter().copied().flatten().collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// How many related rows each row has.
async fn counts(relation: &Relation, batch: &Batch<'_>) -> ServerResult<Vec<i64>> {
    let keys = batch.keys(relation)?;
    let mut counts: Vec<(i64, i64)> = Vec::new();
    for some in distinct(&keys).chunks(MAX_KEYS) {
        let read = count(relation, RequestScope::from(batch.ctx), some).await;
        counts.extend(read.map_err(|error| batch.database_failed(error))?);
    }
    counts.sort_unstable();
    let count = |key: i64| counts.binary_search_by_key(&key, |(key, _)| *key).map_or(0, |at| counts[at].1);
    Ok(keys.iter().map(|key| key.map_or(0, count)).collect())
}

/// How many related rows there are for each of some keys, where there are any.
async fn count(relation: &Relation, scope: RequestScope<'_>, keys: &[i64]) -> Result<Vec<(i64, i64)>, DbErr> {
    let record = (relation.target)();
    let column = relation.key.column(record);
    let mut select = (relation.rows)();
    if let Some(join) = relation.key.join_table() {
        join.join(record, &mut select);
    }
    select
        .clear_selects()
        .clear_order_by()
        .expr(column.clone())
        .expr(Func::count(Expr::col(Asterisk)))
        .and_where(column.clone().is_in(keys.iter().copied()))
        .add_group_by([column]);
    let mut counts = Vec::new();
    for row in scope.rows(scope.backend().build(&select)).await? {
        let key = Kind::Int.read(&row, 0)?.int();
        let number = i64::try_get_by(&row, 1_usize)?;
        counts.extend(key.map(|key| (key, number)));
    }
    Ok(counts)
}

/// Wraps a level's rows for a record that is in memory.
pub(crate) fn held(values: Vec<sea_orm::Value>) -> Rows {
    Rows::new(ColumnSet::default(), vec![Row::Held(values)])
}
