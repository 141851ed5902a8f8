//! The two schemas over the same resolvers: the public one, validated strictly, and
//! the internal one that runs the REST documents.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::registry::Registry;
use async_graphql::{
    EmptySubscription, ObjectType, OutputType, Request, Response, Schema, ValidationMode, Value,
};

use crate::access::Sessions;
use crate::resource::{Mutation, Query};
use crate::shop::Shop;
use crate::{Error, Result};
use facade::engine::Engine;
use facade::guard::Guarded;
use facade::rest::{Document, Unchecked};

/// The query root, guarded.
pub type QueryRoot = Guarded<Query>;
/// The mutation root, guarded.
pub type MutationRoot = Guarded<Mutation>;
/// Nesting of what clients send: the parser's own limit. The limits that count are held before
/// (`facade/src/operation/`).
const MAX_NESTING: usize = 64;
/// Nesting of our own documents: fragments that spread themselves are unrolled deep.
const MAX_RECURSION: usize = 256;

/// A schema over the roots.
pub type ShopSchema = Schema<QueryRoot, MutationRoot, EmptySubscription>;

/// What GraphQL clients talk to.
pub fn public(engine: &Arc<Engine>, shop: &Arc<Shop>, sessions: &Arc<Sessions>) -> ShopSchema {
    Schema::build(Guarded(Query::default()), Guarded(Mutation::default()), EmptySubscription)
        .data(Arc::clone(engine))
        .data(Arc::clone(shop))
        .data(Arc::clone(sessions))
        .disable_suggestions()
        .limit_recursive_depth(MAX_NESTING)
        .finish()
}

/// What operations run on that were validated before: the REST documents at start-up, those of GraphQL clients
/// when they were first asked.
pub fn internal(engine: &Arc<Engine>, shop: &Arc<Shop>, sessions: &Arc<Sessions>) -> ShopSchema {
    Schema::build(Guarded(Query::default()), Guarded(Mutation::default()), EmptySubscription)
        .data(Arc::clone(engine))
        .data(Arc::clone(shop))
        .data(Arc::clone(sessions))
        .validation_mode(ValidationMode::Fast)
        // Whether there are federated types would otherwise be looked for among all of them, for each field at the
        // root. Nothing asks for them: such a document is not valid on the public schema.
        .enable_federation()
        .disable_suggestions()
        .limit_recursive_depth(MAX_RECURSION)
        .finish()
}

/// The GraphQL contract as text.
pub fn sdl() -> String {
    let schema =
        Schema::build(Guarded(Query::default()), Guarded(Mutation::default()), EmptySubscription).finish();
    schema.sdl_with_options(async_graphql::SDLExportOptions::new().prefer_single_line_descriptions())
}

/// The types of the schema.
pub fn registry() -> Registry {
    let mut registry = Registry {
        query_type: <QueryRoot as OutputType>::type_name().into_owned(),
        mutation_type: Some(<MutationRoot as OutputType>::type_name().into_owned()),
        ..Registry::default()
    };
    QueryRoot::create_type_info(&mut registry);
    MutationRoot::create_type_info(&mut registry);
    registry.remove_unused_types();
    registry
}

/// Validates documents by GraphQL's own rules, without running them.
///
/// # Errors
/// At the first document that is not valid.
pub async fn validate(documents: &[Document<Unchecked>]) -> Result<()> {
    let schema = Schema::build(Guarded(Query::default()), Guarded(Mutation::default()), EmptySubscription)
        .extension(ValidateOnly)
        .limit_recursive_depth(MAX_RECURSION)
        .finish();
    for document in documents {
        valid(&schema, document).await?;
    }
    Ok(())
}

async fn valid<Q: ObjectType + 'static, M: ObjectType + 'static>(
    schema: &Schema<Q, M, EmptySubscription>,
    document: &Document<Unchecked>,
) -> Result<()> {
    let mut request = Request::new("");
    request.set_parsed_query(document.document().clone());
    match schema.execute(request).await.errors.first() {
        None => Ok(()),
        Some(error) => Err(Error::internal(format!("REST document `{}`: {}", document.name, error.message))),
    }
}

/// Stops every operation after its validation.
struct ValidateOnly;

impl ExtensionFactory for ValidateOnly {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ValidateOnly {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::new(Value::Null)
    }
}
