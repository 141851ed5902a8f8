//! A record that is deleted: what the caller sees is what was there.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::reading::Record;
use crate::Result;
use crate::scope::RequestScope;
use crate::transaction::Transaction;

/// What was asked of a record that is deleted. It is read before, because the deletion takes away what belongs to the
/// record.
pub struct Deleted<T> {
    answer: ServerResult<Value>,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> Deleted<T> {
    /// Reads what is asked of the record, in the transaction that deletes it then. Where that fails, nothing is to be
    /// deleted: see [`Self::is_read`].
    ///
    /// # Errors
    /// When the transaction is still in use: never, once everything is read.
    pub async fn read(ctx: &Context<'_>, transaction: Transaction, record: T) -> Result<(Transaction, Self)> {
        let set = ctx.with_selection_set(&ctx.item.node.selection_set);
        let reading = record.resolve(&set, ctx.item);
        let (transaction, answer) = RequestScope::from(ctx).with_transaction(transaction, reading).await?;
        Ok((transaction, Self { answer, record: PhantomData }))
    }

    /// Whether everything was read that is asked of the record.
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
