//! Writes of tickets. Each locks its ticket first: parallel calls run one after the other, and each decides by the state
//! that it reads under the lock. Where a department matters, it is locked before the ticket, as its deletion does.

use std::sync::Arc;

use async_graphql::MaybeUndefined;
use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    Id, Int, ShopTime, admin, customer, support_attachment, support_comment, support_department,
    support_message, support_ticket,
};
use facade::error::Refusal;
use facade::form::File;
use facade::record::visible_rows;
use facade::transaction::Transaction;
use facade::user_error::UserErrorCode;
use facade::write::{Expected, lock, put, save};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

use super::attachment::{StoredFiles, attach, forget_folder, live_attachments, note_deletion};
use super::input::{TicketAssignInput, TicketOpenInput, TicketReplyInput, TicketUpdateInput};
use super::message::live_messages;
use super::visible::own_departments;
use super::webhook::{self, Event};
use super::{MODEL, Ticket, live_tickets, mail};
use crate::access::Owner;
use crate::resource::customer::{self as customers, Customer};
use crate::resource::department::{self, Department, all_departments, live_departments};
use crate::resource::staff::live_staff;
use crate::scope::ShopScope;
use crate::shop::action_log::{self, Persons};
use crate::{Error, Result};

/// Why a ticket is not closed.
pub(super) const CLOSED: UserErrorCode = UserErrorCode::new("TICKET_CLOSED", "The ticket is closed already.");
/// Why a ticket is not reopened or deleted.
pub(super) const NOT_CLOSED: UserErrorCode =
    UserErrorCode::new("TICKET_NOT_CLOSED", "The ticket is not closed.");

/// For how long the same text of the same author counts as sent again.
const REPEAT_WINDOW: TimeDelta = TimeDelta::seconds(10);
/// How many of the shop's last messages may have been written in that time. The table has no index but its key.
const RECENT_MESSAGES: i64 = 1000;
/// Last moment that a `TIMESTAMP` column holds, in seconds since 1970.
const LAST_TIMESTAMP: i64 = i32::MAX as i64;
/// Maximum number of keys in one `IN` list.
const MAX_KEYS: usize = 10_000;

/// The row of a ticket that the caller may see, locked until the transaction ends.
async fn locked(scope: ShopScope<'_>, transaction: &Transaction, id: Id) -> Result<support_ticket::Model> {
    let tickets = visible_rows::<Ticket>(*scope, live_tickets());
    lock::<Ticket>(transaction, tickets, id, MODEL, scope.expected()).await
}

/// The row of a department that takes tickets, locked until the transaction ends: it is not deleted meanwhile.
async fn lock_department(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    id: Id,
) -> Result<support_department::Model> {
    let found =
        lock::<Department>(transaction, live_departments(), id, department::MODEL, Expected::Any).await;
    found.map_err(|error| missing(scope, "department_id", error))
}

/// A row that a field names and that is gone by now, as the rule `exists` tells it.
fn missing(scope: ShopScope<'_>, field: &str, error: Error) -> Error {
    if matches!(error, Error::NotFound { .. }) { scope.invalid(field, "exists") } else { error }
}

