//! Recorded answers and our own are validated against the schemas of `openapi.json`, and every operation that is served
//! is in it.
//!
//! The schemas are applied strictly: a key that they do not name is a failure too.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use facade::engine::Introspection;
use guichet::server::schema;
use jsonschema::Validator;
use serde_json::{Map, Value as Json, json};

use crate::golden::deviation::Allowed;
use crate::golden::{Exchange, exchanges};
use crate::harness::compare::HIDDEN;
use crate::harness::shop::Shop;
use crate::harness::wire::Request;

const JSON: &str = "application/json";
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

static CONTRACT: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../openapi.json")).unwrap());

/// The components, each as strict as its position allows.
static COMPONENTS: LazyLock<Json> = LazyLock::new(|| {
    let mut components = CONTRACT["components"].clone();
    for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
        strict(schema, true);
    }
    components
});

static PATHS: LazyLock<matchit::Router<String>> = LazyLock::new(|| {
    let mut paths = matchit::Router::new();
    for path in CONTRACT["paths"].as_object().unwrap().keys() {
        paths.insert(path.clone(), path.clone()).unwrap();
    }
    paths
});

/// Compiled schemas by their position in the document.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The violation of the contract by an answer, if there is one; nothing if the contract has no such operation.
pub(crate) fn contradiction(method: &str, path: &str, status: u16, body: &Json) -> Option<String> {
    let (template, operation) = operation(method, path)?;
    let Some(response) = operation["responses"].get(status.to_string()) else {
        return Some(format!("{method} {template} is not said to answer {status}"));
    };
    let (place, schema) = schema_of(&format!("{method} {template} {status}"), response)?;
    let error = validator(&place, schema).iter_errors(body).next()?.to_string();
    Some(format!("{place}: {error}"))
}

/// The path of an operation in the contract, and the operation.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Json)> {
    let path = path.split(['?', '#']).next().unwrap().strip_prefix("/api")?;
    let template = PATHS.at(path).ok()?.value;
    Some((template, CONTRACT["paths"][template].get(method.to_lowercase())?))
}

/// The name of the schema component that an operation answers with a status.
pub(crate) fn answered_component(method: &str, path: &str, status: u16) -> Option<&'static str> {
    let response = operation(method, path)?.1["responses"].get(status.to_string())?;
    component(resolved(response), "application/xml")
}

/// The name of the schema component that an operation reads as its body, if the body is as the contract says.
pub(crate) fn read_component(method: &str, path: &str, body: &Json) -> Option<&'static str> {
    let name = component(resolved(operation(method, path)?.1.get("requestBody")?), JSON)?;
    let schema = json!({"$ref": format!("#/components/schemas/{name}")});
    validator(&format!("body {name}"), schema).is_valid(body).then_some(name)
}

/// The examples of answers, each with the name of its schema component.
pub(crate) fn examples() -> impl Iterator<Item = (Option<&'static str>, &'static Json)> {
    let responses = CONTRACT["components"]["responses"].as_object().unwrap().values();
    responses.flat_map(|response| {
        let examples = response["content"]["application/xml"]["examples"].as_object().into_iter();
        examples
            .flat_map(|examples| examples.values())
            .map(move |example| (component(response, "application/xml"), &resolved(example)["value"]))
    })
}

