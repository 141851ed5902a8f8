//! What resolvers use: the engine and the present request.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::{ContextBase, UploadValue};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use value::Id;

use crate::ability::Abilities;
use crate::engine::{Engine, Host, Texts};
use crate::error::{Invalid, Refusal};
use crate::execution::{Execution, Origin};
use crate::form::{self, Form, FormInput};
use crate::page::ListCache;
use crate::record::{Moment, Record, global_id};
use crate::transaction::Transaction;
use crate::user_error::{BrokenRule, UserErrorCode};
use crate::write::Expected;
use crate::{Error, Result};

/// The engine and the present request, as resolvers use them. It is cheap to copy.
#[derive(Clone, Copy)]
pub struct RequestScope<'a> {
    engine: &'a Arc<Engine>,
    execution: &'a Execution,
    uploads: &'a [UploadValue],
    expected: Expected,
}

impl<'a, T> From<&ContextBase<'a, T>> for RequestScope<'a> {
    fn from(ctx: &ContextBase<'a, T>) -> Self {
        let execution = Execution::of(ctx);
        Self {
            engine: Engine::of(ctx),
            execution,
            uploads: &ctx.query_env.uploads,
            expected: execution.expected,
        }
    }
}

impl<'a> RequestScope<'a> {
    /// A scope for the change of a record whose `updatedAt` the caller has sent as `expectedUpdatedAt`.
    #[must_use]
    pub fn expecting(self, read: Option<Moment>) -> Self {
        Self { expected: read.map_or(self.expected, |read| Expected::At(read.0)), ..self }
    }

    /// The state that the record must be in for a change.
    pub fn expected(self) -> Expected {
        self.expected
    }

    /// Notes when the record that a REST request names was last changed.
    pub fn note_change(self, at: DateTime<Utc>) {
        self.execution.changed_at.get_or_init(|| at);
    }

