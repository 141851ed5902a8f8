//! REST: HTTP requests are answered by the operations of the host's documents. This module knows no resource.
//!
//! | Module | Contents |
//! |---|---|
//! | `document` | the operations, read from `.graphql` files and compared with the schema at start-up |
//! | `routes` | the operation of a path and a method |
//! | `incoming` | a request before its body is read |
//! | `body`, `fields`, `xml`, `expected_body` | query and body, read as fields |
//! | `variables` | fields as variables of the operation |
//! | `answer` | the data of the operation as body: a value, or an envelope around a page |
//! | `file` | answers that are files |
//! | `response` | status, headers, and the body as JSON or XML |
//! | `openapi` | the OpenAPI document of all operations |
//! | `xsd` | the XML Schema of what is in that document |
//!
//! [`Rest`] checks a request in this order: length, path, key, limits, body, method, maintenance, abilities, and then
//! the input; the operation finds the record and acts. Without a valid key, no byte of a body is read, except for
//! operations that need no key.

mod answer;
mod body;
mod document;
mod expected_body;
mod fields;
mod file;
mod incoming;
mod openapi;
mod response;
mod routes;
mod variables;
mod xml;
mod xsd;

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use async_graphql::registry::Registry;
use async_graphql::{Request as Operation, UploadValue, Value, Variables};
use axum::body::{Body, HttpBody};
use axum::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use chrono::{DateTime, Utc};
pub use document::{
    Answer, Checked, Document, DocumentDeclaration, DocumentError, Limiter, Route, Unchecked, Variable,
    camel, read, snake,
};
pub use fields::plain_query;
pub use file::FileResponse;
pub use incoming::is_below_prefix;
pub use openapi::{Examples, OpenApiInfo, openapi};
pub use response::{Served, refuse, refuse_in};
pub use xsd::{UnknownType, XmlSchema};

use self::answer::PageAddress;
use self::fields::Fields;
use self::incoming::{IncomingRequest, method_of_head, normal_path};
use self::response::{Outcome, UnwrittenResponse, last_modified, no_store};
use self::routes::{MatchedPath, Routes};
use self::variables::RequestInput;
use crate::engine::Options;
use crate::execution::{Execution, Origin};
use crate::facts::{self, AnsweredBy};
use crate::gate::Permit;
use crate::guard::allow;
use crate::http::BodyLimits;
use crate::operation::points_of_rows;
use crate::pipeline::{Caller, Job, Pipeline};
use crate::schema::AnySchema;
use crate::{Abilities, Api, Error, Result};

/// The path of REST: every route is below it.
pub const PREFIX: &str = "/api";

/// The REST API: the operations of its documents, run on one schema.
pub struct Rest {
    pipeline: Arc<Pipeline>,
    schema: AnySchema,
    documents: Arc<[Document<Checked>]>,
    routes: Routes,
}

/// Whether the host forwards requests of this method to this path, although an operation may answer them. The path is
/// decoded and has no slash at its end.
pub type IsForwarded<'a> = dyn Fn(&Method, &str) -> bool + Sync + 'a;

/// The result of an operation that had no error.
struct OperationResult {
    data: Value,
    /// When the record that the operation read was last changed.
    changed_at: Option<DateTime<Utc>>,
    /// The file that the root field returned.
    file: Option<FileResponse>,
}

impl OperationResult {
    /// The result itself; the document's 404 if its first root field is null.
    fn or_missing(self, document: &Document<Checked>, path: &HashMap<String, String>) -> Result<Self> {
        let missing = answer::is_null(&self.data).then(|| document.missing_error(path)).flatten();
        missing.map_or(Ok(self), Err)
    }
}

/// What the price of an operation is computed from.
#[derive(Clone, Copy, Default)]
struct PriceFactors {
    /// Number of requested rows; `None` if the operation costs no points.
    rows: Option<u32>,
    /// Points of the conditions in its filter.
    condition_points: u32,
}

