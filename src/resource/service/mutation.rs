//! The mutations of services (docs/contract/application-operations.md#2.2, docs/contract/application-operations.md#2.3,
//! docs/contract/application-operations.md#2.4, docs/contract/application-operations.md#2.5,
//! docs/contract/documented-contract.md#4.7).
//!
//! Each action locks its service first. Parallel calls run one after the other, and each decides by the status that it
//! reads under the lock.

use async_graphql::{Context, ID, Json, MaybeUndefined, Object, SimpleObject};
use chrono::NaiveDateTime;
use entity::{Id, ShopTime, service};
use facade::form;
use facade::form::Form;
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{self, Moment};
use facade::rest_only::RestOnly;
use facade::transaction::Transaction;
use facade::user_error::{Refuses, UserErrorCode};
use facade::write::{lock, put, save};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use super::allowed::{is_expirable, is_resumable, is_suspendable};
use super::delete::OpenInvoice;
use super::{
    DELETE, EXPIRE, MODEL, SUSPEND, Service, UNSUSPEND, UPDATE, delete, live_services, require, state,
};
use crate::Result;
use crate::scope::ShopScope;

form! {
    /// What changes in a service; fields that are left out stay as they are.
    pub struct ServiceUpdateInput for entity::service {
        /// Name shown to the customer.
        name: String => [string(), max(255)],
        /// Text shown to the customer.
        description: String => [nullable(), string(), text_column()],
        /// Notes of the staff.
        notes: String => [nullable(), string(), max(1000)],
        /// End of the paid period; a service without renewal has none.
        expires_at: NaiveDateTime => [nullable(), date(), timestamp()],
        /// How often it may be renewed; null is without limit.
        max_renewals: i64 => [nullable(), integer(), min(0)],
        /// What the extension that provides it keeps.
        #[no_column]
        data: Json<serde_json::Value> => [nullable(), array()],
    }
}

form! {
    /// How a service is taken out of use.
    pub struct ServiceSuspendInput {
        /// The reason, as the customer reads it.
        reason: String => [nullable(), string(), max(255)],
        /// Whether the customer gets a mail.
        notify: bool => [nullable(), flag()],
    }
}

/// How an action on a service went.
#[derive(SimpleObject)]
pub struct ServiceResult {
    /// The service, as it is now.
    service: Service,
    /// Whether the action was done.
    success: bool,
    /// What happened, in words.
    message: String,
    /// When it happened.
    created_at: Moment,
    /// What the extension that provides the service answered.
    data: Vec<Json<serde_json::Value>>,
}

/// A service and how an action on it went.
#[derive(SimpleObject)]
#[graphql(tag = "payload")]
pub struct ServicePayload {
    /// The service, as it is now.
    service: Service,
    /// How it went.
    #[graphql(directive = RestOnly::apply())]
    result: ServiceResult,
}

/// Why a service is not suspended.
const NOT_SUSPENDABLE: UserErrorCode =
    UserErrorCode::new("SERVICE_NOT_SUSPENDABLE", "The service is not active, so it cannot be suspended.");
/// Why a service is not taken back into use.
const IN_USE: UserErrorCode = UserErrorCode::new("SERVICE_IN_USE", "The service is in use already.");
/// Why a service is not ended.
const NOT_EXPIRABLE: UserErrorCode =
    UserErrorCode::new("SERVICE_NOT_EXPIRABLE", "The service has ended or is hidden, so it cannot be ended.");

/// Changing services.
#[derive(Default)]
pub struct ServiceMutation;

