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

use std::collections::BTreeMap;

use async_graphql::registry::{MetaField, MetaType, Registry};
use serde_json::{Map, Value as Json};
use utoipa::openapi::example::Example;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Deprecated, HttpMethod, Info, License, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, SecurityRequirement, Server, Tag,
};

use super::document::{Answer, Checked, Document, Route, capitalised};
use crate::Ability;
use crate::guard::description_without_need;

/// The argument of a change that demands a state of the record.
const EXPECTED_UPDATED_AT: &str = "expectedUpdatedAt";
const JSON: &str = "application/json";
const XML: &str = "application/xml";

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
    let mut builder = ContractBuilder { info, registry, examples, schemas: BTreeMap::new() };
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
    let general = Info::builder()
        .title(info.title)
        .version(info.version)
        .description(Some(info.description))
        .license(Some(license));
    OpenApiBuilder::new()
        .info(general)
        .servers(Some([Server::builder().url(super::PREFIX).description(Some("Endpoint")).build()]))
        .paths(paths)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], _>(info.scheme, [])]))
        .tags(Some(tags))
        .build()
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
    route.method == "PUT" && document.routes.iter().any(|other| other.method == "POST")
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

/// Builds operations, and collects the schemas of their components.
struct ContractBuilder<'a> {
    info: OpenApiInfo,
    registry: &'a Registry,
    examples: &'a Examples,
    /// The schemas of the components, by name.
    schemas: BTreeMap<String, RefOr<Schema>>,
}

impl ContractBuilder<'_> {
    fn operation(&mut self, document: &Document<Checked>, route: &Route) -> Operation {
        let index = document.routes.iter().position(|known| known == route).unwrap_or_default();
        let method = capitalised(&route.method.to_lowercase());
        let name = match (index, route.older) {
            (0, _) => document.name.clone(),
            (_, false) => format!("{}{method}", document.name),
            (index, true) => format!("{}{method}Older{index}", document.name),
        };
        let limitation = if is_partial(document, route) { ", only what is sent" } else { "" };
        let summary = format!("{}{limitation}", document.summary);
        let body = self.request_body(document, route);
        let mut operation = OperationBuilder::new()
            .operation_id(Some(name))
            .tag(&document.tag)
            .summary(Some(summary))
            .description(Some(self.description(document)))
            .response(document.status.to_string(), self.success(document));
        for (status, response) in file::other_responses(document, route) {
            operation = operation.response(status.to_string(), response);
        }
        let conditional = is_conditional(document, self.registry);
        for status in error::statuses(document, body.is_some(), conditional) {
            operation = operation.response(status.to_string(), error::reference(status));
        }
        for parameter in self.parameters(document, route) {
            operation = operation.parameter(parameter);
        }
        if route.older {
            operation = operation.deprecated(Some(Deprecated::True));
        }
        if document.is_keyless() {
            operation = operation.securities(Some([SecurityRequirement::default()]));
        }
        operation.request_body(body).build()
    }

    /// The description of the root field, and the abilities that the operation needs and lends.
    fn description(&self, document: &Document<Checked>) -> String {
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
        format!("{description}\n\n{needs}{lends}").trim().to_owned()
    }

    /// The response with the declared status.
    fn success(&mut self, document: &Document<Checked>) -> Response {
        if document.has_no_body() {
            return error::counted(ResponseBuilder::new().description("Done; no body.")).build();
        }
        if document.answer == Answer::File {
            return file::whole_file(document);
        }
        let schema = self.answer(document);
        let description = if document.status == 201 { "Made." } else { "Done." };
        let has_example = self.examples.contains_key(&document.name);
        let example = || {
            has_example.then(|| {
                ("demo", RefOr::<Example>::Ref(Ref::new(format!("#/components/examples/{}", document.name))))
            })
        };
        let content =
            |schema| ContentBuilder::new().schema(Some(schema)).examples_from_iter(example()).build();
        error::counted(ResponseBuilder::new().description(description))
            .content(JSON, content(schema.clone()))
            .content(XML, content(schema))
            .build()
    }

    fn components(self) -> Components {
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
        self.schemas.into_iter().fold(components, |all, (name, schema)| all.schema(name, schema)).build()
    }
}
