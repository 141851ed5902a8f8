//! Departments beyond the recordings: their permission, their tickets, and what a deletion takes along.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value as Json, json};

use crate::harness::rows::{Snapshot, changes};
use crate::harness::shop::{Shop, invalid_fields};

const DEPARTMENTS: &str = "/api/application/departments";
const FIRST: &str = "/api/application/departments/1";

fn department(name: &str) -> Json {
    json!({"name": name, "description": "d", "icon": "bi bi-star"})
}

fn with(field: &str, value: &Json) -> Json {
    let mut body = department("N");
    body[field] = value.clone();
    body
}

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

async fn create(shop: &Shop, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(DEPARTMENTS, "all", body).await;
    (status, body)
}

async fn changes_since(shop: &Shop, before: &Snapshot) -> Vec<String> {
    changes(before, &shop.rows().await).iter().map(ToString::to_string).collect()
}

fn changed_rows(changes: &[String]) -> Vec<&str> {
    changes.iter().map(|change| change.split(" {").next().unwrap()).collect()
}

#[tokio::test]
async fn values_are_refused_in_the_order_of_the_fields() {
    let shop = shop().await;
    let body = json!({"sla_resolution_minutes": 1.5, "sla_first_response_minutes": -1, "icon": [], "description": 5, "name": true});
    let (status, answer) = create(&shop, &body).await;
    assert_eq!(status, 422);
    let expected = ["name", "description", "icon", "sla_first_response_minutes", "sla_resolution_minutes"];
    assert_eq!(invalid_fields(&answer), expected, "{answer}");
    let long = |letters: usize| json!("é".repeat(letters));
    for (field, refused) in [
        ("name", json!([null, "", " ", 5, true, {"a": "b"}, long(256)])),
        ("description", json!([null, "", 5, ["x"], long(1001)])),
        ("icon", json!([null, "", 5, false, long(256)])),
        ("sla_first_response_minutes", json!([-1, 1.5, "x", [], 2_147_483_648_i64, "99999999999999999999"])),
        ("sla_resolution_minutes", json!([-1, "1.5", {}, i64::MAX])),
    ] {
        for value in refused.as_array().unwrap() {
            let (status, answer) = create(&shop, &with(field, value)).await;
            assert_eq!(status, 422, "{field}: {value} {answer}");
            assert_eq!(invalid_fields(&answer), [field], "{value}");
        }
    }
    assert_ne!(create(&shop, &with("name", &json!("a\0b"))).await.0 / 100, 5);
    for (field, most) in [
        ("name", long(255)),
        ("description", long(1000)),
        ("icon", long(255)),
        ("sla_resolution_minutes", json!(2_147_483_647)),
    ] {
        let (status, answer) = create(&shop, &with(field, &most)).await;
        assert_eq!((status, &answer[field]), (201, &most), "{field}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_new_department_has_its_permission() {
    let shop = shop().await;
    let changed = shop.rows().await;
    let mut body = department("Général");
    body["sla_first_response_minutes"] = json!("30");
    body["staff_subscribers"] = json!([1]);
    let (status, answer) = create(&shop, &body).await;
    assert_eq!(status, 201, "names are not unique: {answer}");
    assert_eq!(answer["sla_first_response_minutes"], 30);
    let found = changes_since(&shop, &changed).await;
    assert_eq!(changed_rows(&found), ["insert permissions/41", "insert support_departments/7"]);
    assert!(found[0].contains("admin.manage_tickets_department.7"), "{found:?}");
    assert!(found[1].contains("\"staff_subscribers\":null"), "{found:?}");
    let body = department("At once");
    let answers = join_all((0..4).map(|_| create(&shop, &body))).await;
    let ids: BTreeSet<_> = answers.iter().map(|(_, answer)| answer["id"].as_i64()).collect();
    assert_eq!(ids.len(), 4, "{answers:?}");
    shop.close().await;
}

#[tokio::test]
async fn a_post_needs_all_and_a_put_changes_parts() {
    let shop = shop().await;
    let five = format!("{DEPARTMENTS}/5");
    let (status, answer) = shop.put(&five, &json!({"icon": "bi bi-x", "sla_resolution_minutes": null})).await;
    assert_eq!(
        (status, &answer["icon"], &answer["sla_resolution_minutes"]),
        (200, &json!("bi bi-x"), &Json::Null)
    );
    assert_eq!((&answer["name"], &answer["staff_subscribers"]), (&json!("Abuse"), &json!([1])));
    assert_eq!(answer["sla_first_response_minutes"], 60);
    assert_eq!(shop.put(&five, &json!({"name": null})).await.0, 422);
    let (status, _, answer) = shop.post(&five, "all", &department("Tout")).await;
    assert_eq!(
        (status, &answer["sla_first_response_minutes"]),
        (200, &json!(60)),
        "what is not required stays"
    );
    let unchanged = shop.rows().await;
    assert_eq!(shop.post(&five, "all", &department("Tout")).await.0, 200);
    assert_eq!(shop.put(&five, &json!({})).await.0, 200);
    assert_eq!(shop.put(&five, &json!({"staff_subscribers": [2], "deleted_at": "2026-01-01"})).await.0, 200);
    assert_eq!(changes_since(&shop, &unchanged).await, Vec::<String>::new());
    let (status, _, answer) = shop.post(&five, "all", &json!({"name": "x"})).await;
    assert_eq!((status, invalid_fields(&answer)), (422, vec!["description", "icon"]));
    assert_eq!(shop.put(&format!("{DEPARTMENTS}/6"), &json!({"name": "x"})).await.0, 404, "deleted");
    let answers =
        join_all(
            (0..4).map(|at| {
                let shop = &shop;
                async move {
                    shop.put("/api/application/departments/2", &json!({"name": format!("W{at}")})).await.0
                }
            }),
        )
        .await;
    assert_eq!(answers, [200; 4]);
    let count =
        "SELECT CAST(COUNT(*) AS CHAR(9)) FROM permissions WHERE name = 'admin.manage_tickets_department.2'";
    assert_eq!(shop.text(count).await.as_deref().map(str::trim), Some("1"));
    shop.close().await;
}

#[tokio::test]
async fn graphql_makes_changes_and_deletes() {
    let shop = shop().await;
    let create = "mutation($input: DepartmentInput!) { departmentCreate(input: $input) { department { databaseId name slaResolutionMinutes tickets { nodes { subject } } } } }";
    let input = json!({"name": "G", "description": "d", "icon": "i", "slaResolutionMinutes": 5});
    let answer = shop.graphql(create, json!({"input": input}), "all").await;
    let made = json!({"databaseId": 7, "name": "G", "slaResolutionMinutes": 5, "tickets": {"nodes": []}});
    assert_eq!(answer["data"]["departmentCreate"]["department"], made, "{answer}");
    let answer = shop.graphql(create, json!({"input": {"name": "G"}}), "all").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "VALIDATION_FAILED", "{answer}");
    let update = "mutation { departmentUpdate(id: 7, input: {icon: \"j\"}) { department { name icon } } }";
    let answer = shop.graphql(update, json!({}), "all").await;
    assert_eq!(
        answer["data"]["departmentUpdate"]["department"],
        json!({"name": "G", "icon": "j"}),
        "{answer}"
    );
    let refused = shop.graphql("mutation { departmentDelete(id: 1) { deletedId } }", json!({}), "all").await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("contains tickets"), "{refused}");
    let gone = shop
        .graphql("mutation { departmentDelete(id: 7) { department { name deletedAt } } }", json!({}), "all")
        .await;
    assert_eq!(
        gone["data"]["departmentDelete"]["department"],
        json!({"name": "G", "deletedAt": "2026-11-23T12:00:00.000000Z"})
    );
    shop.close().await;
}

