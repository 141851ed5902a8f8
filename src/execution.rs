//! One execution of an operation: everything that resolvers and guards see of the request behind it.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use async_graphql::ContextBase;
use axum::http::HeaderValue;
use chrono::{DateTime, Utc};
use facade::{Face, Kept};

use crate::auth::{Abilities, Principal};
use crate::write::Expected;

/// A request, as the resolvers of its operation see it. Beside it there is only what records see of the
/// request ([`facade::Request`]) in the context of an execution; the face that reads the request fills it in.
pub struct Execution {
    /// Who asks; `None` without a valid key.
    pub principal: Option<Arc<Principal>>,
    /// The address that the request comes from.
    pub client: IpAddr,
    /// What program it comes from, as that says.
    pub agent: Option<HeaderValue>,
    /// How the request reached the server, for addresses in answers.
    pub origin: Origin,
    /// Which face the answer is for.
    pub face: Face,
    /// Abilities that a REST document lends to its own execution, beside the caller's.
    pub lent: Abilities,
    /// Whether an update demands its required fields: REST's `POST`. GraphQL and REST's `PUT` leave absent
    /// fields as they are (spec: `documented-contract.md`, rule 19).
    pub strict: bool,
    /// Whether it reads from the primary, because it writes or follows a write of its account. The
    /// pipeline decides.
    pub fresh: bool,
    /// Selections on records that are kept beside the document.
    pub kept: Option<Arc<Kept>>,
    /// The state of its record that a change demands: REST's `If-Unmodified-Since`.
    pub expected: Expected,
    /// When the record that it names was last changed.
    pub changed_at: OnceLock<DateTime<Utc>>,
}

/// How the request reached the server, for addresses in answers.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host with port, as the client named it.
    pub host: String,
}

impl Origin {
    /// `scheme://host`
    pub fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }
}

impl Execution {
    /// An execution for a public GraphQL client.
    pub fn new(principal: Option<Arc<Principal>>, client: IpAddr, origin: Origin) -> Self {
        Self {
            principal,
            client,
            agent: None,
            origin,
            face: Face::GraphQl,
            lent: Abilities::NONE,
            strict: false,
            fresh: false,
            kept: None,
            expected: Expected::default(),
            changed_at: OnceLock::new(),
        }
    }

    /// The execution that a context belongs to.
    pub fn of<'a, T>(ctx: &ContextBase<'a, T>) -> &'a Self {
        ctx.data_unchecked::<Arc<Self>>()
    }

    /// What the caller may do here: its own abilities and the lent ones; `None` without a valid key.
    pub fn abilities(&self) -> Option<Abilities> {
        self.principal.as_deref().map(|principal| principal.abilities.union(self.lent))
    }
}
