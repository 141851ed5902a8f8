//! The test of a connection (docs/contract/application-operations.md#6.4). For the kinds of the base shop it answers as the
//! original does, without any connection. Where an extension speaks to the server, guichet opens a connection and closes it,
//! without sending anything: only the extension knows what to send.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use async_graphql::{MaybeUndefined, SimpleObject};
use entity::server;
use facade::error::Refusal;
use facade::record::{KeyOf, Record as _};
use facade::user_error::NOT_FOUND;
use serde_json::{Map, json};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::change::USUAL_PORT;
use super::credentials::{ServerCredentials, UNREADABLE};
use super::{Server, ServerTestInput, kind, live_servers};
use crate::platform::special_network::can_be_another_machine;
use crate::scope::ShopScope;
use crate::{Error, Result};

/// How long a test may take, with finding the address.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 4;
/// Tests that a process does at the same time: each waits for another machine, and holds a place of a running request.
const MAX_TESTS: usize = 4;

/// The places of tests.
struct TestPlaces(Semaphore);

impl Default for TestPlaces {
    fn default() -> Self {
        Self(Semaphore::new(MAX_TESTS))
    }
}

/// How the test of a connection went.
#[derive(Debug, PartialEq, SimpleObject)]
#[graphql(tag = "payload")]
pub struct ServerTest {
    /// Whether the server can be reached.
    success: bool,
    /// A number as of HTTP: 200, or what went wrong; null where the kind of server is not known.
    status: Option<i32>,
    /// What happened, in words.
    message: String,
}

impl ServerTest {
    fn new(status: i32, message: impl Into<String>) -> Self {
        Self { success: status == 200, status: Some(status), message: message.into() }
    }

    /// The test that a field is missing for, as the kind of server demands it.
    fn lacks(scope: ShopScope<'_>, field: &str) -> Self {
        let name = scope.texts().field_name(field, scope.is_rest());
        Self::new(500, scope.texts().text("validation.required", &[("attribute", name.as_str())]))
    }

    /// Tests the server that is named, completed by the one that is stored.
    ///
    /// # Errors
    /// Where neither address nor kind is given, and where the stored server is not there.
    pub(super) async fn run(scope: ShopScope<'_>, input: ServerTestInput) -> Result<Self> {
        let stored = match input.server_id.value() {
            Some(id) => Some(stored(scope, *id).await?),
            None => None,
        };
        let given = |text: &MaybeUndefined<String>, of: fn(&server::Model) -> &String| {
            let stored = stored.as_ref().map(of).cloned();
            text.value().cloned().or(stored).filter(|text| !text.is_empty())
        };
        let address = given(&input.address, |server| &server.address);
        let hostname = given(&input.hostname, |server| &server.hostname);
        if address.is_none() && input.r#type.value().is_none() {
            return Err(scope.invalid("address", "required"));
        }
        let port = input.port.value().copied().or_else(|| stored.as_ref().map(|server| server.port.0));
        let port = u16::try_from(port.unwrap_or(USUAL_PORT)).unwrap_or_default();
        Ok(match input.r#type.value().map_or(kind::NONE, String::as_str) {
            kind::NONE => Self::new(200, "Test connection on none server type"),
            kind::DOMAIN if hostname.is_none() => Self::lacks(scope, "hostname"),
            kind::DOMAIN => Self::new(404, "Domain registrar not found"),
            kind if !kind::is_installed(scope, kind).await? => {
                Self { success: false, status: None, message: "Server type not found".to_owned() }
            }
            _ if is_unreadable(scope, &input, stored.as_ref()) => Self::new(500, UNREADABLE),
            _ => match address {
                None => Self::lacks(scope, "address"),
                Some(address) => {
                    let places = scope.state::<TestPlaces>();
                    let _place = places.0.try_acquire().map_err(|_| Error::Overloaded)?;
                    match reach(&address, port, can_be_another_machine).await {
                        Ok(reached) => Self::new(200, format!("{reached} takes connections")),
                        Err(failure) => Self::new(500, failure),
                    }
                }
            },
        })
    }
}

/// The server that is stored; 422 where it is not there, as in the original.
async fn stored(scope: ShopScope<'_>, id: KeyOf<Server>) -> Result<server::Model> {
    let found = Server::find(*scope, live_servers, &id.id.to_string()).await?;
    let body = || {
        let members = [("success", json!(false)), ("message", json!("Server not found"))];
        Map::from_iter(members.map(|(name, value)| (name.to_owned(), value)))
    };
    let missing = || Error::Refused(Refusal { status: 422, body: body(), code: NOT_FOUND });
    found.map(|server| server.0).ok_or_else(missing)
}

/// Whether the extension could not sign in, because no key opens what is stored.
fn is_unreadable(scope: ShopScope<'_>, input: &ServerTestInput, stored: Option<&server::Model>) -> bool {
    let lacks = input.username.value().is_none() || input.password.value().is_none();
    lacks && stored.is_some_and(|server| ServerCredentials::of(scope, server).is_err())
}

/// Opens a connection to the first address that takes one, and closes it. `may` says which addresses may be tried.
///
/// # Errors
/// What failed, in words.
async fn reach(address: &str, port: u16, may: fn(IpAddr) -> bool) -> std::result::Result<SocketAddr, String> {
    let attempt = async {
        let found = lookup_host((address, port)).await;
        let found = found.map_err(|_| format!("{address} is no address, and no name that is found"))?;
        let mut failure = format!("{address} leads to no other machine");
        for target in found.filter(|target| may(target.ip())).take(MAX_ADDRESSES) {
            if is_own(target).await {
                continue;
            }
            match TcpStream::connect(target).await {
                Ok(_) => return Ok(target),
                Err(error) => failure = format!("{target} takes no connection: {error}"),
            }
        }
        Err(failure)
    };
    let late = |_| format!("{address} did not answer on port {port} within {} seconds", TIMEOUT.as_secs());
    timeout(TIMEOUT, attempt).await.map_err(late)?
}

/// Whether an address is one of this machine's: one that it would send from to get there. Nothing is sent.
async fn is_own(target: SocketAddr) -> bool {
    let any = match target.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    // Tests connect to their own listener.
    if target.ip().is_loopback() {
        return false;
    }
    let Ok(socket) = UdpSocket::bind((any, 0)).await else { return false };
    let from = match socket.connect(target).await {
        Ok(()) => socket.local_addr(),
        Err(error) => Err(error),
    };
    from.is_ok_and(|from| from.ip().to_canonical() == target.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_test_tells_what_failed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        assert_eq!(reach("127.0.0.1", target.port(), |_| true).await, Ok(target));
        let refused = reach("127.0.0.1", target.port(), can_be_another_machine).await.unwrap_err();
        assert_eq!(refused, "127.0.0.1 leads to no other machine");
        drop(listener);
        let closed = reach("127.0.0.1", target.port(), |_| true).await.unwrap_err();
        assert!(closed.starts_with(&format!("{target} takes no connection: ")), "{closed}");
        let unknown = reach("no such name", 443, can_be_another_machine).await.unwrap_err();
        assert!(unknown.contains("no name that is found"), "{unknown}");
    }

    #[tokio::test]
    async fn an_address_of_this_machine_is_known_before_it_is_tried() {
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        // Where there is no way out, there is no address but the loopback's.
        if socket.connect("192.0.2.1:9").await.is_err() {
            return;
        }
        let own = socket.local_addr().unwrap();
        assert!(is_own(own).await, "{own}");
        assert!(!is_own("192.0.2.1:9".parse().unwrap()).await);
    }
}
