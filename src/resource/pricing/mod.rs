//! Prices: one row has all prices of one thing in one currency (docs/contract/application-store.md#7).

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{
    Context, ID, InputObject, InputType, InputValueError, InputValueResult, MaybeUndefined, MergedObject,
    Object, Value,
};
use entity::{Id, Price, ShopTime, pricing, product as sold};
use facade::column::Column;
use facade::filter::equals;
use facade::form::{Constrained, Form};
use facade::guard::Can;
use facade::node::database_id;
use facade::page::List;
use facade::payload::Deletes;
use facade::record::{Currency, Decimal, Deleted, Key, KeyOf, Record as _, View, require};
use facade::rest_only::is_public;
use facade::transaction::Transaction;
use facade::write::{lock, lock_only, lock_row, put, save};
use facade::{filters, form, list, one, record, words};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::product::{self, Product};
use crate::scope::ShopScope;
use crate::{Result, abilities};

pub mod cheapest;
pub mod demo;
pub mod price;
mod rule;
pub mod seed;

pub use self::rule::{period_prices, product_prices};

abilities! {
    /// Lists prices.
    INDEX = "pricings:index", aliases ["pricing:index"], permissions ["admin.manage_products"];
    /// Shows prices.
    SHOW = "pricings:show", aliases ["pricing:show"], permissions ["admin.manage_products"];
    /// Makes prices.
    STORE = "pricings:store", aliases ["pricings:create", "pricing:store"], permissions ["admin.manage_products"];
    /// Changes prices.
    UPDATE = "pricings:update", aliases ["pricing:update"], permissions ["admin.manage_products"];
    /// Deletes prices.
    DELETE = "pricings:delete", aliases ["pricing:delete"], permissions ["admin.manage_products"];
}

/// The class of a row of prices in texts of the original.
const MODEL: &str = "App\\Models\\Store\\Pricing";

words! {
    /// Kind of thing that prices can be written for.
    pub enum PricingTarget {
        /// A product.
        Product = "product",
        /// A customer's service.
        Service = "service",
        /// A coupon: what it takes off.
        Coupon = "coupon",
        /// An option that a customer's service has.
        ConfigoptionService = "configoption_service",
        /// A configurable option.
        ConfigOption = "config_option",
        /// A choice of a configurable option.
        Option = "option",
    }
}

/// The table of each kind of target.
const TARGETS: &[(&str, &str)] = &[
    ("product", "products"),
    ("service", "services"),
    ("coupon", "coupons"),
    ("configoption_service", "config_options_services"),
    ("config_option", "config_options"),
    ("option", "config_options_options"),
];

/// Currencies that prices can be written in.
const CURRENCIES: &[&str] = &["USD", "EUR", "GBP", "CAD", "CHF"];

record! {
    /// The prices of one thing in one currency, as they are stored; null is not offered, 0 is free. Of a coupon, what it takes off.
    pub struct Pricing(entity::pricing);
    #[can(SHOW, INDEX)] node: |_| live_prices();
    columns {
        /// Identifier of the thing.
        related_id shown Key,
        /// Kind of the thing: `product`, `service`, `coupon` and others.
        related_type,
        /// Currency of the row.
        currency shown Currency,
        /// Price for 7 days.
        weekly,
        /// Setup fee with it.
        setup_weekly,
        /// Price without renewal.
        onetime,
        /// Price for a month.
        monthly,
        /// Price for 3 months.
        quarterly,
        /// Price for 6 months.
        semiannually,
        /// Price for a year.
        annually,
        /// Price for 2 years.
        biennially,
        /// Price for 3 years.
        triennially,
        /// Setup fee without renewal.
        setup_onetime,
        /// Setup fee with monthly payment.
        setup_monthly,
        /// Setup fee with quarterly payment.
        setup_quarterly,
        /// Setup fee with payment every 6 months.
        setup_semiannually,
        /// Setup fee with yearly payment.
        setup_annually,
        /// Setup fee with payment every 2 years.
        setup_biennially,
        /// Setup fee with payment every 3 years.
        setup_triennially,
        /// When the row was deleted.
        deleted_at,
    }
    branches {
        /// The product that it is for, if it is for one.
        #[can(product::SHOW)] product: one_by<Product>(product_of, [RelatedId, RelatedType], product::live_products),
    }
}

