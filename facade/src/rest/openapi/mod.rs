//! The OpenAPI 3.1 document of REST, made from the documents and the schema on which they run. It knows no resource:
//! names and shapes come from the operations, types and descriptions from the registry, constraints of inputs from
//! the directives of their fields.

mod answer;
mod error;
mod file;
mod input;
mod parameter;
mod schema;
mod xml;

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::registry::{MetaField, MetaType, Registry};
pub(super) use schema::MAX_TEXT;
use serde_json::{Map, Value as Json};
use utoipa::openapi::example::Example;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{
    Components, Contact, ContentBuilder, Deprecated, HttpMethod, Info, License, OpenApi, OpenApiBuilder,
    PathItem, PathsBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, SecurityRequirement, Server, Tag,
};

use super::document::{Answer, Checked, Document, Route, capitalised};
use crate::Ability;
use crate::guard::description_without_need;

/// The argument of a change that demands a state of the record.
const EXPECTED_UPDATED_AT: &str = "expectedUpdatedAt";
const JSON: &str = "application/json";
const XML: &str = "application/xml";
/// Name of the response without a body.
const NO_CONTENT: &str = "NoContent";

/// General information of an OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub struct OpenApiInfo {
    /// Title of the API.
    pub title: &'static str,
    /// Version of the API.
    pub version: &'static str,
    /// Description of the API, in Markdown.
    pub description: &'static str,
    /// SPDX identifier of the licence.
    pub license: &'static str,
    /// Name of the security scheme.
    pub scheme: &'static str,
    /// How a key is sent, in Markdown.
    pub key: &'static str,
    /// Summary of the examples: where they come from.
    pub examples: &'static str,
    /// What the server is, and where it runs.
    pub server: &'static str,
    /// Most rows of a page.
    pub max_rows: usize,
    /// Most characters of a text by its table and column; nothing where that is not known.
    pub text_length: fn(&str, &str) -> Option<usize>,
}

impl Default for OpenApiInfo {
    fn default() -> Self {
        Self {
            title: "API",
            version: "1.0.0",
            description: "",
            license: "MIT",
            scheme: "key",
            key: "`Bearer <key>`",
            examples: "Example",
            server: "Production",
            max_rows: 100,
            text_length: |_, _| None,
        }
    }
}

/// Bodies of answers, by the names of their operations.
pub type Examples = Map<String, Json>;

/// The OpenAPI document of these operations.
///
/// # Errors
/// Never for checked documents: when the document cannot be written as JSON.
pub fn openapi(
    info: OpenApiInfo,
    documents: &[Document<Checked>],
    registry: &Registry,
    examples: &Examples,
) -> Result<Json, serde_json::Error> {
    let mut builder = ContractBuilder::new(info, registry, examples);
    builder.note_common_parameters(documents);
    let mut paths: BTreeMap<&str, PathItem> = BTreeMap::new();
    for document in documents {
        for route in &document.routes {
            let item = PathItem::new(method(route), builder.operation(document, route));
            paths.entry(route.path.as_str()).or_default().merge_operations(item);
        }
    }
    let paths = paths.into_iter().fold(PathsBuilder::new(), |all, (path, item)| all.path(path, item)).build();
    let tags = tags(documents, registry);
    let mut json = serde_json::to_value(contract(info, builder.components(), paths, tags))?;
    xml::add_names(&mut json);
    Ok(json)
}

fn contract(
    info: OpenApiInfo,
    components: Components,
    paths: utoipa::openapi::Paths,
    tags: Vec<Tag>,
) -> OpenApi {
    let license = License::builder().name(info.license).identifier(Some(info.license)).build();
    let contact = Contact::builder().name(Some(info.title)).build();
    let general = Info::builder()
        .title(info.title)
        .contact(Some(contact))
        .version(info.version)
        .description(Some(info.description))
        .license(Some(license));
    OpenApiBuilder::new()
        .info(general)
        .servers(Some([server(info)]))
        .paths(paths)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], _>(info.scheme, [])]))
        .tags(Some(tags))
        .build()
}

fn server(info: OpenApiInfo) -> Server {
    let extensions = Extensions::builder().add("x-internal", false).build();
    let server = Server::builder().url(super::PREFIX).description(Some(info.server));
    server.extensions(Some(extensions)).build()
}

