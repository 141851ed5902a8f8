//! Notes of the staff on customers.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `customer_notes`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_notes")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Customer.
    pub customer_id: Id,
    /// Member of the staff who wrote it.
    pub author_id: Option<Id>,
    /// Text.
    pub content: String,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
