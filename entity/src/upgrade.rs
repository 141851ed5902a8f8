//! Changes of a service to another product.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, ShopTime};

/// A row of `upgrades`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "upgrades")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Customer.
    pub customer_id: Id,
    /// Service.
    pub service_id: Id,
    /// Product before.
    pub old_product_id: Id,
    /// Product after.
    pub new_product_id: Id,
    /// Invoice of the difference; no foreign key.
    pub invoice_id: Option<Id>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// Whether it was done.
    pub upgraded: Flag,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
