//! The servers that are compared, as child processes.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::case::BenchRequest;
use crate::cpu::{self, CpuSnapshot};
use crate::database::Database;
use crate::load;
use crate::shop::Shop;

/// How long a server may take until it answers.
const TIMEOUT: Duration = Duration::from_secs(60);
/// More than one client can send in a minute: counting is measured, not refusing.
const UNREACHABLE_LIMIT: &str = "1000000000";

/// Links in mails are signed with it.
const APP_KEY: &str = "base64:YmVuY2hiZW5jaGJlbmNoYmVuY2hiZW5jaGJlbmNoISE=";

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// guichet as it is by default.
    Guichet,
    /// guichet without its cache of totals.
    GuichetCounting,
    /// The yardstick: the server that is written by hand.
    Hand,
    /// The yardstick without its cache of totals.
    HandCounting,
    Mercurius,
    Apollo,
    PostGraphile,
}

impl ServerKind {
    /// All of them, in the order in which they are started and measured.
    pub const ALL: [Self; 7] = [
        Self::Guichet,
        Self::GuichetCounting,
        Self::Hand,
        Self::HandCounting,
        Self::Mercurius,
        Self::Apollo,
        Self::PostGraphile,
    ];
    /// The alternatives to guichet.
    pub const PEERS: [Self; 3] = [Self::Mercurius, Self::Apollo, Self::PostGraphile];

    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guichet => "guichet",
            Self::GuichetCounting => "guichet, counting",
            Self::Hand => "by hand",
            Self::HandCounting => "by hand, counting",
            Self::Mercurius => "Mercurius",
            Self::Apollo => "Apollo",
            Self::PostGraphile => "PostGraphile",
        }
    }

    /// Whether it is one of [`Self::PEERS`].
    pub fn is_peer(self) -> bool {
        Self::PEERS.contains(&self)
    }

    /// Whether there is such a server for a database.
    pub fn serves(self, database: Database) -> bool {
        match self {
            Self::PostGraphile => database == Database::Postgres,
            peer if peer.is_peer() => database != Database::Sqlite,
            _ => true,
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Apollo => "apollo.mjs",
            Self::PostGraphile => "postgraphile.mjs",
            _ => "mercurius.mjs",
        }
    }

    fn command(self, shop: &Shop, address: &str) -> Command {
        match self {
            Self::Guichet | Self::GuichetCounting => {
                let mut command = Command::new(beside("guichet"));
                command
                    .args(["serve", "--listen", address])
                    .current_dir(Path::new("/"))
                    .env("DATABASE_URL", &shop.url)
                    .env("GUICHET_RATE_LIMIT", UNREACHABLE_LIMIT)
                    .env("GUICHET_COST_LIMIT", UNREACHABLE_LIMIT)
                    // In the largest shops some take long.
                    .env("GUICHET_TIMEOUT", "300")
                    .env("APP_KEY", APP_KEY)
                    // The other servers write no log either.
                    .env("GUICHET_REQUEST_LOG", "0")
                    .stderr(Stdio::null());
                if self == Self::GuichetCounting {
                    command.env("GUICHET_COUNT_TTL", "0");
                }
                command
            }
            Self::Hand | Self::HandCounting => {
                let seconds = if self == Self::Hand { "1" } else { "0" };
                let mut command = Command::new(beside("hand"));
                command.args([&shop.url, address, seconds]);
                command
            }
            peer => {
                let mut command = Command::new("node");
                command.current_dir(peers()).args([peer.script(), &shop.url, address]);
                command
            }
        }
    }
}

/// A running server. It is killed when this is dropped.
pub struct Server {
    pub kind: ServerKind,
    pub port: u16,
    pub key: String,
    /// Seconds from its start to its first answer.
    pub start: f64,
    process: Child,
}

impl Server {
    /// Starts a server and requests a customer until it answers. Of several starts, the fastest is reported, since
    /// disturbances only make a start slower.
    pub fn start(kind: ServerKind, shop: &Shop, starts: usize) -> Result<Self, String> {
        let mut quickest = f64::INFINITY;
        for _ in 1..starts {
            quickest = quickest.min(Self::start_once(kind, shop)?.start);
        }
        let mut server = Self::start_once(kind, shop)?;
        server.start = server.start.min(quickest);
        Ok(server)
    }

    fn start_once(kind: ServerKind, shop: &Shop) -> Result<Self, String> {
        let port = free_port();
        let begun = Instant::now();
        let process = kind.command(shop, &format!("127.0.0.1:{port}")).stdout(Stdio::piped()).spawn();
        let process = process.map_err(|error| format!("{}: {error}", kind.name()))?;
        let mut server = Self { kind, port, key: shop.key.clone(), start: 0.0, process };
        server.drain();
        let ask = BenchRequest::Document("q1").of(&server);
        loop {
            if load::try_once(&ask).is_ok_and(|answer| answer.status == 200) {
                break;
            }
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(format!("{} ended: {status}", kind.name()));
            }
            if begun.elapsed() > TIMEOUT {
                return Err(format!("{} doesn't answer", kind.name()));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        server.start = begun.elapsed().as_secs_f64();
        Ok(server)
    }

    /// Reads the output of the server, so that it never blocks on writing.
    fn drain(&mut self) {
        if let Some(said) = self.process.stdout.take() {
            std::thread::spawn(move || BufReader::new(said).lines().map_while(Result::ok).for_each(drop));
        }
    }

    /// Its address, as a URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// CPU time so far.
    pub fn cpu(&self) -> CpuSnapshot {
        CpuSnapshot::of(self.process.id())
    }

    /// Resident memory in MB.
    pub fn memory(&self) -> f64 {
        cpu::memory(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A file beside this program's.
pub fn beside(name: &str) -> PathBuf {
    let own = env::current_exe().expect("a path");
    own.parent().expect("a folder").join(name)
}

/// The folder of the peers.
pub fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Installs the packages of the peers, unless that is done; the error is the reason why the peers are not measured.
pub fn install_peers() -> Result<(), String> {
    let node = Command::new("node").arg("--version").output();
    node.map_err(|error| format!("there is no Node: {error}"))?;
    if peers().join("node_modules").exists() {
        return Ok(());
    }
    let installed = Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(peers()).output();
    match installed {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(format!("there is no npm: {error}")),
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
