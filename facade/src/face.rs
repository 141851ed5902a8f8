//! For whom an answer is written, and how.

/// Which face an answer is for: the two spell some values differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The GraphQL schema.
    GraphQl,
    /// The REST documents.
    Rest,
}

/// What rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON text, in [`Value::Binary`](async_graphql::Value::Binary).
    Json,
    /// Trees of values, for what is not written as JSON: XML.
    Values,
}
