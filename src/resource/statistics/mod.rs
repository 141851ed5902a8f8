//! Figures of the shop (docs/contract/documented-contract.md#4.1): one statement for each table, cached for a minute.

use std::time::Duration;

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use entity::{ShopDate, ShopTime, customer, group, invoice, product, service, subscription, support_ticket};
use facade::cache::LoadingCache;
use facade::guard::Can;
use facade::record::{Currency, InRest, JsonType, Moment, Money, rounded};
use rust_decimal::Decimal;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, QueryTrait, Select,
};

use crate::scope::ShopScope;
use crate::{Error, Result, abilities};

abilities! {
    /// Shows figures of the shop.
    STATISTICS = "statistics", aliases ["statitics"], permissions ["admin.earn_page"];
}

/// How long figures are cached.
const CACHE_TTL: Duration = Duration::from_secs(60);
/// Decimals of amounts in sums. Amounts are summed as whole numbers of these parts, which is exact.
const DECIMALS: u32 = 4;

/// Figures of the shop. Deleted rows never count.
#[derive(Clone, SimpleObject)]
pub struct Statistics {
    /// When they were counted.
    generated_at: Moment,
    /// Customers.
    customers: CustomerFigures,
    /// Services.
    services: ServiceFigures,
    /// Products.
    products: ProductFigures,
    /// Groups of products.
    groups: GroupFigures,
    /// Invoices.
    invoices: InvoiceFigures,
    /// Support tickets.
    tickets: TicketFigures,
    /// Subscriptions.
    subscriptions: SubscriptionFigures,
    /// What was paid, by currency.
    revenue: Vec<Revenue>,
}

/// Figures of customers.
#[derive(Clone, SimpleObject)]
pub struct CustomerFigures {
    /// All of them.
    total: i64,
    /// Those who confirmed their e-mail address.
    verified: i64,
    /// Those who have a service.
    with_services: i64,
    /// Those who have an active service.
    with_active_services: i64,
    /// Customers who registered within the last 30 days.
    new_last_30_days: i64,
}

/// Figures of services.
#[derive(Clone, SimpleObject)]
pub struct ServiceFigures {
    /// All of them.
    total: i64,
    /// By status.
    by_status: ServicesByStatus,
}

/// Figures of products.
#[derive(Clone, SimpleObject)]
pub struct ProductFigures {
    /// All of them.
    total: i64,
    /// By status.
    by_status: ProductsByStatus,
    /// Those that are sold out.
    out_of_stock: i64,
}

/// Figures of groups.
#[derive(Clone, SimpleObject)]
pub struct GroupFigures {
    /// All of them.
    total: i64,
}

/// Figures of invoices.
#[derive(Clone, SimpleObject)]
pub struct InvoiceFigures {
    /// All of them.
    total: i64,
    /// By status.
    by_status: InvoicesByStatus,
    /// Pending ones that were due before today.
    overdue: i64,
}

/// Figures of support tickets.
#[derive(Clone, SimpleObject)]
pub struct TicketFigures {
    /// All of them.
    total: i64,
    /// By status.
    by_status: TicketsByStatus,
}

/// Figures of subscriptions.
#[derive(Clone, SimpleObject)]
pub struct SubscriptionFigures {
    /// Subscriptions that are active.
    active: i64,
}

/// What was paid in one currency.
#[derive(Clone, SimpleObject)]
pub struct Revenue {
    /// Its currency.
    currency: Currency,
    /// Ever.
    all_time: Takings,
    /// Since the first of this month.
    current_month: Takings,
    /// Within 30 days.
    last_30_days: Takings,
    /// Within 7 days.
    last_7_days: Takings,
    /// Since midnight in the shop's zone.
    today: Takings,
}

