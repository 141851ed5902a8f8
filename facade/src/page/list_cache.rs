//! What is remembered of lists. For as long as the host says: the totals of big ones, and where their deep pages
//! begin. Counting a big table, or passing its first hundred thousand rows, costs its database far more than
//! reading a page. For ever: the statements that they begin with.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, SelectStatement};
use sea_orm::{DbErr, EntityTrait, QueryTrait, Select};

use crate::Result;
use crate::cache::{Cache, LoadingCache};
use crate::record::RecordType;
use crate::scope::Scope;

/// How many totals are remembered.
const MAX_COUNTS: usize = 10_000;
/// How many statements are remembered: there is one for each list of the schema.
const MAX_STATEMENTS: usize = 1_000;
/// How many places are remembered: two for each page that was read.
const MAX_STARTS: usize = 1_000;

/// What is remembered of lists. A write of ours on a table forgets what is remembered of it.
pub struct ListCache {
    timed: Option<TimedCaches>,
    /// Statements for the rows of lists, by the address of the function that names the rows. Functions of one
    /// address are one function.
    rows: quick_cache::sync::Cache<usize, Arc<SelectStatement>>,
}

struct TimedCaches {
    counts: LoadingCache<ListKey, u64, DbErr>,
    starts: Cache<(ListKey, u64), PageStart>,
}

/// Which rows: of a table, those of a statement.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ListKey {
    table: &'static str,
    statement: String,
}

/// Where a page begins in a list that is ordered by its primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageStart {
    /// At the row with this key.
    At(i64),
    /// Behind the row with this key.
    Behind(i64),
}

impl ListCache {
    /// What is remembered so long; zero: nothing is.
    pub fn new(time: Duration) -> Self {
        let known = || TimedCaches {
            counts: LoadingCache::new(MAX_COUNTS, time),
            starts: Cache::new(MAX_STARTS, time),
        };
        Self { timed: (!time.is_zero()).then(known), rows: quick_cache::sync::Cache::new(MAX_STATEMENTS) }
    }

    /// A statement for some rows, which reads no column of them yet and has no order. An entity's own statement
    /// names all columns, which costs more than all the rest of it.
    pub(super) fn rows<E: EntityTrait>(&self, rows: fn() -> Select<E>) -> SelectStatement {
        let select = || {
            let mut select = QueryTrait::into_query(rows());
            Arc::new(select.clear_selects().clear_order_by().take())
        };
        let known = self.rows.get_or_insert_with::<_, Infallible>(&(rows as usize), || Ok(select()));
        known.map_or_else(|never| match never {}, |known| (*known).clone())
    }

    /// Forgets what is remembered of a table: one of our own writes changed it.
    pub fn forget(&self, table: &str) {
        if let Some(TimedCaches { counts, starts }) = &self.timed {
            counts.forget(|list| list.table == table);
            starts.forget(|(list, _)| list.table == table);
        }
    }

    async fn count(&self, list: ListKey, count: impl Future<Output = Result<u64, DbErr>>) -> Result<u64> {
        let Some(known) = &self.timed else { return Ok(count.await?) };
        let counted = known.counts.get_or_load(list, count).await;
        counted.map_err(|error| Arc::unwrap_or_clone(error).into())
    }

    /// Where the row of a list stands that has so many before it.
    pub(super) fn page_start(&self, list: &ListKey, offset: u64) -> Option<PageStart> {
        self.timed.as_ref()?.starts.get(&(list.clone(), offset))
    }

    /// Remembers where pages begin.
    pub(super) fn remember_starts(&self, list: &ListKey, starts: impl IntoIterator<Item = (u64, PageStart)>) {
        if let Some(known) = &self.timed {
            for (offset, start) in starts {
                known.starts.insert((list.clone(), offset), start);
            }
        }
    }
}

impl ListKey {
    /// The rows of a statement, as this caller reads them.
    pub(super) fn of(scope: Scope<'_>, record: &RecordType, statement: &sea_orm::Statement) -> Self {
        // What was read on a replica is not told to those who must not lag behind.
        let lag = if scope.may_lag() { "lagging " } else { "" };
        Self { table: record.table, statement: format!("{lag}{} {:?}", statement.sql, statement.values) }
    }
}

/// How many rows there are of a statement that reads no column yet.
pub(super) async fn count(scope: Scope<'_>, record: &RecordType, select: &SelectStatement) -> Result<u64> {
    let mut bare = select.clone();
    bare.expr(Expr::col(Asterisk).count());
    let statement = scope.backend().build(&bare);
    let list = ListKey::of(scope, record, &statement);
    let count = async {
        let row = scope.first_row(statement).await?;
        let number: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    };
    Box::pin(scope.lists().count(list, count)).await
}
