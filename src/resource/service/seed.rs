//! The services of a seeded shop.

use chrono::TimeDelta;
use entity::service;
use entity::value::{Flag, Int, ShopTime};
use sea_orm::{DatabaseConnection, Set, TransactionTrait};

use crate::resource::customer::seed::CUSTOMERS;
use crate::resource::product::seed::{self as product, PRODUCTS};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::{count_on, insert};
use crate::shop::sample::money::{TAX, money, percent};
use crate::shop::sample::seed::{Count, Maker, Plan, chunks, keys_of};

/// Makes services.
pub const MAKER: Maker = Maker {
    after: &["customer", "product"],
    counts: &[SERVICES],
    dice: Some(DICE),
    rows: |plan| plan.count(&SERVICES),
    make: |db, plan| Box::pin(make(db, plan)),
};

/// The number of services.
pub const SERVICES: Count = Count {
    name: "services",
    help: Some("Services; without it five for each customer"),
    range: 0..=u64::MAX,
    default: |counts| counts.of(&CUSTOMERS) * 5,
    first: Some(keys_of::<service::Entity>),
};

const DICE: u64 = 3;
const STATUSES: [(&str, i64); 6] =
    [("active", 70), ("pending", 4), ("suspended", 6), ("expired", 12), ("cancelled", 6), ("hidden", 2)];
const PERIODS: [(&str, i64, i64); 4] =
    [("monthly", 1, 70), ("quarterly", 3, 12), ("annually", 12, 16), ("onetime", 0, 2)];

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    plan.begin("services");
    let work = db.begin().await?;
    for chunk in chunks(plan.count(&SERVICES)) {
        let size = chunk.end - chunk.start;
        insert(&work, chunk.map(|at| row(plan, at)).collect()).await?;
        plan.made(size);
    }
    work.commit().await?;
    count_on::<service::Entity>(db).await?;
    Ok(())
}

fn row(plan: &Plan, at: u64) -> service::ActiveModel {
    let mut dice = plan.dice(DICE, at);
    let (made, article) = (plan.ago(&mut dice, 800), product::any(plan, &mut dice));
    let (billing, months) = dice.weighted(&PERIODS.map(|(name, months, weight)| ((name, months), weight)));
    let status = dice.weighted(&STATUSES);
    let days = if matches!(status, "expired" | "cancelled") {
        -dice.between(1, 200)
    } else {
        dice.between(0, 30 * months.max(1))
    };
    let since = |wanted: bool| wanted.then(|| ShopTime(plan.now - TimeDelta::days(days.rem_euclid(90))));
    service::ActiveModel {
        id: Set(plan.keys(&SERVICES).at(at)),
        customer_id: Set(plan.keys(&CUSTOMERS).any(&mut dice)),
        uuid: Set(dice.uuid()),
        name: Set(product::name(article)),
        r#type: Set("none".to_owned()),
        billing: Set(billing.to_owned()),
        currency: Set(dice.weighted(&[("EUR", 85), ("USD", 15)]).to_owned()),
        product_id: Set(Some(plan.keys(&PRODUCTS).at(article))),
        expires_at: Set((months > 0).then(|| ShopTime(plan.now + TimeDelta::days(days)))),
        suspended_at: Set(since(status == "suspended")),
        suspend_reason: Set((status == "suspended").then(|| "Facture impayée".to_owned())),
        cancelled_at: Set(since(status == "cancelled")),
        cancelled_reason: Set((status == "cancelled").then(|| "Plus besoin".to_owned())),
        renewals: Set(Int(dice.between(0, 24))),
        is_cancelled: Set(Flag(status == "cancelled")),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        price_ttc: Set(money(percent(product::monthly(article), 100 + TAX) * months.max(1))),
        status: Set(status.to_owned()),
        ..Default::default()
    }
}
