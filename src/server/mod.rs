//! The running server: both APIs over one pipeline, connections, routes, telemetry, the upstream server.

pub mod connection;
mod connector;
pub mod contracts;
pub mod http;
pub(crate) mod outbox;
pub mod schema;
pub mod shadow;
pub mod telemetry;
pub mod upstream;

use std::sync::Arc;

use facade::apis::{Apis, ApisConfig};
use facade::engine::{self, Engine};
use facade::operation;
use futures_util::future::OptionFuture;
use tokio_util::sync::CancellationToken;

use self::http::Site;
use self::outbox::OutboxSender;
use self::shadow::Shadow;
use self::telemetry::{ServerState, Telemetry};
use self::upstream::Upstream;
use crate::access::password::Passwords;
use crate::access::throttle::{CountedUnit, Throttle};
use crate::access::{self, Access, Keys, Sessions, SignInAttempts, Throttles};
use crate::database::health_check::HealthCheck;
use crate::database::own_tables::{OwnTables, OwnTablesError};
use crate::database::reader::Reader;
use crate::database::replica::{RecentWriters, Replica};
use crate::database::servers::Servers;
use crate::database::source::{Observer, SentStatement};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::redis::Redis;
use crate::shop::Shop;
use crate::shop::image::ImageSizes;
use crate::shop::settings::Settings;
use crate::{Error, Result, database, resource};

/// The running server: the state that all requests share, and both APIs.
#[derive(Clone)]
pub struct App {
    shop: Arc<Shop>,
    sessions: Arc<Sessions>,
    access: Arc<Access>,
    apis: Arc<Apis>,
    demo_key: Option<Arc<str>>,
    telemetry: Arc<Telemetry>,
    outbox: Arc<OutboxSender>,
    upstream: Option<Arc<Upstream>>,
    shadow: Option<Arc<Shadow>>,
}

impl App {
    /// Builds the server's schemas, documents and routes over an open database.
    ///
    /// # Errors
    /// When a REST document does not fit the schema, or a file of the settings cannot be read.
    pub async fn new(config: Config, db: sea_orm::DatabaseConnection, clock: Clock) -> Result<Self> {
        Self::with_observer(config, db, clock, Arc::new(|_| ())).await
    }

    /// As [`Self::new`]; the observer gets every SQL statement.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub async fn with_observer(
        config: Config,
        db: sea_orm::DatabaseConnection,
        clock: Clock,
        observer: Observer,
    ) -> Result<Self> {
        let abilities = resource::abilities();
        let dictionaries = resource::dictionaries().map_err(Error::internal)?;
        let redis = match &config.redis {
            Some(server) => Some(Redis::open(server, &config.app_key).await?),
            None => None,
        };
        let throttle = |unit, limit| Throttle::new(unit, limit, redis.as_ref());
        let throttles = Throttles {
            requests: throttle(CountedUnit::Requests, config.rate_limit),
            points: throttle(CountedUnit::Points, config.cost_limit),
            failed_keys: throttle(CountedUnit::FailedKeys, config.failed_key_limit),
        };
        let shadow = config.upstream.as_ref().and_then(|upstream| upstream.shadow.clone());
        let shadow = shadow.map(|settings| Arc::new(Shadow::new(settings, config.shadow_file())));
        let upstream = config.upstream.clone().map(Upstream::new).transpose()?.map(Arc::new);
        let persisted = trusted_documents(&config)?;
        let definition = schema::definition().await?;
        let telemetry = Arc::new(Telemetry::new(&config, &definition.public_types)?);
        let observer = telemetry.observer(observer);
        let attempts = SignInAttempts::new(config.sign_in_limit, redis.as_ref());
        let sessions = Arc::new(Sessions::new(attempts, passwords(&config), abilities));
        let servers = servers(&config, db, &observer).await?;
        let replica = match replicas(&config, &observer).await? {
            replicas if replicas.is_empty() => None,
            replicas => Some(Replica {
                reader: Reader::of_replicas(replicas, Arc::clone(&servers)),
                writers: RecentWriters::new(config.replica_lag, redis),
            }),
        };
        let shop = Arc::new(Shop {
            config,
            reader: Reader::new(Arc::clone(&servers)),
            replica,
            health: HealthCheck::new(Arc::clone(&servers)),
            servers,
            clock,
            settings: Settings::default(),
            dictionaries,
            own_tables: OwnTables::default(),
            image_sizes: ImageSizes::default(),
        });
        let outbox = Arc::new(OutboxSender::new(Arc::clone(&shop))?);
        let host = Arc::clone(&shop) as Arc<dyn engine::Host>;
        let engine = Arc::new(Engine::new(host, (&shop.config).into(), shop.config.count_ttl));
        let keys = Keys::new(Arc::clone(&sessions), abilities);
        let access = Arc::new(Access::new(Arc::clone(&shop), keys, throttles));
        let data = (Arc::clone(&shop), Arc::clone(&sessions));
        let parts = ApisConfig {
            persisted,
            data: Box::new(move |operation| operation.data(Arc::clone(&data.0)).data(Arc::clone(&data.1))),
            ..ApisConfig::new(engine, Arc::clone(&access) as Arc<dyn facade::pipeline::Access>)
        };
        let apis = Arc::new(Apis::new(definition, parts)?);
        Ok(Self { shop, sessions, access, apis, demo_key: None, telemetry, outbox, upstream, shadow })
    }

    /// Sets the key that the pages show and are signed in with, for demo shops.
    #[must_use]
    pub fn with_demo_key(self, key: &str) -> Self {
        Self { demo_key: Some(key.into()), ..self }
    }

    /// Writes `last_used_at` of the keys that were used since the last call. To be called periodically and at the end.
    ///
    /// # Errors
    /// When the database fails; the keys are then written with the next call.
    pub async fn write_used_keys(&self) -> Result<()> {
        self.access.keys.write_used(&self.shop.reader, self.shop.clock.now()).await
    }

    /// Closes all connections to the database and its replicas. To be called at the end.
    ///
    /// # Errors
    /// When a connection cannot be closed.
    pub async fn close_database(&self) -> Result<()> {
        let replicas = self.shop.replica.as_ref().map(|replica| replica.reader.close());
        let (database, replicas) = tokio::join!(self.shop.servers.close(), OptionFuture::from(replicas));
        Ok(database.and(replicas.unwrap_or(Ok(())))?)
    }

    /// Sends the remaining spans and writes the remaining findings of shadowing. To be called at the end.
    pub async fn flush_telemetry(&self) {
        self.telemetry.end_traces().await;
        if let Some(shadow) = &self.shadow {
            shadow.write().await;
        }
    }

    /// Writes the findings of shadowing periodically, if shadowing is on.
    pub async fn write_findings_periodically(&self) {
        if let Some(shadow) = &self.shadow {
            shadow.write_periodically().await;
        }
    }

    /// Whether this process may send mails and webhooks: a demo shop sends none, and a server that is read-only cannot
    /// note what it has sent.
    pub fn sends(&self) -> bool {
        self.demo_key.is_none() && !self.shop.config.read_only
    }

    /// Sends what is in the outbox until `stop` is cancelled and what is under way then has ended.
    pub async fn send_outbox(&self, stop: CancellationToken) {
        Arc::clone(&self.outbox).run(stop).await;
    }

    /// Checks that requests can be answered: that the database answers and has the shop's tables.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> Result<()> {
        access::check_database(&self.shop.reader).await
    }

    /// Creates guichet's own tables if they do not exist.
    ///
    /// # Errors
    /// [`OwnTablesError`] where they cannot be created. The server can start without them, unless they were created
    /// by a [newer](OwnTablesError::Newer) version.
    pub async fn make_own_tables(&self) -> Result<(), OwnTablesError> {
        self.shop.own_tables.make(self.shop.servers.db(), self.shop.config.read_only).await
    }

    /// How full the server is and how its databases are, for its metrics.
    pub(crate) async fn state(&self) -> ServerState {
        let upstream = self.upstream.as_ref().map(|upstream| ("upstream", upstream.gate_state()));
        let gates = [
            ("requests", self.apis.pipeline.gate_state()),
            ("passwords", self.sessions.passwords.gate_state()),
        ];
        let refusals = [("sign_in", self.sessions.refusals())].into_iter().chain(self.access.refusals());
        let replicas = self.shop.replica.as_ref().map(|replica| replica.reader.replica_states());
        let (primary, replicas, outbox) =
            tokio::join!(self.shop.servers.states(), OptionFuture::from(replicas), self.outbox.state());
        let primary = primary.into_iter().map(|state| ("primary", state));
        let replicas = replicas.into_iter().flatten().map(|state| ("replica", state));
        ServerState {
            gates: gates.into_iter().chain(upstream).collect(),
            refusals: refusals.collect(),
            databases: primary.chain(replicas).collect(),
            outbox,
        }
    }

    /// All public routes.
    pub fn site(&self) -> Site {
        Site::new(Arc::new(self.clone()))
    }

    /// The route of the metrics, for an address that only the operator can reach.
    pub fn metrics(&self) -> Site {
        Site::of_metrics(Arc::new(self.clone()))
    }
}

