//! Tickets beyond the recordings: who sees which, what related records, files and due dates do, and what many callers do at
//! the same time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::harness::rows::{Snapshot, changes};
use crate::harness::shop::{Shop, invalid_fields};
use crate::harness::store::DATA;
use crate::harness::wire::{Answer, Request};
use crate::resource::sessions::sign_in;

const TICKETS: &str = "/api/application/tickets";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

fn ticket() -> Json {
    json!({"department_id": 1, "priority": "high", "subject": "Panne", "content": "Bonjour", "customer_id": 1})
}

fn with(field: &str, value: impl Into<Json>) -> Json {
    let mut body = ticket();
    body[field] = value.into();
    body
}

async fn open(shop: &Shop, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(TICKETS, "all", body).await;
    (status, body)
}

async fn act(shop: &Shop, ticket: i64, action: &str, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(&format!("{TICKETS}/{ticket}/{action}"), "all", body).await;
    (status, body)
}

async fn changed_rows(shop: &Shop, before: &Snapshot) -> Vec<String> {
    let changes = changes(before, &shop.rows().await);
    changes.iter().map(|change| change.to_string().split(" {").next().unwrap().to_owned()).collect()
}

/// A column of the log's rows about a ticket with an action.
async fn logged(shop: &Shop, ticket: i64, action: &str) -> usize {
    let columns = &DATA["action_logs"].columns;
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows = shop.rows().await;
    let of_ticket = |row: &&Vec<Option<String>>| {
        row[at("model_id")].as_deref() == Some(&ticket.to_string())
            && row[at("action")].as_deref() == Some(action)
    };
    rows["action_logs"].values().filter(of_ticket).count()
}

/// The access token of a member of the staff with a new role that has these permissions.
pub(super) async fn staff_with(shop: &Shop, id: i64, permissions: &[&str]) -> String {
    shop.sql(&format!(
        "INSERT INTO roles (id, name, level, is_admin, is_default) VALUES ({id}, 'role {id}', 1, '0', '0')"
    ))
    .await;
    shop.sql(&format!(
        "INSERT INTO admins (id, username, password, email, firstname, lastname, dark_mode, role_id, locale) \
         SELECT {id}, 'staff{id}', password, 'staff{id}@example.com', firstname, lastname, dark_mode, '{id}', \
         locale FROM admins WHERE id = 2"
    ))
    .await;
    for (at, permission) in permissions.iter().enumerate() {
        let known = DATA["permissions"].rows.iter().any(|row| row[1] == *permission);
        if !known {
            let key = id * 10 + i64::try_from(at).unwrap();
            shop.sql(&format!(
                "INSERT INTO permissions (id, name, label) VALUES ({key}, '{permission}', 'x')"
            ))
            .await;
        }
        shop.sql(&format!(
            "INSERT INTO permission_role (role_id, permission_id) SELECT {id}, id FROM permissions WHERE name = \
             '{permission}'"
        ))
        .await;
    }
    let [access, _] = sign_in(shop, "STAFF", &format!("staff{id}@example.com")).await;
    access
}

