//! Common steps of writes: lock the row and compare its state with the one that the caller has read, set only the
//! columns that were sent and differ, and set `updated_at` only if something is written.
//!
//! `updated_at` identifies a state of its row, although the shop stores it in whole seconds: [`save`] sets the time
//! of a second change within the same second one second later. So two states never have the same time.

mod lock;

use async_graphql::MaybeUndefined;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::ValueType;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue, ConnectionTrait, DbErr, EntityTrait, IdenStatic,
    IntoActiveModel, Iterable, ModelTrait, SqlErr, Value,
};
use value::{Amount, Flag, Id, Int, Price, ShopDate, ShopTime};

pub use self::lock::{Expected, lock, lock_only, lock_row, lock_rows};
use crate::Error;
use crate::scope::RequestScope;

/// A column's value, made of what a field of an input gives.
pub trait FromInput<Given>: Sized {
    /// The value to write; nothing where none is given, and for null where the column cannot be null.
    fn from_input(given: MaybeUndefined<Given>) -> Option<Self>;
}

impl<T, Given: Into<T>> FromInput<Given> for Option<T> {
    fn from_input(given: MaybeUndefined<Given>) -> Option<Self> {
        match given {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(value) => Some(Some(value.into())),
        }
    }
}

macro_rules! never_null {
    ($($ty:ty),*) => {$(
        impl<Given: Into<$ty>> FromInput<Given> for $ty {
            fn from_input(given: MaybeUndefined<Given>) -> Option<Self> {
                if let MaybeUndefined::Value(value) = given { Some(value.into()) } else { None }
            }
        }
    )*};
}

never_null!(bool, f64, i64, String, Amount, Flag, Id, Int, Price, ShopDate, ShopTime);

/// Writes a column, if something was given that it can hold. What it holds already counts as no change.
pub fn put<T: FromInput<Given> + Into<Value> + PartialEq, Given>(
    column: &mut ActiveValue<T>,
    given: MaybeUndefined<Given>,
) {
    if let Some(value) = T::from_input(given) {
        column.set_if_not_equals(value);
    }
}

/// Converts the error of a write. A violated unique index is reported as the rule `unique` reports it: another
/// request has taken the value after it was checked.
pub fn taken(scope: RequestScope<'_>, field: &str, error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => scope.invalid(field, "unique"),
        _ => error.into(),
    }
}

/// The column that holds when a row was last changed.
pub const CHANGED_COLUMN: &str = "updated_at";

/// When a row was last changed; `None` where the table has no `updated_at` or it is null.
pub fn changed_at<M: ModelTrait>(row: &M) -> Option<DateTime<Utc>> {
    changed_column::<M::Entity>().and_then(|column| time_of(row.get(column))).map(|changed| changed.0)
}

fn changed_column<E: EntityTrait>() -> Option<E::Column> {
    E::Column::iter().find(|column| column.as_str() == CHANGED_COLUMN)
}

fn time_of(value: Value) -> Option<ShopTime> {
    <Option<ShopTime> as ValueType>::try_from(value).ok().flatten()
}

/// Writes the changed columns of a locked row, and `updated_at`.
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

/// The time of a change: now, in whole seconds, but always later than the time of the change before.
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
