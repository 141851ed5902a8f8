//! GraphQL over HTTP, as its specification says: media types by `Accept`, status codes, well-formed requests, and
//! protection against cross-site request forgery.
//!
//! The steps of a request are: media type, key, rate limit, body, well-formedness, limits of the document, price,
//! validation, execution.

mod request;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::ready;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request as Operation, Response as Answer, ServerError, Value, Variables};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use chrono::SecondsFormat;
use futures_util::{StreamExt, stream};
use serde_json::json;
use sha2::{Digest, Sha256};

use self::request::{GraphQlRequest, RequestReader};
use crate::api::Api;
use crate::api_definition::ApiDefinition;
use crate::engine::{CancelReason, Introspection, KeysAsTexts, Options, Texts, own_error};
use crate::error::{Code, Error, NotRun};
use crate::execution::{Execution, Origin};
use crate::facts::{self, AnsweredBy};
use crate::gate::Permit;
use crate::http::accept::{MediaRange, media_ranges};
use crate::http::etag;
use crate::introspection::IntrospectionCache;
use crate::json;
use crate::limit::Verdict;
use crate::operation::{self, CachedRun, Estimate, ExecutedOperation, NO_CACHE, Suggestions, Variant};
use crate::pipeline::{Caller, Job, Pipeline};
use crate::record::ExtractedSelections;
use crate::schema::AnySchema;

/// The media type whose answers have a status code for each kind of error.
const GRAPHQL: &str = "application/graphql-response+json";
/// The media type of older clients: every well-formed request is answered with 200.
const JSON: &str = "application/json";

/// Headers that scripts of other origins may read.
const EXPOSED_HEADERS: &str = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id";

/// What async-graphql adds to the message about a wrong value, once for each type around it.
const NESTED_IN: &str = " (occurred while parsing";

/// A request that could not be read or not be answered. Its status is the same for all media types.
struct Rejection {
    status: StatusCode,
    error: Box<ServerError>,
}

impl Rejection {
    fn new(status: StatusCode, text: &str) -> Self {
        Self { status, ..Self::from(Error::BadRequest(text.to_owned())) }
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

/// Where the operation of a request is.
enum RequestSource {
    /// In the query of the URL.
    Query(String),
    /// In the body, which is not read yet.
    Body(Body),
}

/// A request before its operation is read.
struct UnreadRequest<'a> {
    headers: &'a HeaderMap,
    client: IpAddr,
    origin: Origin,
    source: RequestSource,
}

/// The GraphQL API.
pub struct GraphQl {
    pipeline: Arc<Pipeline>,
    definition: Arc<ApiDefinition>,
    documents: operation::PersistedDocuments,
    introspections: IntrospectionCache,
    operations: operation::OperationCache,
}

impl GraphQl {
    /// The GraphQL API of a definition. Clients may send `documents` by their hash or identifier.
    pub fn new(
        pipeline: Arc<Pipeline>,
        definition: Arc<ApiDefinition>,
        documents: operation::PersistedDocuments,
    ) -> Self {
        let operations = operation::OperationCache::new(Arc::clone(&definition.public_types));
        Self { pipeline, definition, documents, introspections: IntrospectionCache::default(), operations }
    }

    /// Whether a `GET` asks for the page GraphiQL: `Accept` prefers HTML, and no query is sent. The host answers it
    /// ([`pages::graphiql`](crate::pages::graphiql)).
    pub fn wants_page(request: &Request) -> bool {
        let media_types = ["text/html", GRAPHQL, JSON];
        request.uri().query().is_none()
            && first_accepted(request.headers(), &media_types) == Some("text/html")
    }

    /// `GET`: a query.
    pub async fn get(&self, request: Request, client: IpAddr, origin: Origin) -> Response<Body> {
        let (headers, query) = (request.headers(), request.uri().query());
        let source = RequestSource::Query(query.unwrap_or_default().to_owned());
        let response = answer(self, UnreadRequest { headers, client, origin, source }).await;
        revalidated(headers, response).await
    }

