//! Coupons: codes that take something off (docs/contract/application-store.md#8).

use async_graphql::{Context, ID, MergedObject, Object};
use chrono::NaiveDateTime;
use entity::{coupon, coupon_usage};
use facade::form::Form;
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{Decimal, Deleted, JsonText, KeyOf, Moment, require};
use facade::{filters, form, list, one, record, words};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use self::discount::CouponDiscount;
use super::customer::{self, Customer};
use super::group::Group;
use super::metadata;
use super::pricing::{self, PeriodPrices, Pricing, period_prices};
use super::product::{self, Product, ProductFilter, ProductSort};
use crate::scope::ShopScope;
use crate::{Result, abilities};

pub mod demo;
mod discount;
mod write;

abilities! {
    /// Lists coupons.
    INDEX = "coupons:index", permissions ["admin.manage_coupons"];
    /// Shows coupons.
    SHOW = "coupons:show", permissions ["admin.manage_coupons"];
    /// Makes coupons.
    STORE = "coupons:store", permissions ["admin.manage_coupons"];
    /// Changes coupons.
    UPDATE = "coupons:update", permissions ["admin.manage_coupons"];
    /// Deletes coupons.
    DELETE = "coupons:delete", permissions ["admin.manage_coupons"];
}

/// What the original calls a coupon in texts and polymorphic columns.
const MODEL: &str = "App\\Models\\Store\\Coupon";

words! {
    /// What the prices of a coupon mean.
    pub enum CouponType {
        /// Amounts of money.
        Fixed = "fixed",
        /// Parts of a hundred.
        Percent = "percent",
    }
}

record! {
    /// A code that takes something off the price. How much is in its row of prices, by billing period.
    pub struct Coupon(entity::coupon);
    #[can(SHOW, INDEX)] node: |_| live_coupons();
    columns {
        /// What the customer types; unique, case is ignored.
        code,
        /// What its prices mean.
        r#type as CouponType,
        /// To which payments it applies: -1 every one, 0 the first, n the first and n renewals.
        applied_month,
        /// Whether setup fees are waived.
        free_setup,
        /// From when it is valid; null: from the beginning.
        start_at,
        /// Until when it is valid; null: without end.
        end_at,
        /// Whether it is only for customers without a paid invoice.
        first_order_only,
        /// How often it may be used; 0 is without limit.
        max_uses,
        /// How often each customer may use it; 0 is without limit.
        max_uses_per_customer,
        /// How often it was used.
        usages,
        /// Not used by the shop.
        #[rest_only] unique_use,
        /// Identifier of the only customer who may use it; null: everybody.
        customer_id shown KeyOf<Customer>,
        /// Primary keys of the products of which one must be ordered with it, unless it is for all.
        products_required shown JsonText,
        /// Whether it is for all products.
        is_global,
        /// Least sum of the order in the shop's currency; 0 is without one.
        minimum_order_amount: Money,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// Products that it is for, unless it is for all.
        #[can(product::INDEX)] products: through<Product>(
            entity::coupon_product [coupon_id, product_id], product::live_products
        ) by ProductFilter, ProductSort,
        /// What it takes off, by billing period: shorter periods first, what is paid once last.
        #[can(pricing::INDEX)] discounts: each<Vec<CouponDiscount>>(discount::of_coupons, [Id, Type]),
        /// What it takes off, by billing period, as it is stored. Only the first row counts, whatever its currency.
        #[can(pricing::INDEX)] pricing_rows: many<Pricing>(entity::pricing::Column::RelatedId, pricing::prices_of_coupons),
        /// Paid invoices with it.
        usage_history: many<CouponUsage>(coupon_usage::Column::CouponId, usages_of_coupons)
            by CouponUsageFilter, CouponUsageSort,
        /// The only customer who may use it.
        #[can(customer::SHOW)] customer: one<Customer>(customer_id, customer::live_customers),
    }
}

record! {
    /// A paid invoice with a coupon.
    pub struct CouponUsage(entity::coupon_usage);
    columns {
        /// Identifier of the coupon.
        coupon_id shown KeyOf<Coupon>,
        /// Identifier of the customer; null once the customer was deleted.
        customer_id shown KeyOf<Customer>,
        /// When it was used.
        used_at,
        /// What it took off, in the shop's currency.
        amount: Money,
        /// When it was noted.
        created_at,
        /// When the note was last changed.
        updated_at,
    }
}

