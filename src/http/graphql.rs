//! GraphQL over HTTP.

use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql_axum::{GraphQLRequest, GraphQLResponse, rejection::GraphQLRejection};
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;

use crate::App;
use crate::error::Error;
use crate::rest::{Bucket, Verdict};

/// The page for developers.
pub async fn page(State(app): State<App>) -> Response<Body> {
    super::pages::graphiql("/graphql", app.demo_key.as_deref())
}

/// Executes an operation.
pub async fn execute(State(app): State<App>, request: Request) -> Response<Body> {
    let origin = super::origin(&app, &request);
    let client = super::client(&app, &request);
    let principal = app.keys.authenticate(&app.shared, request.headers()).await.ok();
    let bucket =
        principal.as_ref().map_or(Bucket::Address(client), |principal| Bucket::Owner(principal.owner));
    let verdict = app.throttle.hit(bucket).await;
    let mut headers = HeaderMap::new();
    verdict.headers(&mut headers, app.shared.clock.now().timestamp());
    if let Verdict::Refused { retry_after, .. } = verdict {
        let mut response =
            async_graphql::Response::from_errors(vec![server_error(Error::RateLimited(retry_after))]);
        response.errors.iter_mut().for_each(complete);
        let mut response = GraphQLResponse::from(response).into_response();
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().extend(headers);
        return response;
    }
    let mut operation = match GraphQLRequest::<GraphQLRejection>::from_request(request, &()).await {
        Ok(request) => request.into_inner().data(origin),
        Err(rejection) => return rejection.into_response(),
    };
    if let Some(principal) = principal {
        operation = operation.data(Arc::clone(&principal));
    }
    let mut response = app.public.execute(operation).await;
    response.errors.iter_mut().for_each(complete);
    let mut response = GraphQLResponse::from(response).into_response();
    response.headers_mut().extend(headers);
    response
}

fn server_error(error: Error) -> ServerError {
    async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default())
}

/// Gives an error its code and details.
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
