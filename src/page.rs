//! Lists: one resolver a list, by Relay cursors or by pages, counted only when asked.

mod cursor;
mod order;
mod part;
mod window;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Object, SimpleObject};
use moka::future::Cache;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait};
use sea_orm::{ConnectionTrait, EntityName, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select};

pub(crate) use self::window::DEFAULT_SIZE;
pub use self::window::Paging;

use self::order::Order;
use self::part::{Asked, Part, Source};
use self::window::Place;
use crate::auth::allow;
use crate::filter::{Demand, Filter, Sort, contains};
use crate::record::{Edges, Record, Rows};
use crate::scope::Scope;
use crate::{Error, Result};

/// How deep conditions nest.
const MAX_NESTING: usize = 5;
/// How many values conditions compare with.
const MAX_VALUES: usize = 1000;

type ColumnOf<T> = <<T as Record>::Entity as EntityTrait>::Column;

/// How a list's rows are found.
pub struct List<T: Record> {
    select: Select<T::Entity>,
    order: Order<ColumnOf<T>>,
    refused: Option<Error>,
}

impl<T: Record> List<T> {
    /// All rows of `select`.
    pub fn of(select: Select<T::Entity>) -> Self {
        Self { select, order: Order::new(), refused: None }
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
        sort.into_iter().flatten().for_each(|sort| self.order.by(sort.key()));
        self
    }

    /// Only rows whose `column` holds the text, in any case; where no order is asked, rows that
    /// equal it come first (spec: `documented-contract.md` 4.3).
    #[must_use]
    pub fn search(
        mut self,
        column: ColumnOf<T>,
        text: Option<&str>,
        exact_first: bool,
        scope: Scope<'_>,
    ) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return self };
        self.select = self.select.filter(contains(&column, text, scope.backend()));
        if exact_first {
            self.order.exact_first(column, text);
        }
        self
    }

    /// Reads the rows that are asked for.
    ///
    /// # Errors
    /// When the paging makes no sense or the database fails.
    pub async fn page(mut self, ctx: &Context<'_>, paging: Paging) -> Result<Connection<T>> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let scope = Scope::from(ctx);
        self.order.end(T::key_column());
        orderable::<T>(&self.order, scope)?;
        let rest = scope.is_rest();
        let config = scope.config();
        let window = paging.window(if rest { config.max_per_page } else { config.max_list })?;
        let source = Source::<T> { scope, select: &self.select, order: &self.order };
        let part = match window.place {
            Place::Offset(offset) if rest => Box::pin(source.plain(offset, window.size)).await?,
            _ => Box::pin(source.read(window, Asked::by(ctx))).await?,
        };
        Ok(Connection { part, select: self.select })
    }
}

/// The place of a row in an order, and a cursor, tell what the order compares: it needs the abilities of
/// those fields.
fn orderable<T: Record>(order: &Order<ColumnOf<T>>, scope: Scope<'_>) -> Result<()> {
    let compared = order.fields().filter_map(|name| T::columns().iter().find(|column| column.name == name));
    compared
        .filter(|column| !column.need.is_empty())
        .try_for_each(|column| allow(scope.principal()?.abilities, column.need))
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

async fn count<T: Record>(scope: Scope<'_>, select: &Select<T::Entity>) -> Result<u64> {
    let mut bare = select.clone();
    QueryTrait::query(&mut bare).clear_order_by();
    let counted = bare.select_only().column_as(Expr::col(Asterisk).count(), "number");
    let statement = counted.build(scope.backend());
    // What was counted on a replica is not told to those who must not lag behind.
    let lag = if scope.may_lag() { "lagging " } else { "" };
    let asked = format!("{lag}{} {:?}", statement.sql, statement.values);
    let key = (T::Entity::default().table_name().to_owned(), asked);
    let count = async {
        let row = scope.reader().query_one_raw(statement).await?;
        let number: Option<i64> = row.map(|row| row.try_get("", "number")).transpose()?;
        Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    };
    Box::pin(scope.counts().get(key, count)).await
}

/// A part of a list: its rows, where they stand, and how many there are in all.
pub struct Connection<T: Record> {
    part: Part<T::Model>,
    select: Select<T::Entity>,
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
        Rows(Arc::clone(&self.part.rows))
    }

    /// The rows of this part, each with its cursor.
    async fn edges(&self) -> Edges<T> {
        Edges { rows: Arc::clone(&self.part.rows), cursors: Arc::clone(&self.part.cursors) }
    }

    /// Where this part stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.part.has_next,
            has_previous_page: self.part.has_previous,
            start_cursor: self.part.cursors.first().cloned(),
            end_cursor: self.part.cursors.last().cloned(),
        }
    }

    /// Rows in all; counted only when it is asked for and the page doesn't tell.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        match self.part.total {
            Some(total) => Ok(total),
            None => count::<T>(ctx.into(), &self.select).await,
        }
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
