//! One member of the staff, if there is none.

use entity::admin;
use sea_orm::{DatabaseConnection, EntityTrait, QuerySelect, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::seed::{Maker, Plan};

/// Makes the member of the staff who answers tickets.
pub const MAKER: Maker = Maker { make: |db, plan| Box::pin(make(db, plan)), ..Maker::NOTHING };

/// E-mail address of that member, who has no usable password.
const STAFF: &str = "admin@example.com";

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    if admin::Entity::find().limit(1).one(db).await?.is_some() {
        return Ok(());
    }
    let row = admin::ActiveModel {
        username: Set("admin".to_owned()),
        password: Set("!".to_owned()),
        email: Set(STAFF.to_owned()),
        firstname: Set("Ada".to_owned()),
        lastname: Set("Admin".to_owned()),
        role_id: Set("1".to_owned()),
        locale: Set("fr_FR".to_owned()),
        created_at: Set(Some(plan.now.into())),
        updated_at: Set(Some(plan.now.into())),
        ..Default::default()
    };
    admin::Entity::insert(row).exec(db).await?;
    Ok(())
}
