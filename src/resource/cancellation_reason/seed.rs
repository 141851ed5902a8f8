//! Why customers end services, where there are no reasons.

use entity::cancellation_reason;
use sea_orm::{DatabaseConnection, EntityTrait, QuerySelect};

use super::demo::rows;
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::seed::{Maker, Plan};

/// Makes the reasons of the demo shop where there are none.
pub const MAKER: Maker = Maker { make: |db, plan| Box::pin(make(db, plan)), ..Maker::NOTHING };

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    if cancellation_reason::Entity::find().limit(1).one(db).await?.is_none() {
        insert(db, rows(plan.now.into())?).await?;
    }
    Ok(())
}
