//! What a customer sees, and that it is nobody else's: the whole schema, walked as customer 1 of a shop in
//! which everything of customer 2, and everything that customers do not see, is marked.

use async_graphql::registry::{MetaType, Registry};
use facade::guard::Can;
use guichet::server::schema;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::walk::arguments;
use crate::resource::sessions::sign_in;

/// A mark in every text of customer 2 and in every text that customers do not see.
const MARK: &str = "not-for-customer-1";
/// Deeper than anything that hangs on the customer.
const DEPTH: usize = 8;

/// The recorded shop with more rows of customers 1 and 2.
async fn marked() -> Shop {
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.sign_in_limit = None;
        config.max_complexity = 1_000_000;
        config.max_depth = 100;
    })
    .await;
    let statements = [
        "UPDATE customers SET notes = 'MARK' WHERE id = 1",
        "UPDATE customers SET firstname = 'MARK', lastname = 'MARK', company_name = 'MARK', address = 'MARK', \
         address2 = 'MARK', city = 'MARK', billing_details = 'MARK', notes = 'MARK' WHERE id = 2",
        "INSERT INTO services (id, customer_id, uuid, name, type, product_id, server_id, status, notes, \
         delivery_errors, data, deleted_at) VALUES \
         (501, 1, '00000000-0000-0000-0000-000000000501', 'Mine', 'none', 1, 1, 'active', 'MARK', 'MARK', \
         '{\"password\": \"MARK\"}', NULL), \
         (502, 2, '00000000-0000-0000-0000-000000000502', 'MARK', 'none', 1, 1, 'active', 'MARK', 'MARK', \
         '{\"password\": \"MARK\"}', NULL), \
         (503, 1, '00000000-0000-0000-0000-000000000503', 'MARK', 'none', 1, 1, 'hidden', NULL, NULL, NULL, NULL), \
         (504, 1, '00000000-0000-0000-0000-000000000504', 'MARK', 'none', 1, 1, 'active', NULL, NULL, NULL, \
         '2026-11-20 10:00:00')",
        "INSERT INTO invoices (id, customer_id, uuid, due_date, total, subtotal, tax, setupfees, currency, status, \
         notes, paymethod, fees, invoice_number, deleted_at) VALUES \
         (501, 1, '00000000-0000-0000-0001-000000000501', '2026-12-01', 12, 10, 2, 0, 'EUR', 'paid', 'MARK', 'x', \
         0, 'CTX-501', NULL), \
         (502, 2, '00000000-0000-0000-0001-000000000502', '2026-12-01', 12, 10, 2, 0, 'EUR', 'paid', 'MARK', 'x', \
         0, 'MARK-502', NULL), \
         (503, 1, '00000000-0000-0000-0001-000000000503', '2026-12-01', 12, 10, 2, 0, 'EUR', 'draft', 'MARK', 'x', \
         0, 'MARK-503', NULL), \
         (504, 1, '00000000-0000-0000-0001-000000000504', '2026-12-01', 12, 10, 2, 0, 'EUR', 'paid', 'MARK', 'x', \
         0, 'MARK-504', '2026-11-20 10:00:00')",
        "INSERT INTO invoice_items (id, invoice_id, name, description, quantity, unit_price_ht, unit_setup_ht, \
         unit_price_ttc, unit_setup_ttc, type, data) VALUES \
         (501, 501, 'My line', 'x', 1, 10, 0, 12, 0, 'service', '{\"secret\": \"MARK\"}'), \
         (502, 502, 'MARK', 'MARK', 1, 10, 0, 12, 0, 'service', '{\"secret\": \"MARK\"}'), \
         (503, 503, 'MARK', 'MARK', 1, 10, 0, 12, 0, 'service', '[]')",
        "UPDATE servers SET username = 'MARK', password = 'MARK', address = 'MARK', hostname = 'MARK'",
    ];
    for sql in statements {
        shop.sql(&sql.replace("MARK", MARK)).await;
    }
    shop
}

