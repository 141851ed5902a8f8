//! Answers of guichet that are compared with the shop's own server's, beside the requests.

use std::sync::Arc;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, Uri, header};
use facade::rest;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::passing::From;
use crate::server::shadow::{self, MAX_ANSWER, Outcome, Seen, Shadow};
use crate::server::upstream::{self, Upstream};
use crate::{App, Error};

/// A question of the sample.
pub(super) struct Question {
    uri: Uri,
    headers: HeaderMap,
    from: From,
    _place: OwnedSemaphorePermit,
}

/// The question that a request asks, where it is of the sample.
pub(super) fn sampled(app: &App, request: &Request, from: &From) -> Option<Question> {
    let shadow = app.shadow.as_ref().filter(|_| *request.method() == Method::GET)?;
    // It came from here: that server's answer would be asked of this one again.
    if upstream::is_looping(request.headers()) {
        return None;
    }
    let place = shadow.sample()?;
    let (uri, mut headers) = (request.uri().clone(), request.headers().clone());
    // A part of the answer, or one that is packed, cannot be compared; and the question has no body.
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
    Some(Question { uri, headers, from: from.clone(), _place: place })
}

/// Compares an answer with the shop's own, once the client has it. The answer itself stays as it is.
pub(super) async fn look(app: &Arc<App>, question: Question, answer: Response<Body>) -> Response<Body> {
    let (parts, body) = answer.into_parts();
    let status = parts.status.as_u16();
    let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let is_small = body.size_hint().exact().is_some_and(|length| length <= MAX_ANSWER as u64);
    if !is_json || !is_small || shadow::is_unanswered(status) {
        return Response::from_parts(parts, body);
    }
    // It is in memory already.
    let Ok(bytes) = to_bytes(body, MAX_ANSWER).await else {
        return rest::refuse(&question.headers, Error::internal("an answer has no end"));
    };
    let here = Seen::of(&Response::from_parts(parts.clone(), bytes.clone()));
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let (Some(upstream), Some(shadow)) = (&app.upstream, &app.shadow) {
            let operation = shadow::operation(question.uri.path());
            let outcome = compare(&app, upstream, shadow, &question, here).await;
            app.telemetry.compared(&operation, outcome.name());
            shadow.keep(&operation, outcome);
        }
    });
    Response::from_parts(parts, Body::from(bytes))
}

async fn compare(
    app: &App,
    upstream: &Upstream,
    shadow: &Shadow,
    question: &Question,
    here: Seen,
) -> Outcome {
    let declared = shadow::declared(question.uri.path(), question.uri.query().unwrap_or_default());
    let Some(there) = ask(app, upstream, shadow, question).await else { return Outcome::Unanswered };
    let again = async || {
        let there = ask(app, upstream, shadow, question).await?;
        let From { client, origin, .. } = &question.from;
        Some((there, seen(app.faces.rest.repeat(question.request(), *client, origin.clone()).await).await?))
    };
    shadow::judge(&declared, (there, here), again).await
}

/// An answer as it is compared; `None` where it is too large or breaks off.
async fn seen(answer: Response<Body>) -> Option<Seen> {
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.ok()?;
    Some(Seen::of(&Response::from_parts(parts, bytes)))
}

/// Too much is passed on already.
struct Busy;

/// The shop's own answer; `None` where it has none in time. Then nothing is asked for a while.
async fn ask(app: &App, upstream: &Upstream, shadow: &Shadow, question: &Question) -> Option<Seen> {
    let asking = async {
        // guichet asks for itself: the question has an identifier of its own, and takes nobody's share.
        let sender = question.from.sender(app, true);
        match upstream.pass(question.request(), &sender).await {
            Ok(answer) => Ok(seen(answer).await),
            // No fault of that server's.
            Err(Error::Overloaded) => Err(Busy),
            Err(_) => Ok(None),
        }
    };
    let there = match timeout(shadow.patience(), asking).await {
        Ok(Err(Busy)) => return None,
        Ok(Ok(there)) => there.filter(|there| !shadow::is_unanswered(there.status)),
        Err(_) => None,
    };
    if there.is_none() {
        shadow.rest();
    }
    there
}

impl Question {
    fn request(&self) -> Request {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}
