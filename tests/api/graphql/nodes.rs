//! Records are found by their global identifier, only by callers who may read them.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::registry::{MetaType, Registry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use facade::Ability;
use facade::record::is_record;
use guichet::server::{contracts, schema};
use serde_json::{Value as Json, json};

use crate::access::guards::{all_but, with_just};
use crate::harness::shop::Shop;
use crate::harness::walk::{ability, arguments, needs_of};

/// The recorded shop with a row of everything that hangs on a service.
async fn shop() -> Shop {
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.cost_limit = None;
        config.max_complexity = 10_000_000;
        config.max_depth = 100;
        config.max_tokens = 1_000_000;
    })
    .await;
    shop.add_examples().await;
    for sql in [
        "UPDATE subscriptions SET service_id = 1, deleted_at = NULL",
        "UPDATE invoices SET customer_id = 1 WHERE id IN (1, 2)",
        "UPDATE services SET customer_id = 1 WHERE id IN (2, 3)",
        // Each kind of record has a row with key 1.
        "UPDATE invoices SET deleted_at = NULL, status = 'paid' WHERE id = 1",
        "UPDATE services SET deleted_at = NULL, status = 'active', server_id = 1 WHERE id = 1",
        "UPDATE invoice_items SET invoice_id = 1, deleted_at = NULL WHERE id = 1",
        "UPDATE servers SET deleted_at = NULL WHERE id = 1",
    ] {
        shop.sql(sql).await;
    }
    shop
}

pub(crate) fn global(name: &str, key: i64) -> String {
    STANDARD_NO_PAD.encode(format!("{name}:{key}"))
}

/// Names of the types that are found again.
fn nodes(registry: &Registry) -> BTreeSet<String> {
    let Some(MetaType::Interface { possible_types, .. }) = registry.types.get("Node") else {
        panic!("no interface `Node`")
    };
    possible_types.iter().cloned().collect()
}

/// A node has a global identifier, and is in the list of the resources; so has every other row of a table.
#[test]
fn nodes_and_rows_have_an_id() {
    let registry = schema::registry();
    let identified = registry.types.iter().filter(|(_, ty)| {
        matches!(ty, MetaType::Object { .. }) && ty.field_by_name("id").is_some_and(|id| id.ty == "ID!")
    });
    let identified: BTreeSet<String> = identified.map(|(name, _)| name.clone()).collect();
    let implementing = registry.implements.iter().filter(|(_, interfaces)| interfaces.contains("Node"));
    let implementing: BTreeSet<String> = implementing.map(|(name, _)| name.clone()).collect();
    assert!(identified.is_superset(&nodes(&registry)));
    assert_eq!(implementing, nodes(&registry));
    assert!(implementing.len() > 10, "{implementing:?}");
    // Every row of a table has one, so that caches tell rows apart.
    for (name, ty) in &registry.types {
        assert!(!is_record(ty) || identified.contains(name), "{name} has no `id`");
        for field in ty.fields().into_iter().flatten().map(|(_, field)| field) {
            let is_named_so = field.name == "id" || field.name.ends_with("Id") || field.name == "assignedTo";
            assert!(field.ty.trim_end_matches('!') != "ID" || is_named_so, "{name}.{}", field.name);
        }
    }
}

/// Identifiers of everything below a type, so deep.
fn identifiers(registry: &Registry, ty: &str, depth: usize) -> String {
    let Some(MetaType::Object { fields, .. }) = registry.concrete_type_by_name(ty) else {
        return String::new();
    };
    let below = fields.iter().filter(|(name, field)| {
        depth > 0
            && arguments(registry, field).is_empty()
            && *name != "edges"
            && registry.concrete_type_by_name(&field.ty).is_some_and(MetaType::is_composite)
    });
    let below = below.map(|(name, field)| format!("{name} {}", identifiers(registry, &field.ty, depth - 1)));
    let own = fields.get("id").map_or("__typename", |_| "__typename id databaseId");
    format!("{{ {own} {} }}", below.collect::<Vec<_>>().join(" "))
}

