//! The operator's settings: read from environment variables once at the start, then kept in [`Config`].

mod database;
mod environment;
mod limits;
mod mail;
mod otlp;
mod redis;
mod setting;
mod upstream;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono_tz::Tz;
use database::hosts;
pub use database::{Database, DatabaseServer, DatabaseTarget, Driver, Encryption, Secret};
pub use environment::{EnvironmentError, environment, names_database};
use facade::engine::Introspection;
use facade::http::BodyLimits;
use facade::operation::TrustedMode;
use ipnet::IpNet;
pub use limits::{ConnectionLimits, WorkLimits};
pub use mail::{MailEncryption, MailServer};
pub use otlp::{Otlp, OtlpProtocol, Sampler};
pub use redis::{RedisAddress, RedisServer};
pub use setting::{Setting, UnknownSetting, all, help, page, unknown};
pub use upstream::{ForwardRule, Shadow, Upstream, UpstreamScope, UpstreamServer};

use crate::platform::lang::Lang;

/// Highest accepted cost of bcrypt, as a power of two: 16 times the work of the usual 12.
pub const MAX_BCRYPT_ROUNDS: u32 = 16;

/// Settings whose value is accepted or not by that of another one, which comes first: while that one is refused, nobody can
/// tell.
const JUDGED_BY: [(&str, &str); 5] = [
    ("DATABASE_URL", "DATABASE_READ_URL"),
    ("DB_URL", "DATABASE_READ_URL"),
    ("DB_CONNECTION", "DATABASE_READ_URL"),
    ("GUICHET_UPSTREAM", "GUICHET_PASS"),
    ("GUICHET_UPSTREAM", "GUICHET_SHADOW"),
];

