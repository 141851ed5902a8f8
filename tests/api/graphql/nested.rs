//! Lists inside records: each answers what the list of the same records at the root answers for one record's rows, and
//! costs one statement for all records around it.

use std::sync::LazyLock;

use async_graphql::registry::{MetaType, Registry};
use guichet::server::schema;
use serde_json::{Value as Json, json};

use super::cursors::{self, Listing};
use crate::harness::shop::Shop;
use crate::resource::customers::key;
use crate::resource::sessions::sign_in;

static REGISTRY: LazyLock<Registry> = LazyLock::new(schema::registry);

/// A list inside records.
struct Nested {
    /// The type of the records, and the list's field.
    place: (&'static str, &'static str),
    /// The field at the root that leads to the records, where it is not a list.
    root: &'static str,
    /// The list of the same rows at the root, where there is one.
    twin: Option<&'static str>,
    /// The records that are looked at.
    parents: &'static [i64],
    /// The condition for the rows of a record.
    rows_of: fn(i64) -> Json,
}

const NESTED: &[Nested] = &[
    Nested {
        place: ("Customer", "services"),
        root: "customers",
        twin: Some("services"),
        parents: &[1, 2, 6],
        rows_of: |customer| json!({"customerId": {"eq": customer}, "status": {"ne": "HIDDEN"}}),
    },
    Nested {
        place: ("Customer", "invoices"),
        root: "customers",
        twin: Some("invoices"),
        parents: &[1, 2, 15],
        rows_of: |customer| json!({"customerId": {"eq": customer}}),
    },
    Nested {
        place: ("Customer", "tickets"),
        root: "customers",
        twin: Some("tickets"),
        parents: &[1, 2, 15],
        rows_of: |customer| json!({"customerId": {"eq": customer}}),
    },
    Nested {
        place: ("Product", "services"),
        root: "products",
        twin: Some("services"),
        parents: &[1, 2, 101],
        rows_of: |product| json!({"productId": {"eq": product}}),
    },
    Nested {
        place: ("Group", "groups"),
        root: "groups",
        twin: Some("groups"),
        parents: &[1, 2, 101],
        rows_of: |group| json!({"parentId": {"eq": group}, "databaseId": {"ne": group}}),
    },
    Nested {
        place: ("Group", "products"),
        root: "groups",
        twin: Some("products"),
        parents: &[1, 2, 101],
        rows_of: |group| json!({"groupId": {"eq": group}}),
    },
    Nested {
        place: ("Coupon", "products"),
        root: "coupons",
        twin: Some("products"),
        parents: &[2, 11, 12],
        rows_of: |coupon| {
            let products = match coupon {
                2 => vec![1, 2],
                11 => vec![3, 1, 2, 5, 4],
                _ => vec![],
            };
            json!({"databaseId": {"in": products}})
        },
    },
    Nested {
        place: ("Coupon", "usageHistory"),
        root: "coupons",
        twin: None,
        parents: &[1, 11, 12],
        rows_of: |_| json!({}),
    },
    Nested {
        place: ("Department", "tickets"),
        root: "departments",
        twin: Some("tickets"),
        parents: &[1, 2, 16],
        rows_of: |department| json!({"departmentId": {"eq": department}}),
    },
    Nested {
        place: ("CancellationReason", "services"),
        root: "cancellationReasons",
        twin: Some("services"),
        parents: &[1, 2, 11],
        rows_of: |reason| {
            let services = if reason == 2 { vec![5, 13, 21, 29, 37] } else { vec![] };
            json!({"databaseId": {"in": services}})
        },
    },
    Nested {
        place: ("Ticket", "messages"),
        root: "tickets",
        twin: None,
        parents: &[1, 2, 3],
        rows_of: |_| json!({}),
    },
    Nested {
        place: ("Ticket", "attachments"),
        root: "tickets",
        twin: None,
        parents: &[1, 2, 3],
        rows_of: |_| json!({}),
    },
    Nested {
        place: ("Ticket", "comments"),
        root: "tickets",
        twin: None,
        parents: &[1, 2, 3],
        rows_of: |_| json!({}),
    },
    Nested {
        place: ("Server", "services"),
        root: "servers",
        twin: Some("services"),
        parents: &[1, 2, 11],
        rows_of: |server| {
            let services = match server {
                1 => vec![4, 8, 16, 20, 28, 32],
                2 => vec![1, 5, 13, 17, 25, 29, 37],
                _ => vec![],
            };
            json!({"databaseId": {"in": services}})
        },
    },
    Nested {
        place: ("Viewer", "services"),
        root: "viewer",
        twin: Some("services"),
        parents: &[1],
        rows_of: |customer| json!({"customerId": {"eq": customer}, "status": {"ne": "HIDDEN"}}),
    },
    Nested {
        place: ("Viewer", "invoices"),
        root: "viewer",
        twin: Some("invoices"),
        parents: &[1],
        rows_of: |customer| json!({"customerId": {"eq": customer}, "status": {"ne": "DRAFT"}}),
    },
];