/// By global identifiers too, a customer finds only what `viewer` shows.
async fn nodes_are_those_of_the_viewer(shop: &Shop, registry: &Registry, caller: &str) {
    let Some(MetaType::Interface { possible_types, .. }) = registry.types.get("Node") else { panic!() };
    let mut shown = std::collections::BTreeMap::new();
    let seen = shop
        .graphql(&format!("{{ viewer {} }}", everything(registry, "Viewer", DEPTH)), json!({}), caller)
        .await;
    crate::graphql::nodes::collect(&seen["data"], &mut shown);
    // Rows that are parts of others have an identifier too, but are no nodes.
    let is_node =
        |id: &String, key: i64| possible_types.iter().any(|ty| crate::graphql::nodes::global(ty, key) == *id);
    shown.retain(|id, (_, key)| is_node(id, *key));
    let mut found = 0;
    for ty in possible_types {
        // A refused field needs no deeper selection.
        let below = everything(registry, ty, if ty.starts_with("Viewer") { DEPTH } else { 2 });
        // Every row of both customers, what is hidden included, and some more.
        let ids: Vec<String> =
            (0..=60).chain(490..=510).map(|key| crate::graphql::nodes::global(ty, key)).collect();
        let query = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {ty} {below} }} }}");
        let all = shop.graphql(&query, json!({"ids": ids}), caller).await;
        assert!(!all.to_string().contains(MARK), "{ty}: {all}");
        let nodes = all["data"]["nodes"].as_array().unwrap_or_else(|| panic!("{ty}: {all}"));
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {ty} {below} }} }}");
        for (id, node) in ids.iter().zip(nodes) {
            assert_eq!(node.is_object(), shown.contains_key(id), "{ty} {id}: {node}");
            found += usize::from(node.is_object());
            if node.is_object()
                || [crate::graphql::nodes::global(ty, 2), crate::graphql::nodes::global(ty, 502)].contains(id)
            {
                let alone = shop.graphql(&query, json!({"id": id}), caller).await;
                assert_eq!(alone["data"]["node"], *node, "{alone}");
            }
        }
        if !ty.starts_with("Viewer") {
            assert_eq!(all["errors"][0]["extensions"]["code"], "FORBIDDEN", "{ty}: {all}");
        }
    }
    assert_eq!(found, shown.len());
    assert!(found > 4, "{found}");
}

/// Everything below a type that asks for no argument; of an interface, its name.
fn everything(registry: &Registry, ty: &str, depth: usize) -> String {
    let fields = match registry.concrete_type_by_name(ty).filter(|_| depth > 0) {
        Some(MetaType::Object { fields, .. }) => fields,
        Some(MetaType::Interface { .. }) => return "{ __typename }".to_owned(),
        _ => return String::new(),
    };
    let asked = fields.iter().filter(|(_, field)| arguments(registry, field).is_empty());
    let asked = asked.filter_map(|(name, field)| {
        let leaf = !registry.concrete_type_by_name(&field.ty).is_some_and(MetaType::is_composite);
        let below = everything(registry, &field.ty, depth - 1);
        (leaf || !below.is_empty()).then(|| format!("{name} {below}"))
    });
    let asked = asked.collect::<Vec<_>>().join(" ");
    if asked.is_empty() { asked } else { format!("{{ {asked} }}") }
}