filters! {
    /// Conditions on rows of prices; all given ones must hold.
    pub struct PricingFilter, PricingSort, PricingSortField on entity::pricing {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Primary key of the thing.
        related_id: IntFilter = RelatedId,
        /// Kind of the thing.
        related_type: TextFilter = RelatedType,
        /// Currency, three letters.
        currency: TextFilter = Currency,
        /// Price for 7 days.
        weekly: DecimalFilter = Weekly,
        /// Price without renewal.
        onetime: DecimalFilter = Onetime,
        /// Price for a month.
        monthly: DecimalFilter = Monthly,
        /// Price for 3 months.
        quarterly: DecimalFilter = Quarterly,
        /// Price for 6 months.
        semiannually: DecimalFilter = Semiannually,
        /// Price for a year.
        annually: DecimalFilter = Annually,
        /// Price for 2 years.
        biennially: DecimalFilter = Biennially,
        /// Price for 3 years.
        triennially: DecimalFilter = Triennially,
        /// Setup fee with weekly payment.
        setup_weekly: DecimalFilter = SetupWeekly,
        /// Setup fee without renewal.
        setup_onetime: DecimalFilter = SetupOnetime,
        /// Setup fee with monthly payment.
        setup_monthly: DecimalFilter = SetupMonthly,
        /// Setup fee with quarterly payment.
        setup_quarterly: DecimalFilter = SetupQuarterly,
        /// Setup fee with payment every 6 months.
        setup_semiannually: DecimalFilter = SetupSemiannually,
        /// Setup fee with yearly payment.
        setup_annually: DecimalFilter = SetupAnnually,
        /// Setup fee with payment every 2 years.
        setup_biennially: DecimalFilter = SetupBiennially,
        /// Setup fee with payment every 3 years.
        setup_triennially: DecimalFilter = SetupTriennially,
    }
}

/// Rows of prices that are not deleted.
pub fn live_prices() -> Select<pricing::Entity> {
    pricing::Entity::find().filter(pricing::Column::DeletedAt.is_null())
}

/// Primary key of the product that a row of prices is for, if it is for one.
fn product_of(row: View<'_>) -> std::result::Result<Option<i64>, DbErr> {
    let is_for_product = row.cell(pricing::Column::RelatedType as usize)?.text() == Some("product");
    let related = row.cell(pricing::Column::RelatedId as usize)?.int();
    Ok(related.filter(|_| is_for_product))
}

/// Prices of products, in the order in which they were created.
pub fn prices_of_products() -> Select<pricing::Entity> {
    prices_of("product")
}

/// Prices of services, in the order in which they were created.
pub fn prices_of_services() -> Select<pricing::Entity> {
    prices_of("service")
}

/// Prices of coupons, their discounts, in the order in which they were created.
pub fn prices_of_coupons() -> Select<pricing::Entity> {
    prices_of("coupon")
}

/// Writes prices to the first row of prices of a target, whatever its currency. Without one, a row in `currency` is inserted. The caller has
/// locked the target (docs/contract/application-store.md#5.4). Answers whether anything has changed.
///
/// # Errors
/// When the database fails.
pub async fn write_first(
    transaction: &Transaction,
    target: (PricingTarget, Id),
    prices: &PeriodPrices,
    currency: &str,
) -> Result<bool> {
    let row = lock_first(transaction, target, Condition::all()).await?;
    write_row(transaction, target, row, prices, currency).await
}

/// Writes prices to the first row of prices of a target that has this currency. Without one, a row is inserted. The caller has
/// locked the target. Answers whether anything has changed.
///
/// # Errors
/// When the database fails.
pub async fn write_in_currency(
    transaction: &Transaction,
    target: (PricingTarget, Id),
    prices: &PeriodPrices,
    currency: &str,
) -> Result<bool> {
    let in_currency =
        equals(&Column::of(pricing::Column::Currency), currency, transaction.get_database_backend());
    let row = lock_first(transaction, target, in_currency.into_condition()).await?;
    write_row(transaction, target, row, prices, currency).await
}

