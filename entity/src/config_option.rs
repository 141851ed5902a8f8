//! Choices that customers make on ordering a product.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, Int, ShopTime};

/// A row of `config_options`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "config_options")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Kind of field: `slider`, `dropdown` and the like.
    pub r#type: String,
    /// Name for the module that delivers.
    pub key: String,
    /// Label.
    pub name: String,
    /// Value before the customer picks one.
    pub default_value: Option<String>,
    /// Rules that the value must meet.
    pub rules: Option<String>,
    /// Least value of a slider.
    pub min_value: Option<Int>,
    /// Greatest value of a slider.
    pub max_value: Option<Int>,
    /// Step of a slider.
    pub step: Option<Int>,
    /// Whether it must be filled.
    pub required: Flag,
    /// Unit printed after the value.
    pub unit: Option<String>,
    /// Whether the module applies it by itself.
    pub automatic: Flag,
    /// Whether customers do not see it.
    pub hidden: Flag,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// Position.
    pub sort_order: Int,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
