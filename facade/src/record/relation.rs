//! What hangs on the rows of a level: related rows, their number, computed values. Each is loaded for the
//! whole level at once.

use std::pin::Pin;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, OutputType, PathSegment, Pos, Positioned, ServerError, ServerResult, Value,
};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func};
use sea_orm::{DbErr, TryGetable};

use super::cell::{ColumnSet, Row, Rows, View};
use super::level::{Level, Written};
use super::lookup::{Lookup, RowsOf};
use super::plan::Plan;
use super::record_type::RecordType;
use crate::Error;
use crate::api::Api;
use crate::engine::graphql;
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
    /// Place of its column in which it is looked for; its primary key where there is none.
    pub column: Option<usize>,
    /// Among which of its rows.
    pub rows: RowsOf,
    /// What is told of them.
    pub shown: Related,
}

/// What of a row is looked for in another table.
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

/// What is told of related rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Related {
    /// All of them, in their order.
    Many,
    /// The only one, or null.
    One,
    /// Their number.
    Count,
    /// Whether there are any.
    Exists,
}

impl Relation {
    fn place(&self, record: &RecordType) -> usize {
        self.column.unwrap_or(record.key)
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
    /// Key and number of each child, by key; those of one key in their order.
    places: Vec<(i64, usize)>,
    /// The key of each row.
    keys: Vec<Option<i64>>,
}

impl Links {
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
                Some((_, child)) => {
                    let (text, inside) = links.children.piece(*child);
                    out.extend_from_slice(text);
                    objects = inside;
                }
                None => out.extend_from_slice(b"null"),
            },
            Self::Many(links) => write_joined([b'[', b']'], links.of(row), out, |(_, child), out| {
                let (text, inside) = links.children.piece(*child);
                out.extend_from_slice(text);
                objects += inside;
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
    batch: Batch<'a>,
) -> BranchFuture<'a> {
    // Boxed: a record may hold records of its own kind.
    match relation.shown {
        Related::Many | Related::One => Box::pin(rows(relation, plan, batch)),
        Related::Count => Box::pin(async move { counts(relation, &batch).await.map(Filled::Ints) }),
        Related::Exists => Box::pin(async move {
            let counts = counts(relation, &batch).await?;
            Ok(Filled::Bools(counts.into_iter().map(|count| count > 0).collect()))
        }),
    }
}

/// The related rows of all rows, written.
async fn rows(relation: &'static Relation, plan: &Arc<Plan>, batch: Batch<'_>) -> ServerResult<Filled> {
    let (record, keys) = (plan.record, batch.keys(relation)?);
    let column = relation.place(record);
    let level = Level::new(batch.ctx, Arc::clone(plan));
    let rows = load(relation, &batch, distinct(&keys), level.columns().with(column)).await?;
    let mut places = Vec::with_capacity(rows.rows.len());
    for (number, row) in rows.views(record).iter().enumerate() {
        let key = row.cell(column).map_err(|error| batch.database_failed(error))?.int();
        places.extend(key.map(|key| (key, number)));
    }
    // Stable: children of one key stay in the order in which they were read.
    places.sort_by_key(|(key, _)| *key);
    let children = if rows.rows.is_empty() {
        Written::default()
    } else {
        let mut path = batch.path.clone();
        if relation.shown == Related::Many {
            path.push(PathSegment::Index(0));
        }
        level.write(&rows, &path).await?
    };
    let links = Links { children, places, keys };
    Ok(if relation.shown == Related::Many { Filled::Many(links) } else { Filled::One(links) })
}

/// Rows whose column holds one of the keys, in the order of the relation's rows.
async fn load(
    relation: &Relation,
    batch: &Batch<'_>,
    keys: Vec<i64>,
    columns: ColumnSet,
) -> ServerResult<Rows> {
    let (scope, record) = (RequestScope::from(batch.ctx), (relation.target)());
    let column = relation.place(record);
    let lookup = Lookup {
        record,
        rows: &relation.rows,
        identity: relation.rows as usize,
        column,
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
    let (scope, record) = (RequestScope::from(batch.ctx), (relation.target)());
    let (keys, place) = (batch.keys(relation)?, relation.place(record));
    let mut counts: Vec<(i64, i64)> = Vec::new();
    for keys in distinct(&keys).chunks(MAX_KEYS) {
        let column = record.column(place);
        let mut select = (relation.rows)();
        select
            .clear_selects()
            .clear_order_by()
            .expr(column.clone())
            .expr(Func::count(Expr::col(Asterisk)))
            .and_where(column.clone().is_in(keys.iter().copied()))
            .add_group_by([column]);
        let found = scope.rows(scope.backend().build(&select)).await;
        for row in found.map_err(|error| batch.database_failed(error))? {
            let columns = ColumnSet::default().with(place);
            let read = Row::Read(row);
            let rows = Rows::new(columns, vec![read]);
            let view = rows.views(record)[0];
            let key = view.cell(place).map_err(|error| batch.database_failed(error))?.int();
            let Row::Read(row) = &rows.rows[0] else { continue };
            let number =
                i64::try_get_by(row, 1_usize).map_err(|error| batch.database_failed(error.into()))?;
            counts.extend(key.map(|key| (key, number)));
        }
    }
    counts.sort_unstable();
    let count = |key: i64| counts.binary_search_by_key(&key, |(key, _)| *key).map_or(0, |at| counts[at].1);
    Ok(keys.iter().map(|key| key.map_or(0, count)).collect())
}

/// Wraps a level's rows for a record that is in memory.
pub(crate) fn held(values: Vec<sea_orm::Value>) -> Rows {
    Rows::new(ColumnSet::default(), vec![Row::Held(values)])
}
