//! What products cost a month at least, in SQL: for conditions on lists, for their order, and for groups.
//!
//! Of each product, the first row in the currency counts. What is compared is the entered price of a period, as a price of one
//! month and rounded to two decimals; what is paid once is not compared.

use async_graphql::InputObject;
use entity::{pricing, product, setting};
use facade::column::Column;
use facade::filter::{ColumnFilter, DecimalFilter, Direction, Filter, FilterDemand, JoinedTable, SortKey};
use facade::record::Currency;
use sea_orm::sea_query::{
    Alias, CaseStatement, ColumnType, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use super::price::MAX_SOLD;
use super::{BillingPeriod, INDEX, prices_of_products};
use crate::shop::DEFAULT_CURRENCY;

/// Points of a condition on prices and of an order by them: each makes the table of cheapest prices, from all prices of the shop.
pub const POINTS: u64 = 100;
/// Name of the table of cheapest prices in statements, and of its columns.
const TABLE: &str = "cheapest_prices";
const PRODUCT_ID: &str = "product_id";
const PER_MONTH: &str = "per_month";
const PRICES: &str = "prices";
/// Name of the table of first rows, and of its columns.
pub const FIRST_TABLE: &str = "first_prices";
/// Its column with the key of the product.
pub const FIRST_PRODUCT: &str = "priced_id";
/// Its column with the key of the row of prices.
pub const FIRST_ROW: &str = "first_id";
/// Stands for a price that is not sold: it is higher than every other one.
const NOT_SOLD: f64 = 1e18;

/// Recurring periods with their columns.
const RECURRING: [(BillingPeriod, pricing::Column); 7] = [
    (BillingPeriod::Weekly, pricing::Column::Weekly),
    (BillingPeriod::Monthly, pricing::Column::Monthly),
    (BillingPeriod::Quarterly, pricing::Column::Quarterly),
    (BillingPeriod::Semiannually, pricing::Column::Semiannually),
    (BillingPeriod::Annually, pricing::Column::Annually),
    (BillingPeriod::Biennially, pricing::Column::Biennially),
    (BillingPeriod::Triennially, pricing::Column::Triennially),
];

/// Conditions on what a product costs a month at least: the cheapest of its recurring prices in one currency, as the staff has
/// entered it, divided by the months of its period and rounded to two decimals. All given ones must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ProductPriceFilter {
    /// The currency; without it, the shop's own.
    pub currency: Option<Currency>,
    /// What the price is compared with. `isNull` finds products without a recurring price in the currency.
    #[graphql(flatten)]
    pub amount: DecimalFilter,
}

impl Filter for ProductPriceFilter {
    fn condition(&self, backend: DbBackend) -> Condition {
        let compared = DecimalFilter { is_null: None, ..self.amount.clone() };
        let compared = compared.condition(&per_month_column(), backend);
        let sold = |compared| self.is_among_sold(compared, backend);
        let condition = match (self.amount.is_null, compared.is_empty()) {
            (None, true) => return Condition::all(),
            (None | Some(false), _) => sold(compared).eq(1),
            (Some(true), true) => sold(compared).eq(0),
            // What is not sold compares with nothing.
            (Some(true), false) => Expr::val(1).eq(0),
        };
        Condition::all().add(condition)
    }

    fn demand(&self, demand: &mut FilterDemand) -> usize {
        demand.values += self.amount.compared_values();
        demand.tables += 1;
        0
    }
}

impl ProductPriceFilter {
    /// SQL for 1 where the product is sold at a price for which the condition holds, else 0. In this form databases make the
    /// table once. A plain `IN` they join: MariaDB then tries the orders of all of them, which takes longer with each.
    fn is_among_sold(&self, condition: Condition, backend: DbBackend) -> SimpleExpr {
        let mut products = Query::select();
        products
            .column((TABLE, PRODUCT_ID))
            .from_subquery(cheapest(self.currency.as_ref(), backend), TABLE)
            .and_where(per_month_column().expr().is_not_null())
            .cond_where(condition);
        let id = Expr::col(product::Column::Id.as_column_ref());
        CaseStatement::new().case(id.in_subquery(products.take()), Expr::val(1)).finally(Expr::val(0)).into()
    }
}

/// The order of products by their cheapest price in a currency. Those without one come last.
pub fn sort_key(direction: Direction, currency: Option<&Currency>, backend: DbBackend) -> SortKey {
    let (column, rows, key) = match backend {
        DbBackend::Postgres => (price_in_object(), price_object(currency, backend), None),
        _ => (per_month_column(), cheapest(currency, backend), Some(PRODUCT_ID)),
    };
    let table = JoinedTable {
        rows,
        name: TABLE,
        key,
        identity: currency.map(|currency| currency.as_str().to_owned()).unwrap_or_default(),
        need: &[INDEX],
    };
    // What is not sold comes last, whichever way: null is the least.
    let column = if direction == Direction::Asc { column.or(NOT_SOLD) } else { column };
    SortKey { name: "price", column, words: &[], direction, table: Some(Box::new(table)) }
}