/// The operator's settings. `Config::default()` has the values for an empty environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on (`GUICHET_LISTEN`).
    pub listen: SocketAddr,
    /// Requests per minute of each account or address; `None`: no limit (`GUICHET_RATE_LIMIT`).
    pub rate_limit: Option<u32>,
    /// Redis server in which all processes count requests, points and sign-in attempts together; `None`: each process
    /// counts its own (`GUICHET_THROTTLE`, `REDIS_*`).
    pub redis: Option<RedisServer>,
    /// Maximum number of rows of a page in REST (`GUICHET_MAX_PER_PAGE`).
    pub max_per_page: u64,
    /// How long totals of lists and starts of deep pages are cached, at most a second; zero: not at all
    /// (`GUICHET_COUNT_TTL`).
    pub count_ttl: Duration,
    /// Proxies whose headers about the client are trusted (`GUICHET_TRUSTED_PROXIES`).
    pub trusted_proxies: Vec<IpNet>,
    /// Folder of uploaded files (`GUICHET_STORAGE`).
    pub storage: PathBuf,
    /// Whether an include needs the ability of the included resource too (`GUICHET_STRICT_INCLUDES`).
    pub strict_includes: bool,
    /// Whether REST answers null for user names and passwords of servers (`GUICHET_HIDE_SERVER_CREDENTIALS`).
    pub hide_server_credentials: bool,
    /// Maximum nesting of a GraphQL operation (`GUICHET_MAX_DEPTH`).
    pub max_depth: u64,
    /// Maximum nesting of an introspection query (`GUICHET_MAX_INTROSPECTION_DEPTH`).
    pub max_introspection_depth: u64,
    /// Who may use introspection (`GUICHET_INTROSPECTION`).
    pub introspection: Introspection,
    /// Maximum price of a GraphQL operation in points (`GUICHET_MAX_COMPLEXITY`).
    pub max_complexity: u64,
    /// Points per minute of each account or address; `None`: no limit (`GUICHET_COST_LIMIT`).
    pub cost_limit: Option<u32>,
    /// Maximum number of aliases in a GraphQL document (`GUICHET_MAX_ALIASES`).
    pub max_aliases: u64,
    /// Maximum number of root fields of a GraphQL operation (`GUICHET_MAX_ROOT_FIELDS`).
    pub max_root_fields: u64,
    /// Maximum number of directives in a GraphQL document (`GUICHET_MAX_DIRECTIVES`).
    pub max_directives: u64,
    /// Maximum number of tokens of a GraphQL document (`GUICHET_MAX_TOKENS`).
    pub max_tokens: u64,
    /// Maximum number of rows of a page in GraphQL (`GUICHET_MAX_LIST`).
    pub max_list: u64,
    /// Time limit of a GraphQL operation (`GUICHET_OPERATION_TIMEOUT`).
    pub operation_timeout: Duration,
    /// Folder or manifest of trusted GraphQL documents (`GUICHET_TRUSTED_DOCUMENTS`).
    pub trusted_documents: Option<PathBuf>,
    /// What happens to operations whose document is not trusted (`GUICHET_TRUSTED_MODE`).
    pub trusted_mode: TrustedMode,
    /// Limits of request bodies.
    pub bodies: BodyLimits,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// Limits of concurrent work.
    pub work: WorkLimits,
    /// Wrong keys per minute that one address may send; `None`: no limit (`GUICHET_FAILED_KEY_LIMIT`).
    pub failed_key_limit: Option<u32>,
    /// Time limit of a request, from its last byte on, and of each SQL statement (`GUICHET_TIMEOUT`).
    pub timeout: Duration,
    /// Format of the log (`GUICHET_LOG_FORMAT`).
    pub log_format: LogFormat,
    /// Whether the log has a line for each request (`GUICHET_REQUEST_LOG`).
    pub request_log: bool,
    /// Address of the metrics for Prometheus; `None`: no metrics (`GUICHET_METRICS_LISTEN`).
    pub metrics_listen: Option<SocketAddr>,
    /// Collector of traces; `None`: no traces (`OTEL_EXPORTER_OTLP_ENDPOINT`).
    pub otlp: Option<Otlp>,
    /// The shop's own server, to which requests are forwarded; `None`: there is none (`GUICHET_UPSTREAM`).
    pub upstream: Option<Upstream>,
    /// JSON file for the findings of shadowing; `None`: beside the storage folder (`GUICHET_SHADOW_FILE`).
    pub shadow_file: Option<PathBuf>,
    /// Whether the server writes nothing at all (`GUICHET_READ_ONLY`).
    pub read_only: bool,
    /// Maximum number of database connections; `None`: 3 on SQLite, otherwise 10 (`GUICHET_POOL`).
    pub pool: Option<u32>,
    /// JSON file that the license route returns (`GUICHET_LICENSE_FILE`).
    pub license_file: Option<PathBuf>,
    /// Which linked customers hold the role in the Discord server (`GUICHET_DISCORD_ROLE`).
    pub discord_role: DiscordRole,
    /// PEM file of the key that signs access tokens; `None`: beside the storage folder (`GUICHET_JWT_KEY`).
    pub jwt_key: Option<PathBuf>,
    /// Folder of PEM files of former keys, whose tokens are still accepted (`GUICHET_JWT_OLD_KEYS`).
    pub jwt_old_keys: Option<PathBuf>,
    /// Lifetime of an access token, in seconds (`GUICHET_ACCESS_TOKEN_TTL`).
    pub access_token_ttl: i64,
    /// Lifetime of a session, in seconds (`GUICHET_SESSION_TTL`).
    pub session_ttl: i64,
    /// Sign-in attempts per minute, of each address and for each account; `None`: no limit (`GUICHET_SIGN_IN_LIMIT`).
    pub sign_in_limit: Option<u32>,
    /// Folder of the demo shop (`GUICHET_DEMO_DIR`).
    pub demo_dir: PathBuf,
    /// The shop's database (`DATABASE_URL`, `DB_URL` or `DB_*`).
    pub database: Database,
    /// Further servers that hold the same database, one of which is used when the first takes no writes (several hosts in
    /// `DATABASE_URL` or `DB_HOST`).
    pub further_servers: Vec<Database>,
    /// Whether reads on a Galera cluster wait for what other nodes have committed (`GUICHET_SYNC_WAIT`).
    pub sync_wait: bool,
    /// Replicas that are read from (`DATABASE_READ_URL`).
    pub replicas: Vec<Database>,
    /// How long an account reads from the primary after a write (`GUICHET_REPLICA_LAG`).
    pub replica_lag: Duration,
    /// The shop's key as it is set, `base64:` included; may be empty (`APP_KEY`).
    pub app_key: Secret,
    /// Former keys of the shop, for values that were encrypted with them (`APP_PREVIOUS_KEYS`).
    pub previous_keys: Vec<Secret>,
    /// URL of the shop without a slash at its end (`APP_URL`).
    pub app_url: String,
    /// Language of messages (`APP_LOCALE`).
    pub lang: Lang,
    /// Environment, such as `production` (`APP_ENV`).
    pub app_env: String,
    /// Whether links are https in production (`APP_FORCE_HTTPS`).
    pub force_https: bool,
    /// Name of the shop (`APP_NAME`).
    pub app_name: String,
    /// Server that takes the shop's mails; `None`: guichet sends none (`GUICHET_MAIL`, `MAIL_*`).
    pub mail: Option<MailServer>,
    /// Networks that webhooks may go to although they are not of the internet (`GUICHET_WEBHOOK_ALLOW`).
    pub webhook_allow: Vec<IpNet>,
    /// Key that webhooks are signed with; `None`: they are not signed (`GUICHET_WEBHOOK_SECRET`).
    pub webhook_secret: Option<Secret>,
    /// Time zone of the times in the database (`APP_TIMEZONE`).
    pub timezone: Tz,
    /// Origin that browsers may send requests from (`FRONTEND_URL`).
    pub frontend_url: String,
    /// Further origins that browsers may send requests from; `*` stands for all (`GUICHET_CORS_ORIGINS`).
    pub cors_origins: Vec<String>,
    /// Whether answers are compressed (`GUICHET_COMPRESSION`).
    pub compression: bool,
    /// Age at which every key expires; `None`: never (`SANCTUM_TOKEN_EXPIRATION`).
    pub token_expiration: Option<Duration>,
    /// Cost of new password hashes, as a power of two (`BCRYPT_ROUNDS`).
    pub bcrypt_rounds: u32,
    /// VAT rate in percent for all customers; `None`: by country (`STORE_FIXED_VAT_RATE`).
    pub fixed_vat_rate: Option<f64>,
}

