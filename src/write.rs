//! What all writes have in common: only what was given and differs is written, and the row's
//! `updated_at` follows only then.

use async_graphql::MaybeUndefined;
use entity::Id;
use sea_orm::sea_query::Nullable;
use sea_orm::{
    ActiveValue, ColumnTrait, DatabaseTransaction, DbErr, QueryFilter, QuerySelect, Select, SqlErr, Value,
};

use crate::error::Invalid;
use crate::record::Record;
use crate::scope::Scope;
use crate::{Error, Result};

/// Writes a column that cannot be null, if a value was given.
pub fn put<T: Into<Value> + PartialEq>(column: &mut ActiveValue<T>, given: MaybeUndefined<impl Into<T>>) {
    if let MaybeUndefined::Value(value) = given {
        column.set_if_not_equals(value.into());
    }
}

/// Writes a column that may be null, if a value or null was given.
pub fn put_or_null<T: Into<Value> + Nullable + PartialEq>(
    column: &mut ActiveValue<Option<T>>,
    given: MaybeUndefined<impl Into<T>>,
) where
    Option<T>: Into<Value>,
{
    match given {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => column.set_if_not_equals(None),
        MaybeUndefined::Value(value) => column.set_if_not_equals(Some(value.into())),
    }
}

/// Why a row was not written: where somebody else took the value of a unique field after it was checked, the
/// words are those of the rule.
pub fn taken(scope: Scope<'_>, field: &str, error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            let name = scope.lang().field_name(field);
            let text = scope.lang().text("validation.unique", &[("attribute", &name)]);
            Error::Invalid(Invalid::one(field, text))
        }
        _ => error.into(),
    }
}

/// Reads a row that nobody else changes until the transaction ends. On SQLite the transaction
/// itself keeps others out: it began as a writing one.
///
/// # Errors
/// [`Error::NotFound`] under the name that the original prints for `model`; when the database fails.
pub async fn lock<T: Record>(
    transaction: &DatabaseTransaction,
    select: Select<T::Entity>,
    key: Id,
    model: &'static str,
) -> Result<T::Model> {
    let found = select.filter(T::key_column().eq(key)).limit(1).lock_exclusive().one(transaction).await?;
    found.ok_or_else(|| Error::NotFound { model, id: key.to_string() })
}
