//! Lists: one resolver a list, by Relay cursors or by pages, counted only when asked.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Object, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use moka::future::Cache;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, NullOrdering};
use sea_orm::{
    ColumnTrait, DbBackend, EntityName, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};

use crate::auth::allow;
use crate::collation::sort_key;
use crate::filter::{Demand, Direction, Filter, Key, Sort, contains, equals};
use crate::record::{Edges, Face, Record, Rows};
use crate::scope::Scope;
use crate::{Error, Result};

/// Rows of a GraphQL list when the query doesn't say.
pub(crate) const DEFAULT_SIZE: u64 = 25;
/// How deep conditions nest.
const MAX_NESTING: usize = 5;
/// How many values conditions compare with.
const MAX_VALUES: usize = 1000;

/// Which part of a list is asked for: Relay cursors, or pages.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// The first so many rows (after `after`).
    pub first: Option<i64>,
    /// Cursor before the first row.
    pub after: Option<String>,
    /// The last so many rows (before `before`).
    pub last: Option<i64>,
    /// Cursor behind the last row.
    pub before: Option<String>,
    /// Page, from 1.
    pub page: Option<i64>,
    /// Rows a page.
    pub per_page: Option<i64>,
}

/// A window on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    offset: u64,
    limit: u64,
}

impl Paging {
    /// The window, where it can be told without counting; `last` without `before` can't.
    fn window(&self, max: u64, total: Option<u64>) -> Result<Option<Window>> {
        let first = size("first", self.first, max)?;
        let last = size("last", self.last, max)?;
        let per_page = size("perPage", self.per_page, max)?;
        if let Some(page) = self.page {
            let page = u64::try_from(page).ok().filter(|&page| page > 0).ok_or_else(|| bad("page"))?;
            let limit = per_page.or(first).unwrap_or(Ord::min(DEFAULT_SIZE, max));
            return Ok(Some(Window { offset: (page - 1).saturating_mul(limit), limit }));
        }
        let start = self.after.as_deref().map(offset_after).transpose()?.unwrap_or(0);
        let Some(size) = last else {
            let limit = first.or(per_page).unwrap_or(Ord::min(DEFAULT_SIZE, max));
            let end = self.before.as_deref().map(offset_of).transpose()?;
            let limit = end.map_or(limit, |end| Ord::min(limit, end.saturating_sub(start)));
            return Ok(Some(Window { offset: start, limit }));
        };
        let end = self.before.as_deref().map(offset_of).transpose()?.or(total);
        Ok(end.map(|end| {
            let offset = Ord::max(end.saturating_sub(size), start);
            Window { offset, limit: end.saturating_sub(offset) }
        }))
    }
}

fn size(name: &str, given: Option<i64>, max: u64) -> Result<Option<u64>> {
    let Some(given) = given else { return Ok(None) };
    match u64::try_from(given) {
        Ok(size) if size <= max => Ok(Some(size)),
        _ => Err(Error::BadRequest(format!("`{name}` must be between 0 and {max}."))),
    }
}

fn bad(name: &str) -> Error {
    Error::BadRequest(format!("`{name}` is not valid."))
}

fn cursor(offset: u64) -> String {
    STANDARD_NO_PAD.encode(format!("row:{offset}"))
}

fn offset_of(cursor: &str) -> Result<u64> {
    let bytes = STANDARD_NO_PAD.decode(cursor).map_err(|_| bad("cursor"))?;
    let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_prefix("row:"));
    text.and_then(|offset| offset.parse().ok()).ok_or_else(|| bad("cursor"))
}

fn offset_after(cursor: &str) -> Result<u64> {
    Ok(offset_of(cursor)?.saturating_add(1))
}

/// How a list's rows are found.
pub struct List<T: Record> {
    select: Select<T::Entity>,
    order: Vec<Key<<T::Entity as EntityTrait>::Column>>,
    refused: Option<Error>,
}

impl<T: Record> List<T> {
    /// All rows of `select`.
    pub fn of(select: Select<T::Entity>) -> Self {
        Self { select, order: Vec::new(), refused: None }
    }

