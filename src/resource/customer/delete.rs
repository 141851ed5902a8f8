//! Deletes customers: personal data is removed, and what the shop must keep stays
//! (docs/contract/application-store.md#4.6).

use entity::{
    Amount, Flag, Id, ShopTime, action_log, coupon_usage, customer, customer_note, invoice,
    password_reset_token, personal_access_token, service, support_ticket,
};
use facade::error::Refusal;
use facade::transaction::Transaction;
use facade::user_error::UserErrorCode;
use facade::write::{lock_rows, save};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Select};
use serde_json::{Map, Value as Json, json};

use super::{MODEL, locked};
use crate::resource::invoice::live_invoices;
use crate::resource::metadata;
use crate::resource::service::{live_services, state};
use crate::scope::ShopScope;
use crate::shop::mail;
use crate::{Error, Result};

/// The text that replaces personal data.
const ERASED: &str = "Deleted";
/// Maximum number of keys in one `IN` list.
const MAX_KEYS: usize = 10_000;
/// Statuses of services that prevent the deletion of their customer.
const STATUSES_IN_USE: [&str; 3] = ["active", "pending", "suspended"];

/// Why a customer is not deleted.
pub(super) const IN_USE: UserErrorCode = UserErrorCode::new(
    "CUSTOMER_IN_USE",
    "The customer has services in use or unpaid invoices; `force` deletes all the same.",
);

/// Deletes a customer. With `force`, services in use and unpaid invoices do not prevent it.
pub(super) async fn delete(scope: ShopScope<'_>, id: Id, force: bool) -> Result<()> {
    let password = scope.hash("deleted").await?;
    let now = ShopTime::from(scope.now());
    let password = password.as_str();
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            if !force {
                check_deletable(scope, &transaction, id).await?;
            }
            cancel_services(&transaction, id, now).await?;
            unlink_records(&transaction, id, now).await?;
            delete_personal_rows(scope, &transaction, &customer).await?;
            save(&transaction, anonymised(customer, password.to_owned(), now), now.0).await?;
            Ok(())
        })
        .await
}

/// Services that prevent the deletion of these customers.
pub(super) fn services_in_use(customers: impl IntoIterator<Item = Id>) -> Select<service::Entity> {
    let ended = Condition::all()
        .add(service::Column::CancelledAt.is_not_null())
        .add(service::Column::CancelledReason.is_not_null())
        .add(service::Column::IsCancelled.eq(false));
    live_services()
        .filter(service::Column::CustomerId.is_in(customers))
        .filter(service::Column::Status.is_in(STATUSES_IN_USE))
        .filter(ended.not())
}

/// Invoices that prevent the deletion of these customers.
pub(super) fn unpaid_invoices(customers: impl IntoIterator<Item = Id>) -> Select<invoice::Entity> {
    live_invoices()
        .filter(invoice::Column::CustomerId.is_in(customers))
        .filter(invoice::Column::Status.eq("pending"))
}

/// Refuses the deletion of a customer who has services in use or unpaid invoices.
async fn check_deletable(scope: ShopScope<'_>, transaction: &Transaction, id: Id) -> Result<()> {
    let services = lock_rows(transaction, services_in_use([id])).await?;
    let invoices = lock_rows(transaction, unpaid_invoices([id])).await?;
    if services.is_empty() && invoices.is_empty() {
        return Ok(());
    }
    let services = services.into_iter().map(|service| (service.id.to_string(), json!(service.name)));
    let invoices =
        invoices.into_iter().map(|invoice| (invoice.id.to_string(), json!(invoice.invoice_number)));
    Err(refusal(scope, services.collect(), invoices.collect()))
}

/// The refusal that lists the services and invoices, by primary key.
fn refusal(scope: ShopScope<'_>, services: Map<String, Json>, invoices: Map<String, Json>) -> Error {
    let text = |name: &str, values: &[(&str, &str)]| {
        scope.texts().text(&format!("client.profile.delete.{name}"), values)
    };
    let (mut reasons, mut texts) = (Map::new(), Vec::new());
    if !services.is_empty() {
        texts.push(text("has_active_services", &[("count", &services.len().to_string())]));
        reasons.insert("active_services".to_owned(), json!({"count": services.len(), "services": services}));
    }
    if !invoices.is_empty() {
        texts.push(text("has_pending_invoices", &[("count", &invoices.len().to_string())]));
        reasons.insert("pending_invoices".to_owned(), json!({"count": invoices.len(), "invoices": invoices}));
    }
    let body = Map::from_iter([
        ("error".to_owned(), json!(text("has_blocking_reasons", &[]))),
        ("blocking_reasons".to_owned(), Json::Object(reasons)),
        ("message".to_owned(), json!(texts.join(" "))),
    ]);
    Error::Refused(Refusal { status: 400, body, code: IN_USE })
}

