//! Changes of a service's status (docs/contract/application-operations.md#2.5,
//! docs/contract/application-operations.md#2.6). The types of the base shop need nothing else; extensions that provide
//! other types are not called.

use entity::{Flag, Id, Int, ShopTime, product, service};
use facade::transaction::Transaction;
use facade::write::{lock_row, save};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
};
use serde_json::json;

use super::MODEL;
use super::delete::{OpenInvoice, cancel_subscriptions, close_invoice};
use crate::Result;
use crate::resource::customer;
use crate::scope::ShopScope;
use crate::shop::action_log;
use crate::shop::mail::Mail;

/// Suspends a service. `notify` is only written to the log.
///
/// # Errors
/// When the database fails.
pub async fn suspend(
    db: &impl ConnectionTrait,
    service: service::Model,
    reason: &str,
    notify: bool,
    now: ShopTime,
) -> Result<service::Model> {
    let mut row = service.into_active_model();
    row.status = Set("suspended".to_owned());
    row.suspended_at = Set(Some(now));
    row.suspend_reason = Set(Some(reason.to_owned()));
    let service = save(db, row, now.0).await?;
    let payload = json!({"reason": reason, "notify": notify});
    action_log::note(db, "service_suspended", (MODEL, service.id), &payload, now).await?;
    Ok(service)
}

/// Activates a service and revokes a planned cancellation (docs/contract/application-operations.md#2.3). The reason of
/// the suspension stays in the row. For an active service, only the log gets a line.
///
/// # Errors
/// When the database fails.
pub async fn resume(
    db: &impl ConnectionTrait,
    mut service: service::Model,
    now: ShopTime,
) -> Result<service::Model> {
    if service.status != "active" {
        let planned = service.cancelled_at.is_some();
        let mut row = service.into_active_model();
        row.status = Set("active".to_owned());
        row.suspended_at = Set(None);
        if planned {
            row.cancelled_at = Set(None);
            row.cancelled_reason = Set(None);
        }
        service = save(db, row, now.0).await?;
    }
    let payload = json!({"message": "Server unsuspended"});
    action_log::note(db, "service_unsuspended", (MODEL, service.id), &payload, now).await?;
    Ok(service)
}

/// Activates a service and removes the reason of the suspension.
///
/// # Errors
/// When the database fails.
pub async fn unsuspend(
    db: &impl ConnectionTrait,
    service: service::Model,
    now: ShopTime,
) -> Result<service::Model> {
    let mut row = resume(db, service, now).await?.into_active_model();
    row.suspend_reason = Set(None);
    Ok(row.update(db).await?)
}

/// Ends a service: its paid period ends, its unpaid invoice and its subscriptions are cancelled, and the stock of its
/// product grows by one.
///
/// # Errors
/// When the database fails.
pub async fn expire(
    transaction: &Transaction,
    service: service::Model,
    now: ShopTime,
) -> Result<service::Model> {
    // Locks the product before the invoice, in the same order as the deletion of a product.
    if let Some(product) = service.product_id {
        restock(transaction, product, now).await?;
    }
    if let Some(invoice) = service.invoice_id {
        close_invoice(transaction, invoice, OpenInvoice::Cancelled, now).await?;
    }
    cancel_subscriptions(transaction, service.id, now).await?;
    let early = service.expires_at.is_some_and(|end| end.0 > now.0);
    let mut row = service.into_active_model();
    row.status = Set("expired".to_owned());
    if early {
        row.expires_at = Set(Some(now));
    }
    let service = save(transaction, row, now.0).await?;
    let payload = json!({"message": "Server expired"});
    action_log::note(transaction, "service_expired", (MODEL, service.id), &payload, now).await?;
    Ok(service)
}

/// Adds one to the stock of a product, unless the stock has no limit.
async fn restock(transaction: &Transaction, product: Id, now: ShopTime) -> Result<()> {
    let found = lock_row(transaction, product::Entity::find_by_id(product)).await?;
    if let Some(product) = found.filter(|product| product.stock.0 >= 0) {
        let stock = product.stock.0.saturating_add(1);
        let mut row = product.into_active_model();
        row.stock = Set(Int(stock));
        save(transaction, row, now.0).await?;
    }
    Ok(())
}

/// Mails the customer that a service was suspended.
///
/// # Errors
/// When the database fails.
pub async fn mail_suspension(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    service: &service::Model,
    reason: &str,
) -> Result<()> {
    let select =
        customer::live_customers().filter(entity::customer::Column::Id.eq(service.customer_id)).limit(1);
    let Some(customer) = select.one(transaction).await? else { return Ok(()) };
    let link = scope.config().public_url();
    let values = [("service", service.name.as_str()), ("reason", reason)];
    let mail = Mail { template: "service_suspended", to: &customer, link: &link, values: &values };
    mail.enqueue(scope.shop(), transaction).await
}

/// Ends a service whose cancellation was requested.
///
/// # Errors
/// When the database fails.
pub async fn cancel(db: &impl ConnectionTrait, service: service::Model, now: ShopTime) -> Result<()> {
    let reason = service.cancelled_reason.clone();
    let mut row = service.into_active_model();
    row.status = Set("cancelled".to_owned());
    row.is_cancelled = Set(Flag(true));
    let service = save(db, row, now.0).await?;
    action_log::note(db, "service_cancelled", (MODEL, service.id), &json!({"reason": reason}), now).await
}
