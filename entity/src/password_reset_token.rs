//! Open requests for a new password, one per customer.

use sea_orm::entity::prelude::*;

use crate::value::ShopTime;

/// A row of `password_reset_tokens`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "password_reset_tokens")]
pub struct Model {
    /// Address of the customer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub email: String,
    /// Hash of the secret that was mailed.
    pub token: String,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
