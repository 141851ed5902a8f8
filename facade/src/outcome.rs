//! The output type of actions that have no record to return.

use async_graphql::SimpleObject;

/// What was done, in words.
#[derive(SimpleObject)]
pub struct Outcome {
    /// What was done.
    message: String,
}

impl Outcome {
    /// An outcome with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
