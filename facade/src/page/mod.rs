//! Lists of records, at the root or inside records: by Relay cursors or by page numbers. The total is counted only where a client asks for it.

mod cursor;
mod deep;
mod keyed;
mod list_cache;
mod list_reader;
mod nested;
mod order;
mod window;

use async_graphql::Context;
use sea_orm::sea_query::{IntoCondition, SelectStatement};
use sea_orm::{Condition, EntityTrait, QueryTrait, Select};

use self::keyed::KeyedLists;
pub use self::list_cache::ListCache;
use self::list_reader::ListReader;
pub use self::nested::NestedList;
pub(crate) use self::nested::resolve_nested;
use self::order::Order;
use self::window::WindowRange;
pub use self::window::{DEFAULT_SIZE, Paging};
use crate::column::Column;
use crate::filter::{Filter, FilterDemand, Sort, contains};
use crate::guard::allow;
pub use crate::record::Connection;
use crate::record::{ConnectionSelection, ListSlices, Record, RecordType};
use crate::scope::RequestScope;
use crate::{Error, Result};

/// Maximum nesting of conditions.
const MAX_NESTING: usize = 5;
/// Maximum number of values that conditions compare with.
const MAX_VALUES: usize = 1000;
/// Maximum number of tables that the statement of a list computes for its conditions.
const MAX_TABLES: usize = 10;

/// A list of rows: which rows, with which conditions, in which order.
pub struct List<E: EntityTrait> {
    rows: fn() -> Select<E>,
    criteria: Criteria,
}

/// The conditions and the order of a list.
struct Criteria {
    conditions: Vec<Condition>,
    order: Order,
    /// Whether the conditions need a table that the statement computes.
    computes_tables: bool,
    refused: Option<Error>,
}

/// A list without its entity type, and the request that asks for it.
struct Ordered<'a> {
    scope: RequestScope<'a>,
    record: &'static RecordType,
    select: SelectStatement,
    order: Order,
}

impl Criteria {
    fn new() -> Self {
        Self { conditions: Vec::new(), order: Order::new(), computes_tables: false, refused: None }
    }

    fn filter(&mut self, filter: Option<&impl Filter>, scope: RequestScope<'_>) {
        if let Some(filter) = filter {
            match check_filter(filter, scope) {
                Ok(demand) => {
                    self.computes_tables |= demand.tables > 0;
                    self.conditions.push(filter.condition(scope.backend()));
                }
                Err(refusal) => self.refused = Some(refusal),
            }
        }
    }

    /// Whether a statement for these rows computes tables, whichever rows it is about.
    fn computes_tables(&self) -> bool {
        self.computes_tables || self.order.tables().next().is_some()
    }

    fn sort<S: Sort>(&mut self, sort: Option<&Vec<S>>, scope: RequestScope<'_>) {
        sort.into_iter().flatten().for_each(|sort| self.order.add(sort.key(scope.backend())));
    }
}

impl<E: EntityTrait> List<E> {
    /// A list of all these rows. Every call of `rows` must select the same rows: its statement is cached, without
    /// columns and order.
    pub fn of(rows: fn() -> Select<E>) -> Self {
        Self { rows, criteria: Criteria::new() }
    }

    /// Restricts the list by a condition that needs no ability.
    #[must_use]
    pub fn only(mut self, condition: impl IntoCondition) -> Self {
        self.criteria.conditions.push(condition.into_condition());
        self
    }

    /// Restricts the list by the caller's conditions.
    #[must_use]
    pub fn filter(mut self, filter: Option<&impl Filter>, scope: RequestScope<'_>) -> Self {
        self.criteria.filter(filter, scope);
        self
    }

    /// Sorts the list. The primary key is always the last key of the order.
    #[must_use]
    pub fn sort<S: Sort<Entity = E>>(mut self, sort: Option<&Vec<S>>, scope: RequestScope<'_>) -> Self {
        self.criteria.sort(sort, scope);
        self
    }