/// Writes prices to a row of prices of a target, or inserts one in `currency`.
async fn write_row(
    transaction: &Transaction,
    (kind, id): (PricingTarget, Id),
    row: Option<pricing::Model>,
    prices: &PeriodPrices,
    currency: &str,
) -> Result<bool> {
    let Some(row) = row else {
        let mut row = pricing::ActiveModel {
            related_id: Set(id),
            related_type: Set(kind.into()),
            currency: Set(currency.to_owned()),
            ..Default::default()
        };
        prices.write(&mut row);
        row.insert(transaction).await?;
        return Ok(true);
    };
    let mut row = row.into_active_model();
    prices.write(&mut row);
    let is_changed = row.is_changed();
    if is_changed {
        row.update(transaction).await?;
    }
    Ok(is_changed)
}

/// Locks the first row of prices of a target for which the condition holds.
async fn lock_first(
    transaction: &Transaction,
    (kind, id): (PricingTarget, Id),
    condition: Condition,
) -> Result<Option<pricing::Model>> {
    // Reads first: the table has no index on the target, and a search that locks would lock all of its rows.
    let first = prices_of(&String::from(kind)).filter(pricing::Column::RelatedId.eq(id));
    let Some(first) = first.filter(condition).limit(1).one(transaction).await? else { return Ok(None) };
    Ok(lock_row(transaction, live_prices().filter(pricing::Column::Id.eq(first.id))).await?)
}

/// Deletes the prices of a target. The caller has locked the target.
///
/// # Errors
/// When the database fails.
pub async fn delete_of(
    transaction: &Transaction,
    target: PricingTarget,
    id: Id,
    now: ShopTime,
) -> Result<()> {
    let rows = prices_of(&String::from(target)).filter(pricing::Column::RelatedId.eq(id));
    let keys: Vec<Id> = rows.all(transaction).await?.into_iter().map(|row| row.id).collect();
    pricing::Entity::update_many()
        .col_expr(pricing::Column::DeletedAt, Expr::value(now))
        .filter(pricing::Column::Id.is_in(keys))
        .filter(pricing::Column::DeletedAt.is_null())
        .exec(transaction)
        .await?;
    Ok(())
}

/// Locks the product that a row of prices is for until the transaction ends, so that it is not deleted meanwhile.
async fn lock_product(transaction: &Transaction, row: &pricing::ActiveModel) -> Result<()> {
    let (Some(kind), Some(id)) = (row.related_type.try_as_ref(), row.related_id.try_as_ref()) else {
        return Ok(());
    };
    if kind == "product" {
        lock_only(transaction, sold::Entity::find_by_id(*id)).await?;
    }
    Ok(())
}

fn prices_of(related_type: &str) -> Select<pricing::Entity> {
    live_prices().filter(pricing::Column::RelatedType.eq(related_type)).order_by_asc(pricing::Column::Id)
}

words! {
    /// How often something is paid.
    pub enum BillingPeriod {
        /// Every 7 days.
        Weekly = "weekly",
        /// Once, without renewal.
        Onetime = "onetime",
        /// Every month.
        Monthly = "monthly",
        /// Every 3 months.
        Quarterly = "quarterly",
        /// Every 6 months.
        Semiannually = "semiannually",
        /// Every year.
        Annually = "annually",
        /// Every 2 years.
        Biennially = "biennially",
        /// Every 3 years.
        Triennially = "triennially",
    }
}

impl BillingPeriod {
    /// How many periods are in how many months; nothing for what is paid once. A year has 52 weeks.
    pub const fn months(self) -> Option<(u32, u32)> {
        match self {
            Self::Weekly => Some((52, 12)),
            Self::Onetime => None,
            Self::Monthly => Some((1, 1)),
            Self::Quarterly => Some((1, 3)),
            Self::Semiannually => Some((1, 6)),
            Self::Annually => Some((1, 12)),
            Self::Biennially => Some((1, 24)),
            Self::Triennially => Some((1, 36)),
        }
    }

    /// Its place among the periods by their length; what is paid once comes last.
    const fn order(self) -> u32 {
        match self.months() {
            Some((times, months)) => months * 100 / times,
            None => u32::MAX,
        }
    }
}

