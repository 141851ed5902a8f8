//! Both APIs of a host over one pipeline, and a router for small hosts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Response, header};
use axum::routing::get;

use crate::engine::Engine;
use crate::execution::Origin;
use crate::graphql::{GraphQl, GraphiqlPage};
use crate::operation::PersistedDocuments;
use crate::pipeline::{Access, Pipeline};
use crate::rest::{self, Examples, OpenApiInfo, Rest};
use crate::schema::{self, Builder, Root};
use crate::{Abilities, Dialect, Error, Result, pages};

/// Path of the GraphQL endpoint, and of GraphiQL in browsers.
pub const GRAPHQL: &str = "/graphql";
/// Path of Swagger UI.
pub const DOCUMENTATION: &str = "/api/documentation";
/// Path of the OpenAPI document.
pub const CONTRACT: &str = "/docs/api-docs.json";

/// Both APIs of a host.
pub struct Apis {
    /// The steps that every request takes.
    pub pipeline: Arc<Pipeline>,
    /// The GraphQL API.
    pub graphql: GraphQl,
    /// The REST API.
    pub rest: Rest,
}

/// What a host gives to [`Apis::new`], beside its root types.
pub struct ApisConfig<'a> {
    /// The engine, with its host.
    pub engine: Arc<Engine>,
    /// Authentication and limits.
    pub access: Arc<dyn Access>,
    /// All abilities of the host.
    pub abilities: &'a Abilities,
    /// The REST operations, as GraphQL documents with `@rest`.
    pub documents: &'a [&'a str],
    /// How REST spells values below some paths, by what the paths begin with behind `/api`; others have the usual dialect.
    pub dialects: &'a [(&'a str, Dialect)],
    /// GraphQL documents that clients may send by their hash or identifier.
    pub persisted: PersistedDocuments,
}

impl Apis {
    /// Builds both APIs over the root types `Q` and `M`. `data` adds what their resolvers find in their context.
    ///
    /// # Errors
    /// The first REST document that does not fit the schema, with its operation and the reason.
    pub async fn new<Q: Root, M: Root>(
        config: ApisConfig<'_>,
        data: impl Fn(Builder<Q, M>) -> Builder<Q, M>,
    ) -> Result<Self> {
        let ApisConfig { engine, access, abilities, documents, dialects, persisted } = config;
        let documents = rest::read(documents, abilities, dialects).map_err(Error::internal)?;
        schema::validate::<Q, M>(&documents).await?;
        let registry = schema::registry::<Q, M>();
        let documents = rest::check(documents, &registry, abilities).map_err(Error::internal)?;
        let data = |builder: Builder<Q, M>| data(builder.data(Arc::clone(&engine)));
        let (validating, non_validating) = (schema::validating(data), schema::non_validating(data));
        let pipeline = Arc::new(Pipeline::new(Arc::clone(&engine), access));
        rest::check_limiters(&documents, pipeline.limiters()).map_err(Error::internal)?;
        let types = schema::public_registry::<Q, M>;
        let graphql =
            GraphQl::new(Arc::clone(&pipeline), validating, non_validating.clone(), types, persisted);
        let rest = Rest::new(Arc::clone(&pipeline), non_validating, documents)?;
        Ok(Self { pipeline, graphql, rest })
    }

    /// The OpenAPI document of the REST API, as JSON.
    ///
    /// # Errors
    /// Never for documents that fit the schema.
    pub fn openapi<Q: Root, M: Root>(&self, info: OpenApiInfo) -> Result<String> {
        let registry = schema::registry::<Q, M>();
        let contract = rest::openapi(info, self.rest.documents(), &registry, &Examples::new());
        Ok(contract.map_err(Error::internal)?.to_string())
    }

    /// A router for a small host: GraphQL with GraphiQL, the REST documents, Swagger UI and the OpenAPI document.
    /// Serve it with [`Router::into_make_service_with_connect_info`]; without, all clients have the address
    /// 127.0.0.1.
    pub fn router(self, openapi: String) -> Router {
        let contract = move || async move { ([(header::CONTENT_TYPE, "application/json")], openapi) };
        Router::new()
            .route(GRAPHQL, get(graphql_get).post(graphql_post))
            .route(CONTRACT, get(contract))
            .merge(pages::router(DOCUMENTATION, "REST API"))
            .fallback(rest_any)
            .with_state(Arc::new(self))
    }
}

async fn graphql_get(State(apis): State<Arc<Apis>>, request: Request) -> Response<Body> {
    let (client, origin) = (client(&request), origin(&request));
    apis.graphql
        .get(request, client, origin, GraphiqlPage { endpoint: GRAPHQL, title: "GraphiQL", key: None })
        .await
}

async fn graphql_post(State(apis): State<Arc<Apis>>, request: Request) -> Response<Body> {
    let (client, origin) = (client(&request), origin(&request));
    apis.graphql.post(request, client, origin).await
}

async fn rest_any(State(apis): State<Arc<Apis>>, request: Request) -> Response<Body> {
    let (client, origin) = (client(&request), origin(&request));
    apis.rest.serve(request, client, origin, None).await.answer()
}

fn client(request: &Request) -> IpAddr {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip())
}

fn origin(request: &Request) -> Origin {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    Origin { scheme: "http", host: host.unwrap_or("localhost").to_owned() }
}
