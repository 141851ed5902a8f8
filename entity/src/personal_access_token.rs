//! API keys of staff and customers.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `personal_access_tokens`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "personal_access_tokens")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Class name of the owner in the shop.
    pub tokenable_type: String,
    /// Key of the owner.
    pub tokenable_id: Id,
    /// Name given by the owner.
    pub name: String,
    /// SHA-256 of the secret, in hexadecimal; unique.
    pub token: String,
    /// JSON list of what the key may do; `*` is everything.
    pub abilities: Option<String>,
    /// When it was last used.
    pub last_used_at: Option<ShopTime>,
    /// From when it is refused; null is never.
    pub expires_at: Option<ShopTime>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
