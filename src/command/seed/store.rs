//! Groups, products and their prices.

use entity::value::{Int, Price};
use entity::{group, pricing, product};
use sea_orm::{DatabaseConnection, DbErr, Set, TransactionTrait};

use super::{Keys, Plan, chunks};
use crate::command::batch::{count_on, insert, next_id};
use crate::command::random::{money, percent};

const FAMILIES: [&str; 8] = ["VPS", "Cloud", "Web", "Minecraft", "Dédié", "Stockage", "Courriel", "Domaine"];
const SIZES: [&str; 6] = ["XS", "S", "M", "L", "XL", "XXL"];
/// Products of one group.
const SHELF: u64 = 25;
/// Prices of periods as percentages of the monthly price: quarter, half-year, year, two, three.
const PERIODS: [i64; 5] = [291, 564, 1_056, 2_016, 2_880];

/// Name of the product with this position.
pub(super) fn name(position: u64) -> String {
    let family = FAMILIES[index(position / SHELF, FAMILIES.len())];
    let size = SIZES[index(position, SIZES.len())];
    format!("{family} {size} {}", position + 1)
}

/// Monthly price before tax in cents.
pub(super) fn monthly(position: u64) -> i64 {
    let step = i64::try_from(position % 60).unwrap_or(0);
    199 + step * 150
}

/// Setup fee before tax in cents: every fifth product has one.
pub(super) fn setup(position: u64) -> i64 {
    if position.is_multiple_of(5) { 499 } else { 0 }
}

fn index(position: u64, length: usize) -> usize {
    usize::try_from(position).unwrap_or(0) % length
}

pub(super) async fn fill(db: &DatabaseConnection, plan: &Plan) -> Result<(), DbErr> {
    plan.progress.set_message("store");
    let shelves = Keys {
        first: next_id::<group::Entity>(db, group::Column::Id).await?,
        count: plan.products.count.div_ceil(SHELF),
    };
    let work = db.begin().await?;
    insert(&work, (0..shelves.count).map(|at| shelf(plan, shelves, at)).collect()).await?;
    for chunk in chunks(plan.products.count) {
        let rows = chunk.clone().map(|at| article(plan, shelves, at)).collect();
        insert(&work, rows).await?;
        let prices = chunk
            .clone()
            .flat_map(|at| [("EUR", 100), ("USD", 110)].map(|currency| price(plan, at, currency)));
        insert(&work, prices.collect()).await?;
        plan.progress.inc((chunk.end - chunk.start) * 3);
    }
    work.commit().await?;
    count_on::<group::Entity>(db).await?;
    count_on::<product::Entity>(db).await
}

fn shelf(plan: &Plan, shelves: Keys, at: u64) -> group::ActiveModel {
    let id = shelves.at(at);
    // Every fourth group is the parent of the three that follow it.
    let parent = (!at.is_multiple_of(4)).then(|| shelves.at(at - at % 4));
    group::ActiveModel {
        id: Set(id),
        name: Set(format!("{} {}", FAMILIES[index(at, FAMILIES.len())], at + 1)),
        slug: Set(format!("rayon-{}", id.0)),
        status: Set("active".to_owned()),
        description: Set(format!("<p>Rayon {} de la boutique d'essai</p>", at + 1)),
        pinned: Set(at == 0),
        sort_order: Set(Int(id.0)),
        parent_id: Set(parent),
        created_at: Set(Some(plan.now.into())),
        updated_at: Set(Some(plan.now.into())),
        ..Default::default()
    }
}

fn article(plan: &Plan, shelves: Keys, at: u64) -> product::ActiveModel {
    let mut dice = plan.dice(1, at);
    let made = plan.ago(&mut dice, 700);
    product::ActiveModel {
        id: Set(plan.products.at(at)),
        name: Set(name(at)),
        group_id: Set(shelves.at(at / SHELF)),
        status: Set(dice.weighted(&[("active", 90), ("hidden", 7), ("unreferenced", 3)]).to_owned()),
        description: Set(format!(
            "{} : {} Go de mémoire, {} Go de disque",
            name(at),
            dice.between(1, 64),
            dice.between(10, 900)
        )),
        pinned: Set(dice.chance(5)),
        stock: Set(Int(dice.between(0, 200))),
        r#type: Set("none".to_owned()),
        sort_order: Set(Int(plan.products.at(at).0)),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        ..Default::default()
    }
}

fn price(plan: &Plan, at: u64, (currency, rate): (&str, i64)) -> pricing::ActiveModel {
    let month = percent(monthly(at), rate);
    let fee = (setup(at) > 0).then(|| Price(money(percent(setup(at), rate))));
    let [quarter, half, year, two, three] = PERIODS.map(|part| Some(Price(money(percent(month, part)))));
    pricing::ActiveModel {
        related_id: Set(plan.products.at(at)),
        related_type: Set("product".to_owned()),
        currency: Set(currency.to_owned()),
        monthly: Set(Some(Price(money(month)))),
        quarterly: Set(quarter),
        semiannually: Set(half),
        annually: Set(year),
        biennially: Set(two),
        triennially: Set(three),
        setup_monthly: Set(fee),
        ..Default::default()
    }
}
