//! CPU time from `/proc`, to the nanosecond, where `/proc/<pid>/stat` counts in hundredths of a second.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Minimum CPU time in seconds of a thread that has hashed a password in a round: a hash takes more, and everything
/// else that a thread does in a round takes much less.
const MIN_HASHING_SECONDS: f64 = 0.1;

/// Unit of `/proc/<pid>/stat`: ticks per second.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time so far, user and system, in seconds.
#[derive(Default)]
pub struct CpuSnapshot {
    threads: HashMap<PathBuf, f64>,
    /// CPU time of child processes that have ended, in hundredths of a second.
    ended: f64,
}

/// CPU time between two snapshots, in seconds.
#[derive(Clone, Copy, Default)]
pub struct CpuTime {
    /// All of it.
    pub all: f64,
    /// CPU time of threads that have hashed passwords.
    pub hashing: f64,
}

impl CpuSnapshot {
    /// A process.
    pub fn of(process: u32) -> Self {
        let threads = entries(Path::new(&format!("/proc/{process}/task")));
        let threads = threads.into_iter().filter_map(|thread| spent(&thread).map(|spent| (thread, spent)));
        Self { threads: threads.collect(), ended: 0.0 }
    }

    /// A process and all that it has started.
    pub fn of_family(parent: u32) -> Self {
        let threads = family(parent).into_iter().flat_map(|process| Self::of(process).threads);
        Self { threads: threads.collect(), ended: ended(parent).unwrap_or_default() }
    }

    /// The CPU time since an earlier snapshot. Threads that have ended in between are not included, unless their
    /// process has ended too; threads that live longer than a request do not end.
    pub fn since(&self, earlier: &Self) -> CpuTime {
        let has_ended = |thread: &&PathBuf| is_first(thread) && !self.threads.contains_key(*thread);
        // When a child ends, its earlier CPU time is reported again.
        let before: f64 =
            earlier.threads.keys().filter(has_ended).map(|thread| earlier.threads[thread]).sum();
        let mut sum = CpuTime { all: self.ended - earlier.ended - before, hashing: 0.0 };
        for (thread, now) in &self.threads {
            let spent = now - earlier.threads.get(thread).copied().unwrap_or_default();
            sum.all += spent;
            if spent > MIN_HASHING_SECONDS {
                sum.hashing += spent;
            }
        }
        sum
    }
}

/// Whether a thread, as `/proc/<pid>/task/<tid>`, is its process's first one.
fn is_first(thread: &Path) -> bool {
    let process = thread.parent().and_then(Path::parent);
    process.and_then(Path::file_name) == thread.file_name()
}

fn spent(thread: &Path) -> Option<f64> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse::<u64>().ok().map(|nanoseconds| nanoseconds as f64 / 1e9)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|all| all.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// A process and all that it has started.
fn family(parent: u32) -> Vec<u32> {
    let is_child = |process: &u32| parent_of(*process) == Some(parent);
    let processes = entries(Path::new("/proc"));
    let processes = processes.iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok());
    std::iter::once(parent).chain(processes.filter(is_child)).collect()
}

/// The process that has started another one.
pub fn parent_of(process: u32) -> Option<u32> {
    field(process, 1)?.parse().ok()
}

/// Seconds of CPU of the processes that a process has started and that have ended.
fn ended(parent: u32) -> Option<f64> {
    let ticks = |at| field(parent, at)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / TICKS_PER_SECOND)
}

/// A field of `/proc/<pid>/stat`, counted from the process's state.
fn field(process: u32, at: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name is in parentheses, and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(at).map(str::to_owned)
}

/// Resident memory of a process in MB.
pub fn memory(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes * 1024.0 / 1e6)
}
