//! Mails that customers get about their account (docs/contract/application-store.md#4.8,
//! docs/contract/application-store.md#4.9; docs/contract/credentials.md#5, docs/contract/credentials.md#6).

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

/// Seconds in which a second request for a new password is ignored.
const RESEND_PAUSE: i64 = 60;
/// Seconds for which a link that confirms an address is valid.
const LINK_LIFETIME: i64 = 3600;
/// Characters that are percent-encoded in an e-mail address in a query string.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A link to choose a new password that is not sent yet. Its hash takes long to compute, so it is computed before the
/// transaction that stores it.
pub(super) struct PasswordReset {
    token: String,
    hash: String,
}

impl PasswordReset {
    /// Makes a token and its hash.
    pub(super) async fn prepare(scope: ShopScope<'_>) -> Result<Self> {
        let token = signature::token(&scope.config().app_key)?;
        let hash = scope.hash(token.clone()).await?;
        Ok(Self { token, hash })
    }

    /// Stores the hash in place of an earlier one, and enqueues the mail with the link.
    pub(super) async fn enqueue(
        &self,
        scope: ShopScope<'_>,
        db: &impl ConnectionTrait,
        customer: &customer::Model,
    ) -> Result<()> {
        use password_reset_token::{ActiveModel, Column, Entity};
        let row = ActiveModel {
            email: Set(customer.email.clone()),
            token: Set(self.hash.clone()),
            created_at: Set(Some(scope.now().into())),
        };
        let replace =
            OnConflict::column(Column::Email).update_columns([Column::Token, Column::CreatedAt]).to_owned();
        Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
        let (shop, token) = (scope.config().public_url(), &self.token);
        let email = utf8_percent_encode(&customer.email, ESCAPED);
        let link = format!("{shop}/reset-password/{token}?email={email}");
        enqueue(scope, db, "reset", customer, &link, &[]).await
    }
}

/// Mails a link to choose a new password, unless one was mailed less than [`RESEND_PAUSE`] ago.
pub(super) async fn send_password_link(scope: ShopScope<'_>, customer: &customer::Model) -> Result<()> {
    if was_mailed(scope, scope.reader(), customer).await? {
        return Ok(());
    }
    let (reset, id) = (&PasswordReset::prepare(scope).await?, customer.id);
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            // Another request may have mailed one in the meantime.
            if !was_mailed(scope, &transaction, &customer).await? {
                reset.enqueue(scope, &transaction, &customer).await?;
            }
            Ok(())
        })
        .await
}

/// Whether a link was mailed to the customer less than [`RESEND_PAUSE`] ago.
async fn was_mailed(
    scope: ShopScope<'_>,
    db: &impl ConnectionTrait,
    customer: &customer::Model,
) -> Result<bool> {
    let recent = ShopTime(scope.now() - TimeDelta::seconds(RESEND_PAUSE));
    let requested = password_reset_token::Entity::find()
        .filter(password_reset_token::Column::Email.eq(&customer.email))
        .filter(password_reset_token::Column::CreatedAt.gt(recent))
        .limit(1);
    Ok(requested.one(db).await?.is_some())
}

/// Mails a link that confirms the e-mail address.
pub(super) async fn send_confirmation(scope: ShopScope<'_>, id: Id) -> Result<()> {
    scope
        .write(|transaction| async move {
            let customer = locked(scope, &transaction, id).await?;
            refuse_verified(&customer)?;
            let shop = scope.config().public_url();
            let (address, end) =
                (hex::encode(Sha1::digest(&customer.email)), scope.now().timestamp() + LINK_LIFETIME);
            let link = format!("{shop}/verify-email/{id}/{address}?expires={end}");
            let link = signature::sign(&scope.config().app_key, &link)?;
            enqueue(scope, &transaction, "verify", &customer, &link, &[]).await?;
            Ok(())
        })
        .await
}

/// Enqueues a mail to a customer.
pub(super) async fn enqueue(
    scope: ShopScope<'_>,
    db: &impl ConnectionTrait,
    template: &str,
    customer: &customer::Model,
    link: &str,
    values: &[(&str, &str)],
) -> Result<()> {
    Mail { template, to: customer, link, values }.enqueue(scope.shop(), db).await
}
