//! Groups beyond the recordings: the tree, its prices, its pictures, and deletions that go through.

use std::path::PathBuf;

use sea_orm::DbBackend;
use serde_json::{Value as Json, json};

use crate::harness::rows::quoted;
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;
use crate::harness::wire::{Answer, Request};

const GROUPS: &str = "/api/application/groups";
/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa7\x35\x81\x84\0\0\0\0IEND\xaeB`\x82";
const SVG: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'/>";

fn new_group(slug: &str) -> Json {
    json!({"name": "Neuf", "description": "d", "status": "active", "slug": slug, "sort_order": 1})
}

async fn show(shop: &Shop, id: u32) -> Json {
    let (status, _, body) = shop.get(&format!("{GROUPS}/{id}"), "all").await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn change(shop: &Shop, id: u32, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(&format!("{GROUPS}/{id}"), "all", body).await;
    (status, body)
}

/// A folder of its own for pictures.
fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("guichet-groups-{name}-{}", std::process::id()))
}

async fn upload(shop: &Shop, path: &str, fields: &[(&str, &str)], name: &str, content: &[u8]) -> Answer {
    let mut body = String::new();
    for (field, value) in fields {
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
    }
    body += &format!("--edge\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\r\n");
    let body = [body.as_bytes(), content, b"\r\n--edge--\r\n"].concat();
    let headers = [
        ("Accept", "application/json".to_owned()),
        ("Authorization", format!("Bearer {}", Shop::key("all"))),
        ("Content-Type", "multipart/form-data; boundary=edge".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    shop.send(&Request { method: "POST".to_owned(), path: path.to_owned(), headers, body }).await
}

#[tokio::test]
async fn one_group_is_answered_whole_by_either_reading_ability() {
    let shop = Shop::golden("fr").await;
    let (_, _, list) = shop.get(GROUPS, "all").await;
    assert_eq!(show(&shop, 1).await, list["data"][0]);
    shop.sql("UPDATE personal_access_tokens SET abilities = '[\"groups:index\"]' WHERE name = 'health'")
        .await;
    assert_eq!(shop.get(&format!("{GROUPS}/1"), "health").await.0, 200);
    assert_eq!(shop.get(&format!("{GROUPS}/7"), "all").await.0, 404, "deleted");
    shop.close().await;
}

#[tokio::test]
async fn a_group_is_found_by_its_name() {
    let shop = Shop::golden("fr").await;
    shop.sql(&format!("UPDATE {} SET name = 'VPS' WHERE id = 5", quoted(*BACKEND, "groups"))).await;
    let (_, _, body) = shop.get(&format!("{GROUPS}?q=vps"), "all").await;
    let ids: Vec<_> = body["data"].as_array().unwrap().iter().map(|group| group["id"].clone()).collect();
    assert_eq!(ids, [5, 1], "the exact name first");
    let (_, _, body) = shop.get(&format!("{GROUPS}?sort=-name&per_page=2"), "all").await;
    assert_eq!([&body["data"][0]["id"], &body["data"][1]["id"]], [5, 1]);
    shop.close().await;
}

#[tokio::test]
async fn prices_come_with_the_products_at_every_depth() {
    let shop = Shop::golden("fr").await;
    let (_, _, body) = shop.get(&format!("{GROUPS}?pricing=1&per_page=1"), "all").await;
    let group = &body["data"][0];
    assert_eq!(group["products"][0]["pricing"][0]["monthly"], 2.99);
    assert_eq!(group["groups"][0]["products"][0]["pricing"][0]["monthly"], 10.99);
    assert_eq!(group.get("pricing"), None);
    for other in ["0", "true"] {
        let (_, _, body) = shop.get(&format!("{GROUPS}?pricing={other}&per_page=1"), "all").await;
        assert_eq!(body["data"][0]["products"][0].get("pricing"), None, "{other}");
    }
    shop.close().await;
}

#[tokio::test]
async fn no_group_is_put_below_itself() {
    let shop = Shop::golden("en").await;
    let before = shop.rows().await;
    for (id, parent) in [(1, 1), (1, 5), (5, 5), (2, 7)] {
        let (status, body) = change(&shop, id, &json!({"parent_id": parent, "name": "X"})).await;
        assert_eq!(status, 422, "{id} below {parent}: {body}");
        assert_eq!(body["errors"]["parent_id"], json!(["The selected parent id field is invalid."]));
    }
    let mut below_deleted = new_group("neuf");
    below_deleted["parent_id"] = json!(7);
    assert_eq!(shop.post(GROUPS, "all", &below_deleted).await.0, 422);
    assert_eq!(shop.rows().await, before);
    let (status, body) = change(&shop, 2, &json!({"parent_id": 5})).await;
    assert_eq!((status, &body["parent_id"]), (200, &json!(5)));
    let (_, body) = change(&shop, 2, &json!({"parent_id": "none"})).await;
    assert_eq!(body["parent_id"], Json::Null);
    shop.close().await;
}

#[tokio::test]
async fn cycles_and_orphans_in_the_data_are_answered() {
    let shop = Shop::golden("fr").await;
    let groups = quoted(*BACKEND, "groups");
    shop.sql(&format!("UPDATE {groups} SET parent_id = 2 WHERE id = 2")).await;
    shop.sql(&format!("UPDATE {groups} SET parent_id = 7 WHERE id = 3")).await;
    let itself = show(&shop, 2).await;
    assert_eq!(itself["groups"], json!([]));
    assert!(itself["route"].as_str().unwrap().ends_with("/store/minecraft"), "{}", itself["route"]);
    assert_eq!(itself["start_price"]["price"], 5.99);
    let orphan = show(&shop, 3).await;
    assert!(orphan["route"].as_str().unwrap().ends_with("/store/web"), "{}", orphan["route"]);
    shop.sql(&format!("UPDATE {groups} SET parent_id = 5 WHERE id = 1")).await;
    assert_eq!(shop.get(GROUPS, "all").await.0, 200);
    assert_eq!(show(&shop, 1).await["groups"][0]["id"], 5);
    assert_eq!(change(&shop, 4, &json!({"parent_id": 1})).await.0, 200, "below a cycle is not in it");
    assert_eq!(change(&shop, 1, &json!({"parent_id": null})).await.0, 200, "a cycle can be undone");
    shop.close().await;
}

#[tokio::test]
async fn routes_follow_translations_and_staff() {
    let shop = Shop::with("fr", |config| config.force_https = false).await;
    let key = quoted(*BACKEND, "key");
    let mysql = *BACKEND == DbBackend::MySql;
    let model = if mysql { r"App\\Models\\Store\\Group" } else { r"App\Models\Store\Group" };
    for (group, locale, slug) in [(1, "fr_FR", "vps é"), (5, "en_GB", "x")] {
        let columns = format!("model, model_id, {key}, locale, content");
        let values = format!("'{model}', {group}, 'slug', '{locale}', '{slug}'");
        shop.sql(&format!("INSERT INTO translations ({columns}) VALUES ({values})")).await;
    }
    assert_eq!(show(&shop, 5).await["route"], format!("{}/store/vps%20%C3%A9/vps-ryzen", shop.base()));
    let values = format!("'{model}', 2, 'group_url', 'https://jeu.example'");
    shop.sql(&format!("INSERT INTO metadata (model_type, model_id, {key}, value) VALUES ({values})")).await;
    assert_eq!(show(&shop, 2).await["route"], "https://jeu.example");
    shop.close().await;
}

#[tokio::test]
async fn start_prices_follow_the_settings_of_the_shop() {
    let set =
        |name: &str, value: &str| format!("INSERT INTO settings (name, value) VALUES ('{name}', '{value}')");
    let shop = Shop::golden("fr").await;
    shop.sql(&set("store_mode_tax", "tax_included")).await;
    let price = &show(&shop, 2).await["start_price"];
    assert_eq!(price["mode"], "tax_included");
    assert_eq!([&price["base_price"], &price["price_ht"], &price["price"]], [5.99, 4.99, 4.99]);
    shop.close().await;
    let shop = Shop::golden("fr").await;
    shop.sql(&set("store_currency", "USD")).await;
    let price = &show(&shop, 2).await["start_price"];
    assert_eq!((&price["price"], &price["currency"]), (&json!(6.59), &json!("USD")));
    shop.close().await;
}

#[tokio::test]
async fn put_changes_only_what_is_given() {
    let shop = Shop::golden("fr").await;
    let path = format!("{GROUPS}/5");
    let before = show(&shop, 5).await;
    let body = json!({"slug": "Été 26", "badge_title": null, "pinned": "true"});
    let (status, _, after) = shop.ask("PUT", &path, "all", Some(&body)).await;
    assert_eq!(status, 200, "{after}");
    assert_eq!(
        [&after["slug"], &after["badge_title"], &after["pinned"]],
        [&json!("ete-26"), &Json::Null, &json!(true)]
    );
    for kept in ["name", "parent_id", "badge_color", "sort_order", "status", "image"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    for bad in [json!({"slug": "!!"}), json!({"slug": "vps"}), json!({"name": "Minecraft"})] {
        let (status, _, body) = shop.ask("PUT", &path, "all", Some(&bad)).await;
        assert_eq!(status, 422, "{bad}: {body}");
    }
    let own = json!({"slug": "ete-26", "name": "VPS Ryzen"});
    assert_eq!(shop.ask("PUT", &path, "all", Some(&own)).await.0, 200);
    shop.close().await;
}

#[tokio::test]
async fn the_background_is_what_was_asked() {
    let shop = Shop::golden("fr").await;
    let list = format!("{GROUPS}?include=metadata&filter[slug]=minecraft");
    for (wanted, rows) in [("true", 1), ("true", 1), ("false", 0), ("false", 0)] {
        let body = json!({"use_image_as_background": wanted});
        assert_eq!(change(&shop, 2, &body).await.0, 200);
        let (_, _, list) = shop.get(&list, "all").await;
        assert_eq!(list["data"][0]["metadata"].as_array().unwrap().len(), rows, "{wanted}");
    }
    let mut body = new_group("sans");
    body["use_image_as_background"] = json!(false);
    assert_eq!(shop.post(GROUPS, "all", &body).await.0, 201);
    assert_eq!(shop.text("SELECT value FROM metadata WHERE model_id = 8").await, None);
    shop.close().await;
}

#[tokio::test]
async fn a_deletion_frees_the_groups_below() {
    let storage = folder("delete");
    let shop = Shop::with("fr", |config| config.storage.clone_from(&storage)).await;
    assert_eq!(shop.post(GROUPS, "all", &new_group("haut")).await.0, 201);
    let mut below = new_group("bas");
    below["parent_id"] = json!(8);
    assert_eq!(shop.post(GROUPS, "all", &below).await.0, 201);
    let path = format!("{GROUPS}/8");
    let answer = upload(&shop, &path, &[("use_image_as_background", "true")], "a.png", PNG).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let picture = storage.join("public").join(answer.json()["image"].as_str().unwrap());
    assert!(picture.exists());
    let (status, _, body) = shop.ask("DELETE", &path, "all", None).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["deleted_at"], "2026-11-23T12:00:00.000000Z");
    assert_eq!(body["groups"][0]["id"], 9);
    assert_eq!(shop.get(&path, "all").await.0, 404);
    assert_eq!(show(&shop, 9).await["parent_id"], Json::Null);
    assert!(!picture.exists());
    assert_eq!(shop.text("SELECT value FROM metadata WHERE model_id = 8").await, None);
    let (status, _, body) = shop.post(GROUPS, "all", &new_group("haut")).await;
    assert_eq!(status, 422, "the slug stays taken: {body}");
    shop.close().await;
    let _ = std::fs::remove_dir_all(storage);
}

#[tokio::test]
async fn pictures_are_stored_each_in_its_file() {
    let storage = folder("upload");
    let shop = Shop::with("fr", |config| config.storage.clone_from(&storage)).await;
    let fields = |slug| {
        let rest = [("name", "Même nom"), ("description", "d"), ("status", "active"), ("sort_order", "1")];
        [&rest[..], &[("slug", slug)]].concat()
    };
    let first = upload(&shop, GROUPS, &fields("un"), "a.png", PNG).await;
    let second = upload(&shop, GROUPS, &fields("deux"), "a.png", PNG).await;
    assert_eq!((first.status, second.status), (201, 201), "{}", first.text());
    assert_eq!(first.json()["image"], "groups/meme-nom.png");
    assert_eq!(second.json()["image"], "groups/meme-nom-9.png");
    let stored = |name: &str| std::fs::read(storage.join("public").join(name)).ok();
    assert_eq!(stored("groups/meme-nom.png").as_deref(), Some(PNG));
    let refused = upload(&shop, GROUPS, &fields("trois"), "a.svg", SVG).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let (status, body) = change(&shop, 8, &json!({"remove_image": "true"})).await;
    assert_eq!((status, &body["image"]), (200, &json!("")));
    assert_eq!(stored("groups/meme-nom.png"), None);
    assert!(stored("groups/meme-nom-9.png").is_some());
    shop.close().await;
    let _ = std::fs::remove_dir_all(storage);
}

#[tokio::test]
async fn graphql_reads_and_writes_the_tree() {
    let shop = Shop::golden("fr").await;
    let query = "{ groups(filter: {parentId: {eq: 1}}) { nodes { status parent { slug }
        startPrice { period currency recurring { net { amount } gross { formatted } } perMonth { net { amount } } }
        products(first: 1) { totalCount nodes { name group { slug } } } } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert_eq!(answer["errors"], Json::Null, "{answer}");
    let group = &answer["data"]["groups"]["nodes"][0];
    assert_eq!(group["parent"]["slug"], "vps");
    let net = json!({"amount": "10.99"});
    let price = json!({"period": "MONTHLY", "currency": "EUR",
        "recurring": {"net": net, "gross": {"formatted": "13,19\u{a0}€"}}, "perMonth": {"net": net}});
    assert_eq!(group["startPrice"], price);
    assert_eq!(group["products"]["nodes"][0]["group"]["slug"], "vps-ryzen");
    let create = "mutation($input: GroupCreateInput!) { groupCreate(input: $input) { group { databaseId slug status } } }";
    let input = json!({"name": "G", "description": "d", "status": "HIDDEN", "slug": "G Q", "sortOrder": 1,
        "useImageAsBackground": true});
    let answer = shop.graphql(create, json!({"input": input}), "all").await;
    let made = json!({"databaseId": 8, "slug": "g-q", "status": "HIDDEN"});
    assert_eq!(answer["data"]["groupCreate"]["group"], made, "{answer}");
    let update = "mutation { groupUpdate(id: 8, input: {pinned: true, useImageAsBackground: false}) {
        group { name pinned metadata { key } products(first: 0) { totalCount } } } }";
    let answer = shop.graphql(update, json!({}), "all").await;
    let changed = json!({"name": "G", "pinned": true, "metadata": [], "products": {"totalCount": 0}});
    assert_eq!(answer["data"]["groupUpdate"]["group"], changed, "{answer}");
    let refused = shop.graphql("mutation { groupDelete(id: 1) { deletedId } }", json!({}), "all").await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "CONFLICT", "{refused}");
    let gone =
        shop.graphql("mutation { groupDelete(id: 8) { group { deletedAt } } }", json!({}), "all").await;
    assert_eq!(gone["data"]["groupDelete"]["group"]["deletedAt"], "2026-11-23T12:00:00.000000Z");
    let missing = shop.graphql("{ group(id: 8) { name } }", json!({}), "all").await;
    assert_eq!(missing, json!({"data": {"group": null}}));
    shop.close().await;
}

#[tokio::test]
async fn what_is_left_empty_is_not_pinned_and_texts_fit_their_column() {
    let shop = Shop::golden("fr").await;
    let group = |change: Json| {
        let mut group =
            json!({"name": "N", "description": "d", "status": "active", "slug": "n", "sort_order": 1});
        group.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        group
    };
    let (status, _, made) = shop.post(GROUPS, "all", &group(json!({"pinned": ""}))).await;
    assert_eq!((status, &made["pinned"]), (201, &json!(false)), "{made}");
    let long = json!({"slug": "m", "description": "é".repeat(32_768)});
    let (status, _, body) = shop.post(GROUPS, "all", &group(long)).await;
    let reported = json!(["Le texte de description ne peut pas contenir plus de 65535 caractères."]);
    assert_eq!((status, &body["errors"]["description"]), (422, &reported));
    shop.close().await;
}
