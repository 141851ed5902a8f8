//! Whether a customer is suspended or banned, which the original keeps in metadata
//! (docs/contract/application-store.md#4.10).

use std::collections::HashMap;

use entity::{Id, customer, metadata};
use facade::filter::WordFilter;
use facade::record::{View, load_models};
use facade::transaction::Transaction;
use facade::words;
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select};

use super::MODEL;
use crate::Result;
use crate::resource::metadata::{Metadata, attached_to};
use crate::scope::ShopScope;

words! {
    /// Whether a customer may use the account.
    pub enum CustomerStatus {
        /// May sign in and order.
        Active = "active",
        /// Is suspended.
        Suspended = "suspended",
        /// Is banned: cannot sign in. A customer who is suspended too is banned.
        Banned = "banned",
    }
}

/// Keys of the metadata of both restrictions.
const BANNED: &str = "banned";
const SUSPENDED: &str = "suspended";
/// Keys of their reasons.
const BANNED_REASON: &str = "banned_reason";
const SUSPENDED_REASON: &str = "suspended_reason";
/// More rows than a customer has of these keys.
const MAX_STATE_ROWS: u64 = 100;
/// Stored texts that mean no.
const NO: [&str; 3] = ["", "0", "false"];

/// The key of the secret of a second factor.
pub(super) const SECOND_FACTOR: &str = "2fa_secret";

/// The metadata of one customer that tells of restrictions and of a second factor, by its key.
#[derive(Default)]
pub(super) struct AccountState(HashMap<String, String>);

impl AccountState {
    /// That of a customer, read in a transaction that has locked the customer.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn of(transaction: &Transaction, customer: Id) -> Result<Self> {
        let rows = state_rows().filter(metadata::Column::ModelId.eq(customer)).limit(MAX_STATE_ROWS);
        let rows = rows.all(transaction).await?;
        Ok(Self(rows.into_iter().map(|row| (row.key, row.value.unwrap_or_default())).collect()))
    }

    /// Whether the customer has a second factor.
    pub(super) fn has_second_factor(&self) -> bool {
        self.0.contains_key(SECOND_FACTOR)
    }

    /// Whether the customer is suspended, banned, or neither.
    pub(super) fn status(&self) -> CustomerStatus {
        let is_on = |key| self.0.get(key).is_some_and(|value| !NO.contains(&value.as_str()));
        match (is_on(BANNED), is_on(SUSPENDED)) {
            (true, _) => CustomerStatus::Banned,
            (false, true) => CustomerStatus::Suspended,
            (false, false) => CustomerStatus::Active,
        }
    }

    fn reason(&self) -> Option<String> {
        let key = match self.status() {
            CustomerStatus::Active => return None,
            CustomerStatus::Suspended => SUSPENDED_REASON,
            CustomerStatus::Banned => BANNED_REASON,
        };
        self.0.get(key).filter(|reason| !reason.is_empty()).cloned()
    }
}

/// The state of each customer, in their order.
///
/// # Errors
/// When the database fails.
pub async fn of_customers(scope: ShopScope<'_>, customers: &[View<'_>]) -> Result<Vec<CustomerStatus>> {
    each(scope, customers, AccountState::status).await
}

/// Why each customer is in that state, in their order.
///
/// # Errors
/// When the database fails.
pub async fn reasons(scope: ShopScope<'_>, customers: &[View<'_>]) -> Result<Vec<Option<String>>> {
    each(scope, customers, AccountState::reason).await
}

/// What the state of each customer tells, in their order.
///
/// # Errors
/// When the database fails.
pub(super) async fn each<T>(
    scope: ShopScope<'_>,
    customers: &[View<'_>],
    tell: fn(&AccountState) -> T,
) -> Result<Vec<T>> {
    let keys = View::keys(customers)?;
    let rows = load_models::<Metadata>(*scope, keys.clone(), metadata::Column::ModelId, state_rows);
    let mut found: HashMap<Id, AccountState> = HashMap::new();
    for row in rows.await? {
        found.entry(row.model_id).or_default().0.insert(row.key, row.value.unwrap_or_default());
    }
    let none = AccountState::default();
    Ok(keys.iter().map(|key| tell(found.get(key).unwrap_or(&none))).collect())
}

fn state_rows() -> Select<metadata::Entity> {
    let keys = [BANNED, BANNED_REASON, SUSPENDED, SUSPENDED_REASON, SECOND_FACTOR];
    attached_to(MODEL).filter(metadata::Column::Key.is_in(keys))
}

/// SQL for: the state of a customer meets the conditions. It asks at most twice for restrictions: no index has their keys.
pub(super) fn condition(filter: &WordFilter<CustomerStatus>) -> Condition {
    let id = || Expr::col((customer::Entity, customer::Column::Id));
    let has = |keys: &[&str]| id().in_subquery(with(keys));
    let lacks = |keys: &[&str]| id().not_in_subquery(with(keys));
    let holds = |status| filter.holds(&status);
    let met =
        (holds(CustomerStatus::Active), holds(CustomerStatus::Suspended), holds(CustomerStatus::Banned));
    let all = Condition::all();
    match met {
        (false, false, false) => all.add(Expr::val(1).eq(0)),
        (false, false, true) => all.add(has(&[BANNED])),
        (false, true, false) => all.add(has(&[SUSPENDED])).add(lacks(&[BANNED])),
        (false, true, true) => all.add(has(&[BANNED, SUSPENDED])),
        (true, false, false) => all.add(lacks(&[BANNED, SUSPENDED])),
        (true, false, true) => Condition::any().add(has(&[BANNED])).add(lacks(&[SUSPENDED])),
        (true, true, false) => all.add(lacks(&[BANNED])),
        (true, true, true) => all,
    }
}

/// The primary keys of customers with one of these restrictions.
fn with(keys: &[&str]) -> SelectStatement {
    let rows = metadata::Entity::find()
        .select_only()
        .column(metadata::Column::ModelId)
        .filter(metadata::Column::ModelType.eq(MODEL))
        .filter(metadata::Column::Key.is_in(keys.iter().copied()))
        .filter(metadata::Column::Value.is_not_in(NO));
    QueryTrait::into_query(rows)
}
