//! What an attack on GraphQL costs the server before it is refused: CPU and memory.
//! See README.md beside this crate.

#![expect(clippy::print_stderr, reason = "a command line tells its failures there")]

mod attack;
mod server;

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use attack::{Attack, attacks};
use server::Server;

/// CPU of one refusal, in milliseconds, may not be more.
const MAX_CPU: f64 = 20.0;
/// Nor the memory that it takes for a while, in megabytes.
const MAX_MEMORY: f64 = 20.0;
/// How often each attack is sent where the command line doesn't say.
const REPETITIONS: u32 = 50;

const HEAD: &str = "\
# What attacks on GraphQL cost

Written by `target/release/attacks --write` (`bench/README.md`). Each attack is refused before the database is asked
(`tests/api/limits.rs` counts the statements), with its code, below 20 ms of CPU and 20 MB of memory.

";

/// What one attack costs.
struct Cost {
    cpu: f64,
    memory: f64,
}

struct Options {
    repetitions: u32,
    write: bool,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut options = Self { repetitions: REPETITIONS, write: false };
        let mut arguments = env::args().skip(1);
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--write" => options.write = true,
                "--repetitions" => {
                    options.repetitions = arguments.next().ok_or("--repetitions takes a number")?.parse()?;
                }
                _ => return Err(format!("unknown argument {name}: see bench/README.md").into()),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything; whether each attack stays within the limits.
fn run() -> Result<bool, Box<dyn Error>> {
    let options = Options::read()?;
    let server = Server::start()?;
    // What is allocated once, for the first request, belongs to none of them.
    server.post(br#"{"query": "{ products { nodes { name } } }"}"#)?;
    let mut table =
        "| Attack | Bytes | Refused with | CPU, ms | Memory, MB |\n|---|--:|---|--:|--:|\n".to_owned();
    let mut within = true;
    for attack in attacks() {
        let cost = measure(&server, &attack, options.repetitions)?;
        within &= cost.cpu <= MAX_CPU && cost.memory <= MAX_MEMORY;
        let (name, bytes, code) = (attack.name, attack.body.len(), attack.code);
        writeln!(table, "| {name} | {bytes} | `{code}` | {:.1} | {:.1} |", cost.cpu, cost.memory)?;
    }
    println!("{table}");
    let about = format!(
        "The mean CPU of {} refusals, user and system, and the growth of the peak of resident memory over all of \
         them; from `/proc` of the server, {} build, on {}.\n",
        options.repetitions,
        if cfg!(debug_assertions) { "debug" } else { "release" },
        machine()
    );
    println!("{about}{}", if within { "Every attack stays within the limits" } else { "A LIMIT IS PASSED" });
    if options.write {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("limits.md"), format!("{HEAD}{table}\n{about}"))?;
    }
    Ok(within)
}

/// Sends an attack so often; what it cost each time.
fn measure(server: &Server, attack: &Attack, repetitions: u32) -> Result<Cost, Box<dyn Error>> {
    let (resident, before) = (server.forget_peak()?, server.cpu()?);
    for _ in 0..repetitions {
        let answer = server.post(&attack.body)?;
        let told = &answer.body["errors"][0]["extensions"];
        let [code, limit] = ["code", "limit"].map(|name| told[name].as_str().unwrap_or_default());
        if code != attack.code
            || limit != attack.limit
            || answer.status != attack.status
            || answer.body.get("data").is_some()
        {
            return Err(format!("{}: answered {} {}", attack.name, answer.status, answer.body).into());
        }
    }
    Ok(Cost {
        cpu: (server.cpu()? - before) / f64::from(repetitions),
        memory: (server.peak()? - resident).max(0.0),
    })
}

/// The machine's processor, as it calls itself.
fn machine() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("an unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {model}")
}