/// Ends the services whose cancellation was requested.
async fn cancel_services(transaction: &Transaction, id: Id, now: ShopTime) -> Result<()> {
    let requested = live_services()
        .filter(service::Column::CustomerId.eq(id))
        .filter(service::Column::CancelledAt.is_not_null())
        .filter(service::Column::CancelledReason.is_not_null())
        .filter(service::Column::IsCancelled.eq(false));
    for service in lock_rows(transaction, requested).await? {
        state::cancel(transaction, service, now).await?;
    }
    Ok(())
}

/// Closes the tickets, removes the customer from tickets, invoices and uses of coupons, and deletes the services.
async fn unlink_records(transaction: &Transaction, id: Id, now: ShopTime) -> Result<()> {
    support_ticket::Entity::update_many()
        .col_expr(support_ticket::Column::Status, Expr::value("closed"))
        .col_expr(support_ticket::Column::ClosedAt, Expr::value(now))
        .filter(support_ticket::Column::CustomerId.eq(id))
        .filter(support_ticket::Column::Status.ne("closed"))
        .exec(transaction)
        .await?;
    macro_rules! unlink {
        ($($table:ident),*) => { $(
            $table::Entity::update_many()
                .col_expr($table::Column::CustomerId, Expr::value(None::<Id>))
                .col_expr($table::Column::UpdatedAt, Expr::value(now))
                .filter($table::Column::CustomerId.eq(id))
                .exec(transaction)
                .await?;
        )* };
    }
    unlink!(support_ticket, invoice, coupon_usage);
    service::Entity::update_many()
        .col_expr(service::Column::DeletedAt, Expr::value(now))
        .col_expr(service::Column::UpdatedAt, Expr::value(now))
        .filter(service::Column::CustomerId.eq(id))
        .filter(service::Column::DeletedAt.is_null())
        .filter(service::Column::Status.ne("hidden"))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Deletes the notes, keys, mails, metadata and logs.
async fn delete_personal_rows(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    customer: &customer::Model,
) -> Result<()> {
    let id = customer.id;
    customer_note::Entity::delete_many()
        .filter(customer_note::Column::CustomerId.eq(id))
        .exec(transaction)
        .await?;
    personal_access_token::Entity::delete_many()
        .filter(personal_access_token::Column::TokenableType.eq(MODEL))
        .filter(personal_access_token::Column::TokenableId.eq(id))
        .exec(transaction)
        .await?;
    password_reset_token::Entity::delete_many()
        .filter(password_reset_token::Column::Email.eq(&customer.email))
        .exec(transaction)
        .await?;
    let about = Condition::all()
        .add(action_log::Column::Model.eq(MODEL))
        .add(action_log::Column::ModelId.eq(id.to_string()));
    // Reads first: the table has no index on the model, and a delete by it would lock all of its rows.
    let logs: Vec<Id> = action_log::Entity::find()
        .select_only()
        .column(action_log::Column::Id)
        .filter(Condition::any().add(action_log::Column::CustomerId.eq(id)).add(about))
        .into_tuple()
        .all(transaction)
        .await?;
    for logs in logs.chunks(MAX_KEYS) {
        let logs = action_log::Column::Id.is_in(logs.iter().copied());
        action_log::Entity::delete_many().filter(logs).exec(transaction).await?;
    }
    mail::delete_all(scope.shop(), transaction, id).await?;
    metadata::detach(transaction, MODEL, id).await
}

/// The row without personal data.
fn anonymised(customer: customer::Model, password: String, now: ShopTime) -> customer::ActiveModel {
    let erased = || ERASED.to_owned();
    let email = format!("deleted-{}@clientxcms.com", customer.id);
    let mut row = customer.into_active_model();
    row.email = Set(email);
    row.phone = Set(Some(String::new()));
    row.address = Set(erased());
    row.address2 = Set(Some(erased()));
    row.city = Set(erased());
    row.country = Set(erased());
    row.region = Set(erased());
    row.notes = Set(Some(erased()));
    row.zipcode = Set("00000".to_owned());
    row.locale = Set("en".to_owned());
    row.password = Set(password);
    row.email_verified_at = Set(None);
    row.last_login = Set(None);
    row.last_ip = Set(None);
    row.billing_details = Set(None);
    row.company_name = Set(None);
    row.security_question_id = Set(None);
    row.is_confirmed = Set(Flag(false));
    row.dark_mode = Set(Flag(false));
    row.gdpr_compliment = Set(Flag(false));
    row.balance = Set(Amount(0.0));
    row.deleted_at = Set(Some(now));
    row
}
