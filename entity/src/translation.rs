//! Texts of records in other languages.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `translations`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "translations")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Class name of the record in the shop.
    pub model: String,
    /// Key of the record.
    pub model_id: Id,
    /// Column that is translated.
    pub key: String,
    /// Language and country, as in `en_GB`.
    pub locale: String,
    /// Text.
    pub content: String,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
