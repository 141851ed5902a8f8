//! The schema over the resources.

use async_graphql::registry::Registry;
use facade::schema;

use crate::resource::{Mutation, Query};

/// The GraphQL contract as text.
pub fn sdl() -> String {
    schema::sdl::<Query, Mutation>()
}

/// The types of the schema.
pub fn registry() -> Registry {
    schema::registry::<Query, Mutation>()
}
