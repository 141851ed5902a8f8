//! `guichet shadow`: where the answers of guichet and of the shop's own server differ.

use std::path::PathBuf;
use std::{fs, io};

use clap::Args;

use super::{Environment, Failure, print};
use crate::server::shadow::{DifferingValues, Findings};

#[derive(Args)]
pub(super) struct Arguments {
    /// Print the findings as JSON in place of the table
    #[arg(long)]
    json: bool,
    /// Forget everything that was found
    #[arg(long, conflicts_with = "json")]
    clear: bool,
}

pub(super) fn run(environment: &Environment, arguments: &Arguments) -> Result<(), Failure> {
    let file = environment.config()?.shadow_file();
    let about = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
    if arguments.clear {
        return clear(&file).map_err(about);
    }
    let findings = Findings::load(&file).map_err(about)?;
    if arguments.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&findings)?));
    } else if findings.is_empty() {
        print(&format!(
            "No answer was compared yet ({} holds none): GUICHET_SHADOW says how many are.\n",
            file.display()
        ));
    } else {
        print(&table(&findings));
    }
    Ok(())
}

fn clear(file: &PathBuf) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The findings as a table: a line for each operation, and a line for each place that differs.
pub(super) fn table(findings: &Findings) -> String {
    let mut lines =
        vec![line("operation", ["asked", "same", "changed", "different", "unanswered"].map(str::to_owned))];
    for (name, found) in &findings.operations {
        let counts = [found.asked(), found.same, found.changed, found.different, found.unanswered];
        lines.push(line(name, counts.map(|count| count.to_string())));
        for (pattern, place) in &found.places {
            let pointer =
                if *pattern == place.pointer { String::new() } else { format!(", last {}", place.pointer) };
            lines.push(format!("    {pattern}: {} times{pointer}", place.count));
            if let Some(DifferingValues { there, here }) = &place.values {
                let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
                lines.push(format!("        there {}, here {}", shown(there), shown(here)));
            }
        }
    }
    if findings.places_left_out > 0 {
        lines.push(format!("{} more differences, at places that are not kept", findings.places_left_out));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn line(name: &str, counts: [String; 5]) -> String {
    let counts: Vec<String> = counts.iter().map(|count| format!("{count:>10}")).collect();
    format!("{name:<52} {}", counts.join(" "))
}
