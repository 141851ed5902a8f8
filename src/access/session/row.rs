//! The entity of guichet's own table of sessions (`migration/src/own.rs`).

use entity::Id;
use sea_orm::entity::prelude::*;

/// A row of `guichet_sessions`: one signed-in client. Hashes are SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_sessions")]
pub struct Model {
    /// `customer` or `staff`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_type: String,
    /// Primary key of the customer or the member of the staff.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Id,
    /// Name of the session, random.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Hash of the family, which all refresh tokens of the session have in common.
    pub family_hash: String,
    /// Hash of the secret of the current refresh token.
    pub refresh_hash: String,
    /// How often the refresh token has changed.
    pub generation: i64,
    /// When it last changed, in Unix milliseconds.
    pub refreshed_at: i64,
    /// Hash of the network and the `User-Agent` of the client that used it last.
    pub client_hash: String,
    /// Hash of the account's stored password hash: when the password changes, the session ends.
    pub password_mark: String,
    /// When the client signed in, in Unix seconds.
    pub created_at: i64,
    /// When the session expires, in Unix seconds.
    pub expires_at: i64,
}

/// None: accounts are in two tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
