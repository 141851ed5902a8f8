//! Every REST operation and every GraphQL root field is closed to callers without its ability:
//! walked from the documents and the schema themselves, so that a new one cannot be forgotten.

use std::collections::{HashMap, VecDeque};

use async_graphql::registry::{MetaType, Registry};
use guichet::auth::{Ability, Can, Public};
use guichet::rest::{self, Document};
use guichet::{key, resource, schema};
use serde_json::{Value as Json, json};

use crate::shop::Shop;

/// Adds a key with these abilities to the shop, a customer's for what only customers may do, else one
/// of the staff; its bearer text.
pub(crate) async fn add_key(shop: &Shop, name: &str, needs: &[Ability], abilities: &[Ability]) -> String {
    let owner =
        if needs.iter().any(|need| need.is_of_customers()) { "Account/Customer" } else { "Admin/Admin" };
    let backslash = if shop.is_mysql() { "\\\\" } else { "\\" };
    let names: Vec<&str> = abilities.iter().map(|ability| ability.name()).collect();
    let secret = format!("secret of {name}");
    shop.sql(&format!(
        "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities, created_at) \
         VALUES ('{}', 1, '{name}', '{}', '{}', '2026-11-20 10:00:00')",
        format!("App/Models/{owner}").replace('/', backslash),
        key::hash(&secret),
        json!(names)
    ))
    .await;
    secret
}

fn documents() -> Vec<Document<rest::Checked>> {
    rest::check(rest::read(resource::DOCUMENTS).unwrap(), &schema::registry()).unwrap()
}

/// All abilities but these.
pub(crate) fn others(needs: &[Ability]) -> Vec<Ability> {
    Ability::ALL.iter().copied().filter(|ability| !needs.contains(ability)).collect()
}

#[tokio::test]
async fn every_rest_operation_needs_its_ability() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    let mut tried = 0;
    for document in documents() {
        let lacking = add_key(
            &shop,
            &format!("{} lacking", document.name),
            document.needs(),
            &others(document.needs()),
        )
        .await;
        for route in &document.routes {
            let path = format!("/api{}", filled(&route.path));
            let label = format!("{} {path} ({})", route.method, document.name);
            let body = (route.method != "GET").then(|| json!({}));
            assert_eq!(
                shop.ask(route.method, &path, "", body.as_ref()).await.0,
                401,
                "{label} without a key"
            );
            if !document.needs().is_empty() {
                let refused = shop.ask(route.method, &path, &lacking, body.as_ref()).await;
                assert_eq!(refused.0, 403, "{label} without its ability");
                assert_eq!(refused.2, json!({"message": "Invalid ability provided."}), "{label}");
            }
            for (at, need) in document.needs().iter().enumerate() {
                let name = format!("{} {} {at}", document.name, route.method);
                let allowed = add_key(&shop, &name, &[*need], &[*need]).await;
                let status = shop.ask(route.method, &path, &allowed, body.as_ref()).await.0;
                assert!(![401, 403, 405, 500].contains(&status), "{label} with {need}: {status}");
                tried += 1;
            }
        }
    }
    println!("{tried} operations and abilities tried");
    shop.close().await;
}

/// A path whose parameters name the first record.
fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/")
}

/// What needs no key: each one is weighed before it stands here.
const PUBLIC: [&str; 3] = ["Mutation.sessionCreate", "Mutation.sessionRefresh", "Mutation.sessionRevoke"];

#[test]
fn what_needs_no_key_is_known() {
    let registry = schema::registry();
    let fields = ["Query", "Mutation"].map(|root| registry.types[root].fields().unwrap().values());
    let fields = ["Query", "Mutation"].into_iter().zip(fields);
    let open =
        fields.flat_map(|(root, fields)| fields.map(move |field| (format!("{root}.{}", field.name), field)));
    let open: Vec<_> = open.filter(|(_, field)| Public::marks(field)).collect();
    assert!(open.iter().all(|(_, field)| Can::read(field).is_none()));
    assert_eq!(open.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), PUBLIC);
}

#[tokio::test]
async fn every_root_field_needs_its_ability() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    let registry = schema::registry();
    let mut tried = 0;
    for (operation, root) in [("query", "Query"), ("mutation", "Mutation")] {
        for (name, field) in
            registry.types[root].fields().unwrap().iter().filter(|(_, field)| !Public::marks(field))
        {
            let needs = Can::read(field).unwrap_or_else(|| panic!("{root}.{name} has no guard"));
            let query = format!(
                "{operation} {{ {name}{}{} }}",
                arguments(&registry, field),
                selection(&registry, &field.ty)
            );
            let label = format!("{root}.{name}");
            assert_eq!(code(&shop, &query, "").await, "UNAUTHENTICATED", "{label} without a key: {query}");
            let lacking = add_key(&shop, &format!("{label} lacking"), &needs, &others(&needs)).await;
            if !needs.is_empty() {
                assert_eq!(code(&shop, &query, &lacking).await, "FORBIDDEN", "{label} without its ability");
            }
            for need in &needs {
                let allowed = add_key(&shop, &format!("{label} {need}"), &[*need], &[*need]).await;
                let code = code(&shop, &query, &allowed).await;
                assert!(
                    !["UNAUTHENTICATED", "FORBIDDEN", "INTERNAL"].contains(&code.as_str()),
                    "{label} with {need}: {code}"
                );
                tried += 1;
            }
        }
    }
    println!("{tried} fields and abilities tried");
    shop.close().await;
}

/// A way to read objects of a type: the fields that lead to it, and what each of them needs.
struct Way {
    fields: Vec<String>,
    needs: Vec<Ability>,
}

