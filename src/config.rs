//! Settings from the environment.

/// The server's settings.
#[derive(Clone, Debug, Default)]
pub struct Config {}
