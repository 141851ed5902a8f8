//! What may be done with a customer now. Mutations decide by the same conditions.

use std::collections::HashSet;

use async_graphql::Enum;
use entity::customer::Column;
use entity::{Id, invoice, service};
use facade::Ability;
use facade::record::{MAX_KEYS, View};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QuerySelect, QueryTrait, Select};

use super::delete::{services_in_use, unpaid_invoices};
use super::status::{self, AccountState, CustomerStatus};
use super::{DELETE, UPDATE};
use crate::Result;
use crate::scope::ShopScope;

/// A mutation of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CustomerAction {
    /// `customerUpdate`.
    Update,
    /// `customerConfirm`.
    Confirm,
    /// `customerResendConfirmation`.
    ResendConfirmation,
    /// `customerSendPassword`.
    SendPassword,
    /// `customerSuspend`, unless the customer is banned. Of a customer who is suspended it changes the reason.
    Suspend,
    /// `customerBan`. Of a customer who is banned it changes the reason.
    Ban,
    /// `customerReactivate`, of a customer who is suspended or banned.
    Reactivate,
    /// `customerDisableTwoFactor`, of a customer with a second factor.
    DisableTwoFactor,
    /// `customerDelete`, without `force`.
    Delete,
}

/// The actions with the ability that each needs.
const ACTIONS: [(CustomerAction, Ability); 9] = [
    (CustomerAction::Update, UPDATE),
    (CustomerAction::Confirm, UPDATE),
    (CustomerAction::ResendConfirmation, UPDATE),
    (CustomerAction::SendPassword, UPDATE),
    (CustomerAction::Suspend, UPDATE),
    (CustomerAction::Ban, UPDATE),
    (CustomerAction::Reactivate, UPDATE),
    (CustomerAction::DisableTwoFactor, UPDATE),
    (CustomerAction::Delete, DELETE),
];

/// Whether a customer in this state can be suspended.
pub(super) fn is_suspendable(state: &AccountState) -> bool {
    state.status() != CustomerStatus::Banned
}

/// Whether a customer in this state can be reactivated.
pub(super) fn is_restricted(state: &AccountState) -> bool {
    state.status() != CustomerStatus::Active
}

/// Which actions the state of an account allows.
#[derive(Clone, Copy, Default)]
struct AllowedByState {
    suspend: bool,
    reactivate: bool,
    disable_two_factor: bool,
}

impl AllowedByState {
    fn of(state: &AccountState) -> Self {
        Self {
            suspend: is_suspendable(state),
            reactivate: is_restricted(state),
            disable_two_factor: state.has_second_factor(),
        }
    }
}

/// The actions on each customer that its state and the caller's abilities allow: one statement for all customers, and two
/// more where the caller may delete any.
///
/// # Errors
/// When the database fails.
pub(super) async fn allowed(
    scope: ShopScope<'_>,
    customers: &[View<'_>],
) -> Result<Vec<Vec<CustomerAction>>> {
    let open = ACTIONS.iter().filter(|(_, need)| scope.may_write(*need)).map(|(action, _)| *action);
    let open: Vec<CustomerAction> = open.collect();
    let keys = View::keys(customers)?;
    let in_use = match open.contains(&CustomerAction::Delete) {
        true => customers_in_use(scope, &keys).await?,
        false => HashSet::new(),
    };
    let by_state = match open.contains(&CustomerAction::Suspend) {
        true => status::each(scope, customers, AllowedByState::of).await?,
        false => Vec::new(),
    };
    let each = |(at, id): (usize, &Id)| -> std::result::Result<Vec<CustomerAction>, DbErr> {
        let customer = &customers[at];
        if !customer.cell(Column::DeletedAt as usize)?.is_null() {
            return Ok(Vec::new());
        }
        let is_confirmed = !customer.cell(Column::EmailVerifiedAt as usize)?.is_null();
        let by_state = by_state.get(at).copied().unwrap_or_default();
        let fits = |action: &&CustomerAction| match action {
            CustomerAction::Confirm | CustomerAction::ResendConfirmation => !is_confirmed,
            CustomerAction::Delete => !in_use.contains(id),
            CustomerAction::Suspend => by_state.suspend,
            CustomerAction::Reactivate => by_state.reactivate,
            CustomerAction::DisableTwoFactor => by_state.disable_two_factor,
            CustomerAction::Update | CustomerAction::SendPassword | CustomerAction::Ban => true,
        };
        Ok(open.iter().filter(fits).copied().collect())
    };
    Ok(keys.iter().enumerate().map(each).collect::<std::result::Result<_, _>>()?)
}

/// Those of the customers who have services in use or unpaid invoices.
async fn customers_in_use(scope: ShopScope<'_>, keys: &[Id]) -> Result<HashSet<Id>> {
    let mut in_use = HashSet::new();
    for keys in keys.chunks(MAX_KEYS) {
        let by_services = services_in_use(keys.iter().copied());
        let by_invoices = unpaid_invoices(keys.iter().copied());
        in_use.extend(owners(scope, by_services, service::Column::CustomerId).await?);
        in_use.extend(owners(scope, by_invoices, invoice::Column::CustomerId).await?);
    }
    Ok(in_use)
}

/// The customers in a column of rows, each once.
async fn owners<E: EntityTrait>(
    scope: ShopScope<'_>,
    rows: Select<E>,
    customer: impl ColumnTrait,
) -> Result<Vec<Id>> {
    let mut rows = rows.select_only().column(customer).distinct();
    // PostgreSQL orders distinct values by these alone.
    QueryTrait::query(&mut rows).clear_order_by();
    Ok(rows.into_tuple::<Id>().all(scope.reader()).await?)
}