    /// `POST`: any operation.
    pub async fn post(&self, request: Request, client: IpAddr, origin: Origin) -> Response<Body> {
        let (parts, body) = request.into_parts();
        answer(
            self,
            UnreadRequest { headers: &parts.headers, client, origin, source: RequestSource::Body(body) },
        )
        .await
    }

    fn options(&self) -> &Options {
        &self.pipeline.engine.options
    }

    /// The texts of answers, in the language that the client asks for.
    fn texts(&self, headers: &HeaderMap) -> &dyn Texts {
        let languages = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        self.pipeline.engine.host.texts(languages)
    }
}

/// The answer to a request that is refused before it is examined.
pub fn refuse(error: Error) -> Response<Body> {
    rejected(error.into(), &KeysAsTexts)
}

/// A rejection before the media type is known.
fn rejected(rejection: Rejection, texts: &dyn Texts) -> Response<Body> {
    respond(JSON, rejection.status, Answer::from_errors(vec![*rejection.error]), texts)
}

async fn answer(api: &GraphQl, unread: UnreadRequest<'_>) -> Response<Body> {
    facts::note(|facts| facts.answered_by = AnsweredBy::GraphQl);
    let Some(media) = first_accepted(unread.headers, &[GRAPHQL, JSON]) else {
        let text = "Accept must allow a GraphQL response as JSON.";
        return rejected(Rejection::new(StatusCode::NOT_ACCEPTABLE, text), api.texts(unread.headers));
    };
    let texts = api.texts(unread.headers);
    let mut caller = None;
    let executed = match api.pipeline.enter().await {
        // Boxed after the permit is there, so that a waiting request takes little memory.
        Ok(running) => Box::pin(examine(api, running, unread, &mut caller)).await,
        Err(error) => Err(error.into()),
    };
    let (status, answer) = match executed {
        Ok(answer) => (status_of(media, &answer), answer),
        Err(rejection) => (rejection.status, Answer::from_errors(vec![*rejection.error])),
    };
    let retry_after = answer.errors.iter().find_map(|error| own_error(error)?.retry_after());
    let mut response = respond(media, status, answer, texts);
    let headers = response.headers_mut();
    if let Some(seconds) = retry_after.filter(|_| may_retry(status)) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(mut caller) = caller {
        if caller.limits.points == Verdict::Unlimited {
            // No points were taken, but the headers report the limit all the same.
            api.pipeline.read_points(&mut caller).await;
        }
        api.pipeline.write_limits(&caller, headers);
    }
    // CORS: lets scripts of other origins read these headers.
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    response
}

/// Whether a status means that the client may try again later.
fn may_retry(status: StatusCode) -> bool {
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
}

/// Authenticates the caller, reads the operation and runs it. `caller` is set as soon as it is known.
async fn examine(
    api: &GraphQl,
    running: Permit,
    unread: UnreadRequest<'_>,
    caller: &mut Option<Caller>,
) -> Result<Answer, Rejection> {
    let (pipeline, options) = (&api.pipeline, api.options());
    let UnreadRequest { headers, client, origin, source } = unread;
    let admitted = async {
        let known = pipeline.identify(headers, client).await?;
        pipeline.count(caller.insert(known)).await
    };
    pipeline.within_timeout(pin!(admitted)).await?;
    let Some(caller) = caller else { return Err(Error::Unauthenticated.into()) };
    caller.agent = headers.get(header::USER_AGENT).cloned();
    caller.languages = headers.get(header::ACCEPT_LANGUAGE).cloned();
    let reader = RequestReader::new(options.bodies, caller.principal.is_some());
    let (running, asked) = match source {
        RequestSource::Query(query) => (running, reader.read_query(&query, headers)?),
        RequestSource::Body(body) => {
            let reading = pin!(reader.read_body(pipeline, client, headers, body));
            let (running, asked) = pipeline.receive(running, reading).await?;
            (running, asked?)
        }
    };
    let answer = within_time_limit(api, pin!(run(api, caller, origin, asked))).await;
    drop(running);
    answer
}

/// Finds, measures, prices and executes an operation. Errors of the operation itself are in the answer.
async fn run(
    api: &GraphQl,
    caller: &mut Caller,
    origin: Origin,
    mut asked: GraphQlRequest,
) -> Result<Answer, Rejection> {
    let is_known = caller.principal.is_some();
    let PreparedOperation { estimate, cached } = match prepare(api, &mut asked, is_known).await {
        Ok(prepared) => prepared,
        Err(error @ Error::NotRun(_)) => return Ok(Answer::from_errors(vec![server_error(error)])),
        Err(error) => return Err(error.into()),
    };
    if asked.by_get && estimate.kind != OperationType::Query {
        return Err(Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "Only queries can be sent by GET."));
    }
    let kept = match &cached {
        _ if !asked.by_get => NO_CACHE,
        Some(cached) => cached.kept,
        None => api.definition.hints.of(&mut asked.operation),
    };
    let cost_is_asked = asked.cost;
    let priced = PricedOperation { api, caller: &mut *caller, origin, estimate: &estimate };
    let (mut answer, used) = match cached {
        Some(cached) => priced.run_cached(asked.operation.variables, &cached.variant).await?,
        None if estimate.introspects => priced.run_introspection(asked.operation, is_known).await?,
        None => priced.run_new(asked.operation).await?,
    };
    // An introspection field beside others.
    if !is_known && estimate.cost.introspects && matches!(answer.data, Value::Object(_)) {
        answer.data = Value::Binary(api.introspections.share(text_of(&answer), is_known)?);
    }
    if !was_executed(&answer) {
        if is_known {
            api.definition.suggestions.suggest(&mut answer.errors);
        } else {
            Suggestions::withhold(&mut answer.errors);
        }
    }
    answer.cache_control = kept;
    if cost_is_asked {
        let cost = cost(api, estimate.cost.points, used, caller.limits.points);
        answer.extensions.insert("cost".to_owned(), cost);
    }
    Ok(answer)
}