#[tokio::test]
async fn a_deletion_takes_permission_and_translations_along() {
    let shop = shop().await;
    let model = if shop.is_mysql() {
        r"App\\Models\\Helpdesk\\SupportDepartment"
    } else {
        r"App\Models\Helpdesk\SupportDepartment"
    };
    let key = shop.quoted("key");
    assert_eq!(shop.put(FIRST, &json!({"name": "Neuf"})).await.0, 200);
    shop.sql("INSERT INTO permission_role (role_id, permission_id) VALUES (1, 41)").await;
    shop.sql(&format!("INSERT INTO translations (id, model, model_id, {key}, locale, content) VALUES (900, '{model}', 1, 'name', 'en_GB', 'x'), (901, '{model}', 2, 'name', 'en_GB', 'x')")).await;
    shop.sql("UPDATE support_tickets SET deleted_at = '2026-11-22 10:00:00' WHERE department_id = 1").await;
    let changed = shop.rows().await;
    let (status, _, body) = shop.ask("DELETE", FIRST, "all", None).await;
    assert_eq!((status, body), (204, Json::Null), "deleted tickets do not hold it");
    let found = changes_since(&shop, &changed).await;
    let expected = [
        "delete permission_role",
        "delete permissions/41",
        "update support_departments/1",
        "delete translations/900",
    ];
    let rows: Vec<_> = changed_rows(&found)
        .into_iter()
        .map(|kind| if kind.contains("permission_role") { "delete permission_role" } else { kind })
        .collect();
    assert_eq!(rows, expected, "{found:?}");
    assert_eq!(shop.ask("DELETE", FIRST, "all", None).await.0, 404);
    shop.close().await;
}

#[tokio::test]
async fn a_ticket_that_is_being_written_holds_its_department() {
    let shop = shop().await;
    shop.sql("UPDATE support_tickets SET deleted_at = '2026-11-22 10:00:00' WHERE department_id = 1").await;
    let work = shop.db().begin().await.unwrap();
    let ticket =
        "INSERT INTO support_tickets (id, department_id, customer_id, subject) VALUES (900, 1, 1, 'Now')";
    work.execute_unprepared(ticket).await.unwrap();
    let deletion = shop.ask("DELETE", FIRST, "all", None);
    let written = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        work.commit().await.unwrap();
    };
    let ((status, _, body), ()) = tokio::join!(deletion, written);
    assert_eq!(status, 403, "{body}");
    assert_eq!(
        shop.get(&format!("{FIRST}?include=tickets"), "all").await.2["data"][0]["tickets"][0]["id"],
        900
    );
    shop.close().await;
}

