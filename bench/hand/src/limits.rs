//! Rate limits per account and minute: requests and points, and their headers.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::failure::Failure;

const WINDOW: Duration = Duration::from_secs(60);

/// The limits, with the windows of all accounts.
pub struct Limits {
    most: LimitCounts,
    windows: Mutex<HashMap<i64, Window>>,
}

/// Numbers of requests and points.
#[derive(Clone, Copy, Default)]
pub struct LimitCounts {
    pub requests: u32,
    pub points: u32,
}

struct Window {
    opened: Instant,
    used: LimitCounts,
}

/// The state of an account's window.
#[derive(Clone, Copy)]
pub struct WindowState {
    most: LimitCounts,
    left: LimitCounts,
    resets_in: u64,
}

impl Limits {
    pub fn new(most: LimitCounts) -> Self {
        Self { most, windows: Mutex::default() }
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<i64, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request and its maximum price, unless one of them exceeds its limit.
    pub fn take(&self, account: i64, points: u32) -> Result<(), Failure> {
        let now = Instant::now();
        let mut windows = self.windows();
        let window = windows.entry(account).or_insert(Window { opened: now, used: LimitCounts::default() });
        if now - window.opened >= WINDOW {
            *window = Window { opened: now, used: LimitCounts::default() };
        }
        let used = LimitCounts { requests: window.used.requests + 1, points: window.used.points + points };
        if used.requests > self.most.requests || used.points > self.most.points {
            return Err(Failure::TooMany(resets_in(window)));
        }
        window.used = used;
        Ok(())
    }

    /// Corrects the points to the real cost of a request.
    pub fn settle(&self, account: i64, taken: u32, cost: u32) -> WindowState {
        let mut windows = self.windows();
        let window =
            windows.entry(account).or_insert(Window { opened: Instant::now(), used: LimitCounts::default() });
        window.used.points = (window.used.points + cost).saturating_sub(taken);
        let left = LimitCounts {
            requests: self.most.requests.saturating_sub(window.used.requests),
            points: self.most.points.saturating_sub(window.used.points),
        };
        WindowState { most: self.most, left, resets_in: resets_in(window) }
    }
}

/// Whole seconds until a window ends.
fn resets_in(window: &Window) -> u64 {
    let left = WINDOW.saturating_sub(window.opened.elapsed());
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

impl WindowState {
    /// The headers of the original and those of draft-ietf-httpapi-ratelimit-headers.
    pub fn write(self, headers: &mut HeaderMap) {
        let Self { most, left, resets_in } = self;
        let mut set = |name: &'static str, value: HeaderValue| {
            headers.insert(HeaderName::from_static(name), value);
        };
        set("x-ratelimit-limit", most.requests.into());
        set("x-ratelimit-remaining", left.requests.into());
        let (mut policy, mut standing) = (String::with_capacity(80), String::with_capacity(80));
        // Writing to a String cannot fail.
        let _ = write!(
            policy,
            r#""requests";q={};w=60, "points";q={};qu="points";w=60"#,
            most.requests, most.points
        );
        let _ = write!(
            standing,
            r#""requests";r={};t={resets_in}, "points";r={};t={resets_in}"#,
            left.requests, left.points
        );
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", standing)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                set(name, value);
            }
        }
    }
}
