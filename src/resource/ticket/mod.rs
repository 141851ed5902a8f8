//! Tickets: what customers ask the helpdesk (docs/contract/application-operations.md#5).

mod attachment;
mod comment;
pub mod demo;
mod input;
mod mail;
mod message;
mod mutation;
mod related;
pub mod seed;
mod visible;
mod webhook;
mod work_list;
mod write;

use async_graphql::{Context, ID, MergedObject, Object};
use entity::support_ticket;
use facade::engine::Settings;
use facade::error::Refusal;
use facade::guard::Can;
use facade::page::List;
use facade::record::{
    JsonText, Key, KeyOf, Moment, Record as _, SelectedRow, TextWord, read_by_id, read_first, visible_rows,
};
use facade::scope::RequestScope;
use facade::{filters, list, record, words};
pub use mutation::TicketMutation;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use self::attachment::{
    AttachmentFileQuery, TicketAttachment, TicketAttachmentFilter, TicketAttachmentSort, live_attachments,
};
use self::comment::{TicketComment, TicketCommentFilter, TicketCommentSort, comments_newest_first};
use self::message::{TicketMessage, TicketMessageFilter, TicketMessageSort, live_messages};
use self::related::{related_invoice, related_service};
use self::visible::in_own_departments;
use super::customer::{self, Customer, CustomerFilter};
use super::department::{self, Department, DepartmentFilter};
use super::invoice::{self, Invoice};
use super::service::{self, Service};
use super::staff::{self, Staff};
use crate::scope::ShopScope;
use crate::{Result, abilities};

abilities! {
    /// Lists tickets.
    INDEX = "tickets:index", permissions ["admin.manage_tickets", "admin.manage_tickets_department.*"];
    /// Shows tickets with what was said in them.
    SHOW = "tickets:show", permissions ["admin.manage_tickets", "admin.manage_tickets_department.*"];
    /// Opens tickets.
    STORE = "tickets:store", aliases ["tickets:create"], permissions
        ["admin.manage_tickets", "admin.manage_tickets_department.*"];
    /// Changes tickets, and assigns them.
    UPDATE = "tickets:update", permissions ["admin.manage_tickets", "admin.manage_tickets_department.*"];
    /// Deletes tickets.
    DELETE = "tickets:delete", permissions ["admin.manage_tickets", "admin.manage_tickets_department.*"];
    /// Answers tickets.
    REPLY = "tickets:reply", permissions ["admin.manage_tickets", "admin.manage_tickets_department.*"];
    /// Closes tickets.
    CLOSE = "tickets:close", permissions ["admin.close_tickets"];
    /// Reopens tickets.
    REOPEN = "tickets:reopen", permissions ["admin.close_tickets"];
}

/// The class of a ticket in texts and polymorphic columns of the original.
const MODEL: &str = "App\\Models\\Helpdesk\\SupportTicket";

