//! A running server over a fresh copy of the recorded shop.
//!
//! ```ignore
//! let shop = Shop::golden("fr").await;
//! let (status, _, body) = shop.get("/api/application/products", "products-read").await;
//! shop.close().await;
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use chrono::{DateTime, Utc};
use guichet::database::source::SentStatement;
use guichet::platform::clock::Clock;
use guichet::platform::config::{Config, Database};
use guichet::server::connection::Server;
use guichet::{App, database};
use migration::OWN;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::example;
use crate::harness::rows::Snapshot;
use crate::harness::store::{DATA, Store, folder};
use crate::harness::wire::{self, Answer, Request};

/// The shop's key that its secrets are encrypted with.
pub(crate) const APP_KEY: &str = "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// When the recordings were made.
const NOW: &str = "2026-11-23T12:00:00Z";

/// Headers of an answer: names in lower case.
pub(crate) type Headers = Vec<(String, String)>;

/// A server, its database and its address.
pub(crate) struct Shop {
    address: SocketAddr,
    server: JoinHandle<()>,
    app: App,
    store: Store,
    statements: Arc<AtomicUsize>,
    last: Arc<Mutex<String>>,
}

/// Tables that are read at most once a second, whatever the request.
const REMEMBERED: [&str; 5] = [
    "personal_access_tokens",
    "guichet_key_restrictions",
    "admins",
    "settings",
    "`customers`.`id` FROM `customers` WHERE `customers`.`id` =",
];

impl Shop {
    /// The recorded shop in one language (`fr` or `en`).
    pub(crate) async fn golden(lang: &str) -> Self {
        Self::with(lang, |_| {}).await
    }

    /// The recorded shop with other settings.
    pub(crate) async fn with(lang: &str, change: impl FnOnce(&mut Config)) -> Self {
        let store = Store::fresh().await.expect("a fresh database");
        Self::over(store, lang, change, |_| {}).await
    }

    /// A server over that database. `observer` gets each of its statements.
    pub(crate) async fn over(
        store: Store,
        lang: &str,
        change: impl FnOnce(&mut Config),
        observer: impl Fn(&SentStatement<'_>) + Send + Sync + 'static,
    ) -> Self {
        let mut config = settings(lang);
        config.database = store.address();
        // One for all tests of a process; the next run removes it.
        config.jwt_key = Some(key_file());
        change(&mut config);
        let (bounds, proxies) = (config.connections, config.trusted_proxies.clone());
        let db = database::connect_for_serving(&config).await.expect("the server's database");
        let statements = Arc::new(AtomicUsize::new(0));
        let last = Arc::<Mutex<String>>::default();
        let (counter, latest) = (Arc::clone(&statements), Arc::clone(&last));
        let observer = Arc::new(move |sent: &SentStatement<'_>| {
            observer(sent);
            if !REMEMBERED.iter().any(|table| sent.sql.contains(table)) {
                counter.fetch_add(1, Ordering::Relaxed);
                sent.sql.clone_into(&mut latest.lock().unwrap());
            }
        });
        let app =
            App::with_observer(config, db, Clock::Frozen(now()), observer).await.expect("the server starts");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(app.site(), bounds, &proxies);
        let server = tokio::spawn(server.serve(listener, std::future::pending()));
        Self { address, server, app, store, statements, last }
    }

    /// The bearer text of a recorded key (`all`, `products-read`, `health`, `none`, `customer1`,
    /// `customer2`, `expired`); any other text stands for itself.
    pub(crate) fn key(name: &str) -> String {
        let tokens = &DATA["personal_access_tokens"];
        let row = tokens.rows.iter().find(|row| row[3] == name);
        row.map_or_else(|| name.to_owned(), |row| format!("{}|CLIENTXCMSgolden{name}", row[0]))
    }

    /// The key file of access tokens.
    pub(crate) fn key_file(&self) -> PathBuf {
        key_file()
    }

    /// The shop's database, beside the server's own connections.
    pub(crate) fn db(&self) -> &DatabaseConnection {
        &self.store.db
    }

    /// Where the database is, for the settings of a second server.
    pub(crate) fn database(&self) -> Database {
        self.store.address()
    }

    /// Address of the server, without a path.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request unchanged.
    pub(crate) async fn send(&self, request: &Request) -> Answer {
        wire::send(self.address, request).await.expect("an answer")
    }

    /// Any method, with a key, the given headers and this body.
    pub(crate) async fn send_with(
        &self,
        key: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let key = format!("Bearer {}", Self::key(key));
        let headers = headers.iter().copied().chain([("Authorization", key.as_str())]);
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (method, path) = (method.to_owned(), path.to_owned());
        self.send(&Request { method, path, headers, body: body.as_bytes().to_vec() }).await
    }

    /// Reads a path with a key.
    pub(crate) async fn get(&self, path: &str, key: &str) -> (u16, Headers, Json) {
        self.ask("GET", path, key, None).await
    }

    /// Posts JSON to a path with a key.
    pub(crate) async fn post(&self, path: &str, key: &str, body: &Json) -> (u16, Headers, Json) {
        self.ask("POST", path, key, Some(body)).await
    }

    /// Changes a record in parts, with a key that may do everything.
    pub(crate) async fn put(&self, path: &str, body: &Json) -> (u16, Json) {
        let (status, _, body) = self.ask("PUT", path, "all", Some(body)).await;
        (status, body)
    }

    /// Runs a GraphQL operation with a key; its whole answer.
    pub(crate) async fn graphql(&self, query: &str, variables: Json, key: &str) -> Json {
        let body = json!({"query": query, "variables": variables});
        self.post("/graphql", key, &body).await.2
    }

