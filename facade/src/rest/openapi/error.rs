//! How operations fail: one shared response for each status (docs/contract/wire.md#1.3).

use serde_json::{Value as Json, json};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ComponentsBuilder, Schema};
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Response, ResponseBuilder, Type};

use super::schema::typed;
use super::{JSON, XML};
use crate::rest::document::{Checked, Document};

const LIMIT: &str = "X-RateLimit-Limit";
const REMAINING: &str = "X-RateLimit-Remaining";
const RESET: &str = "X-RateLimit-Reset";
const RETRY: &str = "Retry-After";
const POLICY: &str = "RateLimit-Policy";
const STANDING: &str = "RateLimit";

const HEADERS: &[(&str, Type, &str)] = &[
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
        "Every limit: `q` requests or points (a point a row) in `w` seconds, as a list of structured fields.",
    ),
    (STANDING, Type::String, "What is left of every limit (`r`) for so many seconds (`t`)."),
];

/// A way to fail.
struct Failure {
    status: u16,
    name: &'static str,
    about: &'static str,
    headers: &'static [&'static str],
    example: &'static str,
}

const COUNTED: &[&str] = &[LIMIT, REMAINING, POLICY, STANDING];

const FAILURES: &[Failure] = &[
    Failure {
        status: 400,
        name: "BadRequest",
        about: "The request cannot be read, or asks for a filter, order or relation that is not there.",
        headers: COUNTED,
        example: "Bad request.",
    },
    Failure {
        status: 401,
        name: "Unauthenticated",
        about: "No valid key.",
        headers: &[],
        example: "Unauthenticated.",
    },
    Failure {
        status: 403,
        name: "Forbidden",
        about: "The key lacks the ability.",
        headers: COUNTED,
        example: "Invalid ability provided.",
    },
    Failure { status: 404, name: "NotFound", about: "No such record.", headers: COUNTED, example: "" },
    Failure {
        status: 412,
        name: "Changed",
        about: "The record is not in the state that `If-Unmodified-Since` names.",
        headers: COUNTED,
        example: "The record was changed since it was read.",
    },
    Failure {
        status: 413,
        name: "TooLarge",
        about: "The body is too large.",
        headers: COUNTED,
        example: "The POST data is too large.",
    },
    Failure {
        status: 422,
        name: "Invalid",
        about: "The input breaks rules: all of them are told, in the shop's language.",
        headers: COUNTED,
        example: "The name field is required.",
    },
    Failure {
        status: 429,
        name: "TooManyRequests",
        about: "Too many requests, or points of what they asked for, in this minute.",
        headers: &[LIMIT, REMAINING, RESET, RETRY, POLICY, STANDING],
        example: "Too Many Attempts.",
    },
    Failure {
        status: 500,
        name: "ServerError",
        about: "Something went wrong inside.",
        headers: COUNTED,
        example: "Server Error",
    },
    Failure {
        status: 503,
        name: "Unavailable",
        about: "The shop is closed for maintenance, or its database does not answer.",
        headers: &[LIMIT, REMAINING, RETRY, POLICY, STANDING],
        example: "Service Unavailable",
    },
];

/// Further failures of files. They are written into the operations, so that a contract without files has none of them.
const OF_FILES: &[Failure] = &[
    Failure {
        status: 412,
        name: "FileChanged",
        about: "The file does not match `If-Match`, or was changed after `If-Unmodified-Since`.",
        headers: COUNTED,
        example: "The record was changed since it was read.",
    },
    Failure {
        status: 416,
        name: "RangeNotSatisfiable",
        about: "`Range` lies outside of the file; `Content-Range` has its length.",
        headers: COUNTED,
        example: "Range Not Satisfiable",
    },
];

/// The responses of these failures.
pub(super) fn of_files() -> impl Iterator<Item = (u16, Response)> {
    OF_FILES.iter().map(|failure| (failure.status, response(failure)))
}

/// The statuses with which an operation can fail.
pub(super) fn statuses(document: &Document<Checked>, has_body: bool, conditional: bool) -> Vec<u16> {
    let named = document.routes.iter().any(|route| route.path.contains('{'));
    let answers = |status: u16| match status {
        // An action may refuse what it is asked.
        400 => has_body || document.answer.is_page() || !document.has_get(),
        401 => !document.is_keyless(),
        403 => !document.needs().is_empty(),
        404 => named,
        412 => conditional,
        413 | 422 => has_body,
        _ => true,
    };
    FAILURES.iter().map(|failure| failure.status).filter(|&status| answers(status)).collect()
}

/// The shared response of a status.
pub(super) fn reference(status: u16) -> RefOr<Response> {
    let known = FAILURES.iter().find(|failure| failure.status == status);
    Ref::from_response_name(known.map_or("ServerError", |failure| failure.name)).into()
}

/// The response with the headers of requests that are counted.
pub(super) fn counted(response: ResponseBuilder) -> ResponseBuilder {
    with_headers(response, COUNTED)
}

fn with_headers(response: ResponseBuilder, names: &[&str]) -> ResponseBuilder {
    names.iter().fold(response, |response, name| {
        response.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
    })
}

/// The shared responses with their schemas and headers.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    let message = || typed(Type::String).description(Some("What went wrong."));
    let messages = ArrayBuilder::new().items(typed(Type::String));
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
        .property("error", message())
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)));
    let invalid = typed(Type::Object)
        .description(Some("Input that breaks rules."))
        .property("message", message())
        .property("errors", errors)
        .required("message")
        .required("errors");
    let components =
        components.schema("Error", error).schema("Refusal", refusal).schema("InvalidInput", invalid);
    let components = HEADERS.iter().fold(components, |all, (name, ty, about)| {
        let mut header = Header::new(typed(ty.clone()).build());
        header.description = Some((*about).to_owned());
        all.header(*name, header)
    });
    FAILURES.iter().fold(components, |all, failure| all.response(failure.name, response(failure)))
}

fn response(failure: &Failure) -> Response {
    let (schema, example) = match failure.status {
        400 => ("Refusal", json!({"message": failure.example})),
        422 => ("InvalidInput", invalid(failure.example)),
        _ => ("Error", json!({"message": failure.example})),
    };
    let content = |example: Option<Json>| {
        ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(example).build()
    };
    with_headers(ResponseBuilder::new().description(failure.about), failure.headers)
        .content(JSON, content(Some(example)))
        .content(XML, content(None))
        .build()
}

fn invalid(message: &str) -> Json {
    json!({"message": message, "errors": {"name": [message]}})
}