/// Every object with an identifier, by it: its type and key.
pub(crate) fn collect(data: &Json, found: &mut BTreeMap<String, (String, i64)>) {
    match data {
        Json::Object(fields) => {
            if let Some(id) = data["id"].as_str() {
                let ty = data["__typename"].as_str().unwrap_or_default().to_owned();
                found.insert(id.to_owned(), (ty, data["databaseId"].as_i64().unwrap()));
            }
            fields.values().for_each(|value| collect(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// The `id` of a record anywhere in the schema finds the record, for the same caller.
#[tokio::test]
async fn every_record_is_found_again() {
    let shop = shop().await;
    let registry = schema::registry();
    let mut types = BTreeSet::new();
    for key in ["all", "customer1"] {
        let mut found = BTreeMap::new();
        for (name, field) in registry.types["Query"].fields().unwrap() {
            if !registry
                .concrete_type_by_name(&field.ty)
                .is_some_and(|ty| matches!(ty, MetaType::Object { .. }))
            {
                continue;
            }
            let below = identifiers(&registry, &field.ty, 3);
            let query = format!("{{ {name}{} {below} }}", arguments(&registry, field));
            let answer = shop.graphql(&query, json!({}), key).await;
            collect(&answer["data"], &mut found);
        }
        let fragments: String =
            nodes(&registry).iter().map(|ty| format!(" ... on {ty} {{ databaseId }}")).collect();
        let single = format!("query($id: ID!) {{ node(id: $id) {{ __typename id {fragments} }} }}");
        let many = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename id {fragments} }} }}");
        let nodes = nodes(&registry);
        let all: Vec<_> = found.into_iter().filter(|(_, (ty, _))| nodes.contains(ty)).collect();
        for found in all.chunks(100) {
            let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
            let answer = shop.graphql(&many, json!({"ids": ids}), key).await;
            assert!(answer.get("errors").is_none(), "{answer}");
            for ((id, (ty, database_id)), node) in
                found.iter().zip(answer["data"]["nodes"].as_array().unwrap())
            {
                assert_eq!(*node, json!({"__typename": ty, "id": id, "databaseId": database_id}), "{ty}");
                if types.insert(ty.clone()) {
                    let alone = shop.graphql(&single, json!({"id": id}), key).await;
                    assert_eq!(alone, json!({"data": {"node": node}}));
                }
            }
        }
        println!("{} records found again with the key `{key}`", all.len());
    }
    assert_eq!(types, nodes(&registry), "a type without a row to try");
    shop.close().await;
}

/// A node needs the abilities of the record's own query, whether the row exists or not.
#[tokio::test]
async fn every_node_needs_its_ability() {
    let shop = shop().await;
    let registry = schema::registry();
    let query = "query($id: ID!) { node(id: $id) { __typename id } }";
    let batch = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    for ty in nodes(&registry) {
        let own = registry.types["Query"].fields().unwrap().values().find(|field| {
            field.args.get("id").is_some()
                && field.name != "node"
                && registry.concrete_type_by_name(&field.ty).map(MetaType::name) == Some(&ty)
        });
        let id = global(&ty, 1);
        let nothing = shop.graphql(query, json!({"id": id}), "none").await;
        let error = &nothing["errors"][0];
        assert_eq!(
            (&nothing["data"]["node"], &error["extensions"]["code"]),
            (&Json::Null, &json!("FORBIDDEN")),
            "{ty}: {nothing}"
        );
        assert_eq!(error["path"], json!(["node"]));
        let needs: Vec<Ability> = error["extensions"]["abilities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| ability(name.as_str().unwrap()).unwrap())
            .collect();
        if let Some(own) = own {
            assert_eq!(needs_of(own), Some(needs.clone()), "{ty} and `{}`", own.name);
        }
        let lacking = with_just(&shop, &format!("{ty} lacking"), &all_but(&needs)).await.bearer;
        for key in [1, 999_999] {
            let refused = shop.graphql(query, json!({"id": global(&ty, key)}), &lacking).await;
            assert_eq!(refused["errors"][0], *error, "{ty} {key}");
            let refused = shop.graphql(batch, json!({"ids": [global(&ty, key)]}), &lacking).await;
            assert_eq!(refused["errors"][0]["path"], json!(["nodes", 0]));
            assert_eq!(
                (&refused["data"]["nodes"], &refused["errors"][0]["message"]),
                (&json!([null]), &error["message"])
            );
        }
        for need in &needs {
            let allowed = with_just(&shop, &format!("{ty} {need}"), &[*need]).await.bearer;
            let answer = shop.graphql(query, json!({"id": id}), &allowed).await;
            assert!(answer.get("errors").is_none(), "{ty} with {need}: {answer}");
            assert_eq!(answer, json!({"data": {"node": {"__typename": ty, "id": id}}}), "{ty} with {need}");
        }
        let anonymous = shop.graphql(query, json!({"id": id}), "").await;
        assert_eq!(anonymous["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        // The schema says so too.
        let Some(MetaType::Interface { description, .. }) = registry.types.get("Node") else { panic!() };
        let line = needs.iter().map(|need| format!("`{need}`")).collect::<Vec<_>>().join(" or ");
        assert!(
            description.as_ref().unwrap().contains(&format!("- `{ty}`: {line}\n"))
                || description.as_ref().unwrap().ends_with(&format!("- `{ty}`: {line}")),
            "{ty}"
        );
    }
    shop.close().await;
}

/// Deleted and hidden rows are hidden everywhere, with the rows that belong to them.
#[tokio::test]
async fn what_is_deleted_is_not_found() {
    let shop = shop().await;
    let query = "query($id: ID!) { node(id: $id) { id } }";
    for (table, types) in [
        ("subscriptions", vec!["ServiceSubscription"]),
        ("servers", vec!["Server"]),
        ("invoice_items", vec!["InvoiceItem"]),
        ("services", vec!["Service", "ConfigOption", "ServiceSubscription", "Upgrade"]),
        ("invoices", vec!["Invoice", "InvoiceItem"]),
        ("products", vec!["Product"]),
        ("groups", vec!["Group"]),
        ("pricings", vec!["Pricing"]),
        ("customers", vec!["Customer"]),
    ] {
        let table = shop.quoted(table);
        for (value, there) in [("NULL", true), ("'2026-11-20 10:00:00'", false), ("NULL", true)] {
            shop.sql(&format!("UPDATE {table} SET deleted_at = {value} WHERE id = 1")).await;
            for ty in &types {
                let answer = shop.graphql(query, json!({"id": global(ty, 1)}), "all").await;
                assert!(answer.get("errors").is_none(), "{answer}");
                assert_eq!(answer["data"]["node"].is_object(), there, "{ty} of {table}");
            }
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn identifiers_that_are_none_find_nothing() {
    let shop = Shop::golden("fr").await;
    let id = |text: &str| STANDARD_NO_PAD.encode(text);
    let padded = base64::engine::general_purpose::STANDARD.encode("Product:1");
    for id in [
        String::new(),
        "1".to_owned(),
        "Product:1".to_owned(),
        "😀".to_owned(),
        id("Product:01"),
        id("Product:-1"),
        id("Product:"),
        id("product:1"),
        id("Product:1:1"),
        id("Metadata:1"),
        id("Query:1"),
        id(":1"),
        id("Product:99999999999999999999"),
        id("Product:9223372036854775807"),
        padded.clone() + "=",
        id("DiscordService:1"),
    ] {
        let answer = shop.graphql("query($id: ID!) { node(id: $id) { id } }", json!({"id": id}), "all").await;
        assert_eq!(answer, json!({"data": {"node": null}}), "{id}");
    }
    shop.close().await;
}

/// Identifiers of several types are answered in their order: one statement a type, and one a level below.
#[tokio::test]
async fn nodes_are_answered_in_their_order() {
    let shop = shop().await;
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename ...A ... on Customer { email } ... on Node { id } } } \
                 fragment A on Product { name group { name } group { id } ... on Node { id } }";
    let ids = [
        global("Product", 2),
        global("Customer", 1),
        "no".to_owned(),
        global("Product", 1),
        global("Product", 2),
        global("Product", 999),
        global("Group", 3),
    ];
    let before = shop.statements();
    let answer = shop.graphql(query, json!({"ids": ids}), "all").await;
    assert_eq!(
        shop.statements() - before,
        4,
        "products, customers, groups and the products' groups: {answer}"
    );
    assert!(answer.get("errors").is_none(), "{answer}");
    let nodes = answer["data"]["nodes"].as_array().unwrap();
    let reported: Vec<&Json> = nodes.iter().map(|node| &node["id"]).collect();
    let missing = [2, 5];
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(*reported[at], if missing.contains(&at) { Json::Null } else { json!(id) }, "{answer}");
    }
    assert_eq!(nodes[0], nodes[4]);
    let keys: Vec<&String> = nodes[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["__typename", "name", "group", "id"]);
    assert!(nodes[0]["group"]["name"].is_string() && nodes[0]["group"]["id"].is_string(), "{answer}");
    assert!(nodes[1]["email"].is_string());
    // Each refused type is reported once, where it is selected first; the others are answered.
    let answer = shop.graphql(query, json!({"ids": ids}), "products-read").await;
    let errors = answer["errors"].as_array().unwrap();
    let mut paths: Vec<String> = errors.iter().map(|error| error["path"].to_string()).collect();
    paths.sort();
    assert_eq!(paths, [r#"["nodes",0,"group"]"#, r#"["nodes",1]"#, r#"["nodes",6]"#], "{answer}");
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "FORBIDDEN"));
    assert!(
        answer["data"]["nodes"][3]["name"].is_string() && answer["data"]["nodes"][1].is_null(),
        "{answer}"
    );
    shop.close().await;
}

#[tokio::test]
async fn nodes_are_bounded_and_priced() {
    let shop = Shop::golden("en").await;
    let query =
        "query($ids: [ID!]! = []) { nodes(ids: $ids) { ... on Product { pricingRows { monthly } } } }";
    let ids = |count: usize| (0..count).map(|_| global("Product", 1)).collect::<Vec<_>>();
    let answer = shop.graphql(query, json!({"ids": ids(101)}), "all").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "LIST_TOO_LONG", "{answer}");
    let written = ids(101).iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(" ");
    let answer = shop.graphql(&format!("{{ nodes(ids: [{written}]) {{ id }} }}"), json!({}), "all").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "LIST_TOO_LONG", "{answer}");
    assert_eq!(shop.statements(), 0);
    // One for the field, and for each record itself and ten prices.
    let body = json!({"query": query, "variables": {"ids": ids(3)}, "extensions": {"cost": true}});
    let (_, _, answer) = shop.post("/graphql", "all", &body).await;
    assert_eq!(answer["extensions"]["cost"]["requested"], 1 + 3 * 11, "{answer}");
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer, json!({"data": {"nodes": []}}));
    shop.close().await;
}

/// A fragment on the interface is one on the record, wherever the record is shown.
#[tokio::test]
async fn fragments_on_nodes_apply_to_records() {
    let shop = Shop::golden("en").await;
    let query = "{ products(first: 1) { nodes { ...N pricingRows { ... on Node { id } } } edges { node { ...N } } } \
                 product(id: 1) { ...N } } fragment N on Node { id ... on Product { name } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let row = json!({"id": global("Product", 1), "name": answer["data"]["product"]["name"]});
    assert!(row["name"].is_string());
    assert_eq!(answer["data"]["product"], row);
    assert_eq!(answer["data"]["products"]["edges"][0]["node"], row);
    assert_eq!(answer["data"]["products"]["nodes"][0]["id"], row["id"]);
    assert!(answer["data"]["products"]["nodes"][0]["pricingRows"][0]["id"].is_string(), "{answer}");
    shop.close().await;
}

/// REST prints primary keys, and global identifiers under no key.
#[tokio::test]
async fn rest_shows_no_global_identifier() {
    let registry = schema::internal_registry();
    let types = nodes(&registry);
    let shop = shop().await;
    let mut texts = 0;
    for document in contracts::documents(&registry).unwrap() {
        for route in document.routes.iter().filter(|route| route.method == "GET") {
            let path = route.path.replace("{id}", "1");
            let include = document.includes.join(",");
            for key in ["all", "customer1"] {
                let (_, _, body) = shop.get(&format!("/api{path}?include={include}&pricing=1"), key).await;
                strings(&body, &mut |key, text| {
                    texts += 1;
                    let decoded =
                        STANDARD_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                    let global = decoded
                        .is_some_and(|text| types.iter().any(|ty| text.starts_with(&format!("{ty}:"))));
                    assert!(!global, "{path} tells {text} under {key}");
                });
            }
        }
    }
    assert!(texts > 1000, "{texts} texts looked at");
    shop.close().await;
}

fn strings(body: &Json, look: &mut impl FnMut(&str, &str)) {
    match body {
        Json::Object(fields) => {
            for (key, value) in fields {
                if let Json::String(text) = value {
                    look(key, text);
                }
                strings(value, look);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| strings(item, look)),
        _ => {}
    }
}

#[tokio::test]
async fn rest_takes_no_global_identifiers() {
    let shop = Shop::golden("en").await;
    let answer = shop.graphql("{ product(id: 1) { id } }", json!({}), "all").await;
    let id = answer["data"]["product"]["id"].as_str().unwrap();
    let path = format!("/api/application/products/{id}");
    for (method, body) in [("GET", None), ("PUT", Some(json!({"name": "Renamed"}))), ("DELETE", None)] {
        let (status, _, answer) = shop.ask(method, &path, "all", body.as_ref()).await;
        assert_eq!(status, 404, "{method} {answer}");
    }
    assert_eq!(shop.get("/api/application/products/1", "all").await.0, 200);
    shop.close().await;
}

/// Foreign keys are the identifiers of what they name, out and in; digits are taken, too.
#[tokio::test]
async fn foreign_keys_are_identifiers() {
    let shop = shop().await;
    let query = "{ services { nodes { customerId productId customer { id } product { id } } }
        products { nodes { groupId group { id } } } groups { nodes { parentId parent { id } } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let mut compared = 0;
    for (list, names) in
        [("services", &["customer", "product"][..]), ("products", &["group"]), ("groups", &["parent"])]
    {
        for row in answer["data"][list]["nodes"].as_array().unwrap() {
            for name in names.iter().filter(|name| row[**name].is_object()) {
                assert_eq!(row[format!("{name}Id")], row[*name]["id"], "{row}");
                compared += 1;
            }
        }
    }
    assert!(compared > 20, "{compared}");
    let update = "mutation($group: ID) { productUpdate(id: 1, input: {groupId: $group}) {
        product { groupId } userErrors { field code } } }";
    let set = async |group: Json| {
        shop.graphql(update, json!({"group": group}), "all").await["data"]["productUpdate"].clone()
    };
    for given in [json!(global("Group", 2)), json!("3"), json!(4)] {
        let key = given.as_str().map_or_else(|| given.to_string(), ToOwned::to_owned);
        let expected = if key.len() > 1 { key } else { global("Group", key.parse().unwrap()) };
        assert_eq!(
            set(given.clone()).await,
            json!({"product": {"groupId": expected}, "userErrors": []}),
            "{given}"
        );
    }
    for (wrong, code) in [
        (json!(global("Product", 2)), "NOT_FOUND"),
        (json!("nonsense"), "NOT_FOUND"),
        (json!(global("Group", 999)), "NOT_FOUND"),
        (json!("-1"), "NOT_FOUND"),
    ] {
        let answer = set(wrong.clone()).await;
        assert_eq!(
            answer["userErrors"][0],
            json!({"field": ["input", "groupId"], "code": code}),
            "{wrong}: {answer}"
        );
    }
    for (filter, found) in [
        (format!("{{groupId: {{eq: \"{}\"}}}}", global("Group", 4)), true),
        ("{groupId: {eq: 4}}".to_owned(), true),
        ("{groupId: {notIn: [\"4\"]}, databaseId: {eq: 1}}".to_owned(), false),
    ] {
        let answer = shop
            .graphql(
                &format!("{{ products(filter: {filter}) {{ nodes {{ databaseId }} }} }}"),
                json!({}),
                "all",
            )
            .await;
        let nodes = answer["data"]["products"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(nodes.iter().any(|row| row["databaseId"] == 1), found, "{filter}: {answer}");
    }
    let wrong =
        format!("{{ products(filter: {{groupId: {{eq: \"{}\"}}}}) {{ totalCount }} }}", global("Product", 4));
    let answer = shop.graphql(&wrong, json!({}), "all").await;
    assert!(
        answer["errors"][0]["message"].as_str().unwrap().contains("no identifier of a Group"),
        "{answer}"
    );
    shop.close().await;
}

/// A service is found by UUID, identifier or digits, by every field that takes one.
#[tokio::test]
async fn services_are_found_by_any_identifier() {
    let shop = shop().await;
    let answer = shop.graphql("{ service(id: 1) { id uuid } }", json!({}), "all").await;
    let service = &answer["data"]["service"];
    for id in [&service["id"], &service["uuid"], &json!("1")] {
        for field in [
            "serviceUpdate(id: $id, input: {notes: \"n\"})",
            "serviceSuspend(id: $id)",
            "serviceUnsuspend(id: $id)",
        ] {
            let query =
                format!("mutation($id: ID!) {{ m: {field} {{ service {{ id }} userErrors {{ code }} }} }}");
            let answer = shop.graphql(&query, json!({"id": id}), "all").await;
            assert_eq!(
                answer["data"]["m"],
                json!({"service": {"id": service["id"]}, "userErrors": []}),
                "{field} {id}: {answer}"
            );
        }
    }
    // REST takes no UUID there.
    let path = format!("/api/application/services/{}/unsuspend", service["uuid"].as_str().unwrap());
    assert_eq!(shop.post(&path, "all", &json!({})).await.0, 404);
    let query = "mutation($id: ID!) { serviceDelete(id: $id) { deletedId } }";
    let answer = shop.graphql(query, json!({"id": service["uuid"]}), "all").await;
    assert_eq!(answer["data"]["serviceDelete"]["deletedId"], service["id"], "{answer}");
    shop.close().await;
}