/// Which of the customers who are linked to Discord hold the shop's role there
/// (docs/contract/documented-contract.md#4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscordRole {
    /// All of them.
    Linked,
    /// Those with an active service.
    ActiveService,
    /// Those who ever had a service.
    AnyService,
}

impl DiscordRole {
    fn named(text: &str) -> Option<Self> {
        match text {
            "linked" => Some(Self::Linked),
            "active" => Some(Self::ActiveService),
            "any" => Some(Self::AnyService),
            _ => None,
        }
    }
}

/// Parses a trusted mode.
fn trusted_mode(text: &str) -> Option<TrustedMode> {
    match text {
        "off" => Some(TrustedMode::Off),
        "log" => Some(TrustedMode::Log),
        "only" => Some(TrustedMode::Only),
        _ => None,
    }
}

impl From<&Config> for facade::engine::Options {
    fn from(config: &Config) -> Self {
        Self {
            max_per_page: config.max_per_page,
            read_only: config.read_only,
            bodies: config.bodies,
            timeout: config.timeout,
            operation_timeout: config.operation_timeout,
            max_tokens: config.max_tokens,
            operation: config.into(),
            introspection: config.introspection,
            strict_includes: config.strict_includes,
            running: config.work.running,
            waiting: config.work.waiting,
        }
    }
}

impl From<&Config> for facade::operation::OperationLimits {
    fn from(config: &Config) -> Self {
        Self {
            depth: config.max_depth,
            introspection_depth: config.max_introspection_depth,
            complexity: config.max_complexity,
            aliases: config.max_aliases,
            root_fields: config.max_root_fields,
            directives: config.max_directives,
            list: config.max_list,
        }
    }
}

/// Parses who may use introspection.
fn introspection(text: &str) -> Option<Introspection> {
    match text {
        "always" => Some(Introspection::Always),
        "key" => Some(Introspection::Key),
        "never" => Some(Introspection::Never),
        _ => None,
    }
}

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for humans.
    Text,
}

impl LogFormat {
    fn named(text: &str) -> Option<Self> {
        match text {
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            _ => None,
        }
    }
}

/// A value that is not accepted: the variable, the value, and the accepted values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value} is not accepted: it takes {accepts}")]
pub struct ConfigError {
    /// Name of the variable.
    pub variable: &'static str,
    /// Its value, hidden when secret.
    pub value: String,
    /// Accepted values.
    pub accepts: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self::from_env([]).expect("every default is accepted")
    }
}

