//! The invoices of a seeded shop, with their items.

use chrono::TimeDelta;
use entity::value::{Id, Int, ShopDate, ShopTime};
use entity::{invoice, invoice_item};
use sea_orm::{DatabaseConnection, Set, TransactionTrait};
use serde_json::json;

use crate::resource::customer::seed::CUSTOMERS;
use crate::resource::product::seed::{self as product, PRODUCTS};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::{count_on, insert};
use crate::shop::sample::dice::Dice;
use crate::shop::sample::money::{TAX, money, percent};
use crate::shop::sample::seed::{Count, Maker, Plan, chunks, keys_of};

/// Makes invoices and their items.
pub const MAKER: Maker = Maker {
    after: &["customer", "product"],
    counts: &[INVOICES, ITEMS],
    dice: Some(DICE),
    rows: |plan| plan.count(&INVOICES) + plan.count(&ITEMS),
    make: |db, plan| Box::pin(make(db, plan)),
};

/// The number of invoices.
pub const INVOICES: Count = Count {
    name: "invoices",
    help: Some("Invoices; without it ten for each customer"),
    range: 0..=u64::MAX,
    default: |counts| counts.of(&CUSTOMERS) * 10,
    first: Some(keys_of::<invoice::Entity>),
};

/// The number of items of all invoices.
pub const ITEMS: Count = Count {
    name: "items",
    help: Some("Items of these invoices; without it two for each invoice"),
    range: 0..=u64::MAX,
    default: |counts| counts.of(&INVOICES) * 2,
    first: None,
};

const DICE: u64 = 4;
const STATUSES: [(&str, i64); 6] =
    [("paid", 72), ("pending", 12), ("cancelled", 6), ("failed", 4), ("refunded", 3), ("draft", 3)];
const GATEWAYS: [(&str, i64); 4] =
    [("stripe", 55), ("paypal_express_checkout", 25), ("balance", 15), ("bank_transfert", 5)];

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    plan.begin("invoices");
    let work = db.begin().await?;
    for chunk in chunks(plan.count(&INVOICES)) {
        let (invoices, items): (Vec<_>, Vec<_>) = chunk.map(|at| rows(plan, at)).unzip();
        let items: Vec<_> = items.into_iter().flatten().collect();
        let size = invoices.len() + items.len();
        insert(&work, invoices).await?;
        insert(&work, items).await?;
        plan.made(u64::try_from(size).unwrap_or(0));
    }
    work.commit().await?;
    count_on::<invoice::Entity>(db).await?;
    Ok(())
}

/// The number of items of an invoice. It varies, and the sum over all invoices is exactly [`ITEMS`].
fn items_of(plan: &Plan, at: u64) -> u64 {
    let (each, more) =
        (plan.count(&ITEMS) / plan.count(&INVOICES), plan.count(&ITEMS) % plan.count(&INVOICES));
    let own = each + u64::from(at < more);
    let last_alone = at == plan.count(&INVOICES) - 1 && at.is_multiple_of(2);
    match at % 4 {
        0 if each > 1 && !last_alone => own - 1,
        1 if each > 1 => own + 1,
        _ => own,
    }
}

fn rows(plan: &Plan, at: u64) -> (invoice::ActiveModel, Vec<invoice_item::ActiveModel>) {
    let mut dice = plan.dice(DICE, at);
    let (id, status, made) =
        (plan.keys(&INVOICES).at(at), dice.weighted(&STATUSES), plan.ago(&mut dice, 800));
    let currency = dice.weighted(&[("EUR", 85), ("USD", 15)]);
    let paid = matches!(status, "paid" | "refunded")
        .then(|| ShopTime((made.0 + TimeDelta::minutes(dice.between(2, 4_000))).min(plan.now)));
    let mut sums = Sums::default();
    let items = (0..items_of(plan, at))
        .map(|_| item(plan, &mut dice, &mut sums, (id, made, paid, currency)))
        .collect();
    let tax = percent(sums.net, TAX);
    let row = invoice::ActiveModel {
        id: Set(id),
        uuid: Set(Some(dice.uuid())),
        due_date: Set(ShopDate(made.local().date() + TimeDelta::days(7))),
        customer_id: Set(Some(plan.keys(&CUSTOMERS).any(&mut dice))),
        total: Set(money(sums.net + tax)),
        subtotal: Set(money(sums.net)),
        tax: Set(money(tax)),
        setupfees: Set(money(sums.setup)),
        currency: Set(currency.to_owned()),
        status: Set(status.to_owned()),
        paid_at: Set(paid),
        external_id: Set(paid.map(|_| format!("essai_{}", id.0))),
        notes: Set(String::new()),
        paymethod: Set(dice.weighted(&GATEWAYS).to_owned()),
        invoice_number: Set(Some(format!("ESSAI-{}-{:06}", made.local().format("%Y-%m"), id.0))),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        ..Default::default()
    };
    (row, items)
}

/// Sums of an invoice in cents, before tax.
#[derive(Default)]
struct Sums {
    net: i64,
    setup: i64,
}

fn item(
    plan: &Plan,
    dice: &mut Dice,
    sums: &mut Sums,
    (bill, made, paid, currency): (Id, ShopTime, Option<ShopTime>, &str),
) -> invoice_item::ActiveModel {
    let (article, quantity) = (product::any(plan, dice), dice.weighted(&[(1, 85), (2, 10), (3, 5)]));
    let (price, setup) = (product::monthly(article), product::setup(article));
    sums.net += quantity * (price + setup);
    sums.setup += quantity * setup;
    let name = product::name(article);
    invoice_item::ActiveModel {
        description: Set(format!("{name} - 1 mois")),
        name: Set(name),
        quantity: Set(Int(quantity)),
        unit_price_ht: Set(money(price)),
        unit_setup_ht: Set(money(setup)),
        unit_price_ttc: Set(money(percent(price, 100 + TAX))),
        unit_setup_ttc: Set(money(percent(setup, 100 + TAX))),
        invoice_id: Set(bill),
        r#type: Set("service".to_owned()),
        related_id: Set(Some(plan.keys(&PRODUCTS).at(article))),
        data: Set(json!({"billing": "monthly", "currency": currency}).to_string()),
        delivered_at: Set(paid),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        unit_original_price: Set(money(price)),
        unit_original_setupfees: Set(money(setup)),
        ..Default::default()
    }
}
