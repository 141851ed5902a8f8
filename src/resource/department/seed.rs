//! One department of the helpdesk where there is none.

use entity::support_department;
use sea_orm::{DatabaseConnection, EntityTrait, QuerySelect, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::seed::{Maker, Plan};

/// Makes a department where there is none: tickets need one.
pub const MAKER: Maker = Maker { make: |db, plan| Box::pin(make(db, plan)), ..Maker::NOTHING };

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    if support_department::Entity::find().limit(1).one(db).await?.is_some() {
        return Ok(());
    }
    let row = support_department::ActiveModel {
        name: Set("Général".to_owned()),
        description: Set(Some("Toutes les demandes".to_owned())),
        icon: Set(Some("bi bi-question-circle".to_owned())),
        created_at: Set(Some(plan.now.into())),
        updated_at: Set(Some(plan.now.into())),
        ..Default::default()
    };
    support_department::Entity::insert(row).exec(db).await?;
    Ok(())
}
