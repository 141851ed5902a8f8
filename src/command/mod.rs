//! The command line. Each command has a file or folder. This file reads the arguments, runs one command, and reports a
//! failure as one line on standard error and as exit code: 0 success, 1 failure, 2 wrong usage.

mod contracts;
mod demo;
mod doctor;
mod health;
mod key;
mod man;
mod migrate;
mod outbox;
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
use facade::failure::{self, Failure as Kind};
use sea_orm::{DatabaseConnection, DbErr};

use self::doctor::Contents;
use crate::database;
use crate::platform::config::{self, Config, ConfigError};

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
    /// Ask the running server whether it lives: exit code 0 if it does
    Health(health::Arguments),
    /// Bring the database to the current schema
    Migrate(migrate::Arguments),
    /// Make an API key and print it once
    #[command(alias = key::DOCUMENTED, after_help = key::EXAMPLES)]
    CreateApiKey(key::Create),
    /// List the API keys: never their secrets
    ListApiKeys(key::List),
    /// Restrict an API key: addresses, requests a minute, reading only, a note
    RestrictApiKey(key::Restrict),
    /// Make a key in the place of another one, which works on for a while
    RotateApiKey(key::Rotate),
    /// Delete an API key: it stops working within a second
    RevokeApiKey(key::Revoke),
    /// Show what is still to be sent, mails and webhooks; send it again or drop it
    Outbox(outbox::Arguments),
    /// Show the differences from the upstream's answers that GUICHET_SHADOW has found
    Shadow(shadow::Arguments),
    /// Send the GET requests of an access log to the shop's own server and to guichet, and compare the answers
    Replay(replay::Arguments),
    /// Fill the database with a large invented shop, to measure and to try out
    Seed(seed::Arguments),
    /// Write schema.graphql, openapi.json and docs/settings.md, or compare them with --check
    Contracts(contracts::Arguments),
    /// List the REST routes with their operations and the abilities they need
    Routes(routes::Arguments),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    Man(man::Arguments),
}

/// How long an idle thread for blocking work lives. Its memory is freed when it ends.
const BLOCKING_THREAD_LIFETIME: Duration = Duration::from_secs(1);

/// How long blocking work may hold up the end of the process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Stack of a thread in bytes: nested conditions are parsed by recursion. Unused stack takes no memory.
const STACK_SIZE: usize = 8 << 20;