/// The prices of a row by period, in the order of the columns. A price of `None` is not offered.
pub fn by_period(row: &pricing::Model) -> [(BillingPeriod, Option<f64>); 8] {
    let plain = |price: Option<Price>| price.map(|price| price.0);
    [
        (BillingPeriod::Weekly, row.weekly),
        (BillingPeriod::Onetime, plain(row.onetime)),
        (BillingPeriod::Monthly, plain(row.monthly)),
        (BillingPeriod::Quarterly, plain(row.quarterly)),
        (BillingPeriod::Semiannually, plain(row.semiannually)),
        (BillingPeriod::Annually, plain(row.annually)),
        (BillingPeriod::Biennially, plain(row.biennially)),
        (BillingPeriod::Triennially, plain(row.triennially)),
    ]
}

/// Price and setup fee for one billing period.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PeriodPrice {
    /// Price; null takes the period off the offer.
    #[graphql(directive = Constrained::apply([("min", 0.into()), ("max", rule::MAX_PRICE.into())]))]
    pub price: MaybeUndefined<Decimal>,
    /// Setup fee.
    #[graphql(directive = Constrained::apply([("min", 0.into()), ("max", rule::MAX_PRICE.into())]))]
    pub setup: MaybeUndefined<Decimal>,
}

/// Prices by billing period; periods that are left out stay as they are.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PeriodPrices {
    /// 7 days.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub weekly: Option<PeriodPrice>,
    /// Without renewal.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub onetime: Option<PeriodPrice>,
    /// A month.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub monthly: Option<PeriodPrice>,
    /// 3 months.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub quarterly: Option<PeriodPrice>,
    /// 6 months.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub semiannually: Option<PeriodPrice>,
    /// A year.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub annually: Option<PeriodPrice>,
    /// 2 years.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub biennially: Option<PeriodPrice>,
    /// 3 years.
    #[graphql(directive = Constrained::apply([("nullable", false.into())]))]
    pub triennially: Option<PeriodPrice>,
}

impl PeriodPrices {
    /// The prices that an update gives. Unless it is partial, what an entry leaves out becomes null
    /// (docs/contract/application-store.md#5.4).
    pub fn of_update(scope: ShopScope<'_>, input: &MaybeUndefined<Self>) -> Self {
        input.value().cloned().unwrap_or_default().completed(scope)
    }

    fn completed(self, scope: ShopScope<'_>) -> Self {
        let mut prices = self;
        if !scope.is_partial() {
            for amount in prices.entries().flat_map(|entry| [&mut entry.price, &mut entry.setup]) {
                if amount.is_undefined() {
                    *amount = MaybeUndefined::Null;
                }
            }
        }
        prices
    }

    /// Whether no price and no fee is given.
    pub fn is_empty(&mut self) -> bool {
        self.entries().all(|entry| entry.price.is_undefined() && entry.setup.is_undefined())
    }

    /// The entries of the periods that are given.
    fn entries(&mut self) -> impl Iterator<Item = &mut PeriodPrice> {
        let Self { weekly, onetime, monthly, quarterly, semiannually, annually, biennially, triennially } =
            self;
        [weekly, onetime, monthly, quarterly, semiannually, annually, biennially, triennially]
            .into_iter()
            .flatten()
    }

    /// Writes the given prices to a row.
    pub fn write(&self, row: &mut pricing::ActiveModel) {
        if let Some(given) = &self.weekly {
            put(&mut row.weekly, given.price);
            put(&mut row.setup_weekly, given.setup);
        }
        let periods = [
            (&self.onetime, &mut row.onetime, &mut row.setup_onetime),
            (&self.monthly, &mut row.monthly, &mut row.setup_monthly),
            (&self.quarterly, &mut row.quarterly, &mut row.setup_quarterly),
            (&self.semiannually, &mut row.semiannually, &mut row.setup_semiannually),
            (&self.annually, &mut row.annually, &mut row.setup_annually),
            (&self.biennially, &mut row.biennially, &mut row.setup_biennially),
            (&self.triennially, &mut row.triennially, &mut row.setup_triennially),
        ];
        for (given, price, setup) in periods {
            if let Some(given) = given {
                put(price, given.price);
                put(setup, given.setup);
            }
        }
    }
}

/// The prices of a product in one currency, by billing period; periods that are left out stay as they are.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "ProductPricing")]
pub struct CurrencyPrices {
    /// The currency; without it, the shop's own.
    pub currency: Option<Currency>,
    /// The prices.
    #[graphql(flatten)]
    pub prices: PeriodPrices,
}

