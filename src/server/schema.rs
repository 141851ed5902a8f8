//! The GraphQL schema of all resources.

use async_graphql::registry::Registry;
use facade::schema;

use crate::resource::{Mutation, Query};

/// The schema in GraphQL's schema definition language.
pub fn sdl() -> String {
    schema::sdl::<Query, Mutation>()
}

/// The registry with the types of the schema.
pub fn registry() -> Registry {
    schema::registry::<Query, Mutation>()
}
