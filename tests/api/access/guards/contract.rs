//! What the schema and the contract files say of the guards, without asking the server.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{ConstDirective, TypeKind, TypeSystemDefinition};
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Positioned, Value};
use facade::Ability;
use facade::guard::Public;
use guichet::server::schema;
use serde_json::json;

use crate::harness::shop::Shop;
use crate::harness::store::DATA;
use crate::harness::walk::{Ways, ability, composite, fields, input_needs, needs_of};

/// What needs no key: each one is weighed before it stands here.
const PUBLIC: [&str; 3] = ["Mutation.sessionCreate", "Mutation.sessionRefresh", "Mutation.sessionRevoke"];

#[test]
fn what_needs_no_key_is_known() {
    let registry = schema::registry();
    let open = ["Query", "Mutation"].into_iter().flat_map(|root| {
        fields(&registry, root)
            .filter(|field| Public::marks(field))
            .map(move |field| format!("{root}.{}", field.name))
    });
    assert_eq!(open.collect::<Vec<_>>(), PUBLIC);
}

/// A misspelt permission would grant nothing to any role, and no guard would notice.
#[test]
fn permissions_of_roles_are_those_of_the_shop() {
    let recorded: BTreeSet<&str> =
        DATA["permissions"].rows.iter().filter_map(|row| row[1].as_str()).collect();
    for declared in guichet::resource::abilities().declared() {
        for permission in declared.permissions {
            // A department makes one of its own (`tests/api/resource/departments.rs`).
            let is_of_departments = *permission == "admin.manage_tickets_department.*";
            let is_known = is_of_departments || recorded.contains(permission);
            assert!(is_known, "`{}` names `{permission}`", declared.ability);
        }
    }
}

/// What each type of rows needs where it is read at the root.
fn readable(registry: &Registry) -> BTreeMap<&str, BTreeSet<Ability>> {
    let mut needs: BTreeMap<&str, BTreeSet<Ability>> = BTreeMap::new();
    for field in fields(registry, "Query") {
        let Some(row) = row(registry, &field.ty) else { continue };
        needs.entry(row).or_default().extend(needs_of(field).into_iter().flatten());
    }
    needs
}

/// Name of the object type that a field shows, in a connection or not.
fn row<'r>(registry: &'r Registry, ty: &str) -> Option<&'r str> {
    let ty = composite(registry, ty)?;
    let nodes = fields(registry, ty).find(|field| field.name == "nodes");
    nodes.and_then(|nodes| composite(registry, &nodes.ty)).or(Some(ty))
}

/// A field that leads to the rows of another resource says what it needs; or the way to it already
/// needs no less than reading these rows does.
#[test]
fn every_relation_to_another_resource_has_a_guard() {
    let registry = schema::registry();
    let (ways, readable) = (Ways::new(&registry), readable(&registry));
    let mut guarded = 0;
    for ty in
        registry.types.keys().filter(|ty| !["Query", "Mutation"].contains(&ty.as_str()) && ways.reach(ty))
    {
        for field in fields(&registry, ty) {
            let row = row(&registry, &field.ty).filter(|row| row != ty);
            let Some(needs) = row.and_then(|row| readable.get(row)) else { continue };
            guarded += usize::from(needs_of(field).is_some());
            let way = ways.needs(ty).pop().unwrap_or_default();
            let as_much = !way.is_empty() && way.iter().all(|ability| needs.contains(ability));
            assert!(
                needs_of(field).is_some() || as_much,
                "{ty}.{} shows another resource to everybody",
                field.name
            );
        }
    }
    assert!(guarded > 8, "{guarded}");
}

/// The number of related rows, and whether there are any, need what the rows do.
#[test]
fn counts_need_what_is_counted() {
    let registry = schema::internal_registry();
    let mut counts = 0;
    for ty in registry.types.keys() {
        for field in fields(&registry, ty) {
            for end in ["Count", "Exists"] {
                let name = format!("{}{end}", field.name);
                let Some(count) = fields(&registry, ty).find(|field| field.name == name) else { continue };
                assert_eq!(needs_of(count), needs_of(field), "{ty}.{name}");
                counts += 1;
            }
        }
    }
    assert!(counts > 40, "{counts}");
}

/// An operation of the REST face with what it may include, and what that needs.
pub(super) struct Inclusion {
    pub(super) address: String,
    pub(super) needs: Vec<Ability>,
    pub(super) lends: Vec<Ability>,
    pub(super) includes: Vec<(String, Vec<Ability>)>,
}

/// The lists that can include relations.
pub(super) fn inclusions(registry: &Registry) -> Vec<Inclusion> {
    let documents = guichet::server::contracts::documents(registry).unwrap();
    let including = documents.iter().filter(|document| !document.includes.is_empty());
    let all = including.map(|document| {
        let root =
            fields(registry, "Query").find(|field| field.name == document.root.name.node.as_str()).unwrap();
        let connection = composite(registry, &root.ty).unwrap();
        let nodes = fields(registry, connection).find(|field| field.name == "nodes").unwrap();
        let row = composite(registry, &nodes.ty).unwrap();
        let includes = document.includes.iter().flat_map(|relation| {
            let relation = camel(relation);
            let field = fields(registry, row).find(|field| field.name == relation);
            let needs = field.and_then(needs_of).unwrap_or_default();
            ["", "Count", "Exists"].map(|form| (format!("{relation}{form}"), needs.clone()))
        });
        let address = format!("/api{}", document.routes[0].path.replace("{id}", "1"));
        let lends = document.lends.iter().copied();
        Inclusion {
            address,
            needs: document.needs().to_vec(),
            lends: lends.collect(),
            includes: includes.collect(),
        }
    });
    all.collect()
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + &part[..1].to_uppercase() + &part[1..])
}

