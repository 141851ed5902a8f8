//! The entity of guichet's own table of what is to be sent (`migration/src/own.rs`).

use entity::Id;
use sea_orm::entity::prelude::*;

/// A row of `guichet_outbox`: a mail or a webhook that is to be sent. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_outbox")]
pub struct Model {
    /// Rows of one record are sent in the order of their numbers.
    #[sea_orm(primary_key)]
    pub id: Id,
    /// What the receiver knows it by; the same however often it is sent.
    pub message_id: String,
    /// [`MAIL`](super::MAIL) or [`WEBHOOK`](super::WEBHOOK).
    pub kind: String,
    /// The record whose rows keep their order, such as `customer:12`.
    pub record: String,
    /// What has happened: the mail's template, or the webhook's action.
    pub event: String,
    /// The row of `email_messages`; 0 for a webhook.
    pub mail_id: Id,
    /// Address of a webhook.
    pub target: String,
    /// Body of a webhook.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// When it was written.
    pub created_at: i64,
    /// [`WAITING`](super::WAITING) or [`GIVEN_UP`](super::GIVEN_UP).
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub due_at: i64,
    /// An attempt that fails after this time is the last one.
    pub gives_up_at: i64,
    /// Random name of the attempt that is under way.
    pub lease: String,
    /// Until when no other process may take it.
    pub leased_until: i64,
    /// Why the last attempt failed.
    pub error: String,
}

impl Model {
    /// When it is deleted, if it was given up.
    pub fn deleted_at(&self) -> Option<i64> {
        (self.state == super::GIVEN_UP).then(|| self.due_at.saturating_add(super::KEPT.num_milliseconds()))
    }
}

/// None: rows of several tables are referred to.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
