//! guichet: GraphQL and REST for a hosting shop, from one set of resolvers.
//!
//! A request comes in over a connection ([`server`]) at [`http`]. GraphQL is measured and priced by [`operation`], then runs on the public
//! schema; a REST path is matched in [`rest`] to one of the resources' documents, which runs on the internal
//! schema ([`schema`]) over the very same resolvers. Both go through one [`pipeline`]. [`auth`] tells who asks and guards every field. A
//! resolver in [`resource`] sees the server and the request as its [`scope::Scope`], reads lists by [`page`]
//! and [`filter`], checks input by [`form`](mod@form), and answers records ([`record`](mod@record)), which load what hangs on them
//! level by level. Errors are [`error::Error`] throughout; each face spells them in its own way.
//!
//! | Module | Holds |
//! |---|---|
//! | [`resource`] | the resources: two files each, and one line in its list. Start with `product` |
//! | [`record`](mod@record), [`node`], [`page`], [`filter`], [`form`](mod@form), [`write`](mod@write) | what resources are made of: columns and relations, global identifiers, lists, conditions, input rules, writes |
//! | [`server`] | connections: how many, how slow, and their end |
//! | [`pipeline`], [`gate`], [`execution`] | the way of every request: its place, key and limits, what resolvers see of it |
//! | [`rest`] | the REST face: documents, requests, envelopes, XML, OpenAPI. It knows no resource |
//! | [`accept`], [`mod@body`], [`json`] | the `Accept` header, bodies and JSON from clients, within bounds |
//! | [`upstream`], [`shadow`] | the shop's own server, to which requests are passed on; whether it answers as guichet does |
//! | [`operation`], [`selection`] | what bounds a GraphQL operation; documents that are named by their hash; fields asked for twice |
//! | [`auth`], [`throttle`], [`key`], [`password`] | keys, sessions, abilities, the guard, limits |
//! | [`config`], [`settings`] | the operator's settings; the shop's own, from its table |
//! | [`database`], [`reader`], [`pulse`], [`collation`], [`own_tables`] | connections, what happens when they fail, the order of texts, guichet's own tables |
//! | [`replica`], [`mod@redis`], [`outage`] | beyond one machine: what is read where, what processes share, doing without it |
//! | [`lang`], [`mail`], [`action_log`], [`storage`], [`signature`], [`tax`], [`country`], [`html`] | texts, and what writes leave behind |
//! | [`telemetry`] | what the operator is told of requests: the log, counters, traces |
//! | [`contracts`] | `schema.graphql` and `openapi.json` |
//! | [`command`] | the command line |
//!
//! Tables are in the crate `entity`, the schema in `migration`.

pub mod action_log;
pub mod auth;
pub mod clock;
pub mod command;
pub mod config;
pub mod contracts;
pub mod country;
pub mod database;
pub mod html;
pub mod http;
pub mod key;
pub mod lang;
pub mod mail;
pub mod network;
pub mod outage;
pub mod own_tables;
pub mod password;
pub mod pulse;
pub mod reader;
pub mod redis;
pub mod replica;
pub mod resource;
pub mod schema;
pub mod scope;
pub mod server;
pub mod settings;
pub mod shadow;
pub mod signature;
pub mod storage;
pub mod tax;
pub mod telemetry;
pub mod throttle;
pub mod upstream;

use std::sync::Arc;

pub use facade::error::{Error, Result};

use crate::http::Site;
use auth::Throttles;
use facade::engine::{self, Engine};
use facade::graphql::GraphQl;
use facade::pipeline::Pipeline;
use facade::schema::AnySchema;
use facade::{operation, rest};
use throttle::{Throttle, Unit};

/// The running server: what every request shares, and the two faces over it.
#[derive(Clone)]
pub struct App {
    shared: Arc<scope::Shared>,
    access: Arc<auth::Access>,
    pipeline: Arc<Pipeline>,
    graphql: Arc<GraphQl>,
    rest: Arc<rest::Rest>,
    demo_key: Option<Arc<str>>,
    telemetry: Arc<telemetry::Telemetry>,
    upstream: Option<Arc<upstream::Upstream>>,
    shadow: Option<Arc<shadow::Shadow>>,
}

impl App {
    /// Builds the server's schemas, documents and routes over an open database.
    ///
    /// # Errors
    /// When a REST document does not agree with the schema, or the trusted documents cannot be read.
    pub async fn new(
        config: config::Config,
        db: sea_orm::DatabaseConnection,
        clock: clock::Clock,
    ) -> Result<Self> {
        Self::observed(config, db, clock, Arc::new(|_| ())).await
    }

