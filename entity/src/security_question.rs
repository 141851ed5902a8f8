//! Questions that prove who is asking.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, Int, ShopTime};

/// A row of `security_questions`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "security_questions")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Text, or the name of a translated text.
    pub question: String,
    /// Whether it can be picked.
    pub is_active: Flag,
    /// Position.
    pub sort_order: Int,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
