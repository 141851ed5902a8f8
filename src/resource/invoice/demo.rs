//! The invoices of the demo shop: the first of each service, renewals, and some without a service.

use std::collections::BTreeMap;
use std::mem;

use chrono::TimeDelta;
use entity::value::{Id, Int, ShopDate, ShopTime};
use entity::{invoice, invoice_item, invoice_sequence};
use sea_orm::{ConnectionTrait, Set};
use serde_json::json;

use crate::resource::customer::demo::Person;
use crate::resource::product::demo::{Article, articles};
use crate::resource::service::demo::{Contract, draw as draw_contracts, has_memory, id};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::money::{TAX, exchanged, money, percent};

/// Makes invoices with their items. It also draws the services, whose maker runs later: a service has the key of its
/// open invoice.
pub const MAKER: Maker =
    Maker { after: &["customer", "product"], make: |db, making| Box::pin(make(db, making)) };

/// The coupon of first orders: its key, its code, and its discount in percent.
const WELCOME: (i64, &str, i64) = (1, "BIENVENUE10", 10);
/// Prefix of invoice numbers, as in the setting `billing_invoice_prefix`.
const PREFIX: &str = "LUM";
/// Monthly price of four more gigabytes of memory, in cents.
const MEMORY: i64 = 400;
/// Statuses of the invoices without a service.
const WITHOUT_SERVICE: [&str; 14] = [
    "failed",
    "draft",
    "cancelled",
    "failed",
    "draft",
    "cancelled",
    "failed",
    "draft",
    "cancelled",
    "failed",
    "refunded",
    "pending",
    "cancelled",
    "refunded",
];
const GATEWAYS: [(&str, i64); 4] =
    [("stripe", 55), ("paypal_express_checkout", 25), ("bank_transfert", 12), ("balance", 8)];

/// One invoice, in the order of the primary keys, which start at 1: a line for the product, and one for added memory.
pub struct Bill {
    /// Position of the service, if the invoice has one.
    pub contract: Option<usize>,
    /// Its status, as it is stored.
    pub status: &'static str,
    /// When it was made.
    pub made: ShopTime,
    /// When it was paid.
    pub paid: Option<ShopTime>,
    /// Whether it is the first of its service.
    pub first: bool,
    /// Whether the coupon of first orders was used.
    welcome: bool,
    /// Whether a second line adds memory.
    memory: bool,
    customer: usize,
    article: usize,
    billing: &'static str,
    months: i64,
    currency: &'static str,
    gateway: &'static str,
    number: i64,
}

impl Bill {
    /// Price and setup fee before tax, in cents.
    fn price_and_setup(&self, articles: &[Article]) -> (i64, i64) {
        let article = &articles[self.article];
        let setup = if self.first { article.setup } else { 0 };
        (exchanged(article.price(self.months), self.currency), exchanged(setup, self.currency))
    }

    /// Price of added memory before tax, in cents.
    fn memory(&self) -> i64 {
        if self.memory { exchanged(MEMORY * self.months.max(1), self.currency) } else { 0 }
    }

    /// The discount of the coupon, in cents.
    fn discount(&self, articles: &[Article]) -> i64 {
        if self.welcome { percent(self.price_and_setup(articles).0, WELCOME.2) } else { 0 }
    }

    fn month(&self) -> String {
        self.made.local().format("%Y-%m").to_string()
    }
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let (articles, people) = (articles()?, mem::take(making.kept::<Vec<Person>>()));
    let contracts = draw_contracts(making, &articles, &people);
    let bills = draw(making, &contracts, &articles, &people);
    let (invoices, items) = rows(making, &bills, &articles, &people);
    insert(db, invoices).await?;
    insert(db, sequences(&bills)).await?;
    insert(db, items).await?;
    *making.kept() = contracts;
    *making.kept() = bills;
    Ok(())
}

fn draw(
    making: &mut DemoContext,
    contracts: &[Contract],
    articles: &[Article],
    people: &[Person],
) -> Vec<Bill> {
    let mut bills: Vec<Bill> = Vec::new();
    for (at, contract) in contracts.iter().enumerate() {
        bills.push(Bill { memory: has_memory(at, contract, articles), ..first(making, at, contract) });
        bills.extend(last_renewal(making, at, contract));
        bills.extend(open_renewal(making, at, contract));
    }
    for (status, customer) in WITHOUT_SERVICE.into_iter().zip((0..people.len() - 2).step_by(2)) {
        let made = making.ago(age_of(status)).max(people[customer].made);
        bills.push(without_service(
            making,
            status,
            customer,
            made,
            articles.len(),
            people[customer].currency,
        ));
    }
    bills.sort_by_key(|bill| bill.made);
    assign_numbers(&mut bills);
    bills
}

