//! The one error type. Its variants say what went wrong; both faces read their status, code and
//! body from it. Public text and internal cause are two things: a cause is logged, never sent.

use async_graphql::{ErrorExtensionValues, Pos, Value};
use indexmap::IndexMap;
use sea_orm::DbErr;
use serde_json::{Map, Value as Json, json};

use crate::failure::{self, Failure};

/// Seconds after which a client may try again when the database was not there.
pub const RETRY_AFTER: u64 = 5;
/// Seconds after which a client may try again when too much was asked at the same time.
const OVERLOADED_RETRY_AFTER: u64 = 1;

/// Result of everything that can fail for a reason the caller may learn.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not answered (docs/contract/wire.md#1.3).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No valid key or session.
    #[error("Unauthenticated.")]
    Unauthenticated,
    /// The key lacks every one of these abilities.
    #[error("Invalid ability provided.")]
    Forbidden(Vec<String>),
    /// Too many requests in this minute; the limit opens again after so many seconds.
    #[error("Too Many Attempts.")]
    RateLimited(u64),
    /// No such record. `model` is the name that the original prints for it.
    #[error("No query results for model [{model}] {id}")]
    NotFound {
        /// The original's name of the record's kind, printed as an opaque text.
        model: &'static str,
        /// The identifier as it was received.
        id: String,
    },
    /// Input that breaks rules: every broken rule, by field.
    #[error("{}", .0.summary())]
    Invalid(Invalid),
    /// A request that cannot be read, with what is wrong about it.
    #[error("{0}")]
    BadRequest(String),
    /// The action itself refuses: its status and its whole REST body.
    #[error("{}", .0.text())]
    Refused(Refusal),
    /// The record was changed since the caller has read it.
    #[error("The record was changed since it was read.")]
    Changed,
    /// A GraphQL operation that is not run, or not to its end.
    #[error("{}", .0.text)]
    NotRun(Box<NotRun>),
    /// The shop is closed for maintenance, with the shop's own text.
    #[error("{0}")]
    Maintenance(String),
    /// The database does not answer (in time).
    #[error("Service Unavailable")]
    Unavailable(#[source] DbErr),
    /// The database lacks a table or column that this needs.
    #[error("This shop's database lacks what is needed here.")]
    Absent(#[source] DbErr),
    /// Too many requests, or too many passwords, wait already.
    #[error("Service Unavailable")]
    Overloaded,
    /// The server or its database takes no writes.
    #[error("This server is read-only.")]
    ReadOnly,
    /// Another server, to which the request was passed on, has not answered.
    #[error("{text}")]
    Upstream {
        /// HTTP status of the answer.
        status: u16,
        /// What the client is told.
        text: &'static str,
        /// What happened, for the log.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A setting with which the server cannot start: for the operator, never for a client.
    #[error("{0}")]
    Setting(String),
    /// Anything unforeseen.
    #[error("Server Error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An unforeseen failure; the cause is for the log only.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// A refusal of what needs one of these abilities.
    pub fn forbidden(any: &[impl AsRef<str>]) -> Self {
        Self::Forbidden(any.iter().map(|name| name.as_ref().to_owned()).collect())
    }

    /// The same failure for another who waited for the same work.
    pub fn clone_for_waiter(&self) -> Self {
        match self {
            Self::Unavailable(cause) => Self::Unavailable(cause.clone()),
            Self::Absent(cause) => Self::Absent(cause.clone()),
            Self::ReadOnly => Self::ReadOnly,
            Self::Overloaded => Self::Overloaded,
            other => Self::internal(other.to_string()),
        }
    }

    /// What only the log is told.
    pub fn cause(&self) -> Option<&dyn std::fmt::Display> {
        match self {
            Self::Unavailable(cause) | Self::Absent(cause) => Some(cause),
            Self::Internal(cause) => Some(cause),
            Self::Upstream { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// Seconds after which the client may try again, where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unavailable(_) => Some(RETRY_AFTER),
            Self::Overloaded => Some(OVERLOADED_RETRY_AFTER),
            Self::RateLimited(seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// HTTP status of the REST answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden(_) => 403,
            Self::RateLimited(_) => 429,
            Self::NotFound { .. } => 404,
            Self::Invalid(_) => 422,
            Self::BadRequest(_) => 400,
            Self::Changed => 412,
            Self::Refused(refusal) => refusal.status,
            Self::Upstream { status, .. } => *status,
            Self::NotRun(reason) => reason.code.status(),
            Self::Maintenance(_)
            | Self::Unavailable(_)
            | Self::Absent(_)
            | Self::Overloaded
            | Self::ReadOnly => 503,
            Self::Setting(_) | Self::Internal(_) => 500,
        }
    }

    /// `extensions.code` of the GraphQL error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Forbidden(_) => Code::Forbidden,
            Self::RateLimited(_) => Code::RateLimited,
            Self::NotFound { .. } => Code::NotFound,
            Self::Invalid(_) => Code::ValidationFailed,
            Self::BadRequest(_) => Code::BadUserInput,
            Self::Refused(_) | Self::Changed => Code::Conflict,
            Self::NotRun(reason) => reason.code,
            Self::Maintenance(_)
            | Self::Unavailable(_)
            | Self::Absent(_)
            | Self::Overloaded
            | Self::Upstream { .. } => Code::Unavailable,
            Self::ReadOnly => Code::ReadOnly,
            Self::Setting(_) | Self::Internal(_) => Code::Internal,
        }
    }

    /// The code under which the log tells of a REST error: of its refusals, the status says more.
    pub fn log_code(&self) -> Code {
        match self {
            Self::Refused(Refusal { status: 404, .. }) => Code::NotFound,
            Self::Refused(Refusal { status: 405 | 413, .. }) => Code::BadUserInput,
            other => other.code(),
        }
    }

    /// The REST body.
    pub fn body(&self) -> Json {
        match self {
            Self::Invalid(invalid) => json!({"message": invalid.summary(), "errors": invalid.errors}),
            Self::Refused(refusal) => Json::Object(refusal.body.clone()),
            other => json!({"message": other.to_string()}),
        }
    }

    /// Details of the GraphQL error beside its code.
    pub fn add_extensions(&self, values: &mut ErrorExtensionValues) {
        values.set("code", self.code().name());
        match self {
            Self::Forbidden(needs) => {
                let needs = needs.iter().map(|need| need.as_str().into()).collect();
                values.set("abilities", Value::List(needs));
            }
            Self::RateLimited(_) | Self::Unavailable(_) | Self::Overloaded => {
                if let Some(seconds) = self.retry_after() {
                    values.set("retryAfter", seconds);
                }
            }
            Self::Invalid(invalid) => {
                if let Ok(errors) = Value::from_json(json!(invalid.errors)) {
                    values.set("errors", errors);
                }
            }
            Self::NotRun(reason) => {
                if let Some((limit, max)) = reason.limit {
                    values.set("limit", limit);
                    values.set("max", max);
                }
            }
            _ => {}
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match failure::of(&error) {
            Failure::Lost | Failure::Unavailable | Failure::Refused => Self::Unavailable(error),
            Failure::ReadOnly => Self::ReadOnly,
            Failure::Absent => Self::Absent(error),
            Failure::Statement => Self::Internal(error.into()),
        }
    }
}

/// Why a GraphQL operation was not run.
#[derive(Clone, Debug)]
pub struct NotRun {
    /// What kind of reason it is.
    pub code: Code,
    /// The reason in words.
    pub text: String,
    /// The limit that was passed, and how much it allows.
    pub limit: Option<(&'static str, u64)>,
    /// Where in the document.
    pub locations: Vec<Pos>,
}

impl NotRun {
    /// A reason of that kind.
    pub fn new(code: Code, text: impl Into<String>) -> Error {
        Self::with_locations(code, text, Vec::new())
    }

    /// A reason of that kind, with its places in the document.
    pub fn with_locations(code: Code, text: impl Into<String>, locations: Vec<Pos>) -> Error {
        Error::NotRun(Box::new(Self { code, text: text.into(), limit: None, locations }))
    }

    /// A limit that was passed: its name, what it allows and of what.
    pub fn limit_exceeded(code: Code, limit: &'static str, max: u64, unit: &str) -> Error {
        let text = format!("The operation asks for too much: at most {max} {unit}.");
        Error::NotRun(Box::new(Self { code, text, limit: Some((limit, max)), locations: Vec::new() }))
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $status:literal),* $(,)?) => {
        /// `extensions.code` of a GraphQL error: the closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $doc])+ $variant),* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as it is sent.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// HTTP status of an answer that holds nothing else.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// When it is sent, for the documents.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+)),* }.trim_start()
            }
        }
    };
}

codes! {
    /// No valid key.
    Unauthenticated = "UNAUTHENTICATED", 401,
    /// The key lacks the ability; `abilities` names those of which one is needed.
    Forbidden = "FORBIDDEN", 403,
    /// There is no such record.
    NotFound = "NOT_FOUND", 404,
    /// The input breaks rules; `errors` lists them by field.
    ValidationFailed = "VALIDATION_FAILED", 422,
    /// The state of the record forbids the action, or is not the one that was expected.
    Conflict = "CONFLICT", 409,
    /// Too many requests or points in this minute; `retryAfter` seconds help.
    RateLimited = "RATE_LIMITED", 429,
    /// An argument, a variable or the request itself makes no sense.
    BadUserInput = "BAD_USER_INPUT", 400,
    /// The document is no GraphQL.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED", 400,
    /// The document does not fit the schema.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED", 400,
    /// The document has no operation of that name, or several and none was named.
    OperationResolutionFailure = "OPERATION_RESOLUTION_FAILURE", 400,
    /// The query nests too deep.
    QueryTooDeep = "QUERY_TOO_DEEP", 400,
    /// Too many aliases, root fields or directives; `limit` names which.
    QueryTooWide = "QUERY_TOO_WIDE", 400,
    /// The document or its request is too long: tokens or bytes.
    QueryTooLong = "QUERY_TOO_LONG", 413,
    /// The query costs more points than one query may.
    QueryTooComplex = "QUERY_TOO_COMPLEX", 400,
    /// A list is asked for more rows than one page may hold.
    ListTooLong = "LIST_TOO_LONG", 400,
    /// Several operations in one request.
    BatchNotAllowed = "BATCH_NOT_ALLOWED", 400,
    /// The hash is not known yet: send the document with it once.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND", 200,
    /// Only the operations that the shop has listed are run.
    DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED", 403,
    /// The operation took longer than it may.
    TimedOut = "TIMED_OUT", 503,
    /// The database does not answer, the shop is closed, or too much is asked at the same time.
    Unavailable = "UNAVAILABLE", 503,
    /// The server or its database takes no writes.
    ReadOnly = "READ_ONLY", 503,
    /// A defect of the server; its log tells more under the `traceId`.
    Internal = "INTERNAL", 500,
}

/// Every broken rule of an input, by field in the order of the rules (docs/contract/wire.md#1.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invalid {
    /// Field name, dotted where nested → messages in rule order.
    pub errors: IndexMap<String, Vec<String>>,
}

