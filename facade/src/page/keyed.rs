//! Several lists that are read at once: for each of some keys, the rows whose column has it.
//!
//! One statement reads a part of every list. It holds a limited statement for each list, so the database reads no more
//! rows than are shown, however long the lists are. Where each of these would read a whole table, the statement reads the
//! rows of all lists once and numbers them (docs/decisions/0017-lists-inside-records.md).

use std::collections::HashMap;

use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, OverStatement, Query, SelectStatement, SimpleExpr, WindowStatement,
};
use sea_orm::{DbBackend, Order as SqlOrder, QueryResult, Statement, Value};
use value::Int;

use super::order::{Order, OrderForm};
use crate::Result;
use crate::record::{MAX_KEYS, MAX_ROWS, RecordType, count_by_key, too_many_rows};
use crate::scope::RequestScope;

/// Name of the column that tells to which list a row belongs.
const KEY_COLUMN: &str = "list_key";
/// Name of the column with the number of a row in its list, from 1.
const NUMBER_COLUMN: &str = "list_number";
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
    /// Whether what a statement for one list reads is read for each of them again: no index has the column, or conditions or
    /// the order need a table that the statement computes.
    pub(super) share_tables: bool,
}

/// A part of a list: at most `limit` rows after the first `offset` rows.
pub(super) struct Part {
    pub(super) form: OrderForm,
    pub(super) offset: u64,
    pub(super) limit: u64,
}

impl KeyedLists {
    /// The rows of a part of each list. `select` selects the rows of one list without their order.
    ///
    /// # Errors
    /// When the database fails or there are more than [`MAX_ROWS`] rows.
    pub(super) async fn rows(
        &self,
        scope: RequestScope<'_>,
        record: &RecordType,
        select: SelectStatement,
        order: &Order,
        part: &Part,
    ) -> Result<Vec<Vec<QueryResult>>> {
        let mut lists: Vec<Vec<QueryResult>> = self.keys.iter().map(|_| Vec::new()).collect();
        let numbers: HashMap<i64, usize> = self.keys.iter().copied().zip(0..).collect();
        let mut left = MAX_ROWS;
        for statement in self.statements(select, order, part, scope.backend()) {
            let rows = scope.rows(statement).await?;
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

    /// The statements that read a part of each list.
    fn statements(
        &self,
        mut select: SelectStatement,
        order: &Order,
        part: &Part,
        backend: DbBackend,
    ) -> Vec<Statement> {
        if self.share_tables {
            let numbered = |keys: &[i64]| self.numbered(select.clone(), keys, order, part, backend);
            return self.keys.chunks(MAX_KEYS).map(numbered).collect();
        }
        order.sort(&mut select, part.form, backend);
        let limited =
            ListPart::new(select.limit(part.limit).offset(part.offset).take(), &self.column, backend);
        let lists = self.keys.chunks(limited.lists_of_statement(backend));
        lists.map(|keys| limited.statement(keys, backend)).collect()
    }

    /// One statement that numbers the rows of the lists of these keys, and selects by the numbers.
    fn numbered(
        &self,
        mut select: SelectStatement,
        keys: &[i64],
        order: &Order,
        part: &Part,
        backend: DbBackend,
    ) -> Statement {
        let mut window = WindowStatement::new();
        window.add_partition_by(self.column.clone());
        order.sort(&mut window, part.form, backend);
        select
            .expr_as(self.column.clone(), KEY_COLUMN)
            .expr_window_as(Expr::cust("ROW_NUMBER()"), window, NUMBER_COLUMN)
            .and_where(self.column.clone().is_in(keys.iter().copied()));
        let number = || Expr::col((KEYS_TABLE, NUMBER_COLUMN));
        let mut rows = Query::select();
        rows.column(Asterisk)
            .from_subquery(select, KEYS_TABLE)
            .and_where(number().gt(part.offset))
            .and_where(number().lte(part.offset.saturating_add(part.limit)))
            .order_by((KEYS_TABLE, NUMBER_COLUMN), SqlOrder::Asc);
        backend.build(&rows)
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

/// The statement that selects a part of one list, with the order and the limits.
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
