//! Which choices a product has. The table has no key; SeaORM is given the pair.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `config_options_products`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "config_options_products")]
pub struct Model {
    /// Choice.
    #[sea_orm(primary_key, auto_increment = false)]
    pub config_option_id: Id,
    /// Product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Id,
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