fn method(route: &Route) -> HttpMethod {
    match route.method {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// Whether a route is a partial update, which changes only the fields that are sent: a `PUT` beside a `POST`.
fn is_partial(document: &Document<Checked>, route: &Route) -> bool {
    route.method == "PUT" && !route.older && document.routes.iter().any(|other| other.method == "POST")
}

/// The identifier of a route: the operation's name. Other routes than the first say what they are.
fn operation_id(document: &Document<Checked>, route: &Route) -> String {
    let index = document.routes.iter().position(|known| known == route).unwrap_or_default();
    match index {
        0 => document.name.clone(),
        _ if route.older => format!("{}ByOlderPath{index}", document.name),
        _ if is_partial(document, route) => format!("{}Partially", document.name),
        _ => format!("{}By{}", document.name, capitalised(&route.method.to_lowercase())),
    }
}

/// The tags of all operations. The description of a tag is that of the type that its first operation answers.
fn tags(documents: &[Document<Checked>], registry: &Registry) -> Vec<Tag> {
    let mut tags: BTreeMap<&str, String> = BTreeMap::new();
    for document in documents {
        let description = tags.entry(&document.tag).or_default();
        if description.is_empty() {
            *description = answer_description(document, registry).unwrap_or_default();
        }
    }
    let tag = |(name, description): (&str, String)| {
        let description = if description.is_empty() { name.to_owned() } else { description };
        Tag::builder().name(name).description(Some(description)).build()
    };
    tags.into_iter().map(tag).collect()
}

/// The description of the type that an operation answers: of a page, the type of its rows.
fn answer_description(document: &Document<Checked>, registry: &Registry) -> Option<String> {
    let mut ty = registry.concrete_type_by_name(&first_root_field(document, registry)?.ty)?;
    if document.answer.is_page() {
        ty = registry.concrete_type_by_name(&ty.field_by_name("nodes")?.ty)?;
    }
    match ty {
        MetaType::Object { description, .. } => description.clone(),
        _ => None,
    }
}

/// The first root field of an operation in the schema.
fn first_root_field<'r>(document: &Document<Checked>, registry: &'r Registry) -> Option<&'r MetaField> {
    root_field(document, registry, &document.root.name.node)
}

/// The root field with this name in the schema.
fn root_field<'r>(document: &Document<Checked>, registry: &'r Registry, name: &str) -> Option<&'r MetaField> {
    let ty = if document.is_mutation() { registry.mutation_type.as_deref()? } else { &registry.query_type };
    registry.types.get(ty)?.field_by_name(name)
}

/// Whether a change may demand a state of the record (`If-Unmodified-Since`).
fn is_conditional(document: &Document<Checked>, registry: &Registry) -> bool {
    first_root_field(document, registry).is_some_and(|field| field.args.contains_key(EXPECTED_UPDATED_AT))
}

/// Builds operations, and collects their components.
struct ContractBuilder<'a> {
    info: OpenApiInfo,
    registry: &'a Registry,
    examples: &'a Examples,
    /// The schemas, by name.
    schemas: BTreeMap<String, RefOr<Schema>>,
    /// What selections have beside fragments.
    extensions: answer::Extensions,
    /// For each schema that is the body of an answer, the operations that answer it.
    answers: BTreeMap<String, Vec<String>>,
    /// The parameters, by name.
    parameters: BTreeMap<String, Parameter>,
    /// Names of parameters that are alike in all operations that have them.
    common_parameters: BTreeSet<String>,
    /// The bodies of requests, by name.
    bodies: BTreeMap<String, RequestBody>,
}

impl<'a> ContractBuilder<'a> {
    fn new(info: OpenApiInfo, registry: &'a Registry, examples: &'a Examples) -> Self {
        Self {
            info,
            registry,
            examples,
            schemas: BTreeMap::new(),
            extensions: BTreeMap::new(),
            answers: BTreeMap::new(),
            parameters: BTreeMap::new(),
            common_parameters: BTreeSet::new(),
            bodies: BTreeMap::new(),
        }
    }

