//! The lowest price of the products of a group, as the original tells it in REST (docs/contract/application-store.md#9.3,
//! docs/contract/application-store.md#9.4): computed for all groups of a level by two statements.

use std::collections::HashMap;

use async_graphql::SimpleObject;
use entity::{Id, group, metadata, pricing, product};
use facade::record::{Currency, InRest, JsonType, Money, View};
use facade::words;
use rust_decimal::Decimal;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};

use crate::Result;
use crate::resource::pricing::price::by_thing;
use crate::resource::pricing::{self as prices, BillingPeriod};
use crate::resource::product::MODEL as PRODUCT;
use crate::scope::ShopScope;
use crate::shop::tax::Tax;

/// Decimals of amounts, whatever the currency.
const CENTS: u32 = 2;
/// Maximum number of groups in one statement, which has each key twice.
const MAX_GROUPS: usize = 10_000;

words! {
    /// Whether the prices that the shop's staff enter hold the tax.
    pub enum TaxMode {
        /// Tax comes on top of them.
        TaxExcluded = "tax_excluded",
        /// They hold the tax.
        TaxIncluded = "tax_included",
    }
}

/// What the products of a group cost at least.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct StartPrice {
    /// Whether entered prices hold the tax.
    mode: TaxMode,
    /// Price without tax.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    price_ht: Money,
    /// Setup fee without tax.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    setup_ht: Money,
    /// First payment without tax; the original never sets it.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    firstpayment_ht: Option<Money>,
    /// Price as it was entered.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    base_price: Money,
    /// Setup fee as it was entered.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    base_setup: Money,
    /// First payment as it was entered; the original never sets it.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    base_firstpayment: Option<Money>,
    /// Currency, three letters.
    currency: String,
    /// Billing period.
    recurring: BillingPeriod,
    /// Whether it costs nothing.
    free: bool,
    /// The same as `priceHt`.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    price: Money,
    /// The same as `setupHt`.
    #[graphql(directive = InRest::apply(JsonType::Number))]
    setup: Money,
}

impl StartPrice {
    fn new(tax: Tax, offer: Offer) -> Self {
        let entered = Decimal::try_from(offer.price).unwrap_or_default();
        let (bare, _) = tax.net_and_gross(entered, CENTS);
        let (mode, base) = match tax.is_included {
            true => (TaxMode::TaxIncluded, entered),
            false => (TaxMode::TaxExcluded, bare),
        };
        let currency = Currency::stored(&offer.currency);
        let money = |amount| Money::exact(amount, currency.clone());
        let none = money(Decimal::ZERO);
        Self {
            mode,
            price_ht: money(bare),
            setup_ht: none.clone(),
            firstpayment_ht: None,
            base_price: money(base),
            base_setup: none.clone(),
            base_firstpayment: None,
            currency: offer.currency,
            recurring: offer.period,
            free: bare.is_zero(),
            price: money(bare),
            setup: none,
        }
    }
}

/// A price with its currency and period.
#[derive(Clone, Debug, PartialEq)]
struct Offer {
    price: f64,
    currency: String,
    period: BillingPeriod,
}

/// A product that counts for its group and for the parent of the group.
#[derive(FromQueryResult)]
struct Candidate {
    id: Id,
    group_id: Id,
    parent_id: Option<Id>,
}

/// The start price of each group, in their order.
///
/// # Errors
/// When the database fails.
pub(super) async fn of_groups(scope: ShopScope<'_>, groups: &[View<'_>]) -> Result<Vec<StartPrice>> {
    let keys = View::keys(groups)?;
    let candidates = candidates(scope, &keys).await?;
    let products = candidates.iter().map(|candidate| candidate.id).collect();
    let offers = by_thing(scope, products, prices::prices_of_products).await?;
    let mut own: HashMap<Id, Vec<Id>> = HashMap::new();
    let mut below: HashMap<Id, Vec<Id>> = HashMap::new();
    for Candidate { id, group_id, parent_id } in candidates {
        own.entry(group_id).or_default().push(id);
        if let Some(parent) = parent_id.filter(|parent| *parent != group_id) {
            below.entry(parent).or_default().push(id);
        }
    }
    let tax = Tax::of(scope.shop(), scope.principal()?.owner.customer().into()).await?;
    let currency = scope.currency().await?;
    let prices = keys.iter().map(|group| {
        let products = [&own, &below].into_iter().filter_map(|lists| lists.get(group)).flatten();
        let offers = products.map(|product| offers.get(product).map_or(&[][..], Vec::as_slice));
        StartPrice::new(tax, lowest(&currency, offers))
    });
    Ok(prices.collect())
}

/// The keys of products that are made for one customer, and do not count.
pub(super) fn personalized_products() -> SelectStatement {
    let personalized = metadata::Entity::find()
        .select_only()
        .column(metadata::Column::ModelId)
        .filter(metadata::Column::ModelType.eq(PRODUCT))
        .filter(metadata::Column::Key.eq("is_personalized_product"))
        .filter(metadata::Column::Value.is_not_null())
        .filter(metadata::Column::Value.is_not_in(["", "0"]));
    personalized.into_query()
}

