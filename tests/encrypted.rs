//! Encrypted connections and Unix sockets: what `DB_SSLMODE`, `MYSQL_ATTR_SSL_CA`, `DB_SSLROOTCERT` and
//! `DB_SOCKET` demand holds, and a server that cannot be trusted stops the start with one line.
//!
//! Runs with `GUICHET_TEST_SERVERS=1`, as root: it starts a MariaDB and a PostgreSQL server of its own, with
//! certificates made by `openssl`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use guichet::database;
use guichet::platform::config::Config;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

const PASSWORD: &str = "hunter2";
/// How long a server may take to start.
const STARTING: Duration = Duration::from_secs(60);
/// How long it may take to see that a server cannot be trusted.
const REFUSING: Duration = Duration::from_secs(10);

/// A server of this test, which ends with it, with a certificate for `localhost` that comes from `ca.pem`.
struct Server {
    backend: DbBackend,
    folder: PathBuf,
    port: u16,
    process: Child,
}

fn wanted() -> bool {
    std::env::var_os("GUICHET_TEST_SERVERS").is_some()
}

impl Server {
    async fn mariadb() -> Self {
        let folder = folder("mariadb");
        let data = format!("--datadir={}", folder.join("data").display());
        let install =
            ["--no-defaults", "--auth-root-authentication-method=normal", "--user=root", "--skip-test-db"];
        run(Command::new("mariadb-install-db").args(install).arg(&data));
        let port = free_port();
        let mut program = Command::new("mariadbd");
        program.args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1"]).arg(&data);
        program.arg(format!("--port={port}")).arg(format!("--socket={}", folder.join("socket").display()));
        for (name, file) in [("ca", "ca.pem"), ("cert", "server.pem"), ("key", "server.key")] {
            program.arg(format!("--ssl-{name}={}", folder.join(file).display()));
        }
        let server = Self::started(DbBackend::MySql, folder, port, program).await;
        server
            .root(&[
                format!("CREATE USER guichet IDENTIFIED BY '{PASSWORD}'"),
                "CREATE DATABASE shop COLLATE utf8mb4_unicode_ci".to_owned(),
                "GRANT ALL ON shop.* TO guichet".to_owned(),
            ])
            .await;
        server
    }

    /// PostgreSQL doesn't run as root.
    async fn postgres() -> Self {
        let folder = folder("postgres");
        run(Command::new("chown").args(["-R", "postgres"]).arg(&folder));
        let data = folder.join("data");
        run(as_postgres("initdb").args(["--auth=trust", "--username=postgres", "-D"]).arg(&data));
        // Over TCP a password is asked for, be it encrypted or not.
        let rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let port = free_port();
        let mut program = as_postgres("postgres");
        program.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"]);
        let file = |name: &str| folder.join(name).display().to_string();
        for setting in [
            format!("port={port}"),
            format!("unix_socket_directories={}", folder.display()),
            format!("ssl_cert_file={}", file("server.pem")),
            format!("ssl_key_file={}", file("server.key")),
        ] {
            program.arg("-c").arg(setting);
        }
        let server = Self::started(DbBackend::Postgres, folder, port, program).await;
        server
            .root(&[
                format!("CREATE USER guichet PASSWORD '{PASSWORD}'"),
                "CREATE DATABASE shop OWNER guichet".to_owned(),
            ])
            .await;
        server
    }

