//! One execution of an operation: everything that resolvers and guards see of the request behind it.

use std::any::Any;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::ContextBase;
use axum::http::HeaderValue;
use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;

use crate::ability::Abilities;
use crate::face::Face;
use crate::guard::Need;
use crate::record::Kept;
use crate::write::Expected;
use crate::{Error, Result};

/// Who asks, as the host knows it.
pub trait Principal: Any + Send + Sync {
    /// What it may do.
    fn abilities(&self) -> &Abilities;
}

/// A request, as the resolvers of its operation see it. It is in the context of an execution, in an [`Arc`]; the face
/// that reads the request fills it in.
pub struct Execution {
    /// Who asks; `None` without a valid key.
    pub principal: Option<Arc<dyn Principal>>,
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
    /// fields as they are (docs/contract/documented-contract.md#rule-19).
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
    /// The transaction that reads what is asked, where a change reads in its own.
    pub(crate) transaction: Mutex<Option<Arc<DatabaseTransaction>>>,
    /// What answering it has taken.
    pub counts: ExecutionCounts,
}

/// What answering a request has taken.
#[derive(Debug, Default)]
pub struct ExecutionCounts {
    rows: AtomicU32,
    objects: AtomicU32,
}

impl ExecutionCounts {
    /// How many rows were read for it.
    pub fn rows_read(&self) -> u32 {
        self.rows.load(Ordering::Relaxed)
    }

    /// How many objects are in the JSON texts of its answer.
    pub fn objects_written(&self) -> u32 {
        self.objects.load(Ordering::Relaxed)
    }

    pub(crate) fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(u32::try_from(rows).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Counts objects of a JSON text that becomes part of the answer as it is.
    pub(crate) fn add_objects(&self, objects: u32) {
        self.objects.fetch_add(objects, Ordering::Relaxed);
    }
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
    pub fn new(principal: Option<Arc<dyn Principal>>, client: IpAddr, origin: Origin) -> Self {
        Self {
            principal,
            client,
            agent: None,
            origin,
            face: Face::GraphQl,
            lent: Abilities::default(),
            strict: false,
            fresh: false,
            kept: None,
            expected: Expected::default(),
            changed_at: OnceLock::new(),
            transaction: Mutex::default(),
            counts: ExecutionCounts::default(),
        }
    }

    /// The execution that a context belongs to.
    pub fn of<'a, T>(ctx: &ContextBase<'a, T>) -> &'a Self {
        ctx.data_unchecked::<Arc<Self>>()
    }

    /// Whether the caller has one of these abilities, be it lent by the document.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a valid key, [`Error::Forbidden`] without the ability.
    pub fn allow(&self, any: &[impl AsRef<str>]) -> Result<()> {
        let principal = self.principal.as_deref().ok_or(Error::Unauthenticated)?;
        if principal.abilities().open(any) || self.lent.open(any) {
            return Ok(());
        }
        Err(Error::forbidden(any))
    }

    /// The transaction that reads what is asked, where there is one.
    pub(crate) fn transaction(&self) -> Option<Arc<DatabaseTransaction>> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads in this transaction from now on, or in none.
    pub(crate) fn read_in(&self, transaction: Option<Arc<DatabaseTransaction>>) {
        *self.transaction.lock().unwrap_or_else(PoisonError::into_inner) = transaction;
    }

    /// Whether the caller may see what needs this.
    ///
    /// # Errors
    /// As [`Self::allow`].
    pub fn check(&self, need: Need) -> Result<()> {
        self.allow(need.any)
    }
}
