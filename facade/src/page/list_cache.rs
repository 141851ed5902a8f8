//! The cache of lists. For the time that the host sets: the totals of lists and the starts of deep pages, since
//! counting a large table or skipping its first hundred thousand rows costs the database far more than reading a
//! page. Without expiry: the statements that lists begin with.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, SelectStatement};

use crate::Result;
use crate::cache::{Cache, LoadingCache};
use crate::scope::RequestScope;

/// Maximum number of cached totals.
const MAX_COUNTS: usize = 10_000;
/// Maximum number of cached statements; there is one for each list of the schema.
const MAX_STATEMENTS: usize = 1_000;
/// Maximum number of cached page starts; each page that is read adds two.
const MAX_STARTS: usize = 1_000;

/// The cache of lists. Each write of the server must call [`forget`](Self::forget) for its table.
pub struct ListCache {
    timed: Option<TimedCaches>,
    /// Statements by the address of the function that selects the rows. Functions with the same address are the same
    /// code, so they select the same rows.
    rows: quick_cache::sync::Cache<usize, Arc<SelectStatement>>,
}

struct TimedCaches {
    counts: LoadingCache<ListKey, u64, DbErr>,
    starts: Cache<(ListKey, u64), PageStart>,
}

/// A list as a cache key: its whole statement, which names all tables that it depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ListKey(String);

/// Where a page begins in a list that is ordered by its primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageStart {
    /// At the row with this primary key.
    At(i64),
    /// After the row with this primary key.
    Behind(i64),
}

impl ListCache {
    /// A cache whose totals and page starts expire after `time`; zero turns them off.
    pub fn new(time: Duration) -> Self {
        let known = || TimedCaches {
            counts: LoadingCache::new(MAX_COUNTS, time),
            starts: Cache::new(MAX_STARTS, time),
        };
        Self { timed: (!time.is_zero()).then(known), rows: quick_cache::sync::Cache::new(MAX_STATEMENTS) }
    }

    /// The statement that selects these rows, without columns and order. Building SeaORM's statement, which names
    /// all columns, costs more than the rest of a list's statement. `identity` is the address of the function that
    /// selects them.
    pub(crate) fn rows(&self, identity: usize, rows: impl Fn() -> SelectStatement) -> SelectStatement {
        let select = || Arc::new(rows().clear_selects().clear_order_by().take());
        let known = self.rows.get_or_insert_with::<_, Infallible>(&identity, || Ok(select()));
        known.map_or_else(|never| match never {}, |known| (*known).clone())
    }

    /// Removes the totals and page starts of lists that depend on a table, because the server has written to it: those of
    /// its rows, and those with a condition on it.
    pub fn forget(&self, table: &str) {
        if let Some(TimedCaches { counts, starts }) = &self.timed {
            counts.forget(|list| list.0.contains(table));
            starts.forget(|(list, _)| list.0.contains(table));
        }
    }

    async fn count(&self, list: ListKey, count: impl Future<Output = Result<u64, DbErr>>) -> Result<u64> {
        let Some(known) = &self.timed else { return Ok(count.await?) };
        let counted = known.counts.get_or_load(list, count).await;
        counted.map_err(|error| Arc::unwrap_or_clone(error).into())
    }

    /// Where the page at this offset begins, if that is cached.
    pub(super) fn page_start(&self, list: &ListKey, offset: u64) -> Option<PageStart> {
        self.timed.as_ref()?.starts.get(&(list.clone(), offset))
    }

    /// Caches where pages begin, by their offsets.
    pub(super) fn remember_starts(&self, list: &ListKey, starts: impl IntoIterator<Item = (u64, PageStart)>) {
        if let Some(known) = &self.timed {
            for (offset, start) in starts {
                known.starts.insert((list.clone(), offset), start);
            }
        }
    }
}

impl ListKey {
    /// The list of a statement, as this request reads it.
    pub(super) fn of(scope: RequestScope<'_>, statement: &sea_orm::Statement) -> Self {
        // Requests that must read from the primary do not share values that were read from a replica.
        let lag = if scope.may_lag() { "lagging " } else { "" };
        Self(format!("{lag}{} {:?}", statement.sql, statement.values))
    }
}

/// The number of rows of a statement without columns, cached.
pub(super) async fn count(scope: RequestScope<'_>, select: &SelectStatement) -> Result<u64> {
    let mut bare = select.clone();
    bare.expr(Expr::col(Asterisk).count());
    let statement = scope.backend().build(&bare);
    let list = ListKey::of(scope, &statement);
    let count = async {
        let row = scope.first_row(statement).await?;
        let number: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    };
    Box::pin(scope.lists().count(list, count)).await
}