/// The active products of the groups and of their children, in the order in which they are compared.
async fn candidates(scope: ShopScope<'_>, keys: &[Id]) -> Result<Vec<Candidate>> {
    let in_group = product::Entity::belongs_to(group::Entity)
        .from(product::Column::GroupId)
        .to(group::Column::Id)
        .into();
    let select = product::Entity::find()
        .select_only()
        .columns([product::Column::Id, product::Column::GroupId])
        .column(group::Column::ParentId)
        .join(JoinType::InnerJoin, in_group)
        .filter(product::Column::DeletedAt.is_null())
        .filter(product::Column::Status.eq("active"))
        .filter(product::Column::Id.not_in_subquery(personalized_products()))
        .order_by_asc(product::Column::GroupId)
        .order_by_asc(product::Column::Id);
    let mut found = Vec::new();
    for keys in keys.chunks(MAX_GROUPS) {
        let below = Condition::all()
            .add(group::Column::ParentId.is_in(keys.iter().copied()))
            .add(group::Column::DeletedAt.is_null());
        let own = product::Column::GroupId.is_in(keys.iter().copied());
        let select = select.clone().filter(Condition::any().add(own).add(below));
        found.extend(select.into_model::<Candidate>().all(scope.reader()).await?);
    }
    Ok(found)
}

/// The lowest price of products, each given by its rows of prices. Currency and period of one product are those that
/// the next is looked up with, as in the original.
fn lowest<'a>(currency: &str, products: impl Iterator<Item = &'a [pricing::Model]>) -> Offer {
    let mut last = Offer { price: 0.0, currency: currency.to_owned(), period: BillingPeriod::Monthly };
    let mut lowest: Option<f64> = None;
    for rows in products {
        let Some(offer) = of_product(rows, &last.currency, last.period) else { continue };
        lowest = Some(lowest.map_or(offer.price, |lowest| lowest.min(offer.price)));
        last = offer;
    }
    Offer { price: lowest.unwrap_or(0.0), ..last }
}

/// The offer of a product; nothing if its rows have no price.
fn of_product(rows: &[pricing::Model], currency: &str, period: BillingPeriod) -> Option<Offer> {
    let offer = offer_for(rows, currency, period)?;
    let Some(row) = rows.first().filter(|_| offer.price == 0.0) else { return Some(offer) };
    let other = first_period(row)?;
    Some(Offer { period: BillingPeriod::Monthly, ..other })
}

/// The offer of a product in a currency and for a period, or the nearest that its rows have.
fn offer_for(rows: &[pricing::Model], currency: &str, period: BillingPeriod) -> Option<Offer> {
    let price_of = |row| prices::by_period(row).into_iter().find(|(known, _)| *known == period)?.1;
    let (row, price) = match (rows.iter().find(|row| row.currency == currency), rows.first()) {
        (Some(row), _) => (row, price_of(row)),
        (None, Some(row)) => (row, price_of(row).filter(|price| *price != 0.0)),
        (None, None) => {
            return Some(Offer { price: 0.0, currency: currency.to_owned(), period: BillingPeriod::Monthly });
        }
    };
    match price {
        Some(price) => Some(Offer { price, currency: row.currency.clone(), period }),
        None => first_period(row),
    }
}

/// The offer of the first period that a row has a price for.
fn first_period(row: &pricing::Model) -> Option<Offer> {
    prices::by_period(row).into_iter().find_map(|(period, price)| {
        let price = price.filter(|price| *price >= 0.0)?;
        Some(Offer { price, currency: row.currency.clone(), period })
    })
}

#[cfg(test)]
mod tests {
    use entity::Price;

    use super::*;

    fn row(currency: &str, onetime: Option<f64>, monthly: Option<f64>) -> pricing::Model {
        pricing::Model {
            id: Id(1),
            related_id: Id(1),
            related_type: "product".to_owned(),
            currency: currency.to_owned(),
            weekly: None,
            setup_weekly: None,
            onetime: onetime.map(Price),
            monthly: monthly.map(Price),
            quarterly: None,
            semiannually: None,
            annually: None,
            biennially: None,
            triennially: None,
            setup_onetime: None,
            setup_monthly: None,
            setup_quarterly: None,
            setup_semiannually: None,
            setup_annually: None,
            setup_biennially: None,
            setup_triennially: None,
            deleted_at: None,
        }
    }

    fn shown(products: &[&[pricing::Model]]) -> (f64, String, BillingPeriod) {
        let offer = lowest("EUR", products.iter().copied());
        (offer.price, offer.currency, offer.period)
    }

    #[test]
    fn the_lowest_price_counts_with_the_last_currency_and_period() {
        let euro = [row("EUR", None, Some(5.0))];
        let once = [row("EUR", Some(9.0), None)];
        let dollar = [row("USD", None, Some(3.0))];
        assert_eq!(shown(&[]), (0.0, "EUR".to_owned(), BillingPeriod::Monthly));
        assert_eq!(shown(&[&euro]), (5.0, "EUR".to_owned(), BillingPeriod::Monthly));
        assert_eq!(shown(&[&euro, &once]), (5.0, "EUR".to_owned(), BillingPeriod::Onetime));
        assert_eq!(shown(&[&euro, &dollar]), (3.0, "USD".to_owned(), BillingPeriod::Monthly));
    }

    #[test]
    fn products_without_offer_do_not_count_and_without_rows_are_free() {
        let nothing = [row("EUR", None, None)];
        let euro = [row("EUR", None, Some(5.0))];
        assert_eq!(shown(&[&nothing, &euro]).0, 5.0);
        assert_eq!(shown(&[&[], &euro]).0, 0.0);
        let free = [row("USD", Some(7.0), Some(0.0))];
        assert_eq!(shown(&[&free]), (7.0, "USD".to_owned(), BillingPeriod::Onetime));
        let gratis = [row("EUR", Some(7.0), Some(0.0))];
        assert_eq!(shown(&[&gratis]), (7.0, "EUR".to_owned(), BillingPeriod::Monthly));
    }
}