/// Parts of a list that need no cursor.
const PARTS: &[&str] = &[
    "first: 2",
    "first: 100",
    "last: 2",
    "page: 2, perPage: 2",
    "first: 0",
    "page: 90, perPage: 2",
    "last: 0",
];

/// What is asked of each part.
const ASKED: &str = "totalCount nodes { databaseId } edges { cursor node { databaseId } } \
                     pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

fn parts(field: &str, arguments: &str, parts: &[String]) -> String {
    let parts = parts.iter().enumerate();
    let parts: Vec<_> =
        parts.map(|(at, part)| format!("p{at}: {field}({part}, {arguments}) {{ {ASKED} }}")).collect();
    parts.join(" ")
}

/// A part without its cursors: those of a view belong to the view's list.
fn without_cursors(mut part: Json) -> Json {
    for edge in part["edges"].as_array_mut().unwrap() {
        edge["cursor"] = Json::Null;
    }
    part["pageInfo"]["startCursor"] = Json::Null;
    part["pageInfo"]["endCursor"] = Json::Null;
    part
}

impl Nested {
    fn listing(&self) -> Listing {
        let (ty, field) = self.place;
        Listing::of(&REGISTRY, REGISTRY.types[ty].field_by_name(field).unwrap())
    }

    /// These parts of the lists of some records, by record.
    async fn read(&self, shop: &Shop, key: &str, sort: &Json, ids: &[i64], wanted: &[String]) -> Vec<Json> {
        let list = parts(self.place.1, "sort: $sort", wanted);
        let head = format!("query($sort: [{}!]", self.listing().sort);
        if self.root == "viewer" {
            let query = format!("{head}) {{ viewer {{ databaseId {list} }} }}");
            let answer = shop.graphql(&query, json!({"sort": sort}), key).await;
            assert!(answer.get("errors").is_none(), "{query}: {answer}");
            return vec![answer["data"]["viewer"].clone()];
        }
        let query = format!(
            "{head}, $ids: [Int!]) {{ records: {}(first: {}, filter: {{databaseId: {{in: $ids}}}}) {{ nodes {{ databaseId {list} }} }} }}",
            self.root,
            ids.len()
        );
        let answer = shop.graphql(&query, json!({"sort": sort, "ids": ids}), key).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        let records = answer["data"]["records"]["nodes"].as_array().unwrap();
        assert_eq!(records.len(), ids.len(), "{answer}");
        let of = |id: &i64| records.iter().find(|record| record["databaseId"] == *id).unwrap().clone();
        ids.iter().map(of).collect()
    }

    /// The same parts of the list at the root, for the rows of one record.
    async fn twin(&self, shop: &Shop, sort: &Json, id: i64, wanted: &[String]) -> Json {
        let twin = self.twin.unwrap();
        let field = REGISTRY.types["Query"].field_by_name(twin).unwrap();
        let [sort_type, filter] = ["sort", "filter"].map(|name| field.args[name].ty.clone());
        let list = parts(twin, "sort: $sort, filter: $filter", wanted);
        let query = format!("query($sort: {sort_type}, $filter: {filter}) {{ {list} }}");
        let answer = shop.graphql(&query, json!({"sort": sort, "filter": (self.rows_of)(id)}), "all").await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }
}

