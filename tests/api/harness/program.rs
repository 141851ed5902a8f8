//! The built program as a process of its own, over a fresh copy of the recorded shop.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value as Json;
use tokio::net::TcpStream;

use crate::harness::shop::{APP_KEY, Shop};
use crate::harness::store::{Store, folder, program};
use crate::harness::wire::{self, Answer, Request};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A process that ends with its test, whatever becomes of that.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running program. [`Program::stop`] ends it and reads its log.
pub(crate) struct Program {
    process: Process,
    address: SocketAddr,
    log: PathBuf,
    store: Store,
}

impl Program {
    /// Starts `guichet serve` with more settings.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_with(settings, None).await
    }

    /// As [`Self::start`]; what it logs goes elsewhere.
    pub(crate) async fn start_logging_to(sink: File) -> Self {
        Self::start_with(&[], Some(sink)).await
    }

    async fn start_with(settings: &[(&str, &str)], sink: Option<File>) -> Self {
        let store = Store::fresh().await.unwrap();
        let mut program = program(&store.address());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let log = folder().join(format!("guichet_test_{}_{number}.log", std::process::id()));
        program.args(["serve", "--listen=127.0.0.1:0"]).envs([
            ("APP_KEY", APP_KEY),
            // The recorded keys have a fixed age; the clock of the program does not.
            ("SANCTUM_TOKEN_EXPIRATION", "0"),
            ("GUICHET_RATE_LIMIT", "0"),
        ]);
        let file = File::create(&log).unwrap();
        program.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(sink.unwrap_or(file));
        let mut process = Process(program.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit_once("http://").unwrap().1.parse().unwrap();
        Self { process, address, log, store }
    }

    /// Runs a command to its end: its exit code, and what it prints.
    pub(crate) async fn run(arguments: &[String], settings: &[(&str, &str)]) -> (i32, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_guichet"));
        program.args(arguments).env("APP_KEY", APP_KEY).envs(settings.iter().copied());
        let output = tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: &Request) -> Answer {
        wire::send(self.address, request).await.expect("an answer")
    }

    /// Any method with a key (empty for none) and a JSON body or none.
    pub(crate) async fn ask(&self, method: &str, path: &str, key: &str, body: Option<&Json>) -> Answer {
        let mut request = Request { method: method.to_owned(), path: path.to_owned(), ..Request::default() };
        let mut header = |name: &str, value: String| request.headers.push((name.to_owned(), value));
        if !key.is_empty() {
            header("Authorization", format!("Bearer {}", Shop::key(key)));
        }
        if let Some(body) = body {
            header("Content-Type", "application/json".to_owned());
            request.body = body.to_string().into_bytes();
        }
        self.send(&request).await
    }

    /// A connection to it.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Runs statements on its database.
    pub(crate) async fn sql(&self, statements: &[&str]) {
        for sql in statements {
            self.store.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }

    /// First column of the first row of a statement, as a text.
    pub(crate) async fn text(&self, sql: &str) -> Option<String> {
        let db = &self.store.db;
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        row.unwrap_or_else(|error| panic!("{sql}: {error}")).map(|row| row.try_get_by_index(0).unwrap())
    }

    /// Runs another command on its shop to its end: exit code, and what it prints.
    pub(crate) async fn command(&self, arguments: &[&str]) -> (i32, String) {
        let mut program = program(&self.store.address());
        program.env("APP_KEY", APP_KEY).args(arguments);
        let output = tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(printed).unwrap())
    }

    /// The lines that it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it as a supervisor does; its log.
    pub(crate) async fn stop(mut self) -> String {
        assert!(Command::new("kill").arg(self.process.0.id().to_string()).status().unwrap().success());
        let ended = tokio::task::spawn_blocking(move || self.process.0.wait()).await.unwrap().unwrap();
        let log = std::fs::read_to_string(&self.log).unwrap();
        std::fs::remove_file(&self.log).unwrap();
        assert!(ended.success(), "{log}");
        self.store.close().await.unwrap();
        log
    }
}
