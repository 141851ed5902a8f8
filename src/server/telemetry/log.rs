//! The log on standard error. It is written by a thread of its own: a sink that is full, slow or gone holds
//! no request up and changes no answer. Lines that it loses are counted.

use std::io::{self, IsTerminal, Stderr, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::platform::config::LogFormat;

/// Lines that may wait to be written; further ones are lost.
const MAX_WAITING_LINES: usize = 4096;

/// Lines that the sink did not take.
static FAILED_LINES: AtomicU64 = AtomicU64::new(0);
/// Lines for which there was no room.
static DROPPED_LINES: OnceLock<ErrorCounter> = OnceLock::new();

/// Keeps the log's thread; lines that wait are written when this is dropped.
pub(crate) struct Log {
    _writer: WorkerGuard,
}

impl Log {
    /// Starts a structured log, `info` and above unless `RUST_LOG` says otherwise.
    pub(crate) fn start(format: LogFormat) -> Self {
        let asked = std::env::var(EnvFilter::DEFAULT_ENV).map(|asked| with_engine(&asked));
        let filter = asked.ok().and_then(|asked| EnvFilter::try_new(asked).ok());
        let filter = filter.unwrap_or_else(|| EnvFilter::new("info,sqlx=warn"));
        let (sink, writer) = sink();
        // The library would tell of its own failures on standard error, and panic where that is closed.
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

/// A panic is told like everything else: what Rust does by itself waits for standard error.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, cause = panic.payload_as_str().unwrap_or("unknown"), "panic");
}

fn sink() -> (NonBlocking, WorkerGuard) {
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(MAX_WAITING_LINES);
    let (sink, writer) = builder.thread_name("log").finish(CountingStderr(io::stderr()));
    // It is set once a process.
    let _ = DROPPED_LINES.set(sink.error_counter());
    (sink, writer)
}

/// Lines that were lost so far.
pub(super) fn lost_lines() -> u64 {
    let dropped = DROPPED_LINES.get().map_or(0, |counter| counter.dropped_lines() as u64);
    dropped.saturating_add(FAILED_LINES.load(Ordering::Relaxed))
}

/// Standard error, where what cannot be written is counted instead of told.
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

/// What is asked of `guichet` is asked of its engine too, which is a crate of another name.
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
