//! A record that is deleted once it was answered: what the caller sees is what was there.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};

use super::reading::Record;
use crate::{Error, Result};

type Deletion = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A record and the deletion that follows its answer. What hangs on the record is read first,
/// because the deletion takes it away.
pub struct Deleted<T> {
    row: T,
    deletion: Mutex<Option<Deletion>>,
}

impl<T: Record> Deleted<T> {
    /// The record as it will be answered, and its deletion.
    pub fn new(row: T, deletion: impl Future<Output = Result<()>> + Send + 'static) -> Self {
        Self { row, deletion: Mutex::new(Some(Box::pin(deletion))) }
    }
}

impl<T: Record> OutputType for Deleted<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let answer = self.row.resolve(ctx, field).await?;
        let deletion = self.deletion.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(deletion) = deletion {
            let failed = |error: Error| {
                ctx.set_error_path(async_graphql::Error::from(error).into_server_error(field.pos))
            };
            deletion.await.map_err(failed)?;
        }
        Ok(answer)
    }
}
