//! Servers beyond the recordings: their access data, bad input, what holds them, and the test of a connection.

use std::time::Duration;

use futures_util::future::join_all;
use guichet::platform::config::Secret;
use serde_json::{Value as Json, json};

use super::tickets::staff_with;
use crate::harness::rows::{Snapshot, changes};
use crate::harness::shop::{APP_KEY, Shop, invalid_fields};

const SERVERS: &str = "/api/application/servers";
const SECOND: &str = "/api/application/servers/2";
const TEST: &str = "/api/application/servers/test";

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

fn server(name: &str) -> Json {
    json!({"name": name, "hostname": "n.example.com", "address": "192.0.2.50", "username": "root", "password": "pw", "type": "none"})
}

fn with(field: &str, value: &Json) -> Json {
    let mut body = server("N");
    body[field] = value.clone();
    body
}

async fn create(shop: &Shop, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(SERVERS, "all", body).await;
    (status, body)
}

async fn changes_since(shop: &Shop, before: &Snapshot) -> Vec<String> {
    changes(before, &shop.rows().await).iter().map(ToString::to_string).collect()
}

async fn stored(shop: &Shop, column: &str, id: i64) -> String {
    shop.text(&format!("SELECT {column} FROM servers WHERE id = {id}")).await.unwrap()
}

#[tokio::test]
async fn values_are_refused_in_the_order_of_the_fields() {
    let shop = shop().await;
    let (status, answer) = create(&shop, &json!({"hostname": "h", "address": "a"})).await;
    assert_eq!(
        (status, invalid_fields(&answer)),
        (422, vec!["name", "username", "password", "type"]),
        "in a second pass: {answer}"
    );
    let long = |letters: usize| json!("n".repeat(letters));
    for (field, refused) in [
        ("name", json!([5, true, [], {"a": "b"}, long(256), "node paris 1"])),
        ("port", json!([0, -1, 65536, "x", [], 443.5])),
        ("username", json!([5, [], long(9_001)])),
        ("password", json!([5, {}, long(9_001)])),
        ("status", json!(["x", 5, []])),
        ("type", json!(["nope", "NONE", 5, [], null, long(256), "no\0ne"])),
        ("hostname", json!([null, "", 5, [], long(256)])),
        ("address", json!([null, " ", false, long(256)])),
        ("maxaccounts", json!([-1, "x", [], 2_147_483_648_i64, 1.5])),
    ] {
        for value in refused.as_array().unwrap() {
            let (status, answer) = create(&shop, &with(field, value)).await;
            assert_eq!((status, invalid_fields(&answer)), (422, vec![field]), "{field}: {value} {answer}");
        }
    }
    let (_, answer) = create(&shop, &with("type", &json!(5))).await;
    let both = ["The type field must be a string.", "The type field is invalid."];
    assert_eq!(answer["errors"]["type"], json!(both), "{answer}");
    let (status, answer) = create(&shop, &with("username", &json!("😀".repeat(9_000)))).await;
    assert_eq!(status, 201, "{answer}");
    shop.sql("DELETE FROM servers WHERE name = 'N'").await;
    let (status, answer) = create(&shop, &with("ip", &json!("192.0.2.9"))).await;
    assert_eq!((status, &answer["port"], &answer["maxaccounts"]), (201, &json!(443), &json!(0)), "{answer}");
    assert_eq!(answer["status"], "active");
    let (status, answer) = create(&shop, &json!({"name": "M", "hostname": "h", "address": "a", "username": " u ", "password": " p ", "type": "domain", "maxaccounts": null})).await;
    assert_eq!(
        (status, &answer["username"], &answer["password"]),
        (201, &json!("u"), &json!(" p ")),
        "{answer}"
    );
    shop.close().await;
}

#[tokio::test]
async fn a_kind_that_the_shop_has_is_known() {
    let shop = shop().await;
    assert_eq!(create(&shop, &with("type", &json!("pterodactyl"))).await.0, 422);
    shop.sql("UPDATE products SET type = 'pterodactyl' WHERE id = 1").await;
    assert_eq!(create(&shop, &with("type", &json!("pterodactyl"))).await.0, 201);
    shop.close().await;
}

