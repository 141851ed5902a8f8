//! Cancellation reasons beyond the recordings: their documented paths, how often each was picked, bad input, and writers at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::harness::rows::{Snapshot, changes};
use crate::harness::shop::{Shop, invalid_fields};

const REASONS: &str = "/api/application/cancellation_reasons";
const SECOND: &str = "/api/application/cancellation_reasons/2";
const ANALYTICS: &str = "/api/application/cancellation_reasons_analytics";

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

async fn create(shop: &Shop, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(REASONS, "all", body).await;
    (status, body)
}

async fn changes_since(shop: &Shop, before: &Snapshot) -> Vec<String> {
    changes(before, &shop.rows().await).iter().map(ToString::to_string).collect()
}

/// Services 1 to 5 are cancelled: for a reason that is there, for a deleted one, twice by a text alone, and by a key in the
/// text, as older versions wrote it. Those of the recorded shop keep reason 2.
async fn cancel_services(shop: &Shop) {
    for (service, key, text, at) in [
        (1, "1", "'Je ne suis pas satisfait - trop lent'", "2026-11-10 00:00:00"),
        (2, "8", "'Supprimée'", "2026-11-11 23:59:59"),
        (3, "NULL", "'Je pars'", "2026-11-12 10:00:00"),
        (4, "NULL", "'Je pars'", "2026-11-12 11:00:00"),
        (6, "NULL", "'1'", "2026-11-13 10:00:00"),
    ] {
        shop.sql(&format!(
            "UPDATE services SET cancellation_reason_id = {key}, cancelled_reason = {text}, cancelled_at = '{at}' WHERE id = {service}"
        ))
        .await;
    }
}

async fn analytics(shop: &Shop, query: &str) -> (u16, Json) {
    let (status, _, body) = shop.get(&format!("{ANALYTICS}{query}"), "all").await;
    (status, body)
}

#[tokio::test]
async fn services_are_counted_by_the_key_of_their_reason() {
    let shop = shop().await;
    cancel_services(&shop).await;
    let before = shop.statements();
    let (status, body) = analytics(&shop, "").await;
    assert_eq!(shop.statements() - before, 2, "lines and texts");
    let expected = json!({
        "start_date": "2026-05-23",
        "end_date": "2026-11-23",
        "total_cancellations": 10,
        "distribution": [
            {"reason_id": "2", "reason": "Je n'ai plus besoin de ce service", "count": 5},
            {"reason_id": "1", "reason": "Je ne suis pas satisfait", "count": 2},
            {"reason_id": "Je pars", "reason": "Unknown", "count": 2},
            {"reason_id": "8", "reason": "Unknown", "count": 1},
        ],
    });
    assert_eq!((status, &body), (200, &expected));
    let query = "{ cancellationAnalytics { from to total distribution { reasonId stored reason count } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let figures = &answer["data"]["cancellationAnalytics"];
    assert_eq!((&figures["from"], &figures["total"]), (&json!("2026-05-23"), &json!(10)), "{answer}");
    let first = &figures["distribution"][0];
    assert_eq!((&first["stored"], &first["count"]), (&json!("2"), &json!(5)));
    let node = shop.graphql("query($id: ID!) { node(id: $id) { ... on CancellationReason { databaseId services { totalCount } } } }", json!({"id": first["reasonId"]}), "all").await;
    assert_eq!(node["data"]["node"], json!({"databaseId": 2, "services": {"totalCount": 5}}), "{node}");
    assert_eq!(figures["distribution"][3]["reasonId"], Json::Null, "a deleted reason is no node");
    shop.close().await;
}

