//! What coupons take off for each billing period: amounts of money, or parts of a hundred. Of a coupon's rows of prices, only the
//! first counts, whatever its currency.

use async_graphql::SimpleObject;
use entity::coupon;
use facade::record::{Currency, Decimal, Money, View};

use crate::Result;
use crate::resource::pricing::price::{Entered, by_thing, sold};
use crate::resource::pricing::{BillingPeriod, prices_of_coupons};
use crate::scope::ShopScope;

/// What a coupon takes off for one billing period.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct CouponDiscount {
    /// The billing period.
    period: BillingPeriod,
    /// What it takes off the price, where it takes off amounts.
    amount: Option<Money>,
    /// What it takes off the setup fee, where it takes off amounts.
    setup_amount: Option<Money>,
    /// How many parts of a hundred it takes off the price, where it takes off parts.
    percent: Option<Decimal>,
    /// How many parts of a hundred it takes off the setup fee, where it takes off parts.
    setup_percent: Option<Decimal>,
}

impl CouponDiscount {
    fn new(Entered { period, price, setup }: Entered, is_percent: bool, currency: &Currency) -> Self {
        let money = |amount| (!is_percent).then(|| Money::exact(amount, currency.clone()));
        let parts =
            |parts: rust_decimal::Decimal| is_percent.then(|| Decimal(parts.try_into().unwrap_or_default()));
        Self {
            period,
            amount: money(price),
            setup_amount: money(setup),
            percent: parts(price),
            setup_percent: parts(setup),
        }
    }
}

/// The discounts of each coupon, in their order: shorter periods first.
///
/// # Errors
/// When the database fails.
pub(super) async fn of_coupons(
    scope: ShopScope<'_>,
    coupons: &[View<'_>],
) -> Result<Vec<Vec<CouponDiscount>>> {
    let keys = View::keys(coupons)?;
    let rows = by_thing(scope, keys.clone(), prices_of_coupons).await?;
    let discounts = coupons.iter().zip(&keys).map(|(coupon, key)| {
        let is_percent = coupon.cell(coupon::Column::Type as usize)?.text() == Some("percent");
        let Some(row) = rows.get(key).and_then(|rows| rows.first()) else { return Ok(Vec::new()) };
        let currency = Currency::stored(&row.currency);
        let discount = |entered| CouponDiscount::new(entered, is_percent, &currency);
        Ok(sold(row).into_iter().map(discount).collect())
    });
    discounts.collect()
}
