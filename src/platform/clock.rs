//! What time it is: the real clock, or one that tests have stopped.

use chrono::{DateTime, Utc};

/// The source of every "now" of the server.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Real,
    /// A clock that stands still.
    Frozen(DateTime<Utc>),
}

impl Clock {
    /// The present moment.
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::Real => Utc::now(),
            Self::Frozen(at) => at,
        }
    }
}
