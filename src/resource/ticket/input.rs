//! What is sent to the mutations of tickets (docs/contract/application-operations.md#5.2,
//! docs/contract/application-operations.md#5.3, docs/contract/application-operations.md#5.5,
//! docs/contract/application-operations.md#5.6).

use facade::form;
use facade::form::File;
use facade::record::KeyOf;

use super::attachment::{allowed_type, harmless_file, within_size};
use super::related::{RelatedKey, related, related_word};
use super::{TicketPriority, TicketTopic};
use crate::resource::customer::Customer;
use crate::resource::department::Department;
use crate::resource::staff::Staff;

form! {
    /// What a new ticket is made from: `customerId` is needed too.
    pub struct TicketOpenInput for entity::support_ticket {
        /// Identifier of the department that answers.
        department_id: KeyOf<Department> => [required(), exists("support_departments", "id")],
        /// How urgent it is.
        priority: TicketPriority => [required(), one_of(TicketPriority::WORDS)],
        /// Title.
        subject: String => [required(), string(), max(255)],
        /// What the staff writes, in Markdown.
        #[no_column]
        content: String => [required(), string(), min(5), max(10_000)],
        /// Identifier of the service or invoice that it is about.
        #[no_column]
        related_id: RelatedKey => [nullable(), none_is_null(), related()],
        /// Kind of what it is about, where the identifier does not tell it.
        #[no_column]
        related_type: TicketTopic => [nullable(), none_is_null(), related_word(), one_of(TicketTopic::WORDS)],
        /// Files.
        #[no_column]
        attachments: Vec<File> => [
            nullable(), array(), max(5), each([file(), allowed_type(), within_size(), harmless_file()]),
        ],
        /// Identifier of the customer.
        customer_id: KeyOf<Customer> => [afterwards([required(), exists("customers", "id")])],
    }
}

form! {
    /// What changes in a ticket; fields that are left out stay as they are.
    pub struct TicketUpdateInput for entity::support_ticket {
        /// Identifier of the department that answers.
        department_id: KeyOf<Department> => [required_unless_partial(), exists("support_departments", "id")],
        /// How urgent it is.
        priority: TicketPriority => [required_unless_partial(), one_of(TicketPriority::WORDS)],
        /// Title.
        subject: String => [required_unless_partial(), string(), max(255)],
        /// Why it was closed.
        close_reason: String => [nullable(), string(), max(255)],
        /// Identifier of the member of the staff who is in charge; null for nobody.
        assigned_to: KeyOf<Staff> => [nullable(), none_is_null(), exists("admins", "id")],
    }
}

form! {
    /// Who is in charge of a ticket.
    pub struct TicketAssignInput for entity::support_ticket {
        /// Identifier of the member of the staff; null for nobody.
        assigned_to: KeyOf<Staff> => [nullable(), none_is_null(), exists("admins", "id")],
    }
}

form! {
    /// An answer of the staff.
    pub struct TicketReplyInput {
        /// What is said, in Markdown.
        content: String => [required(), string(), min(5), max(10_000)],
        /// Files.
        attachments: Vec<File> => [
            nullable(), array(), max(5), each([file(), allowed_type(), within_size(), harmless_file()]),
        ],
    }
}

form! {
    /// Why a ticket is closed.
    pub struct TicketCloseInput {
        /// The reason.
        reason: String => [nullable(), string(), max(255)],
    }
}

form! {
    /// A note of the staff.
    pub struct TicketCommentInput {
        /// What is noted; the customer does not see it.
        comment: String => [required(), string(), max(10_000)],
    }
}
