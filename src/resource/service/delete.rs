//! Deletes a service (docs/contract/application-operations.md#2.4). A paid invoice stays paid, and an open subscription
//! is cancelled: it does not prevent the deletion.

use entity::{
    Id, ShopTime, config_options_service, invoice, invoice_item, invoice_log, service, service_renewal,
    subscription,
};
use facade::transaction::Transaction;
use facade::write::{lock_rows, save};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::MODEL;
use crate::Result;
use crate::resource::metadata;

/// What happens to the unpaid invoice of a service that ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenInvoice {
    /// It is cancelled.
    Cancelled,
    /// It is deleted with its items.
    Deleted,
}

/// Deletes a service with its metadata, options, renewals, subscriptions and open invoice.
pub(super) async fn delete(
    transaction: &Transaction,
    service: &service::Model,
    open_invoice: OpenInvoice,
    now: ShopTime,
) -> Result<()> {
    metadata::detach(transaction, MODEL, service.id).await?;
    if let Some(invoice) = service.invoice_id {
        close_invoice(transaction, invoice, open_invoice, now).await?;
    }
    config_options_service::Entity::delete_many()
        .filter(config_options_service::Column::ServiceId.eq(service.id))
        .exec(transaction)
        .await?;
    service_renewal::Entity::update_many()
        .col_expr(service_renewal::Column::DeletedAt, Expr::value(now))
        .col_expr(service_renewal::Column::UpdatedAt, Expr::value(now))
        .filter(service_renewal::Column::ServiceId.eq(service.id))
        .filter(service_renewal::Column::DeletedAt.is_null())
        .exec(transaction)
        .await?;
    cancel_subscriptions(transaction, service.id, now).await?;
    let mut row = service.clone().into_active_model();
    row.deleted_at = Set(Some(now));
    save(transaction, row, now.0).await?;
    Ok(())
}

/// Cancels the subscriptions of a service.
pub(super) async fn cancel_subscriptions(
    db: &impl ConnectionTrait,
    service: Id,
    now: ShopTime,
) -> Result<()> {
    subscription::Entity::update_many()
        .col_expr(subscription::Column::CancelledAt, Expr::value(now))
        .col_expr(subscription::Column::State, Expr::value("cancelled"))
        .col_expr(subscription::Column::UpdatedAt, Expr::value(now))
        .filter(subscription::Column::ServiceId.eq(service))
        .filter(subscription::Column::CancelledAt.is_null())
        .filter(subscription::Column::DeletedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Cancels or deletes an unpaid invoice (docs/contract/application-operations.md#13.6,
/// docs/contract/application-operations.md#13.8). A paid or refunded one stays as it is.
pub(super) async fn close_invoice(db: &Transaction, id: Id, how: OpenInvoice, now: ShopTime) -> Result<()> {
    let mut open = invoice::Entity::update_many()
        .col_expr(invoice::Column::UpdatedAt, Expr::value(now))
        .filter(invoice::Column::Id.eq(id))
        .filter(invoice::Column::DeletedAt.is_null())
        .filter(invoice::Column::Status.is_in(["draft", "pending", "failed"]));
    open = match how {
        OpenInvoice::Cancelled => open.col_expr(invoice::Column::Status, Expr::value("cancelled")),
        OpenInvoice::Deleted => open.col_expr(invoice::Column::DeletedAt, Expr::value(now)),
    };
    if open.exec(db).await?.rows_affected == 0 {
        return Ok(());
    }
    let items = invoice_item::Entity::update_many()
        .col_expr(invoice_item::Column::UpdatedAt, Expr::value(now))
        .filter(invoice_item::Column::InvoiceId.eq(id));
    let items = match how {
        OpenInvoice::Cancelled => items.col_expr(invoice_item::Column::CancelledAt, Expr::value(now)),
        OpenInvoice::Deleted => items.col_expr(invoice_item::Column::DeletedAt, Expr::value(now)),
    };
    items.filter(invoice_item::Column::DeletedAt.is_null()).exec(db).await?;
    log(db, id, if how == OpenInvoice::Cancelled { "cancel_invoice" } else { "delete_invoice" }, now).await?;
    service_renewal::Entity::update_many()
        .col_expr(service_renewal::Column::Status, Expr::value("cancelled"))
        .col_expr(service_renewal::Column::DeletedAt, Expr::value(now))
        .col_expr(service_renewal::Column::UpdatedAt, Expr::value(now))
        .filter(service_renewal::Column::InvoiceId.eq(id))
        .filter(service_renewal::Column::Status.eq("pending"))
        .filter(service_renewal::Column::DeletedAt.is_null())
        .exec(db)
        .await?;
    let of_invoice = service::Entity::find().filter(service::Column::InvoiceId.eq(id));
    for service in lock_rows(db, of_invoice).await? {
        let mut row = service.into_active_model();
        row.invoice_id = Set(None);
        save(db, row, now.0).await?;
    }
    Ok(())
}

/// Adds a line to the log of an invoice.
async fn log(db: &impl ConnectionTrait, invoice: Id, what: &str, now: ShopTime) -> Result<()> {
    let row = invoice_log::ActiveModel {
        invoice_id: Set(invoice),
        status: Set(what.to_owned()),
        context: Set("[]".to_owned()),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    row.insert(db).await?;
    Ok(())
}