    /// The state that all requests share.
    pub fn engine(self) -> &'a Arc<Engine> {
        self.engine
    }

    /// The application that runs the engine.
    pub fn host(self) -> &'a dyn Host {
        &*self.engine.host
    }

    /// What a resource keeps in memory between requests: one value of each type, made by its `Default`.
    pub fn state<T: Any + Send + Sync + Default>(self) -> Arc<T> {
        self.engine.states.get()
    }

    /// The present request.
    pub fn execution(self) -> &'a Execution {
        self.execution
    }

    /// Files that were sent beside the input.
    pub fn uploads(self) -> &'a [UploadValue] {
        self.uploads
    }

    /// The address that the request comes from.
    pub fn client(self) -> IpAddr {
        self.execution.client
    }

    /// Whether the request came through REST.
    pub fn is_rest(self) -> bool {
        self.execution.api.is_rest()
    }

    /// The primary database.
    pub fn db(self) -> &'a DatabaseConnection {
        self.host().database()
    }

    /// The kind of database.
    pub fn backend(self) -> DbBackend {
        self.db().get_database_backend()
    }

    /// Runs a statement that only reads, on a replica where that is allowed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows(self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self.execution.transaction() {
            Some(transaction) => transaction.query_all_raw(statement).await,
            None => self.host().rows(statement, self.execution.fresh).await,
        }
    }

    /// Runs a statement that only reads, and returns its first row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_row(self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    /// Whether rows may be older than the last commit, because they come from a replica.
    pub fn may_lag(self) -> bool {
        !self.execution.fresh && self.host().may_lag()
    }

    /// Runs `work` in a transaction that writes, and commits it unless it fails. Where the database ends the transaction in
    /// favour of another one or the connection breaks, `work` runs again from its beginning: it reads everything that it
    /// writes by in the transaction, and changes nothing but the database. What else there is to do is done before or
    /// after.
    ///
    /// # Errors
    /// Those of `work`, after which nothing is committed; when the database fails.
    pub async fn write<T, Work>(self, work: impl Fn(Transaction) -> Work) -> Result<T>
    where
        Work: Future<Output = Result<T>>,
    {
        Transaction::run(self.engine, work, || drop(self.execution.take_notes())).await
    }

    /// Runs `work` while all [reads](Self::rows) of the request run in this transaction.
    pub(crate) async fn reading_in<T>(self, transaction: &Transaction, work: impl Future<Output = T>) -> T {
        self.execution.read_in(Some(transaction.clone()));
        let done = work.await;
        self.execution.read_in(None);
        done
    }

    /// The texts of answers, in the language that the client asks for.
    pub fn texts(self) -> &'a dyn Texts {
        self.host().texts(self.languages())
    }

    /// The header `Accept-Language`; nothing in REST, which does not negotiate the language.
    pub fn languages(self) -> Option<&'a str> {
        self.execution.languages.as_ref().and_then(|header| header.to_str().ok())
    }

    /// The error for a broken rule of one field, which is found outside of the form's own check.
    pub fn invalid(self, field: &str, rule: &str) -> Error {
        let name = self.texts().field_name(field, self.is_rest());
        let broken = BrokenRule::of(self.texts(), rule, &name, &[]);
        Error::Invalid(Invalid::single(field, broken))
    }

    /// Refuses a mutation of GraphQL for the state of its record, where REST does the same once more.
    ///
    /// # Errors
    /// [`Error::Refused`] with the code, unless `fits`.
    pub fn require_state(self, fits: bool, code: UserErrorCode) -> Result<()> {
        if fits || self.is_rest() { Ok(()) } else { Err(Refusal::for_state(code)) }
    }

    /// Notes that a mutation was not done for the state of its record, although REST answers it like one that was. In
    /// GraphQL it has this user error.
    pub fn note_refusal(self, code: UserErrorCode) {
        self.execution.note(|notes| notes.refused = Some(code));
    }

    /// Notes the record that a mutation deletes, for `deletedId`.
    pub fn note_deleted<T: Record>(self, id: Id) {
        self.execution.note(|notes| notes.deleted = Some(global_id(T::NAME, id.0)));
    }

    /// Whether an update may leave fields out, which then stay as they are.
    pub fn is_partial(self) -> bool {
        !self.execution.strict
    }

    /// The present moment.
    pub fn now(self) -> DateTime<Utc> {
        self.host().now()
    }

    /// Cached totals and page starts of large lists.
    pub fn lists(self) -> &'a ListCache {
        &self.engine.lists
    }

    /// Checks the input of a new record.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every broken rule; when the database fails.
    pub async fn check_new<T: FormInput>(self, input: Form<T>) -> Result<T> {
        self.check_form(input, None, &[], false).await
    }

    /// Checks an input that changes the record `id`. `stored` holds the values of columns that rules of other
    /// fields read.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every broken rule; when the database fails.
    pub async fn check_change<T: FormInput>(
        self,
        input: Form<T>,
        id: Id,
        stored: &[(&str, &str)],
    ) -> Result<T> {
        self.check_form(input, Some(id.0), stored, self.is_partial()).await
    }

    async fn check_form<T: FormInput>(
        self,
        input: Form<T>,
        own_id: Option<i64>,
        stored: &[(&str, &str)],
        partial: bool,
    ) -> Result<T> {
        let scope = form::CheckScope {
            host: self.host(),
            texts: self.texts(),
            settings: self.host(),
            now: self.now(),
            uploads: self.uploads(),
            own_id,
            partial,
            rest: self.is_rest(),
            stored,
        };
        input.check(&scope).await
    }

    /// The caller's own abilities, without those that a document grants.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a valid key.
    pub fn own_abilities(self) -> Result<&'a Abilities> {
        self.execution.principal.as_deref().map(|who| who.abilities()).ok_or(Error::Unauthenticated)
    }

    /// Scheme and host of the request, for URLs in answers.
    pub fn origin(self) -> &'a Origin {
        &self.execution.origin
    }
}