/// The servers of the shop's database: the one that is open, and further ones of the settings.
async fn servers(
    config: &Config,
    mut first: sea_orm::DatabaseConnection,
    observer: &Observer,
) -> Result<Arc<Servers>> {
    observe(&mut first, observer);
    let mut servers = vec![(config.database.name(), first)];
    for database in &config.further_servers {
        let config = Config { database: database.clone(), ..config.clone() };
        let mut db = database::connect_for_serving(&config).await?;
        observe(&mut db, observer);
        servers.push((database.name(), db));
    }
    let servers = Servers::of(servers, observer, !config.read_only);
    servers.choose().await;
    Ok(servers)
}

/// The replicas of the settings, by name.
async fn replicas(config: &Config, observer: &Observer) -> Result<Vec<(String, Arc<Servers>)>> {
    let mut replicas = Vec::new();
    for database in &config.replicas {
        let mut db = database::connect_to_replica(config, database).await?;
        observe(&mut db, observer);
        let name = database.name();
        replicas.push((name.clone(), Servers::of(vec![(name, db)], observer, false)));
    }
    Ok(replicas)
}

/// Reads the trusted documents.
///
/// # Errors
/// [`Error::Setting`] where they cannot be read.
pub fn trusted_documents(config: &Config) -> Result<operation::PersistedDocuments> {
    let documents =
        operation::PersistedDocuments::new(config.trusted_documents.as_deref(), config.trusted_mode);
    documents.map_err(|error| Error::Setting(format!("GUICHET_TRUSTED_DOCUMENTS={error}")))
}

/// Password hashing by the operator's settings.
fn passwords(config: &Config) -> Passwords {
    // A request that waits for hashing holds a permit to run, so at most half of these permits may be used so.
    let max_waiting = config.work.passwords_waiting.min(config.work.running / 2);
    Passwords::new(config.work.passwords, max_waiting, config.bcrypt_rounds)
}

/// Reports every statement on this connection pool to the observer.
fn observe(db: &mut sea_orm::DatabaseConnection, observer: &Observer) {
    let observer = Arc::clone(observer);
    db.set_metric_callback(move |info| {
        let (sql, values) = (&info.statement.sql, info.statement.values.as_ref());
        observer(&SentStatement { sql, values, elapsed: info.elapsed, failed: info.failed });
    });
}