impl PriceFactors {
    /// The points of an operation that reads `rows`.
    fn points(self, is_mutation: bool, rows: u32) -> u32 {
        points_of_rows(is_mutation, rows).saturating_add(self.condition_points)
    }
}

impl Rest {
    /// The REST API of these documents.
    ///
    /// # Errors
    /// When two documents have the same route, or the host does not have the limiter that one names.
    pub fn new(
        pipeline: Arc<Pipeline>,
        schema: AnySchema,
        documents: Arc<[Document<Checked>]>,
    ) -> Result<Self> {
        let limiters = pipeline.limiters();
        documents
            .iter()
            .try_for_each(|document| document.check_limiter(limiters))
            .map_err(Error::internal)?;
        let routes = Routes::new(&documents).map_err(Error::internal)?;
        Ok(Self { pipeline, schema, documents, routes })
    }

    /// Whether any operation has this path.
    pub fn has_path(&self, path: &str) -> bool {
        self.match_path(&normal_path(path)).is_known()
    }

    /// Answers a request to a path below [`PREFIX`]. With `is_forwarded`, requests that match it or that no operation
    /// answers are returned unchanged; without, they are answered here too.
    pub async fn serve(
        &self,
        request: Request<Body>,
        client: IpAddr,
        origin: Origin,
        is_forwarded: Option<&IsForwarded<'_>>,
    ) -> Served {
        let path = normal_path(request.uri().path());
        let matched_path = self.match_path(&path);
        let method = method_of_head(request.method(), request.headers());
        if is_forwarded.is_some_and(|wanted| self.must_forward(wanted, &matched_path, &path, &method)) {
            return Served::Forward(request);
        }
        facts::note(|facts| facts.answered_by = AnsweredBy::Rest);
        let (request, body) = IncomingRequest::new(request, path, matched_path, client, origin);
        self.respond(request, body, is_forwarded).await
    }

    /// Answers a `GET` again, for the host itself: it does not count in the limits of the caller.
    pub async fn repeat(&self, request: Request<Body>, client: IpAddr, origin: Origin) -> Response<Body> {
        let path = normal_path(request.uri().path());
        let matched_path = self.match_path(&path);
        let (request, body) = IncomingRequest::new(request, path, matched_path, client, origin);
        let request = IncomingRequest { counts_in_limits: false, ..request };
        self.respond(request, body, None).await.answer()
    }

    async fn respond(
        &self,
        request: IncomingRequest,
        body: Body,
        is_forwarded: Option<&IsForwarded<'_>>,
    ) -> Served {
        let (format, is_head) = (request.format, request.is_head);
        match self.route(request, body, is_forwarded).await {
            Outcome::Response(response) => Served::Answer(response.write(format, is_head)),
            Outcome::File(response) => Served::Answer(response),
            Outcome::Forward(request) => Served::Forward(*request),
        }
    }

    fn match_path(&self, path: &str) -> MatchedPath {
        // A path outside of the prefix becomes the empty path, which no route has.
        self.routes.match_path(path.strip_prefix(PREFIX).unwrap_or_default())
    }

    fn options(&self) -> &Options {
        &self.pipeline.engine.options
    }

    /// Whether a request of this method must be forwarded: because the host wants it, or because no operation answers
    /// it.
    fn must_forward(
        &self,
        is_forwarded: &IsForwarded<'_>,
        matched_path: &MatchedPath,
        path: &str,
        method: &Method,
    ) -> bool {
        let is_answered = if *method == Method::OPTIONS {
            matched_path.is_known()
        } else {
            self.routes.document(matched_path, method).is_ok()
        };
        !is_answered || is_forwarded(method, path)
    }

