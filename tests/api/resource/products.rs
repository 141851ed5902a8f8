//! Behaviour of products that the recordings do not cover, and lists with arguments out of range.

use serde_json::{Value as Json, json};

use crate::harness::rows::changes;
use crate::harness::shop::Shop;
use crate::harness::wire::{Answer, Request};

const PRODUCTS: &str = "/api/application/products";
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;";

fn product() -> Json {
    json!({"name": "Nouveau", "description": "x", "status": "active", "group_id": 1, "stock": 4, "type": "none"})
}

fn with(name: &str, value: impl Into<Json>) -> Json {
    let mut body = product();
    body[name] = value.into();
    body
}

/// Posts a body of any type with the key `all`.
async fn send(shop: &Shop, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let headers =
        [("Content-Type", content_type), ("Authorization", &format!("Bearer {}", Shop::key("all")))];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    shop.send(&Request { method: "POST".to_owned(), path: path.to_owned(), headers, body }).await
}

/// Posts a picture beside the other fields, as a form does.
async fn upload(shop: &Shop, path: &str, fields: &Json, picture: &[u8]) -> (u16, Json) {
    let mut body = Vec::new();
    for (name, value) in fields.as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    body.extend(b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.gif\"\r\n\r\n");
    body.extend(picture);
    body.extend(b"\r\n--b--\r\n");
    let answer = send(shop, path, "multipart/form-data; boundary=b", body).await;
    (answer.status, answer.json())
}

