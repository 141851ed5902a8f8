//! Domains below which customers may pick a name.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `subdomains_hosts`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subdomains_hosts")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Domain; unique.
    pub domain: String,
    /// JSON list of the products for which it is offered.
    #[sea_orm(column_type = "Text")]
    pub products: Option<String>,
    /// JSON list of the groups for which it is offered.
    #[sea_orm(column_type = "Text")]
    pub groups: Option<String>,
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
