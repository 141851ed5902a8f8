//! The output type of actions that have no record to return: REST answers a message, GraphQL a payload without a
//! record.

use async_graphql::SimpleObject;

use crate::rest_only::RestOnly;

/// What was done, in words.
#[derive(SimpleObject)]
#[graphql(tag = "payload")]
pub struct Outcome {
    /// What was done.
    #[graphql(directive = RestOnly::apply())]
    message: String,
}

impl Outcome {
    /// An outcome with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
