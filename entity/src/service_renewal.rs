//! Periods of services, paid and to be paid.
//!
//! The generated column `pending_lock_key`, which keeps a service from having two open renewals, is left out:
//! nobody may write it.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, Int, ShopTime};

/// A row of `service_renewals`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "service_renewals")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Service; no foreign key.
    pub service_id: Id,
    /// Invoice; no foreign key.
    pub invoice_id: Id,
    /// First moment of the period.
    pub start_date: Option<ShopTime>,
    /// End of the period.
    pub end_date: Option<ShopTime>,
    /// When it was paid and delivered.
    pub renewed_at: Option<ShopTime>,
    /// When the next invoice is made.
    pub next_billing_on: Option<ShopTime>,
    /// Number of the period, counted from the first.
    pub period: Int,
    /// Whether the service began with it.
    pub first_period: Flag,
    /// `pending`, `completed` or `cancelled`.
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