/// An operation with its price, ready to run. Its methods return the answer and the points that it has cost.
struct PricedOperation<'a> {
    api: &'a GraphQl,
    caller: &'a mut Caller,
    origin: Origin,
    estimate: &'a Estimate,
}

impl PricedOperation<'_> {
    /// Runs an operation from the cache.
    async fn run_cached(self, variables: Variables, variant: &Variant) -> Result<(Answer, u32), Error> {
        let schema = &self.api.definition.non_validating;
        let mut operation = Operation::new("").variables(variables);
        operation.set_parsed_query(variant.executable.clone());
        self.execute(schema, operation, Some(Arc::clone(&variant.extracted))).await
    }

    /// Validates and runs an operation, and caches it.
    async fn run_new(self, operation: Operation) -> Result<(Answer, u32), Error> {
        let (api, estimate) = (self.api, self.estimate);
        let ran = self.caller.principal.as_ref().and_then(|_| ExecutedOperation::of(&operation));
        let (answer, used) = self.execute(&api.definition.validating, operation, None).await?;
        if let Some(ran) = ran.filter(|_| was_executed(&answer)) {
            api.operations.remember(&ran, estimate, &api.definition.hints);
        }
        Ok((answer, used))
    }

    /// Answers an introspection query, from the cache where possible.
    async fn run_introspection(self, operation: Operation, is_known: bool) -> Result<(Answer, u32), Error> {
        let (api, price) = (self.api, self.estimate.price());
        let key = IntrospectionCache::key(&operation);
        if let Some(kept) = api.introspections.get(&key) {
            api.pipeline.charge(self.caller, price).await?;
            return Ok((Answer::new(Value::Binary(kept)), price));
        }
        let (mut answer, used) = self.execute(&api.definition.validating, operation, None).await?;
        if answer.errors.is_empty() {
            let data = api.introspections.share(text_of(&answer), is_known)?;
            api.introspections.insert(key, data.clone());
            answer.data = Value::Binary(data);
        }
        Ok((answer, used))
    }

    /// Runs an operation on a schema. `extracted` has the prepared selections on records, if there are any.
    async fn execute(
        self,
        schema: &AnySchema,
        operation: Operation,
        extracted: Option<Arc<ExtractedSelections>>,
    ) -> Result<(Answer, u32), Error> {
        let Self { api, caller, origin, estimate } = self;
        // `facade/src/introspection/` answers in place of async-graphql.
        let operation = operation.disable_introspection();
        let (kind, operation::Cost { points, conditions, .. }) = (estimate.kind, estimate.cost);
        let used = move |answer: &Answer, execution: &Execution| {
            let written = execution.counts.objects_written();
            let used =
                (operation::points_of_answer(kind, &answer.data, written) + conditions).clamp(1, points);
            u32::try_from(used).unwrap_or(u32::MAX)
        };
        let execution = Execution {
            agent: caller.agent.take(),
            languages: caller.languages.take(),
            extracted,
            ..Execution::new(caller.principal.clone(), caller.client, origin)
        };
        let writes = kind == OperationType::Mutation;
        let job = Job { operation, execution, writes, price: Some(estimate.price()), used };
        let done = api.pipeline.run(schema, caller, job).await?;
        Ok((done.answer, done.used))
    }
}

