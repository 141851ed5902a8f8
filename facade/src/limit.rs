//! A caller's rate limits, and the headers that report them.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Length of a rate limit's window.
pub const WINDOW: Duration = Duration::from_secs(60);
/// Names of the limits in headers.
const REQUESTS: &str = "requests";
const POINTS: &str = "points";
const OPERATION: &str = "operation";

/// The result of counting a request against a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// No limit is set, or nothing was counted yet.
    #[default]
    Unlimited,
    /// Counted; the state of the window afterwards.
    Counted(WindowState),
    /// Refused and not counted: less is left than the request needs.
    Refused(WindowState),
}

/// The state of a limit's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowState {
    /// Requests or points that a window allows.
    pub limit: u32,
    /// Requests or points that are left.
    pub remaining: u32,
    /// Seconds until the window ends.
    pub resets_in: u64,
}

impl Verdict {
    /// The state of the window, where there is a limit.
    pub fn window(self) -> Option<WindowState> {
        match self {
            Self::Unlimited => None,
            Self::Counted(window) | Self::Refused(window) => Some(window),
        }
    }

    /// The one of two verdicts about the same request that leaves less.
    #[must_use]
    pub fn narrower(self, other: Self) -> Self {
        let left = |verdict: Self| verdict.window().map_or(u32::MAX, |window| window.remaining);
        if left(other) < left(self) { other } else { self }
    }

    /// Seconds until the window ends, where the request was refused.
    pub fn retry_after(self) -> Option<u64> {
        if let Self::Refused(window) = self { Some(window.resets_in) } else { None }
    }
}

/// Both rate limits of a caller, as an answer's headers report them.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallerLimits {
    /// Requests a minute.
    pub requests: Verdict,
    /// Points a minute.
    pub points: Verdict,
    /// What a limiter of the operation's own counts in a minute.
    pub own: Verdict,
}

impl CallerLimits {
    /// Seconds until the caller may try again, where a limit refused the request.
    pub fn retry_after(self) -> Option<u64> {
        self.requests.retry_after().max(self.points.retry_after()).max(self.own.retry_after())
    }

    /// Adds the headers that tell a client where it stands: those of the original, which know requests only,
    /// and those of draft-ietf-httpapi-ratelimit-headers. The original's tell of the operation's own limiter, where it has
    /// one. `now` is the Unix time.
    pub fn write(self, headers: &mut HeaderMap, now: i64) {
        if let Some(window) = self.own.window().or(self.requests.window()) {
            let mut set = |name: HeaderName, value: i64| headers.insert(name, HeaderValue::from(value));
            set(HeaderName::from_static("x-ratelimit-limit"), window.limit.into());
            let retry_after = self.retry_after();
            let remaining = if retry_after.is_some() { 0 } else { window.remaining };
            set(HeaderName::from_static("x-ratelimit-remaining"), remaining.into());
            if let Some(seconds) = retry_after.and_then(|seconds| i64::try_from(seconds).ok()) {
                set(HeaderName::from_static("x-ratelimit-reset"), now + seconds);
            }
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        self.write_standard(headers);
    }

    /// Adds `RateLimit-Policy` and `RateLimit`: lists of structured fields (RFC 9651), one item for each limit.
    fn write_standard(self, headers: &mut HeaderMap) {
        let (mut policies, mut standings) = (String::new(), String::new());
        for (name, verdict) in [(REQUESTS, self.requests), (OPERATION, self.own), (POINTS, self.points)] {
            let Some(window) = verdict.window() else { continue };
            let WindowState { limit, remaining, resets_in } = window;
            let joint = if policies.is_empty() { "" } else { ", " };
            // Without `qu`, the unit is requests.
            let measure = if name == POINTS { r#";qu="points""# } else { "" };
            let window = WINDOW.as_secs();
            // Writing to a String cannot fail.
            let _ = write!(policies, r#"{joint}"{name}";q={limit}{measure};w={window}"#);
            let _ = write!(standings, r#"{joint}"{name}";r={remaining};t={resets_in}"#);
        }
        for (name, text) in [("ratelimit-policy", policies), ("ratelimit", standings)] {
            if let Ok(value) = HeaderValue::try_from(text)
                && !value.is_empty()
            {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(limit: u32, remaining: u32) -> Verdict {
        Verdict::Counted(WindowState { limit, remaining, resets_in: 60 })
    }

    #[test]
    fn headers_tell_of_every_limit() {
        let mut headers = HeaderMap::new();
        CallerLimits {
            requests: counted(60, 59),
            points: counted(200_000, 199_990),
            own: Verdict::Unlimited,
        }
        .write(&mut headers, 0);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let policy = r#""requests";q=60;w=60, "points";q=200000;qu="points";w=60"#;
        assert_eq!(text("ratelimit-policy"), Some(policy));
        assert_eq!(text("ratelimit"), Some(r#""requests";r=59;t=60, "points";r=199990;t=60"#));
        assert_eq!((text("x-ratelimit-limit"), text("x-ratelimit-remaining")), (Some("60"), Some("59")));
        assert_eq!((text("retry-after"), text("x-ratelimit-reset")), (None, None));

        let mut headers = HeaderMap::new();
        let refused = Verdict::Refused(WindowState { limit: 10, remaining: 3, resets_in: 42 });
        CallerLimits { requests: counted(60, 59), points: refused, own: Verdict::Unlimited }
            .write(&mut headers, 1000);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!((text("retry-after"), text("x-ratelimit-reset")), (Some("42"), Some("1042")));
        assert_eq!(text("x-ratelimit-remaining"), Some("0"));

        let mut headers = HeaderMap::new();
        CallerLimits { requests: counted(60, 59), own: counted(10, 4), ..CallerLimits::default() }
            .write(&mut headers, 0);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!((text("x-ratelimit-limit"), text("x-ratelimit-remaining")), (Some("10"), Some("4")));
        assert_eq!(text("ratelimit"), Some(r#""requests";r=59;t=60, "operation";r=4;t=60"#));

        let mut headers = HeaderMap::new();
        CallerLimits::default().write(&mut headers, 0);
        assert!(headers.is_empty());
    }
}