/// The table of cheapest prices as one JSON object, by the keys of products. PostgreSQL looks them up in it, where it would go
/// through the whole table for each product if it expects few of these.
fn price_object(currency: Option<&Currency>, backend: DbBackend) -> SelectStatement {
    let parts = [PRODUCT_ID, PER_MONTH].map(|name| Expr::col((TABLE, name)));
    let mut object = Query::select();
    object.expr_as(Func::cust(Alias::new("jsonb_object_agg")).args(parts), PRICES);
    object.from_subquery(cheapest(currency, backend), TABLE).take()
}

/// What a product costs a month at least, in that object.
fn price_in_object() -> Column {
    let parts = [Expr::col((TABLE, PRICES)), Expr::col(product::Column::Id.as_column_ref())];
    let price = Expr::cust_with_exprs("CAST($1 ->> CAST($2 AS text) AS double precision)", parts);
    Column::computed(price, ColumnType::Double)
}

fn per_month_column() -> Column {
    Column::computed(Expr::col((TABLE, PER_MONTH)), ColumnType::Double)
}

/// A row for each product with prices in the currency: its key, and its cheapest price a month, which may be null.
fn cheapest(currency: Option<&Currency>, backend: DbBackend) -> SelectStatement {
    let mut rows = Query::select();
    let sold = Func::cust(Alias::new("NULLIF")).args([per_month(backend), Expr::val(NOT_SOLD)]);
    rows.expr_as(Expr::col((FIRST_TABLE, FIRST_PRODUCT)), PRODUCT_ID).expr_as(sold, PER_MONTH);
    rows.from_subquery(first_rows(currency, backend), FIRST_TABLE);
    rows.inner_join(pricing::Entity, pricing::Column::Id.into_expr().equals((FIRST_TABLE, FIRST_ROW))).take()
}

/// For each product with prices in the currency, the key of its first row. The table of prices has no index on products, so these
/// rows are found once, in a table of their own, and not once for each product.
pub fn first_rows(currency: Option<&Currency>, backend: DbBackend) -> SelectStatement {
    let code = currency.map_or_else(own_currency, |currency| Expr::val(currency.as_str()));
    let stored = pricing::Column::Currency.into_expr();
    let is_asked = match backend {
        // The other databases compare without regard to case. The planner knows how many rows have a value, but not a computed one.
        DbBackend::Postgres => stored.is_in([Func::upper(code.clone()), Func::lower(code)]),
        _ => stored.eq(code),
    };
    let product = || pricing::Column::RelatedId.into_expr();
    let mut first = QueryTrait::into_query(prices_of_products().filter(is_asked));
    first.clear_selects().clear_order_by();
    first.expr_as(product(), FIRST_PRODUCT).expr_as(pricing::Column::Id.into_expr().min(), FIRST_ROW);
    first.add_group_by([product()]).take()
}

/// SQL for the shop's own currency.
fn own_currency() -> SimpleExpr {
    let stored = setting::Entity::find()
        .select_only()
        .column(setting::Column::Value)
        .filter(setting::Column::Name.eq("store_currency"))
        .limit(1);
    let stored = SimpleExpr::SubQuery(None, Box::new(QueryTrait::into_query(stored).into()));
    Func::coalesce([stored, Expr::val(DEFAULT_CURRENCY)]).into()
}

/// SQL for the cheapest recurring price of a row for a month, `NOT_SOLD` without one.
pub fn per_month(backend: DbBackend) -> SimpleExpr {
    let prices = RECURRING.map(|(period, column)| {
        let (times, months) = period.months().unwrap_or((1, 1));
        sold(column, (times, months), backend)
    });
    let least = if backend == DbBackend::Sqlite { "MIN" } else { "LEAST" };
    Func::cust(Alias::new(least)).args(prices).into()
}

/// SQL for the price of a row that is paid once, `NOT_SOLD` without one.
pub fn once(backend: DbBackend) -> SimpleExpr {
    sold(pricing::Column::Onetime, (1, 1), backend)
}

/// SQL for: a price is sold.
pub fn is_sold(price: SimpleExpr) -> SimpleExpr {
    price.lt(NOT_SOLD)
}

/// SQL for a price as one of a month, rounded; [`NOT_SOLD`] where it is not sold. A column of single precision is rounded to the
/// decimals that were stored before anything is computed.
fn sold(column: pricing::Column, (times, months): (u32, u32), backend: DbBackend) -> SimpleExpr {
    let price = match backend {
        DbBackend::MySql => format!("ROUND(CAST(? AS DECIMAL(30, 4)) * {times} / {months}, 2)"),
        DbBackend::Postgres => {
            format!("ROUND(ROUND(CAST(CAST($1 AS double precision) AS numeric), 4) * {times} / {months}, 2)")
        }
        _ => format!("ROUND(ROUND(?, 4) * {times} / {months}, 2)"),
    };
    let is_sold = column.into_expr().between(0.0, MAX_SOLD);
    let price = Expr::cust_with_expr(price, column.into_expr());
    CaseStatement::new().case(is_sold, price).finally(Expr::val(NOT_SOLD)).into()
}
