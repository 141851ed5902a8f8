//! One run of an operation, with everything that resolvers and guards need to know of its request.

use std::any::Any;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::ContextBase;
use axum::http::HeaderValue;
use chrono::{DateTime, Utc};

use crate::ability::Abilities;
use crate::api::Api;
use crate::error::{Code, NotRun};
use crate::guard::Need;
use crate::limit::CallerLimits;
use crate::record::ExtractedSelections;
use crate::rest::FileResponse;
use crate::transaction::Transaction;
use crate::user_error::UserErrorCode;
use crate::write::Expected;
use crate::{Error, Result};

/// An authenticated caller, as the host knows it.
pub trait Principal: Any + Send + Sync {
    /// The abilities of the caller.
    fn abilities(&self) -> &Abilities;

    /// Checks that the caller may change something, as far as its abilities allow.
    ///
    /// # Errors
    /// [`Error::RestrictedKey`] where its key may only read.
    fn check_writable(&self) -> Result<()> {
        Ok(())
    }
}

/// A request, as the resolvers of its operation see it. Resolvers find it in their context, in an [`Arc`].
pub struct Execution {
    /// The authenticated caller; `None` without a valid key.
    pub principal: Option<Arc<dyn Principal>>,
    /// The address that the request comes from.
    pub client: IpAddr,
    /// The header `User-Agent`.
    pub agent: Option<HeaderValue>,
    /// The header `Accept-Language`; REST does not negotiate the language.
    pub languages: Option<HeaderValue>,
    /// Scheme and host of the request, for URLs in answers.
    pub origin: Origin,
    /// The API that the answer is for.
    pub api: Api,
    /// Abilities that a REST document grants to this execution beyond the caller's own (`lends:`).
    pub extra_abilities: Abilities,
    /// Whether an update must send all required fields, as REST's `POST` must. GraphQL and REST's `PUT` may leave
    /// fields out, which then stay as they are (docs/contract/documented-contract.md#rule-19).
    pub strict: bool,
    /// Whether it reads from the primary: because it writes, or because its account has just written. The pipeline sets
    /// it.
    pub fresh: bool,
    /// The prepared selections on records, where the document was prepared before.
    pub extracted: Option<Arc<ExtractedSelections>>,
    /// The state that the record must be in for a change: REST's `If-Unmodified-Since`.
    pub expected: Expected,
    /// When the record that the request names was last changed.
    pub changed_at: OnceLock<DateTime<Utc>>,
    /// The file that a field has returned.
    pub(crate) file: Mutex<Option<FileResponse>>,
    /// What a mutation of GraphQL notes for its payload.
    pub(crate) notes: Mutex<MutationNotes>,
    /// The transaction in which a mutation reads its answer.
    pub(crate) transaction: Mutex<Option<Transaction>>,
    /// What is left of the caller's limits. The pipeline sets it.
    pub limits: CallerLimits,
    /// Rows and objects used so far.
    pub counts: ExecutionCounts,
}

/// What a mutation notes for its payload, beside its answer. Mutations of a document run one after the other.
#[derive(Default)]
pub(crate) struct MutationNotes {
    /// Why it was not done, where its answer is no error in REST.
    pub(crate) refused: Option<UserErrorCode>,
    /// Global identifier of what was deleted.
    pub(crate) deleted: Option<String>,
}

/// Maximum number of bytes of the JSON texts of an answer, those of nested rows counted at each level. It is far more than
/// any page is for: texts of a shop may be long, and aliases repeat them.
const MAX_TEXT: usize = 128 << 20;

/// What an execution has used so far.
#[derive(Debug, Default)]
pub struct ExecutionCounts {
    rows: AtomicU32,
    objects: AtomicU32,
    text: AtomicUsize,
    introspection: AtomicUsize,
}

impl ExecutionCounts {
    /// Rows that were read.
    pub fn rows_read(&self) -> u32 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Objects in the JSON texts of the answer.
    pub fn objects_written(&self) -> u32 {
        self.objects.load(Ordering::Relaxed)
    }

    pub(crate) fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(u32::try_from(rows).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Counts bytes of a JSON text.
    pub(crate) fn add_text(&self, bytes: usize) {
        self.text.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Checks that another text of this many bytes fits into the answer.
    ///
    /// # Errors
    /// [`Error::NotRun`] where the answer would be too large.
    pub(crate) fn check_text(&self, bytes: usize) -> Result<()> {
        if self.text.load(Ordering::Relaxed).saturating_add(bytes) <= MAX_TEXT {
            return Ok(());
        }
        Err(NotRun::limit_exceeded(Code::AnswerTooLarge, "answer", MAX_TEXT as u64, "bytes in the answer"))
    }

    /// Bytes of the answers to introspection fields.
    pub(crate) fn introspection_bytes(&self) -> usize {
        self.introspection.load(Ordering::Relaxed)
    }

    pub(crate) fn add_introspection_bytes(&self, bytes: usize) {
        self.introspection.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts objects of a JSON text that was written into the answer directly.
    pub(crate) fn add_objects(&self, objects: u32) {
        self.objects.fetch_add(objects, Ordering::Relaxed);
    }
}

/// Scheme and host of a request, for URLs in answers.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host, with port where the client sent one.
    pub host: String,
}

impl Origin {
    /// `scheme://host`
    pub fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }
}

impl Execution {
    /// A GraphQL execution that grants no extra abilities.
    pub fn new(principal: Option<Arc<dyn Principal>>, client: IpAddr, origin: Origin) -> Self {
        Self {
            principal,
            client,
            agent: None,
            languages: None,
            origin,
            api: Api::GraphQl,
            extra_abilities: Abilities::default(),
            strict: false,
            fresh: false,
            extracted: None,
            expected: Expected::default(),
            changed_at: OnceLock::new(),
            file: Mutex::default(),
            notes: Mutex::default(),
            transaction: Mutex::default(),
            limits: CallerLimits::default(),
            counts: ExecutionCounts::default(),
        }
    }

    /// The execution that a context belongs to.
    pub fn of<'a, T>(ctx: &ContextBase<'a, T>) -> &'a Self {
        ctx.data_unchecked::<Arc<Self>>()
    }

    /// Checks that the caller has one of these abilities, by itself or granted by the document.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a valid key, [`Error::Forbidden`] without the ability.
    pub fn allow(&self, any: &[impl AsRef<str>]) -> Result<()> {
        let principal = self.principal.as_deref().ok_or(Error::Unauthenticated)?;
        if principal.abilities().open(any) || self.extra_abilities.open(any) {
            return Ok(());
        }
        Err(Error::forbidden(any))
    }

    /// The transaction that reads what is asked, where there is one.
    pub(crate) fn transaction(&self) -> Option<Transaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads in this transaction from now on, or in none.
    pub(crate) fn read_in(&self, transaction: Option<Transaction>) {
        *self.transaction.lock().unwrap_or_else(PoisonError::into_inner) = transaction;
    }

    /// Changes the notes of the mutation that runs.
    pub(crate) fn note(&self, change: impl FnOnce(&mut MutationNotes)) {
        change(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes the notes of the mutation that has run.
    pub(crate) fn take_notes(&self) -> MutationNotes {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stores the file that a field returns: the GraphQL answer cannot hold it.
    pub(crate) fn put_file(&self, file: FileResponse) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }

    /// Takes the file that a field has returned.
    pub(crate) fn take_file(&self) -> Option<FileResponse> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Checks that the caller may see what has this need.
    ///
    /// # Errors
    /// As [`Self::allow`].
    pub fn check(&self, need: Need) -> Result<()> {
        self.allow(need.any)
    }
}
