//! Mails that customers get about their account (docs/contract/application-store.md#4.8, docs/contract/application-store.md#4.9;
//! docs/contract/credentials.md#5, docs/contract/credentials.md#6).

use chrono::TimeDelta;
use entity::{Id, ShopTime, customer, password_reset_token};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use sha1::{Digest, Sha1};

use super::locked;
use super::write::refuse_verified;
use crate::Result;
use crate::platform::signature;
use crate::scope::ShopScope;
use crate::shop::mail::Mail;

/// Seconds in which a second request for a new password is passed over in silence.
const PAUSE: i64 = 60;
/// Seconds for which a link to confirm an address is valid.
const VALID: i64 = 3600;
/// What an address in a query keeps of a text.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A link to choose a new password, not sent yet: its hash takes a while, and is made before the
/// transaction in which it is stored.
pub(super) struct Reset {
    token: String,
    hash: String,
}

impl Reset {
    pub(super) async fn prepare(scope: ShopScope<'_>) -> Result<Self> {
        let token = signature::token(&scope.config().app_key)?;
        let hash = scope.hash(token.clone()).await?;
        Ok(Self { token, hash })
    }

    /// Stores the hash in place of an earlier one, and mails the link.
    pub(super) async fn post(
        self,
        scope: ShopScope<'_>,
        db: &impl ConnectionTrait,
        customer: &customer::Model,
    ) -> Result<()> {
        use password_reset_token::{ActiveModel, Column, Entity};
        let row = ActiveModel {
            email: Set(customer.email.clone()),
            token: Set(self.hash),
            created_at: Set(Some(scope.now().into())),
        };
        let replace =
            OnConflict::column(Column::Email).update_columns([Column::Token, Column::CreatedAt]).to_owned();
        Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
        let (shop, token) = (scope.config().public_url(), self.token);
        let email = utf8_percent_encode(&customer.email, ESCAPED);
        let link = format!("{shop}/reset-password/{token}?email={email}");
        post(scope, db, "reset", customer, &link, &[]).await
    }
}

/// Mails a link to choose a new password, unless one was mailed a moment ago.
pub(super) async fn send_password(scope: ShopScope<'_>, customer: &customer::Model) -> Result<()> {
    if was_mailed(scope, scope.db(), customer).await? {
        return Ok(());
    }
    let reset = Reset::prepare(scope).await?;
    let transaction = scope.begin().await?;
    let customer = locked(scope, &transaction, customer.id).await?;
    // Somebody else may have asked meanwhile.
    if !was_mailed(scope, &transaction, &customer).await? {
        reset.post(scope, &transaction, &customer).await?;
    }
    Ok(transaction.commit().await?)
}

/// Whether the customer was mailed a link to choose a password a moment ago.
async fn was_mailed(
    scope: ShopScope<'_>,
    db: &impl ConnectionTrait,
    customer: &customer::Model,
) -> Result<bool> {
    let recent = ShopTime(scope.now() - TimeDelta::seconds(PAUSE));
    let requested = password_reset_token::Entity::find()
        .filter(password_reset_token::Column::Email.eq(&customer.email))
        .filter(password_reset_token::Column::CreatedAt.gt(recent))
        .limit(1);
    Ok(requested.one(db).await?.is_some())
}

/// Mails a link with which the customer confirms the e-mail address.
pub(super) async fn send_confirmation(scope: ShopScope<'_>, id: Id) -> Result<()> {
    let transaction = scope.begin().await?;
    let customer = locked(scope, &transaction, id).await?;
    refuse_verified(&customer)?;
    let shop = scope.config().public_url();
    let (address, end) = (hex::encode(Sha1::digest(&customer.email)), scope.now().timestamp() + VALID);
    let link = format!("{shop}/verify-email/{id}/{address}?expires={end}");
    let link = signature::sign(&scope.config().app_key, &link)?;
    post(scope, &transaction, "verify", &customer, &link, &[]).await?;
    Ok(transaction.commit().await?)
}

/// Mails a letter to a customer.
pub(super) async fn post(
    scope: ShopScope<'_>,
    db: &impl ConnectionTrait,
    template: &str,
    customer: &customer::Model,
    link: &str,
    values: &[(&str, &str)],
) -> Result<()> {
    Mail { template, to: customer, link, values }.enqueue(scope.shop(), db).await
}
