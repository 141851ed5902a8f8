//! The GraphQL schema of all resources.

use async_graphql::registry::Registry;
use facade::schema;

use crate::resource::{Mutation, Query};

/// The schema in GraphQL's schema definition language.
pub fn sdl() -> String {
    schema::sdl::<Query, Mutation>()
}

/// The schema on which the REST documents run, as text.
pub fn internal_sdl() -> String {
    schema::internal_sdl::<Query, Mutation>()
}

/// The types of the schema, as clients of GraphQL see them.
pub fn registry() -> Registry {
    schema::public_registry::<Query, Mutation>()
}

/// The types of the schema on which the REST documents run: what only REST has is among them.
pub fn internal_registry() -> Registry {
    schema::registry::<Query, Mutation>()
}