    /// Refuses a request that is too large, answers `OPTIONS`, finds the operation by the head, and waits for a permit.
    async fn route(
        &self,
        request: IncomingRequest,
        body: Body,
        is_forwarded: Option<&IsForwarded<'_>>,
    ) -> Outcome {
        let max = self.options().bodies.max as u64;
        if body::declared_length(&request.headers).is_some_and(|length| length > max) {
            return UnwrittenResponse::error(body::too_large()).into();
        }
        if request.method == Method::OPTIONS {
            return UnwrittenResponse::options(&self.routes.allow(&request.matched_path)).into();
        }
        let document = match self.routes.document(&request.matched_path, &request.method) {
            Ok(index) => {
                self.note_operation(&request.matched_path, index);
                Some(&self.documents[index])
            }
            Err(unmatched) if request.has_final_method(&body) => {
                return UnwrittenResponse::unmatched(unmatched, &request.method, &request.path).into();
            }
            // The body may override the method.
            Err(_) => None,
        };
        // Requests that wait here hold little memory: their bodies are not read yet.
        let permit = match self.pipeline.enter().await {
            Ok(permit) => permit,
            Err(error) => return UnwrittenResponse::error(error).into(),
        };
        let mut caller = None;
        let examined =
            Box::pin(self.examine(permit, request, body, document, &mut caller, is_forwarded)).await;
        let texts = self.pipeline.engine.host.texts(None);
        let mut outcome = examined.unwrap_or_else(|error| UnwrittenResponse::error_in(error, texts).into());
        if let (Some(caller), Some(headers)) = (caller, outcome.headers_mut()) {
            self.pipeline.write_limits(&caller, headers);
        }
        outcome
    }

    fn note_operation(&self, matched_path: &MatchedPath, document: usize) {
        facts::note(|facts| {
            facts.path = self.routes.path(matched_path).map(|path| format!("{PREFIX}{path}"));
            facts.operation = Some(self.documents[document].name.clone());
        });
    }

    /// Identifies the caller, reads the body, and executes the operation. `document` is the operation that the head
    /// names. `caller` is set as soon as the caller is known.
    async fn examine(
        &self,
        permit: Permit,
        mut request: IncomingRequest,
        body: Body,
        document: Option<&Document<Checked>>,
        caller: &mut Option<Caller>,
        is_forwarded: Option<&IsForwarded<'_>>,
    ) -> Result<Outcome> {
        let (options, pipeline) = (self.options(), &self.pipeline);
        // By reference: a future that is passed by value is copied at each step.
        pipeline.within_timeout(pin!(self.admit(&request, document, caller))).await?;
        let query = body::query(request.uri.query().unwrap_or_default(), options.bodies.max_fields);
        let (permit, mut input) = if body.is_end_stream() {
            (permit, Ok(RequestInput::of_query(query)))
        } else {
            self.read_body(permit, &request, body, query, caller.as_ref()).await?
        };
        let method = match input.as_ref().map(|input| request.overridden_method(&input.fields)) {
            Ok(method) => method?,
            // A body that is too large is refused before everything else.
            Err(error) if error.status() == 413 => return Err(body::too_large()),
            Err(_) => request.method.clone(),
        };
        let sent = input.as_mut().map(|input| std::mem::take(&mut input.sent)).unwrap_or_default();
        let is_overridden = method != request.method;
        // `serve` has checked the method that the head names.
        let must_forward = is_overridden
            && is_forwarded.is_some_and(|wanted| {
                self.must_forward(wanted, &request.matched_path, &request.path, &method)
            });
        if must_forward {
            self.refund(caller).await;
            return Ok(Outcome::Forward(Box::new(request.into_request(sent))));
        }
        let index = match self.routes.document(&request.matched_path, &method) {
            Ok(index) => index,
            Err(unmatched) => {
                self.refund(caller).await;
                return Ok(UnwrittenResponse::unmatched(unmatched, &method, &request.path).into());
            }
        };
        let Some(caller) = caller else { return Err(Error::Unauthenticated) };
        let document = &self.documents[index];
        if is_overridden {
            self.note_operation(&request.matched_path, index);
            request.method = method;
            pipeline.within_timeout(pin!(self.admit_overridden(&request, document, caller))).await?;
        }
        let executed = pin!(self.execute(document, request, input, caller));
        let outcome = pipeline.within_timeout(executed).await;
        // Files are sent after this: a slow download keeps no permit.
        drop(permit);
        outcome
    }

