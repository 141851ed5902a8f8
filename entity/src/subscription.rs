//! Services that are paid without asking.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `subscriptions`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Customer who pays; no foreign key.
    pub customer_id: Option<Id>,
    /// `pending`, `active` or `cancelled`.
    pub state: String,
    /// When it was cancelled.
    pub cancelled_at: Option<ShopTime>,
    /// How many periods were paid.
    pub cycles: Int,
    /// When it was last paid.
    pub last_payment_at: Option<ShopTime>,
    /// Service.
    pub service_id: Option<Id>,
    /// Key of the stored means of payment.
    pub payment_method_id: Option<String>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// Day on which it is paid.
    pub billing_day: Int,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