fn keys(rows: &Json) -> Vec<i64> {
    rows.as_array()
        .unwrap_or_else(|| panic!("{rows}"))
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn staff_of_departments_see_their_tickets_on_every_way() {
    let shop = shop().await;
    let agent = staff_with(
        &shop,
        51,
        &[
            "admin.manage_tickets_department.2",
            "admin.close_tickets",
            "admin.manage_departments",
            "admin.show_customers",
        ],
    )
    .await;
    let (status, _, page) = shop.get(TICKETS, &agent).await;
    assert_eq!((status, keys(&page["data"]), &page["total"]), (200, vec![1, 6, 11, 16], &json!(4)), "{page}");
    assert_eq!(shop.get(&format!("{TICKETS}/2"), &agent).await.2["total"], 0, "a ticket of department 3");
    assert_eq!(shop.get(&format!("{TICKETS}?filter[department_id]=3"), &agent).await.2["total"], 0);
    let (_, _, page) = shop.get("/api/application/departments?include=tickets,ticketsCount", &agent).await;
    for department in page["data"].as_array().unwrap() {
        let expected = if department["id"] == 2 { 4 } else { 0 };
        assert_eq!(department["tickets_count"], expected, "{department}");
        assert_eq!(department["tickets"].as_array().unwrap().len(), expected, "{department}");
    }
    let query = "query($other: ID!, $uuid: ID!) { \
         own: ticket(id: 1) { databaseId } other: ticket(id: 2) { databaseId } named: ticket(id: $uuid) { databaseId } \
         node(id: $other) { ... on Ticket { databaseId } } \
         tickets(first: 50) { nodes { databaseId } totalCount } \
         few: tickets(filter: {or: [{databaseId: {eq: 2}}, {databaseId: {eq: 6}}]}) { nodes { databaseId } } \
         departments { nodes { databaseId tickets { nodes { databaseId } totalCount } } } \
         customer(id: 9) { tickets { totalCount nodes { databaseId } } } }";
    let other = shop.graphql("{ ticket(id: 2) { id uuid } }", json!({}), "all").await;
    let other = &other["data"]["ticket"];
    let variables = json!({"other": other["id"], "uuid": other["uuid"]});
    let answer = shop.graphql(query, variables.clone(), &agent).await;
    let data = &answer["data"];
    assert_eq!(data["own"]["databaseId"], 1, "{answer}");
    assert_eq!([&data["other"], &data["named"], &data["node"]], [&Json::Null; 3], "{answer}");
    assert_eq!(
        (&data["tickets"]["totalCount"], data["tickets"]["nodes"].as_array().unwrap().len()),
        (&json!(4), 4)
    );
    assert_eq!(data["few"]["nodes"], json!([{"databaseId": 6}]));
    for department in data["departments"]["nodes"].as_array().unwrap() {
        let expected = if department["databaseId"] == 2 { 4 } else { 0 };
        assert_eq!(department["tickets"]["totalCount"], expected, "{department}");
        assert_eq!(department["tickets"]["nodes"].as_array().unwrap().len(), expected, "{department}");
    }
    assert_eq!(data["customer"]["tickets"], json!({"totalCount": 0, "nodes": []}), "{answer}");
    let all = shop.graphql(query, variables, "all").await;
    assert_eq!(all["data"]["tickets"]["totalCount"], 17, "the key sees all: {all}");
    // Neither is it changed, answered, closed, reopened or deleted, by whatever identifier.
    let untouched = shop.rows().await;
    let uuid = other["uuid"].as_str().unwrap();
    let changed = json!({"department_id": 2, "priority": "low", "subject": "Mine", "content": "Bonjour"});
    for id in ["2", uuid] {
        for (method, path) in [
            ("POST", format!("{TICKETS}/{id}")),
            ("PUT", format!("{TICKETS}/{id}")),
            ("DELETE", format!("{TICKETS}/{id}")),
            ("POST", format!("{TICKETS}/{id}/reply")),
            ("POST", format!("{TICKETS}/{id}/close")),
            ("POST", format!("{TICKETS}/{id}/reopen")),
        ] {
            let (status, _, body) = shop.ask(method, &path, &agent, Some(&changed)).await;
            assert_eq!((status, body), (404, json!({"message": ""})), "{method} {path}");
        }
    }
    let (status, _, body) = shop.post(TICKETS, &agent, &ticket()).await;
    assert_eq!((status, invalid_fields(&body)), (422, vec!["department_id"]), "a department of others");
    assert_eq!(changed_rows(&shop, &untouched).await, Vec::<String>::new());
    let (status, _, body) =
        shop.post(&format!("{TICKETS}/1/reply"), &agent, &json!({"content": "Voici"})).await;
    assert_eq!(status, 200, "{body}");
    let last = body["ticket"]["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["admin_id"], &last["admin"]["username"]),
        (&json!(51), &json!("staff51")),
        "who signed in is named"
    );
    shop.close().await;
}

#[tokio::test]
async fn permissions_of_several_departments_and_of_none() {
    let shop = shop().await;
    let both =
        staff_with(&shop, 52, &["admin.manage_tickets_department.4", "admin.manage_tickets_department.5"])
            .await;
    let (_, _, page) = shop.get(TICKETS, &both).await;
    assert_eq!(keys(&page["data"]), [3, 4, 8, 9, 13, 14]);
    assert_eq!(
        shop.post(&format!("{TICKETS}/3/close"), &both, &json!({})).await.0,
        403,
        "that is a permission of its own"
    );
    let give = |department: i64| json!({"department_id": department});
    let own = shop.ask("PUT", &format!("{TICKETS}/3"), &both, Some(&give(5))).await;
    assert_eq!(own.0, 200, "{}", own.2);
    let foreign = shop.ask("PUT", &format!("{TICKETS}/3"), &both, Some(&give(1))).await;
    assert_eq!(foreign.0, 422, "nobody gives a ticket away to where they do not see it: {}", foreign.2);
    let closer = staff_with(&shop, 53, &["admin.close_tickets"]).await;
    assert_eq!(shop.get(TICKETS, &closer).await.0, 403);
    assert_eq!(shop.post(&format!("{TICKETS}/3/close"), &closer, &json!({})).await.0, 404);
    let all = staff_with(&shop, 54, &["admin.manage_tickets", "admin.manage_tickets_department.1"]).await;
    assert_eq!(shop.get(TICKETS, &all).await.2["total"], 17);
    let of_departments = staff_with(&shop, 55, &["admin.manage_departments"]).await;
    assert_eq!(shop.get(TICKETS, &of_departments).await.0, 403);
    let (status, _, page) = shop.get("/api/application/departments?include=tickets", &of_departments).await;
    assert_eq!(
        (status, &page["data"][0]["tickets"]),
        (200, &json!([])),
        "what is lent shows no more than the role does"
    );
    shop.close().await;
}

#[tokio::test]
async fn a_ticket_is_about_a_service_or_an_invoice() {
    let shop = shop().await;
    for (given, kind, key) in [
        (json!({"related_id": "service-12"}), json!("service"), json!(12)),
        (json!({"related_id": "invoice-3"}), json!("invoice"), json!(3)),
        (json!({"related_id": 1, "related_type": "service"}), json!("service"), json!(1)),
        (json!({"related_id": "1", "related_type": "invoice"}), json!("invoice"), json!(1)),
        (json!({"related_id": "none"}), Json::Null, Json::Null),
        (json!({"related_id": 7}), Json::Null, Json::Null),
        (json!({"related_type": "service"}), Json::Null, Json::Null),
        (json!({"related_id": null, "related_type": null}), Json::Null, Json::Null),
        (json!({"related_type": "customer"}), Json::Null, Json::Null),
        (json!({"related_type": 5, "related_id": 1}), Json::Null, Json::Null),
        (json!({"related_type": "service", "related_id": true}), Json::Null, Json::Null),
        (json!({"related_type": "service", "related_id": 1.5}), Json::Null, Json::Null),
        (json!({"related_type": "bogus", "related_id": "service-12-x"}), json!("service"), json!(12)),
    ] {
        let mut body = ticket();
        given.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let (status, made) = open(&shop, &body).await;
        assert_eq!(
            (status, &made["related_type"], &made["related_id"]),
            (201, &kind, &key),
            "{given} {made}"
        );
    }
    let untouched = shop.rows().await;
    for wrong in ["service-9999", "service-x", "service-"] {
        let (status, body) = open(&shop, &with("related_id", wrong)).await;
        assert_eq!((status, invalid_fields(&body)), (422, vec!["related_id"]), "{wrong} {body}");
        assert_eq!(body["message"], "The selected related id is invalid.");
    }
    for wrong in [json!("customer-1"), json!("-1"), json!("Service-1"), json!(-5)] {
        let (status, body) = open(&shop, &with("related_id", wrong.clone())).await;
        let fields = vec!["related_id", "related_type"];
        assert_eq!((status, invalid_fields(&body)), (422, fields), "{wrong} {body}");
        assert_eq!(body["message"], "The selected related id is invalid. (and 1 more error)");
        assert_eq!(body["errors"]["related_type"], json!(["The related type field is invalid."]));
    }
    assert_eq!(changed_rows(&shop, &untouched).await, Vec::<String>::new());
    let query = "mutation($id: ID!) { ticketOpen(input: {departmentId: 1, customerId: 1, priority: LOW, subject: \"S\", \
                 content: \"Bonjour\", relatedId: $id}) { ticket { relatedType service { databaseId } invoice { databaseId } } \
                 userErrors { code field } } }";
    let service =
        shop.graphql("{ service(id: 2) { id } }", json!({}), "all").await["data"]["service"]["id"].clone();
    let made = shop.graphql(query, json!({"id": service}), "all").await;
    let related = json!({"relatedType": "SERVICE", "service": {"databaseId": 2}, "invoice": null});
    assert_eq!(made["data"]["ticketOpen"]["ticket"], related, "{made}");
    let refused = shop.graphql(query, json!({"id": "12"}), "all").await;
    assert_eq!(refused["data"]["ticketOpen"]["userErrors"][0]["code"], "NOT_FOUND", "of no kind: {refused}");
    shop.close().await;
}

#[tokio::test]
async fn values_are_refused_and_nothing_is_half_written() {
    let shop = shop().await;
    let untouched = shop.rows().await;
    let long = |letters: usize| json!("é".repeat(letters));
    for (field, refused) in [
        ("department_id", json!([null, "", 99, "x", [], 6])),
        ("priority", json!([null, "urgent", 1, ["low"]])),
        ("subject", json!([null, "", 5, true, long(256)])),
        ("content", json!([null, " ", 12345, "abcd", long(10_001)])),
        ("customer_id", json!([null, "", 999, "x", []])),
        ("attachments", json!(["x", ["x"], [1], [[]]])),
    ] {
        for value in refused.as_array().unwrap() {
            let (status, body) = open(&shop, &with(field, value.clone())).await;
            assert_eq!(status, 422, "{field} {value} {body}");
            let named = invalid_fields(&body);
            assert!(named.len() == 1 && named[0].starts_with(field), "{field} {value} {body}");
        }
    }
    let mut without = ticket();
    without.as_object_mut().unwrap().remove("customer_id");
    let (status, body) = open(&shop, &without).await;
    assert_eq!((status, invalid_fields(&body)), (422, vec!["customer_id"]), "{body}");
    for (ticket, action, body) in [
        (1, "close", json!({"reason": "x".repeat(256)})),
        (1, "close", json!({"reason": ["x"]})),
        (1, "reply", json!({"content": "x"})),
    ] {
        assert_eq!(act(&shop, ticket, action, &body).await.0, 422, "{action} {body}");
    }
    let five = format!("{TICKETS}/5");
    for body in
        [json!({"assigned_to": 99}), json!({"department_id": 6}), json!({"close_reason": "x".repeat(256)})]
    {
        assert_eq!(shop.put(&five, &body).await.0, 422, "{body}");
    }
    assert_eq!(shop.put(&five, &json!({})).await.0, 200);
    assert_eq!(changed_rows(&shop, &untouched).await, Vec::<String>::new());
    let (status, body) = shop.put(&five, &json!({"assigned_to": 2})).await;
    assert_eq!(
        (status, &body["assigned_to"], &body["subject"]),
        (200, &json!(2), &json!("Serveur injoignable #5"))
    );
    let (_, _, page) =
        shop.get(&format!("{TICKETS}/5?include=assignedTo,comments,assignedToCount"), "all").await;
    assert_eq!(
        (&page["data"][0]["assigned_to"]["username"], &page["data"][0]["assigned_to_count"]),
        (&json!("Bo Support"), &json!(1))
    );
    let (status, body) = shop.put(&five, &json!({"assigned_to": "none"})).await;
    assert_eq!((status, &body["assigned_to"]), (200, &Json::Null));
    assert_ne!(open(&shop, &with("subject", "a\0b")).await.0 / 100, 5);
    shop.close().await;
}

#[tokio::test]
async fn due_dates_follow_the_department_and_the_first_answer_is_noted() {
    let shop = shop().await;
    let (status, made) = open(&shop, &with("department_id", 5)).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["first_response_due_at"], "2026-11-23T13:00:00.000000Z", "sixty minutes: {made}");
    assert_eq!(made["resolution_due_at"], "2026-11-23T20:00:00.000000Z");
    let id = made["id"].as_i64().unwrap();
    let (_, answer) = act(&shop, id, "reply", &json!({"content": "Une réponse"})).await;
    assert_eq!(answer["ticket"]["first_response_at"], "2026-11-23T12:00:00.000000Z", "{answer}");
    assert_eq!(answer["ticket"]["status"], "answered");
    shop.sql("UPDATE support_departments SET sla_resolution_minutes = 2147483647 WHERE id = 5").await;
    let (status, made) = open(&shop, &with("department_id", 5)).await;
    assert_eq!((status, &made["resolution_due_at"]), (201, &Json::Null), "beyond what the column holds");
    let (_, answer) = act(&shop, 2, "reply", &json!({"content": "Encore ouvert"})).await;
    let ticket = &answer["ticket"];
    assert_eq!(ticket["status"], "answered", "{answer}");
    for cleared in ["closed_at", "closed_by", "closed_by_id", "close_reason", "first_response_at"] {
        assert_eq!(ticket[cleared], Json::Null, "{cleared}");
    }
    shop.close().await;
}

