//! What customers have bought: contracts become services, bills become invoices.

mod bills;
mod contracts;

use std::collections::HashMap;

use bills::Bill;
use contracts::Contract;
use entity::value::{Flag, Id, Int, Price, ShopTime};
use entity::{config_options_service, coupon, coupon_usage, service_renewal, subscription};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Set};

use super::Making;
use super::people::Person;
use super::store::Article;
use crate::command::batch::insert;
use crate::command::random::money;

/// The coupon of the first orders, and what it takes off in percent.
const WELCOME: (i64, &str, i64) = (1, "BIENVENUE10", 10);

/// Makes services and invoices; answers a paid invoice of each customer.
pub(super) async fn fill(
    db: &impl ConnectionTrait,
    making: &mut Making,
    articles: &[Article],
    people: &[Person],
) -> Result<HashMap<Id, Id>, DbErr> {
    let contracts = contracts::draw(making, articles, people);
    let bills = bills::draw(making, &contracts, articles, people);
    let (invoices, items) = bills::rows(making, &bills, articles, people);
    insert(db, invoices).await?;
    insert(db, bills::sequences(&bills)).await?;
    insert(db, contracts::rows(making, &contracts, &bills, articles)).await?;
    insert(db, items).await?;
    insert(db, periods(&bills, &contracts)).await?;
    insert(db, extras(&contracts, articles)).await?;
    insert(db, subscriptions(making, &contracts)).await?;
    usages(db, &bills, articles).await?;
    let paid = bills.iter().zip(1..).filter(|(bill, _)| bill.status == "paid");
    Ok(paid.map(|(bill, id)| (bill.customer_id(), Id(id))).collect())
}

/// One row for each paid or open period of a service.
fn periods(bills: &[Bill], contracts: &[Contract]) -> Vec<service_renewal::ActiveModel> {
    let billed = bills.iter().zip(1..).filter_map(|(bill, invoice)| Some((bill, invoice, bill.contract?)));
    billed
        .filter(|(bill, ..)| matches!(bill.status, "paid" | "pending"))
        .map(|(bill, invoice, contract)| service_renewal::ActiveModel {
            service_id: Set(contracts::id(contract)),
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

/// Memory that some have added.
fn extras(contracts: &[Contract], articles: &[Article]) -> Vec<config_options_service::ActiveModel> {
    let with_options =
        contracts.iter().enumerate().filter(|(at, contract)| contracts::has_memory(*at, contract, articles));
    with_options
        .map(|(at, contract)| config_options_service::ActiveModel {
            config_option_id: Set(Id(1)),
            service_id: Set(contracts::id(at)),
            value: Set(Some("4".to_owned())),
            key: Set(Some("additional_memory".to_owned())),
            expires_at: Set(contract.expires),
            created_at: Set(Some(contract.made)),
            updated_at: Set(Some(contract.made)),
            ..Default::default()
        })
        .collect()
}

/// Every eighth running service is paid by itself.
fn subscriptions(making: &mut Making, contracts: &[Contract]) -> Vec<subscription::ActiveModel> {
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
            service_id: Set(Some(contracts::id(at))),
            payment_method_id: Set(Some(format!("pm_{}", making.dice.uuid()))),
            billing_day: Set(Int(5)),
            created_at: Set(Some(contract.made)),
            updated_at: Set(Some(contract.made)),
            ..Default::default()
        })
        .collect()
}

async fn usages(db: &impl ConnectionTrait, bills: &[Bill], articles: &[Article]) -> Result<(), DbErr> {
    let used: Vec<_> =
        bills.iter().filter_map(|bill| Some((bill, bill.paid?))).filter(|(bill, _)| bill.welcome).collect();
    let rows: Vec<_> = used.iter().map(|&(bill, paid)| usage(bill, paid, articles)).collect();
    let count = i64::try_from(rows.len()).unwrap_or(0);
    insert(db, rows).await?;
    let coupon = coupon::Entity::update_many().filter(coupon::Column::Id.eq(Id(WELCOME.0)));
    coupon.col_expr(coupon::Column::Usages, Expr::value(Int(count))).exec(db).await.map(|_| ())
}

fn usage(bill: &Bill, paid: ShopTime, articles: &[Article]) -> coupon_usage::ActiveModel {
    coupon_usage::ActiveModel {
        coupon_id: Set(Id(WELCOME.0)),
        customer_id: Set(Some(bill.customer_id())),
        used_at: Set(paid),
        amount: Set(Price(money(bill.discount(articles)))),
        created_at: Set(Some(paid)),
        updated_at: Set(Some(paid)),
        ..Default::default()
    }
}
