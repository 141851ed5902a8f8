//! More silent connections than the server may have open files, and new clients that need an answer.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bench::demo::ServerOptions;
use bench::wire::{self, Request};

use crate::report::Report;

/// Maximum number of open files of the server.
const OPEN_FILES: u32 = 1024;
/// Connections on which nothing is sent.
const SILENT_CONNECTIONS: usize = 1040;
/// Number of new clients, one after the other.
const NEW_CLIENTS: usize = 5;
/// Maximum time for an answer.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(2);
/// Timeout of an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Checks that a new client is answered while silent connections use all files.
pub fn measure(report: &mut Report) -> io::Result<()> {
    let server = ServerOptions::unlimited().open_files(OPEN_FILES).server()?;
    let silent: Vec<TcpStream> = (0..SILENT_CONNECTIONS)
        .map(|_| wire::connect(server.address(), TIMEOUT))
        .collect::<io::Result<_>>()?;
    let mut slowest = Duration::ZERO;
    for _ in 0..NEW_CLIENTS {
        let begun = Instant::now();
        let answer = Request::new("GET", "/healthz").send(server.address(), TIMEOUT);
        slowest = slowest.max(begun.elapsed());
        if !answer.is_ok_and(|answer| answer.status == 200) || begun.elapsed() > MAX_ANSWER_TIME {
            report.fail(format!(
                "connections: beside {SILENT_CONNECTIONS} silent ones a new one is not answered within {MAX_ANSWER_TIME:?}"
            ));
            break;
        }
    }
    let text = format!(
        "With `ulimit -n {OPEN_FILES}` and {} silent connections, a new one is answered within {} ms ({} at the \
         most).\n",
        silent.len(),
        slowest.as_millis(),
        MAX_ANSWER_TIME.as_millis()
    );
    report.section("Many connections", &text);
    Ok(())
}