#[tokio::test]
async fn the_same_text_within_ten_seconds_is_written_once() {
    let shop = shop().await;
    let agent = staff_with(&shop, 56, &["admin.manage_tickets"]).await;
    let before = logged(&shop, 1, "ticket_replied").await;
    let body = json!({"content": "Voici la réponse"});
    let answers = join_all((0..20).map(|_| act(&shop, 1, "reply", &body))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(logged(&shop, 1, "ticket_replied").await, before + 1);
    assert_eq!(messages(&shop, 1).await, 3, "two, and one answer");
    let (status, _, _) = shop.post(&format!("{TICKETS}/1/reply"), &agent, &body).await;
    assert_eq!((status, messages(&shop, 1).await), (200, 4), "another author says the same");
    assert_eq!(act(&shop, 1, "reply", &json!({"content": "Autre chose"})).await.0, 200);
    assert_eq!(messages(&shop, 1).await, 5, "nothing that differs is lost");
    shop.sql("UPDATE support_messages SET created_at = '2026-11-23 12:59:50' WHERE ticket_id = 1").await;
    assert_eq!(act(&shop, 1, "reply", &body).await.0, 200);
    assert_eq!(messages(&shop, 1).await, 6, "ten seconds later it is said again");
    let before = messages(&shop, 3).await;
    let texts = join_all((0..20).map(|at| {
        let shop = &shop;
        async move { act(shop, 3, "reply", &json!({"content": format!("Réponse {at}")})).await.0 }
    }))
    .await;
    assert_eq!(texts, [200; 20]);
    assert_eq!((messages(&shop, 3).await, logged(&shop, 3, "ticket_replied").await), (before + 20, 20));
    shop.close().await;
}

async fn messages(shop: &Shop, ticket: i64) -> usize {
    let (_, _, page) = shop.get(&format!("{TICKETS}/{ticket}?include=messages"), "all").await;
    page["data"][0]["messages"].as_array().unwrap_or_else(|| panic!("{page}")).len()
}

#[tokio::test]
async fn of_many_closes_and_reopens_each_agrees_with_the_log() {
    let shop = shop().await;
    let reason = json!({"reason": "Résolu"});
    let closes = join_all((0..20).map(|_| act(&shop, 1, "close", &reason))).await;
    assert_eq!(closes.iter().filter(|(status, _)| *status == 200).count(), 1);
    assert_eq!(closes.iter().filter(|(status, _)| *status == 400).count(), 19);
    assert_eq!(logged(&shop, 1, "ticket_closed").await, 1);
    let reopens = join_all((0..20).map(|_| act(&shop, 1, "reopen", &Json::Null))).await;
    assert_eq!(reopens.iter().filter(|(status, _)| *status == 200).count(), 1);
    assert_eq!(logged(&shop, 1, "ticket_reopened").await, 1);
    let mixed = join_all((0..20).map(|at| {
        let (shop, action) = (&shop, if at % 2 == 0 { "close" } else { "reopen" });
        async move { (action, act(shop, 1, action, &json!({})).await.0) }
    }))
    .await;
    let done =
        |action: &str| mixed.iter().filter(|(which, status)| *which == action && *status == 200).count();
    assert!(mixed.iter().all(|(_, status)| [200, 400].contains(status)), "{mixed:?}");
    assert_eq!(logged(&shop, 1, "ticket_closed").await, 1 + done("close"));
    assert_eq!(logged(&shop, 1, "ticket_reopened").await, 1 + done("reopen"));
    let (_, _, page) = shop.get(&format!("{TICKETS}/1"), "all").await;
    let is_closed = page["data"][0]["status"] == "closed";
    assert_eq!(is_closed, done("close") > done("reopen"), "{page}");
    assert_eq!(page["data"][0]["closed_at"].is_null(), !is_closed);
    shop.close().await;
}

#[tokio::test]
async fn no_ticket_is_opened_in_a_department_that_is_deleted() {
    let shop = shop().await;
    shop.sql("UPDATE support_tickets SET deleted_at = '2026-11-22 10:00:00' WHERE department_id = 1").await;
    let new = ticket();
    let opens = join_all((0..10).map(|_| open(&shop, &new)));
    let deletes = join_all((0..4).map(|_| shop.ask("DELETE", "/api/application/departments/1", "all", None)));
    let (opens, deletes) = tokio::join!(opens, deletes);
    let opened = opens.iter().filter(|(status, _)| *status == 201).count();
    assert!(opens.iter().all(|(status, _)| [201, 422].contains(status)), "{opens:?}");
    let deleted = deletes.iter().filter(|(status, ..)| *status == 204).count();
    assert!(deletes.iter().all(|(status, ..)| [204, 403, 404].contains(status)), "{deletes:?}");
    assert!(deleted == 0 || opened == 0, "{opened} were opened in what was deleted");
    assert_eq!((opened == 10, deleted == 1), (deleted == 0, opened == 0));
    shop.close().await;
}

#[tokio::test]
async fn staff_who_signed_in_are_named_in_log_and_row() {
    let shop = shop().await;
    let agent = staff_with(&shop, 57, &["admin.manage_tickets", "admin.close_tickets"]).await;
    let close = "mutation { ticketClose(id: 1, input: {reason: \"Fini\"}) { ticket { status closedBy closedById closeReason } \
                 userErrors { code } } }";
    let answer = shop.graphql(close, json!({}), &agent).await;
    let closed = json!({"status": "CLOSED", "closedBy": "ADMIN", "closedById": "57", "closeReason": "Fini"});
    assert_eq!(answer["data"]["ticketClose"]["ticket"], closed, "{answer}");
    let again = shop.graphql(close, json!({}), &agent).await;
    assert_eq!(again["data"]["ticketClose"]["userErrors"][0]["code"], "TICKET_CLOSED", "{again}");
    let columns = &DATA["action_logs"].columns;
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows = shop.rows().await;
    let last = rows["action_logs"]
        .values()
        .find(|row| row[at("action")].as_deref() == Some("ticket_closed"))
        .unwrap();
    assert_eq!(
        (last[at("staff_id")].as_deref(), last[at("customer_id")].as_deref()),
        (Some("57"), Some("5"))
    );
    let comment = "mutation { ticketCommentAdd(id: 1, input: {comment: \"Voir plus tard\"}) { ticketComment { comment staff { username } } \
                   userErrors { code } } }";
    let answer = shop.graphql(comment, json!({}), &agent).await;
    assert_eq!(
        answer["data"]["ticketCommentAdd"]["ticketComment"],
        json!({"comment": "Voir plus tard", "staff": {"username": "staff57"}}),
        "{answer}"
    );
    let refused = shop
        .graphql("mutation { ticketDelete(id: 3) { deletedId userErrors { code } } }", json!({}), &agent)
        .await;
    assert_eq!(
        refused["data"]["ticketDelete"],
        json!({"deletedId": null, "userErrors": [{"code": "TICKET_NOT_CLOSED"}]})
    );
    let gone = shop
        .graphql("mutation { ticketDelete(id: 1) { deletedId userErrors { code } } }", json!({}), &agent)
        .await;
    assert!(gone["data"]["ticketDelete"]["deletedId"].is_string(), "{gone}");
    let gone = shop.graphql("{ ticket(id: 1) { databaseId } }", json!({}), &agent).await;
    assert_eq!(gone["data"]["ticket"], Json::Null);
    let assign = "mutation($to: ID) { ticketAssign(id: 3, input: {assignedTo: $to}) { ticket { assignee { username } } userErrors { code } } }";
    let answer = shop.graphql(assign, json!({"to": "57"}), &agent).await;
    assert_eq!(answer["data"]["ticketAssign"]["ticket"]["assignee"]["username"], "staff57", "{answer}");
    let answer = shop.graphql(assign, json!({"to": null}), &agent).await;
    assert_eq!(answer["data"]["ticketAssign"]["ticket"]["assignee"], Json::Null, "{answer}");
    shop.sql("UPDATE admins SET deleted_at = '2026-11-20 10:00:00' WHERE id = 2").await;
    let answer = shop.graphql(assign, json!({"to": "2"}), &agent).await;
    assert_eq!(answer["data"]["ticketAssign"]["userErrors"][0]["code"], "NOT_FOUND", "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn work_lists_find_what_waits_and_what_is_late() {
    let shop = shop().await;
    let list = |arguments: &'static str| {
        let shop = &shop;
        async move {
            let query = format!("{{ tickets({arguments}, first: 50) {{ nodes {{ id: databaseId }} }} }}");
            let answer = shop.graphql(&query, json!({}), "all").await;
            assert!(answer["errors"].is_null(), "{answer}");
            keys(&answer["data"]["tickets"]["nodes"])
        }
    };
    shop.sql(
        "UPDATE support_tickets SET first_response_due_at = '2026-11-23 12:00:00' WHERE id IN (3, 6, 9)",
    )
    .await;
    shop.sql("UPDATE support_tickets SET first_response_at = '2026-11-23 11:00:00' WHERE id = 6").await;
    shop.sql("UPDATE support_tickets SET first_response_at = '2026-11-23 12:30:00' WHERE id = 9").await;
    shop.sql("UPDATE support_tickets SET resolution_due_at = '2026-11-23 13:30:00' WHERE id = 12").await;
    shop.sql("UPDATE support_tickets SET resolution_due_at = '2026-11-23 12:59:00' WHERE id = 15").await;
    assert_eq!(list("slaMissed: true").await, [3, 9, 15]);
    assert_eq!(list("slaMissed: false, filter: {status: {eq: OPEN}}").await, [6, 12]);
    assert_eq!(list("filter: {department: {name: {eq: \"Technique\"}}, status: {eq: OPEN}}").await, [12]);
    assert_eq!(list("filter: {assignedTo: {eq: 1}, priority: {in: [HIGH, LOW, MEDIUM]}}").await, [6, 12]);
    assert_eq!(list("waitingSince: \"2026-11-23T12:00:00Z\"").await, [3, 6, 9, 12, 15]);
    shop.sql("UPDATE support_messages SET created_at = '2026-11-23 12:00:00' WHERE ticket_id = 9").await;
    assert_eq!(list("waitingSince: \"2026-11-22T12:00:00Z\"").await, [3, 6, 12, 15]);
    shop.close().await;
}

#[tokio::test]
async fn lists_cost_the_same_for_one_row_and_a_hundred() {
    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.count_ttl = Duration::ZERO;
    })
    .await;
    for id in 1001..1121 {
        shop.sql(&format!("INSERT INTO support_tickets (id, department_id, customer_id, subject, assigned_to, related_type, related_id) VALUES ({id}, {}, {}, 'T', 1, 'service', {})", id % 5 + 1, id % 9 + 1, id % 9 + 1)).await;
        shop.sql(&format!("INSERT INTO support_messages (ticket_id, admin_id, message) VALUES ({id}, 1, 'M'), ({id}, NULL, 'N')")).await;
        shop.sql(&format!(
            "INSERT INTO support_comments (ticket_id, admin_id, comment) VALUES ({id}, 1, 'C')"
        ))
        .await;
    }
    let all =
        "include=customer,department,messages,attachments,assignedTo,comments,messagesCount,commentsExists";
    let mut costs = Vec::new();
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let (status, _, body) = shop.get(&format!("{TICKETS}?{all}&sort=-id&per_page={rows}"), "all").await;
        assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows));
        costs.push(shop.statements() - before);
    }
    println!("REST: {costs:?} statements for 1, 25, 100 rows");
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    let query = "query($n: Int) { tickets(perPage: $n, sort: {field: Id, direction: DESC}) { nodes { subject customer { email } department { name } \
                 assignee { username } service { name } messages(first: 2) { nodes { message staff { username } } } \
                 comments { nodes { comment } } attachments { totalCount nodes { url } } } } }".replace("field: Id", "field: ID");
    let mut costs = Vec::new();
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let answer = shop.graphql(&query, json!({"n": rows}), "all").await;
        assert_eq!(answer["data"]["tickets"]["nodes"].as_array().map(Vec::len), Some(rows), "{answer}");
        costs.push(shop.statements() - before);
    }
    println!("GraphQL: {costs:?} statements for 1, 25, 100 rows");
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    shop.close().await;
}

