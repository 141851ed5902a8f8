//! The lowest price of the products of a group and of all groups below it: for all groups of a level by one statement.

use std::collections::HashMap;

use entity::{Id, group, pricing, product};
use facade::record::{CountryCode, Currency, MAX_KEYS, View};
use sea_orm::sea_query::{
    CommonTableExpression, Expr, ExprTrait, JoinType, Query, SelectStatement, SimpleExpr, UnionType,
    WithClause,
};
use sea_orm::{ColumnTrait, DbBackend, FromQueryResult, Iterable, QueryResult};

use super::lowest_price::personalized_products;
use crate::Result;
use crate::resource::pricing::cheapest::{
    FIRST_PRODUCT, FIRST_ROW, FIRST_TABLE, first_rows, is_sold, once, per_month,
};
use crate::resource::pricing::price::{Entered, Price, sold, tax};
use crate::scope::ShopScope;

/// Points for a group: its products and their prices are looked through.
pub(super) const POINTS: u64 = 10;
/// How many groups below each other are looked through; deeper ones do not count.
const MAX_DEPTH: i64 = 16;
/// Names in the statement: the groups below each group, the rows of prices in their order, and their columns.
const TREE: &str = "tree";
const ROOT: &str = "root_id";
const GROUP: &str = "group_id";
const RANKED: &str = "ranked";
const PRICE: &str = "price_id";
const PLACE: &str = "place";
const DEPTH: &str = "depth";

/// The start price of each group, in their order; nothing where nothing is sold in the currency.
///
/// # Errors
/// When the database fails.
pub(super) async fn of_groups(
    scope: ShopScope<'_>,
    groups: &[View<'_>],
    currency: Option<Currency>,
    country: Option<CountryCode>,
) -> Result<Vec<Option<Price>>> {
    let keys = View::keys(groups)?;
    let tax = tax(scope, country).await?;
    let mut prices = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let statement = scope.backend().build(&cheapest_rows(keys, currency.as_ref(), scope.backend()));
        for row in scope.rows(statement).await? {
            let price = lowest(&row)?.map(|(entered, currency)| entered.with_tax(tax, &currency));
            prices.extend(
                price
                    .map(|price| Ok::<_, crate::Error>((row.try_get::<Id>("", ROOT)?, price)))
                    .transpose()?,
            );
        }
    }
    Ok(keys.iter().map(|key| prices.get(key).cloned()).collect())
}

/// The cheapest price of a row, a month compared with a month; what is paid once counts where nothing else is sold.
fn lowest(row: &QueryResult) -> Result<Option<(Entered, Currency)>> {
    let row = pricing::Model::from_query_result(row, "")?;
    let lowest =
        sold(&row).into_iter().min_by_key(|entered| (entered.per_month().is_none(), entered.per_month()));
    Ok(lowest.map(|entered| (entered, Currency::stored(&row.currency))))
}

/// The statement for the row of prices of the cheapest product of each group.
fn cheapest_rows(keys: &[Id], currency: Option<&Currency>, backend: DbBackend) -> SelectStatement {
    let mut rows = Query::select();
    rows.column((RANKED, ROOT)).columns(pricing::Column::iter().map(|column| (pricing::Entity, column)));
    rows.from_subquery(ranked(currency, backend), RANKED)
        .inner_join(pricing::Entity, pricing::Column::Id.into_expr().equals((RANKED, PRICE)))
        .and_where(Expr::col((RANKED, PLACE)).eq(1));
    let with = WithClause::new().recursive(true).cte(tree(keys)).to_owned();
    rows.with_cte(with).take()
}

/// Each group with itself and the groups below it, to [`MAX_DEPTH`].
fn tree(keys: &[Id]) -> CommonTableExpression {
    let mut roots = Query::select();
    roots.expr(group::Column::Id.into_expr()).expr(group::Column::Id.into_expr()).expr(Expr::cust("0"));
    roots.from(group::Entity).and_where(group::Column::Id.is_in(keys.iter().copied()));
    let depth = || Expr::col((TREE, DEPTH));
    let mut below = Query::select();
    below.column((TREE, ROOT)).expr(group::Column::Id.into_expr()).expr(depth().add(Expr::cust("1")));
    below.from(group::Entity);
    below.inner_join(TREE, group::Column::ParentId.into_expr().equals((TREE, GROUP)));
    below.and_where(group::Column::DeletedAt.is_null()).and_where(depth().lt(MAX_DEPTH));
    // Visitors do not reach the products of a group that is not shown.
    below.and_where(group::Column::Status.eq("active"));
    let query = roots.union(UnionType::Distinct, below).take();
    CommonTableExpression::new().query(query).columns([ROOT, GROUP, DEPTH]).table_name(TREE).to_owned()
}

/// The rows of prices of the products of each group, numbered from the cheapest on.
fn ranked(currency: Option<&Currency>, backend: DbBackend) -> SelectStatement {
    let mut rows = Query::select();
    rows.column((TREE, ROOT))
        .expr_as(pricing::Column::Id.into_expr(), PRICE)
        .expr_as(place(backend), PLACE)
        .from(TREE)
        .inner_join(product::Entity, product::Column::GroupId.into_expr().equals((TREE, GROUP)))
        .join_subquery(
            JoinType::InnerJoin,
            first_rows(currency, backend),
            FIRST_TABLE,
            product::Column::Id.into_expr().equals((FIRST_TABLE, FIRST_PRODUCT)),
        )
        .inner_join(pricing::Entity, pricing::Column::Id.into_expr().equals((FIRST_TABLE, FIRST_ROW)))
        .and_where(product::Column::DeletedAt.is_null())
        .and_where(product::Column::Status.eq("active"))
        .and_where(product::Column::Id.into_expr().not_in_subquery(personalized_products()))
        .and_where(is_sold(per_month(backend)).or(is_sold(once(backend))));
    rows
}

/// SQL for the place of a row of prices in its group: by the price of a month, then by what is paid once.
fn place(backend: DbBackend) -> SimpleExpr {
    let sql = match backend {
        DbBackend::Postgres => "ROW_NUMBER() OVER (PARTITION BY $1 ORDER BY $2, $3, $4, $5)",
        _ => "ROW_NUMBER() OVER (PARTITION BY ? ORDER BY ?, ?, ?, ?)",
    };
    let parts = [
        Expr::col((TREE, ROOT)),
        per_month(backend),
        once(backend),
        product::Column::Id.into_expr(),
        pricing::Column::Id.into_expr(),
    ];
    Expr::cust_with_exprs(sql, parts)
}