    /// Only rows for which the conditions hold.
    #[must_use]
    pub fn filter(mut self, filter: Option<&impl Filter>, scope: Scope<'_>) -> Self {
        if let Some(filter) = filter {
            match allowed(filter, scope) {
                Ok(()) => self.select = self.select.filter(filter.condition(scope.backend())),
                Err(refusal) => self.refused = Some(refusal),
            }
        }
        self
    }

    /// Rows in this order; by primary key where nothing is asked, and last of all.
    #[must_use]
    pub fn sort<S: Sort<Entity = T::Entity>>(mut self, sort: Option<&Vec<S>>) -> Self {
        self.order.extend(sort.into_iter().flatten().map(Sort::key));
        self.order.push(Key { column: T::key_column(), words: &[], direction: Direction::Asc });
        self
    }

    /// Only rows whose `column` holds the text, in any case; where no order is asked, rows that
    /// equal it come first (spec: `documented-contract.md` 4.3).
    #[must_use]
    pub fn search(
        mut self,
        column: <T::Entity as EntityTrait>::Column,
        text: Option<&str>,
        exact_first: bool,
        scope: Scope<'_>,
    ) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return self };
        self.select = self.select.filter(contains(&column, text, scope.backend()));
        if exact_first {
            self.select = self.select.order_by_desc(equals(&column, text, scope.backend()));
        }
        self
    }

    /// Reads the rows that are asked for.
    ///
    /// # Errors
    /// When the paging makes no sense or the database fails.
    pub async fn page(self, ctx: &Context<'_>, paging: Paging) -> Result<Connection<T>> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let scope = Scope::from(ctx);
        let rest = ctx.data_opt::<Face>().is_some_and(|&face| face != Face::GraphQl);
        let max = if rest { scope.config().max_per_page } else { scope.config().max_list };
        let window = match paging.window(max, None)? {
            Some(window) => window,
            None => {
                let total = count::<T>(scope, &self.select).await?;
                paging.window(max, Some(total))?.ok_or_else(|| bad("last"))?
            }
        };
        let rows = rows(scope, &self.ordered(scope), window).await?;
        Ok(Connection { rows: Arc::new(rows), window, select: self.select, record: PhantomData })
    }

    /// The rows in their order; texts in the shop's.
    fn ordered(&self, scope: Scope<'_>) -> Select<T::Entity> {
        self.order.iter().fold(self.select.clone(), |select, key| {
            let order = sort_key(&key.column, key.words, scope.backend());
            let (direction, nulls) = match key.direction {
                Direction::Asc => (Order::Asc, NullOrdering::First),
                Direction::Desc => (Order::Desc, NullOrdering::Last),
            };
            // PostgreSQL alone takes null for the greatest value.
            if scope.backend() == DbBackend::Postgres && key.column.def().is_null() {
                select.order_by_with_nulls(order, direction, nulls)
            } else {
                select.order_by(order, direction)
            }
        })
    }
}

/// A condition on related records tells as much of them as reading them does, so it needs the same
/// ability; it nests only so deep, and is only so long.
fn allowed(filter: &impl Filter, scope: Scope<'_>) -> Result<()> {
    let mut demand = Demand::default();
    if filter.demand(&mut demand) > MAX_NESTING {
        return Err(Error::BadRequest(format!("Conditions nest more than {MAX_NESTING} deep.")));
    }
    if demand.values > MAX_VALUES {
        return Err(Error::BadRequest(format!("Conditions hold more than {MAX_VALUES} values.")));
    }
    demand.needs.into_iter().try_for_each(|any| allow(scope.principal()?.abilities, any))
}

