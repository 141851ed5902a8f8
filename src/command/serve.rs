//! `guichet serve`: the running server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use facade::failure::{self, Failure as Kind};
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Environment, Failure, NO_DATABASE, demo, doctor, find_tables, say, shop};
use crate::database::own_tables::OwnTablesError;
use crate::platform::clock::Clock;
use crate::platform::config::{Config, ConnectionLimits, Driver, names_database};
use crate::server::connection::Server;
use crate::server::telemetry::Log;
use crate::{App, database};

/// How long the database may take for what is done at the start, once it was reached.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval in which the last use of keys is written.
const KEY_USE_INTERVAL: Duration = Duration::from_secs(10);

/// Interval in which threads free unused memory. Each thread can only free its own.
const MEMORY_INTERVAL: Duration = Duration::from_secs(1);

/// Number of open files that are not connections to clients, the database or the upstream.
const OTHER_FILES: usize = 64;

/// The first and the longest pause between attempts to reach a database that was unavailable at the start. The pause
/// doubles after each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// What is logged where guichet's own tables are not all there.
const OWN_TABLES_LACK: &str =
    "what needs the tables that are missing is off: `guichet doctor` tells what that is";

#[derive(Args)]
pub(super) struct Arguments {
    /// Serve an invented shop from an SQLite file, made on the first start
    #[arg(long)]
    demo: bool,
    /// Address to listen on, in place of GUICHET_LISTEN
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write nothing to the database and refuse every write, as GUICHET_READ_ONLY=1 does
    #[arg(long, conflicts_with = "demo")]
    read_only: bool,
}

pub(super) async fn run(environment: &Environment, arguments: Arguments) -> Result<(), Failure> {
    let variables = environment.variables()?;
    if arguments.demo {
        demo::refuse_real_shop(&variables)?;
    }
    let mut config = environment.config()?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    config.read_only |= arguments.read_only;
    // Buffered lines are written when it is dropped.
    let _log = Log::start(config.log_format);
    if !arguments.demo {
        let unavailable = probe_database(&config).await?;
        if unavailable.is_some() && names_database(&variables).is_none() {
            tracing::warn!("{NO_DATABASE}");
        }
        let db = database::connect_for_serving(&config).await?;
        let app = App::new(config.clone(), db, Clock::Real).await?;
        match unavailable {
            Some(cause) => drop(tokio::spawn(await_database(config.clone(), app.clone(), cause, variables))),
            None => {
                make_own_tables(&app).await?;
                let config = config.clone();
                tokio::spawn(async move { doctor::examine_at_start(&config, &variables).await });
            }
        }
        return serve(&config, app, |address| vec![format!("guichet listens on http://{address}")]).await;
    }
    let mut demo = demo::open(&mut config).await?;
    demo.renew_keys(&config).await?;
    let app = App::new(config.clone(), demo.db, Clock::Real).await?.with_demo_key(&demo.keys.full());
    make_own_tables(&app).await?;
    let served = serve(&config, app, |address| {
        demo::note_address(&config, address);
        demo.keys.welcome(address)
    });
    let served = served.await;
    demo::forget_address(&config);
    served
}

/// Looks at the database before the server listens. One that is away is returned as its error: it
/// may come. Everything else that is wrong with it needs an operator and stops the start.
async fn probe_database(config: &Config) -> Result<Option<DbErr>, Failure> {
    let probe = async { find_tables(&database::connect(config).await?).await };
    match in_time(probe).await {
        Ok(()) => Ok(None),
        Err(error) if config.database.driver != Driver::Sqlite && is_unavailable(&error) => Ok(Some(error)),
        Err(_) => shop(config).await?.close().await.map(|()| None).map_err(Failure::from),
    }
}

/// What is done at the start, unless the database falls silent meanwhile.
async fn in_time<T, E: From<DbErr>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let silent = || DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
    tokio::time::timeout(START_TIMEOUT, work).await.unwrap_or_else(|_| Err(silent().into()))
}

/// Makes guichet's own tables. Without them the server still starts, but it does not start if they are of a newer
/// version.
async fn make_own_tables(app: &App) -> Result<(), Failure> {
    match in_time(app.make_own_tables()).await {
        Ok(()) => Ok(()),
        Err(lack @ OwnTablesError::Newer(_)) => Err(Failure::new(lack.to_string())),
        Err(lack) => {
            tracing::warn!(%lack, "{OWN_TABLES_LACK}");
            Ok(())
        }
    }
}

/// Whether the database cannot be reached, is starting, or has no free connection.
fn is_unavailable(error: &DbErr) -> bool {
    matches!(failure::of(error), Kind::Lost | Kind::Unavailable)
}