#[test]
fn every_list_inside_records_is_tried() {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, ty) in &REGISTRY.types {
        let MetaType::Object { fields, .. } = ty else { continue };
        let lists = fields.values().filter(|field| name != "Query" && field.args.contains_key("after"));
        found.extend(lists.map(|field| (name.clone(), field.name.clone())));
    }
    let mut tried: Vec<_> =
        NESTED.iter().map(|nested| (nested.place.0.to_owned(), nested.place.1.to_owned())).collect();
    found.sort();
    tried.sort();
    assert_eq!(found, tried);
}

/// Rows, order, cursors, ends and totals are those of the list at the root, in every order, from both ends.
#[tokio::test]
async fn a_list_inside_records_answers_as_the_one_at_the_root() {
    let shop = cursors::shop().await;
    let [session, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    for nested in NESTED {
        let key = if nested.root == "viewer" { &session } else { "all" };
        let same = |part: &Json| if key == "all" { part.clone() } else { without_cursors(part.clone()) };
        let plain: Vec<String> = PARTS.iter().map(|part| (*part).to_owned()).collect();
        let mut most = 0;
        for (at, sort) in nested.listing().orders().into_iter().enumerate() {
            let records = nested.read(&shop, key, &sort, nested.parents, &plain).await;
            // The order by primary key for all records, each other one for one of them.
            let looked_at = at % nested.parents.len();
            let records = nested.parents.iter().zip(records).enumerate();
            for (_, (id, record)) in records.filter(|(parent, _)| sort.is_null() || *parent == looked_at) {
                let label = format!("{:?} of {id} by {sort}", nested.place);
                let edges = record["p1"]["edges"].as_array().unwrap();
                most = most.max(edges.len());
                let mut behind = Vec::new();
                if let Some(edge) = edges.get(edges.len() / 2) {
                    let cursor = edge["cursor"].as_str().unwrap();
                    for part in [
                        "first: 2, after",
                        "last: 2, before",
                        "last: 2, after",
                        "first: 1, before",
                        "before",
                        "after",
                    ] {
                        behind.push(format!("{part}: {cursor:?}"));
                    }
                }
                if nested.twin.is_none() {
                    continue;
                }
                let twin = nested.twin(&shop, &sort, *id, &plain).await;
                for (at, part) in plain.iter().enumerate() {
                    let name = format!("p{at}");
                    assert_eq!(same(&record[&name]), same(&twin[&name]), "{label}: {part}");
                }
                // Cursors of a view are its own.
                if key == "all" && !behind.is_empty() {
                    let rest = nested.read(&shop, key, &sort, &[*id], &behind).await.remove(0);
                    let twin = nested.twin(&shop, &sort, *id, &behind).await;
                    for (at, part) in behind.iter().enumerate() {
                        let name = format!("p{at}");
                        assert_eq!(rest[&name], twin[&name], "{label}: {part}");
                    }
                }
            }
        }
        assert!(most > 2, "{:?} has few rows: {most}", nested.place);
    }
    shop.close().await;
}

/// Two lists of one field with arguments of their own, in fragments and variables; the second run comes from the cache of
/// operations.
#[tokio::test]
async fn lists_are_asked_by_aliases_fragments_and_variables() {
    let shop = cursors::shop().await;
    let query = "query($n: Int, $status: InvoiceStatus, $more: Boolean = true) { customers(filter: {databaseId: {in: [1, 2]}}) {
        nodes { databaseId one: invoices(first: $n) { ...Ids }
            paid: invoices(filter: {status: {eq: $status}}, sort: [{field: TOTAL, direction: DESC}]) @include(if: $more) {
                totalCount ...Ids ... on InvoiceConnection { edges { node { status } } } }
            ...Same } } }
        fragment Ids on InvoiceConnection { nodes { databaseId } }
        fragment Same on Customer { one: invoices(first: $n) { pageInfo { hasNextPage } } }";
    for (variables, one, paid) in [
        (json!({"n": 1, "status": "PAID"}), 1, Some("PAID")),
        (json!({"n": 2, "status": "DRAFT"}), 2, Some("DRAFT")),
        (json!({"n": 2, "status": "DRAFT", "more": false}), 2, None),
        (json!({"n": 1, "status": "PAID", "more": true}), 1, Some("PAID")),
    ] {
        let before = shop.statements();
        let answer = shop.graphql(query, variables.clone(), "all").await;
        assert!(answer.get("errors").is_none(), "{answer}");
        let cost = shop.statements() - before;
        assert!(cost <= if paid.is_some() { 4 } else { 2 }, "{cost} statements, {variables}");
        for customer in answer["data"]["customers"]["nodes"].as_array().unwrap() {
            let found = customer["one"]["nodes"].as_array().unwrap();
            assert!(
                found.len() <= one && customer["one"]["pageInfo"]["hasNextPage"].is_boolean(),
                "{customer}"
            );
            let Some(status) = paid else {
                assert!(customer.get("paid").is_none(), "{customer}");
                continue;
            };
            let edges = customer["paid"]["edges"].as_array().unwrap();
            assert_eq!(customer["paid"]["totalCount"], edges.len(), "{customer}");
            assert!(edges.iter().all(|edge| edge["node"]["status"] == status), "{customer}");
        }
    }
    shop.close().await;
}