/// The keyword of a kind of operation.
fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// An operation that is within the limits.
struct PreparedOperation {
    estimate: Estimate,
    /// The cached operation, if it ran before.
    cached: Option<CachedRun>,
}

async fn prepare(
    api: &GraphQl,
    asked: &mut GraphQlRequest,
    is_known: bool,
) -> Result<PreparedOperation, Error> {
    operation::check_nesting(&asked.operation.variables)?;
    let new = api.documents.resolve(&mut asked.operation, asked.document_id.as_deref())?;
    let options = api.options();
    let bounds = RequestReader::new(options.bodies, is_known).document_limits(options.max_tokens);
    let limits = &options.operation;
    let known = match is_known {
        true => api.operations.get(&mut asked.operation, &api.definition.rules, limits, bounds)?,
        false => None,
    };
    let (estimate, cached) = match known {
        Some((estimate, cached)) => (estimate, Some(cached)),
        None => (operation::prepare(&mut asked.operation, &api.definition.rules, limits, bounds)?, None),
    };
    if estimate.cost.introspects {
        check_introspection(options.introspection, is_known)?;
    }
    facts::note(|facts| {
        facts.operation(estimate.name.as_deref());
        facts.roots = Some(estimate.roots.clone());
        facts.kind = Some(kind_name(estimate.kind));
        let hash = cached.as_ref().map(|cached| cached.hash.clone());
        facts.document = Some(hash.unwrap_or_else(|| operation::hash_of(&asked.operation.query)));
    });
    if let Some(new) = new {
        api.documents.remember(new, &asked.operation.query);
    }
    Ok(PreparedOperation { estimate, cached })
}

/// Checks that the caller may use introspection.
fn check_introspection(allowed: Introspection, is_known: bool) -> Result<(), Error> {
    match allowed {
        Introspection::Always => Ok(()),
        Introspection::Key if is_known => Ok(()),
        Introspection::Key => Err(Error::Unauthenticated),
        Introspection::Never => {
            Err(NotRun::error(Code::GraphqlValidationFailed, "This server tells nothing of its schema."))
        }
    }
}

/// Runs work for at most the time limit of operations or that of requests, whichever is shorter.
async fn within_time_limit(
    api: &GraphQl,
    work: impl Future<Output = Result<Answer, Rejection>>,
) -> Result<Answer, Rejection> {
    let options = api.options();
    let limit = options.operation_timeout.min(options.timeout);
    match api.pipeline.within_limit(limit, work).await {
        Ok(done) => done,
        Err(CancelReason::TimedOut) if options.operation_timeout < options.timeout => {
            let late = NotRun::error(Code::TimedOut, "The operation took too long.");
            Ok(Answer::from_errors(vec![server_error(late)]))
        }
        Err(reason) => Err(Error::from(reason).into()),
    }
}

