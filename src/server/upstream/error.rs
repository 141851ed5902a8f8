//! Errors of the upstream server.

use crate::Error;

/// Why the upstream server has not answered a forwarded request.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection can be opened.
    #[error("no connection to GUICHET_UPSTREAM: {0}")]
    Unreachable(String),
    /// A connection was not opened in time.
    #[error("no connection to GUICHET_UPSTREAM in time")]
    ConnectTimeout,
    /// It has read nothing of the request, or sent nothing, for too long.
    #[error("GUICHET_UPSTREAM does not answer in time")]
    AnswerTimeout,
    /// The connection ended before the answer began, or the answer is malformed.
    #[error("no answer of GUICHET_UPSTREAM: {0}")]
    Broken(String),
    /// The request was forwarded by this server before.
    #[error("GUICHET_UPSTREAM sends requests back")]
    Loop,
    /// The client has not sent the whole request.
    #[error("a request broke off while it was passed on: {0}")]
    RequestBroken(String),
}

impl UpstreamError {
    /// HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unreachable(_) | Self::Broken(_) => 502,
            Self::ConnectTimeout | Self::AnswerTimeout => 504,
            Self::Loop => 508,
            Self::RequestBroken(_) => 400,
        }
    }

    /// Text of the answer.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Broken(_) => "Bad Gateway",
            Self::ConnectTimeout | Self::AnswerTimeout => "Gateway Timeout",
            Self::Loop => "Loop Detected",
            Self::RequestBroken(_) => "Bad request.",
        }
    }
}

impl From<UpstreamError> for Error {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream { status: error.status(), text: error.text(), cause: error.into() }
    }
}
