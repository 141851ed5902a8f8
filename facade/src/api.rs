//! The two APIs: GraphQL and REST.

/// The API that an answer is written for. The two print some values differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// The GraphQL schema.
    GraphQl,
    /// The REST documents.
    Rest,
}
