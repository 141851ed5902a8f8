//! A shop of its own, served by real processes: over SQLite, or with `GUICHET_TEST_DATABASE=mysql` over
//! MariaDB (`GUICHET_TEST_MYSQL_URL`).

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use guichet::database;
use guichet::platform::config::{Config, Database};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::task::JoinHandle;

/// A shop with a database, removed at the end.
pub(crate) struct Shop {
    name: String,
    pub(crate) folder: PathBuf,
    pub(crate) url: String,
    server: Option<String>,
}

/// Whether the shop is on MariaDB.
pub(crate) fn is_mysql() -> bool {
    std::env::var("GUICHET_TEST_DATABASE").is_ok_and(|kind| kind == "mysql")
}

impl Shop {
    pub(crate) async fn new(name: &str) -> Self {
        let name = format!("guichet_{name}_{}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let server = is_mysql().then(|| {
            std::env::var("GUICHET_TEST_MYSQL_URL")
                .unwrap_or_else(|_| "mysql://root@127.0.0.1:3306".to_owned())
        });
        let url = match &server {
            Some(server) => format!("{server}/{name}"),
            None => format!("sqlite:{}/shop.sqlite", folder.display()),
        };
        let shop = Self { name, folder, url, server };
        shop.on_server(&format!("CREATE DATABASE {} COLLATE utf8mb4_unicode_ci", shop.name)).await;
        shop.run(&["migrate"], |_| ());
        shop.run(
            &["seed", "--customers=2", "--products=2", "--services=2", "--invoices=2", "--tickets=1"],
            |_| (),
        );
        shop
    }

    async fn on_server(&self, sql: &str) {
        if let Some(server) = &self.server {
            let db = open(&format!("{server}/mysql")).await;
            db.execute_unprepared(sql).await.unwrap();
            db.close().await.unwrap();
        }
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_guichet"));
        program.env_clear().env("DATABASE_URL", &self.url).env("GUICHET_RATE_LIMIT", "0");
        program.current_dir(&self.folder);
        program
    }

    /// Runs a command: what it prints.
    pub(crate) fn run(&self, arguments: &[&str], configure: impl FnOnce(&mut Command)) -> String {
        let mut program = self.program();
        configure(&mut program);
        let ran = program.args(arguments).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    pub(crate) fn key(&self) -> String {
        let made = self.run(&["create-api-key", "kill", "admin@example.com"], |_| ());
        made.lines().find_map(|line| line.strip_prefix("Token: ")).unwrap().to_owned()
    }

    /// Starts a server beside those that run.
    pub(crate) fn serve(&self, configure: impl FnOnce(&mut Command)) -> JoinHandle<(Child, SocketAddr)> {
        let mut program = self.program();
        program.args(["serve", "--listen=127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        configure(&mut program);
        tokio::task::spawn_blocking(move || {
            let mut server = program.spawn().unwrap();
            let mut line = String::new();
            BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
            (server, line.trim_end().rsplit_once("http://").unwrap().1.parse().unwrap())
        })
    }

    pub(crate) async fn remove(self) {
        self.on_server(&format!("DROP DATABASE {}", self.name)).await;
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

pub(crate) async fn open(url: &str) -> DatabaseConnection {
    let database = Database::from_url(url).unwrap();
    database::connect(&Config { database, pool: Some(1), ..Config::default() }).await.unwrap()
}
