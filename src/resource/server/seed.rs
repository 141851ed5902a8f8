//! Servers that services may run on, where there are none.

use entity::server;
use sea_orm::{DatabaseConnection, EntityTrait, QuerySelect};

use super::demo::rows;
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::seed::{Maker, Plan};

/// Makes the servers of the demo shop where there are none, and the shop has a key that their access data is encrypted with.
pub const MAKER: Maker =
    Maker { dice: Some(DICE), make: |db, plan| Box::pin(make(db, plan)), ..Maker::NOTHING };

const DICE: u64 = 21;

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    let is_first = server::Entity::find().limit(1).one(db).await?.is_none();
    if is_first && !plan.app_key.is_empty() {
        let mut dice = plan.dice(DICE, 0);
        insert(db, rows(&plan.app_key, plan.now.into(), &mut dice)?).await?;
    }
    Ok(())
}