/// What is wrong with the arguments of one list is told once and leaves everything around it.
#[tokio::test]
async fn wrong_arguments_are_told_beside_the_rest() {
    let shop = Shop::golden("en").await;
    for (list, code) in [
        ("products(first: 1, last: 1) { totalCount }", "BAD_USER_INPUT"),
        ("products(first: -1) { totalCount }", "BAD_USER_INPUT"),
        ("products(page: 0) { totalCount }", "BAD_USER_INPUT"),
        ("products(after: \"x\") { nodes { name } }", "BAD_USER_INPUT"),
        ("groups(before: \"\") { nodes { name } }", "BAD_USER_INPUT"),
        ("groups(page: 1, after: \"x\") { nodes { name } }", "BAD_USER_INPUT"),
    ] {
        // Once by the validating schema, once more by the other.
        let query = format!("{{ groups(first: 3) {{ nodes {{ name list: {list} }} }} }}");
        for _ in 0..2 {
            let answer = shop.graphql(&query, json!({}), "all").await;
            assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{list}: {answer}");
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{list}: {answer}");
            assert_eq!(
                answer["errors"][0]["path"],
                json!(["groups", "nodes", 0, "list"]),
                "{list}: {answer}"
            );
            let nodes = answer["data"]["groups"]["nodes"].as_array().unwrap();
            assert!(nodes.iter().all(|node| node["list"].is_null() && node["name"].is_string()), "{answer}");
        }
    }
    for (list, code) in [
        ("products(first: 101) { totalCount }", "LIST_TOO_LONG"),
        ("products(filter: {x: 1}) { totalCount }", "GRAPHQL_VALIDATION_FAILED"),
        ("productsCount", "GRAPHQL_VALIDATION_FAILED"),
        ("productsExists", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let answer = shop.graphql(&format!("{{ groups {{ nodes {{ {list} }} }} }}"), json!({}), "all").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{list}: {answer}");
    }
    // Null is as good as nothing.
    let query = "query($n: Int, $f: ProductFilter, $s: [ProductSort!], $c: String) { group(id: 1) { a: products(first: $n, \
                 filter: $f, sort: $s, after: $c, last: null, page: null) { nodes { name } } b: products { nodes { name } } } }";
    for variables in [json!({}), json!({"n": null, "f": null, "s": null, "c": null})] {
        let answer = shop.graphql(query, variables, "all").await;
        let group = &answer["data"]["group"];
        assert!(group["a"] == group["b"] && group["a"].is_object(), "{answer}");
    }
    shop.close().await;
}

/// A condition on related records needs their ability, as at the root.
#[tokio::test]
async fn conditions_need_their_abilities() {
    let shop = Shop::golden("en").await;
    let query = "{ products(first: 2) { nodes { services(filter: {customer: {city: {eq: \"x\"}}}) { totalCount } } } }";
    let key = key(&shop, "[\"products:index\", \"services:index\"]").await;
    let answer = shop.graphql(query, json!({}), &key).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    assert!(answer["data"]["products"]["nodes"][0]["services"].is_null(), "{answer}");
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer["data"]["products"]["nodes"][0]["services"]["totalCount"], 0, "{answer}");
    shop.close().await;
}