/// Opens a ticket with its first message and files, and mails its customer.
pub(super) async fn open(scope: ShopScope<'_>, input: TicketOpenInput) -> Result<support_ticket::Model> {
    let (Some(customer), Some(department)) = (given(&input.customer_id), given(&input.department_id)) else {
        return Err(scope.invalid("customer_id", "required"));
    };
    if own_departments(*scope).is_some_and(|own| !own.contains(&department.id)) {
        return Err(scope.invalid("department_id", "exists"));
    }
    let files = given(&input.attachments).unwrap_or_default();
    let stored = StoredFiles::write(scope, &files).await?;
    let now = ShopTime::from(scope.now());
    let (input, files, kept, uuid) = (&input, &files, &stored, &uuid::Uuid::new_v4().to_string());
    let opened = scope.write(|transaction| async move {
        let customer = lock::<Customer>(
            &transaction,
            customers::live_customers(),
            customer.id,
            customers::MODEL,
            Expected::Any,
        );
        let customer = customer.await.map_err(|error| missing(scope, "customer_id", error))?;
        let department = lock_department(scope, &transaction, department.id).await?;
        let mut row = support_ticket::ActiveModel {
            uuid: Set(Some(uuid.clone())),
            status: Set("open".to_owned()),
            first_response_due_at: Set(due(now, department.sla_first_response_minutes)),
            resolution_due_at: Set(due(now, department.sla_resolution_minutes)),
            created_at: Set(Some(now)),
            updated_at: Set(Some(now)),
            ..Default::default()
        };
        input.write_to(&mut row);
        let related = given(&input.related_id).and_then(|key| key.known(given(&input.related_type)));
        row.related_type = Set(related.map(|(topic, _)| topic.into()));
        row.related_id = Set(related.map(|(_, key)| key));
        let ticket = row.insert(&transaction).await?;
        let content = given(&input.content).unwrap_or_default();
        let message = say(scope, &transaction, &ticket, content, (kept, files)).await?;
        webhook::enqueue(scope, &transaction, &ticket, Event::Created(&message)).await?;
        mail::enqueue(scope, &transaction, &ticket, &customer).await?;
        Ok(ticket)
    });
    opened.await
}

/// A value that was given.
fn given<T: Clone>(field: &MaybeUndefined<T>) -> Option<T> {
    field.value().cloned()
}

/// When something is due that was promised within some minutes.
fn due(now: ShopTime, minutes: Option<Int>) -> Option<ShopTime> {
    let at: DateTime<Utc> = now.0.checked_add_signed(TimeDelta::try_minutes(minutes?.0)?)?;
    (at.timestamp() <= LAST_TIMESTAMP).then_some(ShopTime(at))
}