/// Age in days of an invoice without a service: drafts and open invoices are recent.
fn age_of(status: &str) -> i64 {
    if matches!(status, "draft" | "pending") { 3 } else { 75 }
}

fn bill(
    making: &mut DemoContext,
    at: usize,
    contract: &Contract,
    made: ShopTime,
    status: &'static str,
) -> Bill {
    let made = made.min(ShopTime(making.now));
    let paid = matches!(status, "paid" | "refunded")
        .then(|| ShopTime((made.0 + TimeDelta::minutes(making.dice.between(2, 900))).min(making.now)));
    Bill {
        contract: Some(at),
        status,
        made,
        paid,
        first: false,
        welcome: false,
        memory: false,
        customer: contract.customer,
        article: contract.article,
        billing: contract.billing,
        months: contract.months,
        currency: contract.currency,
        gateway: making.dice.weighted(&GATEWAYS),
        number: 0,
    }
}

fn first(making: &mut DemoContext, at: usize, contract: &Contract) -> Bill {
    let status = match contract.status {
        "pending" => "pending",
        "cancelled" if at % 4 == 3 => "refunded",
        _ => "paid",
    };
    let welcome = status == "paid" && at.is_multiple_of(9);
    Bill { first: true, welcome, ..bill(making, at, contract, contract.made, status) }
}

/// The last renewal of every second service that has been renewed.
fn last_renewal(making: &mut DemoContext, at: usize, contract: &Contract) -> Option<Bill> {
    let end =
        contract.expires.filter(|_| contract.renewals > 0 && contract.status == "active" && at % 2 == 1)?;
    let start = end.0 - TimeDelta::days(contract.months * 30 + 3);
    Some(bill(making, at, contract, ShopTime(start).max(contract.made), "paid"))
}

/// The open renewal of a service that ends soon, or that was suspended because nobody paid.
fn open_renewal(making: &mut DemoContext, at: usize, contract: &Contract) -> Option<Bill> {
    let end = contract.expires?;
    let soon = contract.status == "active" && end.0 < making.now + TimeDelta::days(7);
    if !soon && contract.status != "suspended" {
        return None;
    }
    Some(bill(making, at, contract, ShopTime(end.0 - TimeDelta::days(7)), "pending"))
}

fn without_service(
    making: &mut DemoContext,
    status: &'static str,
    customer: usize,
    made: ShopTime,
    articles: usize,
    currency: &'static str,
) -> Bill {
    let contract = Contract {
        customer,
        article: customer % articles,
        billing: "monthly",
        currency,
        months: 1,
        status: "pending",
        made,
        expires: None,
        renewals: 0,
    };
    Bill { contract: None, first: true, ..bill(making, 0, &contract, made, status) }
}

/// Numbers the invoices of each month, in the order in which they were made.
fn assign_numbers(bills: &mut [Bill]) {
    let mut counters = BTreeMap::new();
    for bill in bills {
        let counter = counters.entry(bill.month()).or_insert(0);
        *counter += 1;
        bill.number = *counter;
    }
}

/// The last number of each month.
fn sequences(bills: &[Bill]) -> Vec<invoice_sequence::ActiveModel> {
    let last: BTreeMap<String, &Bill> = bills.iter().map(|bill| (bill.month(), bill)).collect();
    last.into_iter()
        .map(|(month, bill)| invoice_sequence::ActiveModel {
            prefix: Set(PREFIX.to_owned()),
            year_month: Set(month),
            last_number: Set(Int(bill.number)),
            created_at: Set(Some(bill.made)),
            updated_at: Set(Some(bill.made)),
            ..Default::default()
        })
        .collect()
}

fn rows(
    making: &mut DemoContext,
    bills: &[Bill],
    articles: &[Article],
    people: &[Person],
) -> (Vec<invoice::ActiveModel>, Vec<invoice_item::ActiveModel>) {
    let invoices = bills.iter().enumerate();
    let invoices = invoices
        .map(|(at, bill)| invoice_row(at, bill, articles, &people[bill.customer], making.dice.uuid()))
        .collect();
    let items = bills.iter().enumerate().flat_map(|(at, bill)| {
        let product = item_row(at, bill, articles);
        let memory = bill.memory.then(|| memory_row(at, bill));
        [Some(product), memory].into_iter().flatten()
    });
    (invoices, items.collect())
}

