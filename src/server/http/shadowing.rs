//! Shadowing: a sample of guichet's answers is compared with those of the upstream server, after they were sent.

use std::sync::Arc;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, Uri, header};
use facade::rest;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::forwarding::ClientInfo;
use crate::server::shadow::{self, ComparedAnswer, MAX_ANSWER, Outcome, Shadow};
use crate::server::upstream::{self, Upstream};
use crate::{App, Error};

/// A request of the sample.
pub(super) struct SampledRequest {
    uri: Uri,
    headers: HeaderMap,
    client_info: ClientInfo,
    _place: OwnedSemaphorePermit,
}

/// The request for the comparison, if it is in the sample.
pub(super) fn sample(app: &App, request: &Request, client_info: &ClientInfo) -> Option<SampledRequest> {
    let shadow = app.shadow.as_ref().filter(|_| *request.method() == Method::GET)?;
    // The upstream server has sent it: its answer would depend on this server again.
    if upstream::is_looping(request.headers()) {
        return None;
    }
    let place = shadow.sample()?;
    let (uri, mut headers) = (request.uri().clone(), request.headers().clone());
    // Partial or compressed answers cannot be compared, and the repeated request has no body.
    for name in [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::TRANSFER_ENCODING,
        header::EXPECT,
        header::ACCEPT_ENCODING,
        header::RANGE,
        header::IF_RANGE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
    ] {
        headers.remove(name);
    }
    Some(SampledRequest { uri, headers, client_info: client_info.clone(), _place: place })
}

/// Starts a task that compares an answer with the upstream server's. The answer itself is not changed.
pub(super) async fn compare_later(
    app: &Arc<App>,
    sampled: SampledRequest,
    answer: Response<Body>,
) -> Response<Body> {
    let (parts, body) = answer.into_parts();
    let status = parts.status.as_u16();
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let is_small = body.size_hint().exact().is_some_and(|length| length <= MAX_ANSWER as u64);
    if !is_json || !is_small || shadow::is_unanswered(status) {
        return Response::from_parts(parts, body);
    }
    // The body is in memory already.
    let Ok(bytes) = to_bytes(body, MAX_ANSWER).await else {
        return rest::refuse(&sampled.headers, Error::internal("an answer has no end"));
    };
    let here = ComparedAnswer::of(&Response::from_parts(parts.clone(), bytes.clone()));
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let (Some(upstream), Some(shadow)) = (&app.upstream, &app.shadow) {
            let operation = shadow::operation(sampled.uri.path());
            let outcome = compare(&app, upstream, shadow, &sampled, here).await;
            app.telemetry.compared(&operation, outcome.name());
            shadow.record(&operation, outcome);
        }
    });
    Response::from_parts(parts, Body::from(bytes))
}

async fn compare(
    app: &App,
    upstream: &Upstream,
    shadow: &Shadow,
    sampled: &SampledRequest,
    here: ComparedAnswer,
) -> Outcome {
    let declared = shadow::declared(sampled.uri.path(), sampled.uri.query().unwrap_or_default());
    let Some(there) = upstream_answer(app, upstream, shadow, sampled).await else {
        return Outcome::Unanswered;
    };
    let again = async || {
        let there = upstream_answer(app, upstream, shadow, sampled).await?;
        let ClientInfo { client, origin, .. } = &sampled.client_info;
        Some((
            there,
            collect_answer(app.apis.rest.repeat(sampled.request(), *client, origin.clone()).await).await?,
        ))
    };
    shadow::compare_twice(&declared, (there, here), again).await
}

/// An answer for the comparison; `None` if it is too large or incomplete.
async fn collect_answer(answer: Response<Body>) -> Option<ComparedAnswer> {
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.ok()?;
    Some(ComparedAnswer::of(&Response::from_parts(parts, bytes)))
}

/// Too many requests are being forwarded.
struct TooManyForwarded;

/// The upstream server's answer; `None` if there is none in time. Then shadowing pauses for a while.
async fn upstream_answer(
    app: &App,
    upstream: &Upstream,
    shadow: &Shadow,
    sampled: &SampledRequest,
) -> Option<ComparedAnswer> {
    let asking = async {
        // guichet is the sender: the request has an identifier of its own, and takes no client's share.
        let sender = sampled.client_info.sender(app, true);
        match upstream.forward(sampled.request(), &sender).await {
            Ok(answer) => Ok(collect_answer(answer).await),
            // The upstream server is not the cause.
            Err(Error::Overloaded) => Err(TooManyForwarded),
            Err(_) => Ok(None),
        }
    };
    let there = match timeout(shadow.patience(), asking).await {
        Ok(Err(TooManyForwarded)) => return None,
        Ok(Ok(there)) => there.filter(|there| !shadow::is_unanswered(there.status)),
        Err(_) => None,
    };
    if there.is_none() {
        shadow.pause();
    }
    there
}

impl SampledRequest {
    fn request(&self) -> Request {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}