words! {
    /// State of a ticket.
    pub enum TicketStatus {
        /// Waits for an answer of the staff.
        Open = "open",
        /// Closed.
        Closed = "closed",
        /// The staff has answered.
        Answered = "answered",
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
    visible: in_own_departments;
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
        #[can(customer::SHOW, customer::INDEX)] customer: one<Customer>(customer_id, customer::live_customers),
        /// The department that answers, also one that was deleted.
        #[can(department::SHOW, department::INDEX)]
        department: one<Department>(department_id, department::all_departments),
        /// The member of the staff who is in charge.
        #[can(staff::INDEX, staff::SHOW)] assignee: one<Staff>(assigned_to, staff::live_staff),
        /// What was said, the oldest first.
        #[can(SHOW)] messages:
            many<TicketMessage>(entity::support_message::Column::TicketId, live_messages)
            by TicketMessageFilter, TicketMessageSort [unindexed],
        /// Files that were added.
        #[can(SHOW)] attachments:
            many<TicketAttachment>(entity::support_attachment::Column::TicketId, live_attachments)
            by TicketAttachmentFilter, TicketAttachmentSort,
        /// Notes of the staff, which the customer does not see; in REST the newest first.
        #[can(SHOW)] comments:
            many<TicketComment>(entity::support_comment::Column::TicketId, comments_newest_first)
            by TicketCommentFilter, TicketCommentSort,
        /// The service that it is about.
        #[can(service::SHOW, service::INDEX)]
        service: one_by<Service>(related_service, [RelatedType, RelatedId], service::live_services),
        /// The invoice that it is about.
        #[can(invoice::SHOW, invoice::INDEX)]
        invoice: one_by<Invoice>(related_invoice, [RelatedType, RelatedId], invoice::live_invoices),
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
        /// Until when the first answer is due.
        first_response_due_at: DateTimeFilter = FirstResponseDueAt,
        /// Until when the solution is due.
        resolution_due_at: DateTimeFilter = ResolutionDueAt,
        /// When it was first answered.
        first_response_at: DateTimeFilter = FirstResponseAt,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
    related {
        /// Tickets whose customer meets these conditions.
        #[can(customer::INDEX, customer::SHOW)]
        customer: CustomerFilter(entity::customer::Column::Id = CustomerId, customer::live_customers),
        /// Tickets whose department meets these conditions.
        #[can(department::INDEX, department::SHOW)]
        department: DepartmentFilter(
            entity::support_department::Column::Id = DepartmentId, department::all_departments
        ),
    }
}

fn by_uuid(uuid: uuid::Uuid) -> Select<support_ticket::Entity> {
    live_tickets().filter(support_ticket::Column::Uuid.eq(uuid.to_string()))
}

/// The ticket with a public key (UUID) or any other identifier, of those that the caller may see. A ticket that does not
/// exist is an error: 404 with an empty message, as in the original.
async fn require(scope: ShopScope<'_>, id: &str) -> Result<Ticket> {
    let found = match uuid::Uuid::try_parse(id) {
        Ok(uuid) => {
            let tickets = visible_rows::<Ticket>(*scope, by_uuid(uuid));
            tickets.limit(1).one(scope.reader()).await?.map(Ticket)
        }
        Err(_) => Ticket::find(*scope, live_tickets, id).await?,
    };
    found.ok_or_else(|| Refusal::message(404, ""))
}

/// A ticket by its identifier.
#[derive(Default)]
pub struct TicketById;

#[Object]
impl TicketById {
    /// A ticket by its identifier.
    #[graphql(directive = Can::apply(&[SHOW, INDEX]))]
    async fn ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
    ) -> Result<Option<SelectedRow<Ticket>>> {
        match uuid::Uuid::try_parse(&id) {
            Ok(uuid) => read_first(ctx, by_uuid(uuid)).await,
            Err(_) => read_by_id(ctx, live_tickets, &id).await,
        }
    }
}

list! {
    /// Tickets of the departments that the caller answers for.
    #[can(INDEX)] pub TicketList: tickets<Ticket>(live_tickets) by TicketFilter, TicketSort,
    search(support_ticket::Column::Subject): "Only tickets whose title holds this text, exact matches first.",
    narrowed(narrow) {
        #[rest_only] only: ID = "Only the one with this public key (UUID) or primary key.",
        sla_missed: bool = "Only those whose first answer or solution is or was late; with false, only the others.",
        waiting_since: Moment = "Only open ones in which nothing was said since this moment.",
    };
}

/// Narrows the list by its own arguments.
async fn narrow(
    scope: RequestScope<'_>,
    tickets: List<support_ticket::Entity>,
    only: Option<ID>,
    sla_missed: Option<bool>,
    waiting_since: Option<Moment>,
) -> Result<List<support_ticket::Entity>> {
    let tickets = match only {
        Some(only) => by_identifier(tickets, &only)?,
        None => tickets,
    };
    let tickets = match sla_missed {
        Some(missed) => tickets.only(work_list::sla_missed(missed, scope.now().into())),
        None => tickets,
    };
    Ok(match waiting_since {
        Some(moment) => tickets.only(work_list::waiting_since(moment.0.into())),
        None => tickets,
    })
}

/// The one with this identifier. What is no identifier is not found; a number that no ticket has, a negative one too, is
/// an empty list.
fn by_identifier(tickets: List<support_ticket::Entity>, only: &str) -> Result<List<support_ticket::Entity>> {
    let digits = only.strip_prefix('-').unwrap_or(only);
    let key = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| only.parse::<i64>().ok()).flatten();
    match (key, uuid::Uuid::try_parse(only)) {
        (Some(key), _) => Ok(tickets.only(support_ticket::Column::Id.eq(key))),
        (None, Ok(uuid)) => Ok(tickets.only(support_ticket::Column::Uuid.eq(uuid.to_string()))),
        (None, Err(_)) => Err(Refusal::message(404, "")),
    }
}

/// A setting of the shop that is not empty.
async fn setting(settings: &dyn Settings, name: &str) -> Result<Option<String>> {
    let set = settings.setting(name).await?;
    Ok(set.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// Reading tickets.
#[derive(MergedObject, Default)]
pub struct TicketQuery(TicketById, TicketList, AttachmentFileQuery);

/// Tickets that were not deleted, by primary key.
pub fn live_tickets() -> Select<support_ticket::Entity> {
    support_ticket::Entity::find()
        .filter(support_ticket::Column::DeletedAt.is_null())
        .order_by_asc(support_ticket::Column::Id)
}
