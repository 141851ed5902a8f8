//! The demo server as a child process, what it is sent, and what `/proc` says about it.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Ticks of `/proc/<pid>/stat` in a second, on every Linux that Rust's standard library runs on.
const TICKS: f64 = 100.0;
/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// `guichet serve --demo` in a folder of its own, both gone when this is dropped.
pub struct Server {
    process: Child,
    folder: PathBuf,
    address: String,
    key: String,
}

/// An answer.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its body.
    pub body: serde_json::Value,
}

impl Server {
    /// Starts the binary beside this one and waits until it says where it listens.
    pub fn start() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("guichet-attacks-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut process = Command::new(std::env::current_exe()?.with_file_name("guichet"))
            .args(["serve", "--demo"])
            .current_dir(&folder)
            .env("GUICHET_LISTEN", "127.0.0.1:0")
            .env("GUICHET_DEMO_DIR", folder.join("demo"))
            .env("GUICHET_RATE_LIMIT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
        let mut server = Self { process, folder, address: String::new(), key: String::new() };
        while server.address.is_empty() || server.key.is_empty() {
            let line = lines.next().ok_or_else(|| io::Error::other("the server ended"))??;
            server.note(&line);
        }
        // Whatever else it says is read, so that it never waits for us.
        thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

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

    /// Sends a body to `/graphql`. A server may refuse before it has read everything.
    pub fn post(&self, body: &[u8]) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Accept: application/graphql-response+json\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        let mut writer = stream.try_clone()?;
        let mut text = Vec::new();
        thread::scope(|scope| {
            // What is refused is not read to its end: writing may fail then, and reading end in a reset.
            scope.spawn(move || writer.write_all(body));
            stream
                .read_to_end(&mut text)
                .map(drop)
                .or_else(|error| if text.is_empty() { Err(error) } else { Ok(()) })
        })?;
        let text = String::from_utf8_lossy(&text);
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(Answer { status, body: serde_json::from_str(body).unwrap_or_default() })
    }

    /// CPU time so far in milliseconds, user and system.
    pub fn cpu(&self) -> io::Result<f64> {
        let stat = self.proc("stat")?;
        // The name may hold spaces; it stands in parentheses.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks =
            [11, 12].map(|at| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0));
        Ok(ticks.iter().sum::<f64>() * 1000.0 / TICKS)
    }

    /// Forgets the peak of memory so far; what is resident now, in megabytes.
    pub fn forget_peak(&self) -> io::Result<f64> {
        fs::write(self.file("clear_refs"), "5")?;
        self.memory("VmRSS:")
    }

    /// The peak of resident memory, in megabytes.
    pub fn peak(&self) -> io::Result<f64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> io::Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kilobytes.map(|kilobytes| kilobytes / 1024.0).ok_or_else(|| io::Error::other(format!("no {name}")))
    }

    fn proc(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(self.file(file))
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
