//! Services: who has what, since when and until when.

use chrono::{Months, TimeDelta};
use entity::service;
use entity::value::{Flag, Id, Int, ShopTime};
use sea_orm::Set;
use serde_json::json;

use super::bills::Bill;
use crate::command::demo::Making;
use crate::command::demo::people::Person;
use crate::command::demo::store::{Article, exchanged};
use crate::command::random::{money, percent};

/// How many services there are: each status comes up as often as in this round.
const COUNT: usize = 80;
const ROUND: [&str; 16] = [
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
/// Servers by thirds of the catalogue.
const SERVERS: [i64; 3] = [1, 2, 3];

/// One service.
pub(super) struct Contract {
    /// Position of the customer.
    pub(super) customer: usize,
    /// Position of the product.
    pub(super) article: usize,
    pub(super) billing: &'static str,
    pub(super) currency: &'static str,
    /// Length of a period; none for what is paid once.
    pub(super) months: i64,
    pub(super) status: &'static str,
    pub(super) made: ShopTime,
    pub(super) expires: Option<ShopTime>,
    pub(super) renewals: i64,
}

/// Key of the service at a position.
pub(super) fn id(position: usize) -> Id {
    Id(i64::try_from(position).unwrap_or(i64::MAX - 1) + 1)
}

/// Whether memory was added to the service at a position.
pub(super) fn has_memory(position: usize, contract: &Contract, articles: &[Article]) -> bool {
    articles[contract.article].options && position.is_multiple_of(2)
}

impl Contract {
    /// Key of the customer.
    pub(super) fn customer_id(&self) -> Id {
        id(self.customer)
    }

    /// One period after a moment.
    pub(super) fn after(&self, start: ShopTime) -> Option<ShopTime> {
        let months = u32::try_from(self.months).ok().filter(|&months| months > 0)?;
        start.0.checked_add_months(Months::new(months)).map(ShopTime)
    }
}

pub(super) fn draw(making: &mut Making, articles: &[Article], people: &[Person]) -> Vec<Contract> {
    (0..COUNT).map(|at| one(making, at, articles, people)).collect()
}

fn one(making: &mut Making, at: usize, articles: &[Article], people: &[Person]) -> Contract {
    let status = ROUND[at % ROUND.len()];
    // The first round leaves nobody of the oldest customers without a service.
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
    run(making, contract)
}

fn position(making: &mut Making, length: usize) -> usize {
    let last = i64::try_from(length).unwrap_or(1) - 1;
    usize::try_from(making.dice.between(0, last)).unwrap_or(0)
}

/// Lets the periods of a contract pass until its status is reached.
fn run(making: &mut Making, mut contract: Contract) -> Contract {
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

pub(super) fn rows(
    making: &mut Making,
    contracts: &[Contract],
    bills: &[Bill],
    articles: &[Article],
) -> Vec<service::ActiveModel> {
    let open =
        |at: usize| bills.iter().position(|bill| bill.contract == Some(at) && bill.status == "pending");
    contracts.iter().enumerate().map(|(at, contract)| row(making, at, contract, open(at), articles)).collect()
}

fn row(
    making: &mut Making,
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
        price_ttc: Set(money(percent(exchanged(article.price(contract.months), contract.currency), 120))),
        status: Set(contract.status.to_owned()),
        ..Default::default()
    }
}
