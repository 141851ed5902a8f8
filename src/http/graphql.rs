//! GraphQL over HTTP, to the letter of its specification: media types by `Accept`, status codes,
//! well-formedness, and nothing that a foreign page could make a browser send.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request as Operation, Response as Answer, ServerError, Variables};
use async_graphql_axum::{GraphQLRequest, rejection::GraphQLRejection};
use axum::body::Body;
use axum::extract::{FromRequest, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value as Json, json};

use crate::App;
use crate::auth::Principal;
use crate::error::Error;
use crate::scope::Client;
use crate::throttle::{Bucket, Verdict};

/// The media type that tells success by its status code.
const GRAPHQL: &str = "application/graphql-response+json";
/// The media type of older clients, which answers 200 to every well-formed request.
const JSON: &str = "application/json";
/// Headers that a foreign page cannot send without asking first: one of them must come with a
/// multipart body, which a form could send.
const PREFLIGHTED: [&str; 3] = ["x-requested-with", "graphql-require-preflight", "apollo-require-preflight"];

/// An operation that could not be read, or not be answered at all.
struct Rejection {
    status: StatusCode,
    error: Box<ServerError>,
}

impl Rejection {
    fn new(status: StatusCode, text: &str) -> Self {
        Self { status, error: Box::new(server_error(Error::BadRequest(text.to_owned()))) }
    }

    fn bad(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, error: Box::new(server_error(error)) }
    }
}

