//! The price that a customer pays for a service (docs/contract/client.md#9.0), computed for all services of a level
//! with two statements.

use std::collections::HashMap;

use async_graphql::SimpleObject;
use entity::{Id, pricing, service};
use facade::record::{Money, View, load_models};
use rust_decimal::Decimal;
use sea_orm::{DbErr, Select};

use crate::Result;
use crate::resource::pricing::{self as prices, Pricing};
use crate::scope::ShopScope;
use crate::shop::tax;

/// The billing period of free services. No row of prices has it.
const FREE: &str = "free";

/// What a period of a service costs, in the currency of the service.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub(super) struct ServicePrice {
    /// Price without tax.
    price_ht: Money,
    /// Price with the tax that the customer pays.
    price_ttc: Money,
}

impl ServicePrice {
    fn new(stored: f64, tax_included: bool, rate: Decimal) -> Self {
        let stored = Decimal::try_from(stored).unwrap_or_default();
        let (ht, ttc) = if tax_included {
            (tax::without(stored, rate), tax::cents(stored))
        } else {
            let ht = tax::cents(stored);
            (ht, tax::with(ht, rate))
        };
        Self { price_ht: ht.into(), price_ttc: ttc.into() }
    }
}

/// The columns of a service that its price depends on.
struct PricedService {
    id: Id,
    product_id: Option<Id>,
    billing: String,
    currency: String,
}

impl PricedService {
    fn read(service: View<'_>) -> std::result::Result<Self, DbErr> {
        let text = |column: service::Column| {
            Ok::<_, DbErr>(service.cell(column as usize)?.text().unwrap_or_default().to_owned())
        };
        Ok(Self {
            id: Id(service.key()?),
            product_id: service.cell(service::Column::ProductId as usize)?.int().map(Id),
            billing: text(service::Column::Billing)?,
            currency: text(service::Column::Currency)?,
        })
    }
}

/// Rows of prices by the key of their product or service.
type Offers = HashMap<Id, Vec<pricing::Model>>;

/// The price of each service, in their order; nothing if the shop has no price for it.
///
/// # Errors
/// When the database fails.
pub(super) async fn of_services(
    scope: ShopScope<'_>,
    services: &[View<'_>],
) -> Result<Vec<Option<ServicePrice>>> {
    let services = services.iter().map(|service| PricedService::read(*service));
    let services: Vec<PricedService> = services.collect::<std::result::Result<_, _>>()?;
    let own = offers(scope, prices::prices_of_services, services.iter().map(|service| service.id).collect())
        .await?;
    let products = services.iter().filter_map(|service| service.product_id).collect();
    let products = offers(scope, prices::prices_of_products, products).await?;
    let (tax_included, rate) = (
        tax::is_included(scope.shop()).await?,
        tax::rate(scope.shop(), scope.principal()?.owner.customer()).await?,
    );
    let prices = services.iter().map(|service| {
        let stored = stored_price(service, &own, &products)?;
        Some(ServicePrice::new(stored, tax_included, rate))
    });
    Ok(prices.collect())
}

async fn offers(
    scope: ShopScope<'_>,
    rows: fn() -> Select<pricing::Entity>,
    keys: Vec<Id>,
) -> Result<Offers> {
    let mut offers = Offers::new();
    for row in load_models::<Pricing>(*scope, keys, pricing::Column::RelatedId, rows).await? {
        offers.entry(row.related_id).or_default().push(row);
    }
    Ok(offers)
}

/// The stored price of a period: of the service itself, otherwise of its product.
fn stored_price(service: &PricedService, own: &Offers, products: &Offers) -> Option<f64> {
    if service.billing == FREE {
        return Some(0.0);
    }
    let own = own.get(&service.id).map_or(&[][..], Vec::as_slice);
    let in_currency = |row: &&pricing::Model| row.currency == service.currency;
    let Some(product) = service.product_id else {
        return Some(of_row(own.iter().find(in_currency)?, &service.billing));
    };
    if let Some(row) = own.first() {
        return Some(of_period(row, &service.billing).unwrap_or(0.0));
    }
    let offered = products.get(&product).map_or(&[][..], Vec::as_slice);
    let row = offered.iter().find(in_currency).or_else(|| offered.first());
    Some(row.map_or(0.0, |row| of_row(row, &service.billing)))
}

/// The price of a period, or of the first period that the row has a price for.
fn of_row(row: &pricing::Model, billing: &str) -> f64 {
    let first = || prices::by_period(row).into_iter().find_map(|(_, price)| price);
    of_period(row, billing).or_else(first).unwrap_or(0.0)
}

fn of_period(row: &pricing::Model, billing: &str) -> Option<f64> {
    prices::by_period(row).into_iter().find(|(period, _)| String::from(*period) == billing)?.1
}
