//! A transaction that writes. It notes the tables that it writes: with the commit, what is remembered of their lists
//! is forgotten.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::engine::Engine;

/// A transaction that writes. Rolled back where it is not committed.
pub struct Transaction {
    inner: DatabaseTransaction,
    engine: Arc<Engine>,
    written: Mutex<BTreeSet<Box<str>>>,
}

impl Transaction {
    /// A transaction that has just begun.
    pub(crate) fn new(inner: DatabaseTransaction, engine: Arc<Engine>) -> Self {
        Self { inner, engine, written: Mutex::default() }
    }

    /// Makes the changes last, and forgets what is remembered of lists that they concern.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await?;
        let written = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        written.iter().for_each(|table| self.engine.lists.forget(table));
        Ok(())
    }

    fn note(&self, sql: &str) {
        if let Some(table) = written_table(sql) {
            self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(table.into());
        }
    }
}

/// The table that a statement writes, as SeaQuery spells it: the first name in quotes.
fn written_table(sql: &str) -> Option<&str> {
    let verb = sql.split_ascii_whitespace().next()?;
    if !["INSERT", "UPDATE", "DELETE", "REPLACE"].iter().any(|write| verb.eq_ignore_ascii_case(write)) {
        return None;
    }
    let quote = sql.find(['"', '`'])?;
    let (name, _) = sql[quote + 1..].split_once(&sql[quote..=quote])?;
    Some(name)
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(&statement.sql);
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(sql);
        self.inner.execute_unprepared(sql).await
    }

    // An insertion that answers its row is a query, too.
    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(&statement.sql);
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(&statement.sql);
        self.inner.query_all_raw(statement).await
    }
}

#[cfg(test)]
mod tests {
    use super::written_table;

    #[test]
    fn the_table_of_a_writing_statement() {
        for (sql, table) in [
            (r#"INSERT INTO "books" ("title") VALUES ($1) RETURNING "id""#, Some("books")),
            ("INSERT INTO `books` (`title`) VALUES (?)", Some("books")),
            (r#"UPDATE "books" SET "title" = ? WHERE "books"."id" = ?"#, Some("books")),
            (r#"delete from "loans" WHERE "id" = ?"#, Some("loans")),
            (r#"SELECT "id" FROM "books" FOR UPDATE"#, None),
            ("UPDATE books SET title = 1", None),
            ("", None),
        ] {
            assert_eq!(written_table(sql), table, "{sql}");
        }
    }
}