    fn operation(&mut self, document: &Document<Checked>, route: &Route) -> Operation {
        let limitation = if is_partial(document, route) { ", only what is sent" } else { "" };
        let summary = format!("{}{limitation}", document.summary);
        let body = self.request_body(document, route);
        let mut operation = OperationBuilder::new()
            .operation_id(Some(operation_id(document, route)))
            .tag(&document.tag)
            .summary(Some(summary))
            .description(Some(self.description(document, route)))
            .response(document.status.to_string(), self.success(document));
        for (status, response) in file::other_responses(document, route) {
            operation = operation.response(status.to_string(), response);
        }
        let conditional = is_conditional(document, self.registry);
        for status in error::statuses(document, body.is_some(), conditional) {
            operation = operation.response(status.to_string(), error::reference(status));
        }
        for parameter in self.parameters(document, route) {
            operation = operation.parameter_ref(parameter);
        }
        if route.older {
            operation = operation.deprecated(Some(Deprecated::True));
        }
        if document.is_keyless() {
            operation = operation.securities(Some([SecurityRequirement::default()]));
        }
        operation.request_body_ref(body).build()
    }

    /// The description of the root field, and the abilities that the operation needs and lends.
    fn description(&self, document: &Document<Checked>, route: &Route) -> String {
        let names = |abilities: &[Ability], separator: &str| {
            abilities.iter().map(|ability| format!("`{ability}`")).collect::<Vec<_>>().join(separator)
        };
        let description = first_root_field(document, self.registry).map(description_without_need);
        let description = description.unwrap_or_default();
        let needs = match document.needs() {
            [] if document.is_keyless() => "Needs no key.".to_owned(),
            [] => "Needs a valid key.".to_owned(),
            needs => format!("Needs {}.", names(needs, " or ")),
        };
        let lent = document.lends.iter().copied();
        let lent: Vec<Ability> = lent.filter(|ability| !document.needs().contains(ability)).collect();
        let lends = match lent.as_slice() {
            [] => String::new(),
            lent => format!(" Lends {}: what they open is shown within the answer.", names(lent, ", ")),
        };
        let successor = document.routes.first().filter(|_| route.older);
        let successor = successor.map_or_else(String::new, |route| {
            format!(" An older path of `{} {}{}`.", route.method, super::PREFIX, route.path)
        });
        format!("{description}\n\n{needs}{lends}{successor}").trim().to_owned()
    }

    /// The response with the declared status: a component, but for files.
    fn success(&mut self, document: &Document<Checked>) -> RefOr<Response> {
        if document.answer == Answer::File && !document.has_no_body() {
            return file::whole_file(document).into();
        }
        let name = if document.has_no_body() { NO_CONTENT.to_owned() } else { self.answer(document) };
        self.answers.entry(name.clone()).or_default().push(document.name.clone());
        Ref::from_response_name(name).into()
    }

    /// The response whose body is the component of this name. `operations` answer it.
    fn response(&self, name: &str, operations: &[String]) -> Response {
        if name == NO_CONTENT {
            return error::counted(ResponseBuilder::new().description("Done; no body.")).build();
        }
        let has_example = |operation: &&String| self.examples.contains_key(operation.as_str());
        let examples = || {
            operations.iter().filter(has_example).map(|operation| {
                let example = Ref::new(format!("#/components/examples/{operation}"));
                (operation.clone(), RefOr::<Example>::Ref(example))
            })
        };
        let content = || {
            let schema = Ref::from_schema_name(name);
            ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples()).build()
        };
        error::counted(ResponseBuilder::new().description("Done."))
            .content(JSON, content())
            .content(XML, content())
            .build()
    }

    fn components(mut self) -> Components {
        self.extend_fragments();
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
            "Authorization",
            self.info.key,
        )));
        let components = Components::builder().security_scheme(self.info.scheme, key);
        let components = error::components(components);
        let components = self.examples.iter().fold(components, |all, (name, body)| {
            let example = Example::builder().summary(self.info.examples).value(Some(body.clone())).build();
            all.example(name, example)
        });
        let answers = std::mem::take(&mut self.answers);
        let components = answers
            .iter()
            .fold(components, |all, (name, operations)| all.response(name, self.response(name, operations)));
        let components = self
            .parameters
            .into_iter()
            .fold(components, |all, (name, parameter)| all.parameter(name, parameter));
        let components =
            self.bodies.into_iter().fold(components, |all, (name, body)| all.request_body(name, body));
        self.schemas.into_iter().fold(components, |all, (name, schema)| all.schema(name, schema)).build()
    }
}
