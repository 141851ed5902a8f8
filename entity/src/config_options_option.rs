//! Values among which a choice is made.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, Int, ShopTime};

/// A row of `config_options_options`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "config_options_options")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Choice.
    pub config_option_id: Id,
    /// Label.
    pub friendly_name: Option<String>,
    /// Value for the module that delivers.
    pub value: Option<String>,
    /// Position.
    pub sort_order: Int,
    /// Whether customers do not see it.
    pub hidden: Flag,
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