impl Config {
    /// Reads the settings from the variables of an environment; unknown ones are ignored.
    ///
    /// # Errors
    /// The first value that is not accepted, in the order of the fields.
    pub fn from_env(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let variables =
            Variables(variables.into_iter().map(|(name, value)| (name, normalise_value(value))).collect());
        Ok(Self {
            listen: variables.parse("GUICHET_LISTEN")?,
            rate_limit: Some(variables.parse("GUICHET_RATE_LIMIT")?).filter(|&limit| limit > 0),
            redis: variables.redis()?,
            max_per_page: variables.read("GUICHET_MAX_PER_PAGE", |text| at_least(text, 1))?,
            count_ttl: variables.read("GUICHET_COUNT_TTL", |text| seconds(text, 0.0..=1.0))?,
            trusted_proxies: variables.read("GUICHET_TRUSTED_PROXIES", networks)?,
            storage: variables.parse("GUICHET_STORAGE")?,
            strict_includes: variables.read("GUICHET_STRICT_INCLUDES", switch)?,
            hide_server_credentials: variables.read("GUICHET_HIDE_SERVER_CREDENTIALS", switch)?,
            max_depth: variables.read("GUICHET_MAX_DEPTH", |text| at_least(text, 1))?,
            max_introspection_depth: variables
                .read("GUICHET_MAX_INTROSPECTION_DEPTH", |text| at_least(text, 1))?,
            introspection: variables.read("GUICHET_INTROSPECTION", introspection)?,
            max_complexity: variables.read("GUICHET_MAX_COMPLEXITY", |text| at_least(text, 1))?,
            cost_limit: Some(variables.parse("GUICHET_COST_LIMIT")?).filter(|&limit| limit > 0),
            max_aliases: variables.parse("GUICHET_MAX_ALIASES")?,
            max_root_fields: variables.read("GUICHET_MAX_ROOT_FIELDS", |text| at_least(text, 1))?,
            max_directives: variables.parse("GUICHET_MAX_DIRECTIVES")?,
            max_tokens: variables.read("GUICHET_MAX_TOKENS", |text| at_least(text, 1))?,
            max_list: variables.read("GUICHET_MAX_LIST", |text| at_least(text, 1))?,
            operation_timeout: variables
                .read("GUICHET_OPERATION_TIMEOUT", |text| seconds(text, 0.01..=86_400.0))?,
            trusted_documents: variables.optional("GUICHET_TRUSTED_DOCUMENTS", |text| text.parse().ok())?,
            trusted_mode: variables.read("GUICHET_TRUSTED_MODE", trusted_mode)?,
            bodies: limits::body_limits(&variables)?,
            connections: ConnectionLimits::read(&variables)?,
            work: WorkLimits::read(&variables)?,
            failed_key_limit: Some(variables.parse("GUICHET_FAILED_KEY_LIMIT")?).filter(|&limit| limit > 0),
            timeout: variables.read("GUICHET_TIMEOUT", |text| seconds(text, 0.1..=3600.0))?,
            log_format: variables.read("GUICHET_LOG_FORMAT", LogFormat::named)?,
            request_log: variables.read("GUICHET_REQUEST_LOG", switch)?,
            metrics_listen: variables.optional("GUICHET_METRICS_LISTEN", |text| text.parse().ok())?,
            otlp: Otlp::read(&variables)?,
            upstream: Upstream::read(&variables)?,
            shadow_file: variables.optional("GUICHET_SHADOW_FILE", |text| text.parse().ok())?,
            read_only: variables.read("GUICHET_READ_ONLY", switch)?,
            pool: variables.optional("GUICHET_POOL", |text| at_least(text, 1))?,
            license_file: variables.optional("GUICHET_LICENSE_FILE", |text| text.parse().ok())?,
            discord_role: variables.read("GUICHET_DISCORD_ROLE", DiscordRole::named)?,
            jwt_key: variables.optional("GUICHET_JWT_KEY", |text| text.parse().ok())?,
            jwt_old_keys: variables.optional("GUICHET_JWT_OLD_KEYS", |text| text.parse().ok())?,
            access_token_ttl: variables.read("GUICHET_ACCESS_TOKEN_TTL", |text| at_least(text, 1))?,
            session_ttl: variables.read("GUICHET_SESSION_TTL", |text| at_least(text, 1))?,
            sign_in_limit: Some(variables.parse("GUICHET_SIGN_IN_LIMIT")?).filter(|&limit| limit > 0),
            demo_dir: variables.parse("GUICHET_DEMO_DIR")?,
            database: variables.servers()?.swap_remove(0),
            further_servers: variables.servers()?.into_iter().skip(1).collect(),
            sync_wait: variables.read("GUICHET_SYNC_WAIT", switch)?,
            replicas: variables.replicas()?,
            replica_lag: variables.read("GUICHET_REPLICA_LAG", |text| seconds(text, 0.0..=3600.0))?,
            app_key: variables.read("APP_KEY", app_key)?,
            previous_keys: variables.read("APP_PREVIOUS_KEYS", previous_keys)?,
            app_url: variables
                .read("APP_URL", |text| url(text).map(|url| url.trim_end_matches('/').to_owned()))?,
            lang: variables.read("APP_LOCALE", locale)?,
            app_env: variables.parse("APP_ENV")?,
            force_https: variables.read("APP_FORCE_HTTPS", switch)?,
            app_name: variables.parse("APP_NAME")?,
            mail: MailServer::read(&variables)?,
            webhook_allow: variables.read("GUICHET_WEBHOOK_ALLOW", networks)?,
            webhook_secret: variables
                .optional("GUICHET_WEBHOOK_SECRET", |text| (text.len() >= 24).then(|| Secret::new(text)))?,
            timezone: variables.parse("APP_TIMEZONE")?,
            frontend_url: variables.read("FRONTEND_URL", |text| {
                url(text).or((text == "*").then_some(text)).map(str::to_owned)
            })?,
            cors_origins: variables.read("GUICHET_CORS_ORIGINS", cors_origins)?,
            compression: variables.read("GUICHET_COMPRESSION", switch)?,
            token_expiration: variables.token_expiration()?,
            bcrypt_rounds: variables.read("BCRYPT_ROUNDS", bcrypt_rounds)?,
            fixed_vat_rate: variables
                .optional("STORE_FIXED_VAT_RATE", percentage)?
                .filter(|&rate| rate > 0.0),
        })
    }