/// The prices of a product in some currencies. REST sends those of one, without its name.
#[derive(Clone, Debug)]
pub struct ProductPricing(Vec<CurrencyPrices>);

impl ProductPricing {
    /// The prices as they were sent.
    pub fn given(&self) -> Vec<CurrencyPrices> {
        self.0.clone()
    }

    /// The prices that an update gives, as [`PeriodPrices::of_update`].
    pub fn of_update(&self, scope: ShopScope<'_>) -> Vec<CurrencyPrices> {
        let completed =
            |given: CurrencyPrices| CurrencyPrices { prices: given.prices.completed(scope), ..given };
        self.given().into_iter().map(completed).collect()
    }
}

impl InputType for ProductPricing {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        "ProductPricingList".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        match is_public() {
            true => <Vec<CurrencyPrices> as InputType>::create_type_info(registry),
            false => PeriodPrices::create_type_info(registry),
        }
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Vec::parse(value).map(Self).map_err(InputValueError::propagate)
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

one! {
    /// A row of prices by its identifier.
    #[can(SHOW, INDEX)] pub PricingById: pricing<Pricing>(live_prices);
}

list! {
    /// Rows of prices, of all things that have some.
    #[can(INDEX)] pub PricingList: pricings<Pricing>(live_prices) by PricingFilter, PricingSort,
    narrowed(by_product_and_currency) {
        product: ID = "Only prices of this product: global identifier, or the primary key's digits.",
        currency: String = "Only prices in this currency, in any case.",
    };
}

/// Narrows the list by its arguments `product` and `currency`.
async fn by_product_and_currency(
    scope: ShopScope<'_>,
    mut prices: List<pricing::Entity>,
    product: Option<ID>,
    currency: Option<String>,
) -> Result<List<pricing::Entity>> {
    if let Some(product) = product {
        prices = prices.only(of_product(scope, &product));
    }
    if let Some(currency) = currency {
        prices = prices.only(equals(&Column::of(pricing::Column::Currency), &currency, scope.backend()));
    }
    Ok(prices)
}

/// Reading prices.
#[derive(MergedObject, Default)]
pub struct PricingQuery(PricingById, PricingList);

/// The condition on prices of one product. It matches nothing if `id` is not an identifier of a product.
fn of_product(scope: ShopScope<'_>, id: &str) -> Condition {
    match database_id(*scope, Product::NAME, id) {
        Some(id) => Condition::all()
            .add(pricing::Column::RelatedType.eq("product"))
            .add(pricing::Column::RelatedId.eq(id)),
        None => Condition::all().add(pricing::Column::Id.is_null()),
    }
}

form! {
    /// A row of prices. A new one needs the thing and the currency; in a change, fields that are
    /// left out stay as they are.
    pub struct PricingInput for entity::pricing {
        /// Identifier of the thing.
        related_id: Key => [required_unless_partial(), integer(), exists_for("related_type", TARGETS)],
        /// Primary key of a product, in place of `relatedId` and `relatedType`.
        #[no_column]
        product_id: KeyOf<Product> => [nullable(), integer()],
        /// Kind of the thing.
        related_type: PricingTarget => [required_unless_partial(), string(), one_of(PricingTarget::WORDS)],
        /// Currency.
        currency: Currency => [required_unless_partial(), string(), one_of(CURRENCIES)],
        /// Price without renewal; null takes it off the offer.
        onetime: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Price for a month; null takes it off the offer.
        monthly: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Price for 3 months; null takes it off the offer.
        quarterly: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Price for 6 months; null takes it off the offer.
        semiannually: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Price for a year; null takes it off the offer.
        annually: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Price for 2 years; null takes it off the offer.
        biennially: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Price for 3 years; null takes it off the offer.
        triennially: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Setup fee without renewal.
        setup_onetime: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Setup fee with monthly payment.
        setup_monthly: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Setup fee with quarterly payment.
        setup_quarterly: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Setup fee with payment every 6 months.
        setup_semiannually: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Setup fee with yearly payment.
        setup_annually: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Setup fee with payment every 2 years.
        setup_biennially: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Setup fee with payment every 3 years.
        setup_triennially: Decimal => [nullable(), numeric(), min(0), max(999_999.99)],
        /// Prices by billing period, weekly ones too; what is given beside it by name wins.
        #[no_column]
        pricing: PeriodPrices => [nullable(), period_prices()],
    }
}

impl PricingInput {
    /// Writes the given prices to a row. A price given by its own field wins over one in `pricing`.
    fn write(&self, row: &mut pricing::ActiveModel) {
        if let MaybeUndefined::Value(prices) = &self.pricing {
            prices.write(row);
        }
        self.write_to(row);
    }
}

/// `product_id` gives the defaults of `related_id` and `related_type`, unless another type is given.
fn set_target_defaults(input: &mut Form<PricingInput>) {
    let null = |name: &str| matches!(input.raw(name), None | Some(Value::Null));
    let product = match input.raw("product_id") {
        Some(product) if null("related_id") && *product != Value::Null => {
            let key = KeyOf::<Product>::parse(Some(product.clone()));
            key.map_or_else(|_| product.clone(), |key| key.to_value())
        }
        _ => return,
    };
    let kind = match input.raw("related_type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Enum(kind)) => Some(kind.as_str()),
        _ => None,
    };
    if kind.is_none_or(|kind| kind.eq_ignore_ascii_case("product")) {
        input.set_default("related_id", product);
        input.set_default("related_type", Value::from("product"));
    }
}

/// Changing prices.
#[derive(Default)]
pub struct PricingMutation;

#[Object]
impl PricingMutation {
    /// Makes a row of prices.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn pricing_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The prices.")] mut input: Form<PricingInput>,
    ) -> Result<Pricing> {
        let scope = ShopScope::from(ctx);
        set_target_defaults(&mut input);
        let mut row = pricing::ActiveModel { ..Default::default() };
        scope.check_new(input).await?.write(&mut row);
        let row = &row;
        scope
            .write(|transaction| async move {
                lock_product(&transaction, row).await?;
                let row = row.clone().insert(&transaction).await?;
                Ok(Pricing(row))
            })
            .await
    }