impl Invalid {
    /// One message on one field.
    pub fn single(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { errors: IndexMap::from([(field.into(), vec![message.into()])]) }
    }

    /// The first message and how many more there are. The suffix is English in every language.
    pub fn summary(&self) -> String {
        let first = self.errors.values().flatten().next().map_or("", String::as_str);
        match self.errors.values().map(Vec::len).sum::<usize>().saturating_sub(1) {
            0 => first.to_owned(),
            1 => format!("{first} (and 1 more error)"),
            more => format!("{first} (and {more} more errors)"),
        }
    }
}

/// A refusal that an action words itself.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// HTTP status of the REST answer.
    pub status: u16,
    /// Whole body of the REST answer.
    pub body: Map<String, Json>,
}

impl Refusal {
    /// `{"message": text}`
    pub fn message(status: u16, text: impl Into<String>) -> Error {
        Self::with(status, "message", text)
    }

    /// `{"error": text}`
    pub fn error(status: u16, text: impl Into<String>) -> Error {
        Self::with(status, "error", text)
    }

    fn with(status: u16, key: &str, text: impl Into<String>) -> Error {
        let body = Map::from_iter([(key.to_owned(), Json::String(text.into()))]);
        Error::Refused(Self { status, body })
    }

    fn text(&self) -> &str {
        ["message", "error"].iter().find_map(|key| self.body.get(*key)?.as_str()).unwrap_or("Refused.")
    }
}
