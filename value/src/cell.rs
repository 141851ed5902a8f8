//! Reading of cells, and the traits that SeaORM requires of column types.

use sea_orm::{ColIdx, DbErr, QueryResult, RuntimeErr, TryGetError, TryGetable};
use sqlx::{Decode, MySql, Postgres, Row, Sqlite, Type};

/// Reads one cell as `T` without sqlx's comparison of the column's declared type.
///
/// That comparison refuses values that the decoders read correctly: integers of any width as `i64`, unsigned
/// integers, a MySQL `TIMESTAMP` as a naive time. Callers choose a `T` whose decoder fits the column on all three
/// databases.
pub(super) fn cell<T, I>(row: &QueryResult, index: I) -> Result<T, TryGetError>
where
    T: Type<MySql> + Type<Postgres> + Type<Sqlite>,
    T: for<'r> Decode<'r, MySql> + for<'r> Decode<'r, Postgres> + for<'r> Decode<'r, Sqlite>,
    I: ColIdx,
{
    let found: Result<Option<T>, sqlx::Error> = if let Some(row) = row.try_as_mysql_row() {
        row.try_get_unchecked(index.as_sqlx_mysql_index())
    } else if let Some(row) = row.try_as_pg_row() {
        row.try_get_unchecked(index.as_sqlx_postgres_index())
    } else if let Some(row) = row.try_as_sqlite_row() {
        row.try_get_unchecked(index.as_sqlx_sqlite_index())
    } else {
        return Err(TryGetError::DbErr(DbErr::Type("a row of an unknown database".into())));
    };
    non_null(found, index)
}

/// Reads one cell as a double. Columns of other types than `float` and `double` are refused; a `float` is widened.
/// SeaORM's own function formats the column's name for every null, and most prices are null.
pub(super) fn double<I: ColIdx>(row: &QueryResult, index: I) -> Result<f64, TryGetError> {
    let found = if let Some(row) = row.try_as_mysql_row() {
        row.try_get(index.as_sqlx_mysql_index())
    } else if let Some(row) = row.try_as_sqlite_row() {
        row.try_get(index.as_sqlx_sqlite_index())
    } else {
        return f64::try_get_by(row, index);
    };
    non_null(found, index)
}

/// Turns null into SeaORM's error for it, and sqlx's errors into SeaORM's.
pub(super) fn non_null<T, I: ColIdx>(
    found: Result<Option<T>, sqlx::Error>,
    index: I,
) -> Result<T, TryGetError> {
    match found {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(TryGetError::Null(index.as_str().unwrap_or_default().to_owned())),
        Err(error) => Err(TryGetError::DbErr(DbErr::Query(RuntimeErr::SqlxError(error.into())))),
    }
}

/// Implements the conversions from and to [`sea_orm::Value`] for a type that is sent as one of its variants.
macro_rules! column_value {
    ($type:ident as $variant:ident($column:ident), into: $into:expr, from: $from:expr $(,)?) => {
        impl From<$type> for sea_orm::Value {
            fn from(value: $type) -> Self {
                sea_orm::Value::$variant(Some($into(value)))
            }
        }

        impl sea_orm::sea_query::Nullable for $type {
            fn null() -> sea_orm::Value {
                sea_orm::Value::$variant(None)
            }
        }

        impl sea_orm::sea_query::ValueType for $type {
            fn try_from(value: sea_orm::Value) -> Result<Self, sea_orm::sea_query::ValueTypeErr> {
                match value {
                    sea_orm::Value::$variant(Some(inner)) => Ok($from(inner)),
                    _ => Err(sea_orm::sea_query::ValueTypeErr),
                }
            }

            fn type_name() -> String {
                stringify!($type).to_owned()
            }

            fn array_type() -> sea_orm::sea_query::ArrayType {
                sea_orm::sea_query::ArrayType::$variant
            }

            fn column_type() -> sea_orm::sea_query::ColumnType {
                sea_orm::sea_query::ColumnType::$column
            }
        }
    };
}
pub(super) use column_value;
