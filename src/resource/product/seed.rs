//! The products of a seeded shop.

use entity::product;
use entity::value::Int;
use sea_orm::{DatabaseConnection, Set, TransactionTrait};

use crate::resource::group::seed::{GROUPS, SHELF};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::{count_on, insert};
use crate::shop::sample::dice::Dice;
use crate::shop::sample::seed::{Count, Maker, Plan, chunks, keys_of};

/// Makes products.
pub const MAKER: Maker = Maker {
    after: &["group"],
    counts: &[PRODUCTS],
    dice: Some(DICE),
    rows: |plan| plan.count(&PRODUCTS),
    make: |db, plan| Box::pin(make(db, plan)),
};

/// The number of products.
pub const PRODUCTS: Count = Count {
    name: "products",
    help: Some("Products, each with prices in EUR and USD [default: 500]"),
    range: 1..=1_000_000,
    default: |_| 500,
    first: Some(keys_of::<product::Entity>),
};

const DICE: u64 = 1;
/// First words of names.
pub const FAMILIES: [&str; 8] =
    ["VPS", "Cloud", "Web", "Minecraft", "Dédié", "Stockage", "Courriel", "Domaine"];
const SIZES: [&str; 6] = ["XS", "S", "M", "L", "XL", "XXL"];

/// Name of the product with this position.
#[must_use]
pub fn name(position: u64) -> String {
    let family = FAMILIES[index(position / SHELF, FAMILIES.len())];
    let size = SIZES[index(position, SIZES.len())];
    format!("{family} {size} {}", position + 1)
}

/// Monthly price before tax in cents.
#[must_use]
pub fn monthly(position: u64) -> i64 {
    let step = i64::try_from(position % 60).unwrap_or(0);
    199 + step * 150
}

/// Setup fee before tax in cents. Every fifth product has one.
#[must_use]
pub fn setup(position: u64) -> i64 {
    if position.is_multiple_of(5) { 499 } else { 0 }
}

/// The index of a position in a list that repeats after `length` entries.
#[must_use]
pub fn index(position: u64, length: usize) -> usize {
    usize::try_from(position).unwrap_or(0) % length
}

/// The position of a random product.
pub fn any(plan: &Plan, dice: &mut Dice) -> u64 {
    let products = plan.keys(&PRODUCTS);
    (products.any(dice).0 - products.first).unsigned_abs()
}

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    plan.begin("products");
    let work = db.begin().await?;
    for chunk in chunks(plan.count(&PRODUCTS)) {
        let size = chunk.end - chunk.start;
        insert(&work, chunk.map(|at| row(plan, at)).collect()).await?;
        plan.made(size);
    }
    work.commit().await?;
    count_on::<product::Entity>(db).await?;
    Ok(())
}

fn row(plan: &Plan, at: u64) -> product::ActiveModel {
    let mut dice = plan.dice(DICE, at);
    let made = plan.ago(&mut dice, 700);
    let id = plan.keys(&PRODUCTS).at(at);
    product::ActiveModel {
        id: Set(id),
        name: Set(name(at)),
        group_id: Set(plan.keys(&GROUPS).at(at / SHELF)),
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
        sort_order: Set(Int(id.0)),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        ..Default::default()
    }
}