filters! {
    /// Conditions on paid invoices with a coupon; all given ones must hold.
    pub struct CouponUsageFilter, CouponUsageSort, CouponUsageSortField on entity::coupon_usage {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Identifier of the customer.
        customer_id: KeyFilter<Customer> = CustomerId,
        /// When it was used.
        used_at: DateTimeFilter = UsedAt,
        /// What it took off.
        amount: DecimalFilter = Amount,
        /// When it was noted.
        created_at: DateTimeFilter = CreatedAt,
        /// When the note was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

filters! {
    /// Conditions on coupons; all given ones must hold.
    pub struct CouponFilter, CouponSort, CouponSortField on entity::coupon {
        /// Primary key.
        database_id: IntFilter = Id,
        /// What the customer types.
        code: TextFilter = Code,
        /// What its prices mean.
        r#type: WordFilter<CouponType> = Type in CouponType,
        /// From when it is valid.
        start_at: DateTimeFilter = StartAt,
        /// Until when it is valid.
        end_at: DateTimeFilter = EndAt,
        /// How often it may be used; 0 is without limit.
        max_uses: IntFilter = MaxUses,
        /// How often it was used.
        usages: IntFilter = Usages,
        /// Whether it is for all products.
        is_global: BooleanFilter = IsGlobal,
        /// Identifier of the only customer who may use it.
        customer_id: KeyFilter<Customer> = CustomerId,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

/// Coupons that were not deleted.
fn live_coupons() -> Select<coupon::Entity> {
    coupon::Entity::find().filter(coupon::Column::DeletedAt.is_null())
}

fn usages_of_coupons() -> Select<coupon_usage::Entity> {
    coupon_usage::Entity::find().order_by_asc(coupon_usage::Column::Id)
}

one! {
    /// A coupon by its identifier.
    #[can(SHOW, INDEX)] pub CouponById: coupon<Coupon>(live_coupons);
}

list! {
    /// Coupons of the shop.
    #[can(INDEX)] pub CouponList: coupons<Coupon>(live_coupons) by CouponFilter, CouponSort,
    search(coupon::Column::Code): "Only coupons whose code holds this text, exact matches first.";
}

/// Reading coupons.
#[derive(MergedObject, Default)]
pub struct CouponQuery(CouponById, CouponList);

form! {
    /// A coupon. A new one needs code, type, payments, limits and least sum; in a change, fields that are left out stay as
    /// they are.
    pub struct CouponInput for entity::coupon {
        /// What the customer types; unique, case is ignored.
        code: String => [required_unless_partial(), string(), max(255), unique("coupons", "code")],
        /// What its prices mean.
        r#type: CouponType => [required_unless_partial(), one_of(CouponType::WORDS)],
        /// To which payments it applies: -1 every one, 0 the first, n the first and n renewals.
        applied_month: i64 => [required_unless_partial(), integer(), min(-1), max(10_000)],
        /// Whether setup fees are waived.
        free_setup: bool => [flag()],
        /// From when it is valid; null: from the beginning.
        start_at: NaiveDateTime => [nullable(), date(), before_stored("end_at"), timestamp()],
        /// Until when it is valid; null: without end.
        end_at: NaiveDateTime => [nullable(), date(), after("start_at"), timestamp()],
        /// Whether it is only for customers without a paid invoice.
        first_order_only: bool => [flag()],
        /// How often it may be used; 0 is without limit.
        max_uses: i64 => [required_unless_partial(), integer(), min(0)],
        /// How often each customer may use it; 0 is without limit.
        max_uses_per_customer: i64 => [required_unless_partial(), integer(), min(0)],
        /// How often it was used. A whole replacement must repeat it; a change of parts leaves it alone.
        #[no_column]
        #[rest_only]
        usages: i64 => [required_unless_partial(), integer(), min(0)],
        /// Whether it is for all products.
        is_global: bool => [flag()],
        /// Least sum of the order; 0 is without one.
        minimum_order_amount: Decimal => [
            required_unless_partial(), numeric(), min(0), max(999_999.99), in_graphql(decimals(2))
        ],
        /// Primary keys of the products that it is for.
        #[no_column]
        products: Vec<KeyOf<Product>> => [nullable(), array(), each([integer(), exists("products", "id")])],
        /// Primary keys of the products of which one must be ordered with it, unless it is for all.
        #[no_column]
        required_products: Vec<KeyOf<Product>> => [array(), each([integer(), exists("products", "id")])],
        /// Primary keys of groups whose products it is for, beside those that are named.
        #[no_column]
        groups: Vec<KeyOf<Group>> => [nullable(), array(), each([integer(), exists("groups", "id")])],
        /// Identifier of the only customer who may use it; null: everybody.
        customer_id: KeyOf<Customer> => [nullable(), integer(), exists("customers", "id")],
        /// What it takes off, by billing period.
        #[no_column]
        pricing: PeriodPrices => [period_prices()],
    }
}

/// Changing coupons.
#[derive(Default)]
pub struct CouponMutation;

#[Object]
impl CouponMutation {
    /// Makes a coupon, with its row of prices.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn coupon_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The coupon.")] input: Form<CouponInput>,
    ) -> Result<Coupon> {
        let scope = ShopScope::from(ctx);
        write::create(scope, scope.check_new(input).await?).await.map(Coupon)
    }

    /// Changes a coupon.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn coupon_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<CouponInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Coupon> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let stored = require::<Coupon>(*scope, live_coupons, &id, MODEL).await?.0;
        let dates = [("start_at", stored.start_at), ("end_at", stored.end_at)];
        let dates = dates.map(|(name, date)| (name, date.map(|date| date.local().to_string())));
        let dates = dates.iter().filter_map(|(name, date)| Some((*name, date.as_deref()?)));
        let input = scope.check_change(input, stored.id, &dates.collect::<Vec<_>>()).await?;
        write::update(scope, stored.id, input).await.map(Coupon)
    }

    /// Deletes a coupon with its prices, its products and the notes of its usage. Its code stays taken.
    #[graphql(directive = Can::apply(&[DELETE]), directive = Deletes::apply())]
    async fn coupon_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<Coupon>> {
        let scope = ShopScope::from(ctx);
        let id = require::<Coupon>(*scope, live_coupons, &id, MODEL).await?.0.id;
        write::delete(ctx, scope, id).await
    }
}
