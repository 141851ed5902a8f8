//! What all writes have in common: a row is locked and held against what the caller has read of it, only what
//! was given and differs is written, and the row's `updated_at` follows only then.
//!
//! `updated_at` names a state of its row, though the shop stores it to the second: a change within the second
//! of the one before is noted a second later ([`save`]). So whoever saw another state has another time.

use async_graphql::MaybeUndefined;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Nullable, ValueType};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    DbErr, EntityTrait, IdenStatic, IntoActiveModel, Iterable, ModelTrait, QueryFilter, QuerySelect, Select,
    SqlErr, Value,
};
use value::{Id, ShopTime};

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
            let name = scope.texts().field_name(field);
            let text = scope.texts().text("validation.unique", &[("attribute", &name)]);
            Error::Invalid(Invalid::single(field, text))
        }
        _ => error.into(),
    }
}

/// The column that tells when a row was last changed.
pub const CHANGED_COLUMN: &str = "updated_at";

/// The state of its record that a change demands, by the record's `updated_at`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Any.
    #[default]
    Any,
    /// That of this very moment.
    At(DateTime<Utc>),
    /// The one that was there then (RFC 9110, 13.1.4).
    NotAfter(DateTime<Utc>),
}

impl Expected {
    /// Refuses a row that was changed since. One that never tells when it was changed is as good as any.
    fn check<M: ModelTrait>(self, row: &M) -> Result<()> {
        let Some(column) = changed_column::<M::Entity>() else { return Ok(()) };
        let changed = time_of(row.get(column)).map(|changed| changed.0);
        let is_as_read = match self {
            Self::Any => true,
            Self::At(read) => changed == Some(read),
            Self::NotAfter(read) => changed.is_none_or(|changed| changed <= read),
        };
        if is_as_read { Ok(()) } else { Err(Error::Changed) }
    }
}

/// When a row was last changed; nothing where its table doesn't tell.
pub fn changed_at<M: ModelTrait>(row: &M) -> Option<DateTime<Utc>> {
    changed_column::<M::Entity>().and_then(|column| time_of(row.get(column))).map(|changed| changed.0)
}

fn changed_column<E: EntityTrait>() -> Option<E::Column> {
    E::Column::iter().find(|column| column.as_str() == CHANGED_COLUMN)
}

fn time_of(value: Value) -> Option<ShopTime> {
    <Option<ShopTime> as ValueType>::try_from(value).ok().flatten()
}

/// Reads a row that nobody else changes until the transaction ends, for a change of it. On SQLite the
/// transaction itself keeps others out: it began as a writing one.
///
/// # Errors
/// [`Error::NotFound`] under the name that the original prints for `model`; [`Error::Changed`] where the
/// caller has read another state of the row; when the database fails.
pub async fn lock<T: Record>(
    transaction: &DatabaseTransaction,
    select: Select<T::Entity>,
    key: Id,
    model: &'static str,
    expected: Expected,
) -> Result<T::Model> {
    let found = select.filter(T::key_column().eq(key)).limit(1).lock_exclusive().one(transaction).await?;
    let row = found.ok_or_else(|| Error::NotFound { model, id: key.to_string() })?;
    expected.check(&row)?;
    Ok(row)
}

/// Writes what differs in a row that is locked, and when that was.
///
/// # Errors
/// When the database fails.
pub async fn save<A>(
    db: &impl ConnectionTrait,
    mut row: A,
    now: DateTime<Utc>,
) -> std::result::Result<<A::Entity as EntityTrait>::Model, DbErr>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    if let Some(column) = changed_column::<A::Entity>() {
        let former = row.get(column).into_value().and_then(time_of);
        row.set(column, next_change_time(former, now).into());
    }
    row.update(db).await
}

/// The time of a change: now, to the second, but later than that of the change before.
fn next_change_time(former: Option<ShopTime>, now: DateTime<Utc>) -> ShopTime {
    let now = ShopTime::from_local(ShopTime(now).local());
    match former {
        Some(former) if former >= now => ShopTime(former.0 + TimeDelta::seconds(1)),
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn no_two_changes_have_the_same_time() {
        let now = at("2026-11-23T12:00:00.7Z");
        let first = next_change_time(None, now);
        assert_eq!(first.0, at("2026-11-23T12:00:00Z"));
        let second = next_change_time(Some(first), now);
        assert_eq!(second.0, at("2026-11-23T12:00:01Z"));
        assert_eq!(next_change_time(Some(second), now).0, at("2026-11-23T12:00:02Z"));
        assert_eq!(next_change_time(Some(first), at("2026-11-23T12:00:09Z")).0, at("2026-11-23T12:00:09Z"));
    }

    /// What is stored is read back as winter time, an hour later.
    #[test]
    fn the_hour_that_autumn_repeats_has_times_of_its_own() {
        let stored = |time: ShopTime| ShopTime::from_local(time.local());
        let summer = next_change_time(None, at("2026-10-25T00:30:00Z"));
        assert_eq!(stored(summer), summer);
        let winter = next_change_time(Some(summer), at("2026-10-25T01:30:00Z"));
        assert_eq!((stored(winter), winter > summer), (winter, true));
    }
}
