//! The two servers as child processes, and what `/proc` says about them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::{self, Ask};

/// Starts of which the quickest is reported: the others were disturbed.
const STARTS: usize = 5;

/// A running server. It is killed when this is dropped.
pub struct Child {
    process: std::process::Child,
    pub port: u16,
    pub key: String,
}

impl Child {
    /// The product.
    pub fn guichet(url: &str, key: &str) -> Self {
        let child = start_guichet(url, key);
        child.wait("/api/application/health");
        child
    }

    /// The yardstick.
    pub fn hand(url: &str, key: &str) -> Self {
        let port = free_port();
        let process = Command::new(beside("hand"))
            .args([url, &format!("127.0.0.1:{port}")])
            .spawn()
            .expect("the binary `hand` beside this one");
        let child = Self { process, port, key: key.to_owned() };
        child.wait("/api/application/products/1");
        child
    }

    fn wait(&self, path: &str) {
        let (ask, begun) = (Ask::get(self, path), Instant::now());
        while !load::try_once(&ask).is_ok_and(|answer| answer.status == 200) {
            assert!(begun.elapsed() < Duration::from_secs(10), "port {} doesn't answer {path}", self.port);
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// CPU time so far of its threads, user and system: to the nanosecond, where `/proc/<pid>/stat`
    /// counts in hundredths of a second. Those of a server's threads that work don't end.
    pub fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("a running child");
        let spent = |task: &Path| {
            let schedstat = std::fs::read_to_string(task.join("schedstat")).ok()?;
            schedstat.split_whitespace().next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.flatten().filter_map(|task| spent(&task.path())).sum())
    }

    /// Resident memory in MB.
    pub fn memory(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("KiB") * 1024.0 / 1e6
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).expect("a running child")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Milliseconds from the start of the product to its first answer.
pub fn time_to_first_answer(url: &str, key: &str) -> f64 {
    let times = (0..STARTS).map(|_| {
        let begun = Instant::now();
        let _child = Child::guichet(url, key);
        begun.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

fn start_guichet(url: &str, key: &str) -> Child {
    let port = free_port();
    let process = guichet()
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env("DATABASE_URL", url)
        .env("GUICHET_RATE_LIMIT", "0")
        .env("GUICHET_COST_LIMIT", "0")
        // The yardstick writes no log either.
        .env("GUICHET_REQUEST_LOG", "0")
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary `guichet` beside this one");
    Child { process, port, key: key.to_owned() }
}

/// The product's binary, run in a folder that has no `.env`.
pub fn guichet() -> Command {
    let mut command = Command::new(beside("guichet"));
    command.current_dir("/");
    command
}

fn beside(name: &str) -> PathBuf {
    std::env::current_exe().expect("a path").with_file_name(name)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
