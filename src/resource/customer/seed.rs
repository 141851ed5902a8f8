//! The customers of a seeded shop.

use chrono::TimeDelta;
use entity::customer;
use entity::value::{Amount, Flag, ShopTime};
use sea_orm::{DatabaseConnection, Set, TransactionTrait};

use crate::shop::sample::batch::{count_on, insert};
use crate::shop::sample::dice::Dice;
use crate::shop::sample::money::money;
use crate::shop::sample::seed::{Count, Maker, Plan, chunks, keys_of};
use crate::shop::sample::{Failure, PASSWORD};

/// Makes customers.
pub const MAKER: Maker = Maker {
    after: &[],
    counts: &[CUSTOMERS],
    dice: Some(DICE),
    rows: |plan| plan.count(&CUSTOMERS),
    make: |db, plan| Box::pin(make(db, plan)),
};

/// The customers.
pub const CUSTOMERS: Count = Count {
    name: "customers",
    help: Some("Customers [default: 10000]"),
    range: 1..=10_000_000,
    default: |_| 10_000,
    first: Some(keys_of::<customer::Entity>),
};

const DICE: u64 = 2;
const FIRST: [&str; 24] = [
    "Léa",
    "Hugo",
    "Chloé",
    "Louis",
    "Manon",
    "Jules",
    "Inès",
    "Adam",
    "Camille",
    "Nathan",
    "Zoé",
    "Gabriel",
    "Sarah",
    "Théo",
    "Anaïs",
    "Maël",
    "Éva",
    "Noé",
    "Yasmine",
    "Rayan",
    "Margaux",
    "Côme",
    "Salomé",
    "Aurélien",
];
const LAST: [&str; 24] = [
    "Martin",
    "Bernard",
    "Dubois",
    "Petit",
    "Lefèvre",
    "Moreau",
    "Garcia",
    "Roux",
    "Fontaine",
    "Chevalier",
    "Gauthier",
    "Perrin",
    "Benali",
    "Nguyen",
    "Da Silva",
    "Lemaître",
    "Marchand",
    "Hervé",
    "Kowalski",
    "Diallo",
    "Meyer",
    "Picard",
    "Besson",
    "Colin",
];
/// Country, region, town, postal code and prefix of phone numbers.
const PLACES: [[&str; 5]; 10] = [
    ["FR", "Hauts-de-France", "Lille", "59000", "+336"],
    ["FR", "Île-de-France", "Paris", "75011", "+336"],
    ["FR", "Bretagne", "Rennes", "35000", "+336"],
    ["FR", "Occitanie", "Toulouse", "31000", "+337"],
    ["FR", "Auvergne-Rhône-Alpes", "Lyon", "69003", "+337"],
    ["BE", "Hainaut", "Mons", "7000", "+3247"],
    ["CH", "Vaud", "Lausanne", "1003", "+4179"],
    ["DE", "Berlin", "Berlin", "10115", "+49151"],
    ["ES", "Madrid", "Madrid", "28001", "+346"],
    ["LU", "Luxembourg", "Luxembourg", "1111", "+35262"],
];
/// Streets of the addresses.
const STREETS: [&str; 6] = [
    "rue de l'Église",
    "rue des Lilas",
    "avenue de la Gare",
    "place du Marché",
    "chemin Vert",
    "boulevard Sud",
];

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    plan.begin("customers");
    let work = db.begin().await?;
    for chunk in chunks(plan.count(&CUSTOMERS)) {
        let size = chunk.end - chunk.start;
        insert(&work, chunk.map(|at| row(plan, at)).collect()).await?;
        plan.made(size);
    }
    work.commit().await?;
    count_on::<customer::Entity>(db).await?;
    Ok(())
}

fn row(plan: &Plan, at: u64) -> customer::ActiveModel {
    let mut dice = plan.dice(DICE, at);
    let id = plan.keys(&CUSTOMERS).at(at);
    let made = plan.ago(&mut dice, 900);
    let [country, region, city, zipcode, phone] = *dice.pick(&PLACES);
    let verified =
        dice.chance(93).then(|| ShopTime((made.0 + TimeDelta::minutes(dice.between(1, 90))).min(plan.now)));
    customer::ActiveModel {
        id: Set(id),
        firstname: Set((*dice.pick(&FIRST)).to_owned()),
        lastname: Set((*dice.pick(&LAST)).to_owned()),
        email: Set(format!("client{}@exemple.test", id.0)),
        company_name: Set(dice.chance(15).then(|| format!("Société {} SARL", id.0))),
        locale: Set(dice.weighted(&[("fr_FR", 85), ("en_GB", 15)]).to_owned()),
        phone: Set(Some(format!("{phone}{:08}", id.0 % 100_000_000))),
        address: Set(format!("{} {}", dice.between(1, 180), dice.pick(&STREETS))),
        city: Set(city.to_owned()),
        country: Set(country.to_owned()),
        region: Set(region.to_owned()),
        zipcode: Set(zipcode.to_owned()),
        email_verified_at: Set(verified),
        password: Set(PASSWORD.to_owned()),
        balance: Set(Amount(credit(&mut dice))),
        last_login: Set(dice.chance(70).then(|| plan.ago(&mut dice, 60).max(made))),
        is_confirmed: Set(Flag(verified.is_some())),
        dark_mode: Set(Flag(dice.chance(30))),
        gdpr_compliment: Set(Flag(true)),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        ..Default::default()
    }
}

fn credit(dice: &mut Dice) -> f64 {
    if dice.chance(25) { money(dice.between(1, 20_000)) } else { 0.0 }
}
