//! User name and password of servers, which the shop encrypts. No other module decrypts them.

use async_graphql::SimpleObject;
use entity::{Encrypted, Id, server};
use facade::error::Refusal;
use facade::record::View;

use super::CREDENTIALS;
use crate::access::Credential;
use crate::platform::config::Config;
use crate::platform::encryption;
use crate::scope::ShopScope;
use crate::{Error, Result};

/// What is said of access data that neither the shop's key nor one before it opens.
pub(super) const UNREADABLE: &str = "The server's user name and password were encrypted with another key than APP_KEY and \
                                     APP_PREVIOUS_KEYS. Enter them once more, or correct the keys.";

/// The account with which the shop signs in at a server.
#[derive(SimpleObject)]
pub struct ServerCredentials {
    /// Name of the account.
    username: String,
    /// Its password.
    password: String,
}

impl ServerCredentials {
    /// The account of a server.
    ///
    /// # Errors
    /// [`Error::Refused`] where it was encrypted with another key.
    pub(super) fn of(scope: ShopScope<'_>, server: &server::Model) -> Result<Self> {
        let read = |stored| open(scope, server.id, stored).ok_or_else(|| Refusal::message(409, UNREADABLE));
        Ok(Self { username: read(&server.username.0)?, password: read(&server.password.0)? })
    }
}

/// The user names of servers; null where one was encrypted with another key.
pub(super) async fn usernames(scope: ShopScope<'_>, servers: &[View<'_>]) -> Result<Vec<Option<String>>> {
    opened(scope, servers, server::Column::Username)
}

/// The passwords of servers; null where one was encrypted with another key.
pub(super) async fn passwords(scope: ShopScope<'_>, servers: &[View<'_>]) -> Result<Vec<Option<String>>> {
    opened(scope, servers, server::Column::Password)
}

fn opened(scope: ShopScope<'_>, servers: &[View<'_>], column: server::Column) -> Result<Vec<Option<String>>> {
    if scope.config().hide_server_credentials || is_session_without(scope)? {
        return Ok(vec![None; servers.len()]);
    }
    let open = |server: &View<'_>| -> Result<Option<String>> {
        let (id, cell) = (Id(server.key()?), server.cell(column as usize)?);
        Ok(cell.text().and_then(|stored| open(scope, id, stored)))
    };
    servers.iter().map(open).collect()
}

/// Whether a session asks that may not see credentials. REST lends that to keys, for which the original shows them; it knows
/// no sessions.
fn is_session_without(scope: ShopScope<'_>) -> Result<bool> {
    let caller = scope.principal()?;
    Ok(matches!(caller.credential, Credential::Session(_)) && !caller.abilities.has(CREDENTIALS))
}

fn open(scope: ShopScope<'_>, server: Id, stored: &str) -> Option<String> {
    let Config { app_key, previous_keys, .. } = scope.config();
    let plain = encryption::open_column([app_key].into_iter().chain(previous_keys), stored);
    if plain.is_none() {
        tracing::warn!(%server, "no key opens the credentials of a server: see `guichet doctor`");
    }
    plain
}

/// Encrypts a text, unless `stored` holds it already.
///
/// # Errors
/// Where the shop has no key.
pub(super) fn seal(scope: ShopScope<'_>, plain: &str, stored: Option<&Encrypted>) -> Result<Encrypted> {
    let key = &scope.config().app_key;
    match stored {
        Some(stored) if encryption::open_column([key], &stored.0).as_deref() == Some(plain) => {
            Ok(stored.clone())
        }
        _ => encryption::seal_column(key, plain)
            .map(Encrypted)
            .ok_or_else(|| Error::internal("APP_KEY is not set, so credentials of servers cannot be stored")),
    }
}
