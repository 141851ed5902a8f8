//! Locks of rows: what one transaction has locked, another one waits for.
//!
//! On SQLite a transaction excludes other writers as a whole, because it began with `BEGIN IMMEDIATE`. In a Galera cluster a
//! lock is known on its own node alone; two nodes find out at the commit that both have written the same row, and the later
//! transaction is ended and runs again. So a locked row is written there, too: without that, two transactions that lock
//! one row and insert others would both be committed.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable, ModelTrait, PrimaryKeyToColumn,
    QueryFilter, QuerySelect, Select, Statement, Value,
};
use value::{Id, ShopTime};

use super::{changed_at, changed_column};
use crate::record::Record;
use crate::transaction::Transaction;
use crate::{Error, Result};

/// The state that a record must be in for a change, by its `updated_at`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Any state.
    #[default]
    Any,
    /// The state with exactly this time.
    At(DateTime<Utc>),
    /// A state that is not newer than this time (`If-Unmodified-Since`, RFC 9110, 13.1.4).
    NotAfter(DateTime<Utc>),
}

impl Expected {
    /// Refuses a row in another state. A table without `updated_at` has no states, and every row is accepted.
    fn check<M: ModelTrait>(self, row: &M) -> Result<()> {
        if changed_column::<M::Entity>().is_none() {
            return Ok(());
        }
        let changed = changed_at(row);
        let is_as_read = match self {
            Self::Any => true,
            Self::At(read) => changed == Some(read),
            Self::NotAfter(read) => changed.is_none_or(|changed| changed <= read),
        };
        if is_as_read { Ok(()) } else { Err(Error::Changed) }
    }
}

/// Reads a row and locks it until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`] with the class name `model`; [`Error::Changed`] where the row is not in the `expected`
/// state; when the database fails.
pub async fn lock<T: Record>(
    transaction: &Transaction,
    select: Select<T::Entity>,
    key: Id,
    model: &'static str,
    expected: Expected,
) -> Result<T::Model> {
    let found = lock_row(transaction, select.filter(T::key_column().eq(key))).await?;
    let row = found.ok_or_else(|| Error::NotFound { model, id: key.to_string() })?;
    expected.check(&row)?;
    Ok(row)
}

/// Reads the first row of a selection and locks it until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_row<E: EntityTrait>(
    transaction: &Transaction,
    select: Select<E>,
) -> Result<Option<E::Model>, DbErr> {
    Ok(lock_rows(transaction, select.limit(1)).await?.pop())
}

/// Reads rows (`SELECT … FOR UPDATE`) and locks them until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_rows<E: EntityTrait>(
    transaction: &Transaction,
    select: Select<E>,
) -> Result<Vec<E::Model>, DbErr> {
    let rows = for_update(select).all(transaction).await?;
    if let Some((key, changed)) = state_columns::<E>() {
        let states = rows.iter().map(|row| (row.get(key), row.get(changed))).collect();
        conflict_with_other_nodes::<E>(transaction, (key, changed), states).await?;
    }
    Ok(rows)
}

/// Locks the first row of a selection until the transaction ends, where only the lock is needed.
///
/// # Errors
/// When the database fails.
pub async fn lock_only<E: EntityTrait>(transaction: &Transaction, select: Select<E>) -> Result<(), DbErr> {
    let Some((key, changed)) = state_columns::<E>() else {
        return lock_row(transaction, select).await.map(drop);
    };
    let select = for_update(select.limit(1)).select_only().column(key).column(changed);
    let locked = select.into_tuple::<(Id, Option<ShopTime>)>().one(transaction).await?;
    let states = locked.into_iter().map(|(id, at)| (id.into(), at.into())).collect();
    conflict_with_other_nodes::<E>(transaction, (key, changed), states).await
}

#[expect(clippy::disallowed_methods, reason = "the one place that locks rows")]
fn for_update<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock_exclusive()
}

/// The columns that identify a row and its state: the primary key and the time of its last change.
fn state_columns<E: EntityTrait>() -> Option<(E::Column, E::Column)> {
    let key = E::PrimaryKey::iter().next()?.into_column();
    Some((key, changed_column::<E>()?))
}

/// Makes the transaction conflict with others on the same rows that run on other nodes of a cluster. The rows, given by
/// key and time of change, are written twice, and are the same afterwards.
async fn conflict_with_other_nodes<E: EntityTrait>(
    transaction: &Transaction,
    (key, changed): (E::Column, E::Column),
    states: Vec<(Value, Value)>,
) -> Result<(), DbErr> {
    if states.is_empty() || !is_in_cluster(transaction).await? {
        return Ok(());
    }
    let keys: Vec<Value> = states.iter().map(|(id, _)| id.clone()).collect();
    let another = Expr::value(ShopTime(DateTime::UNIX_EPOCH + TimeDelta::days(1)));
    let former = states
        .into_iter()
        .fold(CaseStatement::new(), |former, (id, at)| former.case(key.eq(id), Expr::value(at)));
    for time in [another, former.into()] {
        let written = E::update_many().col_expr(changed, time).filter(key.is_in(keys.clone()));
        written.exec(transaction).await?;
    }
    Ok(())
}

/// Whether several servers take writes and know their own locks alone. The database is asked once.
async fn is_in_cluster(transaction: &Transaction) -> Result<bool, DbErr> {
    let backend = transaction.get_database_backend();
    if backend != DbBackend::MySql {
        return Ok(false);
    }
    let ask = async || {
        let sql = "SHOW VARIABLES WHERE Variable_name = 'wsrep_on' AND Value = 'ON'";
        let shown = transaction.query_one_raw(Statement::from_string(backend, sql)).await?;
        Ok(shown.is_some())
    };
    transaction.engine().is_in_cluster.get_or_try_init(ask).await.copied()
}
