//! What operators see: connections, counters, the log, and the shop's own server behind guichet.
//!
//! | Module | Holds |
//! |---|---|
//! | [`connections`] | slow clients, many clients, and the end of the server |
//! | [`doctor`] | `guichet doctor` on the recorded shop, healthy and not |
//! | [`metrics`] | Prometheus' counters |
//! | [`outbox`] | mails that are sent after the commit, and those that are not |
//! | [`request_log`] | the line of each request in the log, and data that it never has |
//! | [`shadow`] | its answers and guichet's, compared |
//! | [`traces`] | what an OpenTelemetry collector receives |
//! | [`upstream`] | the shop's own server behind guichet: which requests are forwarded, and how |

pub(crate) mod connections;
pub(crate) mod doctor;
pub(crate) mod metrics;
mod outbox;
pub(crate) mod request_log;
pub(crate) mod shadow;
pub(crate) mod trace_settings;
#[cfg(feature = "otlp")]
mod traces;
pub(crate) mod upstream;
