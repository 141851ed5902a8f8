//! The GraphQL schema of all resources.

use std::sync::Arc;

use async_graphql::registry::Registry;
use facade::api_definition::ApiDefinition;
use facade::schema::{self, AnySchema};
use tokio::sync::OnceCell;

use crate::Result;
use crate::resource::{DIALECTS, DOCUMENTS, Mutation, Query, abilities};

/// The schemas and the checked REST documents. All servers of a process share them.
///
/// # Errors
/// When a REST document does not fit the schema.
pub async fn definition() -> Result<&'static Arc<ApiDefinition>> {
    static DEFINITION: OnceCell<Arc<ApiDefinition>> = OnceCell::const_new();
    let make = || async {
        ApiDefinition::new::<Query, Mutation>(abilities().all(), DOCUMENTS, DIALECTS).await.map(Arc::new)
    };
    DEFINITION.get_or_try_init(make).await
}

/// The schema that validates what clients of GraphQL send, made anew.
pub fn validating() -> AnySchema {
    schema::validating::<Query, Mutation>()
}

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
