//! The prices of a seeded shop's products.

use entity::pricing;
use entity::value::Price;
use sea_orm::{DatabaseConnection, Set, TransactionTrait};

use crate::resource::product::seed::{PRODUCTS, monthly, setup};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::money::{CURRENCIES, money, percent};
use crate::shop::sample::seed::{Maker, Plan, chunks};

/// Makes a price in each currency for each product.
pub const MAKER: Maker = Maker {
    after: &["product"],
    rows: |plan| plan.count(&PRODUCTS) * 2,
    make: |db, plan| Box::pin(make(db, plan)),
    ..Maker::NOTHING
};

/// Prices of periods in percent of the monthly price: quarter, half-year, one, two and three years.
const PERIODS: [i64; 5] = [291, 564, 1_056, 2_016, 2_880];

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    plan.begin("prices");
    let work = db.begin().await?;
    for chunk in chunks(plan.count(&PRODUCTS)) {
        let size = chunk.end - chunk.start;
        let prices = chunk.flat_map(|at| CURRENCIES.map(|currency| row(plan, at, currency)));
        insert(&work, prices.collect()).await?;
        plan.made(size * 2);
    }
    work.commit().await?;
    Ok(())
}

fn row(plan: &Plan, at: u64, (currency, rate): (&str, i64)) -> pricing::ActiveModel {
    let month = percent(monthly(at), rate);
    let fee = (setup(at) > 0).then(|| Price(money(percent(setup(at), rate))));
    let [quarter, half, year, two, three] = PERIODS.map(|part| Some(Price(money(percent(month, part)))));
    pricing::ActiveModel {
        related_id: Set(plan.keys(&PRODUCTS).at(at)),
        related_type: Set("product".to_owned()),
        currency: Set(currency.to_owned()),
        monthly: Set(Some(Price(money(month)))),
        quarterly: Set(quarter),
        semiannually: Set(half),
        annually: Set(year),
        biennially: Set(two),
        triennially: Set(three),
        setup_monthly: Set(fee),
        ..Default::default()
    }
}
