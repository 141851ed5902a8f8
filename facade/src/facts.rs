//! What is learnt of a request while it is answered, for whoever watches it.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Name;

use crate::execution::Principal;

/// Letters of an operation's name that are kept.
const MAX_NAME_LETTERS: usize = 64;

tokio::task_local! {
    static FACTS: SharedFacts;
}

/// Which part of the server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The REST documents.
    Rest,
    /// The GraphQL schema.
    GraphQl,
    /// Another server, to which the request was passed on.
    Upstream,
    /// None of them: pages, documents, health.
    #[default]
    Other,
}

impl AnsweredBy {
    /// As logs and counters spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::GraphQl => "graphql",
            Self::Upstream => "upstream",
            Self::Other => "other",
        }
    }
}

/// What is learnt of a request on the way.
#[derive(Default)]
pub struct RequestFacts {
    /// Identifier under which the log tells of it (W3C Trace Context); zero where it has none.
    pub trace_id: u128,
    /// What a proxy calls it, where that is not its trace.
    pub request_id: Option<String>,
    /// Which part of the server answers.
    pub answered_by: AnsweredBy,
    /// The path as it is documented, its placeholders not filled in.
    pub path: Option<String>,
    /// Name of the operation.
    pub operation: Option<String>,
    /// Kind of the GraphQL operation.
    pub kind: Option<&'static str>,
    /// Hash of the GraphQL document.
    pub document: Option<String>,
    /// Who asks.
    pub principal: Option<Arc<dyn Principal>>,
    /// Points that the operation cost.
    pub cost: Option<u64>,
    /// Names of the fields at the root of the GraphQL operation.
    pub roots: Option<Vec<Name>>,
    /// Codes of its errors, each once.
    pub errors: Vec<&'static str>,
}

impl RequestFacts {
    /// Notes the name that a GraphQL document gives its operation.
    pub fn operation(&mut self, name: Option<&str>) {
        self.operation = name.map(|name| name.chars().take(MAX_NAME_LETTERS).collect());
    }

    /// Notes an error's code.
    pub fn error(&mut self, code: &'static str) {
        if !self.errors.contains(&code) {
            self.errors.push(code);
        }
    }
}

/// The facts of a request, shared by those who note them and who watches it.
#[derive(Clone, Default)]
pub struct SharedFacts(Arc<Mutex<RequestFacts>>);

impl SharedFacts {
    /// Facts of which these are known.
    pub fn new(facts: RequestFacts) -> Self {
        Self(Arc::new(Mutex::new(facts)))
    }

    /// Works for the request that these facts are of: what is [noted](note) meanwhile is noted here.
    pub async fn note_during<T>(&self, work: impl Future<Output = T>) -> T {
        FACTS.scope(self.clone(), work).await
    }

    /// Reads or changes the facts.
    pub fn with<T>(&self, look: impl FnOnce(&mut RequestFacts) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes what was learnt of the request that is being answered. Work beside requests has none.
pub fn note(tell: impl FnOnce(&mut RequestFacts)) {
    let _ = FACTS.try_with(|facts| facts.with(tell));
}

/// Identifier under which the log tells of the request that is being answered, as its 32 hexadecimal digits.
pub fn trace_id() -> String {
    let id = FACTS.try_with(|facts| facts.with(|facts| facts.trace_id)).unwrap_or_default();
    format!("{id:032x}")
}

/// What a proxy calls the request that is being answered, where that is not its trace.
pub fn request_id() -> Option<String> {
    FACTS.try_with(|facts| facts.with(|facts| facts.request_id.clone())).ok().flatten()
}
