//! What was chosen for a service.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `config_options_services`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "config_options_services")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Choice.
    pub config_option_id: Id,
    /// Service.
    pub service_id: Id,
    /// Chosen value.
    pub value: Option<String>,
    /// Name for the module that delivers.
    pub key: Option<String>,
    /// End of the paid period.
    pub expires_at: Option<ShopTime>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
