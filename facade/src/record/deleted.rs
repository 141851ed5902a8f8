//! The answer of a mutation that deletes a record: the record as it was before.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::PoisonError;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use sea_orm::ModelTrait;
use sea_orm::sea_query::ValueType;
use value::Id;

use super::reading::Record;
use crate::Result;
use crate::scope::RequestScope;
use crate::transaction::Transaction;

/// The selection on a record that is deleted. It is resolved before the deletion, which removes related rows too.
pub struct Deleted<T> {
    answer: ServerResult<Value>,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> Deleted<T> {
    /// Resolves the selection on a row in the transaction that deletes it afterwards, and notes its identifier. If
    /// resolving fails, the caller must not delete: see [`Self::is_read`].
    ///
    /// # Errors
    /// When the database has ended the transaction.
    pub async fn read(ctx: &Context<'_>, transaction: &Transaction, row: T::Model) -> Result<Self> {
        let (scope, set) = (RequestScope::from(ctx), ctx.with_selection_set(&ctx.item.node.selection_set));
        scope.note_deleted::<T>(<Id as ValueType>::try_from(row.get(T::key_column())).unwrap_or_default());
        let record = T::from(row);
        let errors = || ctx.query_env.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let known = errors().len();
        let answer = scope.reading_in(transaction, record.resolve(&set, ctx.item)).await;
        if let Some(cause) = transaction.ended() {
            // It runs again, and then these fields may have no errors.
            errors().truncate(known);
            return Err(cause.clone().into());
        }
        Ok(Self { answer, record: PhantomData })
    }

    /// Whether the selection was resolved without an error.
    pub fn is_read(&self) -> bool {
        self.answer.is_ok()
    }
}

impl<T: Record> OutputType for Deleted<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        self.answer.clone()
    }
}
