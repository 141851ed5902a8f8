//! The Redis server that several processes of one shop share.
//!
//! Requests can be answered without it, and none waits for it longer than 100 milliseconds: while it fails, each
//! process uses only its own counters and marks.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult, Script,
};
use tokio::sync::Mutex;

use crate::platform::config::{RedisAddress, RedisServer, Secret};
use crate::platform::outage::Outage;
use crate::platform::signature;
use crate::{Error, Result};

/// How long a request waits for an answer, including a new connection.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(100);
/// How long a connection may take while no request waits for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const TIMEOUT_MESSAGE: &str = "it does not answer in time";

/// A Redis server, with one connection that all requests share.
pub struct Redis {
    client: Client,
    /// Prefix of every key.
    prefix: String,
    /// The secret for pseudonyms of names in keys.
    secret: Secret,
    connection: Mutex<SharedConnection>,
    outage: Arc<Outage>,
}

/// The shared connection, and its number, which increases with each new one.
#[derive(Default)]
struct SharedConnection {
    open: Option<MultiplexedConnection>,
    number: u64,
}

impl Redis {
    /// Connects. A server that does not answer is no error: it may come back later.
    ///
    /// # Errors
    /// When the settings are not valid.
    pub async fn open(server: &RedisServer, secret: &Secret) -> Result<Arc<Self>> {
        let redis = Arc::new(Self {
            client: address(server).and_then(Client::open).map_err(Error::internal)?,
            prefix: server.prefix.clone(),
            secret: secret.clone(),
            connection: Mutex::default(),
            outage: Outage::new("Redis", "each process goes by what it knows itself"),
        });
        if let Err(error) = redis.reconnect().await {
            redis.begin_outage(error);
        }
        Ok(redis)
    }

    /// The Redis key of something of this kind. The name is replaced by a pseudonym.
    pub fn key(&self, kind: &str, name: &str) -> String {
        let name = signature::pseudonym(&self.secret, name);
        format!("{}guichet:{kind}:{name}", self.prefix)
    }

    /// Runs a script on one key; `None` while the server fails.
    pub async fn run<T: FromRedisValue>(
        self: &Arc<Self>,
        script: &Script,
        key: &str,
        arguments: &[i64],
    ) -> Option<T> {
        if self.outage.is_active() {
            return None;
        }
        match tokio::time::timeout(REQUEST_TIMEOUT, self.run_with_retry(script, key, arguments)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                self.begin_outage(error);
                None
            }
            Err(_) => {
                self.begin_outage(TIMEOUT_MESSAGE);
                None
            }
        }
    }

    /// Runs a script; once more on a new connection where the shared one was broken. A connection that broke while
    /// it was idle is no outage.
    async fn run_with_retry<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: &[i64],
    ) -> RedisResult<T> {
        let mut invocation = script.key(key);
        arguments.iter().for_each(|argument| {
            invocation.arg(*argument);
        });
        let (mut connection, number) = self.connection(None).await?;
        match invocation.invoke_async(&mut connection).await {
            Err(error) if is_broken(&error) => {
                let (mut connection, _) = self.connection(Some(number)).await?;
                invocation.invoke_async(&mut connection).await
            }
            answer => answer,
        }
    }

    /// The shared connection and its number; a new one where there is none, or where it is the `broken` one.
    async fn connection(&self, broken: Option<u64>) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut shared = self.connection.lock().await;
        if let Some(open) = &shared.open
            && broken != Some(shared.number)
        {
            return Ok((open.clone(), shared.number));
        }
        shared.open = None;
        let open = connect(&self.client).await?;
        shared.number += 1;
        shared.open = Some(open.clone());
        Ok((open, shared.number))
    }

    /// Replaces the shared connection: one that does not answer may never answer again.
    async fn reconnect(&self) -> std::result::Result<(), String> {
        let renewed = async {
            let mut shared = self.connection.lock().await;
            shared.open = None;
            let mut open = connect(&self.client).await?;
            ping(&mut open).await?;
            shared.number += 1;
            shared.open = Some(open);
            Ok::<_, RedisError>(())
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, renewed).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(TIMEOUT_MESSAGE.to_owned()),
        }
    }

    fn begin_outage(self: &Arc<Self>, cause: impl Display) {
        let redis = Arc::downgrade(self);
        self.outage.begin(cause, move || {
            let redis = redis.upgrade();
            async move {
                match redis {
                    Some(redis) => redis.reconnect().await.is_ok(),
                    None => false,
                }
            }
        });
    }
}

/// Checks that a server can be written, for `guichet doctor`. The key that it writes is deleted.
///
/// # Errors
/// The reason as a text without secrets.
pub async fn check(server: &RedisServer) -> std::result::Result<(), String> {
    let trial = Script::new("redis.call('SET', KEYS[1], 1, 'PX', 1000) return redis.call('DEL', KEYS[1])");
    let key = format!("{}guichet:trial:{}", server.prefix, std::process::id());
    let examined = async {
        let client = Client::open(address(server)?)?;
        let mut connection = connect(&client).await?;
        trial.key(key).invoke_async::<i64>(&mut connection).await
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, examined).await {
        Ok(answer) => answer.map(|_| ()).map_err(|error| error.to_string()),
        Err(_) => Err(TIMEOUT_MESSAGE.to_owned()),
    }
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    // The callers have timeouts of their own.
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await
}

async fn ping(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    redis::cmd("PING").query_async(connection).await
}

fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped()
}

fn address(server: &RedisServer) -> RedisResult<ConnectionInfo> {
    let address = match &server.address {
        RedisAddress::Tcp(host, port) => ConnectionAddr::Tcp(host.clone(), *port),
        RedisAddress::Socket(path) => ConnectionAddr::Unix(path.clone()),
    };
    let mut settings = RedisConnectionInfo::default().set_db(server.database);
    if let Some(username) = &server.username {
        settings = settings.set_username(username);
    }
    if !server.password.is_empty() {
        settings = settings.set_password(server.password.expose());
    }
    Ok(address.into_connection_info()?.set_redis_settings(settings))
}
