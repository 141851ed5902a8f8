//! Reasons that customers pick on cancelling.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `cancellation_reasons`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cancellation_reasons")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Text.
    pub reason: String,
    /// What follows: `immediate`, `support_ticket` or `after_expiration`.
    pub cancellation_mode: String,
    /// `active`, `hidden` or `unreferenced`.
    pub status: String,
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
