//! Finds rows by keys. The text of a statement is built once and cached: building it for every request would cost as
//! much as decoding its rows. Between two uses, only the keys differ.

use std::ops::Range;
use std::sync::Arc;

use quick_cache::sync::Cache;
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use sea_orm::{Condition, DbBackend, Statement};

use super::cell::ColumnSet;
use super::record_type::RecordType;
use super::relation::KeyColumn;

/// Statements for more keys than this are not cached: such levels are rare, and their rows cost far more.
const MAX_KEYS: usize = 1024;
/// Maximum number of cached statements.
const CAPACITY: usize = 2048;

/// A statement that selects the rows of a table which the API shows. It must be the same at every call, because the
/// statement that is built from it is cached.
pub type BaseQuery = fn() -> SelectStatement;

/// The cached statements that find rows by keys.
pub struct Lookups(Cache<StatementShape, Arc<CachedStatement>>);

/// A lookup of the rows of a record whose key column has one of some keys.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The record.
    pub record: &'static RecordType,
    /// The rows that may be found. As in [`BaseQuery`], it must be the same statement at every call.
    pub rows: &'a (dyn Fn() -> SelectStatement + Sync),
    /// The identity of `rows` in the cache: the address of the function that makes the statement.
    pub identity: usize,
    /// The column that has the keys. With a join table, its columns are read after those of the record.
    pub key: KeyColumn,
    /// The columns to read.
    pub columns: ColumnSet,
    /// Maximum number of rows.
    pub limit: u64,
    /// The condition on rows that the caller may see. It differs by the caller, so the statement is not cached.
    pub visible: Option<&'a Condition>,
}

/// Everything of a lookup but the keys: the key of the cache.
#[derive(Clone, PartialEq, Eq, Hash)]
struct StatementShape {
    identity: usize,
    /// Index of the column that has the keys; nothing if the join table has them.
    column: Option<usize>,
    /// The address of the join table, if there is one.
    join_table: Option<usize>,
    columns: ColumnSet,
    /// The number of keys that the statement takes.
    keys: usize,
    limit: u64,
}

/// A statement, and the positions of the keys among its values.
struct CachedStatement {
    statement: Statement,
    keys: Range<usize>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl Lookups {
    /// The statement for one key or more. It takes a power of two of them, so that few statements serve every number of
    /// keys; the last key is repeated to fill the rest.
    pub fn statement(&self, backend: DbBackend, lookup: Lookup<'_>, keys: &[i64]) -> Statement {
        let capacity = keys.len().next_power_of_two();
        if capacity > MAX_KEYS || lookup.visible.is_some() {
            return lookup.build(backend, keys.iter().copied());
        }
        let Lookup { record, identity, key, columns, limit, .. } = lookup;
        let join_table = key.join_table().map(|table| std::ptr::from_ref(table).addr());
        let shape = StatementShape {
            identity,
            column: key.column_index(record),
            join_table,
            columns,
            keys: capacity,
            limit,
        };
        if let Some(cached) = self.0.get(&shape) {
            return cached.with_keys(keys);
        }
        let Some(cached) = CachedStatement::new(capacity, backend, lookup) else {
            return lookup.build(backend, keys.iter().copied());
        };
        let statement = cached.with_keys(keys);
        self.0.insert(shape, Arc::new(cached));
        statement
    }
}

impl Lookup<'_> {
    fn build(&self, backend: DbBackend, keys: impl Iterator<Item = i64>) -> Statement {
        let mut select = (self.rows)();
        self.record.select(self.columns, &mut select);
        if let Some(join) = self.key.join_table() {
            join.join(self.record, &mut select);
            join.select(&mut select);
        }
        if let Some(visible) = self.visible {
            select.cond_where(visible.clone());
        }
        select.and_where(self.key.column(self.record).is_in(keys)).limit(self.limit);
        backend.build(&select)
    }
}

impl CachedStatement {
    /// Builds the statement for two sets of keys and compares both: only the keys may differ. Nothing otherwise.
    fn new(capacity: usize, backend: DbBackend, lookup: Lookup<'_>) -> Option<Self> {
        let number = i64::try_from(capacity).ok()?;
        let (one, other) = (lookup.build(backend, 0..number), lookup.build(backend, number..2 * number));
        let (ones, others) = (&one.values.as_ref()?.0, &other.values.as_ref()?.0);
        let differs = |at: &usize| ones.get(*at) != others.get(*at);
        let first = (0..ones.len()).find(differs)?;
        let keys = first..first + capacity;
        let only_keys = (0..ones.len()).all(|at| differs(&at) == keys.contains(&at));
        (only_keys && one.sql == other.sql).then(|| Self { statement: one.clone(), keys })
    }

    fn with_keys(&self, keys: &[i64]) -> Statement {
        let mut statement = self.statement.clone();
        let values = statement.values.as_mut().and_then(|values| values.0.get_mut(self.keys.clone()));
        let keys = keys.iter().chain(std::iter::repeat(keys.last().unwrap_or(&0)));
        for (value, key) in values.into_iter().flatten().zip(keys) {
            *value = (*key).into();
        }
        statement
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{ExprTrait, SelectStatement};
    use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QueryTrait, Select, Statement};

    use super::*;
    use crate::record::{Lookups, Record};
    use crate::toy::{Book, book};

    const BACKENDS: [DbBackend; 3] = [DbBackend::Sqlite, DbBackend::MySql, DbBackend::Postgres];

    fn all() -> Select<book::Entity> {
        book::Entity::find()
    }

    fn titled() -> Select<book::Entity> {
        all().filter(book::Column::Title.ne(""))
    }

    fn built(backend: DbBackend, mut rows: SelectStatement, columns: ColumnSet, keys: &[i64]) -> Statement {
        let (record, column) = (Book::record(), book::Column::AuthorId as usize);
        record.select(columns, &mut rows);
        rows.and_where(record.column(column).is_in(keys.iter().copied())).limit(9);
        backend.build(&rows)
    }

    #[test]
    fn a_cached_statement_equals_one_that_is_built() {
        let index = |column: book::Column| column as usize;
        let few = ColumnSet::default().with(index(book::Column::Id)).with(index(book::Column::Title));
        let sets = [few, few.with(index(book::Column::BoughtAt))];
        for backend in BACKENDS {
            let lookups = Lookups::default();
            for (rows, columns) in
                [titled as fn() -> _, all].into_iter().flat_map(|rows| sets.map(|set| (rows, set)))
            {
                let select = || QueryTrait::into_query(rows());
                let (record, column) = (Book::record(), index(book::Column::AuthorId));
                let key = KeyColumn::Foreign(column);
                let identity = rows as usize;
                let lookup =
                    Lookup { record, rows: &select, identity, key, columns, limit: 9, visible: None };
                let statement = |keys: &[i64]| lookups.statement(backend, lookup, keys);
                let expected = |keys: &[i64]| built(backend, select(), columns, keys);
                for keys in [[7, 9], [0, 1], [i64::MAX, -1]] {
                    assert_eq!(statement(&keys), expected(&keys));
                }
                assert_eq!(statement(&[4]), expected(&[4]));
                assert_eq!(statement(&[4, 5, 6]), expected(&[4, 5, 6, 6]));
                let many: Vec<i64> = (0..1500).collect();
                assert_eq!(statement(&many), expected(&many));
            }
        }
    }
}