fn component(with_content: &'static Json, kind: &str) -> Option<&'static str> {
    with_content["content"][kind]["schema"]["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// What a reference leads to, or the value itself.
fn resolved(value: &'static Json) -> &'static Json {
    let reference = value.get("$ref").and_then(Json::as_str);
    reference.map_or(value, |reference| CONTRACT.pointer(reference.trim_start_matches('#')).unwrap())
}

/// The JSON schema of a response, and a name for it.
fn schema_of(place: &str, response: &'static Json) -> Option<(String, Json)> {
    let place = response.get("$ref").and_then(Json::as_str).unwrap_or(place);
    Some((place.to_owned(), resolved(response)["content"].get(JSON)?["schema"].clone()))
}

fn validator(place: &str, mut schema: Json) -> Arc<Validator> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let compile = || {
        strict(&mut schema, false);
        let whole = json!({"allOf": [schema], "components": *COMPONENTS});
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        Arc::new(options.build(&whole).unwrap_or_else(|error| panic!("{place}: {error}")))
    };
    Arc::clone(compiled.entry(place.to_owned()).or_insert_with(compile))
}

/// Forbids keys that a schema does not name. For a part of another schema, the whole schema forbids them.
fn strict(schema: &mut Json, part: bool) {
    let Json::Object(fields) = schema else { return };
    let children = |fields: &mut Map<String, Json>, key: &str, part: bool| match fields.get_mut(key) {
        Some(Json::Array(schemas)) => schemas.iter_mut().for_each(|schema| strict(schema, part)),
        Some(schema) if key == "items" => strict(schema, part),
        Some(Json::Object(schemas)) => schemas.values_mut().for_each(|schema| strict(schema, part)),
        _ => {}
    };
    children(fields, "allOf", true);
    children(fields, "anyOf", part);
    children(fields, "properties", false);
    children(fields, "items", false);
    let has_keys = ["allOf", "properties", "$ref"].iter().any(|key| fields.contains_key(*key));
    if has_keys && !part && !fields.contains_key("additionalProperties") {
        fields.insert("unevaluatedProperties".to_owned(), Json::Bool(false));
    }
}

/// Whether a recording can be validated against the contract: our answers to writes have more keys than the recorded
/// ones, and a recording with a declared deviation does not follow our contract.
fn is_ours(exchange: &Exchange) -> bool {
    let writes = exchange.request.method != "GET" && exchange.response.status < 300;
    let allowed = Allowed::at(&exchange.scenario, exchange.step);
    !writes && allowed.status.is_none() && !allowed.covers("body", false)
}

/// Removes the secrets that the original reveals and guichet does not.
fn without_secrets(body: &mut Json) {
    match body {
        Json::Object(fields) => {
            fields.retain(|key, _| !HIDDEN.contains(&key.as_str()));
            fields.values_mut().for_each(without_secrets);
        }
        Json::Array(items) => items.iter_mut().for_each(without_secrets),
        _ => {}
    }
}

#[test]
fn recorded_answers_are_as_the_contract_says() {
    let mut wrong = BTreeSet::new();
    let mut held = 0;
    for exchange in exchanges().filter(|exchange| is_ours(exchange)) {
        let Some(mut body) = exchange.response.json.clone() else { continue };
        without_secrets(&mut body);
        let request = &exchange.request;
        held += 1;
        let found = contradiction(&request.method, &request.path, exchange.response.status, &body);
        wrong.extend(found.map(|found| format!("{}/{}: {found:.400}", exchange.scenario, exchange.step)));
    }
    assert!(held > 100, "only {held} recordings were held against the contract");
    let shown: Vec<String> = wrong.iter().take(12).cloned().collect();
    assert!(wrong.is_empty(), "{} of {held}:\n{}", wrong.len(), shown.join("\n"));
}

#[test]
fn every_operation_is_in_the_contract() {
    let documents = guichet::server::contracts::documents(&schema::internal_registry()).unwrap();
    let served: BTreeSet<String> = documents
        .iter()
        .flat_map(|document| &document.routes)
        .map(|route| format!("{} {}", route.method.to_lowercase(), route.path))
        .collect();
    let reported = CONTRACT["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        METHODS
            .iter()
            .filter(|method| item.get(**method).is_some())
            .map(move |method| format!("{method} {path}"))
    });
    assert_eq!(reported.collect::<BTreeSet<_>>(), served);
}

/// A number in the body of an operation.
struct BodyNumber {
    method: String,
    path: String,
    name: &'static str,
    schema: &'static Json,
    /// A body as it should be.
    body: Json,
}

/// All numbers in bodies of operations.
fn body_numbers() -> Vec<BodyNumber> {
    let mut numbers = Vec::new();
    for (path, item) in CONTRACT["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(body) = item.get(method).and_then(|operation| operation.get("requestBody")) else {
                continue;
            };
            let content = &resolved(body)["content"][JSON];
            let schema = resolved(&content["schema"]);
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                if ["integer", "number"].iter().any(|&kind| is_of_type(field, kind)) {
                    let path = path.replace("{id}", "1").replace("{action}", "suspend");
                    numbers.push(BodyNumber {
                        method: method.to_uppercase(),
                        path: format!("/api{path}"),
                        name,
                        schema: field,
                        body: content["example"].clone(),
                    });
                }
            }
        }
    }
    numbers
}

