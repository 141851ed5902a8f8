//! The services of the demo shop.

use std::mem;

use chrono::{Months, TimeDelta};
use entity::value::{Flag, Id, Int, ShopTime};
use entity::{config_options_service, service, service_renewal, subscription};
use sea_orm::{ConnectionTrait, Set};
use serde_json::json;

use crate::resource::customer::demo::Person;
use crate::resource::invoice::demo::Bill;
use crate::resource::product::demo::{Article, articles};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::money::{TAX, exchanged, money, percent};

/// Inserts the services that the maker of invoices drew, with their renewals, options and subscriptions.
pub const MAKER: Maker = Maker {
    after: &["cancellation_reason", "invoice", "server"],
    make: |db, making| Box::pin(make(db, making)),
};

/// Number of services.
const COUNT: usize = 80;
/// The statuses of services, repeated in this order.
const STATUSES: [&str; 16] = [
    "active",
    "active",
    "suspended",
    "active",
    "expired",
    "active",
    "active",
    "cancelled",
    "active",
    "pending",
    "active",
    "expired",
    "active",
    "active",
    "cancelled",
    "hidden",
];
const PERIODS: [((&str, i64), i64); 4] =
    [(("monthly", 1), 70), (("quarterly", 3), 12), (("annually", 12), 16), (("semiannually", 6), 2)];
/// Primary keys of the servers, by position of the product.
const SERVERS: [i64; 3] = [1, 2, 3];

/// One service, in the order of the primary keys, which start at 1.
pub struct Contract {
    /// Position of the customer.
    pub customer: usize,
    /// Position of the product.
    pub article: usize,
    /// Name of its period, as it is stored.
    pub billing: &'static str,
    /// Currency in which it is paid.
    pub currency: &'static str,
    /// Months of a period; 0 for a service that is paid once.
    pub months: i64,
    /// Its status, as it is stored.
    pub status: &'static str,
    /// When it was ordered.
    pub made: ShopTime,
    /// When its period ends.
    pub expires: Option<ShopTime>,
    /// Number of periods after the first.
    pub renewals: i64,
}

/// The primary key of the row at a position.
#[must_use]
pub fn id(position: usize) -> Id {
    Id(i64::try_from(position).unwrap_or(i64::MAX - 1) + 1)
}

/// Whether the service at a position has added memory.
#[must_use]
pub fn has_memory(position: usize, contract: &Contract, articles: &[Article]) -> bool {
    articles[contract.article].options && position.is_multiple_of(2)
}

impl Contract {
    /// Primary key of the customer.
    fn customer_id(&self) -> Id {
        id(self.customer)
    }

    /// One period after a moment.
    fn after(&self, start: ShopTime) -> Option<ShopTime> {
        let months = u32::try_from(self.months).ok().filter(|&months| months > 0)?;
        start.0.checked_add_months(Months::new(months)).map(ShopTime)
    }
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let contracts = mem::take(making.kept::<Vec<Contract>>());
    let bills = mem::take(making.kept::<Vec<Bill>>());
    let articles = articles()?;
    insert(db, rows(making, &contracts, &bills, &articles)).await?;
    insert(db, renewals(&bills, &contracts)).await?;
    insert(db, options(&contracts, &articles)).await?;
    insert(db, subscriptions(making, &contracts)).await?;
    Ok(())
}

/// Draws the services of customers.
pub fn draw(making: &mut DemoContext, articles: &[Article], people: &[Person]) -> Vec<Contract> {
    (0..COUNT).map(|at| draw_one(making, at, articles, people)).collect()
}

fn draw_one(making: &mut DemoContext, at: usize, articles: &[Article], people: &[Person]) -> Contract {
    let status = STATUSES[at % STATUSES.len()];
    // Each of the first customers gets a service.
    let customer = if at < people.len() / 2 { at } else { position(making, people.len() - 2) };
    let article = position(making, articles.len());
    let (billing, months) =
        if articles[article].month.is_some() { making.dice.weighted(&PERIODS) } else { ("onetime", 0) };
    let days = match status {
        "pending" => making.dice.between(0, 2),
        "active" | "suspended" => making.dice.between(20, 400),
        _ => making.dice.between(150, 400),
    };
    let joined = ShopTime(people[customer].made.0 + TimeDelta::hours(2));
    let made = making.ago(days).max(joined).min(ShopTime(making.now));
    let currency = people[customer].currency;
    let contract =
        Contract { customer, article, billing, currency, months, status, made, expires: None, renewals: 0 };
    pass_periods(making, contract)
}

fn position(making: &mut DemoContext, length: usize) -> usize {
    let last = i64::try_from(length).unwrap_or(1) - 1;
    usize::try_from(making.dice.between(0, last)).unwrap_or(0)
}

/// Sets end and renewals of a service: its periods pass until the moment that its status implies.
fn pass_periods(making: &mut DemoContext, mut contract: Contract) -> Contract {
    let last = match contract.status {
        "suspended" => making.now - TimeDelta::days(making.dice.between(3, 12)),
        "expired" | "hidden" => making.now - TimeDelta::days(making.dice.between(20, 110)),
        _ => making.now,
    };
    let Some(mut end) = contract.after(contract.made) else { return contract };
    while end.0 < last {
        contract.renewals += 1;
        end = contract.after(end).unwrap_or(ShopTime(last));
    }
    let ended = matches!(contract.status, "suspended" | "expired" | "hidden");
    contract.expires = Some(if ended { ShopTime(last).max(contract.made) } else { end });
    contract
}

