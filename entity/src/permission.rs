//! Permissions of the staff.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `permissions`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "permissions")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Name in the code; unique.
    pub name: String,
    /// Name of the translated label.
    pub label: String,
    /// Heading under which it is listed.
    pub group: Option<String>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
