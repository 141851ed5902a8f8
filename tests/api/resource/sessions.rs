//! Signing in and out, and what a session may do (docs/contract/credentials.md#3, docs/contract/credentials.md#4,
//! docs/contract/credentials.md#9, docs/contract/credentials.md#10).

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value as Json, json};

use crate::harness::shop::{Shop, now};
use crate::harness::store::folder;
use crate::harness::wire::Request;

/// The password of all accounts in the recorded shop.
const PASSWORD: &str = "password";
/// Its hash.
const HASH: &str = "$2y$04$vZj6KMFvKrJ461niehig3OT9vDkpcBOgMluJDUUMuCMukTP2tLCwm";
/// The secret of RFC 6238, appendix B, and its codes at the moment of the recordings: one step too
/// early, one step before, now, one step after, one step too late.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const CODES: [&str; 5] = ["292432", "196879", "454838", "625812", "995064"];
/// Longer than a session is believed without asking the database.
const A_MOMENT: Duration = Duration::from_millis(1100);

async fn shop() -> Shop {
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.sign_in_limit = None;
    })
    .await;
    // The first administrator's is not known.
    shop.sql(&format!("UPDATE admins SET password = '{HASH}' WHERE id = 1")).await;
    shop
}

const CREATE: &str = "mutation($input: SessionCreateInput!) { sessionCreate(input: $input) { session { accessToken tokenType \
                      expiresIn refreshToken endsAt } } }";

/// The answer to a try to sign in.
async fn try_in(shop: &Shop, input: Json) -> Json {
    shop.graphql(CREATE, json!({"input": input}), "").await
}

/// Access and refresh token of a session.
pub(crate) async fn sign_in(shop: &Shop, kind: &str, email: &str) -> [String; 2] {
    let answer = try_in(shop, json!({"kind": kind, "email": email, "password": PASSWORD})).await;
    tokens(&answer["data"]["sessionCreate"]["session"]).unwrap_or_else(|| panic!("{email}: {answer}"))
}

fn tokens(session: &Json) -> Option<[String; 2]> {
    Some([session["accessToken"].as_str()?.to_owned(), session["refreshToken"].as_str()?.to_owned()])
}

/// Code of the first error, or nothing.
fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("")
}

/// The message about a field.
fn wrong<'a>(answer: &'a Json, field: &str) -> &'a str {
    answer["errors"][0]["extensions"]["errors"][field][0].as_str().unwrap_or("")
}

async fn refresh(shop: &Shop, token: &str) -> Json {
    let query = "mutation($token: String!) { sessionRefresh(refreshToken: $token) { session { accessToken refreshToken } } }";
    shop.graphql(query, json!({"token": token}), "").await
}

async fn revoke(shop: &Shop, token: &str) -> Json {
    let query = "mutation($token: String!) { sessionRevoke(refreshToken: $token) { __typename } }";
    shop.graphql(query, json!({"token": token}), "").await
}

/// The e-mail address that `viewer` shows, or the code of its error.
async fn viewer(shop: &Shop, access: &str) -> String {
    let answer = shop.graphql("{ viewer { email } }", json!({}), access).await;
    answer["data"]["viewer"]["email"].as_str().unwrap_or(code(&answer)).to_owned()
}

/// Attaches a value to a customer.
pub(super) async fn attach(shop: &Shop, customer: u32, key: &str, value: &str) {
    let model = if shop.is_mysql() {
        "App\\\\Models\\\\Account\\\\Customer"
    } else {
        "App\\Models\\Account\\Customer"
    };
    shop.sql(&format!(
        "INSERT INTO metadata (model_id, model_type, {}, value) VALUES ({customer}, '{model}', '{key}', '{value}')",
        shop.quoted("key")
    ))
    .await;
}

#[tokio::test]
async fn a_customer_signs_in_and_sees_themselves() {
    let shop = shop().await;
    let input = json!({"kind": "CUSTOMER", "email": " Customer1@EXAMPLE.com", "password": PASSWORD});
    let answer = try_in(&shop, input).await;
    let session = &answer["data"]["sessionCreate"]["session"];
    assert_eq!((&session["tokenType"], &session["expiresIn"]), (&json!("Bearer"), &json!(900)), "{answer}");
    assert_eq!(session["endsAt"], "2026-12-23T12:00:00.000000Z");
    let [access, _] = tokens(session).unwrap();
    assert_eq!(viewer(&shop, &access).await, "customer1@example.com");
    // The same rights as the token of the original for customers, in both APIs.
    let answer = shop.graphql("{ customers { nodes { email } } }", json!({}), &access).await;
    assert_eq!(code(&answer), "FORBIDDEN");
    assert_eq!(shop.get("/api/application/customers", &access).await.0, 403);
    assert_eq!(shop.get("/api/customer/me", &access).await.0, 200);
    // The address is stored with capitals.
    let [access, _] = sign_in(&shop, "CUSTOMER", "upper.case@example.com").await;
    assert_eq!(viewer(&shop, &access).await, "Upper.Case@Example.com");
    shop.close().await;
}

