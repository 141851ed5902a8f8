//! What customers have bought and use.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, Int, ShopTime};

/// A row of `services`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "services")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Customer.
    pub customer_id: Id,
    /// Public key; not unique in the table.
    pub uuid: String,
    /// Name shown to the customer.
    pub name: String,
    /// Kind that decides which module delivers it.
    pub r#type: String,
    /// Billing period, as in `monthly`.
    pub billing: String,
    /// Three-letter currency code.
    pub currency: String,
    /// Server.
    pub server_id: Option<Id>,
    /// Product.
    pub product_id: Option<Id>,
    /// Invoice.
    pub invoice_id: Option<Id>,
    /// End of the paid period; null for services that do not expire.
    pub expires_at: Option<ShopTime>,
    /// When it was suspended.
    pub suspended_at: Option<ShopTime>,
    /// Why it was suspended.
    pub suspend_reason: Option<String>,
    /// When it ends by cancellation.
    pub cancelled_at: Option<ShopTime>,
    /// What the customer said on cancelling.
    pub cancelled_reason: Option<String>,
    /// Reason picked on cancelling; there is no foreign key.
    pub cancellation_reason_id: Option<Id>,
    /// Notes of the staff.
    pub notes: Option<String>,
    /// What went wrong when it was last delivered.
    pub delivery_errors: Option<String>,
    /// How often delivery was tried.
    pub delivery_attempts: Int,
    /// How often it was renewed.
    pub renewals: Int,
    /// End of the trial.
    pub trial_ends_at: Option<ShopTime>,
    /// How often it may be renewed; null is without limit.
    pub max_renewals: Option<Int>,
    /// JSON of the module that delivers it.
    pub data: Option<String>,
    /// Whether it was cancelled.
    pub is_cancelled: Flag,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// Text shown to the customer.
    pub description: Option<String>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
    /// Price of a period, taxes included.
    pub price_ttc: f64,
    /// `pending`, `active`, `suspended`, `expired`, `cancelled` or `hidden`.
    pub status: String,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
