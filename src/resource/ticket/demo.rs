//! Tickets, with what was said.

use std::collections::HashMap;

use chrono::TimeDelta;
use entity::value::{Id, ShopTime};
use entity::{invoice, support_comment, support_message, support_ticket};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Set};
use serde::Deserialize;

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{AGENT, DemoContext, Maker, OLDEST};

/// Makes the tickets with their messages and comments. It throws the dice after the mails.
pub const MAKER: Maker = Maker {
    after: &["department", "invoice", "mail", "service"],
    make: |db, making| Box::pin(make(db, making)),
};

/// A ticket. Its messages are by the customer and the staff in turn.
#[derive(Deserialize)]
struct Ticket {
    department: i64,
    subject: String,
    priority: String,
    status: String,
    /// `service` or `invoice`: one of the customer's.
    about: Option<String>,
    #[serde(default)]
    assigned: bool,
    comment: Option<String>,
    messages: Vec<String>,
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let stories: Vec<Ticket> = serde_json::from_str(include_str!("demo.json"))?;
    let invoices = paid(db).await?;
    // Two rounds of the same stories, by other customers at other times.
    let entries = (0..2).flat_map(|round| stories.iter().map(move |ticket| (round, ticket)));
    let (mut tickets, mut messages, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    for ((round, ticket), id) in entries.zip(1..) {
        let status = if round == 0 { ticket.status.as_str() } else { "closed" };
        let (at, customer) = (making.ago(2 + id * 7), Id(1 + id * 5 % OLDEST));
        tickets.push(row(making, ticket, Id(id), status, at, (customer, &invoices)));
        messages.extend(said(making, ticket, Id(id), at, customer));
        comments.extend(ticket.comment.as_ref().filter(|_| round == 0).map(|text| comment(text, Id(id), at)));
    }
    insert(db, tickets).await?;
    insert(db, messages).await?;
    insert(db, comments).await?;
    Ok(())
}

/// The last paid invoice of each customer.
async fn paid(db: &impl ConnectionTrait) -> Result<HashMap<Id, Id>, DbErr> {
    let paid = invoice::Entity::find().filter(invoice::Column::Status.eq("paid"));
    let invoices = paid.order_by_asc(invoice::Column::Id).all(db).await?;
    Ok(invoices.into_iter().filter_map(|invoice| Some((invoice.customer_id?, invoice.id))).collect())
}

fn row(
    making: &mut DemoContext,
    ticket: &Ticket,
    id: Id,
    status: &str,
    at: ShopTime,
    (customer, invoices): (Id, &HashMap<Id, Id>),
) -> support_ticket::ActiveModel {
    let about = ticket.about.as_deref().and_then(|kind| match kind {
        // Each of the oldest customers has the service with their own key.
        "service" => Some((kind, customer)),
        _ => Some((kind, *invoices.get(&customer)?)),
    });
    let closed = (status == "closed").then(|| ShopTime(at.0 + TimeDelta::hours(26)));
    let answered = (ticket.messages.len() > 1).then(|| ShopTime(at.0 + TimeDelta::minutes(50)));
    support_ticket::ActiveModel {
        id: Set(id),
        department_id: Set(Id(ticket.department)),
        customer_id: Set(Some(customer)),
        subject: Set(ticket.subject.clone()),
        priority: Set(ticket.priority.clone()),
        related_type: Set(about.map(|(kind, _)| kind.to_owned())),
        related_id: Set(about.map(|(_, key)| key)),
        closed_at: Set(closed),
        close_reason: Set(closed.map(|_| "Résolu".to_owned())),
        closed_by: Set(closed.map(|_| "admin".to_owned())),
        closed_by_id: Set(closed.map(|_| AGENT)),
        assigned_to: Set(ticket.assigned.then_some(AGENT)),
        status: Set(status.to_owned()),
        uuid: Set(Some(making.dice.uuid())),
        first_response_at: Set(answered),
        created_at: Set(Some(at)),
        updated_at: Set(Some(closed.or(answered).unwrap_or(at))),
        ..Default::default()
    }
}

fn said(
    making: &DemoContext,
    ticket: &Ticket,
    id: Id,
    at: ShopTime,
    customer: Id,
) -> Vec<support_message::ActiveModel> {
    let texts = ticket.messages.iter().zip(0_i32..);
    texts
        .map(|(text, order)| {
            let by_staff = order % 2 == 1;
            let said = ShopTime((at.0 + TimeDelta::minutes(50) * order).min(making.now));
            support_message::ActiveModel {
                ticket_id: Set(id),
                customer_id: Set((!by_staff).then_some(customer)),
                admin_id: Set(by_staff.then_some(AGENT)),
                message: Set(text.clone()),
                created_at: Set(Some(said)),
                updated_at: Set(Some(said)),
                ..Default::default()
            }
        })
        .collect()
}

fn comment(text: &str, ticket: Id, at: ShopTime) -> support_comment::ActiveModel {
    support_comment::ActiveModel {
        ticket_id: Set(ticket),
        admin_id: Set(AGENT),
        comment: Set(text.to_owned()),
        created_at: Set(Some(at)),
        updated_at: Set(Some(at)),
        ..Default::default()
    }
}