/// The extension `cost`: what the operation has cost and what is left in this minute.
fn cost(api: &GraphQl, requested: u64, actual: u32, points: Verdict) -> Value {
    let window = points.window();
    let reset = window.map(|left| api.pipeline.engine.host.now() + Duration::from_secs(left.resets_in));
    let cost = json!({
        "requested": requested,
        "actual": actual,
        "remaining": window.map(|left| left.remaining),
        "resetAt": reset.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
    });
    Value::from_json(cost).unwrap_or_default()
}

/// The status of an answer: 503 where no field was answered because the database or the server does not answer; the
/// status of the first error where nothing was executed and the media type allows it; otherwise 200.
fn status_of(media: &str, answer: &Answer) -> StatusCode {
    let is_away = |own: &Error| own.status() == 503 && !matches!(own, Error::NotRun(_));
    let refused = |error| own_error(error).is_some_and(is_away);
    if is_empty(&answer.data) && answer.errors.iter().any(refused) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if was_executed(answer) || media == JSON {
        return StatusCode::OK;
    }
    let reason = answer.errors.first().and_then(own_error);
    reason.and_then(|error| StatusCode::from_u16(error.status()).ok()).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Whether the operation was executed. All root fields are nullable, so `data` is null only where it was not.
fn was_executed(answer: &Answer) -> bool {
    answer.data != Value::Null
}

/// Whether no root field has a value.
fn is_empty(data: &Value) -> bool {
    match data {
        Value::Object(fields) => fields.values().all(|value| *value == Value::Null),
        other => *other == Value::Null,
    }
}

fn respond(media: &str, status: StatusCode, mut answer: Answer, texts: &dyn Texts) -> Response<Body> {
    let executed = was_executed(&answer);
    answer.errors.truncate(operation::MAX_ERRORS);
    answer.errors.iter_mut().for_each(|error| add_extensions(error, executed, texts));
    let parts = json_parts(&answer, executed).unwrap_or_default();
    let length = parts.iter().map(Bytes::len).sum::<usize>();
    let mut response = Response::new(body_of(parts));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(kind) = HeaderValue::from_str(&format!("{media}; charset=utf-8")) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language"));
    let kept = executed && answer.errors.is_empty() && answer.cache_control.max_age > 0;
    let kept = kept.then(|| answer.cache_control.value()).flatten();
    let kept = kept.and_then(|kept| HeaderValue::from_str(&kept).ok());
    headers.insert(header::CACHE_CONTROL, kept.unwrap_or(HeaderValue::from_static("no-store")));
    response
}

/// An answer as JSON, in parts. `data` that is JSON already is not copied, but shared between answers.
fn json_parts(answer: &Answer, executed: bool) -> serde_json::Result<Vec<Bytes>> {
    if !executed {
        return serde_json::to_vec(&json!({"errors": answer.errors})).map(|json| vec![json.into()]);
    }
    let mut start = vec![b'{'];
    if !answer.errors.is_empty() {
        start.extend(br#""errors":"#);
        serde_json::to_writer(&mut start, &answer.errors)?;
        start.push(b',');
    }
    start.extend(br#""data":"#);
    let mut end = Vec::new();
    if !answer.extensions.is_empty() {
        end.extend(br#","extensions":"#);
        serde_json::to_writer(&mut end, &answer.extensions)?;
    }
    end.push(b'}');
    if let Value::Binary(data) = &answer.data {
        return Ok(vec![start.into(), data.clone(), end.into()]);
    }
    json::write_value(&answer.data, Api::GraphQl, &mut start);
    start.extend(end);
    Ok(vec![start.into()])
}

/// The data of an answer as JSON.
fn text_of(answer: &Answer) -> Vec<u8> {
    let mut text = Vec::new();
    json::write_value(&answer.data, Api::GraphQl, &mut text);
    text
}

/// A body of parts that are in memory.
pub fn body_of(parts: impl IntoIterator<Item = Bytes, IntoIter: Send + 'static>) -> Body {
    let mut parts = parts.into_iter();
    match (parts.next(), parts.next()) {
        (first, None) => Body::from(first.unwrap_or_default()),
        (first, second) => {
            let parts = first.into_iter().chain(second).chain(parts);
            Body::from_stream(stream::iter(parts.map(Ok::<_, Infallible>)))
        }
    }
}

/// The offered media type that `Accept` weighs highest; at equal weights, the first one in `Accept`. JSON where
/// `Accept` has no preference.
fn first_accepted<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let text: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let text = text.join(",");
    if text.trim().is_empty() || text.trim() == "*/*" {
        return Some(JSON);
    }
    let ranked = media_ranges(&text).filter_map(|MediaRange { media, quality }| {
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

/// Adds an `ETag` to the answer to a `GET`; answers 304 where the client has sent the same one.
async fn revalidated(asked: &HeaderMap, response: Response<Body>) -> Response<Body> {
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The body is in memory, so this cannot fail. Its parts are shared with other answers and stay as they are.
    let body: Vec<Bytes> = body.into_data_stream().filter_map(|part| ready(part.ok())).collect().await;
    let digest = body.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    let body = body_of(body);
    let tag = format!("\"{}\"", hex::encode(&digest[..16]));
    let Ok(value) = HeaderValue::from_str(&tag) else { return Response::from_parts(parts, body) };
    parts.headers.insert(header::ETAG, value);
    parts.headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Accept-Language, Authorization, X-GraphQL-Cost"),
    );
    if parts.headers.get(header::CACHE_CONTROL).is_none_or(|hints| hints == "no-store") {
        parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    if etag::has_current(asked, &tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, body)
}

fn server_error(error: Error) -> ServerError {
    let locations = if let Error::NotRun(reason) = &error { reason.locations.clone() } else { Vec::new() };
    let error = async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default());
    ServerError { locations, ..error }
}

/// Sets message, code and details of an error, and logs its cause.
fn add_extensions(error: &mut ServerError, executed: bool, texts: &dyn Texts) {
    let mut extensions = error.extensions.take().unwrap_or_default();
    let mut message = None;
    let code = match own_error(error) {
        Some(own) => {
            own.add_extensions(&mut extensions);
            match own {
                Error::Internal(cause) => {
                    let trace_id = facts::trace_id();
                    tracing::error!(%cause, trace_id, "operation failed");
                    extensions.set("traceId", trace_id);
                    if let Some(id) = facts::request_id() {
                        extensions.set("requestId", id);
                    }
                }
                Error::Unavailable(cause) | Error::Absent(cause) => tracing::warn!(%cause, "{own}"),
                // The message of REST holds a class name of the original, which means nothing to GraphQL clients.
                Error::NotFound { .. } => message = Some("There is no such record.".to_owned()),
                // The number of further messages is English in every language; `errors` lists them.
                Error::Invalid(invalid) => message = Some(invalid.first_message().to_owned()),
                Error::RestrictedKey(_) | Error::Changed => message = Some(own.message(texts)),
                _ => {}
            }
            own.code()
        }
        None if executed => {
            // Where in its types async-graphql met a wrong value means nothing to clients.
            message = error.message.find(NESTED_IN).map(|end| error.message[..end].to_owned());
            Code::BadUserInput
        }
        None => Code::GraphqlValidationFailed,
    };
    extensions.set("code", code.name());
    facts::note(|facts| facts.error(code.name()));
    error.message = message.unwrap_or_else(|| std::mem::take(&mut error.message));
    error.extensions = Some(extensions);
}
