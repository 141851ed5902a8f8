//! Facts about a request that are collected while it is answered, for logs, metrics and traces.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Name;

use crate::execution::Principal;

/// Letters that are kept of an operation's name.
const MAX_NAME_LETTERS: usize = 64;

tokio::task_local! {
    static FACTS: SharedFacts;
}

/// The part of the server that answered a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The REST documents.
    Rest,
    /// The GraphQL schema.
    GraphQl,
    /// The upstream server, to which the request was forwarded.
    Upstream,
    /// Anything else: pages, contract documents, health checks.
    #[default]
    Other,
}

impl AnsweredBy {
    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::GraphQl => "graphql",
            Self::Upstream => "upstream",
            Self::Other => "other",
        }
    }
}

/// What is known of a request so far.
#[derive(Default)]
pub struct RequestFacts {
    /// Its trace identifier (W3C Trace Context); zero where it has none.
    pub trace_id: u128,
    /// The `X-Request-Id` that a trusted proxy sent, where it differs from the trace identifier.
    pub request_id: Option<String>,
    /// The part of the server that answers.
    pub answered_by: AnsweredBy,
    /// The path as it is documented, with its placeholders.
    pub path: Option<String>,
    /// Name of the operation.
    pub operation: Option<String>,
    /// `query`, `mutation` or `subscription`.
    pub kind: Option<&'static str>,
    /// Hash of the GraphQL document.
    pub document: Option<String>,
    /// The authenticated caller.
    pub principal: Option<Arc<dyn Principal>>,
    /// Points that the operation cost.
    pub cost: Option<u64>,
    /// Names of the root fields of the GraphQL operation.
    pub roots: Option<Vec<Name>>,
    /// How often a transaction ran again because the database had ended it.
    pub retries: u32,
    /// Codes of the errors in its answer, each once.
    pub errors: Vec<&'static str>,
}

impl RequestFacts {
    /// Sets the name of the operation, shortened where it is long.
    pub fn operation(&mut self, name: Option<&str>) {
        self.operation = name.map(|name| name.chars().take(MAX_NAME_LETTERS).collect());
    }

    /// Adds the code of an error.
    pub fn error(&mut self, code: &'static str) {
        if !self.errors.contains(&code) {
            self.errors.push(code);
        }
    }
}

/// The facts of a request, shared by the code that notes them and the code that reports them.
#[derive(Clone, Default)]
pub struct SharedFacts(Arc<Mutex<RequestFacts>>);

impl SharedFacts {
    /// Facts with these initial values.
    pub fn new(facts: RequestFacts) -> Self {
        Self(Arc::new(Mutex::new(facts)))
    }

    /// Runs `work`; whatever it [notes](note) is noted in these facts.
    pub async fn note_during<T>(&self, work: impl Future<Output = T>) -> T {
        FACTS.scope(self.clone(), work).await
    }

    /// Reads or changes the facts.
    pub fn with<T>(&self, look: impl FnOnce(&mut RequestFacts) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes facts of the request that is being answered. Outside of a request, nothing happens.
pub fn note(tell: impl FnOnce(&mut RequestFacts)) {
    let _ = FACTS.try_with(|facts| facts.with(tell));
}

/// Trace identifier of the request that is being answered, as 32 hexadecimal digits.
pub fn trace_id() -> String {
    let id = FACTS.try_with(|facts| facts.with(|facts| facts.trace_id)).unwrap_or_default();
    format!("{id:032x}")
}

/// The `X-Request-Id` of the request that is being answered, where it differs from the trace identifier.
pub fn request_id() -> Option<String> {
    FACTS.try_with(|facts| facts.with(|facts| facts.request_id.clone())).ok().flatten()
}