fn invoice_row(
    at: usize,
    bill: &Bill,
    articles: &[Article],
    person: &Person,
    uuid: String,
) -> invoice::ActiveModel {
    let (price, setup) = bill.price_and_setup(articles);
    let subtotal = price + setup + bill.memory() - bill.discount(articles);
    let tax = percent(subtotal, TAX);
    let card = bill.gateway == "stripe" && bill.paid.is_some();
    invoice::ActiveModel {
        id: Set(id(at)),
        external_id: Set(card.then(|| format!("pi_{}", uuid.replace('-', "")))),
        uuid: Set(Some(uuid)),
        due_date: Set(ShopDate(bill.made.local().date() + TimeDelta::days(7))),
        customer_id: Set(Some(id(bill.customer))),
        billing_address: Set(Some(person.billing.clone())),
        total: Set(money(subtotal + tax)),
        subtotal: Set(money(subtotal)),
        tax: Set(money(tax)),
        setupfees: Set(money(setup)),
        fees: Set(if card { money(25 + (subtotal + tax) * 15 / 1_000) } else { 0.0 }),
        currency: Set(bill.currency.to_owned()),
        status: Set(bill.status.to_owned()),
        paid_at: Set(bill.paid),
        notes: Set(String::new()),
        paymethod: Set(bill.gateway.to_owned()),
        invoice_number: Set(Some(format!("{PREFIX}-{}-{:04}", bill.month(), bill.number))),
        created_at: Set(Some(bill.made)),
        updated_at: Set(Some(bill.paid.unwrap_or(bill.made))),
        ..Default::default()
    }
}

fn item_row(at: usize, bill: &Bill, articles: &[Article]) -> invoice_item::ActiveModel {
    let article = &articles[bill.article];
    let (price, setup) = bill.price_and_setup(articles);
    let (kind, related) = match bill.contract.filter(|_| !bill.first) {
        Some(contract) => ("renewal", id(contract)),
        None => ("service", id(bill.article)),
    };
    let ended = |status: &str| (bill.status == status).then_some(bill.made);
    invoice_item::ActiveModel {
        id: Set(id(at * 2)),
        name: Set(article.name.clone()),
        description: Set(article.description.clone()),
        quantity: Set(Int(1)),
        discount: Set(bill.welcome.then(|| coupon(bill.discount(articles)))),
        unit_price_ht: Set(money(price)),
        unit_setup_ht: Set(money(setup)),
        unit_price_ttc: Set(money(percent(price, 100 + TAX))),
        unit_setup_ttc: Set(money(percent(setup, 100 + TAX))),
        invoice_id: Set(id(at)),
        r#type: Set(kind.to_owned()),
        related_id: Set(Some(related)),
        data: Set(json!({"billing": bill.billing, "currency": bill.currency}).to_string()),
        delivered_at: Set(bill.paid),
        cancelled_at: Set(ended("cancelled").or(ended("failed"))),
        refunded_at: Set(ended("refunded")),
        created_at: Set(Some(bill.made)),
        updated_at: Set(Some(bill.made)),
        unit_original_price: Set(money(price)),
        unit_original_setupfees: Set(money(setup)),
        parent_id: Set(None),
        ..Default::default()
    }
}

/// The line for memory that is added to the product of the line before.
fn memory_row(at: usize, bill: &Bill) -> invoice_item::ActiveModel {
    let price = bill.memory();
    invoice_item::ActiveModel {
        id: Set(id(at * 2 + 1)),
        name: Set("Mémoire supplémentaire".to_owned()),
        description: Set("4 Go".to_owned()),
        quantity: Set(Int(1)),
        discount: Set(None),
        unit_price_ht: Set(money(price)),
        unit_setup_ht: Set(0.0),
        unit_price_ttc: Set(money(percent(price, 100 + TAX))),
        unit_setup_ttc: Set(0.0),
        invoice_id: Set(id(at)),
        r#type: Set("config_option".to_owned()),
        related_id: Set(Some(Id(1))),
        data: Set(json!({"value": "4"}).to_string()),
        delivered_at: Set(bill.paid),
        cancelled_at: Set(None),
        refunded_at: Set((bill.status == "refunded").then_some(bill.made)),
        created_at: Set(Some(bill.made)),
        updated_at: Set(Some(bill.made)),
        unit_original_price: Set(money(price)),
        unit_original_setupfees: Set(0.0),
        parent_id: Set(Some(id(at * 2))),
        ..Default::default()
    }
}

/// The discount as JSON, as an item stores it.
fn coupon(cents: i64) -> String {
    let (id, code, off) = WELCOME;
    json!({
        "code": code, "type": "percent", "id": id, "applied_month": 0, "free_setup": 0,
        "sub_price": format!("{:.2}", money(cents)), "sub_setup": "0.00", "value_price": off, "value_setup": 0,
    })
    .to_string()
}