fn rows(
    making: &mut DemoContext,
    contracts: &[Contract],
    bills: &[Bill],
    articles: &[Article],
) -> Vec<service::ActiveModel> {
    let open =
        |at: usize| bills.iter().position(|bill| bill.contract == Some(at) && bill.status == "pending");
    contracts.iter().enumerate().map(|(at, contract)| row(making, at, contract, open(at), articles)).collect()
}

fn row(
    making: &mut DemoContext,
    at: usize,
    contract: &Contract,
    open: Option<usize>,
    articles: &[Article],
) -> service::ActiveModel {
    let article = &articles[contract.article];
    let (suspended, cancelled) = (contract.status == "suspended", contract.status == "cancelled");
    service::ActiveModel {
        id: Set(id(at)),
        customer_id: Set(contract.customer_id()),
        uuid: Set(making.dice.uuid()),
        name: Set(article.name.clone()),
        r#type: Set("none".to_owned()),
        billing: Set(contract.billing.to_owned()),
        currency: Set(contract.currency.to_owned()),
        server_id: Set((contract.status != "pending").then(|| Id(SERVERS[contract.article % SERVERS.len()]))),
        product_id: Set(Some(id(contract.article))),
        invoice_id: Set(open.map(id)),
        expires_at: Set(contract.expires),
        suspended_at: Set(contract
            .expires
            .filter(|_| suspended)
            .map(|end| ShopTime(end.0 + TimeDelta::days(2)))),
        suspend_reason: Set(suspended.then(|| "Facture impayée".to_owned())),
        cancelled_at: Set(cancelled.then(|| making.ago(9).max(contract.made))),
        cancelled_reason: Set(cancelled.then(|| "Je n'ai plus besoin de ce service".to_owned())),
        cancellation_reason_id: Set(cancelled.then(|| Id(making.dice.between(1, 4)))),
        notes: Set((at == 3).then(|| "Adresse IP supplémentaire offerte.".to_owned())),
        delivery_errors: Set((at == 9).then(|| "Délai dépassé en attendant le serveur".to_owned())),
        delivery_attempts: Set(Int(i64::from(at == 9))),
        renewals: Set(Int(contract.renewals)),
        data: Set(Some(json!({"hostname": format!("srv{}.lanternes.example", at + 1)}).to_string())),
        is_cancelled: Set(Flag(cancelled)),
        created_at: Set(Some(contract.made)),
        updated_at: Set(Some(contract.made)),
        description: Set(None),
        price_ttc: Set(money(percent(
            exchanged(article.price(contract.months), contract.currency),
            100 + TAX,
        ))),
        status: Set(contract.status.to_owned()),
        ..Default::default()
    }
}

/// One row for each paid or open period of a service.
fn renewals(bills: &[Bill], contracts: &[Contract]) -> Vec<service_renewal::ActiveModel> {
    let billed = bills.iter().zip(1..).filter_map(|(bill, invoice)| Some((bill, invoice, bill.contract?)));
    billed
        .filter(|(bill, ..)| matches!(bill.status, "paid" | "pending"))
        .map(|(bill, invoice, contract)| service_renewal::ActiveModel {
            service_id: Set(id(contract)),
            invoice_id: Set(Id(invoice)),
            start_date: Set(Some(bill.made)),
            end_date: Set(contracts[contract].after(bill.made)),
            renewed_at: Set(bill.paid),
            period: Set(Int(1)),
            first_period: Set(Flag(bill.first)),
            status: Set(if bill.paid.is_some() { "completed" } else { "pending" }.to_owned()),
            created_at: Set(Some(bill.made)),
            updated_at: Set(Some(bill.made)),
            ..Default::default()
        })
        .collect()
}

/// The options of services that have added memory.
fn options(contracts: &[Contract], articles: &[Article]) -> Vec<config_options_service::ActiveModel> {
    let with_options =
        contracts.iter().enumerate().filter(|(at, contract)| has_memory(*at, contract, articles));
    with_options
        .map(|(at, contract)| config_options_service::ActiveModel {
            config_option_id: Set(Id(1)),
            service_id: Set(id(at)),
            value: Set(Some("4".to_owned())),
            key: Set(Some("additional_memory".to_owned())),
            expires_at: Set(contract.expires),
            created_at: Set(Some(contract.made)),
            updated_at: Set(Some(contract.made)),
            ..Default::default()
        })
        .collect()
}

/// Every eighth active service has a subscription.
fn subscriptions(making: &mut DemoContext, contracts: &[Contract]) -> Vec<subscription::ActiveModel> {
    let running = contracts
        .iter()
        .enumerate()
        .filter(|(_, contract)| contract.status == "active" && contract.months > 0);
    running
        .step_by(8)
        .map(|(at, contract)| subscription::ActiveModel {
            customer_id: Set(Some(contract.customer_id())),
            state: Set("active".to_owned()),
            cycles: Set(Int(contract.renewals)),
            last_payment_at: Set(Some(contract.made)),
            service_id: Set(Some(id(at))),
            payment_method_id: Set(Some(format!("pm_{}", making.dice.uuid()))),
            billing_day: Set(Int(5)),
            created_at: Set(Some(contract.made)),
            updated_at: Set(Some(contract.made)),
            ..Default::default()
        })
        .collect()
}
