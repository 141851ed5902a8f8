//! Shutting customers out and letting them back in (docs/contract/application-store.md#4.10).

use async_graphql::MaybeUndefined;
use entity::{Id, ShopTime, customer, service};
use facade::error::Invalid;
use facade::transaction::Transaction;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::input::CustomerActionInput;
use super::{MODEL, letter, locked};
use crate::resource::metadata;
use crate::resource::service::{state, visible_services};
use crate::scope::ShopScope;
use crate::{Error, Result};

/// What is noted where no reason was given.
const NO_REASON: &str = "No reason provided";
/// Metadata that hold a second factor.
const SECOND_FACTOR: [&str; 2] = ["2fa_secret", "2fa_recovery_codes"];
/// Metadata that shut a customer out.
const SHUT_OUT: [&str; 8] = [
    "banned",
    "banned_reason",
    "banned_at",
    "banned_by",
    "suspended",
    "suspended_reason",
    "suspended_at",
    "suspended_by",
];

/// The two ways to shut a customer out; they don't exclude each other.
#[derive(Clone, Copy)]
pub(super) enum Shut {
    Suspended,
    Banned,
}

impl Shut {
    /// Both: a service whose suspension has one of their reasons was suspended here.
    const ALL: [Self; 2] = [Self::Suspended, Self::Banned];

    /// What the names of its metadata begin with.
    fn key(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Banned => "banned",
        }
    }

    /// Why the services are suspended.
    fn service_reason(self) -> &'static str {
        match self {
            Self::Suspended => "Customer suspended",
            Self::Banned => "Customer banned",
        }
    }
}

/// Shuts a customer out.
pub(super) async fn shut_out(
    scope: ShopScope<'_>,
    id: Id,
    shut: Shut,
    input: CustomerActionInput,
) -> Result<customer::Model> {
    let now = ShopTime::from(scope.now());
    let reason = input.reason.take().filter(|reason| !reason.is_empty());
    let reason = reason.as_deref().unwrap_or(NO_REASON);
    let (record, key) = ((MODEL, id), shut.key());
    let transaction = scope.begin().await?;
    let customer = locked(scope, &transaction, id).await?;
    let at = now.local().format("%d/%m/%Y %H:%M").to_string();
    metadata::write(&transaction, record, key, "true", now).await?;
    metadata::write(&transaction, record, &format!("{key}_reason"), reason, now).await?;
    metadata::write(&transaction, record, &format!("{key}_at"), &at, now).await?;
    if input.force == MaybeUndefined::Value(true) {
        suspend_services(scope, &transaction, id, shut).await?;
    }
    if input.notify == MaybeUndefined::Value(true) {
        let (template, shop) = (format!("customer_{key}"), scope.config().public_url());
        letter::post(scope, &transaction, &template, &customer, &shop, &[("reason", reason)]).await?;
    }
    transaction.commit().await?;
    Ok(customer)
}

/// Suspends the active services, each with a mail.
async fn suspend_services(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    customer: Id,
    shut: Shut,
) -> Result<()> {
    let active = visible_services()
        .filter(service::Column::CustomerId.eq(customer))
        .filter(service::Column::Status.eq("active"));
    for service in active.lock_exclusive().all(transaction).await? {
        let reason = shut.service_reason();
        let service = state::suspend(transaction, service, reason, true, scope.now().into()).await?;
        state::tell(scope, transaction, &service, reason).await?;
    }
    Ok(())
}

/// Lets a customer back in, with the services that [`shut_out`] suspended.
pub(super) async fn reactivate(scope: ShopScope<'_>, id: Id, notify: bool) -> Result<customer::Model> {
    let transaction = scope.begin().await?;
    let customer = locked(scope, &transaction, id).await?;
    metadata::erase(&transaction, (MODEL, id), &SHUT_OUT).await?;
    let suspended = visible_services()
        .filter(service::Column::CustomerId.eq(id))
        .filter(service::Column::Status.eq("suspended"))
        .filter(service::Column::SuspendReason.is_in(Shut::ALL.map(Shut::service_reason)));
    for service in suspended.lock_exclusive().all(&transaction).await? {
        state::unsuspend(&transaction, service, scope.now().into()).await?;
    }
    if notify {
        let shop = scope.config().public_url();
        letter::post(scope, &transaction, "customer_reactivated", &customer, &shop, &[]).await?;
    }
    transaction.commit().await?;
    Ok(customer)
}

/// Takes the second factor away.
pub(super) async fn disable_two_factor(scope: ShopScope<'_>, id: Id) -> Result<customer::Model> {
    let transaction = scope.begin().await?;
    let customer = locked(scope, &transaction, id).await?;
    metadata::erase(&transaction, (MODEL, id), &SECOND_FACTOR).await?;
    transaction.commit().await?;
    Ok(customer)
}

/// The action of that name, as REST's path spells it.
pub(super) async fn named(
    scope: ShopScope<'_>,
    id: Id,
    action: &str,
    input: CustomerActionInput,
) -> Result<customer::Model> {
    match action {
        "suspend" => shut_out(scope, id, Shut::Suspended, input).await,
        "ban" => shut_out(scope, id, Shut::Banned, input).await,
        "reactivate" => {
            let notify = input.notify == MaybeUndefined::Value(true);
            reactivate(scope, id, notify).await
        }
        "disable2FA" => disable_two_factor(scope, id).await,
        _ => {
            let name = scope.lang().field_name("action");
            let text = scope.lang().text("validation.in", &[("attribute", &name)]);
            Err(Error::Invalid(Invalid::single("action", text)))
        }
    }
}
