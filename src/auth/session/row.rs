//! The table of sessions: guichet's own, the only one that it makes in a shop's database.

use entity::Id;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, QuerySelect, Schema};

use crate::Result;

/// A row of `guichet_sessions`: one signed-in client, whose refresh token changes with each use.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_sessions")]
pub struct Model {
    /// `customer` or `staff`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(16))")]
    pub owner_type: String,
    /// Key of the customer or the member of the staff.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Id,
    /// Name of the session, random.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(40))")]
    pub id: String,
    /// SHA-256 of what all refresh tokens of the session have in common, in hexadecimal.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub family_hash: String,
    /// SHA-256 of what only the current refresh token has, in hexadecimal.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub refresh_hash: String,
    /// SHA-256 of the account's stored password: when that changes, the session ends.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub password_mark: String,
    /// When the client signed in, in Unix seconds.
    pub created_at: i64,
    /// When the session ends for good, in Unix seconds.
    pub expires_at: i64,
}

/// Accounts are of two tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Makes the table where it is not there yet.
pub(super) async fn make(db: &DatabaseConnection) -> Result<()> {
    // Asked first: where it is there, the right to make tables is not needed.
    if is_there(db).await.is_ok() {
        return Ok(());
    }
    let mut table = Schema::new(db.get_database_backend()).create_table_from_entity(Entity);
    match db.execute(table.if_not_exists()).await {
        Ok(_) => Ok(()),
        // Another process may have made it at the same moment.
        Err(error) => is_there(db).await.map_err(|_| error.into()),
    }
}

async fn is_there(db: &DatabaseConnection) -> Result<(), DbErr> {
    Entity::find().limit(1).one(db).await.map(|_| ())
}