#[tokio::test]
async fn access_data_is_encrypted_and_written_only_where_it_changes() {
    let shop = shop().await;
    let (status, made) = create(&shop, &server("Neuf")).await;
    assert_eq!((status, &made["username"], &made["password"]), (201, &json!("root"), &json!("pw")));
    let id = made["id"].as_i64().unwrap();
    let (username, password) = (stored(&shop, "username", id).await, stored(&shop, "password", id).await);
    assert!(username.starts_with("eyJpdiI6") && password.starts_with("eyJpdiI6") && username != password);
    let one = format!("{SERVERS}/{id}");
    let untouched = shop.rows().await;
    for body in [
        json!({}),
        json!({"username": "root", "password": "pw"}),
        json!({"username": null, "password": null}),
    ] {
        let (status, answer) = shop.put(&one, &body).await;
        assert_eq!((status, &answer["password"]), (200, &json!("pw")), "{body} {answer}");
    }
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    let (status, answer) = shop.put(&one, &json!({"password": "é\";s:1:\""})).await;
    assert_eq!(
        (status, &answer["password"], &answer["username"]),
        (200, &json!("é\";s:1:\""), &json!("root"))
    );
    assert_eq!(stored(&shop, "username", id).await, username, "only what was sent is encrypted again");
    assert_eq!(shop.put(&one, &json!({"hostname": null})).await.0, 422);
    let (status, _, answer) = shop.post(&one, "all", &json!({"name": "Tout"})).await;
    assert_eq!((status, invalid_fields(&answer)), (422, vec!["hostname", "address"]));
    shop.close().await;
}

/// A key of the shop and one that it had before; and what was encrypted with neither.
#[tokio::test]
async fn keys_that_the_shop_had_before_open_and_others_are_told() {
    let former = Shop::with("en", |config| {
        config.rate_limit = None;
        config.app_key = Secret::new("0123456789abcdef0123456789abcdeX");
        config.previous_keys = vec![Secret::new(APP_KEY)];
    })
    .await;
    let (_, _, body) = former.get(SECOND, "all").await;
    assert_eq!(body["data"][0]["password"], "secret2", "{body}");
    let before = stored(&former, "password", 2).await;
    let (status, answer) = former.put(SECOND, &json!({"password": "secret2"})).await;
    assert_eq!((status, &answer["password"]), (200, &json!("secret2")));
    assert_ne!(stored(&former, "password", 2).await, before, "a write encrypts it with the present key");
    former.close().await;

    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.app_key = Secret::new("0123456789abcdef0123456789abcdeX");
    })
    .await;
    let (status, _, body) = shop.get(SECOND, "all").await;
    let row = &body["data"][0];
    assert_eq!(
        (status, &row["name"], &row["password"]),
        (200, &json!("Node Paris 2"), &Json::Null),
        "{body}"
    );
    let query = "{ serverCredentials(id: 2) { username password } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("another key than APP_KEY") && answer["data"]["serverCredentials"].is_null(),
        "{answer}"
    );
    shop.sql("UPDATE servers SET type = 'pterodactyl' WHERE id = 3").await;
    let (status, _, body) = shop.post(TEST, "all", &json!({"server_id": 2, "type": "pterodactyl"})).await;
    assert_eq!((status, &body["success"], &body["status"]), (200, &json!(false), &json!(500)), "{body}");
    assert!(body["message"].as_str().unwrap().contains("another key"), "{body}");
    let (status, answer) = shop.put(SECOND, &json!({"username": "root", "password": "neu"})).await;
    assert_eq!((status, &answer["password"]), (200, &json!("neu")), "entered once more");
    shop.close().await;
}

#[tokio::test]
async fn rest_can_keep_access_data_back() {
    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.hide_server_credentials = true;
    })
    .await;
    let (_, _, body) = shop.get(SERVERS, "all").await;
    assert!(!body.to_string().contains("secret"), "{body}");
    assert!(
        body["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["username"].is_null() && row["password"].is_null())
    );
    let (status, answer) = shop.put(SECOND, &json!({"password": "neu"})).await;
    assert_eq!((status, &answer["password"]), (200, &Json::Null));
    let answer = shop.graphql("{ serverCredentials(id: 2) { password } }", json!({}), "all").await;
    assert_eq!(answer["data"]["serverCredentials"]["password"], "neu", "{answer}");
    shop.close().await;
}