/// One row more than asked tells whether there is a next page without counting; REST counts
/// anyway, so the row is read only where `pageInfo` can need it.
async fn rows<E: EntityTrait>(scope: Scope<'_>, select: &Select<E>, window: Window) -> Result<Vec<E::Model>>
where
    E::Model: Send + Sync,
{
    if window.limit == 0 || i64::try_from(window.offset).is_err() {
        return Ok(Vec::new());
    }
    Ok(select.clone().limit(window.limit).offset(window.offset).all(scope.reader()).await?)
}

async fn count<T: Record>(scope: Scope<'_>, select: &Select<T::Entity>) -> Result<u64> {
    let mut bare = select.clone();
    QueryTrait::query(&mut bare).clear_order_by();
    let key = (T::Entity::default().table_name().to_owned(), bare.build(scope.backend()).to_string());
    let counted = bare.select_only().column_as(Expr::col(Asterisk).count(), "number").into_tuple::<i64>();
    let count = async {
        Ok(counted.one(scope.reader()).await?.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    };
    scope.counts().get(key, count).await
}

/// A part of a list: its rows, where they stand, and how many there are in all.
pub struct Connection<T: Record> {
    rows: Arc<Vec<T::Model>>,
    window: Window,
    select: Select<T::Entity>,
    record: PhantomData<T>,
}

impl<T: Record> Connection<T> {
    async fn total(&self, scope: Scope<'_>) -> Result<u64> {
        let here = self.rows.len() as u64;
        let ended = here < self.window.limit && (here > 0 || self.window.offset == 0);
        if ended { Ok(self.window.offset + here) } else { count::<T>(scope, &self.select).await }
    }
}

/// Where a part of a list stands (Relay).
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether rows follow this part.
    has_next_page: bool,
    /// Whether rows precede this part.
    has_previous_page: bool,
    /// Cursor of the first row.
    start_cursor: Option<String>,
    /// Cursor of the last row.
    end_cursor: Option<String>,
}

impl<T: Record> async_graphql::TypeName for Connection<T> {
    fn type_name() -> std::borrow::Cow<'static, str> {
        format!("{}Connection", T::NAME).into()
    }
}

/// A part of a list.
#[Object(name_type)]
impl<T: Record> Connection<T> {
    /// The rows of this part.
    async fn nodes(&self) -> Rows<T> {
        Rows(Arc::clone(&self.rows))
    }

    /// The rows of this part, each with its cursor.
    async fn edges(&self) -> Edges<T> {
        let cursors = (self.window.offset..).take(self.rows.len()).map(cursor).collect();
        Edges { rows: Arc::clone(&self.rows), cursors }
    }

    /// Where this part stands in the list.
    async fn page_info(&self, ctx: &Context<'_>) -> Result<PageInfo> {
        let end = self.window.offset + self.rows.len() as u64;
        Ok(PageInfo {
            has_next_page: self.total(ctx.into()).await? > end,
            has_previous_page: self.window.offset > 0,
            start_cursor: (!self.rows.is_empty()).then(|| cursor(self.window.offset)),
            end_cursor: (!self.rows.is_empty()).then(|| cursor(end - 1)),
        })
    }

    /// Rows in all; counted only when it is asked for and the page doesn't tell.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        self.total(ctx.into()).await
    }
}

/// Counts of big lists, by table and statement, remembered for at most `GUICHET_COUNT_TTL`:
/// counting a big table costs its database far more than reading a page of it.
pub struct Counts {
    cache: Option<Cache<(String, String), u64>>,
}

impl Counts {
    /// Counts that are remembered so long; zero: not at all.
    pub fn new(ttl: Duration) -> Self {
        let build = || {
            Cache::builder().max_capacity(10_000).time_to_live(ttl).support_invalidation_closures().build()
        };
        Self { cache: (!ttl.is_zero()).then(build) }
    }

    async fn get(
        &self,
        key: (String, String),
        count: impl Future<Output = Result<u64, sea_orm::DbErr>>,
    ) -> Result<u64> {
        let Some(cache) = &self.cache else { return Ok(count.await?) };
        let counted = cache.try_get_with(key, count).await;
        counted.map_err(|error| Arc::unwrap_or_clone(error).into())
    }

    /// Forgets the counts of a table: one of our own writes changed it.
    pub fn forget(&self, table: &'static str) {
        if let Some(cache) = &self.cache {
            // The closure is refused only by a cache that was built without support for it.
            let _ = cache.invalidate_entries_if(move |(counted, _), _| counted == table);
        }
    }
}