/// A storage of the test's own, empty.
fn storage(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("guichet-tickets-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

async fn shop_in(folder: &Path) -> Shop {
    Shop::with("en", |config| {
        config.rate_limit = None;
        folder.clone_into(&mut config.storage);
    })
    .await
}

/// Posts files beside the other fields, as a form does.
async fn send(shop: &Shop, path: &str, fields: &Json, files: &[(&str, &[u8])]) -> (u16, Json) {
    send_as(shop, path, fields, ("attachments[]", files)).await
}

/// As [`send`], with another name of the field.
async fn send_as(
    shop: &Shop,
    path: &str,
    fields: &Json,
    (field, files): (&str, &[(&str, &[u8])]),
) -> (u16, Json) {
    let mut body = Vec::new();
    for (name, value) in fields.as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    for (name, content) in files {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    let headers = [
        ("Content-Type", "multipart/form-data; boundary=b".to_owned()),
        ("Authorization", format!("Bearer {}", Shop::key("all"))),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let answer =
        shop.send(&Request { method: "POST".to_owned(), path: path.to_owned(), headers, body }).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn files_are_a_list_whatever_a_form_calls_it() {
    let shop = shop().await;
    for (field, files, stored) in [
        ("attachments", &[("a.png", PNG), ("b.png", PNG)][..], 2),
        ("attachments[0]", &[("a.png", PNG)][..], 1),
        // What a browser sends where no file was picked.
        ("attachments[]", &[("", &b""[..])][..], 0),
    ] {
        let body = json!({"content": format!("Voici {field}")});
        let before = links(&shop, 3).await.len();
        let (status, answer) = send_as(&shop, &format!("{TICKETS}/3/reply"), &body, (field, files)).await;
        assert_eq!((status, links(&shop, 3).await.len() - before), (200, stored), "{field}: {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn the_shops_webhook_tells_of_tickets() {
    let shop = shop().await;
    // Makes guichet's own tables.
    staff_with(&shop, 58, &["admin.manage_tickets"]).await;
    let rows = "SELECT CASE COUNT(*) WHEN 0 THEN 'none' ELSE 'some' END FROM guichet_outbox";
    assert_eq!(open(&shop, &ticket()).await.0, 201);
    assert_eq!(shop.text(rows).await.as_deref(), Some("none"), "no address is set");
    shop.sql(
        "INSERT INTO settings (name, value) VALUES ('helpdesk_webhook_url', 'https://hooks.example/help')",
    )
    .await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let long = format!("{}é et la suite", "x".repeat(99));
    let (_, made) = open(&shop, &with("content", long.as_str())).await;
    let id = made["id"].as_i64().unwrap();
    assert_eq!(act(&shop, id, "reply", &json!({"content": "Réponse"})).await.0, 200);
    assert_eq!(act(&shop, id, "reply", &json!({"content": "Réponse"})).await.0, 200, "sent again");
    assert_eq!(act(&shop, id, "close", &json!({})).await.0, 200);
    assert_eq!(act(&shop, id, "close", &json!({})).await.0, 400);
    assert_eq!(act(&shop, id, "reopen", &json!({})).await.0, 200);
    let home = "https://127.0.0.1";
    let address = |path: String| json!(format!("{home}/api/application/{path}"));
    let mut told = json!({
        "action": "helpdesk_created", "__url": address(format!("tickets/{id}")), "ticketid": id,
        "customer_url": address("customers/1".to_owned()), "subject": "Panne", "customername": "Léa Martin",
        "customeremail": "customer1@example.com", "message": "x".repeat(99), "department": "Général",
        "priority": "high", "appname": "CLIENTXCMS", "appurl": home,
    });
    for (event, message) in
        [("created", Some("x".repeat(99))), ("answered_staff", Some("Réponse".to_owned())), ("closed", None)]
    {
        let event = format!("helpdesk_{event}");
        told["action"] = json!(event);
        match message {
            Some(message) => told["message"] = json!(message),
            None => ["message", "priority"].iter().for_each(|name| {
                told.as_object_mut().unwrap().remove(*name);
            }),
        }
        let of_event = format!("FROM guichet_outbox WHERE record = 'ticket:{id}' AND event = '{event}'");
        let body = shop.text(&format!("SELECT body {of_event}")).await.unwrap();
        assert_eq!(serde_json::from_str::<Json>(&body).unwrap(), json!({"payload": told}), "{event}");
        let target = shop.text(&format!("SELECT target {of_event}")).await.unwrap();
        assert_eq!(target, "https://hooks.example/help");
        shop.sql(&format!("DELETE {of_event}")).await;
    }
    assert_eq!(shop.text(rows).await.as_deref(), Some("none"), "each was written once");
    shop.sql("UPDATE settings SET value = 'https://discord.com/api/webhooks/1' WHERE name = 'helpdesk_webhook_url'").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(act(&shop, id, "close", &json!({})).await.0, 200);
    let body: Json =
        serde_json::from_str(&shop.text("SELECT body FROM guichet_outbox").await.unwrap()).unwrap();
    assert_eq!(body["embeds"][0]["title"], "Panne", "{body}");
    shop.close().await;
}

#[tokio::test]
async fn no_file_is_lost_without_a_word() {
    let shop = shop().await;
    let reply = format!("{TICKETS}/3/reply");
    let body = json!({"content": "Voici le devis"});
    for name in ["one.png", "two.png"] {
        assert_eq!(send(&shop, &reply, &body, &[(name, PNG)]).await.0, 200);
    }
    assert_eq!(links(&shop, 3).await.len(), 2, "the same text, with another file");
    let untouched = shop.rows().await;
    let (status, answer) =
        send(&shop, &reply, &json!({"content": "Voici la suite"}), &[("a\0b.png", PNG)]).await;
    assert_eq!(status, 400, "{answer}");
    let broken = "--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nVoici la suite\r\n--b\r\n\
                  Content-Disposition: form-data; name=\"attachments[]\"; filename=\"a.png\"\r\n\r\n\u{89}PNG";
    let form = [("Content-Type", "multipart/form-data; boundary=b")];
    let answer = shop.send_with("all", "POST", &reply, &form, broken).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(changed_rows(&shop, &untouched).await, Vec::<String>::new());
    shop.close().await;
}

#[tokio::test]
async fn a_long_subject_is_answered_too() {
    let shop = shop().await;
    let (status, made) = open(&shop, &with("subject", "é".repeat(255))).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_i64().unwrap();
    assert_eq!(act(&shop, id, "reply", &json!({"content": "Réponse"})).await.0, 200);
    let subject = shop.text("SELECT subject FROM email_messages ORDER BY id DESC LIMIT 1").await.unwrap();
    assert_eq!(subject.chars().count(), 255, "{subject}");
    let (_, made) = open(&shop, &with("subject", "a\r\nBcc: b@client.example")).await;
    assert!(made["id"].is_number(), "{made}");
    let subject = shop.text("SELECT subject FROM email_messages ORDER BY id DESC LIMIT 1").await.unwrap();
    assert!(subject.ends_with("a  Bcc: b@client.example"), "one line: {subject}");
    shop.close().await;
}

#[tokio::test]
async fn answers_have_an_end() {
    let shop = Shop::with("en", |config| (config.rate_limit, config.max_aliases) = (None, 100)).await;
    let text = "😀".repeat(10_000);
    let rows: Vec<String> = (0..100).map(|at| format!("({}, 3, '{text}')", 1001 + at)).collect();
    shop.sql(&format!("INSERT INTO support_messages (id, ticket_id, message) VALUES {}", rows.join(", ")))
        .await;
    let aliases = |number| (0..number).map(|at| format!("m{at}: message")).collect::<Vec<_>>().join(" ");
    let ask = async |number| {
        let query =
            format!("{{ ticket(id: 3) {{ messages(last: 100) {{ nodes {{ {} }} }} }} }}", aliases(number));
        shop.graphql(&query, json!({}), "all").await
    };
    let answer = ask(2).await;
    assert_eq!(answer["data"]["ticket"]["messages"]["nodes"][99]["m1"], text, "8 MB are answered");
    let answer = ask(40).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "ANSWER_TOO_LARGE", "160 MB are not");
    assert!(answer.to_string().len() < 10_000);
    // The next test has the same database, and compares its rows.
    shop.sql("DELETE FROM support_messages WHERE id > 1000").await;
    shop.close().await;
}

/// The files below a folder, however deep.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { vec![path] }
        })
        .collect();
    found.sort();
    found
}

async fn fetch(shop: &Shop, path: &str) -> Answer {
    shop.send(&Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() }).await
}

/// Path and query of the links to the files of a ticket.
async fn links(shop: &Shop, ticket: i64) -> Vec<String> {
    let query = "query($id: ID!) { ticket(id: $id) { attachments { nodes { url filename size } } } }";
    let answer = shop.graphql(query, json!({"id": ticket}), "all").await;
    let nodes = answer["data"]["ticket"]["attachments"]["nodes"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .clone();
    let path = |node: &Json| {
        let url = node["url"].as_str().unwrap();
        url[url.find("/api/").unwrap()..].to_owned()
    };
    nodes.iter().map(path).collect()
}

#[tokio::test]
async fn files_are_kept_out_of_reach_and_answered_by_links() {
    let folder = storage("links");
    let shop = shop_in(&folder).await;
    let (status, made) = send(&shop, TICKETS, &ticket(), &[("../../été.png", PNG), ("b.png", PNG)]).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_i64().unwrap();
    let kept = files_below(&folder);
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(
        kept.iter().all(|file| file.starts_with(folder.join(format!("private/helpdesk/attachments/{id}")))),
        "{kept:?}"
    );
    let (_, _, page) = shop.get(&format!("{TICKETS}/{id}?include=attachments"), "all").await;
    let stored = &page["data"][0]["attachments"];
    assert_eq!(
        (&stored[0]["filename"], &stored[0]["mime"], &stored[0]["size"]),
        (&json!("été.png"), &json!("image/png"), &json!(PNG.len())),
        "{page}"
    );
    for row in stored.as_array().unwrap() {
        for path in [
            row["path"].as_str().unwrap().to_owned(),
            format!("private/{}", row["path"].as_str().unwrap()),
            format!("../private/{}", row["path"].as_str().unwrap()),
        ] {
            assert_eq!(fetch(&shop, &format!("/storage/{path}")).await.status, 404, "{path}");
        }
    }
    let links = links(&shop, id).await;
    let answer = fetch(&shop, &links[0]).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, PNG), "{}", links[0]);
    let header = |name: &str| {
        answer
            .headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    assert!(header("content-disposition").starts_with("attachment"), "{:?}", answer.headers);
    assert_eq!(
        (header("x-content-type-options"), header("content-type")),
        ("nosniff", "application/octet-stream")
    );
    assert!(header("cache-control").contains("no-store"), "{:?}", answer.headers);
    let other = links[0].replacen("ticket-attachments/1", "ticket-attachments/2", 1);
    let later = links[0].replacen("expires=1", "expires=2", 1);
    let unsigned = links[0].split("&signature").next().unwrap().to_owned();
    for wrong in [other, later, unsigned, "/api/application/ticket-attachments/1".to_owned()] {
        assert_eq!(fetch(&shop, &wrong).await.status, 404, "{wrong}");
    }
    shop.close().await;
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn bad_files_are_refused_and_leave_nothing() {
    let folder = storage("bad");
    let shop = shop_in(&folder).await;
    let untouched = shop.rows().await;
    let big = [PNG, &vec![0; 5 * 1024 * 1024]].concat();
    let script = [PNG, b"<ScRiPt>alert(1)</script>"].concat();
    let php = [PNG, b"<?PHP system(1);"].concat();
    let six = [("a.png", PNG); 6];
    for (files, named) in [
        (&[("a.txt", b"just a text".as_slice())][..], "attachments.0"),
        (&[("a.png", PNG), ("a.png", b"<html><body>")], "attachments.1"),
        (&[("a.png", b"")], "attachments.0"),
        (&[("a.png", &big)], "attachments.0"),
        (&[("a.png", &script)], "attachments.0"),
        (&[("a.png", &php)], "attachments.0"),
        (&[("a.php", PNG)], "attachments.0"),
        (&six[..], "attachments"),
    ] {
        for (path, fields) in
            [(TICKETS.to_owned(), ticket()), (format!("{TICKETS}/1/reply"), json!({"content": "Voici"}))]
        {
            let (status, body) = send(&shop, &path, &fields, files).await;
            assert_eq!((status, invalid_fields(&body)), (422, vec![named]), "{body}");
        }
    }
    assert_eq!(changed_rows(&shop, &untouched).await, Vec::<String>::new());
    // Refused once the files were written: the department is gone by then.
    let (status, _) = send(&shop, TICKETS, &with("department_id", 6), &[("a.png", PNG)]).await;
    assert_eq!(status, 422);
    assert_eq!(files_below(&folder), Vec::<PathBuf>::new());
    let key = shop.quoted("value");
    shop.sql(&format!("INSERT INTO settings (name, {key}) VALUES ('helpdesk_attachments_allowed_types', 'gif'), ('helpdesk_attachments_max_size', '1')")).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (status, body) = send(&shop, TICKETS, &ticket(), &[("a.png", PNG)]).await;
    assert_eq!(
        (status, &body["errors"]["attachments.0"][0]),
        (422, &json!("The attachments.0 field must be a file of type: gif.")),
        "{body}"
    );
    let gif = [b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".as_slice(), &vec![0; 1024 * 1024]].concat();
    let (status, body) = send(&shop, TICKETS, &ticket(), &[("a.gif", &gif)]).await;
    assert_eq!(
        (status, &body["errors"]["attachments.0"][0]),
        (422, &json!("The file size of attachments.0 cannot exceed 1024 kilobytes.")),
        "{body}"
    );
    shop.close().await;
    let _ = std::fs::remove_dir_all(folder);
}

/// Makes a file look as old as one that a process has left behind.
fn age(file: &Path) {
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

#[tokio::test]
async fn what_a_killed_process_leaves_is_put_in_its_place_or_away() {
    let folder = storage("killed");
    let private = folder.join("private/helpdesk/attachments");
    let shop = shop_in(&folder).await;
    std::fs::create_dir_all(private.join("9")).unwrap();
    // Killed between commit and move, before the commit, and while a deleted ticket's folder went.
    for name in [
        ".AAAAAAAAAAAAAAAA.part",
        ".BBBBBBBBBBBBBBBB.part",
        ".CCCCCCCCCCCCCCCC.part",
        ".9.gone",
        ".3.gone",
        "9/DDDDDDDDDDDDDDDD.",
    ] {
        std::fs::write(private.join(name), PNG).unwrap();
    }
    for (id, name) in [(901, "AAAAAAAAAAAAAAAA"), (902, "BBBBBBBBBBBBBBBB")] {
        shop.sql(&format!("INSERT INTO support_attachments (id, filename, path, mime, size, ticket_id) VALUES ({id}, 'a.png', 'helpdesk/attachments/1/{name}.', 'image/png', 1, 1)")).await;
    }
    shop.sql("UPDATE support_tickets SET deleted_at = '2026-11-22 10:00:00' WHERE id = 9").await;
    for name in [".BBBBBBBBBBBBBBBB.part", ".CCCCCCCCCCCCCCCC.part", ".9.gone", ".3.gone"] {
        age(&private.join(name));
    }
    let first = &links(&shop, 1).await[0];
    let answer = fetch(&shop, first).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, PNG), "a draft is found when it is asked for");
    let (status, body) =
        send(&shop, &format!("{TICKETS}/3/reply"), &json!({"content": "Voici"}), &[("a.png", PNG)]).await;
    assert_eq!(status, 200, "{body}");
    let kept: BTreeSet<String> = files_below(&private)
        .iter()
        .map(|file| file.strip_prefix(&private).unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.contains("1/AAAAAAAAAAAAAAAA.") && kept.contains("1/BBBBBBBBBBBBBBBB."), "{kept:?}");
    assert_eq!(kept.iter().filter(|file| file.starts_with("3/")).count(), 1, "{kept:?}");
    // A deletion takes the files along.
    assert_eq!(shop.ask("DELETE", &format!("{TICKETS}/3"), "all", None).await.0, 200);
    assert_eq!(files_below(&private).len(), 3 + 1, "closed, not deleted; the mark is swept later");
    assert_eq!(shop.ask("DELETE", &format!("{TICKETS}/3"), "all", None).await.0, 200);
    assert_eq!(files_below(&private).len(), 2);
    shop.close().await;
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn files_come_with_graphql_too() {
    let folder = storage("graphql");
    let shop = shop_in(&folder).await;
    let query = "mutation($files: [Upload!]) { ticketReply(id: 1, input: {content: \"Voici\", attachments: $files}) { ticket { status } message { message staffId } userErrors { code field } } }";
    let operations = json!({"query": query, "variables": {"files": [null, null]}});
    let map = json!({"a": ["variables.files.0"], "b": ["variables.files.1"]});
    let mut body = Vec::new();
    for (name, value) in [("operations", operations.to_string()), ("map", map.to_string())] {
        body.extend(
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes(),
        );
    }
    for name in ["a", "b"] {
        body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.png\"\r\nContent-Type: image/png\r\n\r\n").into_bytes());
        body.extend(PNG);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    let headers = [
        ("Content-Type", "multipart/form-data; boundary=b".to_owned()),
        ("X-Requested-With", "test".to_owned()),
        ("Authorization", format!("Bearer {}", Shop::key("all"))),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let answer = shop
        .send(&Request { method: "POST".to_owned(), path: "/graphql".to_owned(), headers, body })
        .await
        .json();
    let replied = &answer["data"]["ticketReply"];
    assert_eq!(
        (&replied["message"], &replied["userErrors"]),
        (&json!({"message": "Voici", "staffId": null}), &json!([])),
        "{answer}"
    );
    assert_eq!(links(&shop, 1).await.len(), 2);
    assert_eq!(files_below(&folder).len(), 2);
    shop.close().await;
    let _ = std::fs::remove_dir_all(folder);
}