/// `GET`: GraphiQL for browsers, a query for everybody else.
pub async fn get(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Response<Body> {
    let wants_page = first_accepted(request.headers(), &["text/html", GRAPHQL, JSON]) == Some("text/html");
    if wants_page && query.is_none() {
        return super::pages::graphiql("/graphql", app.demo_key.as_deref());
    }
    let operation = from_query(query.as_deref().unwrap_or(""));
    answer(&app, request.headers(), super::client(&app, &request), super::origin(&app, &request), operation)
        .await
}

/// `POST`: any operation.
pub async fn post(State(app): State<App>, request: Request) -> Response<Body> {
    let headers = request.headers().clone();
    let (client, origin) = (super::client(&app, &request), super::origin(&app, &request));
    let operation = from_body(&app, request).await;
    answer(&app, &headers, client, origin, operation).await
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    client: std::net::IpAddr,
    origin: crate::scope::Origin,
    operation: Result<Operation, Rejection>,
) -> Response<Body> {
    let Some(media) = first_accepted(headers, &[GRAPHQL, JSON]) else {
        let rejection =
            Rejection::new(StatusCode::NOT_ACCEPTABLE, "Accept must allow a GraphQL response as JSON.");
        return spell(JSON, rejection.status, Answer::from_errors(vec![*rejection.error]));
    };
    let mut limits = HeaderMap::new();
    let executed = async {
        let principal = principal(app, headers).await?;
        admit(app, client, principal.as_deref(), &mut limits).await?;
        let mut operation = operation?.data(origin).data(Client(client));
        if let Some(principal) = principal {
            operation = operation.data(principal);
        }
        Ok::<_, Rejection>(app.public.execute(operation).await)
    };
    let (status, answer) = match executed.await {
        Ok(answer) => (status_of(media, &answer), answer),
        Err(rejection) => (rejection.status, Answer::from_errors(vec![*rejection.error])),
    };
    let mut response = spell(media, status, answer);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response.headers_mut().extend(limits);
    response
}

/// The caller; a key that is not valid is no key, and each field says so.
async fn principal(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Principal>>, Rejection> {
    match app.keys.authenticate(&app.shared, headers).await {
        Ok(principal) => Ok(Some(principal)),
        Err(Error::Unauthenticated) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn admit(
    app: &App,
    client: std::net::IpAddr,
    principal: Option<&Principal>,
    headers: &mut HeaderMap,
) -> Result<(), Rejection> {
    let bucket = principal.map_or(Bucket::Address(client), |principal| Bucket::Owner(principal.owner));
    let verdict = app.throttle.hit(bucket).await;
    verdict.headers(headers, app.shared.clock.now().timestamp());
    match verdict {
        Verdict::Refused { retry_after, .. } => Err(Error::RateLimited(retry_after).into()),
        _ => Ok(()),
    }
}

/// A request that was not executed is 400 where the media type tells; everything else is 200.
fn status_of(media: &str, answer: &Answer) -> StatusCode {
    let executed = answer.data != async_graphql::Value::Null;
    if executed || media == JSON { StatusCode::OK } else { StatusCode::BAD_REQUEST }
}

fn spell(media: &str, status: StatusCode, mut answer: Answer) -> Response<Body> {
    answer.errors.iter_mut().for_each(complete);
    let executed = answer.data != async_graphql::Value::Null;
    let body = if executed {
        serde_json::to_vec(&answer)
    } else {
        serde_json::to_vec(&json!({"errors": answer.errors}))
    };
    let body = body.unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if let Ok(kind) = HeaderValue::from_str(&format!("{media}; charset=utf-8")) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The first of our media types that `Accept` ranks highest; our order where it doesn't mind.
fn first_accepted<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let text: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let text = text.join(",");
    if text.trim().is_empty() || text.trim() == "*/*" {
        return Some(JSON);
    }
    let ranked = text.split(',').filter_map(|part| {
        let mut parameters = part.split(';').map(str::trim);
        let media = parameters.next()?.to_ascii_lowercase();
        let quality =
            parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        let matches = |offer: &&&str| {
            media == "*/*"
                || media == **offer
                || media.strip_suffix("/*").is_some_and(|kind| offer.starts_with(kind))
        };
        let offer = if media == "*/*" || media == "application/*" {
            Some(JSON)
        } else {
            offered.iter().find(matches).copied()
        };
        offer.filter(|_| quality > 0.0).map(|offer| (quality, offer))
    });
    ranked
        .fold(None, |best: Option<(f32, &'a str)>, (quality, offer)| match best {
            Some((highest, _)) if highest >= quality => best,
            _ => Some((quality, offer)),
        })
        .map(|(_, offer)| offer)
}

/// A query in the address: `query`, `operationName`, `variables`, `extensions`. Only queries.
fn from_query(text: &str) -> Result<Operation, Rejection> {
    let mut fields = Map::new();
    for (name, value) in crate::rest::plain_query(text) {
        let value = match name.as_str() {
            "variables" | "extensions" if !value.is_empty() => {
                serde_json::from_str(&value).map_err(|_| Rejection::bad(&format!("`{name}` is no JSON.")))?
            }
            "variables" | "extensions" => Json::Null,
            _ => Json::String(value),
        };
        fields.insert(name, value);
    }
    let mut operation = from_json(Json::Object(fields))?;
    let name = operation.operation_name.clone();
    // What cannot be parsed is told by its execution.
    let mutates = operation.parsed_query().is_ok_and(|document| {
        let mut asked = document
            .operations
            .iter()
            .filter(|(own, _)| name.is_none() || own.map(|own| own.as_str()) == name.as_deref());
        asked.any(|(_, operation)| operation.node.ty != OperationType::Query)
    });
    if mutates {
        return Err(Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "Only queries can be sent by GET."));
    }
    Ok(operation)
}

async fn from_body(app: &App, request: Request) -> Result<Operation, Rejection> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_ascii_lowercase();
    let (media, charset) = kind.split_once(';').unwrap_or((&kind, ""));
    if media.trim() == "multipart/form-data" {
        return from_multipart(request).await;
    }
    let utf8 =
        charset.trim().strip_prefix("charset=").is_none_or(|charset| charset.trim_matches('"') == "utf-8");
    if media.trim() != JSON || !utf8 {
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be JSON in UTF-8."));
    }
    let body = axum::body::to_bytes(request.into_body(), app.shared.config.max_body).await;
    let body = body.map_err(|_| Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."))?;
    from_json(serde_json::from_slice(&body).map_err(|_| Rejection::bad("The body is no JSON."))?)
}

/// Files beside the operation (GraphQL multipart request specification).
async fn from_multipart(request: Request) -> Result<Operation, Rejection> {
    let preflighted =
        PREFLIGHTED.iter().any(|name| request.headers().contains_key(HeaderName::from_static(name)));
    if !preflighted {
        return Err(Rejection::bad("A multipart request needs the header `GraphQL-Require-Preflight`."));
    }
    match GraphQLRequest::<GraphQLRejection>::from_request(request, &()).await {
        Ok(request) => Ok(request.into_inner()),
        Err(GraphQLRejection(error)) => Err(Rejection::bad(&error.to_string())),
    }
}

/// The parameters of a request, each of its type.
fn from_json(body: Json) -> Result<Operation, Rejection> {
    let Json::Object(mut fields) = body else {
        return Err(Rejection::bad("The body must be one object: batches are not accepted."));
    };
    let Some(Json::String(query)) = fields.remove("query") else {
        return Err(Rejection::bad("`query` must be a text."));
    };
    let mut operation = Operation::new(query);
    match fields.remove("operationName") {
        None | Some(Json::Null) => {}
        Some(Json::String(name)) => operation = operation.operation_name(name),
        Some(_) => return Err(Rejection::bad("`operationName` must be a text.")),
    }
    match fields.remove("variables") {
        None | Some(Json::Null) => {}
        Some(variables @ Json::Object(_)) => operation = operation.variables(Variables::from_json(variables)),
        Some(_) => return Err(Rejection::bad("`variables` must be an object.")),
    }
    match fields.remove("extensions") {
        None | Some(Json::Null | Json::Object(_)) => Ok(operation),
        Some(_) => Err(Rejection::bad("`extensions` must be an object.")),
    }
}

fn server_error(error: Error) -> ServerError {
    async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default())
}

/// Gives an error its code and details, and the log its cause.
fn complete(error: &mut ServerError) {
    let source = error.source.as_ref().and_then(|source| source.downcast_ref::<Error>());
    let mut extensions = error.extensions.take().unwrap_or_default();
    match source {
        Some(own) => {
            if let Error::Internal(cause) = own {
                tracing::error!(%cause, "operation failed");
            }
            own.extend(&mut extensions);
        }
        None => extensions.set("code", "BAD_USER_INPUT"),
    }
    error.extensions = Some(extensions);
}
