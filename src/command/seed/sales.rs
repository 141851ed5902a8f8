//! Services, and invoices with their items.

use chrono::TimeDelta;
use entity::value::{Flag, Id, Int, ShopDate, ShopTime};
use entity::{invoice, invoice_item, service};
use sea_orm::{DatabaseConnection, DbErr, Set, TransactionTrait};
use serde_json::json;

use super::{Plan, chunks, store};
use crate::command::batch::{count_on, insert};
use crate::command::random::{Dice, money, percent};

/// Tax of every invented invoice, in percent.
const TAX: i64 = 20;
const SERVICES: [(&str, i64); 6] =
    [("active", 70), ("pending", 4), ("suspended", 6), ("expired", 12), ("cancelled", 6), ("hidden", 2)];
const INVOICES: [(&str, i64); 6] =
    [("paid", 72), ("pending", 12), ("cancelled", 6), ("failed", 4), ("refunded", 3), ("draft", 3)];
const PERIODS: [(&str, i64, i64); 4] =
    [("monthly", 1, 70), ("quarterly", 3, 12), ("annually", 12, 16), ("onetime", 0, 2)];
const GATEWAYS: [(&str, i64); 4] =
    [("stripe", 55), ("paypal_express_checkout", 25), ("balance", 15), ("bank_transfert", 5)];

pub(super) async fn services(db: &DatabaseConnection, plan: &Plan) -> Result<(), DbErr> {
    plan.progress.set_message("services");
    let work = db.begin().await?;
    for chunk in chunks(plan.services.count) {
        let size = chunk.end - chunk.start;
        insert(&work, chunk.map(|at| one_service(plan, at)).collect()).await?;
        plan.progress.inc(size);
    }
    work.commit().await?;
    count_on::<service::Entity>(db).await
}

fn one_service(plan: &Plan, at: u64) -> service::ActiveModel {
    let mut dice = plan.dice(3, at);
    let (made, article) = (plan.ago(&mut dice, 800), any_product(plan, &mut dice));
    let (billing, months) = dice.weighted(&PERIODS.map(|(name, months, weight)| ((name, months), weight)));
    let status = dice.weighted(&SERVICES);
    let days = if matches!(status, "expired" | "cancelled") {
        -dice.between(1, 200)
    } else {
        dice.between(0, 30 * months.max(1))
    };
    let since = |wanted: bool| wanted.then(|| ShopTime(plan.now - TimeDelta::days(days.rem_euclid(90))));
    service::ActiveModel {
        id: Set(plan.services.at(at)),
        customer_id: Set(plan.customers.any(&mut dice)),
        uuid: Set(dice.uuid()),
        name: Set(store::name(article)),
        r#type: Set("none".to_owned()),
        billing: Set(billing.to_owned()),
        currency: Set(dice.weighted(&[("EUR", 85), ("USD", 15)]).to_owned()),
        product_id: Set(Some(plan.products.at(article))),
        expires_at: Set((months > 0).then(|| ShopTime(plan.now + TimeDelta::days(days)))),
        suspended_at: Set(since(status == "suspended")),
        suspend_reason: Set((status == "suspended").then(|| "Facture impayée".to_owned())),
        cancelled_at: Set(since(status == "cancelled")),
        cancelled_reason: Set((status == "cancelled").then(|| "Plus besoin".to_owned())),
        renewals: Set(Int(dice.between(0, 24))),
        is_cancelled: Set(Flag(status == "cancelled")),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        price_ttc: Set(money(percent(store::monthly(article), 100 + TAX) * months.max(1))),
        status: Set(status.to_owned()),
        ..Default::default()
    }
}

fn any_product(plan: &Plan, dice: &mut Dice) -> u64 {
    (plan.products.any(dice).0 - plan.products.first).unsigned_abs()
}

pub(super) async fn invoices(db: &DatabaseConnection, plan: &Plan) -> Result<(), DbErr> {
    plan.progress.set_message("invoices");
    let work = db.begin().await?;
    for chunk in chunks(plan.invoices.count) {
        let (bills, items): (Vec<_>, Vec<_>) = chunk.map(|at| bill(plan, at)).unzip();
        let items: Vec<_> = items.into_iter().flatten().collect();
        let size = bills.len() + items.len();
        insert(&work, bills).await?;
        insert(&work, items).await?;
        plan.progress.inc(u64::try_from(size).unwrap_or(0));
    }
    work.commit().await?;
    count_on::<invoice::Entity>(db).await
}

/// How many items an invoice has: together exactly as many as asked, with some variety.
fn items_of(plan: &Plan, at: u64) -> u64 {
    let (each, more) = (plan.items / plan.invoices.count, plan.items % plan.invoices.count);
    let own = each + u64::from(at < more);
    let last_alone = at == plan.invoices.count - 1 && at.is_multiple_of(2);
    match at % 4 {
        0 if each > 1 && !last_alone => own - 1,
        1 if each > 1 => own + 1,
        _ => own,
    }
}

fn bill(plan: &Plan, at: u64) -> (invoice::ActiveModel, Vec<invoice_item::ActiveModel>) {
    let mut dice = plan.dice(4, at);
    let (id, status, made) = (plan.invoices.at(at), dice.weighted(&INVOICES), plan.ago(&mut dice, 800));
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
        customer_id: Set(Some(plan.customers.any(&mut dice))),
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
    let (article, quantity) = (any_product(plan, dice), dice.weighted(&[(1, 85), (2, 10), (3, 5)]));
    let (price, setup) = (store::monthly(article), store::setup(article));
    sums.net += quantity * (price + setup);
    sums.setup += quantity * setup;
    let name = store::name(article);
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
        related_id: Set(Some(plan.products.at(article))),
        data: Set(json!({"billing": "monthly", "currency": currency}).to_string()),
        delivered_at: Set(paid),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        unit_original_price: Set(money(price)),
        unit_original_setupfees: Set(money(setup)),
        ..Default::default()
    }
}
