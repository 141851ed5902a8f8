//! Files that were added to tickets. They are kept where no path leads, and are answered by links that expire.

mod files;
mod rule;

use async_graphql::{Context, Object};
use chrono::TimeDelta;
use entity::support_attachment;
use facade::guard::Public;
use facade::record::{Key, KeyOf, Url, View};
use facade::rest::FileResponse;
use facade::rest_only::RestOnly;
use facade::{filters, record};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

pub(super) use self::files::{StoredFiles, attach, forget_folder, note_deletion};
pub(super) use self::rule::{allowed_type, harmless_file, within_size};
use super::Ticket;
use super::message::TicketMessage;
use crate::Result;
use crate::platform::signature;
use crate::resource::customer::Customer;
use crate::resource::staff::Staff;
use crate::scope::ShopScope;

/// How long a link to a file is valid.
const LINK_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// Path of files; the primary key of the attachment follows.
const PATH: &str = "/api/application/ticket-attachments/";

record! {
    /// A file that was added to a ticket.
    pub struct TicketAttachment(entity::support_attachment);
    columns {
        /// Name that its sender gave it.
        filename,
        /// Path below the shop's private storage.
        #[rest_only] path,
        /// Media type that its sender gave it.
        mime,
        /// Identifier of the customer who added it.
        customer_id shown KeyOf<Customer>,
        /// Identifier of the member of the staff who added it.
        staff_id from admin_id shown KeyOf<Staff>,
        /// Its size in bytes.
        size,
        /// Primary key of the message that it belongs to.
        message_id shown Key,
        /// Identifier of the ticket.
        ticket_id shown KeyOf<Ticket>,
        /// When it was added.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// The message that it belongs to.
        message: one<TicketMessage>(message_id, super::live_messages),
        /// Address of the file for five minutes, for whoever has it: browsers save the file under its name.
        url: each<Url>(urls, [Id]),
    }
}

filters! {
    /// Conditions on files of tickets; all given ones must hold.
    pub struct TicketAttachmentFilter, TicketAttachmentSort, TicketAttachmentSortField on entity::support_attachment {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Name that its sender gave it.
        filename: TextFilter = Filename,
        /// Its size in bytes.
        size: IntFilter = Size,
        /// When it was added.
        created_at: DateTimeFilter = CreatedAt,
    }
}

/// Attachments that are not deleted, by primary key.
pub(super) fn live_attachments() -> Select<support_attachment::Entity> {
    let live = support_attachment::Entity::find().filter(support_attachment::Column::DeletedAt.is_null());
    live.order_by_asc(support_attachment::Column::Id)
}

/// The address of an attachment without its signature.
fn unsigned(base: &str, key: i64, expires: i64) -> String {
    format!("{base}{PATH}{key}?expires={expires}")
}

async fn urls(scope: ShopScope<'_>, attachments: &[View<'_>]) -> Result<Vec<Url>> {
    let (base, expires) = (scope.public_url(), (scope.now() + LINK_LIFETIME).timestamp());
    let url = |attachment: &View<'_>| {
        let key = attachment.cell(support_attachment::Column::Id as usize)?.int().unwrap_or_default();
        // What is signed is the same whatever the host is called.
        let address = unsigned("", key, expires);
        Ok(Url::from(format!("{base}{}", signature::sign(&scope.config().app_key, &address)?)))
    };
    attachments.iter().map(url).collect()
}

/// Reading files of tickets.
#[derive(Default)]
pub struct AttachmentFileQuery;

#[Object]
impl AttachmentFileQuery {
    /// The file of an attachment, for whoever has a link to it that has not expired.
    #[graphql(directive = Public::apply(), directive = RestOnly::apply())]
    async fn ticket_attachment_file(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Primary key of the attachment.")] id: i64,
        #[graphql(desc = "When the link expires, in seconds since 1970.")] expires: Option<i64>,
        #[graphql(desc = "Signature of the link.")] signature: Option<String>,
    ) -> Result<Option<FileResponse>> {
        let scope = ShopScope::from(ctx);
        let (expires, signature) = (expires.unwrap_or_default(), signature.unwrap_or_default());
        let address = unsigned("", id, expires);
        let is_signed = signature::is_signed(&scope.config().app_key, &address, &signature);
        if !is_signed || expires <= scope.now().timestamp() {
            return Ok(None);
        }
        let found = live_attachments().filter(support_attachment::Column::Id.eq(id)).limit(1);
        match found.one(scope.reader()).await? {
            Some(attachment) => files::open(scope, &attachment).await,
            None => Ok(None),
        }
    }
}
