//! The REST face: HTTP, envelopes and XML around the resources' documents. It knows no resource.
//!
//! A request is examined in one order: routing, key, throttle, maintenance, ability, and only
//! then the record, the input and the action (architecture, "Order of checks").

mod answer;
mod bag;
mod body;
mod document;
mod openapi;
mod prepared;
mod request;
mod routes;
mod xml;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::registry::Registry;
use async_graphql::{
    EmptySubscription, ObjectType, Request as Operation, Schema, UploadValue, Value, Variables,
};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

pub use bag::plain_query;
pub use document::{
    Answer, Checked, Document, DocumentError, Route, Unchecked, Variable, camel, read, snake,
};
pub use openapi::{Examples, openapi};

use self::answer::Address;
use self::routes::{Matched, Routes, Unmatched};
use crate::auth::{self, Keys, Lent, Principal};
use crate::operation::of_rows;
use crate::record::{Face, RowsRead};
use crate::scope::{Fresh, Origin, Shared, Strict};
use crate::throttle::{Bucket, Limits, Throttle};
use crate::{Error, Result, telemetry};

/// What a path of this face begins with.
pub const PREFIX: &str = "/api";
/// JSON around the rows of a page, roughly: room that is made for it.
const ENVELOPE: usize = 4096;

/// The REST face over a schema.
pub struct Rest<Q, M> {
    shared: Arc<Shared>,
    keys: Arc<Keys>,
    requests: Arc<Throttle>,
    points: Arc<Throttle>,
    schema: Schema<Q, M, EmptySubscription>,
    documents: Vec<Document<Checked>>,
    routes: Routes,
}

