//! Notes of the staff on tickets.

use entity::support_comment;
use facade::record::KeyOf;
use facade::{filters, record};
use sea_orm::{EntityTrait, QueryOrder, Select};

use super::Ticket;
use crate::resource::staff::{self, Staff};

record! {
    /// A note of the staff on a ticket, which the customer does not see.
    pub struct TicketComment(entity::support_comment);
    columns {
        /// Identifier of the ticket.
        ticket_id shown KeyOf<Ticket>,
        /// Identifier of the member of the staff who wrote it.
        staff_id from admin_id shown KeyOf<Staff>,
        /// What was noted.
        comment,
        /// When it was written.
        created_at,
        /// When it was last changed.
        updated_at,
    }
    branches {
        /// The member of the staff who wrote it.
        #[can(staff::INDEX, staff::SHOW)] staff: one<Staff>(admin_id, staff::live_staff),
    }
}

filters! {
    /// Conditions on notes; all given ones must hold.
    pub struct TicketCommentFilter, TicketCommentSort, TicketCommentSortField on entity::support_comment {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Identifier of the member of the staff who wrote it.
        staff_id: KeyFilter<Staff> = AdminId,
        /// When it was written.
        created_at: DateTimeFilter = CreatedAt,
    }
}

/// All notes, the newest first.
pub(super) fn comments_newest_first() -> Select<support_comment::Entity> {
    support_comment::Entity::find()
        .order_by_desc(support_comment::Column::CreatedAt)
        .order_by_desc(support_comment::Column::Id)
}