/// Waits for a database that was unavailable at the start, and logs each attempt. Until it is available, requests are
/// answered with 503.
async fn await_database(config: Config, app: App, mut cause: DbErr, variables: Vec<(String, String)>) {
    let mut pause = FIRST_PAUSE;
    loop {
        tracing::warn!(%cause, retry_in_seconds = pause.as_secs_f32(), "the database is away");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
        match database::connect(&config).await {
            Err(error) => cause = error,
            Ok(db) => match db.close().await.map_err(crate::Error::from).and(app.ready().await) {
                Ok(()) => break,
                Err(error) => {
                    let text = error.cause().map_or_else(|| error.to_string(), ToString::to_string);
                    cause = DbErr::Custom(text);
                }
            },
        }
    }
    tracing::info!("the database is there");
    if let Err(lack) = app.make_own_tables().await {
        tracing::warn!(%lack, "{OWN_TABLES_LACK}");
    }
    doctor::examine_at_start(&config, &variables).await;
}

async fn serve(
    config: &Config,
    app: App,
    welcome: impl FnOnce(SocketAddr) -> Vec<String>,
) -> Result<(), Failure> {
    let bounds = within_open_files(config);
    let listener = listen(config.listen).await?;
    if let Some(address) = config.metrics_listen {
        let listener = listen(address).await?;
        tracing::info!("counters at http://{}/metrics", listener.local_addr()?);
        let server = Server::new(app.metrics(), bounds, &config.trusted_proxies);
        // It runs until the process ends.
        tokio::spawn(server.serve(listener, std::future::pending()));
    }
    // The handlers of signals are installed first: a reader of the welcome may stop the server at once.
    let stop_signal = stop_signal()?;
    welcome(listener.local_addr()?).iter().for_each(|line| say(line));
    let key_use = tokio::spawn(write_used_keys_periodically(app.clone()));
    let memory = tokio::spawn(wake_idle_threads());
    let stop_sending = CancellationToken::new();
    let sending = app.sends().then(|| {
        let (app, stop) = (app.clone(), stop_sending.clone());
        tokio::spawn(async move { app.send_outbox(stop).await })
    });
    let findings_app = app.clone();
    let findings = tokio::spawn(async move { findings_app.write_findings_periodically().await });
    let stopping = Arc::new(Notify::new());
    let notice = Arc::clone(&stopping);
    let server = Server::new(app.site(), bounds, &config.trusted_proxies);
    // Spawned, so that connections are accepted on a worker thread and need not be moved to one.
    let serving = tokio::spawn(server.serve(listener, async move {
        stop_signal.await;
        tracing::info!("stopping: requests under way are answered first");
        notice.notify_one();
    }));
    let overdue = async {
        stopping.notified().await;
        tokio::time::sleep(config.timeout + config.connections.grace).await;
    };
    tokio::select! {
        served = serving => served?,
        () = overdue => tracing::warn!("a client did not finish its request in time"),
    }
    key_use.abort();
    memory.abort();
    findings.abort();
    stop_sending.cancel();
    if let Some(sending) = sending {
        end_sending(sending, config.connections.grace).await;
    }
    // A database that is away is no reason to fail now.
    if let Err(error) = app.write_used_keys().await {
        tracing::warn!(%error, "the last use of keys was not written");
    }
    app.flush_telemetry().await;
    // A connection that does not answer any more must not delay the end.
    match tokio::time::timeout(config.connections.grace, app.close_database()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the database's connections could not be closed"),
        Err(_) => tracing::warn!("the database's connections could not be closed in time"),
    }
    Ok(())
}

/// Waits for what is being sent. What is cut off is sent again by the next process, with the same identifier.
async fn end_sending(mut sending: JoinHandle<()>, grace: Duration) {
    if tokio::time::timeout(grace, &mut sending).await.is_err() {
        tracing::warn!("a mail or a webhook was not sent in time, and is sent again later");
        sending.abort();
    }
}

/// Raises the limit of open files to the maximum of the system. Returns the limits of connections, reduced to what that
/// limit allows.
fn within_open_files(config: &Config) -> ConnectionLimits {
    let bounds = config.connections;
    let files = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            return bounds;
        }
    };
    let pool = usize::try_from(config.pool_size()).unwrap_or(usize::MAX);
    let passed = config.upstream.as_ref().map_or(0, |upstream| upstream.max);
    let others = pool.saturating_add(passed).saturating_add(OTHER_FILES);
    let max = files.saturating_sub(others).max(1);
    if max < bounds.max {
        tracing::warn!(files, max, "as few files may be open, fewer connections are accepted than is set");
    }
    ConnectionLimits { max: bounds.max.min(max), ..bounds }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Failure::new(format!("cannot listen on {address}: {error}")))
}

/// Writes the last use of all keys in each interval.
async fn write_used_keys_periodically(app: App) {
    let mut tick = tokio::time::interval(KEY_USE_INTERVAL);
    loop {
        tick.tick().await;
        if let Err(error) = app.write_used_keys().await {
            tracing::warn!(%error, "the last use of keys was not written");
        }
    }
}

/// Wakes the threads of an idle server in each interval. They free unused memory before they sleep again, so that the
/// memory of a burst of requests is freed.
async fn wake_idle_threads() {
    let mut tick = tokio::time::interval(MEMORY_INTERVAL);
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    loop {
        tick.tick().await;
        super::SECONDS_RUNNING.fetch_add(1, Ordering::Relaxed);
        for _ in 0..threads {
            tokio::spawn(std::future::ready(()));
        }
    }
}

/// Waits for SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