    /// Reads the settings as [`Self::from_env`] does, with the default in place of each value that is not accepted.
    pub fn with_defaults_for_refused(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> (Self, Vec<ConfigError>) {
        let mut variables: BTreeMap<String, String> = variables.into_iter().collect();
        let mut refused = Vec::new();
        loop {
            let Err(error) = Self::from_env(variables.clone()) else { break };
            let judged_by_it = JUDGED_BY.iter().filter(|(by, _)| *by == error.variable);
            for (_, name) in judged_by_it {
                variables.remove(*name);
            }
            let was_set = variables.remove(error.variable).is_some();
            refused.push(error);
            // Every default is accepted: only a value that is set can be refused.
            if !was_set {
                variables.clear();
            }
        }
        (Self::from_env(variables).unwrap_or_default(), refused)
    }

    /// The settings for each server of the database alone, in the order in which they are preferred.
    pub fn servers(&self) -> impl Iterator<Item = Self> {
        [&self.database].into_iter().chain(&self.further_servers).map(|database| Self {
            database: database.clone(),
            further_servers: Vec::new(),
            ..self.clone()
        })
    }

    /// Uses this database alone: no further servers, and no replicas.
    pub fn use_only(&mut self, database: Database) {
        self.database = database;
        self.further_servers.clear();
        self.replicas.clear();
    }

    /// Maximum number of connections of the pool, to each server.
    pub fn pool_size(&self) -> u32 {
        self.pool.unwrap_or(if self.database.driver == Driver::Sqlite { 3 } else { 10 })
    }

    /// PEM file of the key that signs access tokens. The default is beside the storage folder, not in it, because a
    /// part of that folder is public.
    pub fn jwt_key_file(&self) -> PathBuf {
        self.jwt_key.clone().unwrap_or_else(|| self.storage.with_file_name("guichet-jwt.pem"))
    }

    /// File for the findings of shadowing. The default is beside the storage folder.
    pub fn shadow_file(&self) -> PathBuf {
        self.shadow_file.clone().unwrap_or_else(|| self.storage.with_file_name("guichet-shadow.json"))
    }

    /// The shop's URL for links: https in production, unless that is switched off.
    pub fn public_url(&self) -> String {
        self.link_url(&self.app_url)
    }

    /// A URL of the shop for links: https in production, unless that is switched off.
    pub fn link_url(&self, address: &str) -> String {
        match address.strip_prefix("http://") {
            Some(rest) if self.force_https && self.app_env == "production" => format!("https://{rest}"),
            _ => address.to_owned(),
        }
    }
}

/// The environment variables, by name.
struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The value of a variable, if it is set and not empty.
    fn set_value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn parse<T: FromStr>(&self, name: &'static str) -> Result<T, ConfigError> {
        self.read(name, |text| text.parse().ok())
    }

