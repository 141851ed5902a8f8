//! The part of both APIs that no database and no setting changes: the schemas and the checked REST documents.

use std::sync::Arc;

use async_graphql::registry::Registry;

use crate::operation::{CacheHints, SchemaRules, Suggestions};
use crate::rest::{self, Checked, Document, Examples, OpenApiInfo};
use crate::schema::{self, AnySchema, Root};
use crate::{Abilities, Dialect, Error, Result};

/// The schemas of a host and its REST documents. A process makes them once; any number of [`Apis`](crate::apis::Apis)
/// answer by them.
pub struct ApiDefinition {
    /// Validates operations of GraphQL clients before it runs them.
    pub(crate) validating: AnySchema,
    /// Runs operations that were validated before.
    pub(crate) non_validating: AnySchema,
    pub(crate) documents: Arc<[Document<Checked>]>,
    /// Limits and prices of operations of GraphQL clients.
    pub(crate) rules: SchemaRules,
    pub(crate) hints: CacheHints,
    pub(crate) suggestions: Suggestions,
    /// The types of the schema as clients of GraphQL see them.
    pub public_types: Arc<Registry>,
    /// Makes the types of the internal schema, which are rarely needed and large.
    types: fn() -> Registry,
}

impl ApiDefinition {
    /// Builds the schemas over the root types `Q` and `M`, and checks the REST `documents` against them. They may name
    /// the host's `abilities`. `dialects` are those of REST paths, by what the paths begin with behind `/api`; others
    /// have the usual dialect.
    ///
    /// # Errors
    /// The first REST document that does not fit the schema, with its operation and the reason.
    pub async fn new<Q: Root, M: Root>(
        abilities: &Abilities,
        documents: &[&str],
        dialects: &[(&str, Dialect)],
    ) -> Result<Self> {
        let documents = rest::read(documents, abilities, dialects).map_err(Error::internal)?;
        schema::validate::<Q, M>(&documents).await?;
        let types = schema::registry::<Q, M>;
        let public_types = Arc::new(schema::public_registry::<Q, M>());
        Ok(Self {
            validating: schema::validating::<Q, M>(),
            non_validating: schema::non_validating::<Q, M>(),
            documents: rest::check(documents, &types(), abilities).map_err(Error::internal)?.into(),
            rules: SchemaRules::new(&public_types),
            hints: CacheHints::new(&public_types),
            suggestions: Suggestions::new(Arc::clone(&public_types)),
            public_types,
            types,
        })
    }

    /// The checked REST documents.
    pub fn documents(&self) -> &[Document<Checked>] {
        &self.documents
    }

    /// The OpenAPI document of the REST API, as JSON. `examples` are answers of the operations.
    ///
    /// # Errors
    /// Never for documents that fit the schema.
    pub fn openapi(&self, info: OpenApiInfo, examples: &Examples) -> Result<serde_json::Value> {
        rest::openapi(info, &self.documents, &(self.types)(), examples).map_err(Error::internal)
    }
}
