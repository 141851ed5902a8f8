//! Free keys and values that hang on any record.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `metadata`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "metadata")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Key of the record.
    pub model_id: Id,
    /// Class name of the record in the shop.
    pub model_type: String,
    /// Name; by custom once per record.
    pub key: String,
    /// Value as text.
    pub value: Option<String>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
