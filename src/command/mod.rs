//! The command line. Each command has a file; this one reads the arguments, runs one command, and turns
//! its failure into one line on standard error and an exit code (0 done, 1 failed, 2 wrong usage).

mod contracts;
mod demo;
mod doctor;
mod key;
mod migrate;
mod replay;
mod routes;
mod seed;
mod serve;
mod shadow;

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use sea_orm::DatabaseConnection;

use crate::database;
use crate::platform::config::{self, Config};

/// GraphQL and REST for hosting shops, from one set of resolvers.
#[derive(Parser)]
#[command(name = "guichet", version, arg_required_else_help = true)]
struct Cli {
    /// File with settings, in place of .env in the current folder
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve GraphQL and REST until SIGTERM or Ctrl-C
    #[command(after_help = config::help())]
    Serve(serve::Arguments),
    /// Examine settings and database: what is wrong, and how to mend it
    Doctor(doctor::Arguments),
    /// Bring the database to the current schema
    Migrate(migrate::Arguments),
    /// Make an API key and print it once
    #[command(alias = "clientxcms:create-api-key", after_help = key::EXAMPLES)]
    CreateApiKey(key::Create),
    /// List the API keys: never their secrets
    ListApiKeys(key::List),
    /// Delete an API key: it stops working at once
    RevokeApiKey(key::Revoke),
    /// Show where answers differ from the upstream's, of those that GUICHET_SHADOW has compared
    Shadow(shadow::Arguments),
    /// Ask the GETs of an access log of the shop's own server and of guichet, and compare the answers
    Replay(replay::Arguments),
    /// Fill the database with a large invented shop, to measure and to try out
    Seed(seed::Arguments),
    /// Write schema.graphql and openapi.json, or compare them with --check
    Contracts(contracts::Arguments),
    /// List the REST routes with their operations and the abilities they need
    Routes(routes::Arguments),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// How long a thread waits for more work that may take long. What it has allocated goes with it.
const BLOCKING_THREAD: Duration = Duration::from_secs(1);

/// Stack of a thread: conditions within conditions are read one within the other. What is not used takes no memory.
const STACK: usize = 8 << 20;

/// What the process's arguments ask for, to its end.
pub fn main() -> ExitCode {
    let done = arguments().and_then(|cli| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.enable_all().thread_stack_size(STACK);
        runtime.thread_keep_alive(BLOCKING_THREAD).on_thread_park(give_memory_back);
        runtime.build()?.block_on(run(cli))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nowhere is left to report that standard error is closed.
            let _ = writeln!(io::stderr(), "guichet: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

/// Seconds of a server that runs: in each, every thread gives back once.
static SECOND: AtomicU32 = AtomicU32::new(0);

/// Gives the memory of a thread back that has nothing to do. It is asked often: no clock is looked at.
fn give_memory_back() {
    thread_local! {
        static LAST: Cell<u32> = const { Cell::new(0) };
    }
    let second = SECOND.load(Ordering::Relaxed);
    if LAST.replace(second) != second {
        allocator::give_back();
    }
}

/// The names of `create-api-key`.
const CREATE_API_KEY: [&str; 2] = ["create-api-key", "clientxcms:create-api-key"];

/// The command line. Help and wrong usage end the process.
fn arguments() -> Result<Cli, Failure> {
    Cli::try_parse().map_err(|error| {
        let creates = std::env::args().skip(1).any(|argument| CREATE_API_KEY.contains(&argument.as_str()));
        creates.then(|| key::refusal(&error)).flatten().unwrap_or_else(|| error.exit())
    })
}

/// Runs one command.
async fn run(cli: Cli) -> Result<(), Failure> {
    let environment = Environment { file: cli.env_file };
    match cli.command {
        Command::Serve(arguments) => serve::run(&environment, arguments).await,
        Command::Doctor(arguments) => doctor::run(&environment, &arguments).await,
        Command::Migrate(arguments) => migrate::run(&environment.config()?, &arguments).await,
        Command::CreateApiKey(arguments) => key::create(&environment.config()?, arguments).await,
        Command::ListApiKeys(arguments) => key::list(&environment.config()?, &arguments).await,
        Command::RevokeApiKey(arguments) => key::revoke(&environment.config()?, &arguments).await,
        Command::Shadow(arguments) => shadow::run(&environment, &arguments),
        Command::Replay(arguments) => replay::run(&environment, arguments).await,
        Command::Seed(arguments) => seed::run(&environment.config()?, arguments).await,
        Command::Contracts(arguments) => contracts::run(&arguments).await,
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "guichet", &mut script);
            print(&String::from_utf8_lossy(&script));
            Ok(())
        }
    }
}

/// Where the settings come from.
struct Environment {
    file: Option<PathBuf>,
}

impl Environment {
    fn variables(&self) -> Result<Vec<(String, String)>, Failure> {
        Ok(config::environment(self.file.as_deref().map(Path::new))?)
    }

    fn config(&self) -> Result<Config, Failure> {
        let config = Config::from_env(self.variables()?)?;
        entity::set_zone(config.timezone)?;
        Ok(config)
    }
}

/// Opens a database that must be there.
async fn open(config: &Config) -> Result<DatabaseConnection, Failure> {
    let hint = match &config.database.target {
        config::DatabaseTarget::File(path) if !path.exists() => ": run `guichet migrate` to make it",
        _ => "",
    };
    let opened = database::connect(config).await;
    opened.map_err(|error| Failure::new(format!("cannot open the database{hint} ({error})")))
}

/// Opens a database that must hold the shop's tables.
async fn shop(config: &Config) -> Result<DatabaseConnection, Failure> {
    use entity::personal_access_token::Entity as Keys;
    use sea_orm::{EntityTrait, QuerySelect};

    let db = open(config).await?;
    let first = Keys::find().limit(1).all(&db).await;
    first.map_err(|error| {
        Failure::new(format!("the database lacks the shop's tables: run `guichet migrate` ({error})"))
    })?;
    Ok(db)
}

/// Why a command failed, in one line, and its exit code.
#[derive(Debug)]
struct Failure {
    text: String,
    /// Exit code of the process.
    code: u8,
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1 }
    }

    fn of(cause: impl fmt::Display) -> Self {
        Self::new(cause.to_string())
    }

    fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 2 }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Prints a line on standard output; a closed pipe (`| head`) is no failure.
fn say(line: &str) {
    print(&format!("{line}\n"));
}

fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
