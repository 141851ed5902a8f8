//! `guichet replay`: sends the `GET` requests of an access log to the shop's own server and to guichet, and compares
//! the answers. It never sends another method.

mod keys;
mod log;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::Utc;
use clap::Args;
use futures_util::stream::{self, StreamExt};
use indicatif::{ProgressBar, ProgressStyle};

use self::keys::Keys;
use self::log::LoggedRequest;
use super::shadow::table;
use super::{Environment, Failure, print, say};
use crate::platform::config::{self, UpstreamServer};
use crate::server::shadow::{self, ComparedAnswer, Findings, MAX_ANSWER, Outcome};
use crate::server::upstream::Upstream;

/// Prefix of the paths that are replayed.
const API: &str = "/api/";
/// Maximum length of a line of the log, in bytes.
const MAX_LINE: u64 = 64 * 1024;
/// How often a request is sent to a server that is unavailable, and the longest pause between, in seconds.
const TRIES: usize = 3;
const MAX_WAIT: u64 = 65;

#[derive(Args)]
pub(super) struct Arguments {
    /// Access log: combined format, or JSON lines; - for standard input
    file: PathBuf,
    /// The shop's own server: http://…, https://… or unix:…
    #[arg(long, value_name = "URL", value_parser = server)]
    upstream: UpstreamServer,
    /// The guichet that is compared with it; without it the one at GUICHET_LISTEN
    #[arg(long, value_name = "URL", value_parser = server)]
    against: Option<UpstreamServer>,
    /// File of keys: lines with the name of a user in the log and a key, * for everybody else
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Host to ask both for; without it each by its own address
    #[arg(long, value_name = "HOST")]
    host: Option<HeaderValue>,
    /// PEM file of the certificates that those of https:// servers are signed by, in place of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Questions that are asked at the same time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: u16,
    /// Keep the values that differ, which may be personal data
    #[arg(long)]
    values: bool,
    /// Print the findings as JSON in place of the table
    #[arg(long)]
    json: bool,
}

fn server(text: &str) -> Result<UpstreamServer, String> {
    UpstreamServer::parse(text)
        .ok_or_else(|| "not http://, https:// or unix: with a host or socket".to_owned())
}

/// The two servers that are compared, and what is sent with each request.
struct ServerPair {
    there: Upstream,
    here: Upstream,
    keys: Keys,
    host: Option<HeaderValue>,
}

pub(super) async fn run(environment: &Environment, arguments: Arguments) -> Result<(), Failure> {
    let requests = read_requests(&arguments.file)?;
    let is_keyless = arguments.keys.is_none();
    let listen = environment.config()?.listen;
    let own = UpstreamServer::Host { tls: false, host: listen.ip().to_string(), port: listen.port() };
    let open = |server| Upstream::new(config::Upstream::with_defaults(server, arguments.ca.clone()));
    let servers = ServerPair {
        there: open(arguments.upstream)?,
        here: open(arguments.against.unwrap_or(own))?,
        keys: arguments.keys.as_deref().map(Keys::read).transpose()?.unwrap_or_default(),
        host: arguments.host,
    };
    let (mut findings, mut refused) = (Findings::default(), 0);
    let bar = ProgressBar::new(requests.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len}, {msg} {eta}")?);
    let mut comparisons = stream::iter(&requests)
        .map(|request| async { (shadow::operation(path_of(request)), servers.compare(request).await) })
        .buffer_unordered(arguments.at_once.into());
    while let Some((operation, (outcome, was_refused))) = comparisons.next().await {
        refused += usize::from(was_refused);
        findings.add(&operation, outcome, Utc::now(), arguments.values);
        bar.set_message(format!("{} different", findings.different()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    if arguments.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&findings)?));
    } else {
        print(&table(&findings));
    }
    if refused == requests.len() {
        let mend = if is_keyless { "name keys with --keys" } else { "look at the keys of --keys" };
        return Err(Failure::new(format!("every question was refused for want of a valid key: {mend}")));
    }
    conclude(&findings, arguments.json)
}

/// Fails if answers differ, or if nothing was compared.
fn conclude(findings: &Findings, quiet: bool) -> Result<(), Failure> {
    let asked: u64 = findings.operations.values().map(shadow::OperationFindings::asked).sum();
    let unanswered: u64 = findings.operations.values().map(|found| found.unanswered).sum();
    match findings.different() {
        0 if unanswered == asked => Err(Failure::new("no question was answered by both")),
        0 => {
            if !quiet {
                say(&format!("No difference in {} answers", asked - unanswered));
            }
            Ok(())
        }
        1 => Err(Failure::new("1 answer differs")),
        many => Err(Failure::new(format!("{many} answers differ"))),
    }
}

/// The distinct `GET` requests of a log below `/api`.
fn read_requests(file: &PathBuf) -> Result<Vec<LoggedRequest>, Failure> {
    let about = |error: std::io::Error| Failure::new(format!("{}: {error}", file.display()));
    let input: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(about)?)
    };
    let mut reader = BufReader::new(input);
    let (mut known, mut requests, mut line) = (HashSet::new(), Vec::new(), Vec::new());
    let (mut lines, mut others) = (0_u64, 0_u64);
    while (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(about)? > 0 {
        lines += 1;
        let is_whole = line.len() < MAX_LINE as usize;
        let request = log::read(&String::from_utf8_lossy(&line));
        let request = request.filter(|request| request.target.starts_with(API));
        line.clear();
        match request {
            Some(request) if is_whole => {
                if known.insert(request.clone()) {
                    requests.push(request);
                }
            }
            _ => others += 1,
        }
    }
    if others > 0 && !requests.is_empty() {
        say(&format!("{others} of {lines} lines are no GET below /api, and are passed over"));
    }
    if requests.is_empty() {
        return Err(Failure::new(format!(
            "{}: none of its {lines} lines is a GET below /api",
            file.display()
        )));
    }
    Ok(requests)
}

fn path_of(request: &LoggedRequest) -> &str {
    request.target.split('?').next().unwrap_or_default()
}

impl ServerPair {
    /// The result of comparing both answers to a request, and whether both refused it for want of a valid key.
    async fn compare(&self, request: &LoggedRequest) -> (Outcome, bool) {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let declared = shadow::declared(path_of(request), query);
        let Some((there, here)) = self.send(request).await else { return (Outcome::Unanswered, false) };
        let was_refused = (there.status, here.status) == (401, 401);
        (
            shadow::compare_twice(&declared, (there, here), async || self.send(request).await).await,
            was_refused,
        )
    }

    async fn send(&self, request: &LoggedRequest) -> Option<(ComparedAnswer, ComparedAnswer)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(host) = &self.host {
            headers.insert(header::HOST, host.clone());
        }
        if let Some(key) = self.keys.of_user(request.user.as_deref()) {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).ok()?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let (there, here) =
            tokio::join!(answer(&self.there, request, &headers), answer(&self.here, request, &headers));
        Some((there?, here?))
    }
}

/// The answer of a server. If it is unavailable, the request is sent again after its `Retry-After`.
async fn answer(server: &Upstream, request: &LoggedRequest, headers: &HeaderMap) -> Option<ComparedAnswer> {
    for _ in 0..TRIES {
        let answer = server.get(&request.target, headers.clone(), MAX_ANSWER).await.ok()?;
        if !shadow::is_unanswered(answer.status().as_u16()) {
            return Some(ComparedAnswer::of(&answer));
        }
        let wait =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1).min(MAX_WAIT))).await;
    }
    None
}
