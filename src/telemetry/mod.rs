//! What the operator is told of the server's work: a line in the log for each request.
//!
//! A request that somebody wants to know of has an [`Ongoing`] around its work. Whatever answers it
//! reaches that without being handed it, and notes what it learns; at the end, everything is told at
//! once. Where nobody wants to know there is none, and noting does nothing.
//!
//! Told are names, numbers and identifiers that the server itself gave: never a text that a
//! client sent, no address, no secret.

mod ongoing;
mod trace;

use std::sync::Arc;

use axum::extract::Request;

use self::ongoing::Ongoing;
pub(crate) use self::ongoing::{Face, note, trace_id};
pub use self::trace::TraceId;
use crate::config::Config;
use crate::reader::Observer;

/// Who wants to know of requests.
pub struct Telemetry {
    log: bool,
}

impl Telemetry {
    /// As the operator has set it.
    pub fn new(config: &Config) -> Self {
        Self { log: config.request_log }
    }

    /// Begins to watch a request, if somebody wants to know of it.
    pub(crate) fn begin(self: &Arc<Self>, request: &Request) -> Option<Ongoing> {
        let wanted = self.log && ongoing::is_logged();
        wanted.then(|| Ongoing::new(request))
    }

    /// An observer of SQL statements that counts them for their requests, and tells another.
    #[must_use]
    pub fn observer(other: Observer) -> Observer {
        Arc::new(move |sql| {
            ongoing::count_statement();
            other(sql);
        })
    }
}
