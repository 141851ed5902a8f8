//! The demo server as a child process, and what `/proc` says about it.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, thread};

/// How many servers this process has started: each has a folder of its own.
static STARTED_SERVERS: AtomicUsize = AtomicUsize::new(0);

/// How a server is started.
#[derive(Default)]
pub struct ServerOptions {
    settings: Vec<(String, String)>,
    log: Option<Stdio>,
    open_files: Option<u32>,
}

impl ServerOptions {
    /// Without limits of requests, points and failed keys: one client is measured, many times.
    pub fn unlimited() -> Self {
        let none = ["GUICHET_RATE_LIMIT", "GUICHET_COST_LIMIT", "GUICHET_FAILED_KEY_LIMIT"];
        none.iter().fold(Self::default(), |start, name| start.set(name, "0"))
    }

    /// Gives the server an environment variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Redirects standard error.
    #[must_use]
    pub fn log_to(mut self, log: Stdio) -> Self {
        self.log = Some(log);
        self
    }

    /// How many files and sockets it may have open.
    #[must_use]
    pub fn open_files(mut self, most: u32) -> Self {
        self.open_files = Some(most);
        self
    }

    /// Starts the binary `guichet` beside this one and waits until it says where it listens.
    ///
    /// # Errors
    /// When it cannot be started, or ends.
    pub fn server(self) -> io::Result<Server> {
        let number = STARTED_SERVERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("guichet-bench-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut process = self
            .command()?
            .current_dir(&folder)
            .env("GUICHET_LISTEN", "127.0.0.1:0")
            .env("GUICHET_DEMO_DIR", folder.join("demo"))
            .envs(self.settings)
            .stdout(Stdio::piped())
            .stderr(self.log.unwrap_or_else(Stdio::null))
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
        let mut server = Server { process, folder, address: String::new(), key: String::new() };
        while server.address.is_empty() || server.key.is_empty() {
            let line = lines.next().ok_or_else(|| io::Error::other("the server ended"))??;
            server.note(&line);
        }
        // Its output is read to the end, so that it never blocks on writing.
        thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

    fn command(&self) -> io::Result<Command> {
        let binary = std::env::current_exe()?.with_file_name("guichet");
        let Some(most) = self.open_files else {
            let mut command = Command::new(binary);
            command.args(["serve", "--demo"]);
            return Ok(command);
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {most} && exec \"$0\" serve --demo")).arg(binary);
        Ok(command)
    }
}

/// `guichet serve --demo` in a folder of its own, both gone when this is dropped.
pub struct Server {
    process: Child,
    folder: PathBuf,
    address: String,
    key: String,
}

/// CPU time of each thread so far, user and system.
pub struct Cpu(HashMap<PathBuf, u64>);

impl Cpu {
    /// The CPU time since an earlier snapshot. Threads that have ended in between are not included; the server's
    /// working threads do not end.
    pub fn since(&self, earlier: &Self) -> Duration {
        let spent = |(thread, now): (&PathBuf, &u64)| {
            now.saturating_sub(earlier.0.get(thread).copied().unwrap_or_default())
        };
        Duration::from_nanos(self.0.iter().map(spent).sum())
    }
}

/// Memory of the server in megabytes.
#[derive(Clone, Copy)]
pub struct Memory {
    /// All that is resident now.
    pub resident: f64,
    /// The most that was resident since [`Server::forget_peak`].
    pub peak: f64,
    /// Resident pages of files, mainly of the binary: they are loaded when code runs first.
    pub of_files: f64,
}

impl Memory {
    /// Growth of the peak since an earlier snapshot, without pages of files.
    pub fn growth_since(&self, earlier: &Self) -> f64 {
        (self.peak - earlier.resident - (self.of_files - earlier.of_files)).max(0.0)
    }

    /// What is resident now, pages of files left out.
    pub fn held(&self) -> f64 {
        self.resident - self.of_files
    }
}

impl Server {
    fn note(&mut self, line: &str) {
        if let Some((_, address)) = line.split_once("http://") {
            let end = address
                .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')))
                .unwrap_or(address.len());
            address[..end].clone_into(&mut self.address);
        }
        if let Some((_, key)) = line.split_once("Bearer ") {
            let end = key.find(|c: char| !(c.is_ascii_alphanumeric() || c == '|')).unwrap_or(key.len());
            key[..end].clone_into(&mut self.key);
        }
    }

    /// IP address and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0)
    }

    /// A key with every right.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// CPU time so far, to the nanosecond.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn cpu(&self) -> io::Result<Cpu> {
        let threads = fs::read_dir(self.file("task"))?.flatten().map(|thread| thread.path());
        let spent = |thread: PathBuf| {
            let text = fs::read_to_string(thread.join("schedstat")).ok()?;
            let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
            Some((thread, nanoseconds))
        };
        Ok(Cpu(threads.filter_map(spent).collect()))
    }

    /// Resets the peak of memory; returns the present memory.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn forget_peak(&self) -> io::Result<Memory> {
        fs::write(self.file("clear_refs"), "5")?;
        self.memory()
    }

    /// How much memory it has.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(self.file("status"))?;
        let read = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            kilobytes
                .map(|kilobytes| kilobytes / 1024.0)
                .ok_or_else(|| io::Error::other(format!("no {name}")))
        };
        Ok(Memory { resident: read("VmRSS:")?, peak: read("VmHWM:")?, of_files: read("RssFile:")? })
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.process.id()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
