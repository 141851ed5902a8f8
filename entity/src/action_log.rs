//! What customers and staff did.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `action_logs`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "action_logs")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Customer who did it; no foreign key.
    pub customer_id: Option<Id>,
    /// Member of the staff who did it; no foreign key.
    pub staff_id: Option<Id>,
    /// What was done, as in `resource_updated`.
    pub action: String,
    /// Class name of the record in the shop.
    pub model: Option<String>,
    /// Key of the record, kept as text.
    pub model_id: Option<String>,
    /// JSON of the details.
    pub payload: Option<String>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