    /// As [`Self::new`]; the observer is told of every SQL statement.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub async fn observed(
        config: config::Config,
        mut db: sea_orm::DatabaseConnection,
        clock: clock::Clock,
        observer: reader::Observer,
    ) -> Result<Self> {
        let abilities = resource::abilities();
        let documents = rest::read(resource::DOCUMENTS, abilities.all()).map_err(Error::internal)?;
        schema::validate(&documents).await?;
        let registry = schema::registry();
        let documents = rest::check(documents, &registry, abilities.all()).map_err(Error::internal)?;
        let redis = match &config.redis {
            Some(server) => Some(redis::Redis::open(server, &config.app_key).await?),
            None => None,
        };
        let throttle = |unit, limit| Throttle::new(unit, limit, redis.as_ref());
        let throttles = Throttles {
            requests: throttle(Unit::Requests, config.rate_limit),
            points: throttle(Unit::Points, config.cost_limit),
            failed_keys: throttle(Unit::FailedKeys, config.failed_key_limit),
        };
        let shadow = config.upstream.as_ref().and_then(|upstream| upstream.shadow.clone());
        let shadow = shadow.map(|settings| Arc::new(shadow::Shadow::new(settings, config.shadow_file())));
        let upstream = config.upstream.clone().map(upstream::Upstream::new).transpose()?.map(Arc::new);
        let named = trusted_documents(&config)?;
        let telemetry = Arc::new(telemetry::Telemetry::new(&config, &registry)?);
        let observer = telemetry.observer(observer);
        observe(&mut db, &observer);
        let sessions = auth::Sessions::new(auth::Tries::new(config.sign_in_limit, redis.as_ref()));
        // Those who wait hold a place among the requests that run: half of them are for others.
        let max_waiting = config.work.passwords_waiting.min(config.work.running / 2);
        let passwords = password::Passwords::new(config.work.passwords, max_waiting, config.bcrypt_rounds);
        let reader = reader::Reader::new(db.clone(), Arc::clone(&observer));
        let replica = match database::connect_to_replica(&config).await? {
            Some(mut db) => {
                observe(&mut db, &observer);
                let writers = replica::RecentWriters::new(config.replica_lag, redis);
                Some(replica::Replica { reader: reader::Reader::of_replica(db, observer, &reader), writers })
            }
            None => None,
        };
        let shared = Arc::new(scope::Shared {
            config,
            reader,
            replica,
            pulse: pulse::Pulse::new(db.clone()),
            db,
            clock,
            abilities,
            settings: settings::Settings::default(),
            sessions,
            own_tables: own_tables::OwnTables::default(),
            passwords,
        });
        let host = Arc::clone(&shared) as Arc<dyn engine::Host>;
        let engine = Engine::new(host, (&shared.config).into(), shared.config.count_ttl);
        let engine = Arc::new(engine);
        let strict = AnySchema::new(schema::public(&engine, &shared));
        let fast = AnySchema::new(schema::internal(&engine, &shared));
        let access = Arc::new(auth::Access::new(Arc::clone(&shared), throttles));
        let pipeline =
            Arc::new(Pipeline::new(engine, Arc::clone(&access) as Arc<dyn facade::pipeline::Access>));
        let graphql = GraphQl::new(Arc::clone(&pipeline), strict, fast.clone(), schema::registry, named);
        Ok(Self {
            shared,
            access,
            rest: Arc::new(rest::Rest::new(Arc::clone(&pipeline), fast, documents)?),
            graphql: Arc::new(graphql),
            pipeline,
            demo_key: None,
            telemetry,
            upstream,
            shadow,
        })
    }

    /// What every request shares.
    fn shared(&self) -> &scope::Shared {
        &self.shared
    }

    /// The server of a demo shop: GraphiQL has this key filled in.
    #[must_use]
    pub fn with_demo_key(self, key: &str) -> Self {
        Self { demo_key: Some(key.into()), ..self }
    }

    /// Writes what is remembered of used keys to the database: once in a while, and at the end.
    ///
    /// # Errors
    /// When the database fails; what was remembered is then written with the next call.
    pub async fn write_used_keys(&self) -> Result<()> {
        let shared = self.shared();
        self.access.keys.write_used(&shared.db, shared.clock.now()).await
    }

    /// Sends what is still to be told of requests, and writes what shadowing has found: at the end.
    pub async fn flush_telemetry(&self) {
        self.telemetry.flush().await;
        if let Some(shadow) = &self.shadow {
            shadow.write().await;
        }
    }

    /// Writes what shadowing finds again and again, where answers are compared.
    pub async fn keep_findings(&self) {
        if let Some(shadow) = &self.shadow {
            shadow.keep_writing().await;
        }
    }

    /// Whether requests can be answered: the database is there, with the shop's tables.
    ///
    /// # Errors
    /// When it isn't.
    pub async fn ready(&self) -> Result<()> {
        auth::reachable(&self.shared().reader).await
    }

    /// Makes guichet's own tables where they are not there.
    ///
    /// # Errors
    /// [`own_tables::Lack`] where that cannot be: the server can start without them, unless they are
    /// [newer](own_tables::Lack::Newer) than it is.
    pub async fn make_own_tables(&self) -> Result<(), own_tables::Lack> {
        let shared = self.shared();
        shared.own_tables.make(&shared.db, shared.config.read_only).await
    }

    /// Everything that the server answers.
    pub fn site(&self) -> Site {
        Site::new(Arc::new(self.clone()))
    }

    /// The route of Prometheus' counters, for an address that only the operator reaches.
    pub fn metrics(&self) -> Site {
        Site::of_metrics(Arc::new(self.clone()))
    }
}

/// The trusted documents of a folder or manifest.
///
/// # Errors
/// [`Error::Setting`] where they cannot be read.
pub fn trusted_documents(config: &config::Config) -> Result<operation::Documents> {
    let documents = operation::Documents::new(config.trusted_documents.as_deref(), config.trusted_mode);
    documents.map_err(|error| Error::Setting(format!("GUICHET_TRUSTED_DOCUMENTS={error}")))
}

/// Tells the observer of every statement that goes through the database.
fn observe(db: &mut sea_orm::DatabaseConnection, observer: &reader::Observer) {
    let observer = Arc::clone(observer);
    db.set_metric_callback(move |info| {
        observer(&reader::Sent { sql: &info.statement.sql, elapsed: info.elapsed, failed: info.failed });
    });
}
