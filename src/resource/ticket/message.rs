//! What was said in tickets.

use entity::support_message;
use facade::record::KeyOf;
use facade::{filters, record};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use super::Ticket;
use crate::resource::customer::{self, Customer};
use crate::resource::staff::{self, Staff};

record! {
    /// A message in a ticket: by its customer, or by the staff.
    pub struct TicketMessage(entity::support_message);
    columns {
        /// Identifier of the ticket.
        ticket_id shown KeyOf<Ticket>,
        /// Identifier of the customer who wrote it.
        customer_id shown KeyOf<Customer>,
        /// Identifier of the member of the staff who wrote it; null for API keys too.
        staff_id from admin_id shown KeyOf<Staff>,
        /// What was said, in Markdown.
        message,
        /// When the other side read it.
        read_at,
        /// When it was edited.
        edited_at,
        /// When it was written.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// The customer who wrote it.
        #[can(customer::SHOW)] customer: one<Customer>(customer_id, customer::live_customers),
        /// The member of the staff who wrote it.
        #[can(staff::INDEX, staff::SHOW)] staff: one<Staff>(admin_id, staff::live_staff),
    }
}

filters! {
    /// Conditions on messages; all given ones must hold.
    pub struct TicketMessageFilter, TicketMessageSort, TicketMessageSortField on entity::support_message {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Identifier of the customer who wrote it.
        customer_id: KeyFilter<Customer> = CustomerId,
        /// Identifier of the member of the staff who wrote it.
        staff_id: KeyFilter<Staff> = AdminId,
        /// When it was written.
        created_at: DateTimeFilter = CreatedAt,
    }
}

/// Messages that are not deleted, the oldest first.
pub(super) fn live_messages() -> Select<support_message::Entity> {
    let live = support_message::Entity::find().filter(support_message::Column::DeletedAt.is_null());
    live.order_by_asc(support_message::Column::Id)
}