fn is_of_type(schema: &Json, kind: &str) -> bool {
    schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&kind.into()))
}

/// A number and the next one, below or above it.
fn beyond(limit: &Json, step: i8) -> Json {
    match limit.as_i64() {
        Some(limit) => serde_json::from_str(&(i128::from(limit) + i128::from(step)).to_string()).unwrap(),
        None => json!(limit.as_f64().unwrap() + f64::from(step)),
    }
}

/// The limits that the document names are those of the server: what is beyond is refused, and never a defect.
#[tokio::test]
async fn numbers_beyond_their_limits_are_refused() {
    let shop = Shop::with("en", |config| (config.rate_limit, config.cost_limit) = (None, None)).await;
    let numbers = body_numbers();
    assert!(numbers.len() > 50, "only {}", numbers.len());
    for BodyNumber { method, path, name, schema, body: example } in numbers {
        // An older name of `related_id`, which wins over it and names it in messages.
        if name == "product_id" {
            continue;
        }
        let send = async |value: Json| {
            let mut body = example.clone();
            body[name] = value;
            let (status, _, answer) = shop.ask(&method, &path, "all", Some(&body)).await;
            // The test of a server names no field where its key names no server.
            let is_refused = answer["errors"].get(name).is_some() || answer["success"] == false;
            (status, is_refused, format!("{method} {path} {body}: {status} {answer}"))
        };
        for (limit, step) in [("minimum", -1), ("maximum", 1)] {
            let last = &schema[limit];
            assert!(last.is_number(), "{method} {path}: {name} has no {limit}");
            let (status, is_refused, told) = send(beyond(last, step)).await;
            assert_eq!((status, is_refused), (422, true), "{told}");
            // A key within the limits may still name no record.
            let is_key = schema["maximum"] == i64::MAX;
            let (status, is_refused, told) = send(last.clone()).await;
            assert!(status < 500 && (is_key || !is_refused), "{told}");
        }
    }
    shop.close().await;
}

/// A parameter that is the same in all operations is written once.
#[test]
fn parameters_that_are_alike_are_one() {
    let mut known: HashMap<&str, Vec<(&String, &Json)>> = HashMap::new();
    for (component, parameter) in CONTRACT["components"]["parameters"].as_object().unwrap() {
        known.entry(parameter["name"].as_str().unwrap()).or_default().push((component, parameter));
    }
    let are_alike = |all: &[(&String, &Json)]| all.iter().all(|(_, parameter)| *parameter == all[0].1);
    let repeated: Vec<_> = known.values().filter(|all| all.len() > 1 && are_alike(all)).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
}

#[tokio::test]
async fn the_document_is_served_for_the_address_that_was_asked() {
    let shop = Shop::golden("en").await;
    let (status, headers, plain) = shop.get("/docs/api-docs.json", "").await;
    let (_, _, asked) = shop.get("/docs/api-docs.json?api-docs.json", "").await;
    let (page, _, _) = shop.get("/api/documentation", "").await;
    assert_eq!((status, page), (200, 200));
    assert!(headers.contains(&("content-type".to_owned(), "application/json".to_owned())));
    assert_eq!(plain["servers"], json!([{"url": format!("{}/api", shop.base()), "description": "Endpoint"}]));
    assert_eq!(plain, asked);
    let mut plain = plain;
    plain["servers"] = CONTRACT["servers"].clone();
    assert_eq!(plain, *CONTRACT);
    shop.close().await;
}

