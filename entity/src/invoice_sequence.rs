//! Counters for invoice numbers, one per prefix and month.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `invoice_sequences`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_sequences")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Begin of the number.
    pub prefix: String,
    /// Month, as in `2026-11`.
    pub year_month: String,
    /// Last number that was given.
    pub last_number: Int,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
