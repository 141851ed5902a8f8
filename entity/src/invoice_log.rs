//! What happened to an invoice.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `invoice_logs`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_logs")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Invoice.
    pub invoice_id: Id,
    /// What happened.
    pub status: String,
    /// JSON of the details.
    pub context: String,
    /// Customer.
    pub customer_id: Option<Id>,
    /// Member of the staff.
    pub staff_id: Option<Id>,
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
