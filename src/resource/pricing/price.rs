//! Prices as buyers see them: one for each billing period that is sold, with its tax. They are computed from rows of
//! prices, with one statement for all things of a level.

use std::collections::HashMap;

use async_graphql::SimpleObject;
use entity::{Id, pricing};
use facade::record::{CountryCode, Currency, TaxedMoney, View, load_models};
use rust_decimal::Decimal;
use sea_orm::Select;

use super::{BillingPeriod, Pricing, prices_of};
use crate::Result;
use crate::scope::ShopScope;
use crate::shop::tax::{Buyer, Tax};

/// The highest price that is sold. Rows may hold any number; forms take less than a million.
pub(super) const MAX_SOLD: f64 = 1e15;

/// What something costs for one billing period, in one currency.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct Price {
    /// The billing period.
    period: BillingPeriod,
    /// What is paid for each period; for `ONETIME`, what is paid once.
    recurring: TaxedMoney,
    /// What is paid once beside it, at the beginning.
    setup: TaxedMoney,
    /// What a month of it costs, to compare periods: a year has 12 months and 52 weeks. Null for `ONETIME`.
    per_month: Option<TaxedMoney>,
    /// The currency of its amounts.
    currency: Currency,
}

/// A stored price for one billing period, as the staff has entered it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entered {
    /// The billing period.
    pub period: BillingPeriod,
    /// What is paid for each period.
    pub price: Decimal,
    /// What is paid once beside it.
    pub setup: Decimal,
}

impl Entered {
    /// What a month of it costs, not rounded; nothing where it is paid once.
    pub fn per_month(self) -> Option<Decimal> {
        let (times, months) = self.period.months()?;
        Some(self.price * Decimal::from(times) / Decimal::from(months))
    }

    /// The price with its tax.
    pub fn with_tax(self, tax: Tax, currency: &Currency) -> Price {
        Price {
            period: self.period,
            recurring: tax.on(self.price, currency),
            setup: tax.on(self.setup, currency),
            per_month: self.per_month().map(|amount| tax.on(amount, currency)),
            currency: currency.clone(),
        }
    }
}

/// The prices that a row sells, by the length of their periods; what is paid once comes last. A price that is null, below
/// zero or beyond all reason is not sold.
pub fn sold(row: &pricing::Model) -> Vec<Entered> {
    let plain = |price: Option<entity::Price>| price.map(|price| price.0);
    let periods = [
        (BillingPeriod::Weekly, row.weekly, row.setup_weekly),
        (BillingPeriod::Monthly, plain(row.monthly), plain(row.setup_monthly)),
        (BillingPeriod::Quarterly, plain(row.quarterly), plain(row.setup_quarterly)),
        (BillingPeriod::Semiannually, plain(row.semiannually), plain(row.setup_semiannually)),
        (BillingPeriod::Annually, plain(row.annually), plain(row.setup_annually)),
        (BillingPeriod::Biennially, plain(row.biennially), plain(row.setup_biennially)),
        (BillingPeriod::Triennially, plain(row.triennially), plain(row.setup_triennially)),
        (BillingPeriod::Onetime, plain(row.onetime), plain(row.setup_onetime)),
    ];
    let amount = |number: f64| Decimal::try_from(number).ok().filter(|_| (0.0..=MAX_SOLD).contains(&number));
    let sold = |(period, price, setup): (_, Option<f64>, Option<f64>)| {
        let setup = setup.and_then(amount).unwrap_or_default();
        Some(Entered { period, price: amount(price?)?, setup })
    };
    periods.into_iter().filter_map(sold).collect()
}

/// Which prices are asked for.
pub struct Asked {
    currency: Option<Currency>,
    period: Option<BillingPeriod>,
    tax: Tax,
    own: String,
}

impl Asked {
    /// What the arguments of a field ask for. Without a country, the tax is that of the customer who asks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new(
        scope: ShopScope<'_>,
        currency: Option<Currency>,
        period: Option<BillingPeriod>,
        country: Option<CountryCode>,
    ) -> Result<Self> {
        let tax = tax(scope, country).await?;
        Ok(Self { currency, period, tax, own: scope.currency().await? })
    }

    /// The prices of a thing, given by its rows: shorter periods first, and of one period the shop's currency first. Of
    /// several rows in one currency the first counts.
    fn prices(&self, rows: &[pricing::Model]) -> Vec<Price> {
        let mut found: Vec<(Entered, &str)> = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let code = row.currency.as_str();
            let is_asked = self.currency.as_ref().is_none_or(|asked| asked.is(code));
            let is_first = !rows[..at].iter().any(|row| row.currency.eq_ignore_ascii_case(code));
            if is_asked && is_first {
                found.extend(sold(row).into_iter().map(|entered| (entered, code)));
            }
        }
        found.retain(|(entered, _)| self.period.is_none_or(|period| entered.period == period));
        found.sort_by_key(|(entered, code)| {
            (entered.period.order(), !code.eq_ignore_ascii_case(&self.own), *code)
        });
        found.into_iter().map(|(entered, code)| entered.with_tax(self.tax, &Currency::stored(code))).collect()
    }
}

/// The tax in a country, or that of the customer who asks.
///
/// # Errors
/// When the database fails.
pub async fn tax(scope: ShopScope<'_>, country: Option<CountryCode>) -> Result<Tax> {
    let country = country.map(String::from);
    let buyer = match &country {
        Some(code) => Buyer::Country(code),
        None => scope.principal()?.owner.customer().into(),
    };
    Tax::of(scope.shop(), buyer).await
}

/// The prices of each product, in their order.
///
/// # Errors
/// As [`Asked::new`].
pub async fn of_products(
    scope: ShopScope<'_>,
    products: &[View<'_>],
    currency: Option<Currency>,
    period: Option<BillingPeriod>,
    country: Option<CountryCode>,
) -> Result<Vec<Vec<Price>>> {
    let asked = Asked::new(scope, currency, period, country).await?;
    of_things(scope, products, super::prices_of_products, &asked).await
}

/// The prices of each option of a service, in their order.
///
/// # Errors
/// As [`Asked::new`].
pub async fn of_options(
    scope: ShopScope<'_>,
    options: &[View<'_>],
    currency: Option<Currency>,
    period: Option<BillingPeriod>,
    country: Option<CountryCode>,
) -> Result<Vec<Vec<Price>>> {
    let asked = Asked::new(scope, currency, period, country).await?;
    of_things(scope, options, prices_of_options, &asked).await
}

fn prices_of_options() -> Select<pricing::Entity> {
    prices_of("configoption_service")
}

async fn of_things(
    scope: ShopScope<'_>,
    things: &[View<'_>],
    rows: fn() -> Select<pricing::Entity>,
    asked: &Asked,
) -> Result<Vec<Vec<Price>>> {
    let keys = View::keys(things)?;
    let rows = by_thing(scope, keys.clone(), rows).await?;
    Ok(keys.iter().map(|key| asked.prices(rows.get(key).map_or(&[][..], Vec::as_slice))).collect())
}

/// Rows of prices by the key of their thing, in their order.
///
/// # Errors
/// When the database fails.
pub async fn by_thing(
    scope: ShopScope<'_>,
    keys: Vec<Id>,
    rows: fn() -> Select<pricing::Entity>,
) -> Result<HashMap<Id, Vec<pricing::Model>>> {
    let mut found: HashMap<Id, Vec<pricing::Model>> = HashMap::new();
    for row in load_models::<Pricing>(*scope, keys, pricing::Column::RelatedId, rows).await? {
        found.entry(row.related_id).or_default().push(row);
    }
    Ok(found)
}
