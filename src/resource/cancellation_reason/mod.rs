//! Reasons that customers pick on cancelling a service (docs/contract/application-operations.md#9).

mod analytics;
pub mod demo;
pub mod seed;

use async_graphql::{Context, ID, MergedObject, Object};
use entity::{Id, ShopTime, cancellation_reason, service};
use facade::form::Form;
use facade::guard::Can;
use facade::payload::Deletes;
use facade::record::{Day, Deleted, Moment, require};
use facade::rest_only::RestOnly;
use facade::write::{lock, save};
use facade::{filters, form, list, one, record, words};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Select};

use self::analytics::{CancellationAnalytics, Period};
use super::service::{self as services, Service, ServiceFilter, ServiceSort, live_services};
use crate::scope::ShopScope;
use crate::{Result, abilities};

abilities! {
    // The contract names no permission of the staff for reasons: they are a setting of the shop, which those who manage
    // services read.
    /// Lists cancellation reasons.
    INDEX = "cancellation_reasons:index", permissions ["admin.manage_services", "admin.manage_settings"];
    /// Shows cancellation reasons.
    SHOW = "cancellation_reasons:show", permissions ["admin.manage_services", "admin.manage_settings"];
    /// Makes cancellation reasons.
    STORE = "cancellation_reasons:store", aliases ["cancellation_reasons:create"], permissions ["admin.manage_settings"];
    /// Changes cancellation reasons.
    UPDATE = "cancellation_reasons:update", permissions ["admin.manage_settings"];
    /// Deletes cancellation reasons.
    DELETE = "cancellation_reasons:delete", permissions ["admin.manage_settings"];
    /// Shows how often each reason was picked.
    ANALYTICS = "cancellation_reasons:analytics", permissions ["admin.manage_services", "admin.manage_settings"];
}

/// What the original calls a reason in texts.
const MODEL: &str = "App\\Models\\Provisioning\\CancellationReason";

words! {
    /// Who can pick a reason.
    pub enum CancellationReasonStatus {
        /// Customers.
        Active = "active",
        /// Nobody; customers see it.
        Hidden = "hidden",
        /// The staff; customers do not see it.
        Unreferenced = "unreferenced",
    }
}

words! {
    /// What follows when a customer cancels.
    pub enum CancellationMode {
        /// The service ends at once.
        Immediate = "immediate",
        /// The helpdesk gets a ticket.
        SupportTicket = "support_ticket",
        /// The service ends with the paid period.
        AfterExpiration = "after_expiration",
    }
}

record! {
    /// A reason that customers pick on cancelling a service.
    pub struct CancellationReason(entity::cancellation_reason);
    #[can(SHOW, INDEX)] node: |_| live_reasons();
    columns {
        /// Its text.
        reason,
        /// What follows when a customer picks it.
        cancellation_mode as CancellationMode,
        /// Who can pick it.
        status as CancellationReasonStatus,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// Services that were cancelled for it.
        #[can(services::INDEX)] services:
            many<Service>(service::Column::CancellationReasonId, live_services) by ServiceFilter, ServiceSort,
    }
}

filters! {
    /// Conditions on cancellation reasons; all given ones must hold.
    pub struct CancellationReasonFilter, CancellationReasonSort, CancellationReasonSortField on entity::cancellation_reason {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Text.
        reason: TextFilter = Reason,
        /// What follows when a customer picks it.
        cancellation_mode: WordFilter<CancellationMode> = CancellationMode in CancellationMode,
        /// Who can pick it.
        status: WordFilter<CancellationReasonStatus> = Status in CancellationReasonStatus,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
}

/// Reasons that were not deleted.
fn live_reasons() -> Select<cancellation_reason::Entity> {
    all_reasons().filter(cancellation_reason::Column::DeletedAt.is_null())
}

/// All reasons: services keep one that was deleted.
pub fn all_reasons() -> Select<cancellation_reason::Entity> {
    cancellation_reason::Entity::find()
}

one! {
    /// A cancellation reason by its identifier.
    #[can(SHOW, INDEX)] pub CancellationReasonById: cancellation_reason<CancellationReason>(live_reasons);
}

list! {
    /// Reasons that customers pick on cancelling a service.
    #[can(INDEX)] pub CancellationReasonList: cancellation_reasons<CancellationReason>(live_reasons)
    by CancellationReasonFilter, CancellationReasonSort,
    search(cancellation_reason::Column::Reason): "Only reasons whose text holds this one, exact matches first.";
}

/// How often each reason was picked.
#[derive(Default)]
pub struct CancellationFigures;

#[Object]
impl CancellationFigures {
    /// How many services were cancelled for which reason, in the days of a period.
    #[graphql(directive = Can::apply(&[ANALYTICS]))]
    async fn cancellation_analytics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "First day; six months ago where it is left out.")] from: Option<Day>,
        #[graphql(desc = "Last day; today where it is left out.")] to: Option<Day>,
        #[graphql(
            desc = "First day, as in `2026-01-31`; six months ago where it is left out.",
            directive = RestOnly::apply()
        )]
        start_date: Option<String>,
        #[graphql(
            desc = "Last day, as in `2026-01-31`; today where it is left out.",
            directive = RestOnly::apply()
        )]
        end_date: Option<String>,
    ) -> Result<CancellationAnalytics> {
        let scope = ShopScope::from(ctx);
        let first = analytics::day(scope, "start_date", start_date)?.or(from);
        let last = analytics::day(scope, "end_date", end_date)?.or(to);
        CancellationAnalytics::count(scope, Period::new(scope.now(), first, last)).await
    }
}