    /// Reads a setting that has a default.
    fn read<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, ConfigError> {
        let text =
            self.set_value(name).or(setting::find(name).map(|setting| setting.default)).unwrap_or_default();
        parse(text).ok_or_else(|| config_error(name, text))
    }

    /// Reads a setting that has none.
    fn optional<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.set_value(name).map(|text| parse(text).ok_or_else(|| config_error(name, text))).transpose()
    }

    /// Reads the age at which keys expire. Unlike all other settings, an empty value has a meaning: never.
    fn token_expiration(&self) -> Result<Option<Duration>, ConfigError> {
        let name = "SANCTUM_TOKEN_EXPIRATION";
        if self.0.get(name).is_some_and(String::is_empty) {
            return Ok(None);
        }
        let minutes: u32 = self.parse(name)?;
        Ok(Some(Duration::from_secs(u64::from(minutes) * 60)).filter(|age| !age.is_zero()))
    }

    /// The servers that hold the database, at least one.
    fn servers(&self) -> Result<Vec<Database>, ConfigError> {
        for name in ["DATABASE_URL", "DB_URL"] {
            if let Some(url) = self.set_value(name) {
                return Database::all_from_url(url).ok_or_else(|| config_error(name, url));
            }
        }
        let driver = self.read("DB_CONNECTION", Driver::named)?;
        if driver == Driver::Sqlite {
            return Ok(vec![Database::file(self.parse::<PathBuf>("DB_DATABASE")?)]);
        }
        let port = self.optional("DB_PORT", |text| at_least(text, 1))?.unwrap_or(driver.port());
        let mut hosts = self.read("DB_HOST", |text| hosts(text, port))?;
        if self.set_value("DB_SOCKET").is_some() {
            // As in the original, the socket is used in place of the host.
            hosts.truncate(1);
        }
        hosts.into_iter().map(|(host, port)| self.server(driver, host, port)).collect()
    }

    fn server(&self, driver: Driver, host: String, port: u16) -> Result<Database, ConfigError> {
        let target = DatabaseTarget::Server(DatabaseServer {
            host,
            port,
            socket: self.optional("DB_SOCKET", |text| text.parse().ok())?,
            name: self.parse("DB_DATABASE")?,
            username: self.parse("DB_USERNAME")?,
            password: Secret::new(self.parse::<String>("DB_PASSWORD")?),
            encryption: self.optional("DB_SSLMODE", Encryption::named)?,
            authority: match driver {
                Driver::MySql => self.optional("MYSQL_ATTR_SSL_CA", file)?,
                _ => self.optional("DB_SSLROOTCERT", file)?,
            },
        });
        Ok(Database { driver, target })
    }

    /// Reads the replicas, which must be of the same kind as the database.
    fn replicas(&self) -> Result<Vec<Database>, ConfigError> {
        let driver = self.servers()?.first().map(|database| database.driver);
        let replicas = self.optional("DATABASE_READ_URL", |url| {
            Database::all_from_url(url).filter(|all| all.iter().all(|read| Some(read.driver) == driver))
        })?;
        Ok(replicas.unwrap_or_default())
    }

    /// Reads the Redis server, if `GUICHET_THROTTLE=redis`. Values that its URL does not have come from `REDIS_*`.
    fn redis(&self) -> Result<Option<RedisServer>, ConfigError> {
        let wanted = self.read("GUICHET_THROTTLE", |text| match text {
            "memory" => Some(false),
            "redis" => Some(true),
            _ => None,
        })?;
        if !wanted {
            return Ok(None);
        }
        let url = self.optional("REDIS_URL", redis::from_url)?.unwrap_or_default();
        let port = match url.port {
            Some(port) => port,
            None => self.parse("REDIS_PORT")?,
        };
        let address = match url.host {
            Some(host) => redis::address(&host, port).ok_or_else(|| config_error("REDIS_URL", &host))?,
            None => self.read("REDIS_HOST", |host| redis::address(host, port))?,
        };
        let username = match url.username {
            Some(name) => Some(name),
            None => self.optional("REDIS_USERNAME", |text| Some(text.to_owned()))?,
        };
        let password = match url.password {
            Some(password) => password,
            None => Secret::new(self.parse::<String>("REDIS_PASSWORD")?),
        };
        let database = match url.database {
            Some(number) => number,
            None => self.read("REDIS_DB", |text| at_least(text, 0))?,
        };
        // The original's default prefix.
        let shop: String = self.parse("APP_NAME")?;
        let prefix = self.set_value("REDIS_PREFIX").map(str::to_owned);
        let prefix = prefix.unwrap_or_else(|| format!("{}_database_", slug::slugify(shop).replace('-', "_")));
        Ok(Some(RedisServer { address, username, password, database, prefix }))
    }
}