#[tokio::test]
async fn the_wrong_address_and_the_wrong_password_get_the_same_answer() {
    let shop = shop().await;
    for (kind, email, password) in [
        ("CUSTOMER", "customer1@example.com", "Password"),
        ("CUSTOMER", "nobody@example.com", PASSWORD),
        ("CUSTOMER", "admin@example.com", PASSWORD),
        ("CUSTOMER", "", ""),
        ("CUSTOMER", "customer1@example.com' OR 1=1 -- ", PASSWORD),
        ("STAFF", "customer1@example.com", PASSWORD),
        ("STAFF", "support@example.com", "password\u{0}"),
    ] {
        let answer = try_in(&shop, json!({"kind": kind, "email": email, "password": password})).await;
        assert_eq!(code(&answer), "VALIDATION_FAILED", "{kind} {email}: {answer}");
        let text = "Ces identifiants ne correspondent pas à nos enregistrements.";
        assert_eq!(answer["errors"][0]["extensions"]["errors"], json!({"email": [text]}), "{kind} {email}");
        assert_eq!(answer["data"], json!({"sessionCreate": null}));
    }
    shop.close().await;
}

#[tokio::test]
async fn the_state_of_an_account_decides() {
    let shop = shop().await;
    // Only after the password was right.
    let banned =
        |password: &str| json!({"kind": "CUSTOMER", "email": "customer11@example.com", "password": password});
    let answer = try_in(&shop, banned(PASSWORD)).await;
    assert_eq!(wrong(&answer, "email"), "Ce compte est banni. Motif : Impayés répétés");
    let answer = try_in(&shop, banned("wrong")).await;
    assert!(wrong(&answer, "email").starts_with("Ces identifiants"), "{answer}");
    // Suspended, and not confirmed: the original lets both in.
    sign_in(&shop, "CUSTOMER", "customer12@example.com").await;
    sign_in(&shop, "CUSTOMER", "customer3@example.com").await;
    shop.sql("UPDATE customers SET deleted_at = '2026-11-20 10:00:00' WHERE id = 13").await;
    shop.sql("UPDATE admins SET expires_at = '2026-11-20 10:00:00' WHERE id = 2").await;
    for (kind, email) in [("CUSTOMER", "customer13@example.com"), ("STAFF", "support@example.com")] {
        let answer = try_in(&shop, json!({"kind": kind, "email": email, "password": PASSWORD})).await;
        assert!(wrong(&answer, "email").starts_with("Ces identifiants"), "{answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn an_account_with_a_second_factor_needs_its_code() {
    let shop = shop().await;
    attach(&shop, 1, "2fa_secret", SECRET).await;
    let with = |password: &str, code: Option<&str>| json!({"kind": "CUSTOMER", "email": "customer1@example.com", "password": password, "code": code});
    let answer = try_in(&shop, with(PASSWORD, None)).await;
    assert_eq!(wrong(&answer, "code"), "Le code de l'application d'authentification est requis.", "{answer}");
    for code in [CODES[0], CODES[4], "45483", "0454838", "abcdef"] {
        let answer = try_in(&shop, with(PASSWORD, Some(code))).await;
        assert_ne!(wrong(&answer, "code"), "", "{code}: {answer}");
        assert_eq!(answer["data"]["sessionCreate"]["session"], Json::Null);
    }
    for code in [CODES[1], " 454838 ", CODES[3]] {
        let answer = try_in(&shop, with(PASSWORD, Some(code))).await;
        assert!(tokens(&answer["data"]["sessionCreate"]["session"]).is_some(), "{code}: {answer}");
    }
    // Each is good once, and with it those before it.
    for code in [CODES[1], CODES[2], CODES[3]] {
        let answer = try_in(&shop, with(PASSWORD, Some(code))).await;
        assert_ne!(wrong(&answer, "code"), "", "{code}: {answer}");
    }
    attach(&shop, 2, "2fa_secret", SECRET).await;
    let other =
        json!({"kind": "CUSTOMER", "email": "customer2@example.com", "password": PASSWORD, "code": CODES[2]});
    let (first, second) = tokio::join!(try_in(&shop, other.clone()), try_in(&shop, other));
    let good = [&first, &second].into_iter().filter(|answer| code(answer).is_empty()).count();
    assert_eq!(good, 1, "of two at the same time one is the second: {first} {second}");
    // A recovery code, stored by an old version in clear, is good once.
    attach(&shop, 1, "2fa_recovery_codes", "aaaaaaaa-bbbbbbbb-cccccccc,11111111-22222222-33333333").await;
    for (code, good) in [
        ("11111111-22222222-33333333", true),
        ("11111111-22222222-33333333", false),
        ("aaaaaaaa-bbbbbbbb-cccccccc", true),
    ] {
        let answer = try_in(&shop, with(PASSWORD, Some(code))).await;
        assert_eq!(tokens(&answer["data"]["sessionCreate"]["session"]).is_some(), good, "{code}: {answer}");
    }
    // The code alone opens nothing, and nothing is said of it.
    let answer = try_in(&shop, with("wrong", Some(CODES[2]))).await;
    assert!(wrong(&answer, "email").starts_with("Ces identifiants"), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_the_second_use_ends_the_session() {
    let shop = shop().await;
    let [access, first] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let [other, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let answer = refresh(&shop, &first).await;
    let [next, second] = tokens(&answer["data"]["sessionRefresh"]["session"]).unwrap();
    assert_ne!(first, second);
    for access in [&access, &next] {
        assert_eq!(viewer(&shop, access).await, "customer1@example.com");
    }
    wait(&shop, 11).await;
    assert_eq!(code(&refresh(&shop, &first).await), "UNAUTHENTICATED");
    // The thief and the owner are both out; another session of the account is not touched.
    assert_eq!(code(&refresh(&shop, &second).await), "UNAUTHENTICATED");
    for access in [&access, &next] {
        assert_eq!(viewer(&shop, access).await, "UNAUTHENTICATED");
    }
    assert_eq!(viewer(&shop, &other).await, "customer1@example.com");
    shop.close().await;
}

/// Moves the last change of session tokens back by some seconds.
async fn wait(shop: &Shop, seconds: u32) {
    shop.sql(&format!("UPDATE guichet_sessions SET refreshed_at = refreshed_at - {}", seconds * 1000)).await;
}

/// The answer to a refresh token from a client behind a trusted proxy.
async fn refresh_as(shop: &Shop, token: &str, address: &str, agent: &str) -> Json {
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", address), ("User-Agent", agent)];
    let query = "mutation($token: String!) { sessionRefresh(refreshToken: $token) { session { accessToken refreshToken } } }";
    let request = Request {
        method: "POST".to_owned(),
        path: "/graphql".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: json!({"query": query, "variables": {"token": token}}).to_string().into_bytes(),
    };
    shop.send(&request).await.json()
}

/// The refresh token of an answer, or nothing.
fn next(answer: &Json) -> &str {
    answer["data"]["sessionRefresh"]["session"]["refreshToken"].as_str().unwrap_or("")
}

async fn behind_a_proxy() -> Shop {
    Shop::with("fr", |config| {
        config.sign_in_limit = None;
        config.rate_limit = None;
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await
}

#[tokio::test]
async fn two_tabs_of_a_browser_that_refresh_at_once_both_go_on() {
    let shop = behind_a_proxy().await;
    let [_, token] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let tab = || refresh_as(&shop, &token, "192.0.2.1", "Firefox");
    let (first, second, third) = tokio::join!(tab(), tab(), tab());
    let successor = next(&first).to_owned();
    assert_ne!(successor, "", "{first}");
    for answer in [&second, &third] {
        assert_eq!(next(answer), successor, "{answer}");
    }
    wait(&shop, 9).await;
    assert_eq!(next(&tab().await), successor, "within ten seconds");
    // The successor is good once, too; what it is for ends with its use.
    let after = refresh_as(&shop, &successor, "192.0.2.1", "Firefox").await;
    assert!(!next(&after).is_empty() && next(&after) != successor, "{after}");
    assert_eq!(code(&tab().await), "UNAUTHENTICATED", "two changes ago");
    assert_eq!(code(&refresh_as(&shop, next(&after), "192.0.2.1", "Firefox").await), "UNAUTHENTICATED");
    shop.close().await;
}

#[tokio::test]
async fn a_token_that_another_client_sends_again_ends_the_session() {
    for (address, agent, seconds) in [
        ("192.0.2.2", "Firefox", 0),
        ("192.0.2.1", "curl", 0),
        ("192.0.2.1", "", 0),
        ("192.0.2.1", "Firefox", 11),
    ] {
        let shop = behind_a_proxy().await;
        let [access, token] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
        let first = refresh_as(&shop, &token, "192.0.2.1", "Firefox").await;
        assert_ne!(next(&first), "", "{first}");
        wait(&shop, seconds).await;
        let again = refresh_as(&shop, &token, address, agent).await;
        assert_eq!(code(&again), "UNAUTHENTICATED", "{address} {agent} {seconds}: {again}");
        assert_eq!(code(&refresh_as(&shop, next(&first), "192.0.2.1", "Firefox").await), "UNAUTHENTICATED");
        assert_eq!(viewer(&shop, &access).await, "UNAUTHENTICATED");
        shop.close().await;
    }
}

/// Without the server's key, a refresh token cannot be made from an older one.
#[tokio::test]
async fn refresh_tokens_differ_in_every_place_that_is_secret() {
    let shop = behind_a_proxy().await;
    let [_, mut token] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let mut secrets = BTreeSet::new();
    for _ in 0..5 {
        secrets.insert(token.rsplit('.').next().unwrap().to_owned());
        token = next(&refresh_as(&shop, &token, "192.0.2.1", "Firefox").await).to_owned();
    }
    assert_eq!(secrets.len(), 5);
    assert!(secrets.iter().all(|secret| secret.len() == 64), "{secrets:?}");
    shop.close().await;
}

#[tokio::test]
async fn guessed_refresh_tokens_open_and_end_nothing() {
    let shop = shop().await;
    let [access, token] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let parts: Vec<&str> = token.split('.').collect();
    let guess = "A".repeat(40);
    let strange = format!("customer.2.{}.{}.{}", parts[2], parts[3], parts[4]);
    let forged = format!("customer.1.{}.{guess}.{guess}", parts[2]);
    for token in ["", "....", "x", &strange, &forged, &access, &format!("{token}.x")] {
        assert_eq!(code(&refresh(&shop, token).await), "UNAUTHENTICATED", "{token}");
        assert_eq!(code(&revoke(&shop, token).await), "UNAUTHENTICATED", "{token}");
    }
    assert_eq!(viewer(&shop, &access).await, "customer1@example.com");
    let stored = shop.text("SELECT refresh_hash FROM guichet_sessions").await.unwrap();
    assert!(stored.len() == 64 && !token.contains(&stored), "only hashes are stored");
    shop.close().await;
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all() {
    let shop = shop().await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(sign_in(&shop, "CUSTOMER", "customer1@example.com").await);
    }
    let [foreign, _] = sign_in(&shop, "CUSTOMER", "customer2@example.com").await;
    assert_eq!(viewer(&shop, &sessions[0][0]).await, "customer1@example.com");
    assert_eq!(code(&revoke(&shop, &sessions[0][1]).await), "");
    assert_eq!(viewer(&shop, &sessions[0][0]).await, "UNAUTHENTICATED");
    assert_eq!(code(&refresh(&shop, &sessions[0][1]).await), "UNAUTHENTICATED");
    assert_eq!(viewer(&shop, &sessions[1][0]).await, "customer1@example.com");
    let everywhere = "mutation { sessionRevokeAll { __typename } }";
    assert_eq!(code(&shop.graphql(everywhere, json!({}), "").await), "UNAUTHENTICATED");
    // A key that was lent to somebody signs nobody out.
    assert_eq!(code(&shop.graphql(everywhere, json!({}), "customer1").await), "FORBIDDEN");
    assert_eq!(code(&shop.graphql(everywhere, json!({}), &sessions[1][0]).await), "");
    for [access, token] in &sessions[1..] {
        assert_eq!(viewer(&shop, access).await, "UNAUTHENTICATED");
        assert_eq!(code(&refresh(&shop, token).await), "UNAUTHENTICATED");
    }
    assert_eq!(viewer(&shop, &foreign).await, "customer2@example.com");
    shop.close().await;
}

#[tokio::test]
async fn what_happens_to_an_account_ends_its_sessions_within_a_second() {
    let shop = shop().await;
    let mut sessions = Vec::new();
    for customer in [1, 2, 4, 5] {
        sessions.push(sign_in(&shop, "CUSTOMER", &format!("customer{customer}@example.com")).await);
    }
    sessions.push(sign_in(&shop, "STAFF", "support@example.com").await);
    for [access, _] in &sessions {
        assert_ne!(viewer(&shop, access).await, "UNAUTHENTICATED");
    }
    attach(&shop, 1, "banned", "true").await;
    shop.sql("UPDATE customers SET deleted_at = '2026-11-20 10:00:00' WHERE id = 2").await;
    shop.sql("UPDATE customers SET password = 'another' WHERE id = 4").await;
    shop.sql("DELETE FROM guichet_sessions WHERE owner_type = 'customer' AND owner_id = 5").await;
    shop.sql("UPDATE admins SET expires_at = '2026-11-20 10:00:00' WHERE id = 2").await;
    tokio::time::sleep(A_MOMENT).await;
    for [access, token] in &sessions {
        assert_eq!(viewer(&shop, access).await, "UNAUTHENTICATED");
        assert_eq!(code(&refresh(&shop, token).await), "UNAUTHENTICATED");
    }
    shop.close().await;
}

/// A JWT of these parts, signed.
fn jwt(header: &Json, claims: &Json, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let message = parts.join(".");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())))
}

fn part(token: &str, at: usize) -> Json {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

fn set(object: &Json, name: &str, value: Json) -> Json {
    let mut object = object.clone();
    object[name] = value;
    object
}

#[tokio::test]
async fn access_tokens_are_ours_unchanged_and_of_now() {
    let shop = shop().await;
    let [token, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let pem = std::fs::read(shop.key_file()).unwrap();
    let own = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem::parse(pem).unwrap().contents()).unwrap();
    let foreign = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let sign = |message: &[u8]| own.sign(message).as_ref().to_vec();
    let now = now().timestamp();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://127.0.0.1"), &json!("guichet")));
    assert_eq!((&claims["exp"], &header["alg"]), (&json!(now + 900), &json!("EdDSA")));

    for (what, header, claims) in [
        ("itself", header.clone(), claims.clone()),
        ("ended within the leeway", header.clone(), set(&claims, "exp", json!(now - 9))),
    ] {
        assert_eq!(viewer(&shop, &jwt(&header, &claims, sign)).await, "customer1@example.com", "{what}");
    }
    let mut endless = claims.clone();
    endless.as_object_mut().unwrap().remove("exp");
    for (what, header, claims) in [
        ("expired", header.clone(), set(&claims, "exp", json!(now - 10))),
        ("without end", header.clone(), endless),
        ("of tomorrow", header.clone(), set(&claims, "iat", json!(now + 86_400))),
        ("for another", header.clone(), set(&claims, "aud", json!("elsewhere"))),
        ("by another", header.clone(), set(&claims, "iss", json!("https://elsewhere.example"))),
        ("for another customer", header.clone(), set(&claims, "sub", json!("customer:2"))),
        ("for nobody", header.clone(), set(&claims, "sub", json!("robot:1"))),
        ("of another session", header.clone(), set(&claims, "sid", json!("x"))),
        ("of another algorithm", set(&header, "alg", json!("ES256")), claims.clone()),
        ("of an unknown key", set(&header, "kid", json!("x")), claims.clone()),
    ] {
        assert_eq!(viewer(&shop, &jwt(&header, &claims, sign)).await, "UNAUTHENTICATED", "{what}");
    }
    let none = set(&header, "alg", json!("none"));
    let shared = set(&header, "alg", json!("HS256"));
    let parts: Vec<&str> = token.split('.').collect();
    let altered =
        jwt(&header, &set(&claims, "sub", json!("staff:1")), |_| URL_SAFE_NO_PAD.decode(parts[2]).unwrap());
    for (what, token) in [
        ("unsigned", jwt(&none, &claims, |_| Vec::new())),
        ("said to be unsigned", jwt(&none, &claims, sign)),
        ("unsigned under our algorithm", jwt(&header, &claims, |_| Vec::new())),
        ("signed with a shared secret", jwt(&shared, &claims, |_| vec![0; 32])),
        ("signed by another", jwt(&header, &claims, |message| foreign.sign(message).as_ref().to_vec())),
        ("altered", altered),
        ("cut", token[..token.len() - 1].to_owned()),
        ("no JWT", "eyJ.a.b".to_owned()),
    ] {
        assert_eq!(viewer(&shop, &token).await, "UNAUTHENTICATED", "{what}");
        assert_eq!(shop.get("/api/customer/me", &token).await.0, 401, "{what}");
    }
    shop.close().await;
}

#[tokio::test]
async fn the_public_keys_are_published() {
    let shop = shop().await;
    let [token, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let (status, headers, keys) = shop.get("/.well-known/jwks.json", "").await;
    assert_eq!(status, 200);
    assert!(headers.iter().any(|(name, value)| name == "cache-control" && value == "public, max-age=300"));
    let key = &keys["keys"][0];
    assert_eq!(key["kid"], part(&token, 0)["kid"]);
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let verifier = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
    assert!(verifier.verify(message.as_bytes(), &signature).is_ok());
    assert!(key.get("d").is_none() && keys["keys"].as_array().unwrap().len() == 1, "{keys}");
    shop.close().await;
}

/// A try to sign in that comes from an address, behind a trusted proxy.
async fn try_from(shop: &Shop, address: &str, email: &str) -> String {
    let input = json!({"kind": "CUSTOMER", "email": email, "password": "wrong"});
    let answer = shop.graphql_from(address, CREATE, json!({"input": input})).await;
    if code(&answer) == "RATE_LIMITED" {
        assert!((1..=60).contains(&answer["errors"][0]["extensions"]["retryAfter"].as_u64().unwrap()));
    }
    code(&answer).to_owned()
}

/// A sign-in with the right password that comes from an address, behind a trusted proxy.
/// The new key is made when the first token of the old one comes, which is still accepted.
#[tokio::test]
async fn tokens_outlive_a_change_of_the_signing_key() {
    let shop = Shop::golden("en").await;
    let [access, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let folder = folder().join(format!("guichet_test_{}_old_keys", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(shop.key_file(), folder.join("old.pem")).unwrap();
    let (database, new_key) = (shop.database(), folder.join("new.key"));
    let second = Shop::with("en", |config| {
        config.database = database;
        config.jwt_key = Some(new_key.clone());
        config.jwt_old_keys = Some(folder.clone());
    })
    .await;
    let answer = second.graphql("{ viewer { email } }", json!({}), &access).await;
    assert_eq!(answer["data"]["viewer"]["email"], "customer1@example.com", "{answer}");
    assert!(new_key.exists());
    second.close().await;
    std::fs::remove_dir_all(folder).unwrap();
    shop.close().await;
}

async fn sign_in_from(shop: &Shop, address: &str) -> String {
    let input = json!({"kind": "CUSTOMER", "email": "customer1@example.com", "password": PASSWORD});
    code(&shop.graphql_from(address, CREATE, json!({"input": input})).await).to_owned()
}

#[tokio::test]
async fn strangers_keep_no_owner_out() {
    let shop = Shop::with("fr", |config| {
        config.sign_in_limit = Some(10);
        config.rate_limit = None;
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    assert_eq!(sign_in_from(&shop, "198.51.100.7").await, "");
    // One stranger has half of an account's tries, many have the whole.
    let mut passed = 0;
    for at in 0..8 {
        let answer = try_from(&shop, "192.0.2.1", "customer1@example.com").await;
        assert_eq!(answer == "RATE_LIMITED", at >= 5, "{at}: {answer}");
    }
    for at in 0..60 {
        // On MariaDB each of these finds the account.
        let spelling = [
            "customer1@example.com",
            "CUSTOMER1@example.com",
            "cústomer1@example.com",
            "ⓒustomer1@example.com",
        ][at % 4];
        let answer = try_from(&shop, &format!("203.0.113.{at}"), spelling).await;
        passed += u32::from(answer != "RATE_LIMITED");
    }
    assert!((4..=14).contains(&passed), "{passed} of 60 guesses passed");
    // Neither they nor others in the same house keep the owner out.
    for at in 0..12 {
        try_from(&shop, "198.51.100.7", &format!("nobody{at}@example.com")).await;
    }
    assert_eq!(try_from(&shop, "198.51.100.7", "nobody@example.com").await, "RATE_LIMITED");
    assert_eq!(sign_in_from(&shop, "198.51.100.7").await, "");
    assert_eq!(sign_in_from(&shop, "203.0.113.99").await, "RATE_LIMITED", "from elsewhere they wait");
    // Their own tries are limited as well.
    let tries = async {
        for _ in 0..12 {
            try_from(&shop, "198.51.100.7", "customer1@example.com").await;
        }
    };
    tries.await;
    assert_eq!(sign_in_from(&shop, "198.51.100.7").await, "RATE_LIMITED");
    shop.close().await;
}

/// Whether there is an account shows neither where the database finds it by another spelling nor where it doesn't.
#[tokio::test]
async fn limits_do_not_tell_whether_there_is_an_account() {
    let shop = Shop::with("fr", |config| {
        config.sign_in_limit = Some(10);
        config.rate_limit = None;
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let respelled =
        ["customér", "ｃustomer", "cus\u{ad}tomer", "cu\u{200b}stomer", "CUSTOMER", "cuſtomer", "𝐜ustomer"];
    for (at, respelled) in respelled.into_iter().enumerate() {
        for (known, number) in [(true, at + 1), (false, 9000 + at)] {
            let address = format!("192.0.2.{}", 2 * at + usize::from(known));
            for _ in 0..5 {
                let answer = try_from(&shop, &address, &format!("customer{number}@example.com")).await;
                assert_eq!(answer, "VALIDATION_FAILED", "{number}");
            }
            let answer = try_from(&shop, &address, &format!("{respelled}{number}@example.com")).await;
            assert_eq!(answer, "RATE_LIMITED", "{respelled} {known}");
        }
    }
    // Combining letters, which MariaDB takes for the letters: each of these is another address, of which there is no account.
    let combining = [
        ("c", '\u{368}'),
        ("u", '\u{367}'),
        ("t", '\u{36d}'),
        ("o", '\u{366}'),
        ("m", '\u{36b}'),
        ("r", '\u{36c}'),
    ];
    for number in [20, 9020] {
        for (letter, combining) in combining {
            let spelling =
                format!("customer{number}@example.com").replacen(letter, &combining.to_string(), 1);
            let answer =
                try_from(&shop, &format!("192.0.2.{}", number % 100 + number / 9000), &spelling).await;
            assert_eq!(answer, "VALIDATION_FAILED", "{spelling}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn what_no_database_keeps_is_no_address_and_no_token() {
    let shop = shop().await;
    let input = json!({"kind": "CUSTOMER", "email": "a\u{0}@example.com", "password": "b"});
    assert_eq!(code(&try_in(&shop, input).await), "VALIDATION_FAILED");
    let [_, token] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let respelled = token.replacen("customer.1.", "customer.01.", 1);
    for token in ["customer.1.a\u{0}b.c.d", "customer.1.ä.c.d", "staff.1.\u{0}.c.d", &respelled] {
        assert_eq!(code(&refresh(&shop, token).await), "UNAUTHENTICATED", "{token}");
        assert_eq!(code(&revoke(&shop, token).await), "UNAUTHENTICATED", "{token}");
    }
    assert_eq!(code(&refresh(&shop, &token).await), "");
    shop.close().await;
}

#[tokio::test]
async fn an_account_has_a_hundred_sessions_at_most() {
    let shop = shop().await;
    let [first, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    let columns = "owner_type, owner_id, family_hash, refresh_hash, generation, refreshed_at, client_hash, password_mark, \
                   expires_at";
    for at in 0..100 {
        let copy = format!(
            "INSERT INTO guichet_sessions (id, created_at, {columns}) SELECT 'copy{at}', created_at + 1, {columns} \
             FROM guichet_sessions WHERE id NOT LIKE 'copy%' AND owner_id = 1"
        );
        shop.sql(&copy).await;
    }
    assert_eq!(viewer(&shop, &first).await, "customer1@example.com");
    let [newest, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    sign_in(&shop, "CUSTOMER", "customer2@example.com").await;
    let count =
        shop.text("SELECT CAST(COUNT(*) AS CHAR(9)) FROM guichet_sessions WHERE owner_id = 1").await.unwrap();
    assert_eq!(count.trim(), "100");
    assert_eq!(viewer(&shop, &newest).await, "customer1@example.com");
    tokio::time::sleep(A_MOMENT).await;
    assert_eq!(viewer(&shop, &first).await, "UNAUTHENTICATED");
    shop.close().await;
}

#[tokio::test]
async fn spellings_of_an_unknown_address_count_as_one() {
    let shop = Shop::with("fr", |config| {
        config.sign_in_limit = Some(4);
        config.rate_limit = None;
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let spellings = ["nobody@example.com", "NOBODY@example.com", "nóbody@example.com", "ⓝobody@example.com"];
    for (at, spelling) in spellings.into_iter().enumerate() {
        assert_eq!(
            try_from(&shop, &format!("192.0.2.{at}"), spelling).await,
            "VALIDATION_FAILED",
            "{spelling}"
        );
    }
    assert_eq!(try_from(&shop, "192.0.2.9", "no\u{200b}body@example.com").await, "RATE_LIMITED");
    shop.close().await;
}

#[tokio::test]
async fn networks_that_an_account_signed_in_from_are_remembered_in_bounds() {
    let shop = behind_a_proxy().await;
    for at in 0..25 {
        assert_eq!(sign_in_from(&shop, &format!("192.0.2.{at}")).await, "");
        // A second apart, in the past: the clock stands still here.
        shop.sql("UPDATE guichet_sign_ins SET signed_in_at = signed_in_at - 1").await;
    }
    assert_eq!(
        shop.text("SELECT CAST(COUNT(*) AS CHAR(9)) FROM guichet_sign_ins").await.unwrap().trim(),
        "20"
    );
    let stored = shop.text("SELECT network_hash FROM guichet_sign_ins LIMIT 1").await.unwrap();
    assert!(!stored.contains("192"), "addresses are not readable: {stored}");
    shop.close().await;
}

#[tokio::test]
async fn tries_are_limited_by_address_and_by_account() {
    assert_eq!(guichet::platform::config::Config::default().sign_in_limit, Some(10));
    let shop = Shop::with("fr", |config| {
        config.sign_in_limit = Some(3);
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    for customer in 1..=3 {
        let email = format!("customer{customer}@example.com");
        assert_eq!(try_from(&shop, "192.0.2.1", &email).await, "VALIDATION_FAILED");
    }
    assert_eq!(try_from(&shop, "192.0.2.1", "customer4@example.com").await, "RATE_LIMITED");
    assert_eq!(try_from(&shop, "192.0.2.2", "customer4@example.com").await, "VALIDATION_FAILED");
    // Customer 1 was tried once; nobody's account is limited like any other.
    for (address, email) in [(3, "customer1@example.com"), (4, " CUSTOMER1@example.com")] {
        assert_eq!(try_from(&shop, &format!("192.0.2.{address}"), email).await, "VALIDATION_FAILED");
    }
    assert_eq!(try_from(&shop, "192.0.2.5", "customer1@example.com").await, "RATE_LIMITED");
    assert_eq!(try_from(&shop, "192.0.2.6", "customer2@example.com").await, "VALIDATION_FAILED");
    // Many tries in one request are as many.
    let tries: Vec<String> = (0..5)
        .map(|at| {
            format!("t{at}: sessionCreate(input: {{kind: STAFF, email: \"a{at}\", password: \"b\"}}) {{ session {{ expiresIn }} }}")
        })
        .collect();
    let answer = shop.graphql(&format!("mutation {{ {} }}", tries.join(" ")), json!({}), "").await;
    let errors = answer["errors"].as_array().unwrap();
    let limited = errors.iter().filter(|error| error["extensions"]["code"] == "RATE_LIMITED").count();
    assert_eq!((errors.len(), limited), (5, 2), "{answer}");
    shop.close().await;
}

/// The abilities of roles are tested in `guards`.
#[tokio::test]
async fn a_deleted_role_opens_nothing() {
    let shop = shop().await;
    let status = async |access: &str| shop.get("/api/application/customers", access).await.0;
    let [access, _] = sign_in(&shop, "STAFF", "admin@example.com").await;
    assert_eq!(status(&access).await, 200);
    shop.sql("UPDATE roles SET deleted_at = '2026-11-20 10:00:00' WHERE id = 1").await;
    let [access, _] = sign_in(&shop, "STAFF", "admin@example.com").await;
    assert_eq!(status(&access).await, 403);
    shop.close().await;
}

#[tokio::test]
async fn sessions_of_the_same_number_are_not_confused() {
    let shop = shop().await;
    let [staff, _] = sign_in(&shop, "STAFF", "admin@example.com").await;
    let [customer, _] = sign_in(&shop, "CUSTOMER", "customer1@example.com").await;
    assert_eq!(viewer(&shop, &staff).await, "FORBIDDEN");
    let everywhere = "mutation { sessionRevokeAll { __typename } }";
    assert_eq!(code(&shop.graphql(everywhere, json!({}), &customer).await), "");
    assert_eq!(shop.get("/api/application/health", &staff).await.0, 200);
    shop.close().await;
}

/// The buffer for the logs of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The test and the server run on one thread, whose log this is.
#[tokio::test]
async fn no_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // Another test may have met a place that logs while nobody listened.
    tracing::callsite::rebuild_interest_cache();
    let shop = shop().await;
    attach(&shop, 1, "2fa_secret", SECRET).await;
    let mut secrets = BTreeSet::from(["right-or-wrong-password".to_owned(), CODES[2].to_owned()]);
    for password in ["right-or-wrong-password", PASSWORD] {
        let input = json!({"kind": "CUSTOMER", "email": "customer1@example.com", "password": password, "code": CODES[2]});
        let answer = try_in(&shop, input).await;
        secrets.extend(tokens(&answer["data"]["sessionCreate"]["session"]).into_iter().flatten());
    }
    let token = secrets.iter().find(|secret| secret.starts_with("customer.1.")).unwrap().clone();
    for _ in 0..2 {
        // Another test may have met that place at the very moment when this one began to listen.
        tracing::callsite::rebuild_interest_cache();
        let answer = refresh(&shop, &token).await;
        secrets.extend(tokens(&answer["data"]["sessionRefresh"]["session"]).into_iter().flatten());
        wait(&shop, 11).await;
    }
    shop.close().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("a refresh token was used twice"), "the log is seen");
    // The clock stands still: both access tokens of the session are the same.
    assert_eq!(secrets.len(), 5);
    for secret in secrets
        .iter()
        .flat_map(|secret| secret.split('.'))
        .filter(|part| part.len() > 10 || part == &CODES[2])
    {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