/// Writes a message of the staff with its files.
async fn say(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    ticket: &support_ticket::Model,
    content: String,
    (stored, files): (&Arc<StoredFiles>, &[File]),
) -> Result<support_message::Model> {
    let (now, staff) = (ShopTime::from(scope.now()), scope.staff_member());
    let row = support_message::ActiveModel {
        ticket_id: Set(ticket.id),
        admin_id: Set(staff),
        message: Set(content),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    let message = row.insert(transaction).await?;
    let of = (ticket.id, ticket.customer_id, message.id);
    attach(transaction, stored, files, of, staff, now).await?;
    Ok(message)
}

/// Changes a ticket. Fields that were not given stay as they are.
pub(super) async fn update(
    scope: ShopScope<'_>,
    id: Id,
    input: &TicketUpdateInput,
) -> Result<support_ticket::Model> {
    scope
        .write(|transaction| async move {
            let department = match given(&input.department_id) {
                Some(department) => Some(lock_given_department(scope, &transaction, department.id).await?),
                None => None,
            };
            let ticket = locked(scope, &transaction, id).await?;
            let is_gone =
                |to: &support_department::Model| to.deleted_at.is_some() && to.id != ticket.department_id;
            let is_foreign = |to: &support_department::Model| {
                own_departments(*scope).is_some_and(|own| !own.contains(&to.id))
            };
            if department.as_ref().is_some_and(|to| is_gone(to) || is_foreign(to)) {
                return Err(scope.invalid("department_id", "exists"));
            }
            if let Some(staff) = given(&input.assigned_to) {
                require_staff(scope, &transaction, &ticket, staff.id).await?;
            }
            let mut row = ticket.clone().into_active_model();
            input.write_to(&mut row);
            Ok(if row.is_changed() { save(&transaction, row, scope.now()).await? } else { ticket })
        })
        .await
}

/// Locks the department that a ticket is given to. One that was deleted keeps the tickets that it has, and gets no others.
async fn lock_given_department(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    department: Id,
) -> Result<support_department::Model> {
    let rows = all_departments();
    let found = lock::<Department>(transaction, rows, department, department::MODEL, Expected::Any).await;
    found.map_err(|error| missing(scope, "department_id", error))
}

/// Checks that a ticket can be given to a member of the staff: one who was not deleted, or the present one.
async fn require_staff(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    ticket: &support_ticket::Model,
    staff: Id,
) -> Result<()> {
    let found = live_staff().filter(admin::Column::Id.eq(staff)).limit(1);
    if ticket.assigned_to == Some(staff) || found.one(transaction).await?.is_some() {
        return Ok(());
    }
    Err(scope.invalid("assigned_to", "exists"))
}

/// Puts somebody in charge of a ticket.
pub(super) async fn assign(
    scope: ShopScope<'_>,
    id: Id,
    input: &TicketAssignInput,
) -> Result<support_ticket::Model> {
    scope
        .write(|transaction| async move {
            let ticket = locked(scope, &transaction, id).await?;
            if let Some(staff) = given(&input.assigned_to) {
                require_staff(scope, &transaction, &ticket, staff.id).await?;
            }
            let mut row = ticket.clone().into_active_model();
            input.write_to(&mut row);
            Ok(if row.is_changed() { save(&transaction, row, scope.now()).await? } else { ticket })
        })
        .await
}

/// Answers a ticket. The same text of the same author within ten seconds is the answer that is there already. A ticket in
/// which nothing was said yet is opened by it (docs/contract/application-operations.md#5.5).
pub(super) async fn reply(
    scope: ShopScope<'_>,
    id: Id,
    input: &TicketReplyInput,
) -> Result<(support_ticket::Model, support_message::Model)> {
    let files = given(&input.attachments).unwrap_or_default();
    let stored = StoredFiles::write(scope, &files).await?;
    let (files, kept) = (&files, &stored);
    let replied = scope.write(|transaction| async move {
        let ticket = locked(scope, &transaction, id).await?;
        let content = given(&input.content).unwrap_or_default();
        // Files may be others than those before.
        if files.is_empty()
            && let Some(message) = said_before(scope, &transaction, id, &content).await?
        {
            return Ok((ticket, message));
        }
        let is_first = first_message(&transaction, id).await?.is_none();
        let message = say(scope, &transaction, &ticket, content, (kept, files)).await?;
        let event = if is_first { Event::Created(&message) } else { Event::Answered(&message) };
        webhook::enqueue(scope, &transaction, &ticket, event).await?;
        let ticket = if is_first { ticket } else { mark_answered(scope, &transaction, ticket).await? };
        if let Some(customer) = customer_of(&transaction, &ticket).await? {
            mail::enqueue(scope, &transaction, &ticket, &customer).await?;
        }
        Ok((ticket, message))
    });
    replied.await
}

/// The message of the caller with this text, if it was written a moment ago.
async fn said_before(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    ticket: Id,
    content: &str,
) -> Result<Option<support_message::Model>> {
    use support_message::{Column, Entity};
    let last = Entity::find().select_only().column(Column::Id).order_by_desc(Column::Id).limit(1);
    let Some(last) = last.into_tuple::<Id>().one(transaction).await? else { return Ok(None) };
    let author = match scope.staff_member() {
        Some(staff) => Column::AdminId.eq(staff),
        None => Column::AdminId.is_null(),
    };
    let recent = live_messages()
        .filter(Column::Id.gt(last.0 - RECENT_MESSAGES))
        .filter(Column::TicketId.eq(ticket))
        .filter(Column::CustomerId.is_null())
        .filter(author)
        .filter(Column::CreatedAt.gt(ShopTime(scope.now() - REPEAT_WINDOW)))
        .all(transaction)
        .await?;
    Ok(recent.into_iter().rev().find(|message| message.message == content))
}

async fn first_message(transaction: &Transaction, ticket: Id) -> Result<Option<support_message::Model>> {
    let messages = live_messages().filter(support_message::Column::TicketId.eq(ticket));
    Ok(messages.limit(1).one(transaction).await?)
}

/// The customer of a ticket, if it has one who was not deleted.
pub(super) async fn customer_of(
    transaction: &Transaction,
    ticket: &support_ticket::Model,
) -> Result<Option<customer::Model>> {
    let Some(id) = ticket.customer_id else { return Ok(None) };
    Ok(customers::live_customers().filter(customer::Column::Id.eq(id)).limit(1).one(transaction).await?)
}

/// Notes that the staff has answered, and logs it.
async fn mark_answered(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    ticket: support_ticket::Model,
) -> Result<support_ticket::Model> {
    let now = ShopTime::from(scope.now());
    let is_timed = ticket.first_response_at.is_none() && has_first_response_due(transaction, &ticket).await?;
    let mut row = ticket.clone().into_active_model();
    put(&mut row.status, MaybeUndefined::Value("answered".to_owned()));
    put(&mut row.closed_at, MaybeUndefined::<ShopTime>::Null);
    put(&mut row.closed_by, MaybeUndefined::<String>::Null);
    put(&mut row.closed_by_id, MaybeUndefined::<Id>::Null);
    if ticket.status == "closed" {
        put(&mut row.close_reason, MaybeUndefined::<String>::Null);
    }
    if is_timed {
        row.first_response_at = Set(Some(now));
    }
    let ticket = if row.is_changed() { save(transaction, row, now.0).await? } else { ticket };
    let persons = Persons { staff: scope.staff_member(), customer: None };
    let payload = json!({"subject": ticket.subject});
    action_log::note_of(transaction, persons, "ticket_replied", (MODEL, ticket.id), &payload, now).await?;
    Ok(ticket)
}

/// Whether a first answer was promised: when the ticket was opened, or by its department.
async fn has_first_response_due(transaction: &Transaction, ticket: &support_ticket::Model) -> Result<bool> {
    if ticket.first_response_due_at.is_some() {
        return Ok(true);
    }
    let department = support_department::Entity::find_by_id(ticket.department_id).one(transaction).await?;
    Ok(department.is_some_and(|department| department.sla_first_response_minutes.is_some()))
}

/// Closes a ticket that is not closed.
pub(super) async fn close(
    scope: ShopScope<'_>,
    id: Id,
    reason: Option<String>,
) -> Result<support_ticket::Model> {
    let reason = &reason;
    scope
        .write(|transaction| async move {
            let ticket = locked(scope, &transaction, id).await?;
            if ticket.status == "closed" {
                return Err(Refusal::message(400, "Ticket is already closed").coded(CLOSED));
            }
            close_locked(scope, &transaction, ticket, reason.clone()).await
        })
        .await
}

async fn close_locked(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    ticket: support_ticket::Model,
    reason: Option<String>,
) -> Result<support_ticket::Model> {
    let (now, staff) = (ShopTime::from(scope.now()), scope.staff_member());
    let mut row = ticket.into_active_model();
    row.status = Set("closed".to_owned());
    row.closed_at = Set(Some(now));
    row.close_reason = Set(reason);
    row.closed_by = Set(Some("admin".to_owned()));
    row.closed_by_id = Set(staff);
    let ticket = save(transaction, row, now.0).await?;
    let persons = Persons { staff, customer: ticket.customer_id };
    let payload = json!({"subject": ticket.subject});
    action_log::note_of(transaction, persons, "ticket_closed", (MODEL, ticket.id), &payload, now).await?;
    webhook::enqueue(scope, transaction, &ticket, Event::Closed).await?;
    Ok(ticket)
}

/// Opens a closed ticket again.
pub(super) async fn reopen(scope: ShopScope<'_>, id: Id) -> Result<support_ticket::Model> {
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            let ticket = locked(scope, &transaction, id).await?;
            if ticket.status != "closed" {
                return Err(Refusal::message(400, "Ticket is not closed").coded(NOT_CLOSED));
            }
            let mut row = ticket.into_active_model();
            row.status = Set("open".to_owned());
            row.closed_at = Set(None);
            row.close_reason = Set(None);
            row.closed_by = Set(None);
            row.closed_by_id = Set(None);
            let ticket = save(&transaction, row, now.0).await?;
            let persons = Persons { staff: scope.staff_member(), customer: ticket.customer_id };
            let action = "ticket_reopened";
            action_log::note_of(&transaction, persons, action, (MODEL, id), &json!([]), now).await?;
            Ok(ticket)
        })
        .await
}

