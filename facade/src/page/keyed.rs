//! Several lists that are read at once: for each of some keys, the rows whose column has it.
//!
//! One statement reads a part of every list. It holds a limited statement for each list, so the database reads no more
//! rows than are shown, however long the lists are (docs/decisions/0017-lists-inside-records.md).

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement, SimpleExpr};
use sea_orm::{DbBackend, QueryResult, Statement, Value};
use value::Int;

use crate::Result;
use crate::record::{MAX_ROWS, RecordType, count_by_key, too_many_rows};
use crate::scope::RequestScope;

/// Name of the column that tells to which list a row belongs.
const KEY_COLUMN: &str = "list_key";
/// Names of the table of keys and of its column, where a statement has one.
const KEYS_TABLE: &str = "lists";
const KEYS_COLUMN: &str = "list";
/// Most lists of one statement: SQLite joins at most 500 statements.
const MAX_LISTS: usize = 400;
/// Most values of one statement; SQLite and PostgreSQL take no more than some 32,000.
const MAX_VALUES: usize = 30_000;
/// Longest statement, in bytes; SQLite takes a million.
const MAX_TEXT: usize = 500_000;

/// The lists.
pub(super) struct KeyedLists {
    /// The column that tells to which list a row belongs.
    pub(super) column: SimpleExpr,
    /// The key of each list, each once.
    pub(super) keys: Vec<i64>,
}

impl KeyedLists {
    /// The rows of each list. `part` selects a part of one list.
    ///
    /// # Errors
    /// When the database fails or there are more than [`MAX_ROWS`] rows.
    pub(super) async fn rows(
        &self,
        scope: RequestScope<'_>,
        record: &RecordType,
        part: SelectStatement,
    ) -> Result<Vec<Vec<QueryResult>>> {
        let mut lists: Vec<Vec<QueryResult>> = self.keys.iter().map(|_| Vec::new()).collect();
        let numbers: HashMap<i64, usize> = self.keys.iter().copied().zip(0..).collect();
        let (part, mut left) = (ListPart::new(part, &self.column, scope.backend()), MAX_ROWS);
        for keys in self.keys.chunks(part.lists_of_statement(scope.backend())) {
            let rows = scope.rows(part.statement(keys, scope.backend())).await?;
            left = left.checked_sub(rows.len() as u64).ok_or_else(|| too_many_rows(record))?;
            for row in rows {
                let key: Int = row.try_get("", KEY_COLUMN)?;
                if let Some(number) = numbers.get(&key.0) {
                    lists[*number].push(row);
                }
            }
        }
        Ok(lists)
    }

    /// The number of rows of each list in a statement without columns and order.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn counts(&self, scope: RequestScope<'_>, rows: &SelectStatement) -> Result<Vec<u64>> {
        let counts = count_by_key(scope, rows, self.column.clone(), &self.keys).await?;
        let count = |key| counts.get(key).and_then(|count| u64::try_from(*count).ok()).unwrap_or(0);
        Ok(self.keys.iter().map(count).collect())
    }
}

/// The statement that selects a part of one list.
struct ListPart {
    sql: String,
    /// Its values; null stands for the key of the list.
    values: Vec<Value>,
}

impl ListPart {
    /// The value in the place of the key: no condition compares with null.
    const KEY: Value = Value::BigInt(None);

    fn new(mut part: SelectStatement, column: &SimpleExpr, backend: DbBackend) -> Self {
        let key = match backend {
            DbBackend::Postgres => Expr::col((KEYS_TABLE, KEYS_COLUMN)),
            _ => Expr::val(Self::KEY),
        };
        part.expr_as(column.clone(), KEY_COLUMN).and_where(column.clone().eq(key));
        let Statement { sql, values, .. } = backend.build(&part);
        Self { sql, values: values.map(|values| values.0).unwrap_or_default() }
    }

    /// The most lists of which one statement can read this part.
    fn lists_of_statement(&self, backend: DbBackend) -> usize {
        let most = match backend {
            DbBackend::Postgres => MAX_VALUES.saturating_sub(self.values.len()),
            _ => MAX_LISTS.min(MAX_VALUES / (self.values.len() + 1)).min(MAX_TEXT / self.sql.len().max(1)),
        };
        most.max(1)
    }

    /// The statement that selects this part of the lists of these keys.
    fn statement(&self, keys: &[i64], backend: DbBackend) -> Statement {
        match backend {
            DbBackend::Postgres => self.lateral(keys),
            _ => self.union(keys, backend),
        }
    }

    /// One statement after the other: neither MariaDB nor SQLite has `LATERAL`.
    fn union(&self, keys: &[i64], backend: DbBackend) -> Statement {
        let one = match backend {
            // SQLite takes no limit in a part of a union, so each stands in a table of its own.
            DbBackend::Sqlite => format!("SELECT * FROM ({}) AS {KEYS_TABLE}", self.sql),
            _ => format!("({})", self.sql),
        };
        let sql = vec![one; keys.len()].join(" UNION ALL ");
        let of_list = |key: i64| {
            let fill = move |value: &Value| if *value == Self::KEY { key.into() } else { value.clone() };
            self.values.iter().map(fill)
        };
        let values: Vec<Value> = keys.iter().flat_map(|key| of_list(*key)).collect();
        Statement::from_sql_and_values(backend, sql, values)
    }

    /// For each row of a table of keys, its part.
    fn lateral(&self, keys: &[i64]) -> Statement {
        let first = self.values.len() + 1;
        let places: Vec<_> = (first..).take(keys.len()).map(|number| format!("(${number})")).collect();
        let sql = format!(
            "SELECT \"part\".* FROM (VALUES {}) AS \"{KEYS_TABLE}\" (\"{KEYS_COLUMN}\") CROSS JOIN LATERAL ({}) AS \"part\"",
            places.join(", "),
            self.sql
        );
        let keys = keys.iter().map(|key| Value::from(*key));
        let values: Vec<Value> = self.values.iter().cloned().chain(keys).collect();
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }
}