/// Runs the command that the arguments of the process name.
pub fn main() -> ExitCode {
    let done = arguments().and_then(|cli| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.enable_all().thread_stack_size(STACK_SIZE);
        runtime.thread_keep_alive(BLOCKING_THREAD_LIFETIME).on_thread_park(free_unused_memory);
        let runtime = runtime.build()?;
        let done = runtime.block_on(run(cli));
        // A name server that does not answer keeps its threads for long.
        runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error is closed, the failure cannot be reported.
            let _ = writeln!(io::stderr(), "guichet: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

/// Seconds that a server has run. In each of them, every thread frees unused memory once.
static SECONDS_RUNNING: AtomicU32 = AtomicU32::new(0);

/// Frees unused memory of a thread that becomes idle. It is called often, so it reads a counter and not the clock.
fn free_unused_memory() {
    thread_local! {
        static LAST: Cell<u32> = const { Cell::new(0) };
    }
    let second = SECONDS_RUNNING.load(Ordering::Relaxed);
    if LAST.replace(second) != second {
        allocator::give_back();
    }
}

/// The names of the command `create-api-key`.
const CREATE_API_KEY: [&str; 2] = ["create-api-key", key::DOCUMENTED];

/// Parses the arguments. Help and wrong usage end the process.
fn arguments() -> Result<Cli, Failure> {
    Cli::try_parse().map_err(|error| {
        let creates = std::env::args().skip(1).any(|argument| CREATE_API_KEY.contains(&argument.as_str()));
        creates.then(|| key::refusal(&error)).flatten().unwrap_or_else(|| error.exit())
    })
}

/// Runs one command.
async fn run(cli: Cli) -> Result<(), Failure> {
    let environment = Environment { file: cli.env_file };
    let done = run_command(&environment, cli.command).await;
    done.map_err(|failure| environment.explained(failure))
}

async fn run_command(environment: &Environment, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(environment, arguments).await,
        Command::Doctor(arguments) => doctor::run(environment, &arguments).await,
        Command::Health(arguments) => health::run(environment, &arguments).await,
        Command::Migrate(arguments) => migrate::run(&environment.config()?, &arguments).await,
        Command::CreateApiKey(arguments) => key::create(environment, arguments).await,
        Command::ListApiKeys(arguments) => key::list(environment, &arguments).await,
        Command::RestrictApiKey(arguments) => key::restrict(environment, arguments).await,
        Command::RotateApiKey(arguments) => key::rotate(environment, arguments).await,
        Command::RevokeApiKey(arguments) => key::revoke(environment, &arguments).await,
        Command::Outbox(arguments) => outbox::run(environment, &arguments).await,
        Command::Shadow(arguments) => shadow::run(environment, &arguments),
        Command::Replay(arguments) => replay::run(environment, arguments).await,
        Command::Seed(arguments) => seed::run(&environment.config()?, arguments).await,
        Command::Contracts(arguments) => contracts::run(&arguments).await,
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "guichet", &mut script);
            print(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
    }
}

/// What may be meant where a database cannot be reached that no setting names.
const NO_DATABASE: &str = "no setting names a database: start in the folder of the shop's .env, or name that file with \
                           --env-file; serve and the commands of keys take --demo";

/// The source of the settings: the environment, and a file of variables.
struct Environment {
    file: Option<PathBuf>,
}

impl Environment {
    fn variables(&self) -> Result<Vec<(String, String)>, Failure> {
        Ok(config::environment(self.file.as_deref().map(Path::new))?)
    }

    /// A failure with what may be meant by somebody who has set nothing.
    fn explained(&self, failure: Failure) -> Failure {
        let names_none = |found: Vec<_>| config::names_database(&found).is_none();
        if failure.is_of_connection && self.variables().is_ok_and(names_none) {
            return Failure { text: format!("{}; {NO_DATABASE}", failure.text), ..failure };
        }
        failure
    }

    fn config(&self) -> Result<Config, Failure> {
        let config = Config::from_env(self.variables()?)?;
        entity::set_zone(config.timezone)?;
        Ok(config)
    }

    /// The settings, with the default in place of each value that is not accepted, and what is refused.
    fn config_and_refused(&self) -> Result<(Config, Vec<ConfigError>), Failure> {
        let (config, refused) = Config::with_defaults_for_refused(self.variables()?);
        entity::set_zone(config.timezone)?;
        Ok((config, refused))
    }
}

/// Opens a database that must exist.
async fn open(config: &Config) -> Result<DatabaseConnection, Failure> {
    let hint = match &config.database.target {
        config::DatabaseTarget::File(path) if !path.exists() => ": run `guichet migrate` to make it",
        _ => "",
    };
    let opened = database::connect(config).await;
    opened.map_err(|error| Failure {
        is_of_connection: true,
        ..Failure::new(format!("cannot open the database{hint} ({error})"))
    })
}

/// Opens a database that must have the tables of the shop.
async fn shop(config: &Config) -> Result<DatabaseConnection, Failure> {
    let db = open(config).await?;
    let Err(error) = find_tables(&db).await else { return Ok(db) };
    if failure::of(&error) != Kind::Absent {
        return Err(Failure::new(format!("the database cannot be read: {error}")));
    }
    Err(Failure::new(match doctor::contents(config, &db).await? {
        Contents::Nothing => {
            format!("the database lacks the shop's tables: run `guichet migrate` ({error})")
        }
        Contents::Shop(_) => {
            format!("the database lacks a part of the shop's tables: `guichet doctor` tells which ({error})")
        }
        Contents::Another(tables) => format!(
            "this is not a shop's database, it holds {}: correct DATABASE_URL or DB_DATABASE ({error})",
            doctor::listed(&tables)
        ),
        Contents::Hidden(schema) => schema.to_string(),
    }))
}

/// Checks that a database has the tables of the shop.
async fn find_tables(db: &DatabaseConnection) -> Result<(), DbErr> {
    use entity::personal_access_token::Entity as Keys;
    use sea_orm::{EntityTrait, QuerySelect};

    Keys::find().limit(1).all(db).await.map(drop)
}

/// The failure of a command.
#[derive(Debug)]
struct Failure {
    /// The reason; it is printed as one line.
    text: String,
    /// Exit code of the process.
    code: u8,
    /// Whether the database cannot be opened.
    is_of_connection: bool,
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1, is_of_connection: false }
    }

    fn of(cause: impl fmt::Display) -> Self {
        Self::new(cause.to_string())
    }

    fn usage(text: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(text) }
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

/// Prints a line on standard output. A closed pipe (`| head`) is not a failure.
fn say(line: &str) {
    print(&format!("{line}\n"));
}

/// Prints a text on standard output, as [`say`] does.
fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