/// Reading cancellation reasons.
#[derive(MergedObject, Default)]
pub struct CancellationReasonQuery(CancellationReasonById, CancellationReasonList, CancellationFigures);

form! {
    /// What a new cancellation reason is made from.
    pub struct CancellationReasonCreateInput for entity::cancellation_reason {
        /// Its text.
        reason: String => [required(), string(), max(255)],
        /// Who can pick it.
        status: CancellationReasonStatus => [required(), one_of(CancellationReasonStatus::WORDS)],
    }
}

form! {
    /// What changes in a cancellation reason; fields that are left out stay as they are.
    pub struct CancellationReasonUpdateInput for entity::cancellation_reason {
        /// Its text.
        reason: String => [sometimes(), required_unless_partial(), string(), max(255)],
        /// Who can pick it.
        status: CancellationReasonStatus => [
            sometimes(), required_unless_partial(), one_of(CancellationReasonStatus::WORDS)
        ],
    }
}

/// Changing cancellation reasons.
#[derive(Default)]
pub struct CancellationReasonMutation;

#[Object]
impl CancellationReasonMutation {
    /// Makes a cancellation reason. A service that is cancelled for it ends at once.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn cancellation_reason_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reason.")] input: Form<CancellationReasonCreateInput>,
    ) -> Result<CancellationReason> {
        let scope = ShopScope::from(ctx);
        create(scope, scope.check_new(input).await?).await.map(CancellationReason)
    }

    /// Changes a cancellation reason.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn cancellation_reason_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<CancellationReasonUpdateInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<CancellationReason> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require::<CancellationReason>(*scope, live_reasons, &id, MODEL).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        update(scope, id, &input).await.map(CancellationReason)
    }

    /// Deletes a cancellation reason. Services that were cancelled for it keep it.
    #[graphql(directive = Can::apply(&[DELETE]), directive = Deletes::apply())]
    async fn cancellation_reason_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Deleted<CancellationReason>> {
        let scope = ShopScope::from(ctx);
        let id = require::<CancellationReason>(*scope, live_reasons, &id, MODEL).await?.0.id;
        delete(ctx, scope, id).await
    }
}

async fn create(
    scope: ShopScope<'_>,
    input: CancellationReasonCreateInput,
) -> Result<cancellation_reason::Model> {
    let now = ShopTime::from(scope.now());
    let mut row = cancellation_reason::ActiveModel {
        cancellation_mode: Set(CancellationMode::Immediate.into()),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    input.write_to(&mut row);
    let row = &row;
    scope.write(|transaction| async move { Ok(row.clone().insert(&transaction).await?) }).await
}

async fn update(
    scope: ShopScope<'_>,
    id: Id,
    input: &CancellationReasonUpdateInput,
) -> Result<cancellation_reason::Model> {
    scope
        .write(|transaction| async move {
            let reason =
                lock::<CancellationReason>(&transaction, live_reasons(), id, MODEL, scope.expected()).await?;
            let mut row = reason.clone().into_active_model();
            input.write_to(&mut row);
            Ok(if row.is_changed() { save(&transaction, row, scope.now()).await? } else { reason })
        })
        .await
}

async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<CancellationReason>> {
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            let reason =
                lock::<CancellationReason>(&transaction, live_reasons(), id, MODEL, scope.expected()).await?;
            let gone =
                cancellation_reason::Model { deleted_at: Some(now), updated_at: Some(now), ..reason.clone() };
            let deleted = Deleted::<CancellationReason>::read(ctx, &transaction, gone).await?;
            if deleted.is_read() {
                let mut row = reason.into_active_model();
                row.deleted_at = Set(Some(now));
                save(&transaction, row, now.0).await?;
            }
            Ok(deleted)
        })
        .await
}
