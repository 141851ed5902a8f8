//! Messages within tickets; written by a customer or by the staff.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `support_messages`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "support_messages")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Ticket; no foreign key.
    pub ticket_id: Id,
    /// Customer who wrote it.
    pub customer_id: Option<Id>,
    /// Member of the staff who wrote it.
    pub admin_id: Option<Id>,
    /// Text in Markdown.
    pub message: String,
    /// When the other side read it.
    pub read_at: Option<ShopTime>,
    /// When it was edited.
    pub edited_at: Option<ShopTime>,
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
