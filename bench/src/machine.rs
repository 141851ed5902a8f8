//! The machine and the versions of a run.

use std::process::Command;
use std::{fs, thread};

use serde_json::Value;

use crate::results::Run;
use crate::server::peers;

/// Packages whose versions are reported.
const PEERS: [&str; 5] = ["mercurius", "fastify", "@apollo/server", "postgraphile", "dataloader"];

/// A list of what figures depend on.
pub fn description(runs: &[Run], has_peers: bool) -> String {
    let mut lines = vec![
        format!("- {}", chrono::Utc::now().format("%Y-%m-%d %H:%M UTC")),
        format!("- {}, {} cores, {} GB", processor(), cores(), memory()),
        format!("- Linux {}", said("uname", &["-r"])),
        format!("- {}", said("rustc", &["--version"])),
    ];
    lines.extend(runs.iter().map(|run| format!("- {} {}", run.database.name(), run.version)));
    if has_peers {
        lines.push(format!("- Node {}", said("node", &["--version"])));
        lines.push(format!("- {}", PEERS.map(version).join(", ")));
    }
    lines.join("\n")
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    name.unwrap_or("an unknown processor").to_owned()
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Whole gigabytes.
fn memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
    kilobytes.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1_000_000
}

/// The version that a program prints.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| format!("no {program}"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// A package and its installed version.
fn version(package: &str) -> String {
    let file = peers().join("node_modules").join(package).join("package.json");
    let manifest: Value =
        fs::read_to_string(file).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    format!("{package} {}", manifest["version"].as_str().unwrap_or("?"))
}
