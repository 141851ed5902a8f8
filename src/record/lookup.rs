//! The statement that finds a row by its key, spelled once: spelling it anew for every request would
//! cost more than reading the row out of the answer.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use entity::Id;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, FromQueryResult, QueryFilter, QuerySelect, QueryTrait, Select,
    Statement,
};

use super::Record;
use crate::Result;
use crate::scope::Scope;

/// The rows of a record's table that there are.
pub type RowsOf<T> = fn() -> Select<<T as Record>::Entity>;

/// Statements that find a row by its key, by the record and the function that names its rows. Functions of
/// one address are one function, so they name the same rows.
#[derive(Default)]
pub struct Lookups(RwLock<HashMap<(TypeId, usize), Lookup>>);

/// A statement, and the place of the key among its values.
struct Lookup {
    statement: Statement,
    key: usize,
}

impl Lookups {
    /// The statement for one key.
    fn statement<T: Record>(&self, backend: DbBackend, rows: RowsOf<T>, id: Id) -> Statement {
        let named = (TypeId::of::<T>(), rows as usize);
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&named) {
            return known.of(id);
        }
        let spelled = spell::<T>(backend, rows, id);
        if let Some(lookup) = Lookup::new(&spelled, &spell::<T>(backend, rows, Id(!id.0))) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(named, lookup);
        }
        spelled
    }
}

impl Lookup {
    /// Compares the statements for two keys: nothing but the key may differ.
    fn new(one: &Statement, other: &Statement) -> Option<Self> {
        let (ones, others) = (&one.values.as_ref()?.0, &other.values.as_ref()?.0);
        let mut differing = (0..ones.len()).filter(|&at| ones.get(at) != others.get(at));
        let key = differing.next().filter(|_| differing.next().is_none() && one.sql == other.sql)?;
        Some(Self { statement: one.clone(), key })
    }

    fn of(&self, id: Id) -> Statement {
        let mut statement = self.statement.clone();
        if let Some(values) = &mut statement.values {
            values.0[self.key] = id.into();
        }
        statement
    }
}

fn spell<T: Record>(backend: DbBackend, rows: RowsOf<T>, id: Id) -> Statement {
    rows().filter(T::key_column().eq(id)).limit(1).build(backend)
}

/// The row with this key, among those that there are.
///
/// # Errors
/// When the database fails.
pub(super) async fn find<T: Record>(scope: Scope<'_>, rows: RowsOf<T>, id: Id) -> Result<Option<T>> {
    let statement = scope.shared().lookups.statement::<T>(scope.backend(), rows, id);
    let row = scope.reader().query_one_raw(statement).await?;
    let model = row.map(|row| T::Model::from_query_result(&row, "")).transpose()?;
    Ok(model.map(T::from))
}

#[cfg(test)]
mod tests {
    use entity::pricing;
    use sea_orm::EntityTrait;

    use super::*;
    use crate::resource::pricing::Pricing;

    fn of_products() -> Select<pricing::Entity> {
        pricing::Entity::find().filter(pricing::Column::RelatedType.eq("product"))
    }

    fn all() -> Select<pricing::Entity> {
        pricing::Entity::find()
    }

    #[test]
    fn a_remembered_statement_is_the_one_that_would_be_spelled() {
        for backend in [DbBackend::Sqlite, DbBackend::MySql, DbBackend::Postgres] {
            let lookups = Lookups::default();
            for id in [7, 7, 1, 0, i64::MAX, -1].map(Id) {
                for rows in [of_products, all] {
                    let statement = lookups.statement::<Pricing>(backend, rows, id);
                    assert_eq!(statement, spell::<Pricing>(backend, rows, id));
                }
            }
            assert_eq!(lookups.0.read().unwrap().len(), 2);
        }
    }
}
