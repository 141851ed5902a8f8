//! Creates, updates and confirms customers (docs/contract/application-store.md#4.3,
//! docs/contract/application-store.md#4.5, docs/contract/application-store.md#4.7).

use async_graphql::MaybeUndefined;
use entity::{Amount, Flag, Id, ShopTime, customer};
use facade::error::Refusal;
use facade::user_error::UserErrorCode;
use facade::write::{put, save, taken};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use super::input::{CustomerCreateInput, CustomerUpdateInput};
use super::locked;
use super::mail::PasswordReset;
use crate::Result;
use crate::platform::random;
use crate::scope::ShopScope;

/// Length of the random password of a customer who is mailed a link to choose one.
const RANDOM_PASSWORD: usize = 10;

/// Creates a customer. Without a password, a link to choose one is mailed.
pub(super) async fn create(scope: ShopScope<'_>, input: CustomerCreateInput) -> Result<customer::Model> {
    let now = ShopTime::from(scope.now());
    let (password, reset) = match input.password.value() {
        Some(chosen) => (scope.hash(chosen.clone()).await?, None),
        None => {
            let random = scope.hash(random::text(RANDOM_PASSWORD));
            let (password, reset) = tokio::try_join!(random, PasswordReset::prepare(scope))?;
            (password, Some(reset))
        }
    };
    let mut row = customer::ActiveModel {
        password: Set(password),
        balance: Set(Amount(0.0)),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    input.write_to(&mut row);
    put(&mut row.phone, phone(input.phone));
    if input.verified == MaybeUndefined::Value(true) {
        row.email_verified_at = Set(Some(now));
        row.is_confirmed = Set(Flag(true));
    }
    let (row, reset) = (&row, &reset);
    scope
        .write(|transaction| async move {
            let customer =
                row.clone().insert(&transaction).await.map_err(|error| taken(*scope, "email", error))?;
            if let Some(reset) = reset {
                reset.enqueue(scope, &transaction, &customer).await?;
            }
            Ok(customer)
        })
        .await
}

/// Updates a customer. Fields that were not given stay as they are.
pub(super) async fn update(
    scope: ShopScope<'_>,
    id: Id,
    input: CustomerUpdateInput,
) -> Result<customer::Model> {
    let password = match input.password.value() {
        Some(chosen) => Some(scope.hash(chosen.clone()).await?),
        None => None,
    };
    let (input, password) = (&input, &password);
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            let mut row = customer.clone().into_active_model();
            if let Some(password) = password {
                row.password = Set(password.clone());
            }
            input.write_to(&mut row);
            put(&mut row.phone, phone(input.phone.clone()));
            if !row.is_changed() {
                return Ok(customer);
            }
            let customer =
                save(&transaction, row, scope.now()).await.map_err(|error| taken(*scope, "email", error))?;
            Ok(customer)
        })
        .await
}

/// Marks the e-mail address as confirmed.
pub(super) async fn confirm(scope: ShopScope<'_>, id: Id) -> Result<customer::Model> {
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            refuse_verified(&customer)?;
            let mut row = customer.into_active_model();
            row.email_verified_at = Set(Some(scope.now().into()));
            row.is_confirmed = Set(Flag(true));
            let customer = save(&transaction, row, scope.now()).await?;
            Ok(customer)
        })
        .await
}

/// Why an address is not confirmed.
pub(super) const CONFIRMED: UserErrorCode =
    UserErrorCode::new("EMAIL_ALREADY_CONFIRMED", "The e-mail address was confirmed before.");

/// Refuses an address that is already confirmed.
pub(super) fn refuse_verified(customer: &customer::Model) -> Result<()> {
    match customer.email_verified_at {
        Some(_) => Err(Refusal::message(400, "Email already verified").coded(CONFIRMED)),
        None => Ok(()),
    }
}

/// A removed phone number is stored as an empty text, as in the original.
fn phone(given: MaybeUndefined<String>) -> MaybeUndefined<String> {
    match given {
        MaybeUndefined::Null => MaybeUndefined::Value(String::new()),
        given => given,
    }
}
