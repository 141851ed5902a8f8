//! `me`: whose key or session it is, what it may do, and what is left of its limits.

use serde_json::{Value as Json, json};

use crate::graphql::errors::code;
use crate::harness::shop::Shop;
use crate::resource::sessions::sign_in;

const ME: &str = "{ me { kind name abilities limits { unit limit remaining resetsIn } } }";

async fn me(shop: &Shop, key: &str) -> Json {
    let answer = shop.graphql(ME, json!({}), key).await;
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"]["me"].clone()
}

#[tokio::test]
async fn every_kind_of_sender_is_named() {
    let shop = Shop::golden("en").await;
    let [customer, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let [staff, _] = sign_in(&shop, "STAFF", "support@example.com").await;
    let key = me(&shop, "products-read").await;
    assert_eq!((&key["kind"], &key["name"]), (&json!("KEY"), &json!("products-read")));
    assert_eq!(key["abilities"], json!(["products:index", "products:show"]));
    let own = me(&shop, "customer1").await;
    assert_eq!((&own["kind"], &own["name"]), (&json!("KEY"), &json!("customer1")));
    let none = me(&shop, "none").await;
    assert_eq!(none["abilities"], json!([]), "a key without abilities knows that it has none");
    let customer = me(&shop, &customer).await;
    assert_eq!(customer["kind"], "CUSTOMER");
    assert!(customer["abilities"].as_array().unwrap().contains(&json!("client-api")), "{customer}");
    let staff = me(&shop, &staff).await;
    assert_eq!(staff["kind"], "STAFF");
    assert!(staff["abilities"].as_array().unwrap().contains(&json!("customers:index")), "{staff}");
    assert_eq!(staff["name"], "Bo Support");
    assert!(customer["name"].as_str().is_some_and(|name| name.contains(' ')), "{customer}");
    for key in ["", "expired", "wrong"] {
        assert_eq!(code(&shop.graphql(ME, json!({}), key).await), "UNAUTHENTICATED", "{key}");
    }
    shop.close().await;
}

#[tokio::test]
async fn limits_are_those_of_the_headers() {
    let shop =
        Shop::with("en", |config| (config.rate_limit, config.cost_limit) = (Some(60), Some(1000))).await;
    for round in 1..=2 {
        let (_, headers, body) = shop.post("/graphql", "none", &json!({"query": ME})).await;
        let limits = &body["data"]["me"]["limits"];
        let header =
            |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(limits[0]["unit"], "REQUESTS");
        assert_eq!((&limits[0]["limit"], &limits[0]["remaining"]), (&json!(60), &json!(60 - round)));
        assert_eq!(header("x-ratelimit-remaining"), Some((60 - round).to_string().as_str()));
        assert_eq!((&limits[1]["unit"], &limits[1]["limit"]), (&json!("POINTS"), &json!(1000)));
        assert!(limits[1]["remaining"].as_i64().is_some_and(|left| (900..1000).contains(&left)), "{limits}");
        assert!(
            limits[0]["resetsIn"].as_i64().is_some_and(|seconds| (0..=60).contains(&seconds)),
            "{limits}"
        );
    }
    shop.close().await;
    let shop = Shop::with("en", |config| (config.rate_limit, config.cost_limit) = (None, None)).await;
    assert_eq!(me(&shop, "none").await["limits"], json!([]));
    shop.close().await;
}

#[tokio::test]
async fn a_sender_costs_one_statement() {
    let shop = Shop::golden("en").await;
    me(&shop, "all").await;
    let before = shop.statements();
    let answer = shop.graphql("{ a: me { name } b: me { abilities } }", json!({}), "all").await;
    assert_eq!(answer["data"]["a"]["name"], "all", "{answer}");
    assert!(shop.statements() - before <= 2, "one for each field that is asked");
    shop.close().await;
}

/// What `viewerCan` names is done, and what it leaves out is refused.
#[tokio::test]
async fn a_client_knows_beforehand_what_it_may_do() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    super::sessions::attach(&shop, 2, "2fa_secret", "A").await;
    let query = "{ services(perPage: 100) { nodes { databaseId viewerCan } } customers(perPage: 100) { nodes { databaseId viewerCan } } }";
    let before = shop.statements();
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(shop.statements() - before <= 7, "no statement a row");
    let mut outcomes = std::collections::BTreeMap::new();
    for (list, kind, actions) in [
        (
            "services",
            "service",
            &[
                ("SUSPEND", "Suspend"),
                ("EXPIRE", "Expire"),
                ("UNSUSPEND", "Unsuspend"),
                ("UNSUSPEND", "Unsuspend"),
            ][..],
        ),
        (
            "customers",
            "customer",
            &[
                ("DISABLE_TWO_FACTOR", "DisableTwoFactor"),
                ("SUSPEND", "Suspend"),
                ("REACTIVATE", "Reactivate"),
                ("REACTIVATE", "Reactivate"),
                ("BAN", "Ban"),
                ("SUSPEND", "Suspend"),
                ("CONFIRM", "Confirm"),
                ("DELETE", "Delete"),
            ],
        ),
    ] {
        for (word, action) in actions {
            for row in answer["data"][list]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")) {
                // Earlier actions of this test have changed the others.
                let now = format!("{{ {kind}(id: {}) {{ viewerCan }} }}", row["databaseId"]);
                let now = shop.graphql(&now, json!({}), "all").await["data"][kind]["viewerCan"].clone();
                let allowed = now.as_array().unwrap().contains(&json!(word));
                let ask = format!(
                    "mutation {{ m: {kind}{action}(id: {}) {{ userErrors {{ code }} }} }}",
                    row["databaseId"]
                );
                let done = shop.graphql(&ask, json!({}), "all").await;
                assert_eq!(done["data"]["m"]["userErrors"] == json!([]), allowed, "{word} {row}: {done}");
                *outcomes.entry((*word, allowed)).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(outcomes.len(), 15, "each is allowed and refused but `BAN`: {outcomes:?}");
    let few = shop.graphql("{ services { nodes { viewerCan } } }", json!({}), "products-read").await;
    assert_eq!(few["errors"][0]["extensions"]["code"], "FORBIDDEN", "{few}");
    shop.close().await;
}

#[tokio::test]
async fn nothing_can_be_done_without_the_ability_or_where_nothing_is_written() {
    let shop = Shop::golden("en").await;
    shop.sql("UPDATE personal_access_tokens SET abilities = '[\"services:index\", \"services:suspend\"]' WHERE name = 'health'").await;
    let query = "{ services(filter: {status: {eq: ACTIVE}}, first: 1) { nodes { viewerCan } } }";
    let answer = shop.graphql(query, json!({}), "health").await;
    assert_eq!(answer["data"]["services"]["nodes"][0]["viewerCan"], json!(["SUSPEND"]), "{answer}");
    shop.close().await;
    let shop = Shop::with("en", |config| config.read_only = true).await;
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer["data"]["services"]["nodes"][0]["viewerCan"], json!([]), "{answer}");
    shop.close().await;
}
