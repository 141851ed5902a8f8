//! The price that a customer pays for a service (docs/contract/client.md#9.0), computed for all services of a level
//! with two statements, and two more for the taxes of their customers.

use std::collections::HashMap;

use entity::{Id, pricing, service};
use facade::record::{Currency, TaxedMoney, View};
use rust_decimal::Decimal;
use sea_orm::DbErr;

use crate::Result;
use crate::resource::pricing as prices;
use crate::resource::pricing::price::by_thing;
use crate::scope::ShopScope;
use crate::shop::tax::{Buyer, Tax};

/// The billing period of free services. No row of prices has it.
const FREE: &str = "free";

/// The columns of a service that its price depends on.
struct PricedService {
    id: Id,
    customer_id: Option<Id>,
    product_id: Option<Id>,
    billing: String,
    currency: String,
}

impl PricedService {
    fn read(service: View<'_>) -> std::result::Result<Self, DbErr> {
        let text = |column: service::Column| {
            Ok::<_, DbErr>(service.cell(column as usize)?.text().unwrap_or_default().to_owned())
        };
        let key = |column: service::Column| Ok::<_, DbErr>(service.cell(column as usize)?.int().map(Id));
        Ok(Self {
            id: Id(service.key()?),
            customer_id: key(service::Column::CustomerId)?,
            product_id: key(service::Column::ProductId)?,
            billing: text(service::Column::Billing)?,
            currency: text(service::Column::Currency)?,
        })
    }
}

/// Rows of prices by the key of their product or service.
type Offers = HashMap<Id, Vec<pricing::Model>>;

/// The price of each service with the tax of its customer, in their order; nothing if the shop has no price for it.
///
/// # Errors
/// When the database fails.
pub async fn of_services(scope: ShopScope<'_>, services: &[View<'_>]) -> Result<Vec<Option<TaxedMoney>>> {
    let services = services.iter().map(|service| PricedService::read(*service));
    let services: Vec<PricedService> = services.collect::<std::result::Result<_, _>>()?;
    let own = services.iter().map(|service| service.id).collect();
    let own = by_thing(scope, own, prices::prices_of_services).await?;
    let products = services.iter().filter_map(|service| service.product_id).collect();
    let products = by_thing(scope, products, prices::prices_of_products).await?;
    let mut customers: Vec<Id> = services.iter().filter_map(|service| service.customer_id).collect();
    customers.sort_unstable();
    customers.dedup();
    let taxes = Tax::of_customers(scope.shop(), &customers).await?;
    let usual = Tax::of(scope.shop(), Buyer::Anybody).await?;
    let prices = services.iter().map(|service| {
        let stored = Decimal::try_from(stored_price(service, &own, &products)?).unwrap_or_default();
        let tax = service.customer_id.and_then(|customer| taxes.get(&customer)).unwrap_or(&usual);
        Some(tax.on(stored, &Currency::stored(&service.currency)))
    });
    Ok(prices.collect())
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