#[tokio::test]
async fn contracts_are_served_and_kept_by_their_tag() {
    let shop = Shop::golden("en").await;
    let (_, _, document) = shop.get("/docs/openapi.json", "").await;
    assert_eq!(document["servers"][0]["url"], format!("{}/api", shop.base()));
    assert_eq!(document["paths"], CONTRACT["paths"]);
    for (path, kind) in [
        ("/docs/openapi.json", "application/json"),
        ("/docs/openapi.yaml", "application/yaml"),
        ("/docs/api.xsd", "application/xml; charset=utf-8"),
        ("/docs/api.xsd?root=PageLink", "application/xml; charset=utf-8"),
        ("/graphql/schema.graphql", "text/plain; charset=utf-8"),
    ] {
        let ask = |headers| Request {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers,
            ..Request::default()
        };
        let answer = shop.send(&ask(Vec::new())).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        let tag = answer.header("etag").unwrap().to_owned();
        let again = shop.send(&ask(vec![("If-None-Match".to_owned(), tag)])).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    shop.close().await;
}

/// A cache renews what it holds by the headers of 304: they are those of the answer that it stands for (RFC 9110, 15.4.5).
#[tokio::test]
async fn what_has_not_changed_has_the_headers_of_the_whole_answer() {
    let shop = Shop::golden("en").await;
    for path in ["/docs/openapi.json", "/docs/openapi.yaml", "/docs/api.xsd", "/graphql/schema.graphql"] {
        for encoding in ["", "gzip", "br", "zstd", "identity", "unknown"] {
            let ask = async |tag: Option<&str>| {
                let accepted = (!encoding.is_empty()).then_some(("Accept-Encoding", encoding));
                let headers = accepted.into_iter().chain(tag.map(|tag| ("If-None-Match", tag)));
                let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let (method, path) = ("GET".to_owned(), path.to_owned());
                shop.send(&Request { method, path, headers, ..Request::default() }).await
            };
            let whole = ask(None).await;
            let tag = whole.header("etag").unwrap();
            let again = ask(Some(tag)).await;
            assert_eq!((whole.status, again.status, again.body.len()), (200, 304, 0), "{path} {encoding}");
            for name in ["etag", "vary", "cache-control", "content-location", "expires", "date"] {
                let (whole, again) = (whole.header(name), again.header(name));
                let is_same = whole == again || name == "date";
                assert!(is_same, "{path} {encoding}, {name}: {again:?} instead of {whole:?}");
            }
            assert_eq!(again.header("content-encoding"), None, "{path} {encoding}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn the_root_of_the_xml_schema_is_the_component_that_was_asked_for() {
    let shop = Shop::golden("en").await;
    let ask = async |query: &str| {
        let path = format!("/docs/api.xsd{query}");
        shop.send(&Request { method: "GET".to_owned(), path, ..Request::default() }).await
    };
    let loose = ask("").await.text();
    let root = |ty: &str| format!("<xs:element name=\"response\" type=\"{ty}\"/>");
    assert!(loose.contains(&root("Anything")), "{loose:.400}");
    let strict = ask("?root=PageLink").await.text();
    assert_eq!(strict, loose.replace(&root("Anything"), &root("PageLink")));
    let names = CONTRACT["components"]["schemas"].as_object().unwrap().keys();
    let missing: Vec<_> = names.filter(|name| !loose.contains(&format!("Type name=\"{name}\""))).collect();
    assert!(missing.is_empty(), "no types: {missing:?}");
    let unknown = ask("?root=PageLnik").await;
    let message = unknown.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(unknown.status, 404);
    assert!(message.contains("Did you mean \"PageLink\""), "{message}");
    shop.close().await;
}

/// What introspection does not tell, the file does not either.
#[tokio::test]
async fn the_schema_is_not_served_where_introspection_is_closed() {
    let shop = Shop::with("en", |config| config.introspection = Introspection::Key).await;
    assert_eq!(shop.get("/graphql/schema.graphql", "").await.0, 404);
    shop.close().await;
}
