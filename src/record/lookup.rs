//! Finding rows by keys. The statement is spelled once: spelling it anew for every request would cost as
//! much as reading the rows out of the answer. Nothing but the keys changes between its uses.

use std::any::TypeId;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use entity::Id;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IdenStatic, QueryFilter,
    QuerySelect, QueryTrait, Select, Statement,
};

use super::Record;
use crate::Result;
use crate::scope::Scope;
use crate::write::changed_at;

/// Statements for more keys are spelled anew: such levels are rare, and their rows cost far more.
const MAX_REMEMBERED: usize = 1024;

/// The rows of a record's table that there are: the same at every call, since its statement is remembered.
pub type RowsOf<T> = fn() -> Select<<T as Record>::Entity>;
/// A column of a record's table.
pub type ColumnOf<T> = <<T as Record>::Entity as EntityTrait>::Column;

/// Statements that find rows by keys, by everything but the keys.
#[derive(Default)]
pub struct Lookups(RwLock<HashMap<Shape, Lookup>>);

#[derive(PartialEq, Eq, Hash)]
struct Shape {
    record: TypeId,
    /// Address of the function that names the rows. Functions of one address are one function.
    rows: usize,
    column: &'static str,
    /// How many keys the statement takes.
    keys: usize,
    limit: u64,
}

/// A statement, and where the keys stand among its values.
struct Lookup {
    statement: Statement,
    keys: Range<usize>,
}

impl Lookups {
    /// The statement for at least one key. It takes a power of two of them, so that few statements serve
    /// every number; the last key fills what is left.
    fn statement<T: Record>(
        &self,
        backend: DbBackend,
        rows: RowsOf<T>,
        column: ColumnOf<T>,
        keys: &[Id],
        limit: u64,
    ) -> Statement {
        let spell = |keys: &mut dyn Iterator<Item = Id>| {
            rows().filter(column.is_in(keys)).limit(limit).build(backend)
        };
        let places = keys.len().next_power_of_two();
        if places > MAX_REMEMBERED {
            return spell(&mut keys.iter().copied());
        }
        let (record, address) = (TypeId::of::<T>(), rows as usize);
        let shape = Shape { record, rows: address, column: column.as_str(), keys: places, limit };
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&shape) {
            return known.of(keys);
        }
        let Some(lookup) = Lookup::new(places, spell) else { return spell(&mut keys.iter().copied()) };
        let statement = lookup.of(keys);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(shape, lookup);
        statement
    }
}

impl Lookup {
    /// Compares the statements for different keys: nothing but the keys may differ.
    fn new(places: usize, spell: impl Fn(&mut dyn Iterator<Item = Id>) -> Statement) -> Option<Self> {
        let number = i64::try_from(places).ok()?;
        let (one, other) = (spell(&mut (0..number).map(Id)), spell(&mut (number..2 * number).map(Id)));
        let (ones, others) = (&one.values.as_ref()?.0, &other.values.as_ref()?.0);
        let differs = |at: &usize| ones.get(*at) != others.get(*at);
        let first = (0..ones.len()).find(differs)?;
        let keys = first..first + places;
        let only_keys = (0..ones.len()).all(|at| differs(&at) == keys.contains(&at));
        (only_keys && one.sql == other.sql).then(|| Self { statement: one.clone(), keys })
    }

    fn of(&self, keys: &[Id]) -> Statement {
        let mut statement = self.statement.clone();
        let places = statement.values.as_mut().and_then(|values| values.0.get_mut(self.keys.clone()));
        let keys = keys.iter().chain(std::iter::repeat(keys.last().unwrap_or(&Id(0))));
        for (place, key) in places.into_iter().flatten().zip(keys) {
            *place = (*key).into();
        }
        statement
    }
}

/// The row with this key.
///
/// # Errors
/// When the database fails.
pub(super) async fn find<T: Record>(scope: Scope<'_>, rows: RowsOf<T>, key: Id) -> Result<Option<T>> {
    let lookups = &scope.shared().lookups;
    let statement = lookups.statement::<T>(scope.backend(), rows, T::key_column(), &[key], 1);
    let found = scope.reader().query_one_raw(statement).await?;
    let model = found.map(|row| T::Model::from_query_result(&row, "")).transpose()?;
    if let Some(at) = model.as_ref().and_then(changed_at) {
        scope.note_change(at);
    }
    Ok(model.map(T::from))
}

/// The rows whose `column` holds one of the keys, in the order of `rows`, so many at most.
///
/// # Errors
/// When the database fails.
pub(super) async fn look_up<T: Record>(
    scope: Scope<'_>,
    rows: RowsOf<T>,
    column: ColumnOf<T>,
    keys: &[Id],
    limit: u64,
) -> Result<Vec<T::Model>> {
    let statement = scope.shared().lookups.statement::<T>(scope.backend(), rows, column, keys, limit);
    let found = scope.reader().query_all_raw(statement).await?;
    let models = found.iter().map(|row| T::Model::from_query_result(row, ""));
    Ok(models.collect::<std::result::Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use entity::pricing;

    use super::*;
    use crate::resource::pricing::{Pricing, prices_of_products};

    const BACKENDS: [DbBackend; 3] = [DbBackend::Sqlite, DbBackend::MySql, DbBackend::Postgres];

    fn all() -> Select<pricing::Entity> {
        pricing::Entity::find()
    }

    fn spelled(backend: DbBackend, rows: RowsOf<Pricing>, keys: Vec<i64>) -> Statement {
        let keys = keys.into_iter().map(Id);
        rows().filter(pricing::Column::RelatedId.is_in(keys)).limit(9).build(backend)
    }

    #[test]
    fn a_remembered_statement_is_the_one_that_would_be_spelled() {
        for backend in BACKENDS {
            let lookups = Lookups::default();
            for rows in [prices_of_products, all] {
                let statement = |keys: &[i64]| {
                    let keys: Vec<Id> = keys.iter().copied().map(Id).collect();
                    lookups.statement::<Pricing>(backend, rows, pricing::Column::RelatedId, &keys, 9)
                };
                for keys in [[7, 9], [0, 1], [i64::MAX, -1]] {
                    assert_eq!(statement(&keys), spelled(backend, rows, keys.to_vec()));
                }
                assert_eq!(statement(&[4]), spelled(backend, rows, vec![4]));
                assert_eq!(statement(&[4, 5, 6]), spelled(backend, rows, vec![4, 5, 6, 6]));
                let many: Vec<i64> = (0..1500).collect();
                assert_eq!(statement(&many), spelled(backend, rows, many));
            }
            assert_eq!(lookups.0.read().unwrap().len(), 6);
        }
    }
}
