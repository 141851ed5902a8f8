//! Servers that cannot write their log.

use std::fs::OpenOptions;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use bench::demo::{Server, ServerOptions};
use bench::wire::{Answer, Request};

use crate::body;
use crate::report::Report;

/// How often each request is sent.
const TIMES: usize = 20;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Changes a row to what it is already, or will be.
const WRITE: &str = "mutation { groupUpdate(id: 1, input: {sortOrder: 1}) { group { databaseId } } }";

/// Checks that requests still work when the disk of the log is full, and when its pipe is not read.
pub fn measure(report: &mut Report) -> io::Result<()> {
    let full = OpenOptions::new().write(true).open("/dev/full")?;
    let (reader, pipe) = io::pipe()?;
    drop(reader);
    let logs = [("a full disk", Stdio::from(full)), ("a pipe that nobody reads", Stdio::from(pipe))];
    let mut text = "| The log goes to | Reading | Writing |\n|---|---|---|\n".to_owned();
    for (name, log) in logs {
        // Independent of the caller's `RUST_LOG`: the start and each request must write lines.
        let Ok(server) = ServerOptions::unlimited().set("RUST_LOG", "info").log_to(log).server() else {
            report.fail(format!("log to {name}: the server does not start"));
            continue;
        };
        let (read, written) = answered(&server);
        text.push_str(&format!("| {name} | {read} of {TIMES} | {written} of {TIMES} |\n"));
        if (read, written) != (TIMES, TIMES) {
            report.fail(format!(
                "log to {name}: of {TIMES} each, {read} reads and {written} writes are answered"
            ));
        }
    }
    report.section("A log that cannot be written", &text);
    Ok(())
}

/// How many reads and how many writes succeed.
fn answered(server: &Server) -> (usize, usize) {
    let read = Request::new("GET", "/api/application/customers/1").key(server.key());
    let write =
        Request::new("POST", "/graphql").key(server.key()).body("application/json", body::query(WRITE));
    let count = |request: &Request, is_right: fn(&Answer) -> bool| {
        let sent = (0..TIMES).map(|_| request.send(server.address(), TIMEOUT));
        sent.flatten().filter(|answer| answer.status == 200 && is_right(answer)).count()
    };
    let written = |answer: &Answer| answer.json()["data"]["groupUpdate"]["group"]["databaseId"].is_number();
    (count(&read, |_| true), count(&write, written))
}
