//! Means of payment.

use sea_orm::entity::prelude::*;

use crate::value::{Decimal2, Id, ShopTime};

/// A row of `gateways`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "gateways")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name.
    pub name: String,
    /// `active`, `hidden` or `unreferenced`.
    pub status: String,
    /// Name in the code, as in `balance`; not unique in the table.
    pub uuid: String,
    /// Least sum that can be paid with it.
    pub minimal_amount: Decimal2,
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
