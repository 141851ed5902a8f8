//! Tickets: what customers ask the helpdesk (docs/contract/application-operations.md#5).

use async_graphql::MergedObject;
use entity::support_ticket;
use facade::record::{JsonText, Key, KeyOf, TextWord};
use facade::{filters, list, one, record, words};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use super::customer::{self, Customer};
use super::department::Department;
use crate::abilities;

pub mod demo;
pub mod seed;

abilities! {
    /// Lists tickets.
    INDEX = "tickets:index", permissions ["admin.manage_tickets"];
    /// Shows tickets.
    SHOW = "tickets:show", permissions ["admin.manage_tickets"];
}

words! {
    /// State of a ticket.
    pub enum TicketStatus {
        /// Waits for an answer of the staff.
        Open = "open",
        /// The staff has answered.
        Answered = "answered",
        /// Closed.
        Closed = "closed",
    }
}

words! {
    /// How urgent a ticket is.
    pub enum TicketPriority {
        /// Can wait.
        Low = "low",
        /// As usual.
        Medium = "medium",
        /// Urgent.
        High = "high",
    }
}

words! {
    /// Kind of account that closed a ticket.
    pub enum TicketCloser {
        /// The customer.
        Customer = "customer",
        /// A member of the staff.
        Admin = "admin",
        /// The shop itself.
        System = "system",
    }
}

words! {
    /// Kind of what a ticket is about.
    pub enum TicketTopic {
        /// A service of the customer.
        Service = "service",
        /// An invoice of the customer.
        Invoice = "invoice",
    }
}

record! {
    /// A request of a customer to the helpdesk, with its answers.
    pub struct Ticket(entity::support_ticket);
    #[can(SHOW, INDEX)] node: |_| live_tickets();
    columns {
        /// Identifier of the department that answers.
        department_id shown KeyOf<Department>,
        /// Identifier of the customer; null once the customer was deleted.
        customer_id shown KeyOf<Customer>,
        /// Title.
        subject,
        /// How urgent it is.
        priority as TicketPriority,
        /// Kind of what it is about: `service` or `invoice`.
        related_type shown TextWord<TicketTopic>,
        /// Identifier of what it is about.
        related_id shown Key,
        /// Primary keys of the members of the staff who are notified of answers.
        staff_subscribers shown JsonText,
        /// When it was closed.
        closed_at,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
        /// Why it was closed.
        close_reason,
        /// Kind of account that closed it.
        closed_by as TicketCloser,
        /// Identifier of the account that closed it.
        closed_by_id shown Key,
        /// Identifier of the member of the staff who is in charge.
        assigned_to shown Key,
        /// State.
        status as TicketStatus,
        /// Public key, UUID.
        uuid,
        /// Until when the first answer is due.
        first_response_due_at,
        /// Until when the solution is due.
        resolution_due_at,
        /// When it was first answered.
        first_response_at,
        /// When the staff was notified that it is late.
        sla_breached_notified_at,
    }
    branches {
        /// The customer who opened it.
        #[can(customer::SHOW)] customer: one<Customer>(customer_id, customer::live_customers),
    }
}

filters! {
    /// Conditions on tickets; all given ones must hold.
    pub struct TicketFilter, TicketSort, TicketSortField on entity::support_ticket {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Identifier of the department that answers.
        department_id: KeyFilter<Department> = DepartmentId,
        /// Identifier of the customer.
        customer_id: KeyFilter<Customer> = CustomerId,
        /// Title.
        subject: TextFilter = Subject,
        /// State.
        status: WordFilter<TicketStatus> = Status in TicketStatus,
        /// How urgent it is.
        priority: WordFilter<TicketPriority> = Priority in TicketPriority,
        /// Primary key of the member of the staff who is in charge.
        assigned_to: IntFilter = AssignedTo,
        /// When it was closed.
        closed_at: DateTimeFilter = ClosedAt,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

one! {
    /// A ticket by its identifier.
    #[can(SHOW, INDEX)] pub TicketById: ticket<Ticket>(live_tickets);
}

list! {
    /// Tickets of all departments.
    #[can(INDEX)] pub TicketList: tickets<Ticket>(live_tickets) by TicketFilter, TicketSort,
    search(support_ticket::Column::Subject): "Only tickets whose title holds this text, exact matches first.";
}

/// Reading tickets.
#[derive(MergedObject, Default)]
pub struct TicketQuery(TicketById, TicketList);

/// Tickets that were not deleted, by primary key.
pub fn live_tickets() -> Select<support_ticket::Entity> {
    support_ticket::Entity::find()
        .filter(support_ticket::Column::DeletedAt.is_null())
        .order_by_asc(support_ticket::Column::Id)
}
