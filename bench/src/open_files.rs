//! How many files and sockets this process may have open.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{env, fs, io};

/// Ensures that this process may open so many files: if not, it raises the limit and executes itself again.
///
/// # Errors
/// When the system doesn't allow so many.
pub fn at_least(wanted: u64) -> io::Result<()> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut numbers = line.unwrap_or_default().split_whitespace();
    let mut next = || numbers.next().map_or(0, |number| number.parse().unwrap_or(u64::MAX));
    let (now, most) = (next(), next());
    if now >= wanted {
        return Ok(());
    }
    if most < wanted {
        return Err(io::Error::other(format!(
            "{wanted} files must be open at once, the system allows {most} (ulimit -Hn)"
        )));
    }
    let script = format!("ulimit -n {wanted} && exec \"$0\" \"$@\"");
    Err(Command::new("sh").arg("-c").arg(script).arg(env::current_exe()?).args(env::args_os().skip(1)).exec())
}