#[tokio::test]
async fn nothing_of_another_customer_is_in_reach() {
    let shop = marked().await;
    let registry = schema::registry();
    let [session, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    for caller in [session.as_str(), "customer1"] {
        nodes_are_those_of_the_viewer(&shop, &registry, caller).await;
        for (name, field) in registry.types["Query"].fields().unwrap() {
            // A refused root field needs no deeper selection.
            let depth = if name == "viewer" { DEPTH } else { 2 };
            let below = everything(&registry, &field.ty, depth);
            // What takes an identifier is asked for the rows of customer 2 and for one's own.
            let given = arguments(&registry, field);
            for id in ["1", "2", "501", "502", "00000000-0000-0000-0000-000000000502"] {
                let query = format!("{{ {name}{} {below} }}", given.replace("\"1\"", &format!("\"{id}\"")));
                let answer = shop.graphql(&query, json!({}), caller).await;
                let text = answer.to_string();
                assert!(!text.contains(MARK), "{query} shows {text}");
                if name == "viewer" || Can::read(field).is_some_and(|needs| needs.is_empty()) {
                    assert_eq!(answer.get("errors"), None, "{text}");
                } else {
                    assert!(
                        answer["data"].as_object().is_none_or(|data| data.values().all(Json::is_null)),
                        "{text}"
                    );
                    assert_ne!(answer["errors"][0]["extensions"]["code"], "INTERNAL", "{text}");
                }
                if given.is_empty() {
                    break;
                }
            }
        }
        for path in ["customers", "customers/2", "services", "services/502", "products", "groups", "pricings"]
        {
            let (status, _, body) = shop.get(&format!("/api/application/{path}"), caller).await;
            assert_eq!((status, body.to_string().contains(MARK)), (403, false), "{path}");
        }
        let (_, _, body) = shop.get("/api/customer/me", caller).await;
        assert!(!body.to_string().contains(MARK), "{body}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_customer_sees_services_and_invoices() {
    let shop = marked().await;
    let [session, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let query = "{ viewer { email
        services { totalCount nodes { databaseId name status product { name } server { name } } }
        invoices { totalCount nodes { databaseId invoiceNumber status total { amount } billingAddress
            items { name unitPrice { net { amount } tax { amount } gross { amount } } } } } } }";
    let before = shop.statements();
    let answer = shop.graphql(query, json!({}), &session).await;
    let cost = shop.statements() - before;
    let viewer = &answer["data"]["viewer"];
    assert_eq!(
        (&viewer["services"]["totalCount"], &viewer["invoices"]["totalCount"]),
        (&json!(2), &json!(2)),
        "{answer}"
    );
    let service = &viewer["services"]["nodes"][1];
    assert_eq!((&service["databaseId"], &service["name"]), (&json!(501), &json!("Mine")), "{answer}");
    assert_eq!(service["status"], "ACTIVE");
    assert!(service["product"]["name"].is_string() && service["server"]["name"].is_string(), "{answer}");
    let invoice = &viewer["invoices"]["nodes"][1];
    assert_eq!(
        (&invoice["invoiceNumber"], &invoice["status"]),
        (&json!("CTX-501"), &json!("PAID")),
        "{answer}"
    );
    let line = json!({"net": {"amount": "10.00"}, "tax": {"amount": "2.00"}, "gross": {"amount": "12.00"}});
    assert_eq!(invoice["items"], json!([{"name": "My line", "unitPrice": line}]));
    assert!(invoice["billingAddress"].as_array().is_some_and(|lines| !lines.is_empty()), "{answer}");
    // The session's own, the customer, two lists, two counts, products, servers, items, addresses.
    assert!(cost <= 16, "{cost} statements");
    shop.close().await;
}

/// A key with `customer:me` alone shows the record, as the documents say, and no more.
#[tokio::test]
async fn services_and_invoices_need_the_ability_of_the_client_api() {
    let shop = marked().await;
    let model = if shop.is_mysql() {
        "App\\\\Models\\\\Account\\\\Customer"
    } else {
        "App\\Models\\Account\\Customer"
    };
    shop.sql(&format!(
        "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities, created_at) \
         VALUES ('{model}', 1, 'me', '{}', '[\"customer:me\"]', '2026-11-20 10:00:00')",
        guichet::access::key::hash("only me")
    ))
    .await;
    let answer = shop.graphql("{ viewer { email } }", json!({}), "only me").await;
    assert_eq!(answer["data"]["viewer"]["email"], "customer1@example.com");
    for field in [
        "services { nodes { name } }",
        "invoices { nodes { uuid } }",
        "services { totalCount }",
        "invoices { totalCount }",
    ] {
        let answer = shop.graphql(&format!("{{ viewer {{ {field} }} }}"), json!({}), "only me").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{field}: {answer}");
    }
    shop.close().await;
}

/// Each service of customer 1 by name, with its price without and with tax.
async fn prices(shop: &Shop) -> Vec<[String; 3]> {
    let [session, _] = sign_in(shop, "CUSTOMER", "customer1@example.com").await;
    let query = "{ viewer { services { nodes { name price { net { amount } gross { amount } } } } } }";
    let answer = shop.graphql(query, json!({}), &session).await;
    let services =
        answer["data"]["viewer"]["services"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Json| {
        [&row["name"], &row["price"]["net"]["amount"], &row["price"]["gross"]["amount"]].map(text)
    };
    services.iter().map(row).collect()
}

/// docs/contract/client.md#9.0: its own price in any currency, else its product's; tax as the shop enters it.
#[tokio::test]
async fn services_show_what_the_customer_pays() {
    let shop = marked().await;
    // Product 6 isn't sold once, but monthly for 7.99; product 1 for 3.29 dollars.
    assert_eq!(prices(&shop).await, [["Minecraft Diamant", "7.99", "9.59"], ["Mine", "3.29", "3.95"]]);
    let service =
        "INSERT INTO services (id, customer_id, uuid, name, type, product_id, billing, currency, status)";
    let price = "INSERT INTO pricings (related_id, related_type, currency, monthly, annually)";
    for sql in [
        format!("{price} VALUES (501, 'service', 'EUR', 5, NULL)"),
        format!(
            "{service} VALUES (511, 1, '00000000-0000-0000-0000-000000000511', 'Own, yearly', 'none', 1, 'annually', \
             'EUR', 'active'), \
             (512, 1, '00000000-0000-0000-0000-000000000512', 'No product', 'none', NULL, 'monthly', 'EUR', 'active'), \
             (513, 1, '00000000-0000-0000-0000-000000000513', 'No price', 'none', NULL, 'monthly', 'EUR', 'active'), \
             (514, 1, '00000000-0000-0000-0000-000000000514', 'Free', 'none', 1, 'free', 'EUR', 'active'), \
             (515, 1, '00000000-0000-0000-0000-000000000515', 'In francs', 'none', 1, 'monthly', 'CHF', 'active')"
        ),
        format!("{price} VALUES (511, 'service', 'EUR', 8, NULL), (512, 'service', 'EUR', NULL, 60)"),
        format!("{price} VALUES (513, 'service', 'USD', 9, NULL)"),
        "UPDATE customers SET country = 'DE' WHERE id = 1".to_owned(),
    ] {
        shop.sql(&sql).await;
    }
    let expected = [
        ["Minecraft Diamant", "7.99", "9.51"],
        ["Mine", "5.00", "5.95"],
        ["Own, yearly", "0.00", "0.00"],
        ["No product", "60.00", "71.40"],
        ["No price", "-", "-"],
        ["Free", "0.00", "0.00"],
        ["In francs", "2.99", "3.56"],
    ];
    assert_eq!(prices(&shop).await, expected);
    shop.close().await;
    let shop = marked().await;
    shop.sql("INSERT INTO settings (name, value) VALUES ('store_mode_tax', 'tax_included')").await;
    assert_eq!(prices(&shop).await, [["Minecraft Diamant", "6.66", "7.99"], ["Mine", "2.74", "3.29"]]);
    shop.close().await;
}
