//! Many rows in few statements.

use entity::value::Id;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityName, EntityTrait,
    Iterable, PrimaryKeyToColumn, QueryOrder, QuerySelect, Statement,
};

/// Values that one statement may carry: SQLite's limit is 32,766, the others' 65,535.
const VALUES: usize = 30_000;
/// Rows of one statement at most; more gain nothing.
const ROWS: usize = 500;

/// Inserts rows, as many per statement as the database takes. All rows set the same columns.
///
/// # Errors
/// When the database fails.
pub async fn insert<A>(db: &impl ConnectionTrait, mut rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait + Send,
{
    let size = (VALUES / <A::Entity as EntityTrait>::Column::iter().count()).min(ROWS);
    while !rows.is_empty() {
        let rest = rows.split_off(size.min(rows.len()));
        A::Entity::insert_many(rows).exec_without_returning(db).await?;
        rows = rest;
    }
    Ok(())
}

/// The key that the next row of a table may take.
///
/// # Errors
/// When the database fails.
pub async fn next_id<E: EntityTrait>(db: &DatabaseConnection) -> Result<i64, DbErr> {
    let Some(key) = E::PrimaryKey::iter().next().map(PrimaryKeyToColumn::into_column) else { return Ok(1) };
    let newest = E::find().select_only().column(key).order_by_desc(key).limit(1);
    let highest = newest.into_tuple::<Id>().one(db).await?;
    Ok(highest.map_or(1, |id| id.0 + 1))
}

/// Moves PostgreSQL's sequence of a table behind the inserted keys. Other databases need nothing.
///
/// # Errors
/// When the database fails.
pub async fn count_on<E: EntityTrait + EntityName + Default>(db: &DatabaseConnection) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let table = E::default();
    let table = table.table_name();
    let sql =
        format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))");
    db.execute_raw(Statement::from_string(DbBackend::Postgres, sql)).await.map(|_| ())
}