    /// Reads the body. The inner error is a wrong body: `examine` decides whether it is the answer.
    ///
    /// # Errors
    /// As [`Pipeline::receive`].
    async fn read_body(
        &self,
        permit: Permit,
        request: &IncomingRequest,
        body: Body,
        query: Fields,
        caller: Option<&Caller>,
    ) -> Result<(Permit, Result<RequestInput>)> {
        let unread = body::UnreadBody {
            method: &request.method,
            headers: &request.headers,
            client: request.client,
            body,
            expected: self.routes.expected_body(&request.matched_path),
            limits: body_limits(self.options().bodies, caller),
        };
        Box::pin(self.pipeline.receive(permit, unread.read(query, &self.pipeline))).await
    }

    /// Takes the request out of the caller's limit, and leaves out the headers about limits: the contract neither
    /// counts requests without an operation nor reports limits to them.
    async fn refund(&self, caller: &mut Option<Caller>) {
        if let Some(caller) = caller.take() {
            self.pipeline.refund_request(&caller).await;
        }
    }

    /// Checks the key and the limits, so that the body may be read. `document` is the operation that the head names; if
    /// there is none, a key is needed.
    async fn admit(
        &self,
        request: &IncomingRequest,
        document: Option<&Document<Checked>>,
        caller: &mut Option<Caller>,
    ) -> Result<()> {
        let identified = self.pipeline.identify(&request.headers, request.client).await?;
        if identified.principal.is_none() && !document.is_some_and(Document::is_keyless) {
            return Err(Error::Unauthenticated);
        }
        let caller = caller.insert(identified);
        let limiter = document.and_then(|document| document.limiter.as_ref());
        if request.counts_in_limits && !limiter.is_some_and(|limiter| limiter.alone) {
            self.pipeline.count(caller).await?;
        }
        match limiter {
            Some(limiter) if request.counts_in_limits => self.pipeline.count_own(caller, &limiter.name).await,
            _ => Ok(()),
        }
    }

    /// Checks the key and the limiter of an operation that the body names: [`Self::admit`] has checked those of the
    /// operation that the head names.
    async fn admit_overridden(
        &self,
        request: &IncomingRequest,
        document: &Document<Checked>,
        caller: &mut Caller,
    ) -> Result<()> {
        if caller.principal.is_none() && !document.is_keyless() {
            return Err(Error::Unauthenticated);
        }
        match &document.limiter {
            Some(limiter) if request.counts_in_limits => self.pipeline.count_own(caller, &limiter.name).await,
            _ => Ok(()),
        }
    }

    /// Checks maintenance, abilities and input, runs the operation, and makes the response of its result.
    async fn execute(
        &self,
        document: &Document<Checked>,
        mut request: IncomingRequest,
        input: Result<RequestInput>,
        caller: &mut Caller,
    ) -> Result<Outcome> {
        self.pipeline.check_open().await?;
        if let Some(principal) = &caller.principal {
            allow(principal.abilities(), document.needs())?;
        }
        let mut input = input?;
        input.path = std::mem::take(&mut request.matched_path.parameters);
        let max_per_page = self.options().max_per_page;
        let (variables, page) = match variables::variables(document, &input, max_per_page) {
            Ok(read) => read,
            Err(refusal) => {
                Box::pin(self.require_record(document, caller, &request, input.path)).await?;
                return Err(refusal);
            }
        };
        // `HEAD` must change nothing, also where a `GET` does.
        if document.is_mutation() && request.method == Method::HEAD {
            let (status, headers) = (status_of(document)?, no_store());
            return Ok(UnwrittenResponse { status, headers, body: Value::Binary(Bytes::new()) }.into());
        }
        // An answer that is no page costs one row.
        let rows = if !document.answer.is_page() { 1 } else { u32::try_from(page.per_page).unwrap_or(1) };
        let rows = request.counts_in_limits.then_some(rows);
        let factors = PriceFactors { rows, condition_points: page.condition_points };
        let result = self.run(document, caller, &request, variables, input.uploads, factors).await?;
        let OperationResult { data, changed_at, file } = result.or_missing(document, &input.path)?;
        if document.answer == Answer::File {
            return file::answer(file, document, &request, self.options().timeout).await;
        }
        let address = PageAddress::new(format!("{}{}", request.origin.base(), request.path), &input.query);
        let body = answer::body(document, data, page, &address, self.pipeline.engine.host.texts(None));
        let changes_by_get = document.is_mutation() && request.method == Method::GET;
        let headers = if changes_by_get { no_store() } else { last_modified(changed_at) };
        Ok(UnwrittenResponse { status: status_of(document)?, headers, body }.into())
    }

