//! Roles of the staff.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, Int, ShopTime};

/// A row of `roles`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "roles")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name; unique.
    pub name: String,
    /// Rank: who has more may manage who has less.
    pub level: Int,
    /// Whether every permission is included.
    pub is_admin: Flag,
    /// Whether new members of the staff get it.
    pub is_default: Flag,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