#[Object]
impl ServiceMutation {
    /// Changes a service. Its state, customer, product, server and price have operations of their own.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn service_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
        #[graphql(desc = "What changes.")] input: Form<ServiceUpdateInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Service> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require(scope, &id).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        update(scope, id, input).await.map(Service)
    }

    /// Takes a service out of use.
    #[graphql(directive = Can::apply(&[SUSPEND]), directive = Refuses::apply(NOT_SUSPENDABLE))]
    async fn service_suspend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
        #[graphql(desc = "The reason, and whether the customer gets a mail.", default)] input: Form<
            ServiceSuspendInput,
        >,
    ) -> Result<ServicePayload> {
        let scope = ShopScope::from(ctx);
        let service = require(scope, &id).await?.0;
        let input = scope.check_change(input, service.id, &[]).await?;
        let reason = input.reason.take().unwrap_or_else(|| "No reason provided".to_owned());
        let (reason, notify) = (reason.as_str(), input.notify.take().unwrap_or(false));
        run_action(scope, service.id, |transaction, service| async move {
            if !is_suspendable(&service.status) {
                return Ok(ActionOutcome::Refused(service, NOT_SUSPENDABLE));
            }
            let service = state::suspend(&transaction, service, reason, notify, scope.now().into()).await?;
            if notify {
                state::mail_suspension(scope, &transaction, &service, reason).await?;
            }
            Ok(ActionOutcome::Done { service, verb: "Suspended account", noun: "suspension" })
        })
        .await
    }

    /// Takes a service back into use, whatever its status is. GraphQL refuses it for one that is active.
    #[graphql(directive = Can::apply(&[UNSUSPEND]), directive = Refuses::apply(IN_USE))]
    async fn service_unsuspend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
    ) -> Result<ServicePayload> {
        let scope = ShopScope::from(ctx);
        let service = require_any(scope, &id).await?.0;
        run_action(scope, service.id, |transaction, service| async move {
            scope.require_state(is_resumable(&service.status), IN_USE)?;
            let service = state::resume(&transaction, service, scope.now().into()).await?;
            Ok(ActionOutcome::Done { service, verb: "Unsuspended account", noun: "unsuspension" })
        })
        .await
    }

    /// Ends a service: its unpaid invoice is cancelled, and its subscription.
    #[graphql(directive = Can::apply(&[EXPIRE]), directive = Refuses::apply(NOT_EXPIRABLE))]
    async fn service_expire(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
    ) -> Result<ServicePayload> {
        let scope = ShopScope::from(ctx);
        let service = require(scope, &id).await?.0;
        run_action(scope, service.id, |transaction, service| async move {
            if !is_expirable(&service.status) {
                return Ok(ActionOutcome::Refused(service, NOT_EXPIRABLE));
            }
            let service = state::expire(&transaction, service, scope.now().into()).await?;
            Ok(ActionOutcome::Done { service, verb: "Expired account", noun: "expiration" })
        })
        .await
    }

    /// Deletes a service with all rows that refer to it. A paid invoice stays paid.
    #[graphql(directive = Can::apply(&[DELETE]), directive = Deletes::apply())]
    async fn service_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
    ) -> Result<Service> {
        let scope = ShopScope::from(ctx);
        let found = require_any(scope, &id).await?;
        let open_invoice = match scope.setting("remove_pending_invoice_type").await?.as_deref() {
            Some("delete") => OpenInvoice::Deleted,
            _ => OpenInvoice::Cancelled,
        };
        let now = ShopTime::from(scope.now());
        let deleted = scope.write(|transaction| async move {
            let service = locked(scope, &transaction, found.0.id).await?;
            delete::delete(&transaction, &service, open_invoice, now).await?;
            Ok(service)
        });
        let mut service = deleted.await?;
        scope.note_deleted::<Service>(service.id);
        service.deleted_at = Some(now);
        service.updated_at = Some(now);
        Ok(Service(service))
    }
}

/// The service of these two routes, which take no UUID in REST
/// (docs/contract/application-operations.md#1.7).
async fn require_any(scope: ShopScope<'_>, id: &str) -> Result<Service> {
    record::require_by_public_key(*scope, live_services, service::Column::Uuid, id, MODEL).await
}

/// The row of a service, locked until the transaction ends.
async fn locked(scope: ShopScope<'_>, transaction: &Transaction, id: Id) -> Result<service::Model> {
    lock::<Service>(transaction, live_services(), id, MODEL, scope.expected()).await
}

/// The outcome of an action on a service.
enum ActionOutcome {
    /// The action was done. `verb` and `noun` are its words in messages.
    Done { service: service::Model, verb: &'static str, noun: &'static str },
    /// The status of the service does not allow the action.
    Refused(service::Model, UserErrorCode),
}

/// Runs an action on a locked service and makes its message.
async fn run_action<Work>(
    scope: ShopScope<'_>,
    id: Id,
    action: impl Fn(Transaction, service::Model) -> Work,
) -> Result<ServicePayload>
where
    Work: Future<Output = Result<ActionOutcome>>,
{
    let action = &action;
    let outcome = scope.write(|transaction| async move {
        let service = locked(scope, &transaction, id).await?;
        action(transaction, service).await
    });
    let outcome = outcome.await?;
    let (service, success, message) = match outcome {
        ActionOutcome::Done { service, noun, .. } if service.r#type == "domain" => {
            (service, true, format!("Domain {noun} is not supported"))
        }
        ActionOutcome::Done { service, verb, .. } => (service, true, format!("{verb} on none server type")),
        ActionOutcome::Refused(service, code) => {
            scope.note_refusal(code);
            (service, false, "Invalid status".to_owned())
        }
    };
    let result = ServiceResult {
        service: Service(service.clone()),
        success,
        message,
        created_at: Moment(scope.now()),
        data: Vec::new(),
    };
    Ok(ServicePayload { service: Service(service), result })
}

/// Updates a service. Fields that were not given stay as they are.
async fn update(scope: ShopScope<'_>, id: Id, input: ServiceUpdateInput) -> Result<service::Model> {
    let input = &input;
    scope
        .write(|transaction| async move {
            let service = locked(scope, &transaction, id).await?;
            if service.billing == "onetime" && matches!(input.expires_at, MaybeUndefined::Value(_)) {
                return Err(scope.invalid("expires_at", "in"));
            }
            let mut row = service.clone().into_active_model();
            input.write_to(&mut row);
            put(&mut row.data, input.data.clone().map_value(|data| data.0.to_string()));
            if !row.is_changed() {
                return Ok(service);
            }
            let service = save(&transaction, row, scope.now()).await?;
            Ok(service)
        })
        .await
}
