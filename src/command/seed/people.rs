//! Customers, and one member of the staff where there is none.

use chrono::{DateTime, TimeDelta, Utc};
use entity::value::{Amount, Flag, Id, ShopTime};
use entity::{admin, customer};
use sea_orm::{DatabaseConnection, DbErr, EntityTrait, QueryOrder, QuerySelect, Set, TransactionTrait};

use super::{Plan, chunks};
use crate::command::batch::{count_on, insert};
use crate::command::random::{Dice, money};

/// bcrypt hash (cost 12) of `demo-password`, the password of every invented customer.
pub(in crate::command) const DEMO_PASSWORD: &str =
    "$2y$12$guichetDemoShopSalt12uoJzPvEsf6t0HNc0ixv2ipOqpmTJEKuG";
/// Address of the staff member that an empty shop gets.
const STAFF: &str = "admin@example.com";

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
/// Country, region, town, postal code and beginning of phone numbers.
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

/// The first member of the staff, made without a usable password if there is none.
pub(super) async fn staff(db: &DatabaseConnection, now: DateTime<Utc>) -> Result<Id, DbErr> {
    let known = admin::Entity::find().order_by_asc(admin::Column::Id).limit(1).one(db).await?;
    if let Some(row) = known {
        return Ok(row.id);
    }
    let row = admin::ActiveModel {
        username: Set("admin".to_owned()),
        password: Set("!".to_owned()),
        email: Set(STAFF.to_owned()),
        firstname: Set("Ada".to_owned()),
        lastname: Set("Admin".to_owned()),
        role_id: Set("1".to_owned()),
        locale: Set("fr_FR".to_owned()),
        created_at: Set(Some(now.into())),
        updated_at: Set(Some(now.into())),
        ..Default::default()
    };
    admin::Entity::insert(row).exec(db).await.map(|made| made.last_insert_id)
}

pub(super) async fn fill(db: &DatabaseConnection, plan: &Plan) -> Result<(), DbErr> {
    plan.progress.set_message("customers");
    let work = db.begin().await?;
    for chunk in chunks(plan.customers.count) {
        let size = chunk.end - chunk.start;
        insert(&work, chunk.map(|at| person(plan, at)).collect()).await?;
        plan.progress.inc(size);
    }
    work.commit().await?;
    count_on::<customer::Entity>(db).await
}

fn person(plan: &Plan, at: u64) -> customer::ActiveModel {
    let mut dice = plan.dice(2, at);
    let id = plan.customers.at(at);
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
        password: Set(DEMO_PASSWORD.to_owned()),
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_documented_password_fits_its_hash() {
        assert!(bcrypt::verify("demo-password", super::DEMO_PASSWORD).is_ok_and(|fits| fits));
    }
}