    /// Changes a row of prices.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn pricing_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] mut input: Form<PricingInput>,
    ) -> Result<Pricing> {
        let scope = ShopScope::from(ctx);
        let stored = require::<Pricing>(*scope, live_prices, &id, MODEL).await?.0;
        set_target_defaults(&mut input);
        if scope.is_partial() && input.has("related_type") {
            input.set_default("related_id", stored.related_id.0.into());
        }
        let kind = [("related_type", stored.related_type.as_str())];
        let input = scope.check_change(input, stored.id, &kind).await?;
        update(scope, stored, input).await.map(Pricing)
    }

    /// Deletes a row of prices.
    #[graphql(directive = Can::apply(&[DELETE]), directive = Deletes::apply())]
    async fn pricing_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Deleted<Pricing>> {
        let scope = ShopScope::from(ctx);
        let id = require::<Pricing>(*scope, live_prices, &id, MODEL).await?.0.id;
        delete(ctx, scope, id).await
    }
}

async fn update(scope: ShopScope<'_>, stored: pricing::Model, input: PricingInput) -> Result<pricing::Model> {
    let (stored, input) = (&stored, &input);
    scope
        .write(|transaction| async move {
            let mut target = stored.clone().into_active_model();
            put(&mut target.related_id, input.related_id);
            put(&mut target.related_type, input.related_type);
            // Locks the product before its prices, in the same order as changes of a product.
            lock_product(&transaction, &target).await?;
            let stored =
                lock::<Pricing>(&transaction, live_prices(), stored.id, MODEL, scope.expected()).await?;
            let mut row = stored.clone().into_active_model();
            input.write(&mut row);
            if !row.is_changed() {
                return Ok(stored);
            }
            let row = save(&transaction, row, scope.now()).await?;
            Ok(row)
        })
        .await
}

async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<Pricing>> {
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            let pricing = lock::<Pricing>(&transaction, live_prices(), id, MODEL, scope.expected()).await?;
            let deleted_row = pricing::Model { deleted_at: Some(now), ..pricing.clone() };
            let deleted = Deleted::<Pricing>::read(ctx, &transaction, deleted_row).await?;
            if !deleted.is_read() {
                return Ok(deleted);
            }
            let mut row = pricing.into_active_model();
            row.deleted_at = Set(Some(now));
            save(&transaction, row, now.0).await?;
            Ok(deleted)
        })
        .await
}
