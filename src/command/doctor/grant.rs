//! The user of the database, and the statements that give it rights. Names are quoted as each database asks.

use migration::quoted;
use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use super::{rows, value};

/// The rights that guichet needs on the shop's tables and its own.
const WRITING: &str = "SELECT, INSERT, UPDATE, DELETE";
const READING: &str = "SELECT";

fn rights(read_only: bool) -> &'static str {
    if read_only { READING } else { WRITING }
}

/// The current user as statements write it; none on SQLite.
pub(super) async fn user(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    match db.get_database_backend() {
        DbBackend::MySql => {
            let user: Option<String> = value(db, "SELECT CAST(CURRENT_USER() AS CHAR)").await?;
            Ok(user.as_deref().map(account))
        }
        DbBackend::Postgres => value(db, "SELECT quote_ident(current_user)").await,
        _ => Ok(None),
    }
}

/// An account of MySQL, such as `shop@%`, as statements write it: a name may hold the `@` too.
fn account(user: &str) -> String {
    let (name, host) = user.rsplit_once('@').unwrap_or((user, "%"));
    format!("{}@{}", quoted(DbBackend::MySql, name), quoted(DbBackend::MySql, host))
}

/// The statement that makes the database, or the schema, the one that further statements are about.
pub(super) async fn choose_database(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    match db.get_database_backend() {
        DbBackend::MySql => {
            Ok(database(db).await?.map(|name| format!("USE {}", quoted(DbBackend::MySql, &name))))
        }
        DbBackend::Postgres => {
            value(db, "SELECT 'SET search_path TO ' || quote_ident(current_schema())").await
        }
        _ => Ok(None),
    }
}

/// The statements that grant the user what guichet needs on all tables of its database, or of its schema.
pub(super) async fn on_all_tables(db: &DatabaseConnection, read_only: bool) -> Result<Vec<String>, DbErr> {
    match db.get_database_backend() {
        DbBackend::MySql => {
            let (Some(database), Some(user)) = (database(db).await?, user(db).await?) else {
                return Ok(Vec::new());
            };
            let database = quoted(DbBackend::MySql, &pattern(&database, has_patterns(db).await?));
            Ok(vec![format!("GRANT {} ON {database}.* TO {user}", rights(read_only))])
        }
        DbBackend::Postgres => match value::<String>(db, "SELECT quote_ident(current_schema())").await? {
            Some(schema) => on_schema(db, &schema, read_only).await,
            None => Ok(Vec::new()),
        },
        _ => Ok(Vec::new()),
    }
}

/// The statements that grant the user of PostgreSQL what guichet needs on all tables of a schema, whose name is quoted.
pub(super) async fn on_schema(
    db: &DatabaseConnection,
    schema: &str,
    read_only: bool,
) -> Result<Vec<String>, DbErr> {
    let user = user(db).await?.unwrap_or_default();
    let mut statements =
        vec![format!("GRANT {} ON ALL TABLES IN SCHEMA {schema} TO {user}", rights(read_only))];
    if !read_only {
        statements.push(format!("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {user}"));
    }
    Ok(statements)
}

/// The statements that grant the user what guichet needs on single tables.
pub(super) async fn on_tables(
    db: &DatabaseConnection,
    tables: impl IntoIterator<Item = &str>,
    read_only: bool,
) -> Result<Vec<String>, DbErr> {
    let Some(user) = user(db).await? else { return Ok(Vec::new()) };
    let granted = |table| format!("GRANT {} ON {table} TO {user}", rights(read_only));
    Ok(tables.into_iter().map(granted).collect())
}

async fn database(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    value::<Option<String>>(db, "SELECT CAST(DATABASE() AS CHAR)").await.map(Option::flatten)
}

/// Whether `_` and `%` in the database of a GRANT stand for any letters: they do, unless `partial_revokes` is on.
async fn has_patterns(db: &DatabaseConnection) -> Result<bool, DbErr> {
    let shown = rows(db, "SHOW GLOBAL VARIABLES LIKE 'partial_revokes'").await?;
    let value = shown.first().map(|row| row.try_get_by_index::<String>(1)).transpose()?;
    Ok(value.is_none_or(|value| value != "ON"))
}

/// The name of a database for a GRANT, which would mean others too, where its letters stand for any.
fn pattern(database: &str, has_patterns: bool) -> String {
    if !has_patterns {
        return database.to_owned();
    }
    database.replace('\\', r"\\").replace('_', r"\_").replace('%', r"\%")
}

#[cfg(test)]
mod tests {
    use super::{account, pattern};

    #[test]
    fn accounts_are_quoted() {
        for (user, quoted) in [
            ("shop@localhost", "`shop`@`localhost`"),
            ("o'neil@%", "`o'neil`@`%`"),
            ("a`b@c@192.0.2.%", "`a``b@c`@`192.0.2.%`"),
            ("@localhost", "``@`localhost`"),
        ] {
            assert_eq!(account(user), quoted);
        }
    }

    #[test]
    fn a_database_stands_for_itself_alone() {
        assert_eq!(pattern("my_shop%", true), r"my\_shop\%");
        assert_eq!(pattern("my_shop%", false), "my_shop%");
    }
}
