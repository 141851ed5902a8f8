//! Discount codes.

use sea_orm::entity::prelude::*;

use crate::value::{Flag, Id, Int, Price, ShopTime};

/// A row of `coupons`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "coupons")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// What the customer types; unique.
    pub code: String,
    /// `fixed` or `percent`.
    pub r#type: String,
    /// −1 every renewal, 0 the first invoice only, n the first n renewals.
    pub applied_month: Int,
    /// Whether setup fees are waived.
    pub free_setup: Flag,
    /// From when it is valid.
    pub start_at: Option<ShopTime>,
    /// Until when it is valid.
    pub end_at: Option<ShopTime>,
    /// Whether it is for new customers only.
    pub first_order_only: Flag,
    /// How often it may be used; 0 is without limit.
    pub max_uses: Int,
    /// How often one customer may use it; 0 is without limit.
    pub max_uses_per_customer: Int,
    /// How often it was used.
    pub usages: Int,
    /// Not used by the shop.
    pub unique_use: Int,
    /// Customer for whom it is kept.
    pub customer_id: Option<Id>,
    /// JSON list of the products that must be in the basket.
    pub products_required: String,
    /// Whether it is valid for all products.
    pub is_global: Flag,
    /// Least sum of the basket.
    pub minimum_order_amount: Price,
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
