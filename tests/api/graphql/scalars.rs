//! Scalars with one meaning each: days, moments, and texts of one form, in answers, conditions and forms.

use serde_json::{Value as Json, json};

use crate::graphql::errors::code;
use crate::harness::shop::Shop;

/// Rows of the list `products` for which a condition on `createdAt` holds.
async fn created(shop: &Shop, condition: &str) -> Vec<i64> {
    let query = format!(
        "{{ products(perPage: 100, filter: {{createdAt: {{{condition}}}}}) {{ nodes {{ databaseId }} }} }}"
    );
    let answer = shop.graphql(&query, json!({}), "all").await;
    let nodes =
        answer["data"]["products"]["nodes"].as_array().unwrap_or_else(|| panic!("{condition}: {answer}"));
    nodes.iter().map(|node| node["databaseId"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn every_scalar_says_what_specifies_it() {
    let shop = Shop::golden("en").await;
    let query = "{ __schema { types { kind name specifiedByURL description } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    for name in ["Date", "DateTime", "URL", "EmailAddress", "CountryCode", "Locale", "HTML"] {
        let scalar = types.iter().find(|ty| ty["name"] == name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(scalar["kind"], "SCALAR", "{name}");
        assert!(scalar["specifiedByURL"].as_str().is_some_and(|url| url.starts_with("https://")), "{scalar}");
    }
    assert!(!types.iter().any(|ty| ty["name"] == "NaiveDateTime"), "moments have one name");
    shop.close().await;
}

#[tokio::test]
async fn a_day_is_the_shops() {
    let shop = Shop::golden("en").await;
    let answer = shop
        .graphql("{ customer(id: 8) { invoices { nodes { dueDate createdAt } } } }", json!({}), "all")
        .await;
    let invoice = &answer["data"]["customer"]["invoices"]["nodes"][0];
    assert_eq!(invoice["dueDate"], "2026-08-05", "{answer}");
    assert_eq!(invoice["createdAt"], "2026-07-29T10:00:00.000000Z", "{answer}");
    let (_, _, body) = shop.get("/api/application/customers?include=invoices&filter[id]=8", "all").await;
    assert_eq!(
        body["data"][0]["invoices"][0]["due_date"], "2026-08-04T22:00:00.000000Z",
        "REST keeps the moment"
    );
    shop.close().await;
}

/// A day of the shop begins and ends at midnight in Paris, an hour before that of UTC in winter.
#[tokio::test]
async fn a_day_in_a_condition_is_all_of_its_moments() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    for (id, at) in [
        (1, "2026-01-27 23:59:59"),
        (2, "2026-01-28 00:00:00"),
        (3, "2026-01-28 23:59:59"),
        (4, "2026-01-29 00:00:00"),
    ] {
        shop.sql(&format!("UPDATE products SET created_at = '{at}' WHERE id = {id}")).await;
    }
    shop.sql("UPDATE products SET created_at = NULL WHERE id > 4").await;
    for (condition, rows) in [
        ("eq: \"2026-01-28\"", vec![2, 3]),
        ("ne: \"2026-01-28\"", vec![1, 4]),
        ("gt: \"2026-01-28\"", vec![4]),
        ("gte: \"2026-01-28\"", vec![2, 3, 4]),
        ("lt: \"2026-01-28\"", vec![1]),
        ("lte: \"2026-01-28\"", vec![1, 2, 3]),
        ("between: {from: \"2026-01-28\", to: \"2026-01-28\"}", vec![2, 3]),
        ("between: {from: \"2026-01-27\", to: \"2026-01-28T22:59:59Z\"}", vec![1, 2, 3]),
        ("in: [\"2026-01-27\", \"2026-01-28T23:00:00Z\"]", vec![1, 4]),
        ("notIn: [\"2026-01-27\", \"2026-01-28T23:00:00Z\"]", vec![2, 3]),
        ("in: []", vec![]),
        ("notIn: []", vec![1, 2, 3, 4]),
        ("eq: \"2026-01-27T23:00:00Z\"", vec![2]),
        ("lte: \"9999-12-31\", gte: \"0000-01-01\"", vec![1, 2, 3, 4]),
    ] {
        let mut found = created(&shop, condition).await;
        if condition == "notIn: []" {
            // Nothing is excluded, rows without a value neither.
            found.retain(|id| *id <= 4);
        }
        assert_eq!(found, rows, "{condition}");
    }
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_moment_or_code_is_refused_in_a_condition() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    for (list, condition) in [
        ("products", "createdAt: {eq: \"tomorrow\"}"),
        ("products", "createdAt: {eq: \"2026-02-30\"}"),
        ("products", "createdAt: {eq: \"28/11/2026\"}"),
        ("products", "createdAt: {gt: \"2026-11-28 12:00\"}"),
        ("products", "createdAt: {in: [\"2026-11-28\", \"\"]}"),
        ("products", "createdAt: {eq: 20261128}"),
        ("customers", "country: {eq: \"France\"}"),
        ("customers", "country: {in: [\"FR\", \"FRA\"]}"),
        ("customers", "locale: {eq: \"french\"}"),
        ("customers", "country: {contains: [\"F\"]}"),
    ] {
        let query = format!("{{ {list}(filter: {{{condition}}}) {{ totalCount }} }}");
        for _ in 0..2 {
            let answer = shop.graphql(&query, json!({}), "all").await;
            let refused = ["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"].contains(&code(&answer));
            assert!(refused && answer["data"][list].is_null(), "{condition}: {answer}");
        }
    }
    let answer = shop
        .graphql(
            "{ customers(filter: {country: {eq: \"FR\"}, locale: {notIn: [\"en_GB\"]}}) { totalCount } }",
            json!({}),
            "all",
        )
        .await;
    assert!(answer["data"]["customers"]["totalCount"].as_i64() > Some(0), "{answer}");
    shop.close().await;
}

/// A form has a rule for each: its message stands beside the field, as before there were scalars.
#[tokio::test]
async fn forms_answer_texts_of_another_form_beside_their_fields() {
    let shop = Shop::golden("en").await;
    let query = "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) { __typename } }";
    let input = json!({
        "firstname": "A", "lastname": "B", "address": "C", "city": "D", "zipcode": "59000", "region": "E",
        "country": "Frankreich", "locale": "french", "email": "nobody",
    });
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    let text = answer.to_string();
    for field in ["country", "locale", "email"] {
        assert!(text.contains(field), "{answer}");
    }
    assert_eq!(code(&answer), "VALIDATION_FAILED", "{answer}");
    let query = "mutation($input: CouponInput!) { couponCreate(input: $input) { __typename } }";
    let input = json!({"startAt": "tomorrow", "endAt": "2026-11-28"});
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    assert_eq!(code(&answer), "VALIDATION_FAILED", "{answer}");
    assert!(
        answer.to_string().contains("start date") && !answer.to_string().contains("end date"),
        "{answer}"
    );
    for wrong in [json!(20_261_128), json!(true), json!(["2026-11-28"])] {
        let answer = shop.graphql(query, json!({"input": {"startAt": wrong}}), "all").await;
        assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED", "no text is no moment: {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn what_older_software_has_stored_does_not_fail_a_record() {
    let shop = Shop::golden("en").await;
    shop.sql("UPDATE customers SET country = 'France', locale = 'french', email = 'nobody' WHERE id = 1")
        .await;
    shop.sql("UPDATE customers SET country = 'be', locale = '' WHERE id = 2").await;
    let query = "{ customers(perPage: 2, sort: {field: ID}) { nodes { country locale email firstname } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(answer["errors"].is_null(), "{answer}");
    let nodes = &answer["data"]["customers"]["nodes"];
    assert_eq!(
        [&nodes[0]["country"], &nodes[0]["locale"], &nodes[0]["email"]],
        [&Json::Null, &Json::Null, &json!("nobody")]
    );
    assert_eq!([&nodes[1]["country"], &nodes[1]["locale"]], [&json!("BE"), &Json::Null]);
    let (_, _, body) = shop.get("/api/application/customers/1", "all").await;
    assert_eq!([&body["country"], &body["locale"]], ["France", "french"], "REST answers what is stored");
    shop.close().await;
}

#[tokio::test]
async fn closed_lists_of_words_are_enums_in_answers() {
    let shop = Shop::golden("en").await;
    let query = "{ services(perPage: 1, filter: {billing: {eq: QUARTERLY}}) { nodes { billing subscriptions { state } server { status } } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(answer["errors"].is_null(), "{answer}");
    let service = &answer["data"]["services"]["nodes"][0];
    assert_eq!([&service["billing"], &service["server"]["status"]], ["QUARTERLY", "ACTIVE"], "{answer}");
    assert_eq!(service["subscriptions"][0]["state"], "ACTIVE", "{answer}");
    // A word that older software or an extension has stored does not fail its record.
    shop.sql("UPDATE services SET billing = 'fortnightly' WHERE id = 1").await;
    let answer = shop.graphql("{ service(id: 1) { billing name } }", json!({}), "all").await;
    assert_eq!(answer["data"]["service"], json!({"billing": "FORTNIGHTLY", "name": "VPS M"}), "{answer}");
    let (_, _, body) = shop.get("/api/application/services/1", "all").await;
    assert!(body.to_string().contains("\"fortnightly\""), "{body}");
    shop.close().await;
}

#[tokio::test]
async fn a_moment_that_was_answered_can_be_sent_back() {
    let shop = Shop::golden("en").await;
    let read = "{ service(id: 1) { expiresAt } }";
    let before = shop.graphql(read, json!({}), "all").await;
    assert_eq!(before["data"]["service"]["expiresAt"], "2026-11-14T15:00:00.000000Z", "{before}");
    let write = "mutation($at: DateTime) { serviceUpdate(id: 1, input: {expiresAt: $at, notes: \"n\"}) { __typename } }";
    let answer = shop.graphql(write, json!({"at": before["data"]["service"]["expiresAt"]}), "all").await;
    assert!(answer["errors"].is_null(), "{answer}");
    assert_eq!(shop.graphql(read, json!({}), "all").await, before);
    shop.close().await;
}
