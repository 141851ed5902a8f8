//! The server's clock: the machine's, or a fixed time in tests.

use chrono::{DateTime, Utc};

/// The clock that the server reads the present time from.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Real,
    /// A clock that always returns this time.
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
