//! What may be done with a service now. Mutations decide by the same functions.

use async_graphql::Enum;
use entity::service::Column;
use facade::Ability;
use facade::record::View;
use sea_orm::DbErr;

use super::{DELETE, EXPIRE, SUSPEND, UNSUSPEND, UPDATE};
use crate::Result;
use crate::scope::ShopScope;

/// A mutation of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ServiceAction {
    /// `serviceUpdate`.
    Update,
    /// `serviceSuspend`.
    Suspend,
    /// `serviceUnsuspend`.
    Unsuspend,
    /// `serviceExpire`.
    Expire,
    /// `serviceDelete`.
    Delete,
}

/// Whether the status of a service allows an action.
type StatusRule = fn(&str) -> bool;

/// The actions with the ability that each needs, and the rule for the status.
const ACTIONS: [(ServiceAction, Ability, StatusRule); 5] = [
    (ServiceAction::Update, UPDATE, |_| true),
    (ServiceAction::Suspend, SUSPEND, is_suspendable),
    (ServiceAction::Unsuspend, UNSUSPEND, is_resumable),
    (ServiceAction::Expire, EXPIRE, is_expirable),
    (ServiceAction::Delete, DELETE, |_| true),
];

/// Whether a service of this status can be suspended.
pub(super) fn is_suspendable(status: &str) -> bool {
    status == "active"
}

/// Whether a service of this status can be taken back into use.
pub(super) fn is_resumable(status: &str) -> bool {
    status != "active"
}

/// Whether a service of this status can be ended.
pub(super) fn is_expirable(status: &str) -> bool {
    !["expired", "cancelled", "hidden"].contains(&status)
}

/// The actions on each service that its status and the caller's abilities allow.
///
/// # Errors
/// When a row cannot be read.
pub(super) async fn allowed(scope: ShopScope<'_>, services: &[View<'_>]) -> Result<Vec<Vec<ServiceAction>>> {
    let open = ACTIONS.iter().filter(|(_, need, _)| scope.may_write(*need));
    let open: Vec<_> = open.collect();
    let each = |service: &View<'_>| -> std::result::Result<Vec<ServiceAction>, DbErr> {
        if !service.cell(Column::DeletedAt as usize)?.is_null() {
            return Ok(Vec::new());
        }
        let status = service.cell(Column::Status as usize)?.text().unwrap_or_default();
        let fitting = open.iter().filter(|(_, _, fits)| fits(status));
        Ok(fitting.map(|(action, ..)| *action).collect())
    };
    Ok(services.iter().map(each).collect::<std::result::Result<_, _>>()?)
}
