//! More silent connections than the server may have files open, and somebody who wants an answer.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bench::demo::Start;
use bench::wire::{self, Request};

use crate::report::Report;

/// What the server may have open.
const OPEN_FILES: u32 = 1024;
/// Connections on which nothing is sent.
const SILENT: usize = 1040;
/// Those who want an answer, one after the other.
const GUESTS: usize = 5;
/// When each has to have it.
const SOON: Duration = Duration::from_secs(2);
/// How long is waited for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a new client is answered while silent ones take all there is.
pub fn measure(report: &mut Report) -> io::Result<()> {
    let server = Start::unlimited().open_files(OPEN_FILES).server()?;
    let silent: Vec<TcpStream> =
        (0..SILENT).map(|_| wire::connect(server.address(), PATIENCE)).collect::<io::Result<_>>()?;
    let mut slowest = Duration::ZERO;
    for _ in 0..GUESTS {
        let begun = Instant::now();
        let answer = Request::new("GET", "/healthz").send(server.address(), PATIENCE);
        slowest = slowest.max(begun.elapsed());
        if !answer.is_ok_and(|answer| answer.status == 200) || begun.elapsed() > SOON {
            report.fail(format!(
                "connections: beside {SILENT} silent ones a new one is not answered within {SOON:?}"
            ));
            break;
        }
    }
    let text = format!(
        "With `ulimit -n {OPEN_FILES}` and {} silent connections, a new one is answered within {} ms ({} at the \
         most).\n",
        silent.len(),
        slowest.as_millis(),
        SOON.as_millis()
    );
    report.section("Many connections", &text);
    Ok(())
}
