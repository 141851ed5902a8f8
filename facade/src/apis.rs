//! Both APIs of a host over one pipeline, and a router for small hosts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Response, header};
use axum::routing::get;

use crate::api_definition::ApiDefinition;
use crate::engine::Engine;
use crate::execution::Origin;
use crate::graphql::GraphQl;
use crate::operation::PersistedDocuments;
use crate::pages::{DocumentationPages, GraphiqlPage};
use crate::pipeline::{Access, AddData, Pipeline};
use crate::rest::Rest;
use crate::{Result, pages};

/// Path of the GraphQL endpoint, and of GraphiQL in browsers.
pub const GRAPHQL: &str = "/graphql";
/// Path of Swagger UI.
pub const DOCUMENTATION: &str = "/api/documentation";
/// Path of Redoc, to read the OpenAPI document.
pub const REFERENCE: &str = "/api/reference";
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

/// What a host gives to [`Apis::new`], beside the definition.
pub struct ApisConfig {
    /// The engine, with its host.
    pub engine: Arc<Engine>,
    /// Authentication and limits.
    pub access: Arc<dyn Access>,
    /// GraphQL documents that clients may send by their hash or identifier.
    pub persisted: PersistedDocuments,
    /// Adds to each operation what the host's resolvers read from their context.
    pub data: Box<AddData>,
}

impl ApisConfig {
    /// Without persisted documents and without data of the host.
    pub fn new(engine: Arc<Engine>, access: Arc<dyn Access>) -> Self {
        Self {
            engine,
            access,
            persisted: PersistedDocuments::default(),
            data: Box::new(|operation| operation),
        }
    }
}

impl Apis {
    /// Both APIs of a definition.
    ///
    /// # Errors
    /// A REST document that names a limiter which the host does not have.
    pub fn new(definition: &Arc<ApiDefinition>, config: ApisConfig) -> Result<Self> {
        let ApisConfig { engine, access, persisted, data } = config;
        let pipeline = Arc::new(Pipeline::new(engine, access, data));
        let graphql = GraphQl::new(Arc::clone(&pipeline), Arc::clone(definition), persisted);
        let rest = Rest::new(
            Arc::clone(&pipeline),
            definition.non_validating.clone(),
            Arc::clone(&definition.documents),
        )?;
        Ok(Self { pipeline, graphql, rest })
    }

    /// A router for a small host: GraphQL with GraphiQL, the REST documents, Swagger UI, Redoc and the OpenAPI
    /// document. Serve it with [`Router::into_make_service_with_connect_info`]; without, all clients have the
    /// address 127.0.0.1.
    pub fn router(self, openapi: String) -> Router {
        let contract = move || async move { ([(header::CONTENT_TYPE, "application/json")], openapi) };
        Router::new()
            .route(GRAPHQL, get(graphql_get).post(graphql_post))
            .route(CONTRACT, get(contract))
            .merge(pages::router(DocumentationPages { title: "REST API", key: None }))
            .fallback(rest_any)
            .with_state(Arc::new(self))
    }
}

async fn graphql_get(State(apis): State<Arc<Apis>>, request: Request) -> Response<Body> {
    if GraphQl::wants_page(&request) {
        return pages::graphiql(GraphiqlPage::new(GRAPHQL, "GraphiQL"));
    }
    let (client, origin) = (client(&request), origin(&request));
    apis.graphql.get(request, client, origin).await
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
