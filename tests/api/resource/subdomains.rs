//! Subdomain hosts beyond the recordings: their lists of products and groups, the dot, bad input, and writers at once.

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::harness::rows::{Snapshot, changes};
use crate::harness::shop::{Shop, invalid_fields};

const HOSTS: &str = "/api/application/subdomains";
const SECOND: &str = "/api/application/subdomains/2";

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

async fn create(shop: &Shop, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(HOSTS, "all", body).await;
    (status, body)
}

async fn changes_since(shop: &Shop, before: &Snapshot) -> Vec<String> {
    changes(before, &shop.rows().await).iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn values_are_refused_in_the_order_of_the_fields() {
    let shop = shop().await;
    let body = json!({"groups": 5, "products": "x", "domain": []});
    let (status, answer) = create(&shop, &body).await;
    assert_eq!((status, invalid_fields(&answer)), (422, vec!["domain", "products", "groups"]), "{answer}");
    let long = |letters: usize| json!("d".repeat(letters));
    for value in
        json!([null, "", " ", 5, true, [], {"a": "b"}, long(256), "OLD.example.ORG"]).as_array().unwrap()
    {
        let (status, answer) = create(&shop, &json!({"domain": value})).await;
        assert_eq!((status, invalid_fields(&answer)), (422, vec!["domain"]), "{value} {answer}");
    }
    for field in ["products", "groups"] {
        for (value, wrong) in [
            (json!([0]), "0"),
            (json!([1, 999]), "1"),
            (json!(["x"]), "0"),
            (json!([1.5]), "0"),
            (json!([[1]]), "0"),
            (json!([1, null]), "1"),
        ] {
            let mut body = json!({"domain": "n.example.com"});
            body[field] = value.clone();
            let (status, answer) = create(&shop, &body).await;
            assert_eq!(
                (status, invalid_fields(&answer)),
                (422, vec![format!("{field}.{wrong}").as_str()]),
                "{value} {answer}"
            );
        }
    }
    assert_ne!(create(&shop, &json!({"domain": "a\0b"})).await.0 / 100, 5);
    let (status, answer) =
        create(&shop, &json!({"domain": long(255), "products": null, "groups": ["1", 2]})).await;
    assert_eq!(
        (status, &answer["products"], &answer["groups"]),
        (201, &json!([]), &json!([1, 2])),
        "{answer}"
    );
    shop.close().await;
}

#[tokio::test]
async fn a_change_keeps_what_is_left_out() {
    let shop = shop().await;
    let untouched = shop.rows().await;
    for body in [
        json!({}),
        json!({"domain": "mc.example.net"}),
        json!({"products": [4, 5], "groups": ["2"]}),
        json!({"deleted_at": "2026-01-01"}),
    ] {
        assert_eq!(shop.put(SECOND, &body).await.0, 200, "{body}");
    }
    assert_eq!(shop.put(SECOND, &json!({"domain": "sub.example.com"})).await.0, 422, "taken");
    assert_eq!(shop.put(SECOND, &json!({"domain": null})).await.0, 422);
    assert_eq!(shop.put(&format!("{HOSTS}/3"), &json!({"domain": "x"})).await.0, 404, "deleted");
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    let (status, answer) = shop.put(SECOND, &json!({"products": null})).await;
    assert_eq!((status, &answer["products"], &answer["groups"]), (200, &json!([]), &json!([2])));
    let (status, _, answer) =
        shop.post(SECOND, "all", &json!({"domain": "mc.example.net", "groups": []})).await;
    assert_eq!((status, &answer["products"], &answer["groups"]), (200, &json!([]), &json!([])));
    shop.close().await;
}

#[tokio::test]
async fn rest_puts_a_dot_before_what_is_stored() {
    let shop = shop().await;
    let (status, answer) = create(&shop, &json!({"domain": ".sub.example.com"})).await;
    assert_eq!((status, &answer["domain"]), (201, &json!(".sub.example.com")), "compared as it is stored");
    let (_, _, found) = shop.get(&format!("{HOSTS}?filter[domain]=.sub.&sort=domain"), "all").await;
    assert_eq!(found["data"][0]["id"], 4, "{found}");
    let query = "{ subdomains(filter: {domain: {contains: \"sub\"}}, sort: [{field: ID}]) { nodes { domain products groups } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let expected = json!([
        {"domain": "sub.example.com", "products": null, "groups": null},
        {"domain": ".sub.example.com", "products": [], "groups": []},
    ]);
    assert_eq!(answer["data"]["subdomains"]["nodes"], expected, "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn graphql_makes_changes_and_deletes() {
    let shop = shop().await;
    let create = "mutation($input: SubdomainInput!) { subdomainCreate(input: $input) { subdomainHost { databaseId domain products groups } userErrors { code field } } }";
    let products =
        shop.graphql("{ products(perPage: 1) { nodes { id databaseId } } }", json!({}), "all").await;
    let product = &products["data"]["products"]["nodes"][0];
    let input = json!({"domain": "g.example.com", "products": [product["id"]]});
    let answer = shop.graphql(create, json!({"input": input}), "all").await;
    let made = json!({"databaseId": 4, "domain": "g.example.com", "products": [product["databaseId"]], "groups": []});
    assert_eq!(answer["data"]["subdomainCreate"]["subdomainHost"], made, "{answer}");
    let answer = shop.graphql(create, json!({"input": {"domain": "G.example.com"}}), "all").await;
    let refused = json!([{"code": "NOT_UNIQUE", "field": ["input", "domain"]}]);
    assert_eq!(answer["data"]["subdomainCreate"]["userErrors"], refused, "{answer}");
    let update =
        "mutation { subdomainUpdate(id: 4, input: {groups: [1]}) { subdomainHost { domain groups } } }";
    let answer = shop.graphql(update, json!({}), "all").await;
    let changed = json!({"domain": "g.example.com", "groups": [1]});
    assert_eq!(answer["data"]["subdomainUpdate"]["subdomainHost"], changed, "{answer}");
    let delete = "mutation { subdomainDelete(id: 4) { deletedId subdomainHost { domain deletedAt } } }";
    let gone = shop.graphql(delete, json!({}), "all").await;
    assert_eq!(gone["data"]["subdomainDelete"]["subdomainHost"]["domain"], "g.example.com", "{gone}");
    let again = shop
        .graphql(delete.replace("{ deletedId", "{ userErrors { code } deletedId").as_str(), json!({}), "all")
        .await;
    assert_eq!(again["data"]["subdomainDelete"]["userErrors"][0]["code"], "NOT_FOUND", "{again}");
    shop.close().await;
}