    /// Runs an operation whose other parameters are wrong with the path alone: a record that does not exist is reported
    /// before them (docs/contract/wire.md#0, docs/contract/wire.md#9.2). It costs no points.
    ///
    /// # Errors
    /// The document's 404, and errors of the operation.
    async fn require_record(
        &self,
        document: &Document<Checked>,
        caller: &mut Caller,
        request: &IncomingRequest,
        path: HashMap<String, String>,
    ) -> Result<()> {
        if document.is_mutation() || path.is_empty() {
            return Ok(());
        }
        let input = RequestInput { path, ..RequestInput::default() };
        let (variables, _) = variables::variables(document, &input, self.options().max_per_page)?;
        let result =
            self.run(document, caller, request, variables, Vec::new(), PriceFactors::default()).await?;
        result.or_missing(document, &input.path).map(drop)
    }

    async fn run(
        &self,
        document: &Document<Checked>,
        caller: &mut Caller,
        request: &IncomingRequest,
        variables: Variables,
        uploads: Vec<UploadValue>,
        factors: PriceFactors,
    ) -> Result<OperationResult> {
        let prepared = document.prepared(&variables);
        let mut operation = Operation::new("").variables(variables);
        operation.uploads = uploads;
        operation.set_parsed_query(prepared.executable.clone());
        let strict_includes = self.options().strict_includes;
        let execution = Execution {
            api: Api::Rest(document.dialect),
            extra_abilities: document.extra_abilities(!strict_includes).clone(),
            strict: request.method == Method::POST,
            extracted: Some(Arc::clone(&prepared.extracted)),
            expected: request.expected_state(),
            ..Execution::new(caller.principal.clone(), request.client, request.origin.clone())
        };
        let writes = document.is_mutation();
        let (mut changed_at, mut file) = (None, None);
        let used = |_: &_, execution: &Execution| {
            file = execution.take_file();
            changed_at = execution.changed_at.get().copied().filter(|_| !writes);
            factors.points(writes, execution.counts.rows_read())
        };
        let price = factors.rows.map(|rows| factors.points(writes, rows));
        let job = Job { operation, execution, writes, price, used };
        let data = answer::data(self.pipeline.run(&self.schema, caller, job).await?.answer)?;
        Ok(OperationResult { data, changed_at, file })
    }
}

/// Compares documents with the schema on which they will run.
///
/// # Errors
/// The first document that does not agree with it.
pub fn check(
    documents: Vec<Document<Unchecked>>,
    registry: &Registry,
    abilities: &Abilities,
) -> Result<Vec<Document<Checked>>, DocumentError> {
    document::check_files(registry)?;
    documents.into_iter().map(|document| document.check(registry, abilities)).collect()
}

/// The limits of a request's body. Without a key, a body may be as large as a GraphQL query without a key.
fn body_limits(bodies: BodyLimits, caller: Option<&Caller>) -> BodyLimits {
    if caller.is_some_and(|caller| caller.principal.is_some()) {
        return bodies;
    }
    let max = bodies.keyless_query;
    BodyLimits { max: bodies.max.min(max), max_without_files: bodies.max_without_files.min(max), ..bodies }
}

fn status_of(document: &Document<Checked>) -> Result<StatusCode> {
    StatusCode::from_u16(document.status).map_err(Error::internal)
}
