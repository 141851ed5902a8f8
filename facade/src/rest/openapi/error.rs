//! Responses of errors: one component for each status (docs/contract/wire.md#1.3).

use serde_json::{Value as Json, json};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Response, ResponseBuilder, Type};

use super::schema::{integer_from, list, text, typed};
use super::{JSON, XML};
use crate::rest::document::{Checked, Document, Variable};

const LIMIT: &str = "X-RateLimit-Limit";
const REMAINING: &str = "X-RateLimit-Remaining";
const RESET: &str = "X-RateLimit-Reset";
const RETRY: &str = "Retry-After";
const POLICY: &str = "RateLimit-Policy";
const ORIGIN: &str = "Access-Control-Allow-Origin";

/// Most characters of a message and of a header, and most messages about one field.
const MAX_MESSAGE: usize = 65_535;
pub(super) const MAX_HEADER: usize = 8_192;
const MAX_MESSAGES: usize = 100;

const HEADERS: &[(&str, Type, &str)] = &[
    (ORIGIN, Type::String, "The web pages that may read the answer."),
    (
        LIMIT,
        Type::Integer,
        "Requests a minute, for all keys of the owner together; absent where no limit is set.",
    ),
    (REMAINING, Type::Integer, "Requests left in this minute."),
    (RESET, Type::Integer, "When requests count anew, as Unix time."),
    (RETRY, Type::Integer, "Seconds after which another try makes sense."),
    (
        POLICY,
        Type::String,
        "Every limit: `q` requests or points (a point a row) in `w` seconds, as a list of structured fields. `RateLimit` beside it \
         tells what is left of each (`r`) for how many seconds (`t`).",
    ),
];

/// The response of one status.
struct ErrorResponse {
    status: u16,
    name: &'static str,
    description: &'static str,
    headers: &'static [&'static str],
    example: &'static str,
}

const COUNTED: &[&str] = &[LIMIT, REMAINING, POLICY, ORIGIN];

const ERRORS: &[ErrorResponse] = &[
    ErrorResponse {
        status: 400,
        name: "BadRequest",
        description: "The request cannot be read, or asks for a filter, order or relation that is not there.",
        headers: COUNTED,
        example: "Bad request.",
    },
    ErrorResponse {
        status: 401,
        name: "Unauthenticated",
        description: "No valid key. Without one, no limit is told.",
        headers: &[LIMIT, ORIGIN],
        example: "Unauthenticated.",
    },
    ErrorResponse {
        status: 403,
        name: "Forbidden",
        description: "The key lacks the ability.",
        headers: COUNTED,
        example: "Invalid ability provided.",
    },
    ErrorResponse {
        status: 404,
        name: "NotFound",
        description: "No such record.",
        headers: COUNTED,
        example: "",
    },
    ErrorResponse {
        status: 409,
        name: "Conflict",
        description: "The state of the record forbids it.",
        headers: COUNTED,
        example: "The record is in use.",
    },
    ErrorResponse {
        status: 412,
        name: "Changed",
        description: "The record is not in the state that `If-Unmodified-Since` names.",
        headers: COUNTED,
        example: "The record was changed since it was read.",
    },
    ErrorResponse {
        status: 413,
        name: "TooLarge",
        description: "The body is too large.",
        headers: COUNTED,
        example: "The POST data is too large.",
    },
    ErrorResponse {
        status: 422,
        name: "Invalid",
        description: "The input breaks rules: all of them are told, in the shop's language.",
        headers: COUNTED,
        example: "The name field is required.",
    },
    ErrorResponse {
        status: 429,
        name: "TooManyRequests",
        description: "Too many requests, or points of what they asked for, in this minute.",
        headers: &[LIMIT, REMAINING, RESET, RETRY, POLICY, ORIGIN],
        example: "Too Many Attempts.",
    },
    ErrorResponse {
        status: 500,
        name: "ServerError",
        description: "Something went wrong inside.",
        headers: COUNTED,
        example: "Server Error",
    },
    ErrorResponse {
        status: 503,
        name: "Unavailable",
        description: "The shop is closed for maintenance, or its database does not answer.",
        headers: &[LIMIT, REMAINING, RETRY, POLICY, ORIGIN],
        example: "Service Unavailable",
    },
];

