//! Groups of products; they form a tree.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `groups`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "groups")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name in the shop's own language.
    pub name: String,
    /// Name within URLs; unique.
    pub slug: String,
    /// `active`, `hidden` or `unreferenced`.
    pub status: String,
    /// Text of the group page.
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// Text of the badge.
    pub badge_title: Option<String>,
    /// Colour of the badge.
    pub badge_color: Option<String>,
    /// Icon of the badge.
    pub badge_icon: Option<String>,
    /// Path below the shop's public storage.
    pub image: Option<String>,
    /// Whether the group is shown before the others.
    pub pinned: bool,
    /// Position among its siblings.
    pub sort_order: Int,
    /// Group above; there is no foreign key.
    pub parent_id: Option<Id>,
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
