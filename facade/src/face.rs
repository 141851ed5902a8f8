//! For whom an answer is written.

/// Which face an answer is for: the two spell some values differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The GraphQL schema.
    GraphQl,
    /// The REST documents.
    Rest,
}
