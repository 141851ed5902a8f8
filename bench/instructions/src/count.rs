//! A seeded SQLite shop, and the counts of callgrind.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ask::CASES;
use crate::record::Figures;

/// The function whose instructions are counted, with all functions that it calls.
const MEASURED_FUNCTION: &str = "instructions::ask::measured";
/// Number of requests that are not counted, because caches are empty.
const WARM_UP: usize = 5;

/// A shop in a folder of its own, which is deleted at the end.
pub struct Shop {
    folder: PathBuf,
    key: String,
}

impl Shop {
    /// Creates and fills the shop with the binary `guichet` beside this one.
    pub fn prepare() -> Self {
        let folder = std::env::temp_dir().join(format!("guichet_instructions_{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut shop = Self { folder, key: String::new() };
        shop.run(&["migrate"]);
        shop.run(&["seed", "--customers", "200", "--products", "40", "--date", "2026-11-01"]);
        let told = shop.run(&["create-api-key", "bench", "admin@example.com"]);
        shop.key = told.lines().find_map(|line| line.strip_prefix("Token: ")).expect("a key").to_owned();
        shop
    }

    fn database(&self) -> String {
        format!("sqlite://{}/shop.db?mode=rwc", self.folder.display())
    }

    fn run(&self, arguments: &[&str]) -> String {
        let program = own_path().with_file_name("guichet");
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("DATABASE_URL", self.database())
            .output()
            .expect("the binary `guichet` beside this one");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Instructions of a request of each case: the lower quartile of all repetitions. SQLite works on a thread of
    /// its own, and the number of polls before it answers varies sometimes.
    pub fn count(&self) -> Vec<Figures> {
        let out = self.folder.join("counts");
        std::fs::create_dir_all(&out).expect("a folder");
        // On one processor, and with valgrind's fair scheduling, the order of the two threads is always the same.
        let output = Command::new("taskset")
            .args([
                "-c",
                &processor(),
                "valgrind",
                "--fair-sched=yes",
                "--tool=callgrind",
                "--combine-dumps=no",
            ])
            .arg(format!("--toggle-collect={MEASURED_FUNCTION}"))
            .arg(format!("--dump-after={MEASURED_FUNCTION}"))
            .arg(format!("--callgrind-out-file={}/out", out.display()))
            .arg(own_path())
            .args(["ask", &self.database(), &self.key])
            .current_dir(&self.folder)
            .output()
            .expect("taskset and valgrind");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        let counts = dumps(&out);
        std::fs::remove_dir_all(&out).expect("a folder");
        let mut rest = counts.as_slice();
        let figures = CASES.iter().zip(told.lines()).map(|(case, statements)| {
            let (counts, others) = rest.split_at_checked(case.requests).expect("a dump for each request");
            rest = others;
            Figures {
                instructions: lower_quartile(&counts[WARM_UP..]),
                statements: statements.parse().expect("a number of statements"),
            }
        });
        figures.collect()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The lower quartile. Unlike the minimum, a single outlier hardly changes it.
fn lower_quartile(counts: &[u64]) -> u64 {
    let mut counts = counts.to_vec();
    counts.sort_unstable();
    counts[counts.len() / 4]
}

/// A processor that this program may use.
fn processor() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let digits = allowed.unwrap_or("0").trim().chars().take_while(char::is_ascii_digit);
    digits.collect()
}

fn own_path() -> PathBuf {
    std::env::current_exe().expect("a path")
}

/// What callgrind counted between two ends of the function, in the order of its dumps: `out.1`, `out.2`, …
fn dumps(folder: &Path) -> Vec<u64> {
    let dump = |number: usize| {
        let text = std::fs::read_to_string(folder.join(format!("out.{number}"))).ok()?;
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: "))?;
        totals.trim().parse::<u64>().ok()
    };
    (1..).map_while(dump).filter(|count| *count > 0).collect()
}
