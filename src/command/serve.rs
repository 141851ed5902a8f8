//! `guichet serve`: the running server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use facade::failure::{self, Failure as Kind};
use sea_orm::{DatabaseConnection, DbErr};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::{Environment, Failure, demo, say, shop};
use crate::database::own_tables::OwnTablesError;
use crate::platform::clock::Clock;
use crate::platform::config::{Config, ConnectionLimits, Driver};
use crate::server::connection::Server;
use crate::server::telemetry::Log;
use crate::{App, database};

/// How often the last use of keys is written.
const BOOKS: Duration = Duration::from_secs(10);

/// How often each thread gives free memory back: its own, only it can.
const MEMORY: Duration = Duration::from_secs(1);

/// Files that are open beside connections to clients and to the database.
const OTHER_FILES: usize = 64;

/// How long a database that is away at the start is left alone: from the first pause, doubled each
/// time, to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(10);

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
    if arguments.demo {
        demo::refuse_real_shop(&environment.variables()?)?;
    }
    let mut config = environment.config()?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    config.read_only |= arguments.read_only;
    // What waits to be written is written at the end.
    let _log = Log::start(config.log_format);
    if !arguments.demo {
        let away = first_look(&config).await?;
        let db = database::connect_for_serving(&config).await?;
        let app = App::new(config.clone(), db.clone(), Clock::Real).await?;
        match away {
            Some(cause) => drop(tokio::spawn(await_database(config.clone(), app.clone(), cause))),
            None => make_own_tables(&app).await?,
        }
        return serve(&config, app, db, |address| vec![format!("guichet listens on http://{address}")]).await;
    }
    let demo = demo::open(&mut config).await?;
    let app = App::new(config.clone(), demo.db.clone(), Clock::Real).await?.with_demo_key(&demo.keys.full());
    make_own_tables(&app).await?;
    serve(&config, app, demo.db, |address| demo.keys.welcome(address)).await
}

/// Looks at the database before the server listens. One that is away is returned as its error: it
/// may come. Everything else that is wrong with it needs an operator and stops the start.
async fn first_look(config: &Config) -> Result<Option<DbErr>, Failure> {
    match database::connect(config).await {
        Err(error) if config.database.driver != Driver::Sqlite && is_away(&error) => Ok(Some(error)),
        _ => shop(config).await?.close().await.map(|()| None).map_err(Failure::from),
    }
}

/// guichet's own tables. A server without them starts all the same, but not one that is older than they are.
async fn make_own_tables(app: &App) -> Result<(), Failure> {
    match app.make_own_tables().await {
        Ok(()) => Ok(()),
        Err(lack @ OwnTablesError::Newer(_)) => Err(Failure::new(lack.to_string())),
        Err(lack) => {
            tracing::warn!(%lack, "nobody can sign in");
            Ok(())
        }
    }
}

/// Whether nothing answers where the database should be, or it is only starting or crowded.
fn is_away(error: &DbErr) -> bool {
    matches!(failure::of(error), Kind::Lost | Kind::Unavailable)
}

/// Waits for a database that was away at the start, and says so at each attempt. Requests are
/// answered with 503 until then.
async fn await_database(config: Config, app: App, mut cause: DbErr) {
    let mut pause = FIRST_PAUSE;
    loop {
        tracing::warn!(%cause, retry_in_seconds = pause.as_secs_f32(), "the database is away");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
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
        tracing::warn!(%lack, "nobody can sign in");
    }
}

async fn serve(
    config: &Config,
    app: App,
    db: DatabaseConnection,
    welcome: impl FnOnce(SocketAddr) -> Vec<String>,
) -> Result<(), Failure> {
    let bounds = within_open_files(config);
    let listener = listen(config.listen).await?;
    if let Some(address) = config.metrics_listen {
        let listener = listen(address).await?;
        tracing::info!("counters at http://{}/metrics", listener.local_addr()?);
        let server = Server::new(app.metrics(), bounds, &config.trusted_proxies);
        // It ends with the process.
        tokio::spawn(server.serve(listener, std::future::pending()));
    }
    // Whoever reads the welcome may stop the server at once.
    let stopped = stop()?;
    welcome(listener.local_addr()?).iter().for_each(|line| say(line));
    let books = tokio::spawn(keep_books(app.clone()));
    let memory = tokio::spawn(wake_idle_threads());
    let finding = app.clone();
    let findings = tokio::spawn(async move { finding.write_findings_periodically().await });
    let told = Arc::new(Notify::new());
    let notice = Arc::clone(&told);
    let server = Server::new(app.site(), bounds, &config.trusted_proxies);
    // On a thread that answers: connections need not be handed over to one.
    let serving = tokio::spawn(server.serve(listener, async move {
        stopped.await;
        tracing::info!("stopping: requests under way are answered first");
        notice.notify_one();
    }));
    let overdue = async {
        told.notified().await;
        tokio::time::sleep(config.timeout + config.connections.grace).await;
    };
    tokio::select! {
        served = serving => served?,
        () = overdue => tracing::warn!("a client did not finish its request in time"),
    }
    books.abort();
    memory.abort();
    findings.abort();
    app.write_used_keys().await?;
    app.flush_telemetry().await;
    // A connection that falls silent now is nobody's any more.
    match tokio::time::timeout(config.connections.grace, db.close()).await {
        Ok(closed) => closed?,
        Err(_) => tracing::warn!("the database's connections could not be closed in time"),
    }
    Ok(())
}

/// The bounds of connections, once the process may open as many files as the system lets it: fewer where
/// that is not enough.
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

/// Writes when keys were last used, for all of them at once.
async fn keep_books(app: App) {
    let mut tick = tokio::time::interval(BOOKS);
    loop {
        tick.tick().await;
        if let Err(error) = app.write_used_keys().await {
            tracing::warn!(%error, "the last use of keys was not written");
        }
    }
}

/// Wakes the threads of an idle server again and again: they give free memory back before they sleep on, so that
/// none is kept of a burst.
async fn wake_idle_threads() {
    let mut tick = tokio::time::interval(MEMORY);
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    loop {
        tick.tick().await;
        super::SECOND.fetch_add(1, Ordering::Relaxed);
        for _ in 0..threads {
            tokio::spawn(std::future::ready(()));
        }
    }
}

/// Waits for SIGTERM or SIGINT.
fn stop() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
