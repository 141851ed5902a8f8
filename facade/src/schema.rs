//! A schema, whatever the types of its roots: what runs operations is compiled once.

use std::sync::Arc;

use async_graphql::{EmptySubscription, ObjectType, Request, Response, Schema};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A schema that operations run on. Copies share it.
#[derive(Clone)]
pub struct AnySchema(Arc<dyn Executes>);

trait Executes: Send + Sync {
    fn execute(&self, operation: Request) -> BoxFuture<'_, Response>;
}

impl<Q: ObjectType + 'static, M: ObjectType + 'static> Executes for Schema<Q, M, EmptySubscription> {
    fn execute(&self, operation: Request) -> BoxFuture<'_, Response> {
        self.execute(operation).boxed()
    }
}

impl AnySchema {
    /// A schema over these roots.
    pub fn new<Q: ObjectType + 'static, M: ObjectType + 'static>(
        schema: Schema<Q, M, EmptySubscription>,
    ) -> Self {
        Self(Arc::new(schema))
    }

    /// Runs an operation.
    pub async fn execute(&self, operation: Request) -> Response {
        self.0.execute(operation).await
    }
}
