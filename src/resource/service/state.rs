//! Taking services out of use and back (spec: `application-operations.md` 2.5). The modules of the
//! base shop have nothing to do then; those of extensions are not reached from here.

use entity::{Flag, ShopTime, service};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait, IntoActiveModel};
use serde_json::json;

use super::MODEL;
use crate::{Result, action_log};

/// Takes a service out of use; `notify` is what its log says about a mail.
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
    row.updated_at = Set(Some(now));
    let service = row.update(db).await?;
    let payload = json!({"reason": reason, "notify": notify});
    action_log::note(db, "service_suspended", (MODEL, service.id), &payload, now).await?;
    Ok(service)
}

/// Takes a service back into use and forgets why it was out of it.
///
/// # Errors
/// When the database fails.
pub async fn unsuspend(
    db: &impl ConnectionTrait,
    service: service::Model,
    now: ShopTime,
) -> Result<service::Model> {
    let mut row = service.into_active_model();
    row.status = Set("active".to_owned());
    row.suspended_at = Set(None);
    row.suspend_reason = Set(None);
    row.updated_at = Set(Some(now));
    let service = row.update(db).await?;
    let payload = json!({"message": "Server unsuspended"});
    action_log::note(db, "service_unsuspended", (MODEL, service.id), &payload, now).await?;
    Ok(service)
}

/// Ends a service whose cancellation was asked for.
///
/// # Errors
/// When the database fails.
pub async fn cancel(db: &impl ConnectionTrait, service: service::Model, now: ShopTime) -> Result<()> {
    let reason = service.cancelled_reason.clone();
    let mut row = service.into_active_model();
    row.status = Set("cancelled".to_owned());
    row.is_cancelled = Set(Flag(true));
    row.updated_at = Set(Some(now));
    let service = row.update(db).await?;
    action_log::note(db, "service_cancelled", (MODEL, service.id), &json!({"reason": reason}), now).await
}
