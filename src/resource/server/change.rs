//! Making, changing and deleting servers.

use async_graphql::{Context, MaybeUndefined};
use entity::{Int, ShopTime, server, service};
use facade::Id;
use facade::error::Refusal;
use facade::record::Deleted;
use facade::transaction::Transaction;
use facade::user_error::UserErrorCode;
use facade::write::{lock, save};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use super::credentials::seal;
use super::{
    CREDENTIALS, MODEL, Server, ServerCreateInput, ServerStatus, ServerUpdateInput, live_servers,
    live_services, metadata,
};
use crate::Result;
use crate::scope::ShopScope;

/// The port of a server that names none.
pub(super) const USUAL_PORT: i64 = 443;

/// Why a server is not deleted.
pub(super) const HAS_SERVICES: UserErrorCode =
    UserErrorCode::new("SERVER_HAS_SERVICES", "Services run on the server, so it cannot be deleted.");

pub(super) async fn create(scope: ShopScope<'_>, input: &ServerCreateInput) -> Result<server::Model> {
    let now = ShopTime::from(scope.now());
    let mut row = server::ActiveModel {
        port: Set(Int(USUAL_PORT)),
        maxaccounts: Set(Int(0)),
        status: Set(ServerStatus::Active.into()),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    };
    input.write_to(&mut row);
    // Both are required.
    for (column, plain) in [(&mut row.username, &input.username), (&mut row.password, &input.password)] {
        *column = Set(seal(scope, plain.value().map_or("", String::as_str), None)?);
    }
    let row = &row;
    scope.write(|transaction| async move { Ok(row.clone().insert(&transaction).await?) }).await
}

pub(super) async fn update(scope: ShopScope<'_>, id: Id, input: &ServerUpdateInput) -> Result<server::Model> {
    scope
        .write(|transaction| async move {
            let server = lock::<Server>(&transaction, live_servers(), id, MODEL, scope.expected()).await?;
            let mut row = server.clone().into_active_model();
            input.write_to(&mut row);
            // Who may not see them does not learn either that a guess has changed nothing.
            let known = scope.execution().allow(&[CREDENTIALS]).is_ok();
            if let MaybeUndefined::Value(plain) = &input.username {
                row.username.set_if_not_equals(seal(scope, plain, known.then_some(&server.username))?);
            }
            if let MaybeUndefined::Value(plain) = &input.password {
                row.password.set_if_not_equals(seal(scope, plain, known.then_some(&server.password))?);
            }
            Ok(if row.is_changed() { save(&transaction, row, scope.now()).await? } else { server })
        })
        .await
}

pub(super) async fn delete(ctx: &Context<'_>, scope: ShopScope<'_>, id: Id) -> Result<Deleted<Server>> {
    let now = ShopTime::from(scope.now());
    scope
        .write(|transaction| async move {
            let server = lock::<Server>(&transaction, live_servers(), id, MODEL, scope.expected()).await?;
            refuse_with_services(scope, &transaction, id).await?;
            let gone = server::Model { deleted_at: Some(now), updated_at: Some(now), ..server.clone() };
            let deleted = Deleted::<Server>::read(ctx, &transaction, gone).await?;
            if !deleted.is_read() {
                return Ok(deleted);
            }
            let mut row = server.into_active_model();
            row.deleted_at = Set(Some(now));
            save(&transaction, row, now.0).await?;
            metadata::detach(&transaction, MODEL, id).await?;
            Ok(deleted)
        })
        .await
}

async fn refuse_with_services(scope: ShopScope<'_>, transaction: &Transaction, id: Id) -> Result<()> {
    match live_services().filter(service::Column::ServerId.eq(id)).count(transaction).await? {
        0 => Ok(()),
        _ => {
            let text = scope.texts().text("user_errors.server_has_services", &[]);
            Err(Refusal::message(409, text).coded(HAS_SERVICES))
        }
    }
}
