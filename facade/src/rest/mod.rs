//! The REST face: HTTP, envelopes and XML around the resources' documents. It knows no resource.
//!
//! A request is examined in one order: length, path, key, throttle, body, method, maintenance, ability, and
//! only then the record, the input and the action. Nothing of a body is read without a valid key.

mod answer;
mod bag;
mod body;
mod document;
mod expected;
mod file;
mod openapi;
mod request;
mod routes;
mod xml;

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use async_graphql::registry::Registry;
use async_graphql::{Request as Operation, UploadValue, Value, Variables};
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
pub use bag::plain_query;
use bytes::Bytes;
use chrono::{DateTime, Utc};
pub use document::{
    Answer, Checked, Document, DocumentError, Limiter, Route, Unchecked, Variable, camel, read, snake,
};
pub use file::FileResponse;
pub use openapi::{About, Examples, openapi};
use percent_encoding::percent_decode_str;

use self::answer::Address;
use self::request::Input;
use self::routes::{Place, Routes, Unmatched};
use crate::engine::Options;
use crate::execution::{Execution, Origin};
use crate::facts::{self, AnsweredBy};
use crate::gate::Permit as Running;
use crate::guard::allow;
use crate::http::BodyLimits;
use crate::http::accept::{MediaRange, media_ranges};
use crate::operation::points_of_rows;
use crate::pipeline::{Caller, Job, Pipeline};
use crate::schema::AnySchema;
use crate::write::Expected;
use crate::{Abilities, Api, Error, Result};

/// What a path of this face begins with.
pub const PREFIX: &str = "/api";
/// The content type of answers in XML.
const XML: &str = "application/xml; charset=utf-8";
/// Headers of an answer, roughly: room that is made for them.
const HEADERS: usize = 20;
/// JSON around the rows of a page, roughly: room that is made for it.
const ENVELOPE: usize = 4096;
/// Header that names the method which a `POST` means.
const OVERRIDE: &str = "x-http-method-override";
/// `Cache-Control` of every answer.
const PRIVATE: HeaderValue = HeaderValue::from_static("no-cache, private");

/// The REST face over a schema.
pub struct Rest {
    pipeline: Arc<Pipeline>,
    schema: AnySchema,
    documents: Vec<Document<Checked>>,
    routes: Routes,
}

/// An answer before it is spelled as JSON or XML.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

/// What an operation answers.
struct Ran {
    data: Value,
    /// When the record that it reads was last changed.
    changed_at: Option<DateTime<Utc>>,
    /// The file that the root field has returned.
    file: Option<FileResponse>,
}

impl Ran {
    /// The same, unless nothing is there of what a path names.
    fn found(self, document: &Document<Checked>, path: &HashMap<String, String>) -> Result<Self> {
        let missing = answer::is_null(&self.data).then(|| document.missing(path)).flatten();
        missing.map_or(Ok(self), Err)
    }
}

/// Whether somebody else wants the requests of a method to a path, which is decoded and ends without a slash.
pub type Elsewhere<'a> = dyn Fn(&Method, &str) -> bool + Sync + 'a;

/// What became of a request.
pub enum Served {
    /// It is answered.
    Answer(Response<Body>),
    /// It is for somebody else: the request as it came.
    Elsewhere(Request<Body>),
}

impl Served {
    /// The answer. There is one where no request is wanted elsewhere.
    pub fn answer(self) -> Response<Body> {
        match self {
            Self::Answer(answer) => answer,
            Self::Elsewhere(request) => {
                refuse(request.headers(), Error::internal("a request was left to nobody"))
            }
        }
    }
}

/// What comes of a request before anything is spelled.
enum Outcome {
    Reply(Reply),
    /// A file, which is neither JSON nor XML.
    File(Response<Body>),
    Elsewhere(Box<Request<Body>>),
}

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Xml,
}

/// A request whose body is not read yet.
struct Asking {
    method: Method,
    /// Whether it was sent as `HEAD`: then the answer has no body.
    head: bool,
    headers: HeaderMap,
    /// The path, normalised.
    path: String,
    place: Place,
    uri: Uri,
    version: Version,
    client: IpAddr,
    origin: Origin,
    format: Format,
    /// Whether it counts in the caller's limits.
    counts: bool,
}