/// Paid invoices of one period.
#[derive(Clone, SimpleObject)]
pub struct Takings {
    /// How many.
    invoices: i64,
    /// What was paid.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    total: Money,
    /// The tax in it.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    tax: Money,
    /// The gateways' fees in it.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    fees: Money,
    /// What is left without tax and fees.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    net: Money,
}

/// Declares numbers of rows by status. Each field has the name of the status that it counts.
macro_rules! by_status {
    ($($(#[doc = $doc:literal])+ $Name:ident { $($(#[doc = $sdoc:literal])+ $status:ident),* $(,)? })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, SimpleObject, FromQueryResult)]
        pub struct $Name { $($(#[doc = $sdoc])+ $status: i64),* }

        impl $Name {
            /// Selects the number of rows of every status.
            fn count<E: EntityTrait>(select: Select<E>, column: impl ColumnTrait) -> Select<E> {
                select$(.column_as(count_if(column.eq(stringify!($status))), stringify!($status)))*
            }
        }
    )+};
}

by_status! {
    /// Services by status.
    ServicesByStatus {
        /// Not set up yet.
        pending,
        /// Running.
        active,
        /// Suspended.
        suspended,
        /// Ended.
        expired,
        /// Cancelled.
        cancelled,
        /// Not shown to the customer.
        hidden,
    }
    /// Products by status.
    ProductsByStatus {
        /// Shown, can be ordered.
        active,
        /// Shown, cannot be ordered.
        hidden,
        /// Not shown to customers.
        unreferenced,
    }
    /// Invoices by status.
    InvoicesByStatus {
        /// Not issued yet.
        draft,
        /// To be paid.
        pending,
        /// Paid.
        paid,
        /// Cancelled.
        cancelled,
        /// Paid back.
        refunded,
        /// Payment failed.
        failed,
    }
    /// Support tickets by status.
    TicketsByStatus {
        /// Waiting for staff.
        open,
        /// Answered by staff.
        answered,
        /// Closed.
        closed,
    }
}

/// The figures that were counted last.
struct CountedStatistics(LoadingCache<(), Statistics, Error>);

impl Default for CountedStatistics {
    fn default() -> Self {
        Self(LoadingCache::new(1, CACHE_TTL))
    }
}

/// Reading figures.
#[derive(Default)]
pub struct StatisticsQuery;

#[Object]
impl StatisticsQuery {
    /// Figures of the shop, at most a minute old.
    #[graphql(directive = Can::apply(&[STATISTICS]), cache_control(max_age = 30))]
    async fn statistics(&self, ctx: &Context<'_>) -> Result<Statistics> {
        let scope = ShopScope::from(ctx);
        if scope.config().count_ttl.is_zero() {
            return Box::pin(Statistics::count(scope)).await;
        }
        let counted =
            Box::pin(scope.state::<CountedStatistics>().0.get_or_load((), Statistics::count(scope))).await;
        counted.map_err(|error| error.clone_for_waiter())
    }
}

impl Statistics {
    async fn count(scope: ShopScope<'_>) -> Result<Self> {
        let now = scope.now();
        let (customers, services) = customers_and_services(scope, now).await?;
        Ok(Self {
            generated_at: Moment(now),
            customers,
            services,
            products: products(scope).await?,
            groups: GroupFigures { total: groups(scope).await? },
            invoices: invoices(scope, today(now)).await?,
            tickets: tickets(scope).await?,
            subscriptions: SubscriptionFigures { active: subscriptions(scope).await? },
            revenue: revenue(scope, now).await?,
        })
    }
}

/// The current day in the zone of the shop.
fn today(now: DateTime<Utc>) -> ShopDate {
    ShopDate(ShopTime(now).local().date())
}

/// The number of rows that meet a condition.
fn count_if(condition: impl Into<SimpleExpr>) -> SimpleExpr {
    Expr::Case(Box::new(Expr::case(condition.into(), 1))).count()
}

/// The only row of a statement that counts, with the number of all rows in `number_in_all`.
async fn figures<E: EntityTrait>(scope: ShopScope<'_>, select: Select<E>) -> Result<QueryResult> {
    let select = select.column_as(Expr::col(Asterisk).count(), "number_in_all").into_query();
    let row = scope.reader().query_one(&select).await?;
    row.ok_or_else(|| Error::internal("a statement that counts answered no row"))
}

fn number(row: &QueryResult, name: &str) -> Result<i64> {
    Ok(row.try_get("", name)?)
}

fn total(row: &QueryResult) -> Result<i64> {
    number(row, "number_in_all")
}

async fn customers_and_services(
    scope: ShopScope<'_>,
    now: DateTime<Utc>,
) -> Result<(CustomerFigures, ServiceFigures)> {
    use customer::Column;
    let recently = ShopTime(now - TimeDelta::days(30));
    let select = customer::Entity::find()
        .select_only()
        .filter(Column::IsDeleted.eq(false))
        .filter(Column::DeletedAt.is_null())
        .column_as(count_if(Column::EmailVerifiedAt.is_not_null()), "verified")
        .column_as(count_if(Column::CreatedAt.gte(recently)), "recent");
    let customers = figures(scope, select).await?;
    let of_active = Expr::case(service::Column::Status.eq("active"), service::Column::CustomerId.into_expr());
    let select = service::Entity::find()
        .select_only()
        .filter(service::Column::DeletedAt.is_null())
        .column_as(service::Column::CustomerId.into_expr().count_distinct(), "with_services")
        .column_as(Expr::Case(Box::new(of_active)).count_distinct(), "with_active_services");
    let services = figures(scope, ServicesByStatus::count(select, service::Column::Status)).await?;
    let customers = CustomerFigures {
        total: total(&customers)?,
        verified: number(&customers, "verified")?,
        with_services: number(&services, "with_services")?,
        with_active_services: number(&services, "with_active_services")?,
        new_last_30_days: number(&customers, "recent")?,
    };
    let by_status = ServicesByStatus::from_query_result(&services, "")?;
    Ok((customers, ServiceFigures { total: total(&services)?, by_status }))
}

async fn products(scope: ShopScope<'_>) -> Result<ProductFigures> {
    let select = super::product::live_products()
        .select_only()
        .column_as(count_if(product::Column::Stock.eq(0)), "out_of_stock");
    let row = figures(scope, ProductsByStatus::count(select, product::Column::Status)).await?;
    Ok(ProductFigures {
        total: total(&row)?,
        by_status: ProductsByStatus::from_query_result(&row, "")?,
        out_of_stock: number(&row, "out_of_stock")?,
    })
}

async fn groups(scope: ShopScope<'_>) -> Result<i64> {
    let select = group::Entity::find().filter(group::Column::DeletedAt.is_null());
    total(&figures(scope, select.select_only()).await?)
}

async fn invoices(scope: ShopScope<'_>, today: ShopDate) -> Result<InvoiceFigures> {
    use invoice::Column;
    let overdue = Column::Status.eq("pending").and(Column::DueDate.lt(today));
    let select = invoice::Entity::find()
        .select_only()
        .filter(Column::DeletedAt.is_null())
        .column_as(count_if(overdue), "overdue");
    let row = figures(scope, InvoicesByStatus::count(select, Column::Status)).await?;
    Ok(InvoiceFigures {
        total: total(&row)?,
        by_status: InvoicesByStatus::from_query_result(&row, "")?,
        overdue: number(&row, "overdue")?,
    })
}

async fn tickets(scope: ShopScope<'_>) -> Result<TicketFigures> {
    let select =
        support_ticket::Entity::find().select_only().filter(support_ticket::Column::DeletedAt.is_null());
    let row = figures(scope, TicketsByStatus::count(select, support_ticket::Column::Status)).await?;
    Ok(TicketFigures { total: total(&row)?, by_status: TicketsByStatus::from_query_result(&row, "")? })
}

async fn subscriptions(scope: ShopScope<'_>) -> Result<i64> {
    let select = subscription::Entity::find()
        .filter(subscription::Column::DeletedAt.is_null())
        .filter(subscription::Column::State.eq("active"));
    total(&figures(scope, select.select_only()).await?)
}

/// The revenue of paid invoices by currency, with one statement for all periods.
async fn revenue(scope: ShopScope<'_>, now: DateTime<Utc>) -> Result<Vec<Revenue>> {
    use invoice::Column;
    let mut select = invoice::Entity::find()
        .select_only()
        .column(Column::Currency)
        .filter(Column::Status.eq("paid"))
        .filter(Column::DeletedAt.is_null())
        .group_by(Column::Currency)
        .order_by_asc(Column::Currency);
    for (period, start) in periods(now) {
        let within = || match start {
            Some(start) => Column::PaidAt.gte(start),
            None => Column::Id.is_not_null(),
        };
        select = select.column_as(count_if(within()), format!("{period}_invoices"));
        for (name, column) in [("total", Column::Total), ("tax", Column::Tax), ("fees", Column::Fees)] {
            select = select.column_as(sum_if(scope, within(), column), format!("{period}_{name}"));
        }
    }
    let rows = scope.reader().query_all(&select.into_query()).await?;
    rows.iter().map(Revenue::read).collect()
}

/// The periods, each with its start; `None` is without limit.
fn periods(now: DateTime<Utc>) -> [(&'static str, Option<ShopTime>); 5] {
    let today = today(now);
    let month = ShopDate(today.0.with_day(1).unwrap_or(today.0));
    let days = |days| Some(ShopTime(now - TimeDelta::days(days)));
    [
        ("all_time", None),
        ("current_month", Some(ShopTime(month.midnight()))),
        ("last_30_days", days(30)),
        ("last_7_days", days(7)),
        ("today", Some(ShopTime(today.midnight()))),
    ]
}

/// The sum of an amount over the rows that meet a condition, as a whole number with [`DECIMALS`] decimals.
fn sum_if(scope: ShopScope<'_>, condition: SimpleExpr, amount: invoice::Column) -> SimpleExpr {
    let integer = Alias::new(match scope.backend() {
        DbBackend::MySql => "SIGNED",
        _ => "BIGINT",
    });
    let parts = amount.into_expr().mul(f64::from(10_u32.pow(DECIMALS)));
    let parts = SimpleExpr::from(Func::round(parts)).cast_as(integer.clone());
    Expr::Case(Box::new(Expr::case(condition, parts).finally(0))).sum().cast_as(integer)
}

impl Revenue {
    fn read(row: &QueryResult) -> Result<Self> {
        let currency = Currency::stored(&row.try_get::<String>("", "currency")?);
        let takings = |period| Takings::read(row, period, &currency);
        Ok(Self {
            all_time: takings("all_time")?,
            current_month: takings("current_month")?,
            last_30_days: takings("last_30_days")?,
            last_7_days: takings("last_7_days")?,
            today: takings("today")?,
            currency,
        })
    }
}

impl Takings {
    fn read(row: &QueryResult, period: &str, currency: &Currency) -> Result<Self> {
        // REST rounds to cents whatever the currency; a currency with more decimals keeps them.
        let decimals = Ord::max(currency.digits(), 2);
        let parts = |name: &str| number(row, &format!("{period}_{name}"));
        let sum = |name: &str| Ok::<_, Error>(rounded(Decimal::new(parts(name)?, DECIMALS), decimals));
        let (total, tax, fees) = (sum("total")?, sum("tax")?, sum("fees")?);
        let money = |amount| Money::exact(amount, currency.clone());
        Ok(Self {
            invoices: parts("invoices")?,
            total: money(total),
            tax: money(tax),
            fees: money(fees),
            net: money(total - tax - fees),
        })
    }
}
