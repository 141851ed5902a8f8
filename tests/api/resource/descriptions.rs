//! Descriptions, which the shop prints as HTML: what runs something is refused on both faces, what shows is stored as
//! it was sent. The texts are in `tests/html/`.

use serde_json::{Value as Json, json};

use crate::harness::rows::quoted;
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;

const ATTACKS: &str = include_str!("../../html/attacks.json");
const HARMLESS: &str = include_str!("../../html/harmless.json");
/// Harmless, but refused for products by the rule that was recorded.
const RECORDED: &str = include_str!("../../html/recorded.json");
const REFUSED: &str = "The description contains forbidden script, php or active-content tags.";

fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap()
}

async fn shop() -> Shop {
    let unlimited = |config: &mut guichet::platform::config::Config| {
        config.rate_limit = None;
        config.cost_limit = None;
    };
    Shop::with("en", unlimited).await
}

/// A new record of each kind with this description, as REST and GraphQL spell it.
fn new_records(description: &str, number: usize) -> [(&'static str, Json, &'static str, Json); 2] {
    let product = |group: &str, status: &str| json!({"name": "N", "description": description, "status": status, group: 1, "stock": 1, "type": "none"});
    let group = |order: &str, status: &str| json!({"name": "N", "description": description, "status": status, "slug": format!("n-{number}"), order: 1});
    [
        ("products", product("group_id", "active"), "product", product("groupId", "ACTIVE")),
        ("groups", group("sort_order", "active"), "group", group("sortOrder", "ACTIVE")),
    ]
}

async fn mutate(shop: &Shop, kind: &str, action: &str, id: &str, input: &Json) -> Json {
    let (upper, rest) = kind.split_at(1);
    let ty = format!("{}{rest}{action}Input", upper.to_uppercase());
    let query = format!(
        "mutation($input: {ty}!) {{ {kind}{action}({id} input: $input) {{ {kind} {{ description }} }} }}"
    );
    shop.graphql(&query, json!({ "input": input }), "all").await
}

fn assert_refused_by_rest(answer: (u16, Vec<(String, String)>, Json), description: &str) {
    let reported = json!({"message": REFUSED, "errors": {"description": [REFUSED]}});
    assert_eq!((answer.0, &answer.2), (422, &reported), "{description:?}");
}

fn assert_refused_by_graphql(answer: &Json, description: &str) {
    let reported = &answer["errors"][0]["extensions"];
    assert_eq!(reported["code"], "VALIDATION_FAILED", "{description:?}: {answer}");
    let text = "The description field contains HTML that is not allowed.";
    assert_eq!(reported["errors"]["description"], json!([text]), "{description:?}: {answer}");
}

#[tokio::test]
async fn what_runs_something_is_refused() {
    let shop = shop().await;
    let before = shop.rows().await;
    for (number, attack) in texts(ATTACKS).iter().enumerate() {
        let change = json!({ "description": attack });
        for (path, sent, kind, input) in new_records(attack, number) {
            let path = format!("/api/application/{path}");
            assert_refused_by_rest(shop.post(&path, "all", &sent).await, attack);
            assert_refused_by_rest(shop.ask("PUT", &format!("{path}/1"), "all", Some(&change)).await, attack);
            assert_refused_by_graphql(&mutate(&shop, kind, "Create", "", &input).await, attack);
            assert_refused_by_graphql(&mutate(&shop, kind, "Update", "id: 1", &change).await, attack);
        }
    }
    assert_eq!(shop.rows().await, before);
    shop.close().await;
}

async fn assert_stored(shop: &Shop, table: &str, id: u32, sent: &str) {
    let sql = format!("SELECT description FROM {} WHERE id = {id}", quoted(*BACKEND, table));
    assert_eq!(shop.text(&sql).await.as_deref(), Some(sent));
}

#[tokio::test]
async fn what_shows_is_stored_as_it_was_sent() {
    let shop = shop().await;
    for text in texts(HARMLESS) {
        for (table, kind) in [("products", "product"), ("groups", "group")] {
            let change = json!({ "description": text });
            let path = format!("/api/application/{table}");
            let (status, _, body) = shop.ask("PUT", &format!("{path}/1"), "all", Some(&change)).await;
            assert_eq!((status, &body["description"]), (200, &json!(text)), "{body}");
            assert_stored(&shop, table, 1, &text).await;
            let answer = mutate(&shop, kind, "Update", "id: 2", &change).await;
            assert_eq!(answer["data"][format!("{kind}Update")][kind]["description"], json!(text), "{answer}");
            assert_stored(&shop, table, 2, &text).await;
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn the_recorded_rule_of_products_stays_and_groups_do_not_get_it() {
    let shop = shop().await;
    for text in texts(RECORDED) {
        let change = json!({ "description": text });
        let refused = shop.ask("PUT", "/api/application/products/1", "all", Some(&change)).await;
        assert_refused_by_rest(refused, &text);
        let (status, _, body) = shop.ask("PUT", "/api/application/groups/1", "all", Some(&change)).await;
        assert_eq!((status, &body["description"]), (200, &json!(text)), "{body}");
    }
    shop.close().await;
}
