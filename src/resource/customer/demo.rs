//! The customers of the demo shop, with their notes and metadata.

use std::collections::BTreeMap;

use entity::value::{Amount, Flag, Id, ShopTime};
use entity::{customer, customer_note};
use sea_orm::{ConnectionTrait, DbErr, Set};

use crate::resource::customer::MODEL;
use crate::resource::customer::status::SECOND_FACTOR;
use crate::resource::metadata::demo::attach;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{AGENT, DemoContext, Maker};
use crate::shop::sample::money::money;
use crate::shop::sample::{AUTHENTICATOR_SECRET, Failure, PASSWORD};

/// Makes the customers. Makers of invoices and services read the [`Person`]s.
pub const MAKER: Maker = Maker { after: &["product"], make: |db, making| Box::pin(make(db, making)) };

/// Given name, family name, company, street, town, region, postal code, country, phone.
type Customer = [String; 9];

/// Primary keys of customers in a special state.
const UNVERIFIED: i64 = 33;
const SUSPENDED: i64 = 14;
const BANNED: i64 = 36;
const WITH_SECOND_FACTOR: i64 = 2;

/// A customer as the makers of invoices and services need it, in the order of the primary keys, which start at 1.
pub struct Person {
    /// Currency in which the customer pays.
    pub currency: &'static str,
    /// When the customer registered.
    pub made: ShopTime,
    /// The address as JSON, as an invoice stores it.
    pub billing: String,
}

fn customers() -> serde_json::Result<Vec<Customer>> {
    serde_json::from_str(include_str!("demo.json"))
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for (customer, id) in customers()?.iter().zip(1..) {
        let made = making.ago(if id == UNVERIFIED { 1 } else { 425 - id * 10 });
        rows.push(row(making, customer, id, made));
        let currency = if matches!(customer[7].as_str(), "US" | "CA" | "GB") { "USD" } else { "EUR" };
        making.kept::<Vec<Person>>().push(Person { currency, made, billing: billing(customer) });
    }
    insert(db, rows).await?;
    attach_metadata(making);
    insert_note(db, making).await?;
    Ok(())
}

/// Inserts a note of the staff about a customer.
async fn insert_note(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), DbErr> {
    let note = customer_note::ActiveModel {
        customer_id: Set(Id(2)),
        author_id: Set(Some(AGENT)),
        content: Set("Préfère être appelé le matin.".to_owned()),
        created_at: Set(Some(making.ago(40))),
        updated_at: Set(Some(making.ago(40))),
        ..Default::default()
    };
    insert(db, vec![note]).await
}

fn row(making: &mut DemoContext, customer: &Customer, id: i64, made: ShopTime) -> customer::ActiveModel {
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
        password: Set(PASSWORD.to_owned()),
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

/// Attaches metadata: of the suspended and the banned customer, the origin of two others, links to Discord, and a second
/// factor.
fn attach_metadata(making: &mut DemoContext) {
    for (id, word, reason, days) in [
        (SUSPENDED, "suspended", "Impayés répétés", 12),
        (BANNED, "banned", "Envoi de courriels indésirables", 48),
    ] {
        let at = making.ago(days);
        let values = BTreeMap::from([
            (word.to_owned(), "true".to_owned()),
            (format!("{word}_reason"), reason.to_owned()),
            (format!("{word}_at"), at.local().format("%d/%m/%Y %H:%M").to_string()),
        ]);
        attach(making, (MODEL, Id(id)), &values, Some(at));
    }
    let origin = BTreeMap::from([("origin".to_owned(), "newsletter".to_owned())]);
    for id in [1, 9] {
        let at = making.ago(100);
        attach(making, (MODEL, Id(id)), &origin, Some(at));
    }
    for (id, account) in [(1, "803511102246789120"), (6, "912345678901234567")] {
        let link = BTreeMap::from([("social_discord".to_owned(), account.to_owned())]);
        let at = making.ago(30);
        attach(making, (MODEL, Id(id)), &link, Some(at));
    }
    let secret = BTreeMap::from([(SECOND_FACTOR.to_owned(), AUTHENTICATOR_SECRET.to_owned())]);
    let opened = making.opened;
    attach(making, (MODEL, Id(WITH_SECOND_FACTOR)), &secret, Some(opened));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_has_forty_customers() -> serde_json::Result<()> {
        assert_eq!(super::customers()?.len(), 40);
        Ok(())
    }
}
