//! Why the shop's own server has not answered.

use crate::Error;

/// Why the shop's own server has not answered a request that was passed on.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No connection to it can be opened.
    #[error("no connection to GUICHET_UPSTREAM: {0}")]
    Away(String),
    /// A connection is not opened in time.
    #[error("no connection to GUICHET_UPSTREAM in time")]
    Slow,
    /// It takes nothing, or says nothing, for too long.
    #[error("GUICHET_UPSTREAM does not answer in time")]
    Silent,
    /// The connection ended before the answer began, or what came is no answer.
    #[error("no answer of GUICHET_UPSTREAM: {0}")]
    Broken(String),
    /// The request went through this server before.
    #[error("GUICHET_UPSTREAM sends requests back")]
    Loop,
    /// The request itself broke off while it was passed on.
    #[error("a request broke off while it was passed on: {0}")]
    Unsent(String),
}

impl Trouble {
    /// HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Away(_) | Self::Broken(_) => 502,
            Self::Slow | Self::Silent => 504,
            Self::Loop => 508,
            Self::Unsent(_) => 400,
        }
    }

    /// What the client is told.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Away(_) | Self::Broken(_) => "Bad Gateway",
            Self::Slow | Self::Silent => "Gateway Timeout",
            Self::Loop => "Loop Detected",
            Self::Unsent(_) => "Bad request.",
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::Upstream { status: trouble.status(), text: trouble.text(), cause: trouble.into() }
    }
}