fn config_error(variable: &'static str, value: &str) -> ConfigError {
    let setting = setting::find(variable);
    let secret = setting.is_none_or(|setting| setting.secret);
    let accepts = setting.map_or(setting::DATABASE_URLS, |setting| setting.accepts);
    let value =
        if secret { "(hidden)".to_owned() } else { without_password(value).replace(['\n', '\r'], " ") };
    ConfigError { variable, value, accepts }
}

/// A value without what stands before its last `@`: a password, in the wrong place.
fn without_password(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((_, rest)) => format!("(hidden)@{rest}"),
        None => value.to_owned(),
    }
}

/// Normalises a value: the original's `.env` files write `null` or `(null)` for an absent value, `(empty)` for an
/// empty one.
fn normalise_value(value: String) -> String {
    match value.trim() {
        "null" | "(null)" | "empty" | "(empty)" => String::new(),
        trimmed if trimmed.len() < value.len() => trimmed.to_owned(),
        _ => value,
    }
}

fn at_least<T: FromStr + PartialOrd>(text: &str, least: T) -> Option<T> {
    text.parse().ok().filter(|number| *number >= least)
}

/// Parses a number of seconds within these bounds.
fn seconds(text: &str, bounds: RangeInclusive<f64>) -> Option<Duration> {
    text.parse().ok().filter(|seconds| bounds.contains(seconds)).map(Duration::from_secs_f64)
}

fn percentage(text: &str) -> Option<f64> {
    text.parse().ok().filter(|rate| (0.0..=100.0).contains(rate))
}

fn networks(text: &str) -> Option<Vec<IpNet>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| part.parse().or_else(|_| part.parse::<std::net::IpAddr>().map(IpNet::from)).ok())
        .collect()
}

/// A file that exists.
fn file(text: &str) -> Option<PathBuf> {
    Some(PathBuf::from(text)).filter(|path| path.is_file())
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "(true)" => Some(true),
        "0" | "false" | "(false)" => Some(false),
        _ => None,
    }
}

fn url(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    (!rest.is_empty() && !rest.contains(char::is_whitespace)).then_some(text)
}

/// Parses a list of origins as browsers send them (RFC 6454): scheme, host in lower case, and a port that is not the
/// scheme's own. `*` stands alone.
fn cors_origins(text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts == ["*"] {
        return Some(vec!["*".to_owned()]);
    }
    parts.into_iter().map(|part| origin(part).map(|()| part.to_owned())).collect()
}

/// Whether a text is an origin in the form that browsers send.
fn origin(text: &str) -> Option<()> {
    let parsed = url::Url::parse(text).ok()?;
    // No browser takes a star for a part of a host.
    (parsed.has_host() && !text.contains('*') && parsed.origin().ascii_serialization() == text).then_some(())
}

fn locale(text: &str) -> Option<Lang> {
    match text {
        "fr" => Some(Lang::Fr),
        "en" => Some(Lang::En),
        _ => None,
    }
}

/// Parses a cost of bcrypt within the limits.
fn bcrypt_rounds(text: &str) -> Option<u32> {
    text.parse().ok().filter(|rounds| (4..=MAX_BCRYPT_ROUNDS).contains(rounds))
}

/// Parses a key: 32 bytes, or `base64:` and 44 characters of Base64; may be empty.
fn app_key(text: &str) -> Option<Secret> {
    let right = match text.strip_prefix("base64:") {
        Some(code) => {
            let body = code.trim_end_matches('=');
            code.len() == 44
                && body.len() == 43
                && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        }
        None => text.is_empty() || text.len() == 32,
    };
    right.then(|| Secret::new(text))
}

/// Parses keys that are separated by commas.
fn previous_keys(text: &str) -> Option<Vec<Secret>> {
    text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(app_key).collect()
}
