//! The log on standard error. A separate thread writes it, so that requests are not delayed if standard error is
//! full, slow or closed. Lost lines are counted.

use std::io::{self, IsTerminal, Stderr, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::platform::config::LogFormat;

/// Maximum number of lines that wait to be written; further ones are lost.
const MAX_WAITING_LINES: usize = 4096;

/// Lines that could not be written.
static FAILED_LINES: AtomicU64 = AtomicU64::new(0);
/// Counts lines for which there was no room in the queue.
static DROPPED_LINES: OnceLock<ErrorCounter> = OnceLock::new();

/// Keeps the log's thread alive; waiting lines are written when this is dropped.
pub(crate) struct Log {
    _writer: WorkerGuard,
}

impl Log {
    /// Starts the log, with level `info` unless `RUST_LOG` sets another filter.
    pub(crate) fn start(format: LogFormat) -> Self {
        let asked = std::env::var(EnvFilter::DEFAULT_ENV).map(|asked| with_engine(&asked));
        let filter = asked.ok().and_then(|asked| EnvFilter::try_new(asked).ok());
        let filter = filter.unwrap_or_else(|| EnvFilter::new("info,sqlx=warn,sqlx_core::pool=off"));
        let (sink, writer) = sink();
        // tracing would report its own errors on standard error, and panic if that is closed.
        let log =
            tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter).with_writer(sink);
        match format {
            LogFormat::Json => log.json().flatten_event(true).init(),
            LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        }
        panic::set_hook(Box::new(log_panic));
        Self { _writer: writer }
    }
}

/// Logs a panic. Rust's default hook would block on standard error.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, cause = panic.payload_as_str().unwrap_or("unknown"), "panic");
}

fn sink() -> (NonBlocking, WorkerGuard) {
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(MAX_WAITING_LINES);
    let (sink, writer) = builder.thread_name("log").finish(CountingStderr(io::stderr()));
    // It can be set only once.
    let _ = DROPPED_LINES.set(sink.error_counter());
    (sink, writer)
}

/// Number of lost lines so far.
pub(super) fn lost_lines() -> u64 {
    let dropped = DROPPED_LINES.get().map_or(0, |counter| counter.dropped_lines() as u64);
    dropped.saturating_add(FAILED_LINES.load(Ordering::Relaxed))
}

/// Standard error; lines that cannot be written are counted, and no error is returned.
struct CountingStderr(Stderr);

impl Write for CountingStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.write_all(line).is_err() {
            FAILED_LINES.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds to each filter for `guichet` the same one for `facade`, since the engine is a crate of its own.
fn with_engine(asked: &str) -> String {
    let directives = asked.split(',').flat_map(|directive| {
        let engine = directive.trim().strip_prefix("guichet").map(|rest| format!("facade{rest}"));
        [Some(directive.to_owned()), engine]
    });
    directives.flatten().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_guichet_is_asked_of_its_engine() {
        assert_eq!(with_engine("guichet=debug,sqlx=warn"), "guichet=debug,facade=debug,sqlx=warn");
        assert_eq!(with_engine("warn,guichet::rest=error"), "warn,guichet::rest=error,facade::rest=error");
        assert_eq!(with_engine("info"), "info");
    }
}