impl Way {
    fn query(&self, selection: &str) -> String {
        let open: String = self.fields.iter().map(|field| format!("{field} {{ ")).collect();
        format!("{{ {open}{selection}{} }}", " }".repeat(self.fields.len()))
    }
}

/// The shortest way to every type that can be read.
fn ways(registry: &Registry) -> HashMap<String, Way> {
    let mut ways = HashMap::from([("Query".to_owned(), Way { fields: Vec::new(), needs: Vec::new() })]);
    let mut open = VecDeque::from(["Query".to_owned()]);
    while let Some(name) = open.pop_front() {
        for (field, meta) in registry.types[&name].fields().into_iter().flatten() {
            let Some(ty) = registry.concrete_type_by_name(&meta.ty).filter(|ty| ty.is_composite()) else {
                continue;
            };
            if ways.contains_key(ty.name()) {
                continue;
            }
            let way = &ways[&name];
            let field = format!("{field}{}", arguments(registry, meta));
            let fields = way.fields.iter().cloned().chain([field]).collect();
            let need = Can::read(meta).and_then(|needs| needs.first().copied());
            let needs = way.needs.iter().copied().chain(need).collect();
            ways.insert(ty.name().to_owned(), Way { fields, needs });
            open.push_back(ty.name().to_owned());
        }
    }
    ways
}

#[tokio::test]
async fn every_field_that_hangs_on_a_record_needs_its_ability() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    shop.sql(
        "INSERT INTO upgrades (service_id, customer_id, old_product_id, new_product_id) VALUES (1, 6, 1, 2)",
    )
    .await;
    let registry = schema::registry();
    let ways = ways(&registry);
    let mut tried = 0;
    for (ty, meta) in
        registry.types.iter().filter(|(name, _)| !["Query", "Mutation"].contains(&name.as_str()))
    {
        for (name, field) in meta.fields().into_iter().flatten() {
            let Some(needs) = Can::read(field).filter(|needs| !needs.is_empty()) else { continue };
            let way = ways.get(ty).unwrap_or_else(|| panic!("{ty} cannot be read"));
            let asked = format!("{name}{}{}", arguments(&registry, field), selection(&registry, &field.ty));
            let query = way.query(&asked);
            let label = format!("{ty}.{name}");
            let lacking: Vec<Ability> =
                way.needs.iter().copied().filter(|ability| !needs.contains(ability)).collect();
            if lacking.len() == way.needs.len() {
                let key = add_key(&shop, &format!("{label} lacking"), &way.needs, &lacking).await;
                let answer = shop.graphql(&query, json!({}), &key).await;
                let code = &answer["errors"][0]["extensions"]["code"];
                assert_eq!(code, "FORBIDDEN", "{label} without its ability: {query} {answer}");
                assert!(!is_told(&answer["data"], name), "{query} leaks {answer}");
            }
            let abilities: Vec<Ability> = way.needs.iter().copied().chain([needs[0]]).collect();
            let key = add_key(&shop, &format!("{label} allowed"), &way.needs, &abilities).await;
            assert_eq!(code(&shop, &query, &key).await, "", "{label} with its ability: {query}");
            tried += 1;
        }
    }
    println!("{tried} fields of records tried");
    assert!(tried > 40, "{tried}");
    shop.close().await;
}

/// Whether a field of that name has a value anywhere.
fn is_told(data: &Json, name: &str) -> bool {
    match data {
        Json::Object(fields) => {
            fields.iter().any(|(key, value)| key == name && !value.is_null() || is_told(value, name))
        }
        Json::Array(items) => items.iter().any(|item| is_told(item, name)),
        _ => false,
    }
}

/// Code of the first error, or nothing; without a right there must be no data.
async fn code(shop: &Shop, query: &str, key: &str) -> String {
    let answer = shop.graphql(query, json!({}), key).await;
    let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("").to_owned();
    if ["UNAUTHENTICATED", "FORBIDDEN"].contains(&code.as_str()) {
        let empty = answer["data"].as_object().is_none_or(|data| data.values().all(Json::is_null));
        assert!(empty, "{query} leaks {answer}");
    }
    code
}

pub(crate) fn arguments(registry: &Registry, field: &async_graphql::registry::MetaField) -> String {
    let required =
        field.args.values().filter(|argument| argument.ty.ends_with('!') && argument.default_value.is_none());
    let given: Vec<String> =
        required.map(|argument| format!("{}: {}", argument.name, literal(registry, &argument.ty))).collect();
    if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
}

/// Some value of an input type.
fn literal(registry: &Registry, ty: &str) -> String {
    let ty = ty.trim_end_matches('!');
    if ty.starts_with('[') {
        return "[]".to_owned();
    }
    match (ty, registry.types.get(ty)) {
        ("Int", _) => "1".to_owned(),
        ("Float" | "Decimal", _) => "1.0".to_owned(),
        ("Boolean", _) => "false".to_owned(),
        ("JSON", _) => "{}".to_owned(),
        (_, Some(MetaType::Enum { enum_values, .. })) => enum_values.keys().next().unwrap().clone(),
        (_, Some(MetaType::InputObject { input_fields, .. })) => {
            let required = input_fields
                .values()
                .filter(|field| field.ty.ends_with('!') && field.default_value.is_none());
            let fields: Vec<String> =
                required.map(|field| format!("{}: {}", field.name, literal(registry, &field.ty))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        _ => "\"1\"".to_owned(),
    }
}

pub(crate) fn selection(registry: &Registry, ty: &str) -> &'static str {
    let composite = registry.concrete_type_by_name(ty).is_some_and(MetaType::is_composite);
    if composite { " { __typename }" } else { "" }
}
