//! A domain whose subdomains customers may choose, where there is none.

use entity::subdomains_host;
use sea_orm::{DatabaseConnection, EntityTrait, QuerySelect, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::seed::{Maker, Plan};

/// Makes a domain for all products where there is none.
pub const MAKER: Maker = Maker { make: |db, plan| Box::pin(make(db, plan)), ..Maker::NOTHING };

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    if subdomains_host::Entity::find().limit(1).one(db).await?.is_some() {
        return Ok(());
    }
    let row = subdomains_host::ActiveModel {
        domain: Set("lanterne.example".to_owned()),
        created_at: Set(Some(plan.now.into())),
        updated_at: Set(Some(plan.now.into())),
        ..Default::default()
    };
    subdomains_host::Entity::insert(row).exec(db).await?;
    Ok(())
}
