//! Mails that were sent.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `email_messages`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "email_messages")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Address.
    pub recipient: String,
    /// Customer.
    pub recipient_id: Option<Id>,
    /// Subject line.
    pub subject: String,
    /// Template from which it was made.
    pub template: Id,
    /// Body as HTML.
    pub content: String,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// When it was read in the customer area.
    pub read_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