/// What a request is priced by.
#[derive(Clone, Copy, Default)]
struct Price {
    /// Rows that are asked for; `None` where it doesn't count.
    rows: Option<u32>,
    /// Points of the conditions that they must meet.
    conditions: u32,
}

impl Rest {
    /// The face of checked documents.
    ///
    /// # Errors
    /// When two documents claim the same route.
    pub fn new(
        pipeline: Arc<Pipeline>,
        schema: AnySchema,
        documents: Vec<Document<Checked>>,
    ) -> Result<Self> {
        let routes = Routes::new(&documents).map_err(Error::internal)?;
        Ok(Self { pipeline, schema, documents, routes })
    }

    /// Answers a request to a path below [`PREFIX`]. Where `elsewhere` is asked for, what has no operation
    /// here and what it wants for itself is returned as it came.
    pub async fn serve(
        &self,
        request: Request<Body>,
        client: IpAddr,
        origin: Origin,
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Served {
        let path = normal_path(request.uri().path());
        let place = self.place(&path);
        let method = named_method(request.method(), request.headers());
        if elsewhere.is_some_and(|wants| self.is_elsewhere(wants, &place, &path, &method)) {
            return Served::Elsewhere(request);
        }
        facts::note(|facts| facts.answered_by = AnsweredBy::Rest);
        let (asking, body) = Asking::new(request, path, place, client, origin);
        self.respond(asking, body, elsewhere).await
    }

    /// Answers a `GET` once more, for the host itself: the caller's limits don't count it.
    pub async fn repeat(&self, request: Request<Body>, client: IpAddr, origin: Origin) -> Response<Body> {
        let path = normal_path(request.uri().path());
        let place = self.place(&path);
        let (asking, body) = Asking::new(request, path, place, client, origin);
        self.respond(Asking { counts: false, ..asking }, body, None).await.answer()
    }

    async fn respond(&self, asking: Asking, body: Body, elsewhere: Option<&Elsewhere<'_>>) -> Served {
        let (format, head) = (asking.format, asking.head);
        match self.reply(asking, body, elsewhere).await {
            Outcome::Reply(reply) => Served::Answer(spell(reply, format, head)),
            Outcome::File(response) => Served::Answer(response),
            Outcome::Elsewhere(request) => Served::Elsewhere(*request),
        }
    }

    /// Whether any operation has a path.
    pub fn has_path(&self, path: &str) -> bool {
        self.place(&normal_path(path)).is_known()
    }

    fn place(&self, path: &str) -> Place {
        // No route is the empty path.
        self.routes.place(path.strip_prefix(PREFIX).unwrap_or_default())
    }

    fn options(&self) -> &Options {
        &self.pipeline.engine.options
    }

    /// Whether a request of this method is for somebody else: because they want it, or no operation here
    /// answers it.
    fn is_elsewhere(&self, wants: &Elsewhere<'_>, place: &Place, path: &str, method: &Method) -> bool {
        let is_known = if *method == Method::OPTIONS {
            place.is_known()
        } else {
            self.routes.document(place, method).is_ok()
        };
        !is_known || wants(method, path)
    }

    async fn reply(&self, asking: Asking, body: Body, elsewhere: Option<&Elsewhere<'_>>) -> Outcome {
        let max = self.options().bodies.max as u64;
        if body::declared_length(&asking.headers).is_some_and(|length| length > max) {
            return Reply::error(body::too_large()).into();
        }
        if asking.method == Method::OPTIONS {
            return Reply::options(&self.routes.options(&asking.place)).into();
        }
        let named = match self.routes.document(&asking.place, &asking.method) {
            Ok(at) => {
                self.note(&asking.place, at);
                Some(&self.documents[at])
            }
            Err(unmatched) if asking.is_final(&body) => {
                return Reply::unmatched(unmatched, &asking.method, &asking.path).into();
            }
            // What the request means is known once its body was read.
            Err(_) => None,
        };
        // What waits for its turn holds no more than this.
        let running = match self.pipeline.enter().await {
            Ok(running) => running,
            Err(error) => return Reply::error(error).into(),
        };
        let mut caller = None;
        let answer = Box::pin(self.answer(running, asking, body, named, &mut caller, elsewhere)).await;
        let mut outcome = answer.unwrap_or_else(|error| Reply::error(error).into());
        if let (Some(caller), Some(headers)) = (caller, outcome.headers_mut()) {
            self.pipeline.write_limits(&caller, headers);
        }
        outcome
    }

    fn note(&self, place: &Place, document: usize) {
        facts::note(|facts| {
            facts.path = self.routes.path(place).map(|path| format!("{PREFIX}{path}"));
            facts.operation = Some(self.documents[document].name.clone());
        });
    }

    /// Examines who asks, reads the body, and runs what the request means. `named` is the operation that the head names,
    /// `caller` is who asks, once that is known.
    async fn answer(
        &self,
        running: Running,
        mut asking: Asking,
        body: Body,
        named: Option<&Document<Checked>>,
        caller: &mut Option<Caller>,
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Result<Outcome> {
        let (options, pipeline) = (self.options(), &self.pipeline);
        // By reference: a future that is passed on by value takes its room again at each step.
        pipeline.within_timeout(pin!(self.admit(&asking, named, caller))).await?;
        let query = body::query(asking.uri.query().unwrap_or_default(), options.bodies.max_fields);
        let (running, mut input) = if body.is_end_stream() {
            (running, Ok(Input::of_query(query)))
        } else {
            let unread = body::Unread {
                method: &asking.method,
                headers: &asking.headers,
                body,
                expected: self.routes.expected(&asking.place),
                bounds: bounds_of(options.bodies, caller.as_ref()),
            };
            Box::pin(pipeline.receive(running, unread.read(query, pipeline))).await?
        };
        let method = match input.as_ref().map(|input| overridden(&asking, input)) {
            Ok(method) => method?,
            // A body that is too large is refused before anything else is looked at.
            Err(error) if error.status() == 413 => return Err(body::too_large()),
            Err(_) => asking.method.clone(),
        };
        let sent = input.as_mut().map(|input| std::mem::take(&mut input.sent)).unwrap_or_default();
        // The method that the head names was looked at before.
        let is_elsewhere = method != asking.method
            && elsewhere.is_some_and(|wants| self.is_elsewhere(wants, &asking.place, &asking.path, &method));
        if is_elsewhere {
            self.take_back(caller).await;
            return Ok(Outcome::Elsewhere(Box::new(asking.request(sent))));
        }
        let document = match self.routes.document(&asking.place, &method) {
            Ok(at) => at,
            Err(unmatched) => {
                self.take_back(caller).await;
                return Ok(Reply::unmatched(unmatched, &method, &asking.path).into());
            }
        };
        let Some(caller) = caller else { return Err(Error::Unauthenticated) };
        if method != asking.method {
            self.note(&asking.place, document);
            asking.method = method;
            pipeline.within_timeout(pin!(self.admit_to(&asking, &self.documents[document], caller))).await?;
        }
        let executed = pin!(self.execute(&self.documents[document], asking, input, caller));
        let outcome = pipeline.within_timeout(executed).await;
        // A file is sent after this: a slow download is no running request.
        drop(running);
        outcome
    }

    /// The contract neither counts a request that means no operation nor tells of its limits.
    async fn take_back(&self, caller: &mut Option<Caller>) {
        if let Some(caller) = caller.take() {
            self.pipeline.refund_request(&caller).await;
        }
    }

    /// Key and limits: whoever passes may have its body read. Where the head names no operation, one that needs a key
    /// is meant.
    async fn admit(
        &self,
        asking: &Asking,
        named: Option<&Document<Checked>>,
        caller: &mut Option<Caller>,
    ) -> Result<()> {
        let known = self.pipeline.identify(&asking.headers, asking.client).await?;
        if known.principal.is_none() && !named.is_some_and(Document::is_keyless) {
            return Err(Error::Unauthenticated);
        }
        let caller = caller.insert(known);
        let limiter = named.and_then(|document| document.limiter.as_ref());
        if asking.counts && !limiter.is_some_and(|limiter| limiter.alone) {
            self.pipeline.count(caller).await?;
        }
        match limiter {
            Some(limiter) if asking.counts => self.pipeline.count_own(caller, &limiter.name).await,
            _ => Ok(()),
        }
    }

    /// The same for an operation that only the body names: another one was admitted by the head.
    async fn admit_to(&self, asking: &Asking, meant: &Document<Checked>, caller: &mut Caller) -> Result<()> {
        if caller.principal.is_none() && !meant.is_keyless() {
            return Err(Error::Unauthenticated);
        }
        match &meant.limiter {
            Some(limiter) if asking.counts => self.pipeline.count_own(caller, &limiter.name).await,
            _ => Ok(()),
        }
    }

    /// Maintenance, ability, input and the operation.
    async fn execute(
        &self,
        document: &Document<Checked>,
        mut asking: Asking,
        input: Result<Input>,
        caller: &mut Caller,
    ) -> Result<Outcome> {
        self.pipeline.check_open().await?;
        if let Some(who) = &caller.principal {
            allow(who.abilities(), document.needs())?;
        }
        let mut input = input?;
        input.path = std::mem::take(&mut asking.place.parameters);
        let max_per_page = self.options().max_per_page;
        let (variables, asked) = match request::variables(document, &input, max_per_page) {
            Ok(read) => read,
            Err(refusal) => {
                Box::pin(self.require(document, caller, &asking, input.path)).await?;
                return Err(refusal);
            }
        };
        // A GET that changes something is asked for without effect.
        if document.is_mutation() && asking.method == Method::HEAD {
            return Ok(Reply {
                status: status_of(document)?,
                headers: not_stored(),
                body: Value::Binary(Bytes::new()),
            }
            .into());
        }
        // One row where there are no pages.
        let rows = if !document.answer.is_page() { 1 } else { u32::try_from(asked.per_page).unwrap_or(1) };
        let price = Price { rows: asking.counts.then_some(rows), conditions: asked.conditions };
        let ran = self.run(document, caller, &asking, variables, input.uploads, price).await?;
        let Ran { data, changed_at, file } = ran.found(document, &input.path)?;
        if document.answer == Answer::File {
            return file::answer(file, document, &asking, self.options().timeout).await;
        }
        let address = Address::new(format!("{}{}", asking.origin.base(), asking.path), &input.query);
        let body = answer::body(document, data, asked, &address, self.pipeline.engine.host.texts());
        let changes_by_get = document.is_mutation() && asking.method == Method::GET;
        let headers = if changes_by_get { not_stored() } else { last_modified(changed_at) };
        Ok(Reply { status: status_of(document)?, headers, body }.into())
    }

    /// Refuses a path that names no record. What is wrong with the other parameters of a reading is told
    /// only behind that (docs/contract/wire.md#0, docs/contract/wire.md#9.2).
    async fn require(
        &self,
        document: &Document<Checked>,
        caller: &mut Caller,
        asking: &Asking,
        path: HashMap<String, String>,
    ) -> Result<()> {
        if document.is_mutation() || path.is_empty() {
            return Ok(());
        }
        let input = Input { path, ..Input::default() };
        let (variables, _) = request::variables(document, &input, self.options().max_per_page)?;
        let ran = self.run(document, caller, asking, variables, Vec::new(), Price::default()).await?;
        ran.found(document, &input.path).map(drop)
    }

    /// Runs the operation.
    async fn run(
        &self,
        document: &Document<Checked>,
        caller: &mut Caller,
        asking: &Asking,
        variables: Variables,
        uploads: Vec<UploadValue>,
        price: Price,
    ) -> Result<Ran> {
        let prepared = document.prepared(&variables);
        let mut operation = Operation::new("").variables(variables);
        operation.uploads = uploads;
        operation.set_parsed_query(prepared.executable.clone());
        let strict_includes = self.options().strict_includes;
        let execution = Execution {
            api: Api::Rest(document.dialect),
            extra_abilities: document.lent(!strict_includes).clone(),
            strict: asking.method == Method::POST,
            extracted: Some(Arc::clone(&prepared.extracted)),
            expected: expected_state(&asking.headers),
            ..Execution::new(caller.principal.clone(), asking.client, asking.origin.clone())
        };
        let writes = document.is_mutation();
        let of = |rows| points_of_rows(writes, rows).saturating_add(price.conditions);
        let (mut changed_at, mut file) = (None, None);
        let used = |_: &_, execution: &Execution| {
            file = execution.take_file();
            changed_at = execution.changed_at.get().copied().filter(|_| !writes);
            of(execution.counts.rows_read())
        };
        let price = price.rows.map(of);
        let job = Job { operation, execution, writes, price, used };
        let data = answer::failure(self.pipeline.run(&self.schema, caller, job).await?.answer)?;
        Ok(Ran { data, changed_at, file })
    }

    /// The documents, for the contract and the tests.
    pub fn documents(&self) -> &[Document<Checked>] {
        &self.documents
    }
}

impl Asking {
    /// A request to a path and place, and its body.
    fn new(
        request: Request<Body>,
        path: String,
        place: Place,
        client: IpAddr,
        origin: Origin,
    ) -> (Self, Body) {
        let format = accepted(request.headers());
        let (parts, body) = request.into_parts();
        let (method, uri, version, headers) = (parts.method, parts.uri, parts.version, parts.headers);
        let head = method == Method::HEAD;
        (
            Self { method, head, headers, path, place, uri, version, client, origin, format, counts: true },
            body,
        )
    }

    /// Whether the method stands: only a `POST` may mean another one, which a header, the query or the body
    /// may name.
    fn is_final(&self, body: &Body) -> bool {
        let has_query = self.uri.query().is_some_and(|query| !query.is_empty());
        let may_name = self.headers.contains_key(OVERRIDE) || has_query;
        self.method != Method::POST || (body.is_end_stream() && !may_name)
    }

    /// The request as it came, with the body that was read.
    fn request(self, body: Bytes) -> Request<Body> {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        request
    }
}

impl Outcome {
    /// The headers of an answer.
    fn headers_mut(&mut self) -> Option<&mut HeaderMap> {
        match self {
            Self::Reply(reply) => Some(&mut reply.headers),
            Self::File(response) => Some(response.headers_mut()),
            Self::Elsewhere(_) => None,
        }
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// Whether a path is one of this face, be there an operation or not.
pub fn is_below_prefix(path: &str) -> bool {
    let path = normal_path(path);
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The answer to a request of which nothing is looked at but the form that it wants answers in.
pub fn refuse(headers: &HeaderMap, error: Error) -> Response<Body> {
    spell(Reply::error(error), accepted(headers), false)
}

/// Compares the limiters that documents name with those that there are.
///
/// # Errors
/// At the first document whose limiter the host does not have.
pub fn check_limiters(documents: &[Document<Checked>], known: &[&str]) -> Result<(), DocumentError> {
    documents.iter().try_for_each(|document| document.check_limiter(known))
}

/// Compares documents with the schema that they will run on.
///
/// # Errors
/// At the first document that doesn't agree.
pub fn check(
    documents: Vec<Document<Unchecked>>,
    registry: &Registry,
    abilities: &Abilities,
) -> Result<Vec<Document<Checked>>, DocumentError> {
    document::check_files(registry)?;
    documents.into_iter().map(|document| document.check(registry, abilities)).collect()
}

/// What is read of a body: without a key, as little as of a query of GraphQL.
fn bounds_of(bodies: BodyLimits, caller: Option<&Caller>) -> BodyLimits {
    if caller.is_some_and(|caller| caller.principal.is_some()) {
        return bodies;
    }
    let max = bodies.keyless_query;
    BodyLimits { max: bodies.max.min(max), max_without_files: bodies.max_without_files.min(max), ..bodies }
}

/// Decoded, without front controller and trailing slashes.
fn normal_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let path = decoded.strip_prefix("/index.php").unwrap_or(&decoded).trim_end_matches('/');
    path.to_owned()
}

/// The method that a request's head names.
fn named_method(method: &Method, headers: &HeaderMap) -> Method {
    let header = headers.get(OVERRIDE).filter(|_| *method == Method::POST);
    let named = header.and_then(|value| value.to_str().ok()).and_then(method_named);
    named.unwrap_or_else(|| method.clone())
}

/// The method of a name in letters, whatever their case.
fn method_named(text: &str) -> Option<Method> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_name.then(|| Method::from_bytes(text.to_ascii_uppercase().as_bytes()).ok()).flatten()
}

/// The method that a `POST` really means (docs/contract/wire.md#2.4).
fn overridden(asking: &Asking, input: &Input) -> Result<Method> {
    if asking.method != Method::POST {
        return Ok(asking.method.clone());
    }
    let header = asking.headers.get(OVERRIDE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let header = header.filter(|method| !method.is_empty());
    let asked = match (header, input.bag.get("_method")) {
        (Some(text), _) => text,
        (None, None | Some(Value::Null)) => return Ok(Method::POST),
        (None, Some(Value::String(text))) => text.clone(),
        (None, Some(_)) => String::new(),
    };
    method_named(&asked).ok_or_else(|| Error::BadRequest("Bad request.".to_owned()))
}

/// The state of its record that a change demands: the one of a date of HTTP, as the client has read it.
/// A text that is none counts as absent (RFC 9110, 13.1.4).
fn expected_state(headers: &HeaderMap) -> Expected {
    let text = headers.get(header::IF_UNMODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let date = text.and_then(|text| httpdate::parse_http_date(text).ok());
    date.map_or(Expected::Any, |date| Expected::NotAfter(date.into()))
}

fn status_of(document: &Document<Checked>) -> Result<StatusCode> {
    StatusCode::from_u16(document.status).map_err(Error::internal)
}

/// The header of an answer to a `GET` that changed something: it is never to be answered from memory.
fn not_stored() -> HeaderMap {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))].into_iter().collect()
}

/// The header that tells when a record was last changed. HTTP has no dates before 1970.
fn last_modified(changed_at: Option<DateTime<Utc>>) -> HeaderMap {
    let changed_at = changed_at.filter(|at| at.timestamp() >= 0);
    let text = changed_at.map(|at| httpdate::fmt_http_date(at.into()));
    let value = text.and_then(|text| HeaderValue::from_str(&text).ok());
    value.map(|value| (header::LAST_MODIFIED, value)).into_iter().collect()
}

/// XML if it ranks first in `Accept`, else JSON (docs/contract/documented-contract.md#4.6).
fn accepted(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut ranges: Vec<MediaRange> = media_ranges(accept).collect();
    ranges.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    let first = ranges.first().map_or("", |range| range.media.as_str());
    let xml = matches!(first, "application/xml" | "text/xml")
        || (first.ends_with("+xml") && first != "application/xhtml+xml");
    if xml { Format::Xml } else { Format::Json }
}

fn spell(reply: Reply, format: Format, head: bool) -> Response<Body> {
    let Reply { status, mut headers, body } = reply;
    let json = json(&body);
    let empty = head || json.is_empty();
    let (content_type, bytes) = match format {
        Format::Xml if json.is_empty() => (XML, json),
        Format::Xml => (XML, xml::write(&json).unwrap_or_default().into()),
        Format::Json => ("application/json", json),
    };
    headers.reserve(HEADERS);
    // What has no body has no type either (RFC 9110, 15.3.5).
    if status != StatusCode::NO_CONTENT {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
    }
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("Accept"));
    headers.entry(header::CACHE_CONTROL).or_insert(PRIVATE);
    if head {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
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
    crate::write_value(body, crate::Api::REST, &mut json);
    json.into()
}

impl Reply {
    fn error(error: Error) -> Self {
        if let Some(cause) = error.cause() {
            tracing::error!(%cause, trace_id = %facts::trace_id(), "request failed: {error}");
        }
        facts::note(|facts| facts.error(error.log_code().name()));
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

    fn format(accept: &'static str) -> Format {
        accepted(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn a_change_before_1970_has_no_date() {
        let told = |at: &str| last_modified(Some(at.parse().unwrap())).len();
        assert_eq!(
            (told("1969-12-31T23:59:59Z"), told("1970-01-01T00:00:00Z"), last_modified(None).len()),
            (0, 1, 0)
        );
    }

    #[test]
    fn xml_only_where_it_ranks_first() {
        for accept in [
            "application/xml",
            "text/xml, application/json",
            "application/json;q=0.5, application/xml",
            "image/svg+xml",
        ] {
            assert_eq!(format(accept), Format::Xml, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json, application/xml",
            "application/xhtml+xml",
            "text/html,application/xml;q=0.9",
        ] {
            assert_eq!(format(accept), Format::Json, "{accept}");
        }
    }
}
