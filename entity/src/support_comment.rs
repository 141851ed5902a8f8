//! Notes of the staff on tickets.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `support_comments`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "support_comments")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Ticket.
    pub ticket_id: Id,
    /// Member of the staff.
    pub admin_id: Id,
    /// Text.
    pub comment: String,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
