//! `guichet serve`: the running server.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use guichet::App;
use guichet::clock::Clock;
use guichet::config::Config;
use sea_orm::DatabaseConnection;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Environment, Failure, demo, say, shop};

/// How often the last use of keys is written.
const BOOKS: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(super) struct Arguments {
    /// Serve an invented shop from an SQLite file, made on the first start
    #[arg(long)]
    demo: bool,
    /// Address to listen on, in place of GUICHET_LISTEN
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(environment: &Environment, arguments: Arguments) -> Result<(), Failure> {
    log_to_stderr();
    if arguments.demo {
        demo::refuse_real_shop(&environment.variables()?)?;
    }
    let mut config = environment.config()?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    if !arguments.demo {
        let db = shop(&config).await?;
        let app = App::new(config.clone(), db.clone(), Clock::Real).await?;
        return serve(&config, app, db, |address| vec![format!("guichet listens on http://{address}")]).await;
    }
    let demo = demo::open(&mut config).await?;
    let app = App::new(config.clone(), demo.db.clone(), Clock::Real).await?.with_demo_key(&demo.keys.full());
    serve(&config, app, demo.db, |address| demo.keys.welcome(address)).await
}

/// Structured logs, `info` and above unless `RUST_LOG` says otherwise.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sea_orm_migration=warn,sqlx=warn"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}

async fn serve(
    config: &Config,
    app: App,
    db: DatabaseConnection,
    welcome: impl FnOnce(SocketAddr) -> Vec<String>,
) -> Result<(), Failure> {
    let wanted = config.listen;
    let listener = TcpListener::bind(wanted)
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {wanted}: {error}")))?;
    // Whoever reads the welcome may stop the server at once.
    let stopped = stop()?;
    welcome(listener.local_addr()?).iter().for_each(|line| say(line));
    let books = tokio::spawn(keep_books(app.clone()));
    let service = app.router().into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stopped).await?;
    books.abort();
    app.write_used_keys().await?;
    db.close().await?;
    Ok(())
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

/// Waits for SIGTERM or SIGINT; requests that are under way are answered first.
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
