//! CPU time from `/proc`, to the nanosecond, where `/proc/<pid>/stat` counts in hundredths of a second.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What one thread spends in a round that hashes passwords, at the least: a hash takes more, and all else that a
/// thread does in such a round takes much less.
const HASHING: f64 = 0.1;

/// CPU time of threads so far, user and system, in seconds.
pub struct Cpu(HashMap<PathBuf, f64>);

/// CPU time that was spent, in seconds.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    /// All of it.
    pub all: f64,
    /// That of threads which spent so much that they have hashed passwords.
    pub hashing: f64,
}

impl Cpu {
    /// The threads of processes.
    pub fn of(processes: &[u32]) -> Self {
        let threads =
            processes.iter().flat_map(|process| entries(Path::new(&format!("/proc/{process}/task"))));
        Self(threads.filter_map(|thread| Some((thread.clone(), spent(&thread)?))).collect())
    }

    /// What was spent since an earlier look. What a thread spent that has ended since is not in it: those that work
    /// for longer than a request don't end.
    pub fn since(&self, earlier: &Self) -> Spent {
        let mut sum = Spent::default();
        for (thread, now) in &self.0 {
            let spent = now - earlier.0.get(thread).copied().unwrap_or_default();
            sum.all += spent;
            if spent > HASHING {
                sum.hashing += spent;
            }
        }
        sum
    }
}

fn spent(thread: &Path) -> Option<f64> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse::<u64>().ok().map(|nanoseconds| nanoseconds as f64 / 1e9)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|all| all.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// A process and all that it has started.
pub fn family(parent: u32) -> Vec<u32> {
    let is_child = |process: &u32| parent_of(*process) == Some(parent);
    let processes = entries(Path::new("/proc"));
    let processes = processes.iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok());
    std::iter::once(parent).chain(processes.filter(is_child)).collect()
}

/// The process that has started another one.
pub fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name is in parentheses, and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Resident memory of a process in MB.
pub fn memory(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes * 1024.0 / 1e6)
}
