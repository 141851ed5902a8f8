//! Customers who sign in, refresh their session and sign out while their accounts are changed.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value as Json, json};

use super::book::Book;
use crate::harness::shop::Shop;

const SESSION: &str = "{ session { accessToken refreshToken } }";

/// Signs a customer in and out, if the account still exists.
pub(super) async fn come_and_go(shop: &Shop, book: &Book, rng: &mut StdRng) {
    let email = format!("customer{}@example.com", rng.random_range(1..9));
    let everywhere = rng.random_bool(0.3);
    let input = json!({"kind": "CUSTOMER", "email": email, "password": "password"});
    let create =
        format!("mutation($input: SessionCreateInput!) {{ sessionCreate(input: $input) {SESSION} }}");
    let made = ask(shop, book, "sessionCreate", &create, json!({"input": input}), "").await;
    let Some(first) = made["refreshToken"].as_str() else { return };
    let refresh = format!("mutation($token: String!) {{ sessionRefresh(refreshToken: $token) {SESSION} }}");
    let next = ask(shop, book, "sessionRefresh", &refresh, json!({"token": first}), "").await;
    let (Some(access), Some(token)) = (next["accessToken"].as_str(), next["refreshToken"].as_str()) else {
        return;
    };
    if everywhere {
        let revoke = "mutation { sessionRevokeAll { __typename } }";
        ask(shop, book, "sessionRevokeAll", revoke, json!({}), access).await;
    } else {
        let revoke = "mutation($token: String!) { sessionRevoke(refreshToken: $token) { __typename } }";
        ask(shop, book, "sessionRevoke", revoke, json!({"token": token}), "").await;
    }
    let again = ask(shop, book, "sessionRefresh", &refresh, json!({"token": token}), "").await;
    assert_eq!(again, Json::Null, "a session that was ended goes on");
}

/// The session that a mutation answers; null if it is refused, as it may be for a deleted account.
async fn ask(shop: &Shop, book: &Book, name: &'static str, query: &str, variables: Json, key: &str) -> Json {
    let answer = shop.graphql(query, variables, key).await;
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    let status = match code {
        None => 200,
        Some("UNAVAILABLE") => 503,
        Some("UNAUTHENTICATED" | "VALIDATION_FAILED" | "BAD_USER_INPUT" | "CONFLICT" | "FORBIDDEN") => 401,
        Some(code) => panic!("{name}: {code}: {answer}"),
    };
    book.count(name, status);
    answer["data"][name]["session"].clone()
}
