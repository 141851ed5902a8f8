//! Invoices and drafts of invoices.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopDate, ShopTime};

/// A row of `invoices`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invoices")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Public key; unique.
    pub uuid: Option<String>,
    /// Day until which it is to be paid.
    pub due_date: ShopDate,
    /// Customer.
    pub customer_id: Option<Id>,
    /// JSON of the address at the time of the invoice.
    pub billing_address: Option<String>,
    /// To pay, taxes included.
    pub total: f64,
    /// Part that was paid with the customer's credit.
    pub balance: f64,
    /// Sum before taxes.
    pub subtotal: f64,
    /// Taxes.
    pub tax: f64,
    /// Setup fees, part of the subtotal.
    pub setupfees: f64,
    /// Three-letter currency code.
    pub currency: String,
    /// `draft`, `pending`, `paid`, `cancelled`, `refunded` or `failed`.
    pub status: String,
    /// Key of the stored means of payment.
    pub payment_method_id: Option<String>,
    /// When it was paid.
    pub paid_at: Option<ShopTime>,
    /// Digest of the PDF that was handed out.
    pub pdf_sha256: Option<String>,
    /// Key of the payment at the gateway; unique.
    pub external_id: Option<String>,
    /// Text printed on the invoice.
    pub notes: String,
    /// Gateway, by its `uuid`.
    pub paymethod: String,
    /// Fees of the gateway.
    pub fees: f64,
    /// Number; unique, rows deleted softly included.
    pub invoice_number: Option<String>,
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
