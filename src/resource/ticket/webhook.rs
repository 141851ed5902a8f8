//! The webhook that tells of tickets: one address, the shop's setting `helpdesk_webhook_url`
//! (docs/contract/application-operations.md#14.2). It is a row of the outbox, and is sent after the transaction.

use entity::{customer, support_department, support_message, support_ticket};
use facade::transaction::Transaction;
use sea_orm::EntityTrait;
use serde_json::{Map, Value as Json, json};

use super::setting;
use super::write::customer_of;
use crate::Result;
use crate::scope::ShopScope;
use crate::shop::outbox::{self, MAX_TARGET, Message};

/// Name of the setting with the address.
const SETTING: &str = "helpdesk_webhook_url";
/// What addresses of Discord begin with. It takes messages in a form of its own.
const DISCORD: &str = "https://discord.com/";
/// Bytes of a message that are told.
const MAX_MESSAGE: usize = 100;
/// What the record of a webhook is called in the outbox.
const RECORD: &str = "ticket";

/// What has happened to a ticket.
pub(super) enum Event<'a> {
    /// It was opened with this message.
    Created(&'a support_message::Model),
    /// The staff has answered with this message.
    Answered(&'a support_message::Model),
    /// The staff has closed it.
    Closed,
}

impl Event<'_> {
    fn action(&self) -> &'static str {
        match self {
            Self::Created(_) => "helpdesk_created",
            Self::Answered(_) => "helpdesk_answered_staff",
            Self::Closed => "helpdesk_closed",
        }
    }

    fn message(&self) -> Option<&str> {
        match self {
            Self::Created(message) | Self::Answered(message) => Some(&message.message),
            Self::Closed => None,
        }
    }
}

/// Enqueues the webhook, where the shop has set an address for it.
///
/// # Errors
/// When the database fails.
pub(super) async fn enqueue(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    ticket: &support_ticket::Model,
    event: Event<'_>,
) -> Result<()> {
    let Some(target) = setting(scope.shop(), SETTING).await? else { return Ok(()) };
    if target.chars().count() > MAX_TARGET {
        tracing::warn!(setting = SETTING, "no webhook is sent: the address is too long");
        return Ok(());
    }
    let department = support_department::Entity::find_by_id(ticket.department_id).one(transaction).await?;
    let customer = customer_of(transaction, ticket).await?;
    let values = payload(scope, ticket, (department, customer), &event);
    let body = if target.starts_with(DISCORD) { embed(&values) } else { json!({"payload": values}) };
    let message = Message::Webhook { target: &target, body: body.to_string() };
    outbox::enqueue(scope.shop(), transaction, (RECORD, ticket.id), event.action(), message).await
}

/// What is told of the ticket, under the names of the original. Addresses are those of guichet's own answers: the contract
/// does not name the shop's pages.
fn payload(
    scope: ShopScope<'_>,
    ticket: &support_ticket::Model,
    (department, customer): (Option<support_department::Model>, Option<customer::Model>),
    event: &Event<'_>,
) -> Map<String, Json> {
    let home = scope.config().public_url();
    let address = |kind: &str, id: entity::Id| format!("{home}/api/application/{kind}/{id}");
    let mut values = Map::new();
    let mut tell = |name: &str, value: Json| drop(values.insert(name.to_owned(), value));
    tell("action", json!(event.action()));
    tell("__url", json!(address("tickets", ticket.id)));
    tell("ticketid", json!(ticket.id));
    tell("customer_url", json!(ticket.customer_id.map(|id| address("customers", id))));
    tell("subject", json!(ticket.subject));
    let name = |customer: &customer::Model| format!("{} {}", customer.firstname, customer.lastname);
    tell("customername", json!(customer.as_ref().map(name)));
    tell("customeremail", json!(customer.map(|customer| customer.email)));
    if let Some(message) = event.message() {
        tell("message", json!(beginning(message)));
    }
    tell("department", json!(department.map(|department| department.name)));
    if event.message().is_some() {
        tell("priority", json!(ticket.priority));
    }
    tell("appname", json!(scope.config().app_name));
    tell("appurl", json!(home));
    values
}

/// As much of a text as is told, without a part of a letter.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_MESSAGE)]
}

/// A message of Discord with the same values.
fn embed(values: &Map<String, Json>) -> Json {
    let shown = ["customername", "department", "priority"];
    let field = |name: &str| {
        let value = values.get(name)?.as_str().filter(|value| !value.is_empty())?;
        Some(json!({"name": name, "value": value, "inline": true}))
    };
    let fields: Vec<Json> = shown.into_iter().filter_map(field).collect();
    json!({"username": values["appname"], "embeds": [{
        "title": values["subject"],
        "description": values.get("message"),
        "footer": {"text": values["action"]},
        "fields": fields,
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_is_cut_in_two() {
        let text = format!("{}éa", "x".repeat(99));
        assert_eq!(beginning(&text), "x".repeat(99));
        assert_eq!(beginning("é"), "é");
    }
}
