//! Files that were added to tickets.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `support_attachments`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "support_attachments")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name given by the sender.
    pub filename: String,
    /// Path below the shop's storage.
    pub path: String,
    /// Media type.
    pub mime: String,
    /// Customer.
    pub customer_id: Option<Id>,
    /// Member of the staff.
    pub admin_id: Option<Id>,
    /// Bytes.
    pub size: Int,
    /// Message.
    pub message_id: Option<Id>,
    /// Ticket.
    pub ticket_id: Id,
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