/// Further errors of operations that answer files. They are parts of the operations, not components, so that an OpenAPI
/// document without files does not have them.
const FILE_ERRORS: &[ErrorResponse] = &[
    ErrorResponse {
        status: 412,
        name: "FileChanged",
        description: "The file does not match `If-Match`, or was changed after `If-Unmodified-Since`.",
        headers: COUNTED,
        example: "The record was changed since it was read.",
    },
    ErrorResponse {
        status: 416,
        name: "RangeNotSatisfiable",
        description: "`Range` lies outside of the file; `Content-Range` has its length.",
        headers: COUNTED,
        example: "Range Not Satisfiable",
    },
];

/// The responses of the further errors of files.
pub(super) fn of_files() -> impl Iterator<Item = (u16, Response)> {
    FILE_ERRORS.iter().map(|error| (error.status, response(error)))
}

/// The statuses with which an operation can fail.
pub(super) fn statuses(document: &Document<Checked>, has_body: bool, conditional: bool) -> Vec<u16> {
    let has_parameter = document.routes.iter().any(|route| route.path.contains('{'));
    let is_possible = |status: u16| match status {
        // An action may refuse to act.
        400 => has_body || document.answer.is_page() || !document.has_get(),
        401 => !document.is_keyless(),
        403 => !document.needs().is_empty(),
        404 => has_parameter,
        409 => document.conflicts,
        412 => conditional,
        413 => has_body,
        422 => has_body || takes_text(document),
        _ => true,
    };
    ERRORS.iter().map(|error| error.status).filter(|&status| is_possible(status)).collect()
}

/// Whether an operation without pages reads texts of the query, which may be wrong.
fn takes_text(document: &Document<Checked>) -> bool {
    let is_text = |variable: &Variable| variable.ty.base.to_string() == "String";
    document.has_get() && !document.answer.is_page() && document.variables.iter().any(is_text)
}

/// A reference to the component of a status.
pub(super) fn reference(status: u16) -> RefOr<Response> {
    let known = ERRORS.iter().find(|error| error.status == status);
    Ref::from_response_name(known.map_or("ServerError", |error| error.name)).into()
}

/// The response with the headers about limits.
pub(super) fn counted(response: ResponseBuilder) -> ResponseBuilder {
    with_headers(response, COUNTED)
}

fn with_headers(response: ResponseBuilder, names: &[&str]) -> ResponseBuilder {
    names.iter().fold(response, |response, name| {
        response.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
    })
}

/// Adds the responses with their schemas and headers.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    let message = || text(MAX_MESSAGE).description(Some("What went wrong."));
    let messages = list(text(MAX_MESSAGE), MAX_MESSAGES);
    let errors = typed(Type::Object)
        .description(Some("The broken rules of each field, by its name in the request; dotted where nested."))
        .additional_properties(Some(messages));
    let error = typed(Type::Object)
        .description(Some("Why a request was not answered."))
        .property("message", message())
        .required("message");
    let refusal = typed(Type::Object)
        .description(Some(
            "Why a request was refused; an action may say it in `error` and add what stands in its way.",
        ))
        .property("message", message())
        .property("error", message());
    let invalid = typed(Type::Object)
        .description(Some("Input that breaks rules."))
        .property("message", message())
        .property("errors", errors)
        .required("message")
        .required("errors");
    let components =
        components.schema("Error", error).schema("Refusal", refusal).schema("InvalidInput", invalid);
    let components = HEADERS.iter().fold(components, |all, (name, ty, description)| {
        let schema = if *ty == Type::Integer { integer_from(0) } else { text(MAX_HEADER) };
        let mut header = Header::new(schema.build());
        header.description = Some((*description).to_owned());
        all.header(*name, header)
    });
    ERRORS.iter().fold(components, |all, error| all.response(error.name, response(error)))
}

fn response(error: &ErrorResponse) -> Response {
    let (schema, example) = match error.status {
        400 => ("Refusal", json!({"message": error.example})),
        422 => ("InvalidInput", invalid(error.example)),
        _ => ("Error", json!({"message": error.example})),
    };
    let content = |example: Option<Json>| {
        ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(example).build()
    };
    with_headers(ResponseBuilder::new().description(error.description), error.headers)
        .content(JSON, content(Some(example)))
        .content(XML, content(None))
        .build()
}

fn invalid(message: &str) -> Json {
    json!({"message": message, "errors": {"name": [message]}})
}