#[tokio::test]
async fn a_period_holds_its_first_and_its_last_day() {
    let shop = shop().await;
    cancel_services(&shop).await;
    for (query, total) in [
        ("?start_date=2026-11-10&end_date=2026-11-11", 2),
        ("?start_date=2026-11-11&end_date=2026-11-11", 1),
        ("?start_date=2026-11-12&end_date=2026-11-13", 3),
        ("?start_date=2026-11-13&end_date=2026-11-12", 0),
        ("?start_date=&end_date=2026-11-10", 1),
        ("?start_date=0001-01-01&end_date=9999-12-31", 10),
        ("?start_date=0000-01-01", 10),
    ] {
        let (status, body) = analytics(&shop, query).await;
        assert_eq!((status, &body["total_cancellations"]), (200, &json!(total)), "{query} {body}");
    }
    let (_, body) = analytics(&shop, "?start_date=2026-11-10&end_date=2026-11-11").await;
    assert_eq!((&body["start_date"], &body["end_date"]), (&json!("2026-11-10"), &json!("2026-11-11")));
    let query = "{ cancellationAnalytics(from: \"2026-11-11\", to: \"2026-11-12\") { total } }";
    assert_eq!(shop.graphql(query, json!({}), "all").await["data"]["cancellationAnalytics"]["total"], 3);
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_day_is_refused() {
    let shop = shop().await;
    for day in ["abc", "2026-02-30", "2026-1-1", "20260101", "2026-01-01%2010:00:00", "0", "-1"] {
        let (status, body) = analytics(&shop, &format!("?start_date={day}")).await;
        assert_eq!((status, invalid_fields(&body)), (422, vec!["start_date"]), "{day} {body}");
        assert_eq!(body["message"], "The start date field is not a valid date.", "{day}");
    }
    let (status, body) = analytics(&shop, "?end_date=x").await;
    assert_eq!((status, invalid_fields(&body)), (422, vec!["end_date"]));
    assert_eq!(analytics(&shop, "?start_date[]=2026-01-01").await.0, 200, "a list counts as not sent");
    let answer = shop.graphql("{ cancellationAnalytics(from: \"x\") { total } }", json!({}), "all").await;
    assert!(answer["errors"].is_array(), "{answer}");
    let answer = shop
        .graphql("{ cancellationAnalytics(startDate: \"2026-01-01\") { total } }", json!({}), "all")
        .await;
    assert!(answer["errors"].is_array(), "an argument of REST alone: {answer}");
    shop.close().await;
}

#[tokio::test]
async fn lines_are_limited_and_the_total_is_not() {
    let shop = shop().await;
    for part in 0..13 {
        let rows = (0..100).map(|row| {
            let id = 1000 + part * 100 + row;
            format!("({id}, 1, '00000000-0000-0000-0000-00000000{id}', 'S', 'none', 1, 'cancelled', 'Texte {id}', '2026-11-12 11:00:00')")
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        shop.sql(&format!("INSERT INTO services (id, customer_id, uuid, name, type, product_id, status, cancelled_reason, cancelled_at) VALUES {rows}")).await;
    }
    let (status, body) = analytics(&shop, "").await;
    assert_eq!((status, &body["total_cancellations"]), (200, &json!(1305)));
    assert_eq!(body["distribution"].as_array().unwrap().len(), 1000);
    assert_eq!(body["distribution"][0]["count"], 5, "most first");
    shop.close().await;
}

#[tokio::test]
async fn paths_of_the_documents_answer_as_those_of_the_original() {
    let shop = shop().await;
    for prefix in ["/api", "/api/api"] {
        for path in ["cancellation_reasons/2", "cancellation_reasons_analytics"] {
            let (_, _, usual) = shop.get(&format!("/api/application/{path}"), "all").await;
            let (status, _, body) = shop.get(&format!("{prefix}/{path}"), "all").await;
            assert_eq!((status, &body), (200, &usual), "{prefix}/{path}");
        }
        let list = format!("{prefix}/cancellation_reasons");
        let (status, _, body) = shop.get(&format!("{list}?filter[reason]=service&per_page=1"), "all").await;
        assert_eq!((status, &body["total"], &body["data"][0]["id"]), (200, &json!(2), &json!(2)));
        assert!(body["path"].as_str().unwrap().ends_with(&list), "{body}");
        let (status, _, made) = shop.post(&list, "all", &json!({"reason": "Neuf", "status": "active"})).await;
        assert_eq!(status, 201, "{made}");
        let one = format!("{list}/{}", made["id"]);
        let (status, _, body) = shop.post(&one, "all", &json!({"status": "hidden"})).await;
        assert_eq!((status, &body["status"]), (200, &json!("hidden")));
        let (status, _, body) = shop.ask("DELETE", &one, "all", None).await;
        assert_eq!((status, &body["message"]), (200, &json!("Cancellation reason deleted successfully")));
        assert_eq!(shop.get(&one, "all").await.0, 404);
        assert_eq!(shop.get(&list, "none").await.0, 403);
    }
    let (_, headers, _) = shop.ask("PATCH", SECOND, "all", None).await;
    let allow = headers.iter().find(|(name, _)| name == "allow").map(|(_, value)| value.as_str());
    assert_eq!(allow, Some("GET, HEAD, POST, PUT, DELETE"));
    shop.close().await;
}

#[tokio::test]
async fn values_are_refused_in_the_order_of_the_fields() {
    let shop = shop().await;
    let long = |letters: usize| json!("é".repeat(letters));
    for (field, refused) in [
        ("reason", json!([null, "", " ", 5, true, [], {"a": "b"}, long(256)])),
        ("status", json!([null, "", "x", 5, "ACTIVE", ["active"], {}])),
    ] {
        for value in refused.as_array().unwrap() {
            let mut body = json!({"reason": "N", "status": "active"});
            body[field] = value.clone();
            let (status, answer) = create(&shop, &body).await;
            assert_eq!((status, invalid_fields(&answer)), (422, vec![field]), "{field}: {value} {answer}");
            let (status, _, answer) = shop.post(SECOND, "all", &json!({field: value})).await;
            assert_eq!((status, invalid_fields(&answer)), (422, vec![field]), "{field}: {value} {answer}");
        }
    }
    let (status, answer) = create(&shop, &json!({"status": 1, "reason": []})).await;
    assert_eq!((status, invalid_fields(&answer)), (422, vec!["reason", "status"]), "{answer}");
    assert_ne!(create(&shop, &json!({"reason": "a\0b", "status": "active"})).await.0 / 100, 5);
    let (status, answer) = create(&shop, &json!({"reason": long(255), "status": "unreferenced"})).await;
    assert_eq!((status, &answer["reason"], &answer["status"]), (201, &long(255), &json!("unreferenced")));
    shop.close().await;
}

#[tokio::test]
async fn a_change_writes_what_was_sent_and_nothing_else() {
    let shop = shop().await;
    let untouched = shop.rows().await;
    for body in [
        json!({}),
        json!({"reason": "Je n'ai plus besoin de ce service"}),
        json!({"cancellation_mode": "support_ticket", "deleted_at": "2026-01-01", "id": 7}),
    ] {
        assert_eq!(shop.post(SECOND, "all", &body).await.0, 200, "{body}");
        assert_eq!(shop.put(SECOND, &body).await.0, 200, "{body}");
    }
    assert_eq!(shop.put(SECOND, &json!({"reason": null})).await.0, 422);
    assert_eq!(shop.put(&format!("{REASONS}/8"), &json!({"reason": "x"})).await.0, 404, "deleted");
    assert_eq!(shop.put(&format!("{REASONS}/2abc"), &json!({"reason": "x"})).await.0, 404);
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    let (status, answer) = shop.put(SECOND, &json!({"status": "hidden"})).await;
    assert_eq!((status, &answer["status"]), (200, &json!("hidden")));
    let found = changes_since(&shop, &untouched).await;
    assert_eq!(found.len(), 1, "{found:?}");
    shop.close().await;
}

#[tokio::test]
async fn graphql_makes_changes_and_deletes() {
    let shop = shop().await;
    let create = "mutation($input: CancellationReasonCreateInput!) { cancellationReasonCreate(input: $input) { \
                  cancellationReason { databaseId reason status cancellationMode } userErrors { code field } } }";
    let answer = shop.graphql(create, json!({"input": {"reason": "G", "status": "HIDDEN"}}), "all").await;
    let made = json!({"databaseId": 9, "reason": "G", "status": "HIDDEN", "cancellationMode": "IMMEDIATE"});
    assert_eq!(answer["data"]["cancellationReasonCreate"]["cancellationReason"], made, "{answer}");
    let answer =
        shop.graphql(create, json!({"input": {"reason": "é".repeat(256), "status": "ACTIVE"}}), "all").await;
    let refused = &answer["data"]["cancellationReasonCreate"];
    assert_eq!(
        refused["userErrors"][0],
        json!({"code": "TOO_LONG", "field": ["input", "reason"]}),
        "{answer}"
    );
    let update = "mutation($at: DateTime) { cancellationReasonUpdate(id: 9, input: {reason: \"H\"}, expectedUpdatedAt: $at) { \
                  cancellationReason { reason status } userErrors { code } } }";
    let late = shop.graphql(update, json!({"at": "2026-11-23T11:00:00Z"}), "all").await;
    assert_eq!(late["data"]["cancellationReasonUpdate"]["userErrors"][0]["code"], "STALE", "{late}");
    let answer = shop.graphql(update, json!({"at": "2026-11-23T12:00:00Z"}), "all").await;
    let changed = json!({"reason": "H", "status": "HIDDEN"});
    assert_eq!(answer["data"]["cancellationReasonUpdate"]["cancellationReason"], changed, "{answer}");
    let delete = "mutation { cancellationReasonDelete(id: 2) { deletedId cancellationReason { deletedAt services { totalCount } } } }";
    let gone = shop.graphql(delete, json!({}), "all").await;
    let expected = json!({"deletedAt": "2026-11-23T12:00:00.000000Z", "services": {"totalCount": 5}});
    assert_eq!(gone["data"]["cancellationReasonDelete"]["cancellationReason"], expected, "{gone}");
    let service = shop.graphql("{ service(id: 5) { cancellationReason { reason deletedAt } } cancellationReason(id: 2) { reason } }", json!({}), "all").await;
    assert_eq!(
        service["data"]["service"]["cancellationReason"]["reason"], "Je n'ai plus besoin de ce service",
        "services keep it: {service}"
    );
    assert_eq!(service["data"]["cancellationReason"], Json::Null);
    shop.close().await;
}

#[tokio::test]
async fn writers_at_once_leave_whole_rows() {
    let shop = shop().await;
    let body = json!({"reason": "At once", "status": "active"});
    let made = join_all((0..8).map(|_| create(&shop, &body))).await;
    let ids: BTreeSet<_> = made.iter().map(|(_, answer)| answer["id"].as_i64()).collect();
    assert_eq!(ids.len(), 8, "{made:?}");
    let requests = (0..16).map(|at| {
        let shop = &shop;
        async move {
            match at % 4 {
                0 => shop.ask("DELETE", SECOND, "all", None).await.0,
                _ => shop.put(SECOND, &json!({"reason": format!("R{at}"), "status": "hidden"})).await.0,
            }
        }
    });
    let statuses = join_all(requests).await;
    assert!(statuses.iter().all(|status| [200, 404].contains(status)), "{statuses:?}");
    assert_eq!(shop.get(SECOND, "all").await.0, 404);
    let deletions =
        "SELECT CAST(COUNT(*) AS CHAR(9)) FROM cancellation_reasons WHERE id = 2 AND deleted_at IS NOT NULL";
    assert_eq!(shop.text(deletions).await.as_deref().map(str::trim), Some("1"));
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
        shop.sql(&format!(
            "INSERT INTO cancellation_reasons (id, reason, status) VALUES ({id}, 'R{id}', 'active')"
        ))
        .await;
        shop.sql(&format!("INSERT INTO services (id, customer_id, uuid, name, type, product_id, status, cancellation_reason_id) VALUES ({id}, 1, '00000000-0000-0000-0000-000000000{id}', 'S', 'none', 1, 'cancelled', {id})")).await;
    }
    let query = "query($n: Int) { cancellationReasons(perPage: $n) { totalCount nodes { reason services(first: 2) { nodes { name } } } } \
                 services(perPage: $n, sort: [{field: ID, direction: DESC}]) { nodes { cancellationReason { reason } } } }";
    let (mut rest, mut graphql) = (Vec::new(), Vec::new());
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let (status, _, body) = shop.get(&format!("{REASONS}?per_page={rows}&sort=-reason"), "all").await;
        assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows));
        rest.push(shop.statements() - before);
        let before = shop.statements();
        let answer = shop.graphql(query, json!({"n": rows}), "all").await;
        assert_eq!(
            answer["data"]["cancellationReasons"]["nodes"].as_array().unwrap().len(),
            rows,
            "{answer}"
        );
        graphql.push(shop.statements() - before);
    }
    assert_eq!((rest, graphql), (vec![2; 3], vec![5; 3]));
    shop.close().await;
}

#[tokio::test]
async fn xml_is_read_and_answered() {
    let shop = shop().await;
    let xml = [("Content-Type", "application/xml"), ("Accept", "application/xml")];
    let body = "<r><reason>A&lt;B</reason><status>active</status></r>";
    let answer = shop.send_with("all", "POST", REASONS, &xml, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.text().contains("<reason>A&lt;B</reason>"), "{}", answer.text());
    let answer = shop.send_with("all", "GET", ANALYTICS, &xml, "").await;
    assert!(answer.text().contains("<total_cancellations>5</total_cancellations>"), "{}", answer.text());
    let answer = shop.send_with("all", "POST", REASONS, &xml, "<r/>").await;
    assert_eq!(answer.status, 422);
    shop.close().await;
}
