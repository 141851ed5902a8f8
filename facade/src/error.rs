//! The engine's error type. REST reads status and body from it, GraphQL code and extensions. An internal cause is
//! logged and never sent to clients.

use async_graphql::{ErrorExtensionValues, Pos, Value};
use indexmap::IndexMap;
use sea_orm::DbErr;
use serde_json::{Map, Value as Json, json};

use crate::engine::Texts;
use crate::failure::{self, Failure};
use crate::user_error::{BrokenRule, INVALID_STATE, NOT_FOUND, STALE, UserErrorCode};

/// `Retry-After` in seconds when the database does not answer.
pub const RETRY_AFTER: u64 = 5;
/// `Retry-After` in seconds when the server is overloaded.
const OVERLOADED_RETRY_AFTER: u64 = 1;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request failed (docs/contract/wire.md#1.3).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No valid key or session.
    #[error("Unauthenticated.")]
    Unauthenticated,
    /// The caller has none of these abilities, of which it needs one.
    #[error("Invalid ability provided.")]
    Forbidden(Vec<String>),
    /// The key is restricted in a way that does not allow this request, with the reason.
    #[error("{}", .0.meaning)]
    RestrictedKey(UserErrorCode),
    /// Too many requests or points in this minute; the number is the seconds until the caller may try again.
    #[error("Too Many Attempts.")]
    RateLimited(u64),
    /// No such record.
    #[error("No query results for model [{model}] {id}")]
    NotFound {
        /// The class name that the original prints for this kind of record.
        model: &'static str,
        /// The identifier as it was received.
        id: String,
    },
    /// Input that breaks rules: all messages, by field.
    #[error("{}", .0.summary())]
    Invalid(Invalid),
    /// A malformed request, with the reason.
    #[error("{0}")]
    BadRequest(String),
    /// An action refuses with a status and a REST body of its own.
    #[error("{}", .0.text())]
    Refused(Refusal),
    /// The record is not in the state that the caller has read (HTTP 412).
    #[error("The record was changed since it was read.")]
    Changed,
    /// A GraphQL operation that was not run, or not to its end.
    #[error("{}", .0.text)]
    NotRun(Box<NotRun>),
    /// The shop is closed for maintenance, with the shop's own text.
    #[error("{0}")]
    Maintenance(String),
    /// The database does not answer, or not in time.
    #[error("Service Unavailable")]
    Unavailable(#[source] DbErr),
    /// The database lacks a table or column that the request needs.
    #[error("This shop's database lacks what is needed here.")]
    Absent(#[source] DbErr),
    /// Too many requests, or too many passwords to hash, are waiting.
    #[error("Service Unavailable")]
    Overloaded,
    /// The server is read-only by its settings.
    #[error("This server is read-only.")]
    ReadOnly,
    /// The database takes no writes at present.
    #[error("This server is read-only.")]
    ReadOnlyForNow,
    /// The upstream server, to which the request was forwarded, failed.
    #[error("{text}")]
    Upstream {
        /// HTTP status of the answer.
        status: u16,
        /// Text of the answer.
        text: &'static str,
        /// The cause, for the log only.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A setting with which the server cannot start. It is shown to the operator and never sent to a client.
    #[error("{0}")]
    Setting(String),
    /// An unexpected failure.
    #[error("Server Error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An unexpected failure; the cause is for the log only.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The error for a caller that has none of these abilities.
    pub fn forbidden(any: &[impl AsRef<str>]) -> Self {
        Self::Forbidden(any.iter().map(|name| name.as_ref().to_owned()).collect())
    }

    /// The same refusal with another code for GraphQL; other errors have codes of their own.
    #[must_use]
    pub fn coded(self, code: UserErrorCode) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(Refusal { code, ..refusal }),
            other => other,
        }
    }

    /// The same error for another caller that waited for the same work. (Not all causes can be cloned.)
    pub fn clone_for_waiter(&self) -> Self {
        match self {
            Self::Unavailable(cause) => Self::Unavailable(cause.clone()),
            Self::Absent(cause) => Self::Absent(cause.clone()),
            Self::ReadOnly => Self::ReadOnly,
            Self::ReadOnlyForNow => Self::ReadOnlyForNow,
            Self::Overloaded => Self::Overloaded,
            other => Self::internal(other.to_string()),
        }
    }

    /// The cause, for the log only.
    pub fn cause(&self) -> Option<&dyn std::fmt::Display> {
        match self {
            Self::Unavailable(cause) | Self::Absent(cause) => Some(cause),
            Self::Internal(cause) => Some(cause),
            Self::Upstream { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// Seconds after which the client may try again (`Retry-After`), where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unavailable(_) | Self::ReadOnlyForNow => Some(RETRY_AFTER),
            Self::Overloaded => Some(OVERLOADED_RETRY_AFTER),
            Self::RateLimited(seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// HTTP status of the REST answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden(_) | Self::RestrictedKey(_) => 403,
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
            | Self::ReadOnly
            | Self::ReadOnlyForNow => 503,
            Self::Setting(_) | Self::Internal(_) => 500,
        }
    }

    /// `extensions.code` of the GraphQL error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Forbidden(_) | Self::RestrictedKey(_) => Code::Forbidden,
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
            Self::ReadOnly | Self::ReadOnlyForNow => Code::ReadOnly,
            Self::Setting(_) | Self::Internal(_) => Code::Internal,
        }
    }

    /// The code that the log prints for a REST error. For a [`Refusal`] it follows the status.
    pub fn log_code(&self) -> Code {
        match self {
            Self::Refused(Refusal { status: 404, .. }) => Code::NotFound,
            Self::Refused(Refusal { status: 405 | 413 | 416, .. }) => Code::BadUserInput,
            other => other.code(),
        }
    }

    /// The message, in the language of these texts where the contract has no fixed one for all languages.
    pub fn message(&self, texts: &dyn Texts) -> String {
        match self {
            Self::RestrictedKey(reason) => reason.message(texts),
            Self::Changed => STALE.message(texts),
            other => other.to_string(),
        }
    }

    /// The REST body.
    pub fn body(&self, texts: &dyn Texts) -> Json {
        match self {
            Self::Invalid(invalid) => json!({"message": invalid.summary(), "errors": invalid.messages()}),
            Self::Refused(refusal) => Json::Object(refusal.body.clone()),
            other => json!({"message": other.message(texts)}),
        }
    }

    /// Sets the `extensions` of the GraphQL error: its code and details.
    pub fn add_extensions(&self, values: &mut ErrorExtensionValues) {
        values.set("code", self.code().name());
        match self {
            Self::Forbidden(needs) => {
                let needs = needs.iter().map(|need| need.as_str().into()).collect();
                values.set("abilities", Value::List(needs));
            }
            Self::RateLimited(_) | Self::Unavailable(_) | Self::Overloaded | Self::ReadOnlyForNow => {
                if let Some(seconds) = self.retry_after() {
                    values.set("retryAfter", seconds);
                }
            }
            Self::Invalid(invalid) => {
                if let Ok(errors) = Value::from_json(json!(invalid.messages())) {
                    values.set("errors", errors);
                }
            }
            Self::Refused(refusal) => values.set("userErrorCode", refusal.code.name),
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
            Failure::Lost | Failure::Ended | Failure::Unavailable | Failure::Refused => {
                Self::Unavailable(error)
            }
            Failure::ReadOnly => Self::ReadOnlyForNow,
            Failure::Absent => Self::Absent(error),
            Failure::Statement => Self::Internal(error.into()),
        }
    }
}

/// Why a GraphQL operation was not run.
#[derive(Clone, Debug)]
pub struct NotRun {
    /// The code of the error.
    pub code: Code,
    /// The message.
    pub text: String,
    /// Name and value of the limit that was exceeded.
    pub limit: Option<(&'static str, u64)>,
    /// Positions in the document.
    pub locations: Vec<Pos>,
}

impl NotRun {
    /// An error with this code and message.
    pub fn error(code: Code, text: impl Into<String>) -> Error {
        Self::error_at(code, text, Vec::new())
    }

    /// An error with this code and message, and its positions in the document.
    pub fn error_at(code: Code, text: impl Into<String>, locations: Vec<Pos>) -> Error {
        Error::NotRun(Box::new(Self { code, text: text.into(), limit: None, locations }))
    }

    /// An error for an exceeded limit: its name, its value and the unit that the message prints.
    pub fn limit_exceeded(code: Code, limit: &'static str, max: u64, unit: &str) -> Error {
        let text = format!("The operation asks for too much: at most {max} {unit}.");
        Error::NotRun(Box::new(Self { code, text, limit: Some((limit, max)), locations: Vec::new() }))
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $status:literal),* $(,)?) => {
        /// `extensions.code` of a GraphQL error: the complete list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $doc])+ $variant),* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as it is sent.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// HTTP status of an answer that holds only this error.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// When it is sent, for the generated documentation.
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
    /// The state of the record forbids the action (`userErrorCode` says why), or is not the one that was expected.
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
    /// The answer would have too many bytes.
    AnswerTooLarge = "ANSWER_TOO_LARGE", 400,
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

/// All broken rules of an input (docs/contract/wire.md#1.6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Invalid {
    /// Broken rules by field name (dotted where nested), each in the order of the rules.
    pub errors: IndexMap<String, Vec<BrokenRule>>,
}

impl Invalid {
    /// One broken rule of one field.
    pub fn single(field: impl Into<String>, broken: BrokenRule) -> Self {
        Self { errors: IndexMap::from([(field.into(), vec![broken])]) }
    }

    /// The messages by field name.
    pub fn messages(&self) -> IndexMap<&str, Vec<&str>> {
        let mut messages = IndexMap::with_capacity(self.errors.len());
        for (field, broken) in &self.errors {
            messages.insert(field.as_str(), broken.iter().map(|broken| broken.text.as_str()).collect());
        }
        messages
    }

    /// The first message.
    pub fn first_message(&self) -> &str {
        self.errors.values().flatten().next().map_or("", |broken| broken.text.as_str())
    }

    /// The first message and the number of further ones, as Laravel prints it. The suffix is English in every language.
    pub fn summary(&self) -> String {
        let first = self.first_message();
        match self.errors.values().map(Vec::len).sum::<usize>().saturating_sub(1) {
            0 => first.to_owned(),
            1 => format!("{first} (and 1 more error)"),
            more => format!("{first} (and {more} more errors)"),
        }
    }
}

/// A refusal with a body of its own.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// HTTP status of the REST answer.
    pub status: u16,
    /// Whole body of the REST answer.
    pub body: Map<String, Json>,
    /// The code of the user error in GraphQL.
    pub code: UserErrorCode,
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

    /// A refusal for the state of the record, with the meaning of its code.
    pub fn for_state(code: UserErrorCode) -> Error {
        Self::coded(409, "message", code.meaning, code)
    }

    fn with(status: u16, key: &str, text: impl Into<String>) -> Error {
        Self::coded(status, key, text, if status == 404 { NOT_FOUND } else { INVALID_STATE })
    }

    fn coded(status: u16, key: &str, text: impl Into<String>, code: UserErrorCode) -> Error {
        let body = Map::from_iter([(key.to_owned(), Json::String(text.into()))]);
        Error::Refused(Self { status, body, code })
    }

    /// The message of the body.
    pub fn text(&self) -> &str {
        ["message", "error"].iter().find_map(|key| self.body.get(*key)?.as_str()).unwrap_or("Refused.")
    }
}