/// A customer sees only what is its own, and cannot ask by what it does not see.
#[tokio::test]
async fn customers_ask_only_by_what_they_see() {
    let shop = cursors::shop().await;
    let [session, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let query = "{ viewer { services(filter: {or: [{databaseId: {gt: 0}}, {status: {eq: HIDDEN}}]}, first: 100) { totalCount \
                 nodes { status } } invoices(filter: {or: [{status: {eq: DRAFT}}, {databaseId: {gt: 0}}]}, first: 100) { \
                 totalCount nodes { status } } } }";
    let answer = shop.graphql(query, json!({}), &session).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    for (list, customers, hidden) in [("services", "services", "HIDDEN"), ("invoices", "invoices", "DRAFT")] {
        let own = format!(
            "query($f: {}Filter) {{ {customers}(filter: $f) {{ totalCount }} }}",
            ["Service", "Invoice"][usize::from(list == "invoices")]
        );
        let filter = json!({"customerId": {"eq": 1}, "status": {"ne": hidden}});
        let all = shop.graphql(&own, json!({"f": filter}), "all").await;
        assert_eq!(
            answer["data"]["viewer"][list]["totalCount"], all["data"][customers]["totalCount"],
            "{answer} {all}"
        );
        let nodes = answer["data"]["viewer"][list]["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|node| node["status"] != hidden), "{answer}");
    }
    for filter in [
        "services(filter: {customerId: {eq: 2}})",
        "services(sort: [{field: CUSTOMER_ID}])",
        "invoices(filter: {notes: {contains: [\"x\"]}})",
        "services(filter: {customer: {city: {eq: \"x\"}}})",
    ] {
        let answer =
            shop.graphql(&format!("{{ viewer {{ {filter} {{ totalCount }} }} }}"), json!({}), &session).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{filter}: {answer}"
        );
    }
    shop.close().await;
}

/// `first: 0` with the total runs one statement for all records, with a condition or without.
#[tokio::test]
async fn totals_cost_one_statement() {
    let shop = cursors::shop().await;
    for list in ["services(first: 0)", "services(first: 0, filter: {status: {eq: ACTIVE}})"] {
        for records in [1, 5, 20] {
            let query = format!(
                "{{ products(first: {records}) {{ nodes {{ databaseId {list} {{ totalCount }} }} }} }}"
            );
            let before = shop.statements();
            let answer = shop.graphql(&query, json!({}), "all").await;
            assert_eq!(shop.statements() - before, 2, "{query}: {answer}");
        }
    }
    shop.close().await;
}

/// What an operation costs.
async fn cost(shop: &Shop, query: &str) -> Json {
    let body = json!({"query": query, "extensions": {"cost": true}});
    let (_, _, answer) = shop.post("/graphql", "all", &body).await;
    answer["extensions"]["cost"].clone()
}

/// The answer counts as many points as it has objects, wherever they stand; conditions are paid for each record.
#[tokio::test]
async fn lists_inside_records_have_their_price() {
    let shop = cursors::shop().await;
    for (list, requested) in [
        ("services(first: 5) { nodes { name } }", 1 + 1 + 4 * (1 + 1 + 5)),
        ("services { nodes { name } }", 1 + 1 + 4 * (1 + 1 + 25)),
        ("services(first: 0) { totalCount }", 1 + 1 + 4 * (1 + 1)),
        (
            "services(last: 2) { edges { node { name } } pageInfo { hasNextPage } }",
            1 + 1 + 4 * (1 + 1 + 1 + 2 * 2),
        ),
        ("services(first: 0, filter: {databaseId: {gt: 0, lt: 9}}) { totalCount }", 1 + 1 + 4 * (1 + 1 + 2)),
    ] {
        let query = format!("{{ products(first: 4) {{ nodes {{ {list} }} }} }}");
        for _ in 0..2 {
            let cost = cost(&shop, &query).await;
            assert_eq!(cost["requested"], requested, "{list}: {cost}");
            assert!(cost["actual"].as_u64() <= Some(requested), "{list}: {cost}");
        }
    }
    let query = "{ products(first: 2, filter: {databaseId: {in: [1, 2]}}) { nodes { services { nodes { name } edges { node { name } cursor } } } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let lists = answer["data"]["products"]["nodes"].as_array().unwrap().iter();
    let rows: usize = lists.map(|node| node["services"]["nodes"].as_array().unwrap().len()).sum();
    let cost = cost(&shop, query).await;
    // The field, its page and two rows; for each a page; each service in `nodes`, as an edge and in it; two values.
    assert_eq!(cost["actual"], 1 + 1 + 2 + 2 + 3 * rows + 2, "{answer}");
    shop.close().await;
}

/// What a statement computes for its condition or order has a price of its own, wherever it is asked and however it is sent.
#[tokio::test]
async fn computed_conditions_and_orders_have_their_weight() {
    let shop = cursors::shop().await;
    let (price, sort) = (json!({"price": {"gt": 1}}), json!([{"field": "PRICE"}]));
    for (query, variables, weighed, rest) in [
        ("{ products(first: 2, filter: {price: {gt: 1}}) { nodes { name } } }", json!({}), 1, 5),
        (
            "{ products(first: 2, filter: {or: [{price: {gt: 1}}, {not: {price: {lt: 2}}}]}) { nodes { name } } }",
            json!({}),
            2,
            6,
        ),
        ("{ products(first: 2, sort: [{field: PRICE}]) { nodes { name } } }", json!({}), 1, 4),
        ("{ products(first: 2, sort: {field: PRICE}) { nodes { name } } }", json!({}), 1, 4),
        ("{ services(first: 2, filter: {product: {price: {gt: 1}}}) { nodes { name } } }", json!({}), 1, 5),
        (
            "{ groups(first: 3) { nodes { products(first: 1, sort: [{field: PRICE}]) { nodes { name } } } } }",
            json!({}),
            3,
            2 + 3 * 3,
        ),
        (
            "query($f: ProductFilter) { products(first: 2, filter: $f) { nodes { name } } }",
            json!({"f": price}),
            1,
            5,
        ),
        (
            "query($f: ProductFilter!) { products(first: 2, filter: {or: [$f, $f]}) { nodes { name } } }",
            json!({"f": price}),
            2,
            6,
        ),
        (
            "query($s: [ProductSort!]) { products(first: 2, sort: $s) { nodes { name } } }",
            json!({"s": sort}),
            1,
            4,
        ),
        (
            "query($w: ProductSortField!) { products(first: 2, sort: [{field: $w}]) { nodes { name } } }",
            json!({"w": "PRICE"}),
            1,
            4,
        ),
        (
            "query($w: ProductSortField!) { products(first: 2, sort: [{field: $w}]) { nodes { name } } }",
            json!({"w": "NAME"}),
            0,
            4,
        ),
        (
            "query($w: ProductSortField! = PRICE) { products(first: 2, sort: [{field: $w}]) { nodes { name } } }",
            json!({}),
            1,
            4,
        ),
        (
            "{ products(first: 2, filter: {status: {eq: ACTIVE}}, sort: [{field: NAME}]) { nodes { name } } }",
            json!({}),
            0,
            5,
        ),
    ] {
        for _ in 0..2 {
            let body = json!({"query": query, "variables": variables, "extensions": {"cost": true}});
            let (_, _, answer) = shop.post("/graphql", "all", &body).await;
            let cost = &answer["extensions"]["cost"];
            assert_eq!(cost["requested"], rest + 100 * weighed, "{query} {variables}: {answer}");
            assert!(cost["actual"].as_u64() >= Some(100 * weighed), "not given back: {query}: {cost}");
        }
    }
    shop.close().await;
}
