//! Paid invoices with a coupon.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Price, ShopTime};

/// A row of `coupon_usages`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "coupon_usages")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Coupon.
    pub coupon_id: Id,
    /// Customer.
    pub customer_id: Option<Id>,
    /// When it was used.
    pub used_at: ShopTime,
    /// What was saved.
    pub amount: Price,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