    /// Restricts the list to rows whose `column` holds the text, ignoring case. With `exact_first`, rows that equal
    /// the text come first (docs/contract/documented-contract.md#4.3).
    #[must_use]
    pub fn search(
        mut self,
        column: E::Column,
        text: Option<&str>,
        exact_first: bool,
        scope: RequestScope<'_>,
    ) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return self };
        let column = Column::of(column);
        if exact_first {
            self.criteria.order.exact_first(column.clone(), text);
        }
        self.only(contains(&column, text, scope.backend()))
    }

    /// Reads the requested rows.
    ///
    /// # Errors
    /// When the paging arguments are not valid, when the caller lacks an ability for a condition or order, and when the
    /// database fails.
    pub async fn page<T: Record<Entity = E>>(
        mut self,
        ctx: &Context<'_>,
        paging: Paging,
    ) -> Result<Connection<T>> {
        self.criteria.order.add_primary_key(Column::of(T::key_column()));
        let (scope, record, rows) = (RequestScope::from(ctx), T::record(), self.rows);
        let select = scope.lists().rows(rows as usize, || QueryTrait::into_query(rows()));
        let ordered = Ordered::new(scope, record, select, self.criteria)?;
        let set = ctx.with_selection_set(&ctx.item.node.selection_set);
        let selection =
            ConnectionSelection::of(&set, record).map_err(|error| Error::internal(error.message))?;
        Ok(Connection::new(Box::pin(ordered.slices(selection, paging, None)).await?))
    }
}

impl<'a> Ordered<'a> {
    /// The rows of `select`, a statement without columns and order, by these criteria.
    ///
    /// # Errors
    /// When the caller lacks an ability for a condition or order.
    fn new(
        scope: RequestScope<'a>,
        record: &'static RecordType,
        mut select: SelectStatement,
        criteria: Criteria,
    ) -> Result<Self> {
        let Criteria { conditions, order, refused, .. } = criteria;
        if let Some(refused) = refused {
            return Err(refused);
        }
        check_order(&order, record, scope)?;
        conditions.into_iter().chain(record.visible_to(scope)).for_each(|condition| {
            select.cond_where(condition);
        });
        let select = order.join(record, select);
        Ok(Self { scope, record, select, order })
    }

    /// The requested slice of the list; with `keyed`, of each of these lists.
    ///
    /// # Errors
    /// When the paging arguments are not valid, and when the database fails.
    async fn slices(
        self,
        selection: ConnectionSelection,
        paging: Paging,
        keyed: Option<&KeyedLists>,
    ) -> Result<ListSlices> {
        let Self { scope, record, select, order } = self;
        let (rest, options) = (scope.is_rest(), scope.engine().options);
        let window = paging.window(if rest { options.max_per_page } else { options.operation.list })?;
        let source = ListReader { scope, record, select: &select, order: &order, selection, keyed };
        let mut slices = match window.range {
            WindowRange::Offset(offset) if rest => source.page_by_number(offset, window.size).await?,
            _ => source.read_window(window).await?,
        };
        if selection.total && slices.slices.iter().any(|slice| slice.total.is_none()) {
            let totals = source.totals().await?;
            for (slice, total) in slices.slices.iter_mut().zip(totals) {
                slice.total.get_or_insert(total);
            }
        }
        Ok(slices)
    }
}

/// Checks the abilities for the fields that the order compares: the position of a row in the order, and its cursor,
/// reveal their values.
fn check_order(order: &Order, record: &RecordType, scope: RequestScope<'_>) -> Result<()> {
    let fields = order.fields().filter_map(|name| record.field(name)).map(|field| field.need.any);
    let tables = order.tables().map(|table| table.need);
    fields.chain(tables).filter(|any| !any.is_empty()).try_for_each(|any| allow(scope.own_abilities()?, any))
}

/// Checks the limits of conditions and the abilities for them, and returns what they require: a condition on related records reveals as much as
/// reading them, so it needs the same ability.
fn check_filter(filter: &impl Filter, scope: RequestScope<'_>) -> Result<FilterDemand> {
    let mut demand = FilterDemand::default();
    if filter.demand(&mut demand) > MAX_NESTING {
        return Err(Error::BadRequest(format!("Conditions nest more than {MAX_NESTING} deep.")));
    }
    if demand.values > MAX_VALUES {
        return Err(Error::BadRequest(format!("Conditions hold more than {MAX_VALUES} values.")));
    }
    if demand.tables > MAX_TABLES {
        return Err(Error::BadRequest(format!("A list takes {MAX_TABLES} conditions on computed values.")));
    }
    demand.needs.iter().try_for_each(|any| allow(scope.own_abilities()?, any))?;
    Ok(demand)
}
