//! The schemas over a host's roots: the public one, validated strictly, and the internal one that runs what was
//! validated before. Whatever the types of the roots are, what runs operations is compiled once.

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
use crate::{Error, Result};

/// Nesting of what clients send: the parser's own limit. The limits that count are held before
/// (`facade/src/operation/`).
const MAX_NESTING: usize = 64;
/// Nesting of the host's own documents: fragments that spread themselves are unrolled deep.
const MAX_RECURSION: usize = 256;

/// A root of a schema: an object whose fields say what they need.
pub trait Root: ObjectType + ContainerType + Default + 'static {}

impl<T: ObjectType + ContainerType + Default + 'static> Root for T {}

/// A schema that is not finished yet.
pub type Builder<Q, M> = SchemaBuilder<Guarded<Q>, Guarded<M>, EmptySubscription>;

fn builder<Q: Root, M: Root>() -> Builder<Q, M> {
    Schema::build(Guarded(Q::default()), Guarded(M::default()), EmptySubscription)
}

/// What GraphQL clients talk to. `data` is what resolvers find in their context.
pub fn validating<Q: Root, M: Root>(data: impl FnOnce(Builder<Q, M>) -> Builder<Q, M>) -> AnySchema {
    AnySchema::new(data(builder()).disable_suggestions().limit_recursive_depth(MAX_NESTING).finish())
}

/// What operations run on that were validated before: the REST documents at start-up, those of GraphQL clients
/// when they were first asked.
pub fn non_validating<Q: Root, M: Root>(data: impl FnOnce(Builder<Q, M>) -> Builder<Q, M>) -> AnySchema {
    let builder = data(builder())
        .validation_mode(ValidationMode::Fast)
        // Whether there are federated types would otherwise be looked for among all of them, for each field at the
        // root. Nothing asks for them: such a document is not valid on the public schema.
        .enable_federation()
        .disable_suggestions()
        .limit_recursive_depth(MAX_RECURSION);
    AnySchema::new(builder.finish())
}

/// The GraphQL contract as text.
pub fn sdl<Q: Root, M: Root>() -> String {
    builder::<Q, M>().finish().sdl_with_options(SDLExportOptions::new().prefer_single_line_descriptions())
}

/// The types of the schema.
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

/// A schema that operations run on. Copies share it.
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

/// Validates documents by GraphQL's own rules, without running them.
///
/// # Errors
/// At the first document that is not valid.
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
