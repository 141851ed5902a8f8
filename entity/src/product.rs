//! Products that the shop sells.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `products`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name in the shop's own language.
    pub name: String,
    /// Group.
    pub group_id: Id,
    /// `active`, `hidden` or `unreferenced`.
    pub status: String,
    /// Text of the product page.
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// Whether the product is shown before the others.
    pub pinned: bool,
    /// Pieces left; −1 is without limit.
    pub stock: Int,
    /// Kind that decides which module delivers it.
    pub r#type: String,
    /// Position within the group.
    pub sort_order: Int,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
    /// Path below the shop's public storage.
    pub image: Option<String>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
