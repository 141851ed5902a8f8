//! What actions answer that have no record to show.

use async_graphql::SimpleObject;

/// What was done, in words.
#[derive(SimpleObject)]
pub struct Outcome {
    /// What was done.
    message: String,
}

impl Outcome {
    /// An outcome in these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
