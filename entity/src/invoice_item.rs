//! Lines of invoices.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `invoice_items`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_items")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Title of the line.
    pub name: String,
    /// Text of the line.
    pub description: String,
    /// How many.
    pub quantity: Int,
    /// JSON of the discounts that apply.
    pub discount: Option<String>,
    /// Price of one, before taxes.
    pub unit_price_ht: f64,
    /// Setup fee of one, before taxes.
    pub unit_setup_ht: f64,
    /// Price of one, taxes included.
    pub unit_price_ttc: f64,
    /// Setup fee of one, taxes included.
    pub unit_setup_ttc: f64,
    /// Invoice.
    pub invoice_id: Id,
    /// What is sold: `service`, `renewal`, `custom_item` and the like.
    pub r#type: String,
    /// Key of what is sold; no foreign key.
    pub related_id: Option<Id>,
    /// JSON that delivery needs.
    pub data: String,
    /// When it was delivered.
    pub delivered_at: Option<ShopTime>,
    /// When it was cancelled.
    pub cancelled_at: Option<ShopTime>,
    /// When it was paid back.
    pub refunded_at: Option<ShopTime>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// Line above, if it belongs to one.
    pub parent_id: Option<Id>,
    /// Price of one before discounts.
    pub unit_original_price: f64,
    /// Setup fee of one before discounts.
    pub unit_original_setupfees: f64,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
