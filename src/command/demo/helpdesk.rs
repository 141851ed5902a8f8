//! Departments, tickets, and the traces of what happened in the shop.

use std::collections::HashMap;

use chrono::TimeDelta;
use entity::value::{Id, Int, ShopTime};
use entity::{
    action_log, action_log_entry, email_message, support_comment, support_department, support_message,
    support_ticket,
};
use sea_orm::{ConnectionTrait, DbErr, Set};
use serde_json::json;

use super::Making;
use super::data::{Helpdesk, Ticket};
use crate::command::batch::insert;

/// The one who answers tickets.
const AGENT: Id = Id(2);
/// What the log repeats: action, kind of record, whether the staff did it.
const ACTIONS: [(&str, Option<&str>, bool); 8] = [
    ("new_login", None, false),
    ("resource_updated", Some(r"App\Models\Store\Product"), true),
    ("checkout_completed", Some(r"App\Models\Billing\Invoice"), false),
    ("service_renewed", Some(r"App\Models\Provisioning\Service"), false),
    ("service_suspended", Some(r"App\Models\Provisioning\Service"), true),
    ("new_registered", Some(r"App\Models\Account\Customer"), false),
    ("ticket_replied", Some(r"App\Models\Helpdesk\SupportTicket"), true),
    ("balance_changed", Some(r"App\Models\Account\Customer"), true),
];
/// Customers who write: those who came first.
const OLDEST: i64 = 20;
/// Lines of the log.
const LINES: i64 = 64;

pub(super) async fn fill(
    db: &impl ConnectionTrait,
    making: &mut Making,
    data: &Helpdesk,
    invoices: &HashMap<Id, Id>,
) -> Result<(), DbErr> {
    let made = Some(making.ago(430));
    let departments = data.departments.iter().map(|(name, description, icon, first, solution)| {
        support_department::ActiveModel {
            name: Set(name.clone()),
            description: Set(Some(description.clone())),
            icon: Set(Some(icon.clone())),
            sla_first_response_minutes: Set(first.map(Int)),
            sla_resolution_minutes: Set(solution.map(Int)),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        }
    });
    insert(db, departments.collect()).await?;
    // Two rounds of the same stories, by other customers at other times.
    let told = (0..2).flat_map(|round| data.tickets.iter().map(move |ticket| (round, ticket)));
    let (mut tickets, mut messages, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    for ((round, ticket), id) in told.zip(1..) {
        let status = if round == 0 { ticket.status.as_str() } else { "closed" };
        let (at, customer) = (making.ago(2 + id * 7), Id(1 + id * 5 % OLDEST));
        tickets.push(row(making, ticket, Id(id), status, at, (customer, invoices)));
        messages.extend(said(making, ticket, Id(id), at, customer));
        comments.extend(ticket.comment.as_ref().filter(|_| round == 0).map(|text| comment(text, Id(id), at)));
    }
    insert(db, tickets).await?;
    insert(db, messages).await?;
    insert(db, comments).await?;
    log(db, making).await?;
    mails(db, making).await
}

fn row(
    making: &mut Making,
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
    making: &Making,
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

async fn log(db: &impl ConnectionTrait, making: &mut Making) -> Result<(), DbErr> {
    let line = |id: i64| {
        let (action, model, by_staff) = ACTIONS[usize::try_from(id).unwrap_or(0) % ACTIONS.len()];
        let at = Some(making.ago((LINES - id) / 2));
        let payload = if model.is_none() { json!({"ip": format!("203.0.113.{id}")}) } else { json!([]) };
        action_log::ActiveModel {
            id: Set(Id(id)),
            customer_id: Set((!by_staff).then(|| Id(1 + id % OLDEST))),
            staff_id: Set(by_staff.then_some(AGENT)),
            action: Set(action.to_owned()),
            model: Set(model.map(str::to_owned)),
            model_id: Set(model.map(|_| (1 + id % 20).to_string())),
            payload: Set(Some(payload.to_string())),
            created_at: Set(at),
            updated_at: Set(at),
        }
    };
    insert(db, (1..=LINES).map(line).collect()).await?;
    let updates = (1..=LINES).filter(|id| id % 8 == 1);
    let changes = updates.map(|id| action_log_entry::ActiveModel {
        action_log_id: Set(Id(id)),
        attribute: Set("stock".to_owned()),
        old_value: Set(Some((id + 5).to_string())),
        new_value: Set(Some(id.to_string())),
        ..Default::default()
    });
    insert(db, changes.collect()).await
}

/// Two mails that customers were sent.
async fn mails(db: &impl ConnectionTrait, making: &mut Making) -> Result<(), DbErr> {
    let sent = [
        ("camille.fabre@client.example", 1, "Vérification de l'adresse e-mail", 1),
        ("idriss.benali@client.example", 2, "Réinitialisation du mot de passe", 3),
    ];
    let rows = sent.map(|(recipient, customer, subject, template)| email_message::ActiveModel {
        recipient: Set(recipient.to_owned()),
        recipient_id: Set(Some(Id(customer))),
        subject: Set(subject.to_owned()),
        template: Set(Id(template)),
        content: Set("<p>Bonjour</p>".to_owned()),
        created_at: Set(Some(making.ago(30))),
        ..Default::default()
    });
    insert(db, rows.to_vec()).await
}