#[tokio::test]
async fn tickets_cost_one_statement_and_pages_hold() {
    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.count_ttl = Duration::ZERO;
    })
    .await;
    for id in 1001..1121 {
        shop.sql(&format!("INSERT INTO support_departments (id, name) VALUES ({id}, 'D{id}')")).await;
        shop.sql(&format!(
            "INSERT INTO support_tickets (id, department_id, subject) VALUES ({id}, {id}, 'T')"
        ))
        .await;
    }
    let mut costs = Vec::new();
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let (status, _, body) =
            shop.get(&format!("{DEPARTMENTS}?include=tickets&sort=-id&per_page={rows}"), "all").await;
        assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows));
        costs.push(shop.statements() - before);
        assert_eq!(body["data"][0]["tickets"][0]["subject"], "T");
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    let mut seen = BTreeSet::new();
    for page in 1..=3 {
        let (_, _, body) = shop
            .get(
                &format!("{DEPARTMENTS}?include=tickets,ticketsCount&sort=name&per_page=50&page={page}"),
                "all",
            )
            .await;
        assert_eq!(body["total"], 125);
        seen.extend(body["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
    }
    assert_eq!(seen.len(), 125, "of one name, too, each comes once");
    for (filter, total) in [("name=%25", 0), ("name=_", 0), ("id=1003", 1), ("name=b%00z", 0)] {
        let (status, _, body) =
            shop.get(&format!("{DEPARTMENTS}?filter[{}", filter.replacen('=', "]=", 1)), "all").await;
        assert_eq!((status, &body["total"]), (200, &json!(total)), "{filter} {body}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_change_of_another_state_is_refused() {
    let shop = shop().await;
    let five = format!("{DEPARTMENTS}/5");
    let json = [("Content-Type", "application/json"), ("Accept", "application/json")];
    let late = [&json[..], &[("If-Unmodified-Since", "Tue, 25 Aug 2026 10:59:59 GMT")]].concat();
    let as_read = [&json[..], &[("If-Unmodified-Since", "Tue, 25 Aug 2026 11:00:00 GMT")]].concat();
    for method in ["PUT", "POST", "DELETE"] {
        assert_eq!(
            shop.send_with("all", method, &five, &late, &department("S").to_string()).await.status,
            412,
            "{method}"
        );
    }
    assert_eq!(shop.send_with("all", "PUT", &five, &as_read, r#"{"name": "S"}"#).await.status, 200);
    assert_eq!(shop.send_with("all", "PUT", &five, &as_read, r#"{"name": "T"}"#).await.status, 412);
    shop.close().await;
}

#[tokio::test]
async fn keys_reach_what_they_may() {
    let shop = shop().await;
    let untouched = shop.rows().await;
    for key in ["customer1", "none", "products-read", "health"] {
        for (method, path) in [
            ("GET", DEPARTMENTS),
            ("GET", FIRST),
            ("POST", DEPARTMENTS),
            ("POST", FIRST),
            ("PUT", FIRST),
            ("DELETE", FIRST),
        ] {
            let body = (method != "GET").then(|| department("K"));
            assert_eq!(shop.ask(method, path, key, body.as_ref()).await.0, 403, "{key} {method} {path}");
        }
        let answer =
            shop.graphql("{ departments { nodes { name tickets { subject } } } }", json!({}), key).await;
        assert!(answer["errors"].is_array(), "{key} {answer}");
    }
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    shop.sql(
        r#"UPDATE personal_access_tokens SET abilities = '["departments:index"]' WHERE name = 'health'"#,
    )
    .await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(shop.get(&format!("{DEPARTMENTS}?include=tickets"), "health").await.0, 200);
    let answer =
        shop.graphql("{ departments { nodes { name tickets { subject } } } }", json!({}), "health").await;
    assert!(answer["errors"].is_array() && !answer.to_string().contains("Facture en double"), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn xml_is_read_and_answered() {
    let shop = shop().await;
    let xml = [("Content-Type", "application/xml"), ("Accept", "application/xml")];
    let body = "<d><name>A&lt;B</name><description>d</description><icon>i</icon><sla_resolution_minutes>5</sla_resolution_minutes></d>";
    let answer = shop.send_with("all", "POST", DEPARTMENTS, &xml, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.text().contains("<name>A&lt;B</name>"), "{}", answer.text());
    let answer = shop.send_with("all", "DELETE", &format!("{DEPARTMENTS}/7"), &xml, "").await;
    assert_eq!((answer.status, answer.text().len()), (204, 0));
    shop.close().await;
}
