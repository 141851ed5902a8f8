//! Customers, with what is noted about them.

use std::collections::BTreeMap;

use entity::value::{Amount, Flag, Id, ShopTime};
use entity::{customer, customer_note, metadata};
use sea_orm::{ConnectionTrait, DbErr, Set};

use super::Making;
use super::data::Customer;
use super::store::{CUSTOMER, notes};
use crate::command::batch::insert;
use crate::command::random::money;
use crate::command::seed::DEMO_PASSWORD;

/// The customers with a story: their positions in the file.
const UNVERIFIED: i64 = 33;
const SUSPENDED: i64 = 14;
const BANNED: i64 = 36;

/// A customer as the sales need it.
pub(super) struct Person {
    pub(super) currency: &'static str,
    pub(super) made: ShopTime,
    /// The address as an invoice keeps it.
    pub(super) billing: String,
}

pub(super) async fn fill(
    db: &impl ConnectionTrait,
    making: &mut Making,
    customers: &[Customer],
) -> Result<Vec<Person>, DbErr> {
    let mut rows = Vec::new();
    let mut people = Vec::new();
    for (customer, id) in customers.iter().zip(1..) {
        let made = making.ago(if id == UNVERIFIED { 1 } else { 425 - id * 10 });
        rows.push(row(making, customer, id, made));
        let currency = if matches!(customer[7].as_str(), "US" | "CA" | "GB") { "USD" } else { "EUR" };
        people.push(Person { currency, made, billing: billing(customer) });
    }
    insert(db, rows).await?;
    insert(db, stories(making)).await?;
    let remark = customer_note::ActiveModel {
        customer_id: Set(Id(2)),
        author_id: Set(Some(Id(2))),
        content: Set("Préfère être appelé le matin.".to_owned()),
        created_at: Set(Some(making.ago(40))),
        updated_at: Set(Some(making.ago(40))),
        ..Default::default()
    };
    insert(db, vec![remark]).await?;
    Ok(people)
}

fn row(making: &mut Making, customer: &Customer, id: i64, made: ShopTime) -> customer::ActiveModel {
    let [firstname, lastname, company, address, city, region, zipcode, country, phone] = customer.clone();
    let english = matches!(country.as_str(), "US" | "GB" | "IE" | "DE" | "NL");
    let verified = (id != UNVERIFIED).then_some(made);
    customer::ActiveModel {
        id: Set(Id(id)),
        email: Set(email(&firstname, &lastname)),
        firstname: Set(firstname),
        lastname: Set(lastname),
        company_name: Set((!company.is_empty()).then_some(company)),
        locale: Set(if english { "en_GB" } else { "fr_FR" }.to_owned()),
        phone: Set(Some(phone)),
        address: Set(address),
        address2: Set(making.dice.chance(15).then(|| "Bâtiment B".to_owned())),
        city: Set(city),
        country: Set(country),
        region: Set(region),
        zipcode: Set(zipcode),
        email_verified_at: Set(verified),
        password: Set(DEMO_PASSWORD.to_owned()),
        balance: Set(Amount(if making.dice.chance(30) {
            money(making.dice.between(100, 9_000))
        } else {
            0.0
        })),
        last_login: Set(verified.map(|_| making.ago(id % 30).max(made))),
        last_ip: Set(verified.map(|_| format!("203.0.113.{id}"))),
        is_confirmed: Set(Flag(verified.is_some())),
        dark_mode: Set(Flag(making.dice.chance(30))),
        notes: Set((id == 4).then(|| "Client depuis le premier jour.".to_owned())),
        gdpr_compliment: Set(Flag(true)),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        ..Default::default()
    }
}

fn email(firstname: &str, lastname: &str) -> String {
    format!("{}.{}@client.example", slug::slugify(firstname), slug::slugify(lastname))
}

fn billing(
    [firstname, lastname, company, address, city, region, zipcode, country, phone]: &Customer,
) -> String {
    serde_json::json!({
        "firstname": firstname, "lastname": lastname, "company_name": company, "address": address, "address2": "",
        "city": city, "country": country, "region": region, "zipcode": zipcode, "phone": phone,
        "email": email(firstname, lastname), "billing_details": "",
    })
    .to_string()
}

/// The suspended and the banned customer, where two others came from, and who is linked to Discord.
fn stories(making: &mut Making) -> Vec<metadata::ActiveModel> {
    let mut rows = Vec::new();
    for (id, word, reason, days) in [
        (SUSPENDED, "suspended", "Impayés répétés", 12),
        (BANNED, "banned", "Envoi de courriels indésirables", 48),
    ] {
        let at = making.ago(days);
        let story = BTreeMap::from([
            (word.to_owned(), "true".to_owned()),
            (format!("{word}_reason"), reason.to_owned()),
            (format!("{word}_at"), at.local().format("%d/%m/%Y %H:%M").to_string()),
        ]);
        rows.extend(notes(CUSTOMER, Id(id), &story, Some(at)));
    }
    let origin = BTreeMap::from([("origin".to_owned(), "newsletter".to_owned())]);
    for id in [1, 9] {
        rows.extend(notes(CUSTOMER, Id(id), &origin, Some(making.ago(100))));
    }
    for (id, account) in [(1, "803511102246789120"), (6, "912345678901234567")] {
        let link = BTreeMap::from([("social_discord".to_owned(), account.to_owned())]);
        rows.extend(notes(CUSTOMER, Id(id), &link, Some(making.ago(30))));
    }
    rows
}