/// A storage of the test's own, empty.
fn storage(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("guichet-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[tokio::test]
async fn a_picture_may_have_two_megabytes() {
    let folder = storage("pictures");
    let shop = Shop::with("fr", |config| config.storage = folder.clone()).await;
    let picture = |size: usize| [GIF, &vec![0; size - GIF.len()]].concat();
    let (status, body) = upload(&shop, PRODUCTS, &product(), &picture(2048 * 1024)).await;
    assert_eq!((status, &body["image"]), (201, &json!("products/13.gif")), "{body}");
    let (status, body) = upload(&shop, PRODUCTS, &product(), &picture(2048 * 1024 + 1)).await;
    let text = "La taille du fichier de image ne peut pas dépasser 2048 kilo-octets.";
    assert_eq!((status, body), (422, json!({"message": text, "errors": {"image": [text]}})));
    shop.close().await;
    let _ = std::fs::remove_dir_all(folder);
}

/// The folder of the pictures is a file here. A folder on another disk, which nothing can be moved into, is met the same way: before
/// anything is committed.
#[tokio::test]
async fn a_picture_that_cannot_be_stored_changes_nothing() {
    let folder = storage("unwritable");
    std::fs::create_dir_all(folder.join("public")).unwrap();
    std::fs::write(folder.join("public/products"), "no folder").unwrap();
    let shop = Shop::with("en", |config| config.storage = folder.clone()).await;
    let before = shop.rows().await;
    for path in [PRODUCTS, "/api/application/products/3"] {
        let (status, body) = upload(&shop, path, &product(), GIF).await;
        assert_eq!(status, 500, "{body}");
    }
    assert!(changes(&before, &shop.rows().await).is_empty());
    shop.close().await;
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn a_replaced_or_removed_picture_is_gone() {
    let folder = storage("replaced");
    let shop = Shop::with("en", |config| config.storage = folder.clone()).await;
    let path = format!("{PRODUCTS}/3");
    let stored = |name: &str| folder.join("public/products").join(name).exists();
    assert_eq!(upload(&shop, &path, &json!({}), GIF).await.0, 200);
    assert!(stored("3.gif"));
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde";
    let (status, body) = upload(&shop, &path, &json!({}), png).await;
    assert_eq!((status, &body["image"]), (200, &json!("products/3.png")), "{body}");
    assert!(stored("3.png") && !stored("3.gif"));
    let (status, _, body) = shop.post(&path, "all", &json!({"remove_image": "true"})).await;
    assert_eq!((status, &body["image"]), (200, &Json::Null));
    assert!(!stored("3.png"));
    shop.close().await;
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn a_description_is_as_long_as_its_column() {
    let shop = Shop::golden("fr").await;
    let long = "é".repeat(40_000);
    let text = "Le texte de description ne peut pas contenir plus de 65535 caractères.";
    let refused = json!({"message": text, "errors": {"description": [text]}});
    let (status, _, body) = shop.post(PRODUCTS, "all", &with("description", long.as_str())).await;
    assert_eq!((status, &body), (422, &refused));
    let change = json!({"description": long});
    let (status, _, body) = shop.post(&format!("{PRODUCTS}/1"), "all", &change).await;
    assert_eq!((status, &body), (422, &refused));
    let (status, ..) = shop.post(PRODUCTS, "all", &with("description", "x".repeat(65_535))).await;
    assert_eq!(status, 201);
    shop.close().await;
}

/// docs/contract/application-store.md#5.3, docs/contract/application-store.md#5.4,
/// docs/contract/documented-contract.md#2.4, docs/contract/documented-contract.md#3.3.
#[tokio::test]
async fn a_list_of_prices_is_passed_over() {
    let shop = Shop::golden("fr").await;
    let count = "SELECT CAST(count(*) AS CHAR(9)) FROM pricings";
    let before = shop.text(count).await;
    let list = json!([{"currency": "EUR", "monthly": 9.99}]);
    for prices in [list.clone(), json!([]), json!({}), json!({"monthly": {}})] {
        let (status, _, body) = shop.post(PRODUCTS, "all", &with("pricing", prices)).await;
        assert_eq!(status, 201, "{body}");
    }
    assert_eq!(shop.text(count).await, before);
    let rows = shop.rows().await;
    let (status, ..) = shop.post(&format!("{PRODUCTS}/2"), "all", &json!({"pricing": list})).await;
    assert_eq!(status, 200);
    assert_eq!(changes(&rows, &shop.rows().await), []);
    for prices in [json!("x"), Json::Null, json!(5)] {
        assert_eq!(shop.post(PRODUCTS, "all", &with("pricing", prices)).await.0, 422);
    }
    shop.close().await;
}

#[tokio::test]
async fn pins_are_written_as_forms_write_them() {
    let shop = Shop::golden("fr").await;
    for (sent, stored) in [
        (Json::Null, false),
        (json!(""), false),
        (json!("off"), false),
        (json!("0"), false),
        (json!("on"), true),
        (json!("true"), true),
        (json!(1), true),
        (json!("1"), true),
    ] {
        let (status, _, body) = shop.post(PRODUCTS, "all", &with("pinned", sent.clone())).await;
        assert_eq!((status, &body["pinned"]), (201, &json!(stored)), "{sent}");
    }
    shop.close().await;
}

#[tokio::test]
async fn hostile_lists_are_refused_and_cost_little() {
    let shop = Shop::golden("fr").await;
    let ask = |body: Json| {
        let shop = &shop;
        async move { shop.ask("GET", PRODUCTS, "all", Some(&body)).await }
    };
    let numbers = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let (status, _, body) = ask(json!({"filter": {"id": numbers(900)}})).await;
    assert_eq!((status, &body["total"]), (200, &json!(11)), "{body}");
    let (status, _, body) = ask(json!({"filter": {"id": numbers(100_000)}})).await;
    assert_eq!((status, body), (400, json!({"message": "Conditions hold more than 1000 values."})));
    let sorts =
        ["id"].repeat(50_000).into_iter().chain(["name"].repeat(50_000)).collect::<Vec<_>>().join(",");
    assert_eq!(ask(json!({"sort": sorts})).await.0, 200);
    let query = "query($filter: ProductFilter) { products(filter: $filter) { totalCount } }";
    for word in ["or", "and"] {
        let answer = shop.graphql(query, json!({"filter": {word: vec![json!({}); 20_000]}}), "all").await;
        assert_eq!(answer["errors"][0]["extensions"]["limit"], "comparisons", "{answer}");
        let names =
            |count: usize| json!({"filter": {word: vec![json!({"name": {"contains": ["e"]}}); count]}});
        let answer = shop.graphql(query, names(200), "all").await;
        assert!(answer["data"]["products"]["totalCount"].is_number(), "{answer}");
        let answer = shop.graphql(query, names(201), "all").await;
        assert_eq!(answer["errors"][0]["extensions"]["limit"], "comparisons", "{answer}");
    }
    for page in ["9223372036854775807", "922337203685477580", "99999999999999999999"] {
        let (status, _, body) = shop.get(&format!("{PRODUCTS}?per_page=100&page={page}"), "all").await;
        assert_eq!(status, 200, "{page} {body}");
    }
    shop.close().await;
}

/// Without a key, too: bodies are read before it is looked at.
#[tokio::test]
async fn a_form_of_many_fields_costs_little() {
    let shop = Shop::golden("fr").await;
    let form = "application/x-www-form-urlencoded";
    let body = "stock[]=1&".repeat(200_000).into_bytes();
    let answer = send(&shop, PRODUCTS, form, body).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["errors"]["stock"][0], "Le champ stock doit être un entier.");
    let part = "--b\r\nContent-Disposition: form-data; name=\"stock[]\"\r\n\r\n1\r\n".repeat(30_000);
    let answer = send(&shop, PRODUCTS, "multipart/form-data; boundary=b", part.into_bytes()).await;
    assert_eq!(answer.status, 422);
    let attributes: String = (0..100_000).map(|number| format!(" a{number}=''")).collect();
    let body = format!("<product{attributes}><name>x</name></product>");
    assert_eq!(send(&shop, PRODUCTS, "application/xml", body.into_bytes()).await.status, 422);
    shop.close().await;
}
