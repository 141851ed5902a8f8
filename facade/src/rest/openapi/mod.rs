//! The REST contract as OpenAPI 3.1, made from the documents and the schema they run on. It knows
//! no resource: names and shapes come from the operations, types and descriptions from the
//! registry, what inputs must be from the directives of their fields.

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

/// The argument of changes that demand a state of their record.
const EXPECTED: &str = "expectedUpdatedAt";
const JSON: &str = "application/json";
const XML: &str = "application/xml";

/// What a contract says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its title.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it is, in Markdown.
    pub description: &'static str,
    /// Name of the licence, by SPDX.
    pub license: &'static str,
    /// Name of the security scheme.
    pub scheme: &'static str,
    /// How a key is sent, in Markdown.
    pub key: &'static str,
    /// Where the examples of answers come from.
    pub examples: &'static str,
}

impl Default for About {
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

/// Bodies that operations answered, by operation.
pub type Examples = Map<String, Json>;

/// The OpenAPI document of these operations.
///
/// # Errors
/// When an operation names what the schema doesn't have: never for checked documents.
pub fn openapi(
    about: About,
    documents: &[Document<Checked>],
    registry: &Registry,
    examples: &Examples,
) -> Result<Json, serde_json::Error> {
    let mut maker = Maker { about, registry, examples, schemas: BTreeMap::new() };
    let mut paths: BTreeMap<&str, PathItem> = BTreeMap::new();
    for document in documents {
        for route in &document.routes {
            let item = PathItem::new(method(route), maker.operation(document, route));
            paths.entry(route.path.as_str()).or_default().merge_operations(item);
        }
    }
    let paths = paths.into_iter().fold(PathsBuilder::new(), |all, (path, item)| all.path(path, item)).build();
    let tags = tags(documents, registry);
    let mut json = serde_json::to_value(contract(about, maker.components(), paths, tags))?;
    xml::hint(&mut json);
    Ok(json)
}

fn contract(about: About, components: Components, paths: utoipa::openapi::Paths, tags: Vec<Tag>) -> OpenApi {
    let license = License::builder().name(about.license).identifier(Some(about.license)).build();
    let info = Info::builder()
        .title(about.title)
        .version(about.version)
        .description(Some(about.description))
        .license(Some(license));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::builder().url(super::PREFIX).description(Some("Endpoint")).build()]))
        .paths(paths)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], _>(about.scheme, [])]))
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

/// Whether a route leaves alone what is not sent: the softer of two ways to change something.
fn is_partial(document: &Document<Checked>, route: &Route) -> bool {
    route.method == "PUT" && document.routes.iter().any(|other| other.method == "POST")
}

/// Each tag is described by what its first operation answers.
fn tags(documents: &[Document<Checked>], registry: &Registry) -> Vec<Tag> {
    let mut tags: BTreeMap<&str, String> = BTreeMap::new();
    for document in documents {
        let about = tags.entry(&document.tag).or_default();
        if about.is_empty() {
            *about = answered(document, registry).unwrap_or_default();
        }
    }
    let described = |(name, about): (&str, String)| {
        let about = if about.is_empty() { name.to_owned() } else { about };
        Tag::builder().name(name).description(Some(about)).build()
    };
    tags.into_iter().map(described).collect()
}

/// Description of the type of an answer; of a page's rows.
fn answered(document: &Document<Checked>, registry: &Registry) -> Option<String> {
    let mut ty = registry.concrete_type_by_name(&root(document, registry)?.ty)?;
    if document.answer.is_page() {
        ty = registry.concrete_type_by_name(&ty.field_by_name("nodes")?.ty)?;
    }
    match ty {
        MetaType::Object { description, .. } => description.clone(),
        _ => None,
    }
}

/// The root field of an operation.
fn root<'r>(document: &Document<Checked>, registry: &'r Registry) -> Option<&'r MetaField> {
    root_named(document, registry, &document.root.name.node)
}

/// One of the root fields of an operation.
fn root_named<'r>(document: &Document<Checked>, registry: &'r Registry, name: &str) -> Option<&'r MetaField> {
    let ty = if document.is_mutation() { registry.mutation_type.as_deref()? } else { &registry.query_type };
    registry.types.get(ty)?.field_by_name(name)
}

/// Whether an operation may demand a state of the record that it changes.
fn is_conditional(document: &Document<Checked>, registry: &Registry) -> bool {
    root(document, registry).is_some_and(|root| root.args.contains_key(EXPECTED))
}

/// What is collected while the operations are told.
struct Maker<'a> {
    about: About,
    registry: &'a Registry,
    examples: &'a Examples,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

impl Maker<'_> {
    fn operation(&mut self, document: &Document<Checked>, route: &Route) -> Operation {
        let at = document.routes.iter().position(|known| known == route).unwrap_or_default();
        let method = capitalised(&route.method.to_lowercase());
        let name = match (at, route.older) {
            (0, _) => document.name.clone(),
            (_, false) => format!("{}{method}", document.name),
            (at, true) => format!("{}{method}Older{at}", document.name),
        };
        let partly = if is_partial(document, route) { ", only what is sent" } else { "" };
        let summary = format!("{}{partly}", document.summary);
        let body = self.request_body(document, route);
        let mut operation = OperationBuilder::new()
            .operation_id(Some(name))
            .tag(&document.tag)
            .summary(Some(summary))
            .description(Some(self.description(document)))
            .response(document.status.to_string(), self.success(document));
        for (status, response) in file::others(document, route) {
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

    /// What the operation does, and which ability it takes.
    fn description(&self, document: &Document<Checked>) -> String {
        let names = |abilities: &[Ability], joint: &str| {
            abilities.iter().map(|ability| format!("`{ability}`")).collect::<Vec<_>>().join(joint)
        };
        let about = root(document, self.registry).map(description_without_need).unwrap_or_default();
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
        format!("{about}\n\n{needs}{lends}").trim().to_owned()
    }

    fn success(&mut self, document: &Document<Checked>) -> Response {
        if document.has_no_body() {
            return error::counted(ResponseBuilder::new().description("Done; no body.")).build();
        }
        if document.answer == Answer::File {
            return file::whole(document);
        }
        let schema = self.answer(document);
        let about = if document.status == 201 { "Made." } else { "Done." };
        let known = self.examples.contains_key(&document.name);
        let example = || {
            known.then(|| {
                ("demo", RefOr::<Example>::Ref(Ref::new(format!("#/components/examples/{}", document.name))))
            })
        };
        let content =
            |schema| ContentBuilder::new().schema(Some(schema)).examples_from_iter(example()).build();
        error::counted(ResponseBuilder::new().description(about))
            .content(JSON, content(schema.clone()))
            .content(XML, content(schema))
            .build()
    }

    fn components(self) -> Components {
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
            "Authorization",
            self.about.key,
        )));
        let components = Components::builder().security_scheme(self.about.scheme, key);
        let components = error::components(components);
        let components = self.examples.iter().fold(components, |all, (name, body)| {
            let example = Example::builder().summary(self.about.examples).value(Some(body.clone())).build();
            all.example(name, example)
        });
        self.schemas.into_iter().fold(components, |all, (name, schema)| all.schema(name, schema)).build()
    }
}