    /// Runs a GraphQL operation without a key, as a trusted proxy passes it on for an address; its whole answer.
    pub(crate) async fn graphql_from(&self, address: &str, query: &str, variables: Json) -> Json {
        let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", address)];
        let request = Request {
            method: "POST".to_owned(),
            path: "/graphql".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: json!({"query": query, "variables": variables}).to_string().into_bytes(),
        };
        self.send(&request).await.json()
    }

    /// Any method, with a key (empty for none) and a JSON body or none.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&Json>,
    ) -> (u16, Headers, Json) {
        let mut request = Request { method: method.to_owned(), path: path.to_owned(), ..Request::default() };
        let mut header = |name: &str, value: String| request.headers.push((name.to_owned(), value));
        header("Accept", "application/json".to_owned());
        if !key.is_empty() {
            header("Authorization", format!("Bearer {}", Self::key(key)));
        }
        if let Some(body) = body {
            header("Content-Type", "application/json".to_owned());
            request.body = body.to_string().into_bytes();
        }
        let answer = self.send(&request).await;
        let body = answer.json();
        (answer.status, answer.headers, body)
    }

    /// SQL statements of the server so far, without those of keys and settings.
    pub(crate) fn statements(&self) -> usize {
        self.statements.load(Ordering::Relaxed)
    }

    /// The latest of them.
    pub(crate) fn last_statement(&self) -> String {
        self.last.lock().unwrap().clone()
    }

    /// How the database would run a statement whose parameters are numbers.
    pub(crate) async fn plan(&self, sql: &str) -> String {
        let (explain, column) = match self.store.db.get_database_backend() {
            DbBackend::MySql => (format!("EXPLAIN FORMAT=JSON {}", sql.replace('?', "1")), 0),
            DbBackend::Postgres => {
                // With so few rows, the planner would scan and sort them.
                for way in ["seqscan", "bitmapscan", "sort"] {
                    self.sql(&format!("SET enable_{way} = off")).await;
                }
                let bound =
                    (1..=99).rev().fold(sql.to_owned(), |sql, at| sql.replace(&format!("${at}"), "1"));
                (format!("EXPLAIN {bound}"), 0)
            }
            _ => (format!("EXPLAIN QUERY PLAN {sql}"), 3),
        };
        let statement = Statement::from_string(self.store.db.get_database_backend(), &explain);
        let lines = self.store.db.query_all_raw(statement).await;
        let lines = lines.unwrap_or_else(|error| panic!("{explain}: {error}"));
        lines.iter().map(|line| line.try_get_by_index::<String>(column).unwrap() + "\n").collect()
    }

    /// Whether the database is MariaDB, where texts in SQL double their backslashes.
    pub(crate) fn is_mysql(&self) -> bool {
        self.store.db.get_database_backend() == DbBackend::MySql
    }

    /// A column's name in the database's quotes.
    pub(crate) fn quoted(&self, column: &str) -> String {
        if self.is_mysql() { format!("`{column}`") } else { format!("\"{column}\"") }
    }

    /// All rows of the database.
    pub(crate) async fn rows(&self) -> Snapshot {
        self.store.rows().await.expect("the database's rows")
    }

    /// Runs a statement on the database.
    pub(crate) async fn sql(&self, sql: &str) {
        self.store.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Adds the example rows of every resource (see [`example`]).
    pub(crate) async fn add_examples(&self) {
        OWN.up(&self.store.db).await.expect("guichet's own tables");
        for sql in example::statements() {
            self.sql(&sql).await;
        }
    }

    /// First column of the first row of a statement, which must be a text.
    pub(crate) async fn text(&self, sql: &str) -> Option<String> {
        let db = &self.store.db;
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        row.unwrap_or_else(|error| panic!("{sql}: {error}")).and_then(|row| row.try_get_by_index(0).unwrap())
    }

    /// The page of its metrics, which are on where the settings name an address for them.
    pub(crate) async fn metrics(&self) -> String {
        let request = axum::extract::Request::get("/metrics").body(Body::empty()).unwrap();
        let answer = self.app.metrics().answer(request).await;
        String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().into()).unwrap()
    }

    /// Writes the last use of keys, as the program does periodically.
    pub(crate) async fn write_used_keys(&self) {
        self.app.write_used_keys().await.expect("the keys are written");
    }

    /// Writes the findings of shadowing now, not after some seconds.
    pub(crate) async fn write_findings(&self) {
        self.app.flush_telemetry().await;
    }

    /// Stops the server and gives the database back.
    pub(crate) async fn close(self) {
        self.server.abort();
        let _ = self.server.await;
        self.store.close().await.expect("the database is given back");
    }
}

fn key_file() -> PathBuf {
    folder().join(format!("guichet_test_{}_jwt.pem", std::process::id()))
}

/// The settings of the recorded installation.
fn settings(lang: &str) -> Config {
    let variables = [
        ("APP_KEY", APP_KEY),
        ("APP_LOCALE", lang),
        ("APP_URL", "https://127.0.0.1"),
        // The lowest cost: hashing took a quarter of the time of the tests.
        ("BCRYPT_ROUNDS", "4"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::from_env(variables).expect("the recorded settings are accepted")
}

/// The moment of the recordings.
pub(crate) fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// Names of the invalid fields in an answer of status 422, in their order.
pub(crate) fn invalid_fields(body: &Json) -> Vec<&str> {
    body["errors"].as_object().unwrap_or_else(|| panic!("{body}")).keys().map(String::as_str).collect()
}