    async fn started(backend: DbBackend, folder: PathBuf, port: u16, mut program: Command) -> Self {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let process = program.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { backend, folder, port, process };
        let begun = Instant::now();
        while let Err(error) = server.root_connection().await {
            assert!(begun.elapsed() < STARTING, "{error}: {}", server.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        server
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    async fn root_connection(&self) -> Result<DatabaseConnection, DbErr> {
        let user = if self.backend == DbBackend::MySql { "root" } else { "postgres" };
        let own = if self.backend == DbBackend::MySql { "mysql" } else { "postgres" };
        let socket = ("DB_SOCKET", self.socket());
        let variables = [
            socket,
            ("DB_USERNAME", user.into()),
            ("DB_PASSWORD", String::new()),
            ("DB_DATABASE", own.into()),
        ];
        database::connect(&self.config(&variables)).await
    }

    async fn root(&self, statements: &[String]) {
        let db = self.root_connection().await.unwrap();
        for sql in statements {
            db.execute_unprepared(sql).await.unwrap();
        }
        db.close().await.unwrap();
    }

    /// MariaDB's socket is a file, PostgreSQL's is in a folder.
    fn socket(&self) -> String {
        let socket =
            if self.backend == DbBackend::MySql { self.folder.join("socket") } else { self.folder.clone() };
        socket.display().to_string()
    }

    /// As the shop's `.env` says it; the variables given win.
    fn variables(&self, given: &[(&str, String)]) -> Vec<(String, String)> {
        let kind = if self.backend == DbBackend::MySql { "mysql" } else { "pgsql" };
        let own = [
            ("DB_CONNECTION", kind.to_owned()),
            ("DB_HOST", "localhost".to_owned()),
            ("DB_PORT", self.port.to_string()),
            ("DB_DATABASE", "shop".to_owned()),
            ("DB_USERNAME", "guichet".to_owned()),
            ("DB_PASSWORD", PASSWORD.to_owned()),
        ];
        let all = own.iter().chain(given);
        all.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn config(&self, given: &[(&str, String)]) -> Config {
        let variables = self.variables(given);
        Config { pool: Some(1), ..Config::from_env(variables).unwrap() }
    }

    /// The variable that names an authority.
    fn authority(&self, file: &str) -> (&'static str, String) {
        let name = if self.backend == DbBackend::MySql { "MYSQL_ATTR_SSL_CA" } else { "DB_SSLROOTCERT" };
        (name, self.folder.join(file).display().to_string())
    }

    /// Whether a connection with these settings is encrypted.
    async fn is_encrypted(&self, given: &[(&str, String)]) -> bool {
        let db = database::connect(&self.config(given)).await.unwrap();
        let sql = match self.backend {
            DbBackend::MySql => {
                "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'ssl_cipher'"
            }
            _ => "SELECT CASE WHEN ssl THEN 'yes' ELSE '' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        };
        let row = db.query_one_raw(Statement::from_string(self.backend, sql)).await.unwrap().unwrap();
        let cipher: String = row.try_get_by_index(0).unwrap();
        db.close().await.unwrap();
        !cipher.is_empty()
    }

    /// The one line with which the start stops.
    async fn refusal(&self, given: &[(&str, String)]) -> String {
        let mut program = Command::new(env!("CARGO_BIN_EXE_guichet"));
        program.env_clear().envs(self.variables(given)).current_dir(&self.folder);
        program.args(["serve", "--listen=127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut server = program.spawn().unwrap();
        while server.try_wait().unwrap().is_none() {
            if begun.elapsed() > REFUSING {
                server.kill().unwrap();
                panic!("it goes on: {}", String::from_utf8_lossy(&server.wait_with_output().unwrap().stderr));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ended = server.wait_with_output().unwrap();
        let text = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), text.lines().count()), (Some(1), 1), "{text}");
        assert!(text.contains("cannot open the database") && !text.contains(PASSWORD), "{text}");
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Processes of the server may be at it for a moment still.
        for _ in 0..100 {
            if std::fs::remove_dir_all(&self.folder).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A folder with the certificates of a server, of its authority and of another one.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("guichet_encrypted_{name}_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    for authority in ["ca", "other"] {
        let (key, file) = (format!("{authority}.key"), format!("{authority}.pem"));
        let subject = format!("/CN={authority}");
        openssl(
            &folder,
            &["req", "-x509", "-days", "2", "-subj", &subject, "-keyout", &key, "-out", &file],
            &curve,
        );
    }
    let request = ["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
    openssl(&folder, &request, &curve);
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let signed = ["x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"];
    openssl(&folder, &signed, &["-CAcreateserial", "-extfile", "names", "-out", "server.pem"]);
    folder
}

fn openssl(folder: &Path, arguments: &[&str], more: &[&str]) {
    run(Command::new("openssl").args(arguments).args(more).current_dir(folder));
}

fn run(program: &mut Command) {
    let ran = program.output().unwrap();
    assert!(ran.status.success(), "{program:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A program of PostgreSQL's, which stands beside the server itself.
fn as_postgres(name: &str) -> Command {
    let server = std::fs::canonicalize("/usr/local/bin/postgres").unwrap();
    let mut program = Command::new("setpriv");
    program.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(server.with_file_name(name));
    program.current_dir("/");
    program
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Every mode, with the right authority, another one and none.
async fn modes_hold(server: Server) {
    let mode = |name: &str| ("DB_SSLMODE", name.to_owned());
    let (right, other) = (server.authority("ca.pem"), server.authority("other.pem"));
    let elsewhere = ("DB_HOST", "127.0.0.1".to_owned());
    for (given, encrypted) in [
        (vec![mode("disable")], false),
        (vec![mode("prefer")], true),
        (vec![], true),
        (vec![mode("require")], true),
        (vec![mode("verify-ca"), right.clone()], true),
        (vec![mode("verify-ca"), right.clone(), elsewhere.clone()], true),
        (vec![mode("verify-full"), right.clone()], true),
        (vec![right.clone()], true),
    ] {
        assert_eq!(server.is_encrypted(&given).await, encrypted, "{given:?}");
    }
    for given in [
        vec![mode("verify-full"), right.clone(), elsewhere],
        vec![mode("verify-ca"), other.clone()],
        vec![mode("verify-full"), other.clone()],
        vec![mode("verify-ca")],
        vec![other],
    ] {
        println!("{:?} {given:?}: {}", server.backend, server.refusal(&given).await.trim());
    }
    // What never leaves the machine is not encrypted, whatever is said.
    let nowhere = ("DB_HOST", "nowhere.invalid".to_owned());
    for given in ["prefer", "require", "verify-full"] {
        let socket = ("DB_SOCKET", server.socket());
        assert!(!server.is_encrypted(&[socket, nowhere.clone(), mode(given), right.clone()]).await);
    }
    println!("{:?}: 8 settings hold, 5 are refused in one line, and its socket is found", server.backend);
}

#[tokio::test]
async fn mariadb_is_encrypted_as_told() {
    if wanted() {
        modes_hold(Server::mariadb().await).await;
    }
}

#[tokio::test]
async fn postgres_is_encrypted_as_told() {
    if wanted() {
        modes_hold(Server::postgres().await).await;
    }
}
