//! The two schemas over a host's root types: one validates operations, the other runs operations that were validated
//! before. [`AnySchema`] hides the root types, so that the code that runs operations is compiled once.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::registry::Registry;
use async_graphql::{
    ContainerType, EmptySubscription, ObjectType, OutputType, Request, Response, SDLExportOptions, Schema,
    SchemaBuilder, ValidationMode, Value,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::guard::Guarded;
use crate::rest::{Document, Unchecked};
use crate::rest_only;
use crate::{Error, Result};

/// Maximum nesting of clients' documents: the parser's own limit. The configured limits are lower and are checked
/// before (`facade/src/operation/`).
const MAX_NESTING: usize = 64;
/// Maximum nesting of the host's own documents, in which fragments that spread themselves are unrolled.
const MAX_RECURSION: usize = 256;

/// A root type of a schema: an object whose fields have `@can` or `@public`.
pub trait Root: ObjectType + ContainerType + Default + 'static {}

impl<T: ObjectType + ContainerType + Default + 'static> Root for T {}

fn builder<Q: Root, M: Root>() -> SchemaBuilder<Guarded<Q>, Guarded<M>, EmptySubscription> {
    Schema::build(Guarded(Q::default()), Guarded(M::default()), EmptySubscription)
}

/// What GraphQL clients talk to: without what only REST has.
pub fn validating<Q: Root, M: Root>() -> AnySchema {
    let public = rest_only::in_public(builder::<Q, M>);
    AnySchema::new(public.disable_suggestions().limit_recursive_depth(MAX_NESTING).finish())
}

/// The schema for operations that were validated before: REST documents at the start, documents of GraphQL clients when
/// they ran first.
pub fn non_validating<Q: Root, M: Root>() -> AnySchema {
    let builder = builder::<Q, M>()
        .validation_mode(ValidationMode::Fast)
        // Without this, async-graphql searches all types for federated ones, for each root field. No operation can
        // ask for federation: it would not be valid on the other schema.
        .enable_federation()
        .disable_suggestions()
        .limit_recursive_depth(MAX_RECURSION);
    AnySchema::new(builder.finish())
}

/// The GraphQL contract as text: the schema as clients see it.
pub fn sdl<Q: Root, M: Root>() -> String {
    rest_only::in_public(internal_sdl::<Q, M>)
}

/// The internal schema as text, for tools that check REST documents: what only REST has is in it.
pub fn internal_sdl<Q: Root, M: Root>() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions().include_specified_by();
    builder::<Q, M>().finish().sdl_with_options(options)
}

/// The types of the schema as clients of GraphQL see them.
pub fn public_registry<Q: Root, M: Root>() -> Registry {
    rest_only::in_public(registry::<Q, M>)
}

/// The types of the internal schema, on which REST documents run: what only REST has is among them.
pub fn registry<Q: Root, M: Root>() -> Registry {
    let mut registry = Registry {
        query_type: <Guarded<Q> as OutputType>::type_name().into_owned(),
        mutation_type: Some(<Guarded<M> as OutputType>::type_name().into_owned()),
        ..Registry::default()
    };
    Guarded::<Q>::create_type_info(&mut registry);
    Guarded::<M>::create_type_info(&mut registry);
    registry.remove_unused_types();
    registry
}

/// A schema of any root types. Clones share it.
#[derive(Clone)]
pub struct AnySchema(Arc<dyn ExecuteOperation>);

trait ExecuteOperation: Send + Sync {
    fn execute(&self, operation: Request) -> BoxFuture<'_, Response>;
}

impl<Q: ObjectType + 'static, M: ObjectType + 'static> ExecuteOperation for Schema<Q, M, EmptySubscription> {
    fn execute(&self, operation: Request) -> BoxFuture<'_, Response> {
        self.execute(operation).boxed()
    }
}

impl AnySchema {
    fn new<Q: ObjectType + 'static, M: ObjectType + 'static>(
        schema: Schema<Q, M, EmptySubscription>,
    ) -> Self {
        Self(Arc::new(schema))
    }

    /// Runs an operation.
    pub async fn execute(&self, operation: Request) -> Response {
        self.0.execute(operation).await
    }
}

/// Validates REST documents by GraphQL's rules, without running them.
///
/// # Errors
/// The first document that is not valid, with the reason.
pub async fn validate<Q: Root, M: Root>(documents: &[Document<Unchecked>]) -> Result<()> {
    let schema = builder::<Q, M>().extension(ValidateOnly).limit_recursive_depth(MAX_RECURSION);
    let schema = AnySchema::new(schema.finish());
    for document in documents {
        validate_document(&schema, document).await?;
    }
    Ok(())
}

async fn validate_document(schema: &AnySchema, document: &Document<Unchecked>) -> Result<()> {
    let mut request = Request::new("");
    request.set_parsed_query(document.standard_document());
    match schema.execute(request).await.errors.first() {
        None => Ok(()),
        Some(error) => Err(Error::internal(format!("REST document `{}`: {}", document.name, error.message))),
    }
}

/// An extension that ends every operation after its validation.
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