#[tokio::test]
async fn a_deletion_takes_metadata_along_and_keeps_the_domain() {
    let shop = shop().await;
    let model = if shop.is_mysql() {
        r"App\\Models\\Provisioning\\SubdomainHost"
    } else {
        r"App\Models\Provisioning\SubdomainHost"
    };
    let key = shop.quoted("key");
    shop.sql(&format!("INSERT INTO metadata (id, model_id, model_type, {key}, value) VALUES (900, 2, '{model}', 'a', 'b'), (901, 1, '{model}', 'a', 'b')")).await;
    let before = shop.rows().await;
    let (status, _, body) = shop.ask("DELETE", SECOND, "all", None).await;
    assert_eq!((status, body), (200, json!({"message": "Subdomain host deleted successfully"})));
    let found = changes_since(&shop, &before).await;
    let kinds: Vec<&str> = found.iter().map(|change| change.split(" {").next().unwrap()).collect();
    assert_eq!(kinds, ["delete metadata/900", "update subdomains_hosts/2"], "{found:?}");
    assert_eq!(create(&shop, &json!({"domain": "mc.example.net"})).await.0, 422, "it stays taken");
    let (status, _, body) = shop.get(SECOND, "all").await;
    assert_eq!((status, &body["total"]), (200, &json!(0)));
    assert_eq!(shop.ask("DELETE", SECOND, "all", None).await.0, 404);
    shop.close().await;
}

#[tokio::test]
async fn a_domain_is_taken_once_by_writers_at_once() {
    let shop = shop().await;
    let body = json!({"domain": "once.example.com"});
    let made = join_all((0..8).map(|_| create(&shop, &body))).await;
    let statuses: Vec<u16> = made.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{made:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 7, "{made:?}");
    let changed = join_all([1, 2].map(|id| {
        let shop = &shop;
        async move { shop.put(&format!("{HOSTS}/{id}"), &json!({"domain": "both.example.com"})).await.0 }
    }))
    .await;
    assert_eq!(changed.iter().filter(|status| **status == 200).count(), 1, "{changed:?}");
    shop.close().await;
}

#[tokio::test]
async fn lists_cost_the_same_however_many_rows() {
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.count_ttl = std::time::Duration::ZERO;
    })
    .await;
    for id in 101..231 {
        shop.sql(&format!("INSERT INTO subdomains_hosts (id, domain) VALUES ({id}, 'd{id}.example.com')"))
            .await;
    }
    let (mut rest, mut graphql) = (Vec::new(), Vec::new());
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let (status, _, body) = shop.get(&format!("{HOSTS}?per_page={rows}&sort=-products"), "all").await;
        assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows));
        rest.push(shop.statements() - before);
        let before = shop.statements();
        let query = "query($n: Int) { subdomains(perPage: $n) { nodes { domain } } }";
        let answer = shop.graphql(query, json!({"n": rows}), "all").await;
        assert_eq!(answer["data"]["subdomains"]["nodes"].as_array().unwrap().len(), rows, "{answer}");
        graphql.push(shop.statements() - before);
    }
    assert_eq!((rest, graphql), (vec![2; 3], vec![1; 3]));
    shop.close().await;
}

#[tokio::test]
async fn xml_is_read_and_answered() {
    let shop = shop().await;
    let xml = [("Content-Type", "application/xml"), ("Accept", "application/xml")];
    let body = "<s><domain>x.example.com</domain><products><item>1</item><item>2</item></products></s>";
    let answer = shop.send_with("all", "POST", HOSTS, &xml, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.text().contains("<products><item>1</item><item>2</item></products>"), "{}", answer.text());
    shop.close().await;
}