/// Deletes a closed ticket; whether it did. In REST, one that is not closed is closed instead
/// (docs/contract/application-operations.md#5.4).
pub(super) async fn delete(scope: ShopScope<'_>, id: Id) -> Result<bool> {
    note_deletion(scope, id).await?;
    let deleted = scope.write(|transaction| async move {
        let ticket = locked(scope, &transaction, id).await?;
        if ticket.status != "closed" {
            scope.require_state(false, NOT_CLOSED)?;
            close_locked(scope, &transaction, ticket, None).await?;
            return Ok(false);
        }
        delete_rows(&transaction, ticket, scope.now().into()).await?;
        Ok(true)
    });
    let is_deleted = deleted.await?;
    if is_deleted {
        forget_folder(&scope.config().storage, id).await;
    }
    Ok(is_deleted)
}

/// Deletes a ticket with its rows. Keys of messages are read first: the table has no index on the ticket, and an update by
/// it would lock all of its rows.
async fn delete_rows(transaction: &Transaction, ticket: support_ticket::Model, now: ShopTime) -> Result<()> {
    let id = ticket.id;
    support_comment::Entity::delete_many()
        .filter(support_comment::Column::TicketId.eq(id))
        .exec(transaction)
        .await?;
    let messages = live_messages().select_only().column(support_message::Column::Id);
    let messages = messages.filter(support_message::Column::TicketId.eq(id)).into_tuple::<Id>();
    for keys in messages.all(transaction).await?.chunks(MAX_KEYS) {
        support_message::Entity::update_many()
            .col_expr(support_message::Column::DeletedAt, Expr::value(now))
            .col_expr(support_message::Column::UpdatedAt, Expr::value(now))
            .filter(support_message::Column::Id.is_in(keys.iter().copied()))
            .exec(transaction)
            .await?;
    }
    let attachments = live_attachments().select_only().column(support_attachment::Column::Id);
    let attachments = attachments.filter(support_attachment::Column::TicketId.eq(id)).into_tuple::<Id>();
    for keys in attachments.all(transaction).await?.chunks(MAX_KEYS) {
        support_attachment::Entity::update_many()
            .col_expr(support_attachment::Column::DeletedAt, Expr::value(now))
            .col_expr(support_attachment::Column::UpdatedAt, Expr::value(now))
            .filter(support_attachment::Column::Id.is_in(keys.iter().copied()))
            .exec(transaction)
            .await?;
    }
    let mut row = ticket.into_active_model();
    // Nobody changes it any more, so its time need not be later than that of a change within the same second.
    put(&mut row.updated_at, MaybeUndefined::Value(now));
    row.deleted_at = Set(Some(now));
    row.update(transaction).await?;
    Ok(())
}

/// Adds a note to a ticket, by the member of the staff whose session or key it is.
pub(super) async fn comment(scope: ShopScope<'_>, id: Id, text: &str) -> Result<support_comment::Model> {
    let Owner::Staff(staff) = scope.principal()?.owner else { return Err(Error::Unauthenticated) };
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            locked(scope, &transaction, id).await?;
            let row = support_comment::ActiveModel {
                ticket_id: Set(id),
                admin_id: Set(staff),
                comment: Set(text.to_owned()),
                created_at: Set(Some(now)),
                updated_at: Set(Some(now)),
                ..Default::default()
            };
            Ok(row.insert(&transaction).await?)
        })
        .await
}
