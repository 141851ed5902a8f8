//! The groups of a seeded shop.

use entity::group;
use entity::value::Int;
use sea_orm::{DatabaseConnection, Set};

use crate::resource::product::seed::{FAMILIES, PRODUCTS, index};
use crate::shop::sample::Failure;
use crate::shop::sample::batch::{count_on, insert};
use crate::shop::sample::seed::{Count, Maker, Plan, keys_of};

/// Makes groups for the products. They are few, so they do not count as rows in the progress.
pub const MAKER: Maker =
    Maker { counts: &[GROUPS], make: |db, plan| Box::pin(make(db, plan)), ..Maker::NOTHING };

/// Number of products in one group.
pub const SHELF: u64 = 25;

/// The number of groups.
pub const GROUPS: Count = Count {
    name: "groups",
    help: None,
    range: 0..=u64::MAX,
    default: |counts| counts.of(&PRODUCTS).div_ceil(SHELF),
    first: Some(keys_of::<group::Entity>),
};

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    insert(db, (0..plan.count(&GROUPS)).map(|at| row(plan, at)).collect()).await?;
    count_on::<group::Entity>(db).await?;
    Ok(())
}

fn row(plan: &Plan, at: u64) -> group::ActiveModel {
    let groups = plan.keys(&GROUPS);
    let id = groups.at(at);
    // Every fourth group is the parent of the three that follow it.
    let parent = (!at.is_multiple_of(4)).then(|| groups.at(at - at % 4));
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
