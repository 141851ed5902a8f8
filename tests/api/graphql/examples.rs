//! The operations that GraphiQL opens with and signs in with: they run, and none is in the way of another.

use guichet::server::http::graphiql::{EXAMPLES, SIGN_IN, SIGN_OUT};
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::wire::Request;
use crate::resource::sessions::sign_in;

#[tokio::test]
async fn examples_run() {
    let shop = Shop::golden("en").await;
    let [customer, refresh] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    for example in EXAMPLES {
        let key = if example.contains("viewer") { customer.as_str() } else { "all" };
        let variables =
            if example.contains("$refreshToken") { json!({"refreshToken": refresh}) } else { json!({}) };
        let answer = shop.graphql(example, variables, key).await;
        assert!(answer["errors"].is_null(), "{example}: {answer}");
        let data = answer["data"].as_object().unwrap();
        assert!(!data.is_empty() && data.values().all(|value| !value.is_null()), "{example}: {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn every_kind_of_account_signs_in() {
    let shop = Shop::golden("en").await;
    for (sign_in, email) in SIGN_IN.iter().zip(["customer1@example.com", "support@example.com"]) {
        let tried = |password: &str| json!({"email": email, "password": password, "code": Json::Null});
        let answer = shop.graphql(sign_in.document, tried("password"), "").await;
        assert!(
            answer["data"]["sessionCreate"]["session"]["accessToken"].is_string(),
            "{}: {answer}",
            sign_in.account
        );
        let session = &answer["data"]["sessionCreate"]["session"];
        let [access, refresh] = ["accessToken", "refreshToken"].map(|name| session[name].as_str().unwrap());
        assert!(shop.graphql("{ me { kind } }", json!({}), access).await["data"]["me"].is_object());
        let ended = shop.graphql(SIGN_OUT, json!({"refreshToken": refresh}), "").await;
        assert_eq!(ended, json!({"data": {"sessionRevoke": {"userErrors": []}}}));
        let renew = EXAMPLES.iter().find(|example| example.contains("RefreshSession")).unwrap();
        let renewed = shop.graphql(renew, json!({"refreshToken": refresh}), "").await;
        assert!(renewed["data"]["sessionRefresh"]["session"].is_null(), "{renewed}");
        let answer = shop.graphql(sign_in.document, tried("wrong"), "").await;
        assert!(answer["data"]["sessionCreate"]["userErrors"][0]["message"].is_string(), "{answer}");
    }
    shop.close().await;
}

/// A name from the shop's settings is text, whatever it holds.
#[tokio::test]
async fn the_shop_greets_with_its_name() {
    let shop = Shop::golden("en").await;
    shop.sql("DELETE FROM settings WHERE name = 'app_name'").await;
    shop.sql("INSERT INTO settings (name, value) VALUES ('app_name', 'A \"B\" <b>&{key}</b>')").await;
    // The page waits a moment only; now the name is known.
    shop.get("/api/application/products", "all").await;
    let headers = vec![("Accept".to_owned(), "text/html".to_owned())];
    let request =
        Request { method: "GET".to_owned(), path: "/graphql".to_owned(), headers, body: Vec::new() };
    let page = String::from_utf8(shop.send(&request).await.body).unwrap();
    assert!(page.contains("<title>A &quot;B&quot; &lt;b>&amp;{key}&lt;/b> · GraphiQL</title>"), "{page}");
    assert!(page.contains("PricingPage") && page.contains("data-key=\"\""), "{page}");
    shop.close().await;
}
