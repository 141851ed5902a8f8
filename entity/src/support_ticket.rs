//! Questions of customers.

use sea_orm::entity::prelude::*;

use crate::value::{Id, ShopTime};

/// A row of `support_tickets`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "support_tickets")]
pub struct Model {
    /// Key of the row.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// Department.
    pub department_id: Id,
    /// Customer.
    pub customer_id: Option<Id>,
    /// Title.
    pub subject: String,
    /// `low`, `medium` or `high`.
    pub priority: String,
    /// What it is about: `service` or `invoice`.
    pub related_type: Option<String>,
    /// Key of what it is about; no foreign key.
    pub related_id: Option<Id>,
    /// JSON list of the staff told about answers.
    pub staff_subscribers: Option<String>,
    /// When it was closed.
    pub closed_at: Option<ShopTime>,
    /// When the row was made.
    pub created_at: Option<ShopTime>,
    /// When the row was last changed.
    pub updated_at: Option<ShopTime>,
    /// When the row was deleted softly; null while it lives.
    pub deleted_at: Option<ShopTime>,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// Who closed it: `customer`, `admin` or `system`.
    pub closed_by: Option<String>,
    /// Key of who closed it.
    pub closed_by_id: Option<Id>,
    /// Member of the staff in charge.
    pub assigned_to: Option<Id>,
    /// `open`, `closed` or `answered`.
    pub status: String,
    /// Public key; not unique in the table.
    pub uuid: Option<String>,
    /// When the first answer is due.
    pub first_response_due_at: Option<ShopTime>,
    /// When the solution is due.
    pub resolution_due_at: Option<ShopTime>,
    /// When it was first answered.
    pub first_response_at: Option<ShopTime>,
    /// When the staff was told that it is late.
    pub sla_breached_notified_at: Option<ShopTime>,
}

/// Relations are loaded in batches by the server, so none is declared here.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
