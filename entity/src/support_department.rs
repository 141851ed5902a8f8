//! Departments that answer tickets.

use sea_orm::entity::prelude::*;

use crate::value::{Id, Int, ShopTime};

/// A row of `support_departments`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "support_departments")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Minutes until the first answer is due.
    pub sla_first_response_minutes: Option<Int>,
    /// Minutes until the solution is due.
    pub sla_resolution_minutes: Option<Int>,
    /// Name.
    pub name: String,
    /// Text.
    pub description: Option<String>,
    /// Class name of the icon.
    pub icon: Option<String>,
    /// JSON list of the staff told about tickets.
    pub staff_subscribers: Option<String>,
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
