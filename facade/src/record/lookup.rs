//! Finding rows by keys. The statement is spelled once: spelling it anew for every request would cost as
//! much as reading the rows out of the answer. Nothing but the keys changes between its uses.

use std::ops::Range;
use std::sync::Arc;

use quick_cache::sync::Cache;
use sea_orm::sea_query::{ExprTrait, SelectStatement};
use sea_orm::{DbBackend, Statement};

use super::cell::ColumnSet;
use super::record_type::RecordType;
use super::relation::KeyColumn;

/// Statements for more keys are spelled anew: such levels are rare, and their rows cost far more.
const MAX_KEYS: usize = 1024;
/// How many statements are remembered.
const REMEMBERED: usize = 2048;

/// The rows of a record's table that there are: the same at every call, since its statement is remembered.
pub type RowsOf = fn() -> SelectStatement;

/// Statements that find rows by keys, by everything but the keys.
pub struct Lookups(Cache<FormDefinition, Arc<Known>>);

/// A lookup: rows of a table whose column holds one of some keys.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// Whose rows.
    pub record: &'static RecordType,
    /// Among which rows: the same at every call, since the statement is remembered.
    pub rows: &'a (dyn Fn() -> SelectStatement + Sync),
    /// What tells these rows from others: the address of the function that names them. Functions of one
    /// address are one function.
    pub identity: usize,
    /// The column that holds the keys. With a table between, its columns are read behind those of the record.
    pub key: KeyColumn,
    /// Which columns are read.
    pub columns: ColumnSet,
    /// How many rows at most.
    pub limit: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct FormDefinition {
    identity: usize,
    /// Place of the column that holds the keys; nothing where a table between holds them.
    column: Option<usize>,
    /// The table between, by its address.
    join_table: Option<usize>,
    columns: ColumnSet,
    /// How many keys the statement takes.
    keys: usize,
    limit: u64,
}

/// A statement, and where the keys stand among its values.
struct Known {
    statement: Statement,
    keys: Range<usize>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Lookups {
    /// The statement for at least one key. It takes a power of two of them, so that few statements serve
    /// every number; the last key fills what is left.
    pub fn statement(&self, backend: DbBackend, lookup: Lookup<'_>, keys: &[i64]) -> Statement {
        let places = keys.len().next_power_of_two();
        if places > MAX_KEYS {
            return lookup.spell(backend, keys.iter().copied());
        }
        let Lookup { record, identity, key, columns, limit, .. } = lookup;
        let join_table = key.join_table().map(|table| std::ptr::from_ref(table).addr());
        let shape =
            FormDefinition { identity, column: key.place(record), join_table, columns, keys: places, limit };
        if let Some(known) = self.0.get(&shape) {
            return known.of(keys);
        }
        let Some(known) = Known::new(places, backend, lookup) else {
            return lookup.spell(backend, keys.iter().copied());
        };
        let statement = known.of(keys);
        self.0.insert(shape, Arc::new(known));
        statement
    }
}

impl Lookup<'_> {
    fn spell(&self, backend: DbBackend, keys: impl Iterator<Item = i64>) -> Statement {
        let mut select = (self.rows)();
        self.record.select(self.columns, &mut select);
        if let Some(join) = self.key.join_table() {
            join.join(self.record, &mut select);
            join.select(&mut select);
        }
        select.and_where(self.key.column(self.record).is_in(keys)).limit(self.limit);
        backend.build(&select)
    }
}

impl Known {
    /// Compares the statements for different keys: nothing but the keys may differ.
    fn new(places: usize, backend: DbBackend, lookup: Lookup<'_>) -> Option<Self> {
        let number = i64::try_from(places).ok()?;
        let (one, other) = (lookup.spell(backend, 0..number), lookup.spell(backend, number..2 * number));
        let (ones, others) = (&one.values.as_ref()?.0, &other.values.as_ref()?.0);
        let differs = |at: &usize| ones.get(*at) != others.get(*at);
        let first = (0..ones.len()).find(differs)?;
        let keys = first..first + places;
        let only_keys = (0..ones.len()).all(|at| differs(&at) == keys.contains(&at));
        (only_keys && one.sql == other.sql).then(|| Self { statement: one.clone(), keys })
    }

    fn of(&self, keys: &[i64]) -> Statement {
        let mut statement = self.statement.clone();
        let places = statement.values.as_mut().and_then(|values| values.0.get_mut(self.keys.clone()));
        let keys = keys.iter().chain(std::iter::repeat(keys.last().unwrap_or(&0)));
        for (place, key) in places.into_iter().flatten().zip(keys) {
            *place = (*key).into();
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

    fn spelled(backend: DbBackend, mut rows: SelectStatement, columns: ColumnSet, keys: &[i64]) -> Statement {
        let (record, column) = (Book::record(), book::Column::AuthorId as usize);
        record.select(columns, &mut rows);
        rows.and_where(record.column(column).is_in(keys.iter().copied())).limit(9);
        backend.build(&rows)
    }

    #[test]
    fn a_remembered_statement_is_the_one_that_would_be_spelled() {
        let place = |column: book::Column| column as usize;
        let few = ColumnSet::default().with(place(book::Column::Id)).with(place(book::Column::Title));
        let sets = [few, few.with(place(book::Column::BoughtAt))];
        for backend in BACKENDS {
            let lookups = Lookups::default();
            for (rows, columns) in
                [titled as fn() -> _, all].into_iter().flat_map(|rows| sets.map(|set| (rows, set)))
            {
                let select = || QueryTrait::into_query(rows());
                let (record, column) = (Book::record(), place(book::Column::AuthorId));
                let key = KeyColumn::Foreign(column);
                let lookup =
                    Lookup { record, rows: &select, identity: rows as usize, key, columns, limit: 9 };
                let statement = |keys: &[i64]| lookups.statement(backend, lookup, keys);
                let expected = |keys: &[i64]| spelled(backend, select(), columns, keys);
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