/// An answer before it is spelled as JSON or XML.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl<Q: ObjectType + 'static, M: ObjectType + 'static> Rest<Q, M> {
    /// The face of checked documents.
    ///
    /// # Errors
    /// When two documents claim the same route.
    pub fn new(
        shared: Arc<Shared>,
        keys: Arc<Keys>,
        requests: Arc<Throttle>,
        points: Arc<Throttle>,
        schema: Schema<Q, M, EmptySubscription>,
        documents: Vec<Document<Checked>>,
    ) -> Result<Self> {
        let routes = Routes::new(&documents).map_err(Error::internal)?;
        Ok(Self { shared, keys, requests, points, schema, documents, routes })
    }

    /// Answers a request to a path below [`PREFIX`].
    pub async fn serve(&self, request: Request<Body>, origin: Origin) -> Response<Body> {
        let face = accepted(request.headers());
        let head = request.method() == Method::HEAD;
        telemetry::note(|facts| facts.face = telemetry::Face::Rest);
        let reply = self.reply(request, origin, face).await;
        spell(reply, face, head)
    }

    async fn reply(&self, request: Request<Body>, origin: Origin, face: Face) -> Reply {
        if !is_host(&origin.host) {
            return Reply::error(Error::BadRequest("Bad request.".to_owned()));
        }
        let (parts, body) = request.into_parts();
        let path = normal_path(parts.uri.path());
        // No route is the empty path.
        let below = path.strip_prefix(PREFIX).unwrap_or_default();
        if parts.method == Method::OPTIONS {
            return Reply::options(&self.routes.options(below));
        }
        let query = body::query(parts.uri.query().unwrap_or(""));
        let input = body::read(&parts.method, &parts.headers, query, body, self.shared.config.max_body).await;
        let method = match input.as_ref().map(|input| overridden(&parts.method, &parts.headers, input)) {
            Ok(Err(error)) => return Reply::error(error),
            Ok(Ok(method)) => method,
            // A body that is too large is refused before anything else is looked at.
            Err(error) if error.status() == 413 => return Reply::error(body::too_large()),
            Err(_) => parts.method.clone(),
        };
        let matched = match self.routes.find(&method, below) {
            Ok(matched) => matched,
            Err(unmatched) => return Reply::unmatched(unmatched, &method, &path),
        };
        telemetry::note(|facts| {
            facts.path = Some(format!("{PREFIX}{}", self.routes.path(&matched)));
            facts.operation = Some(self.documents[matched.document].name.clone());
        });
        let mut limits = Limits::default();
        let asked = Asking {
            matched,
            method,
            headers: parts.headers,
            address: format!("{}{path}", origin.base()),
            origin,
            face,
        };
        let answer = self.answer(asked, input, &mut limits);
        let watched = self.shared.pulse.watch(self.shared.config.timeout, answer).await;
        let mut reply = match watched.map_err(Error::from).flatten() {
            Ok(reply) => reply,
            Err(error) => Reply::error(error),
        };
        limits.write(&mut reply.headers, self.shared.clock.now().timestamp());
        reply
    }

    async fn answer(
        &self,
        mut asking: Asking,
        input: Result<request::Input>,
        limits: &mut Limits,
    ) -> Result<Reply> {
        let document = &self.documents[asking.matched.document];
        let principal = self.admit(&asking.headers, limits).await?;
        auth::allow(principal.abilities, document.needs())?;
        let mut input = input?;
        input.path = std::mem::take(&mut asking.matched.parameters);
        let (variables, asked) = match request::variables(document, &input, self.shared.config.max_per_page) {
            Ok(read) => read,
            Err(refusal) => {
                Box::pin(self.require(document, principal, asking, input.path)).await?;
                return Err(refusal);
            }
        };
        let (bucket, writes) = (Bucket::Owner(principal.owner), document.is_mutation());
        // One row where there are no pages.
        let rows =
            if document.answer == Answer::Value { 1 } else { u32::try_from(asked.per_page).unwrap_or(1) };
        let taken = of_rows(writes, rows);
        limits.points = self.points.take(bucket, taken, self.shared.clock.now()).await;
        if let Some(seconds) = limits.retry_after() {
            return Err(Error::RateLimited(seconds));
        }
        let read = limits.points.standing().map(|_| Arc::new(RowsRead::default()));
        let address = Address::new(std::mem::take(&mut asking.address), &input.query);
        let executed = self.run(document, principal, asking, variables, input.uploads, read.clone()).await;
        if let Some(read) = read {
            let used = of_rows(writes, read.number());
            limits.points = self.points.settle(bucket, limits.points, taken, used).await;
            telemetry::note(|facts| facts.cost = Some(used.into()));
        }
        let data = executed?;
        let body = answer::body(document, data, asked, &address, self.shared.config.lang);
        let status = StatusCode::from_u16(document.status).map_err(Error::internal)?;
        Ok(Reply { status, headers: HeaderMap::new(), body })
    }

    /// Refuses a path that names no record. What is wrong with the other parameters of a reading is told
    /// only behind that (spec: `wire.md` 0, 9.2).
    async fn require(
        &self,
        document: &Document<Checked>,
        principal: Arc<Principal>,
        asking: Asking,
        path: HashMap<String, String>,
    ) -> Result<()> {
        if document.is_mutation() || path.is_empty() {
            return Ok(());
        }
        let path = request::Input { path, ..request::Input::default() };
        let (variables, _) = request::variables(document, &path, self.shared.config.max_per_page)?;
        self.run(document, principal, asking, variables, Vec::new(), None).await.map(drop)
    }

    /// Runs the operation and counts the rows that it reads; its data.
    async fn run(
        &self,
        document: &Document<Checked>,
        principal: Arc<Principal>,
        asking: Asking,
        variables: Variables,
        uploads: Vec<UploadValue>,
        read: Option<Arc<RowsRead>>,
    ) -> Result<Value> {
        let (owner, writes) = (Some(principal.owner), document.is_mutation());
        let prepared = document.prepared(&variables);
        let mut operation = Operation::new("").variables(variables);
        operation.uploads = uploads;
        operation.set_parsed_query(prepared.executable.clone());
        let nested = if self.shared.config.strict_includes { auth::Abilities::NONE } else { document.lends };
        let own = document.root_needs().iter().copied().collect();
        let mut operation = operation
            .data(principal)
            .data(Arc::clone(&prepared.kept))
            .data(Lent(nested.union(own)))
            .data(asking.face)
            .data(asking.origin);
        if asking.method == Method::POST {
            operation = operation.data(Strict);
        }
        if let Some(read) = read {
            operation = operation.data(read);
        }
        if self.shared.begins(owner, writes).await {
            operation = operation.data(Fresh);
        }
        let executed = self.schema.execute(operation).await;
        self.shared.ends(owner, writes).await;
        answer::failure(executed)
    }

    /// Key, throttle, maintenance: whoever passes may ask for what its abilities open.
    async fn admit(&self, headers: &HeaderMap, limits: &mut Limits) -> Result<Arc<Principal>> {
        let principal = self.keys.authenticate(&self.shared, headers).await?;
        telemetry::note(|facts| facts.caller = Some(Arc::clone(&principal)));
        let bucket = Bucket::Owner(principal.owner);
        limits.requests = self.requests.hit(bucket, self.shared.clock.now()).await;
        if let Some(seconds) = limits.retry_after() {
            return Err(Error::RateLimited(seconds));
        }
        let setting = |name| self.shared.settings.get(&self.shared.reader, name);
        if setting("maintenance_enabled").await?.is_some_and(|on| !matches!(on.as_str(), "" | "0" | "false"))
        {
            return Err(Error::Maintenance(setting("maintenance_message").await?.unwrap_or_default()));
        }
        Ok(principal)
    }

    /// The documents, for the contract and the tests.
    pub fn documents(&self) -> &[Document<Checked>] {
        &self.documents
    }
}

/// A request whose operation is known.
struct Asking {
    matched: Matched,
    method: Method,
    headers: HeaderMap,
    address: String,
    origin: Origin,
    face: Face,
}

/// Compares documents with the schema that they will run on.
///
/// # Errors
/// At the first document that doesn't agree.
pub fn check(
    documents: Vec<Document<Unchecked>>,
    registry: &Registry,
) -> Result<Vec<Document<Checked>>, DocumentError> {
    documents.into_iter().map(|document| document.check(registry)).collect()
}