/// GraphQL has access data in one field alone, and that needs an ability of its own.
#[tokio::test]
async fn graphql_shows_access_data_to_those_who_have_the_ability() {
    let shop = shop().await;
    let answer = shop.graphql("{ serverCredentials(id: 1) { username password } none: serverCredentials(id: 999) { username } }", json!({}), "all").await;
    let expected = json!({"serverCredentials": {"username": "user1", "password": "secret1"}, "none": null});
    assert_eq!(answer["data"], expected, "{answer}");
    for query in [
        "{ servers { nodes { password } } }",
        "{ server(id: 1) { username } }",
        "{ services { nodes { server { password } } } }",
        "{ servers(filter: {password: {contains: \"s\"}}) { nodes { name } } }",
        "{ servers(sort: [{field: PASSWORD}]) { nodes { name } } }",
    ] {
        let answer = shop.graphql(query, json!({}), "all").await;
        assert!(answer["errors"].is_array() && !answer.to_string().contains("secret"), "{query} {answer}");
    }
    for query in ["filter[username]=user", "sort=password"] {
        assert_eq!(shop.get(&format!("{SERVERS}?{query}"), "all").await.0, 400, "{query}");
    }
    let set = |abilities: &str| {
        format!("UPDATE personal_access_tokens SET abilities = '{abilities}' WHERE name = 'health'")
    };
    shop.sql(&set(r#"["servers:index", "servers:show", "servers:update", "services:index"]"#)).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let answer = shop.graphql("{ serverCredentials(id: 1) { password } }", json!({}), "health").await;
    assert!(answer["errors"].is_array() && !answer.to_string().contains("secret1"), "{answer}");
    let (_, _, body) = shop.get(SERVERS, "health").await;
    assert_eq!(body["data"][0]["password"], "secret1", "REST shows it, as the original does");
    shop.close().await;
}

/// Who may read services alone sees the name of the server that one runs on, and nothing else of it.
#[tokio::test]
async fn readers_of_services_see_names_of_servers() {
    let shop = shop().await;
    let id = shop.graphql("{ server(id: 1) { id } }", json!({}), "all").await["data"]["server"]["id"].clone();
    shop.sql(r#"UPDATE personal_access_tokens SET abilities = '["services:index"]' WHERE name = 'health'"#)
        .await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let query = "{ service(id: 4) { server { id name type status } } }";
    let answer = shop.graphql(query, json!({}), "health").await;
    let expected = json!({"id": id, "name": "Node Paris 1", "type": "none", "status": "ACTIVE"});
    assert_eq!(answer["data"]["service"]["server"], expected, "{answer}");
    let node = "query($id: ID!) { node(id: $id) { ... on Server { name } } }";
    let answer = shop.graphql(node, json!({"id": id}), "health").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    for column in ["address", "hostname", "port", "maxaccounts", "createdAt"] {
        let query = format!("{{ services(perPage: 5) {{ nodes {{ server {{ {column} }} }} }} }}");
        let answer = shop.graphql(&query, json!({}), "health").await;
        assert!(answer["errors"].is_array() && !answer.to_string().contains("192.0.2"), "{column} {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn sessions_see_credentials_only_with_their_ability() {
    let shop = shop().await;
    let session = staff_with(&shop, 71, &["admin.manage_servers"]).await;
    let shown = |body: &Json| {
        body["data"].as_array().map_or(json!([body["username"], body["password"]]), |rows| {
            json!([rows[0]["username"], rows[0]["password"]])
        })
    };
    for (key, expected) in [(session.as_str(), json!([null, null])), ("all", json!(["user1", "secret1"]))] {
        for path in [SERVERS.to_owned(), format!("{SERVERS}/1")] {
            let (status, _, body) = shop.get(&path, key).await;
            assert_eq!((status, shown(&body)), (200, expected.clone()), "{path} {body}");
        }
        let (status, _, body) =
            shop.ask("PUT", &format!("{SERVERS}/1"), key, Some(&json!({"port": 2022}))).await;
        assert_eq!((status, shown(&body)), (200, expected.clone()), "{body}");
    }
    let query = "{ serverCredentials(id: 1) { password } }";
    let answer = shop.graphql(query, json!({}), &session).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn a_server_with_services_is_not_deleted() {
    let shop = shop().await;
    let untouched = shop.rows().await;
    let (status, _, body) = shop.ask("DELETE", SECOND, "all", None).await;
    assert_eq!(
        (status, &body["message"]),
        (409, &json!("Services run on the server, so it cannot be deleted."))
    );
    let delete = "mutation { serverDelete(id: 2) { deletedId userErrors { code } server { deletedAt } } }";
    let answer = shop.graphql(delete, json!({}), "all").await;
    assert_eq!(answer["data"]["serverDelete"]["userErrors"][0]["code"], "SERVER_HAS_SERVICES", "{answer}");
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    shop.sql("UPDATE services SET deleted_at = '2026-11-22 10:00:00' WHERE server_id = 2").await;
    let deletions = join_all((0..4).map(|_| shop.ask("DELETE", SECOND, "all", None))).await;
    let mut statuses: Vec<u16> = deletions.iter().map(|(status, ..)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404]);
    let (status, answer) = create(&shop, &server("Node Paris 2")).await;
    assert_eq!((status, invalid_fields(&answer)), (422, vec!["name"]), "the name stays taken");
    shop.close().await;
}

#[tokio::test]
async fn the_test_of_a_connection_tells_what_failed() {
    let shop = shop().await;
    shop.sql("UPDATE servers SET type = 'pterodactyl' WHERE id = 3").await;
    let untouched = shop.rows().await;
    let test = async |body: Json| {
        let (status, _, body) = shop.post(TEST, "all", &body).await;
        (status, body)
    };
    let (status, body) = test(json!({})).await;
    assert_eq!((status, invalid_fields(&body)), (422, vec!["address"]));
    let none = json!({"success": true, "status": 200, "message": "Test connection on none server type"});
    assert_eq!(test(json!({"server_id": 2})).await, (200, none.clone()), "what is left out is the server's");
    assert_eq!(
        test(json!({"address": "127.0.0.1", "port": 1})).await,
        (200, none.clone()),
        "nothing is connected to"
    );
    let domain = json!({"success": false, "status": 404, "message": "Domain registrar not found"});
    assert_eq!(test(json!({"server_id": "2", "type": "domain"})).await, (200, domain));
    let domain = json!({"success": false, "status": 404, "message": "Domain registrar not found"});
    assert_eq!(test(json!({"hostname": "h", "type": "domain"})).await, (200, domain));
    for (field, body) in
        [("hostname", json!({"type": "domain"})), ("address", json!({"type": "pterodactyl"}))]
    {
        let lacks =
            json!({"success": false, "status": 500, "message": format!("The {field} field is required.")});
        assert_eq!(test(body).await, (200, lacks));
    }
    assert_eq!(test(json!({"type": "none"})).await, (200, none));
    let unknown = json!({"success": false, "message": "Server type not found"});
    for body in [json!({"address": "127.0.0.1", "type": "x"}), json!({"type": "x"}), json!({"type": "NONE"})]
    {
        assert_eq!(test(body).await, (200, unknown.clone()));
    }
    let missing = json!({"success": false, "message": "Server not found"});
    for id in [json!(999), json!("0")] {
        assert_eq!(test(json!({"server_id": id})).await, (422, missing.clone()));
    }
    for address in ["127.0.0.1", "localhost", "169.254.169.254", "::1", "0.0.0.0", "::ffff:127.0.0.1"] {
        let (status, body) = test(json!({"address": address, "type": "pterodactyl"})).await;
        assert_eq!((status, &body["status"]), (200, &json!(500)), "{body}");
        assert_eq!(body["message"], format!("{address} leads to no other machine"));
    }
    let (_, body) = test(json!({"address": "no name", "type": "pterodactyl"})).await;
    assert!(body["message"].as_str().unwrap().contains("no name that is found"), "{body}");
    for (field, value) in
        [("port", json!(0)), ("port", json!(70_000)), ("address", json!([])), ("server_id", json!("x"))]
    {
        let mut sent = json!({"address": "a"});
        sent[field] = value;
        let (status, body) = test(sent.clone()).await;
        assert_eq!((status, invalid_fields(&body)), (422, vec![field]), "{sent} {body}");
    }
    let query =
        "mutation { serverTest(input: {serverId: 2}) { success status message userErrors { code } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer["data"]["serverTest"]["success"], true, "{answer}");
    assert_eq!(shop.post(TEST, "none", &json!({})).await.0, 403);
    assert_eq!(shop.get(TEST, "all").await.0, 404);
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    shop.close().await;
}

#[tokio::test]
async fn graphql_makes_and_changes() {
    let shop = shop().await;
    let create = "mutation($input: ServerCreateInput!) { serverCreate(input: $input) { server { databaseId name port status maxaccounts services { totalCount } } userErrors { code field } } }";
    let mut input = server("G");
    input["status"] = json!("HIDDEN");
    let answer = shop.graphql(create, json!({"input": input}), "all").await;
    let made = json!({"databaseId": 5, "name": "G", "port": 443, "status": "HIDDEN", "maxaccounts": 0, "services": {"totalCount": 0}});
    assert_eq!(answer["data"]["serverCreate"]["server"], made, "{answer}");
    let answer = shop.graphql(create, json!({"input": {"hostname": "h", "address": "a"}}), "all").await;
    assert!(answer.to_string().contains("REQUIRED"), "{answer}");
    let update =
        "mutation { serverUpdate(id: 5, input: {maxaccounts: 7}) { server { maxaccounts hostname } } }";
    let answer = shop.graphql(update, json!({}), "all").await;
    assert_eq!(
        answer["data"]["serverUpdate"]["server"],
        json!({"maxaccounts": 7, "hostname": "n.example.com"}),
        "{answer}"
    );
    shop.close().await;
}

#[tokio::test]
async fn lists_cost_the_same_however_many_rows() {
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.count_ttl = Duration::ZERO;
    })
    .await;
    for id in 101..231 {
        shop.sql(&format!("INSERT INTO servers (id, name, port, username, password, type, address, hostname) SELECT {id}, 'S{id}', port, username, password, type, address, hostname FROM servers WHERE id = 1")).await;
        shop.sql(&format!("INSERT INTO services (id, customer_id, uuid, name, type, product_id, status, server_id) VALUES ({id}, 1, '00000000-0000-0000-0000-000000000{id}', 'S', 'none', 1, 'active', {id})")).await;
    }
    let query = "query($n: Int) { servers(perPage: $n, sort: [{field: ID, direction: DESC}]) { nodes { name metadata { key } services(first: 2) { nodes { name server { name } } } } } }";
    let (mut rest, mut graphql) = (Vec::new(), Vec::new());
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let path = format!("{SERVERS}?per_page={rows}&sort=-id&include=services,servicesCount,metadata");
        let (status, _, body) = shop.get(&path, "all").await;
        assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows));
        assert_eq!(body["data"][0]["password"], "secret1");
        rest.push(shop.statements() - before);
        let before = shop.statements();
        let answer = shop.graphql(query, json!({"n": rows}), "all").await;
        assert_eq!(answer["data"]["servers"]["nodes"].as_array().unwrap().len(), rows, "{answer}");
        graphql.push(shop.statements() - before);
    }
    assert_eq!((rest, graphql), (vec![5; 3], vec![4; 3]));
    shop.close().await;
}

#[tokio::test]
async fn xml_is_read_and_answered() {
    let shop = shop().await;
    let xml = [("Content-Type", "application/xml"), ("Accept", "application/xml")];
    let body = "<s><name>X</name><hostname>h</hostname><address>a</address><username>u</username><password>p&amp;q</password><type>none</type><port>22</port></s>";
    let answer = shop.send_with("all", "POST", SERVERS, &xml, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(answer.text().contains("<password>p&amp;q</password>"), "{}", answer.text());
    let answer = shop.send_with("all", "POST", TEST, &xml, "<s><server_id>1</server_id></s>").await;
    assert!(answer.text().contains("<success>true</success>"), "{}", answer.text());
    shop.close().await;
}
