//! Suspends, bans and reactivates customers (docs/contract/application-store.md#4.10).

use async_graphql::MaybeUndefined;
use entity::{Id, ShopTime, customer, service};
use facade::transaction::Transaction;
use facade::user_error::UserErrorCode;
use facade::write::lock_rows;
use sea_orm::{ColumnTrait, QueryFilter};

use super::allowed::{is_restricted, is_suspendable};
use super::input::CustomerActionInput;
use super::status::{AccountState, SECOND_FACTOR};
use super::{MODEL, locked, mail};
use crate::Result;
use crate::resource::metadata;
use crate::resource::service::{state, visible_services};
use crate::scope::ShopScope;

/// The reason that is stored if none was given.
const NO_REASON: &str = "No reason provided";
/// Keys of the metadata of a second factor.
const TWO_FACTOR_KEYS: [&str; 2] = [SECOND_FACTOR, "2fa_recovery_codes"];
/// The code for a suspension of a customer who is banned.
pub(super) const BANNED: UserErrorCode =
    UserErrorCode::new("CUSTOMER_BANNED", "The customer is banned, so a suspension changes nothing.");
/// The code for lifting restrictions where there are none.
pub(super) const NOT_RESTRICTED: UserErrorCode =
    UserErrorCode::new("CUSTOMER_NOT_RESTRICTED", "The customer is neither suspended nor banned.");
/// The code for taking away a second factor that is not there.
pub(super) const NO_SECOND_FACTOR: UserErrorCode =
    UserErrorCode::new("NO_SECOND_FACTOR", "The customer has no second factor.");
/// Keys of the metadata of a restriction.
const RESTRICTION_KEYS: [&str; 8] = [
    "banned",
    "banned_reason",
    "banned_at",
    "banned_by",
    "suspended",
    "suspended_reason",
    "suspended_at",
    "suspended_by",
];

/// A restriction of a customer. A customer may have both.
#[derive(Clone, Copy)]
pub(super) enum Restriction {
    Suspended,
    Banned,
}

impl Restriction {
    /// A service whose suspension has the reason of one of them was suspended by [`restrict`].
    const ALL: [Self; 2] = [Self::Suspended, Self::Banned];

    /// Prefix of the keys of its metadata.
    fn key(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Banned => "banned",
        }
    }

    /// The reason with which services are suspended.
    fn service_reason(self) -> &'static str {
        match self {
            Self::Suspended => "Customer suspended",
            Self::Banned => "Customer banned",
        }
    }
}

/// Suspends or bans a customer, with the services if `input.force` is set.
pub(super) async fn restrict(
    scope: ShopScope<'_>,
    id: Id,
    restriction: Restriction,
    input: CustomerActionInput,
) -> Result<customer::Model> {
    let now = ShopTime::from(scope.now());
    let reason = input.reason.take().filter(|reason| !reason.is_empty());
    let reason = reason.as_deref().unwrap_or(NO_REASON);
    let (record, key) = ((MODEL, id), restriction.key());
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            if let Restriction::Suspended = restriction {
                require_state(scope, &transaction, id, (is_suspendable, BANNED)).await?;
            }
            let at = now.local().format("%d/%m/%Y %H:%M").to_string();
            metadata::write(&transaction, record, key, "true", now).await?;
            metadata::write(&transaction, record, &format!("{key}_reason"), reason, now).await?;
            metadata::write(&transaction, record, &format!("{key}_at"), &at, now).await?;
            if input.force == MaybeUndefined::Value(true) {
                suspend_services(scope, &transaction, id, restriction).await?;
            }
            if input.notify == MaybeUndefined::Value(true) {
                let (template, shop) = (format!("customer_{key}"), scope.config().public_url());
                mail::enqueue(scope, &transaction, &template, &customer, &shop, &[("reason", reason)])
                    .await?;
            }
            Ok(customer)
        })
        .await
}

/// Suspends the active services and mails the customer about each.
async fn suspend_services(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    customer: Id,
    restriction: Restriction,
) -> Result<()> {
    let active = visible_services()
        .filter(service::Column::CustomerId.eq(customer))
        .filter(service::Column::Status.eq("active"));
    for service in lock_rows(transaction, active).await? {
        let reason = restriction.service_reason();
        let service = state::suspend(transaction, service, reason, true, scope.now().into()).await?;
        state::mail_suspension(scope, transaction, &service, reason).await?;
    }
    Ok(())
}

/// Lifts the restrictions of a customer and reactivates the services that [`restrict`] suspended.
pub(super) async fn reactivate(scope: ShopScope<'_>, id: Id, notify: bool) -> Result<customer::Model> {
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            require_state(scope, &transaction, id, (is_restricted, NOT_RESTRICTED)).await?;
            metadata::delete_keys(&transaction, (MODEL, id), &RESTRICTION_KEYS).await?;
            let suspended = visible_services()
                .filter(service::Column::CustomerId.eq(id))
                .filter(service::Column::Status.eq("suspended"))
                .filter(
                    service::Column::SuspendReason.is_in(Restriction::ALL.map(Restriction::service_reason)),
                );
            for service in lock_rows(&transaction, suspended).await? {
                state::unsuspend(&transaction, service, scope.now().into()).await?;
            }
            if notify {
                let shop = scope.config().public_url();
                mail::enqueue(scope, &transaction, "customer_reactivated", &customer, &shop, &[]).await?;
            }
            Ok(customer)
        })
        .await
}

/// Removes the second factor of a customer.
pub(super) async fn disable_two_factor(scope: ShopScope<'_>, id: Id) -> Result<customer::Model> {
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            require_state(scope, &transaction, id, (AccountState::has_second_factor, NO_SECOND_FACTOR))
                .await?;
            metadata::delete_keys(&transaction, (MODEL, id), &TWO_FACTOR_KEYS).await?;
            Ok(customer)
        })
        .await
}

/// Refuses an action in GraphQL, unless the state of the locked customer fits. REST asks for no state, and reads none.
async fn require_state(
    scope: ShopScope<'_>,
    transaction: &Transaction,
    customer: Id,
    (fits, code): (fn(&AccountState) -> bool, UserErrorCode),
) -> Result<()> {
    if scope.execution().api.is_rest() {
        return Ok(());
    }
    scope.require_state(fits(&AccountState::of(transaction, customer).await?), code)
}

/// Runs the action that a REST path names.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) for an unknown name.
pub(super) async fn run_by_name(
    scope: ShopScope<'_>,
    id: Id,
    action: &str,
    input: CustomerActionInput,
) -> Result<customer::Model> {
    match action {
        "suspend" => restrict(scope, id, Restriction::Suspended, input).await,
        "ban" => restrict(scope, id, Restriction::Banned, input).await,
        "reactivate" => {
            let notify = input.notify == MaybeUndefined::Value(true);
            reactivate(scope, id, notify).await
        }
        "disable2FA" => disable_two_factor(scope, id).await,
        _ => Err(scope.invalid("action", "in")),
    }
}
