//! The mail to a customer whose ticket has something new (docs/contract/application-operations.md#14.1).

use entity::{customer, support_ticket};
use sea_orm::ConnectionTrait;

use crate::Result;
use crate::scope::ShopScope;
use crate::shop::mail::Mail;

/// Name of the template.
const TEMPLATE: &str = "support_customer_ticket_reply";

/// Enqueues the mail that the staff has opened or answered a ticket.
pub(super) async fn enqueue(
    scope: ShopScope<'_>,
    db: &impl ConnectionTrait,
    ticket: &support_ticket::Model,
    customer: &customer::Model,
) -> Result<()> {
    let link = scope.config().public_url();
    let values = [("subject", ticket.subject.as_str())];
    let mail = Mail { template: TEMPLATE, to: customer, link: &link, values: &values };
    mail.enqueue(scope.shop(), db).await
}