/// `Needs …` as descriptions end.
fn in_words(needs: Option<&[Ability]>, public: bool) -> Option<String> {
    let need = match needs {
        None if public => "no key".to_owned(),
        None => return None,
        Some([]) => "a valid key".to_owned(),
        Some(any) => any.iter().map(|ability| format!("`{ability}`")).collect::<Vec<_>>().join(" or "),
    };
    Some(format!("Needs {need}."))
}

/// Every guarded field, `Type.field`, with its need in words.
fn described(registry: &Registry) -> BTreeMap<String, String> {
    let mut described = BTreeMap::new();
    for (ty, meta) in &registry.types {
        for field in fields(registry, ty) {
            let words = in_words(needs_of(field).as_deref(), Public::marks(field));
            described.extend(words.map(|words| (format!("{ty}.{}", field.name), words)));
        }
        if let MetaType::InputObject { input_fields, .. } = meta {
            for field in input_fields.values() {
                let words = in_words(input_needs(field).as_deref(), false);
                described.extend(words.map(|words| (format!("{ty}.{}", field.name), words)));
            }
        }
    }
    described
}

/// `@can` and `@public` of a field in `schema.graphql`, in words.
fn of_directives(directives: &[Positioned<ConstDirective>]) -> Option<String> {
    let named = |name: &str| directives.iter().find(|directive| directive.node.name.node == name);
    let needs = named("can").map(|can| match can.node.get_argument("any").map(|any| &any.node) {
        Some(Value::List(names)) => names
            .iter()
            .map(
                |name| {
                    if let Value::String(name) = name { ability(name).unwrap() } else { panic!("{name}") }
                },
            )
            .collect(),
        other => panic!("@can with {other:?}"),
    });
    let needs: Option<Vec<Ability>> = needs;
    in_words(needs.as_deref(), named("public").is_some())
}

#[test]
fn schema_graphql_shows_each_need() {
    let file = parse_schema(include_str!("../../../../schema.graphql")).unwrap();
    let mut shown = BTreeMap::new();
    let mut note = |ty: &str, name: &str, directives: &[_], description: Option<&str>| {
        let Some(words) = of_directives(directives) else { return };
        assert!(description.is_some_and(|text| text.ends_with(&words)), "{ty}.{name}: {description:?}");
        shown.insert(format!("{ty}.{name}"), words);
    };
    for definition in &file.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let name = &ty.node.name.node;
        match &ty.node.kind {
            TypeKind::Object(object) => {
                for field in object.fields.iter().map(|field| &field.node) {
                    let about = field.description.as_ref().map(|text| text.node.as_str());
                    note(name, &field.name.node, &field.directives, about);
                }
            }
            TypeKind::InputObject(input) => {
                for field in input.fields.iter().map(|field| &field.node) {
                    let about = field.description.as_ref().map(|text| text.node.as_str());
                    note(name, &field.name.node, &field.directives, about);
                }
            }
            _ => {}
        }
    }
    assert_eq!(shown, described(&schema::registry()));
}

/// GraphiQL shows what introspection tells.
#[tokio::test]
async fn introspection_tells_each_need_in_words() {
    let shop = Shop::golden("en").await;
    let query =
        "{ __schema { types { name fields { name description } inputFields { name description } } } }";
    let answer = shop.graphql(query, json!({}), "").await;
    let mut about = BTreeMap::new();
    for ty in answer["data"]["__schema"]["types"].as_array().unwrap() {
        for list in ["fields", "inputFields"] {
            for field in ty[list].as_array().into_iter().flatten() {
                let name = format!("{}.{}", ty["name"].as_str().unwrap(), field["name"].as_str().unwrap());
                about.insert(name, field["description"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    for (name, words) in described(&schema::registry()) {
        assert!(about[&name].ends_with(&words), "{name}: {}", about[&name]);
    }
    shop.close().await;
}

/// Swagger UI shows what `openapi.json` says; what each operation says is what it needs.
#[test]
fn openapi_json_tells_each_need() {
    let registry = schema::internal_registry();
    let documents = guichet::server::contracts::documents(&registry).unwrap();
    let mut described: BTreeMap<String, Vec<Ability>> = BTreeMap::new();
    for operation in super::operations() {
        described.insert(operation.cell.label.clone(), operation.cell.guard().to_vec());
    }
    let mut routes = 0;
    for document in &documents {
        for route in &document.routes {
            assert_eq!(
                described[&format!("{} {}", route.method, route.path)],
                document.needs(),
                "{}",
                document.name
            );
            routes += 1;
        }
    }
    assert_eq!(routes, described.len());
}
