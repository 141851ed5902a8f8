//! Sessions as guichet's own table holds them (`migration/src/own.rs`).

use entity::Id;
use sea_orm::entity::prelude::*;

/// A row of `guichet_sessions`: one signed-in client, whose refresh token changes with each use. Hashes are
/// SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_sessions")]
pub struct Model {
    /// `customer` or `staff`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_type: String,
    /// Key of the customer or the member of the staff.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Id,
    /// Name of the session, random.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Hash of what all refresh tokens of the session have in common.
    pub family_hash: String,
    /// Hash of what only the current refresh token has.
    pub refresh_hash: String,
    /// How often the refresh token has changed.
    pub generation: i64,
    /// When it changed last, in Unix milliseconds.
    pub refreshed_at: i64,
    /// Hash of the address and program of the client for which it changed last.
    pub client_hash: String,
    /// Hash of the account's stored password: when that changes, the session ends.
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