/// Decoded, without front controller and trailing slashes.
fn normal_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let path = decoded.strip_prefix("/index.php").unwrap_or(&decoded).trim_end_matches('/');
    path.to_owned()
}

/// Whether a `Host` names a host, perhaps with a port: it is written into addresses.
fn is_host(host: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '[' | ']');
    let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
    labels.all(|label| !label.is_empty() && label.chars().all(letters))
}

/// The method that a `POST` really means (spec: `wire.md` 2.4).
fn overridden(method: &Method, headers: &HeaderMap, input: &request::Input) -> Result<Method> {
    if *method != Method::POST {
        return Ok(method.clone());
    }
    let header =
        headers.get("x-http-method-override").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let header = header.filter(|method| !method.is_empty());
    let asked = match (header, input.bag.get("_method")) {
        (Some(text), _) => text,
        (None, None | Some(Value::Null)) => return Ok(Method::POST),
        (None, Some(Value::String(text))) => text.clone(),
        (None, Some(_)) => String::new(),
    };
    let letters = !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_alphabetic());
    let method = letters.then(|| Method::from_bytes(asked.to_ascii_uppercase().as_bytes()).ok()).flatten();
    method.ok_or_else(|| Error::BadRequest("Bad request.".to_owned()))
}

/// XML if it ranks first in `Accept`, else JSON (spec: `documented-contract.md` 4.6).
fn accepted(headers: &HeaderMap) -> Face {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !accept.as_bytes().windows(3).any(|letters| letters.eq_ignore_ascii_case(b"xml")) {
        return Face::RestJson;
    }
    let mut types: Vec<(f32, String)> = accept
        .split(',')
        .map(|part| {
            let mut parameters = part.split(';').map(str::trim);
            let media = parameters.next().unwrap_or("").to_ascii_lowercase();
            let quality = parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok());
            (quality.unwrap_or(1.0), media)
        })
        .collect();
    types.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let first = types.first().map_or("", |(_, media)| media.as_str());
    let xml = matches!(first, "application/xml" | "text/xml")
        || (first.ends_with("+xml") && first != "application/xhtml+xml");
    if xml { Face::Rest } else { Face::RestJson }
}

fn spell(reply: Reply, face: Face, head: bool) -> Response<Body> {
    let Reply { status, mut headers, body } = reply;
    let (content_type, bytes) = match face {
        Face::Rest => ("application/xml; charset=utf-8", xml::write(&body).unwrap_or_default().into()),
        _ => ("application/json", json(&body)),
    };
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("Accept"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    if head {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    let empty = head || body == Value::Binary(Bytes::new());
    let mut response = Response::new(if empty { Body::empty() } else { Body::from(bytes) });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A body as JSON. One that is written already is taken as it is.
fn json(body: &Value) -> Bytes {
    if let Value::Binary(json) = body {
        return json.clone();
    }
    let written = |value: &Value| if let Value::Binary(json) = value { json.len() } else { 0 };
    let rows = if let Value::Object(fields) = body { fields.values().map(written).sum() } else { 0 };
    let mut json = Vec::with_capacity(rows + ENVELOPE);
    crate::record::write_value(body, &mut json);
    json.into()
}

impl Reply {
    fn error(error: Error) -> Self {
        if let Some(cause) = error.cause() {
            tracing::error!(%cause, trace_id = %telemetry::trace_id(), "request failed: {error}");
        }
        telemetry::note(|facts| facts.error(error.logged().name()));
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        if let Some(seconds) = error.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Self { status, headers, body: Value::from_json(error.body()).unwrap_or_default() }
    }

    fn unmatched(unmatched: Unmatched, method: &Method, path: &str) -> Self {
        match unmatched {
            Unmatched::NotFound => Self::error(crate::error::Refusal::message(404, "")),
            Unmatched::NotAllowed(allow) => {
                let route = path.trim_start_matches('/');
                let text = format!(
                    "The {method} method is not supported for route {route}. Supported methods: {allow}."
                );
                let mut reply = Self::error(crate::error::Refusal::message(405, text));
                if let Ok(allow) = HeaderValue::from_str(&allow) {
                    reply.headers.insert(header::ALLOW, allow);
                }
                reply
            }
        }
    }

    fn options(allow: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::VARY, HeaderValue::from_static("Access-Control-Request-Method"));
        if let Ok(allow) = HeaderValue::from_str(allow) {
            headers.insert(header::ALLOW, allow);
        }
        Self { status: StatusCode::OK, headers, body: Value::Binary(Bytes::new()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(accept: &'static str) -> Face {
        accepted(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn xml_only_where_it_ranks_first() {
        for accept in [
            "application/xml",
            "text/xml, application/json",
            "application/json;q=0.5, application/xml",
            "image/svg+xml",
        ] {
            assert_eq!(face(accept), Face::Rest, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json, application/xml",
            "application/xhtml+xml",
            "text/html,application/xml;q=0.9",
        ] {
            assert_eq!(face(accept), Face::RestJson, "{accept}");
        }
    }
}
