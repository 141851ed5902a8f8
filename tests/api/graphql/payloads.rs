//! What mutations answer: records, user errors, identifiers of what was deleted.

use async_graphql::registry::MetaType;
use guichet::server::schema;
use serde_json::{Value as Json, json};

use super::errors::code;
use crate::harness::shop::Shop;
use crate::harness::wire::Request;

const ERRORS: &str = "userErrors { field code message }";

/// The user errors of the only mutation of an answer.
fn user_errors(answer: &Json) -> &Json {
    let payload = answer["data"].as_object().and_then(|data| data.values().next());
    payload.map_or(&Json::Null, |payload| &payload["userErrors"])
}

/// Fields and codes of the user errors.
fn fields_and_codes(answer: &Json) -> Vec<(String, &str)> {
    let errors = user_errors(answer).as_array().unwrap_or_else(|| panic!("{answer}"));
    let path = |error: &Json| {
        let names = error["field"].as_array().map(Vec::as_slice).unwrap_or_default();
        names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(".")
    };
    errors.iter().map(|error| (path(error), error["code"].as_str().unwrap())).collect()
}

/// The answer in a language.
async fn in_language(shop: &Shop, query: &str, language: &str) -> Json {
    let headers = [
        ("Authorization", format!("Bearer {}", Shop::key("all"))),
        ("Content-Type", "application/json".to_owned()),
        ("Accept-Language", language.to_owned()),
    ];
    let request = Request {
        method: "POST".to_owned(),
        path: "/graphql".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: json!({"query": query}).to_string().into_bytes(),
    };
    shop.send(&request).await.json()
}

#[tokio::test]
async fn a_payload_holds_the_record() {
    let shop = Shop::golden("en").await;
    let query = "mutation($with: Boolean!) { productUpdate(id: 1, input: {stock: 7}) {
            __typename a: product { n: stock group { name } } ...P userErrors { code } errors: userErrors { c: code } }
            productDelete(id: 2) { deletedId @include(if: $with) product { id } @skip(if: $with) } }
        fragment P on ProductUpdatePayload { b: product { n: name __typename ... on Node { id } } }"
        .replace("product { id } @skip(if: $with)", "product @skip(if: $with) { id }");
    let updated = |answer: &Json| answer["data"]["productUpdate"].clone();
    let first = shop.graphql(&query, json!({"with": true}), "all").await;
    let product = shop.graphql("{ product(id: 1) { id name group { name } } }", json!({}), "all").await;
    let product = &product["data"]["product"];
    let expected = json!({
        "__typename": "ProductUpdatePayload", "a": {"n": 7, "group": product["group"]}, "userErrors": [], "errors": [],
        "b": {"n": product["name"], "__typename": "Product", "id": product["id"]},
    });
    assert_eq!(updated(&first), expected, "{first}");
    assert_eq!(first["data"]["productDelete"].as_object().unwrap().len(), 1, "{first}");
    // The document is known now, and the second product is gone.
    for with in [true, false] {
        let again = shop.graphql(&query, json!({"with": with}), "all").await;
        assert_eq!(updated(&again), expected, "{again}");
        assert_eq!(code(&again), "NOT_FOUND", "{again}");
        assert_eq!(again["errors"][0]["path"], json!(["productDelete"]));
        assert_eq!(again["data"]["productDelete"], Json::Null);
    }
    let bare =
        shop.graphql("mutation { productUpdate(id: 1, input: {}) { __typename } }", json!({}), "all").await;
    assert_eq!(bare, json!({"data": {"productUpdate": {"__typename": "ProductUpdatePayload"}}}));
    shop.close().await;
}

#[tokio::test]
async fn errors_below_the_record_have_its_path() {
    let shop = Shop::golden("en").await;
    shop.sql("UPDATE personal_access_tokens SET abilities = '[\"products:update\"]' WHERE name = 'health'")
        .await;
    let query = "mutation { m: productUpdate(id: 1, input: {stock: 8}) { p: product { stock metadata { key } } userErrors { code } } }";
    for _ in 0..2 {
        let answer = shop.graphql(query, json!({}), "health").await;
        assert_eq!(
            answer["data"]["m"],
            json!({"p": {"stock": 8, "metadata": null}, "userErrors": []}),
            "{answer}"
        );
        assert_eq!(answer["errors"][0]["path"], json!(["m", "p", "metadata"]), "{answer}");
    }
    let query = "mutation { m: productUpdate(id: 1, input: {}) { a: product { stock } b: product { x: metadata { key } } } }";
    for _ in 0..2 {
        let answer = shop.graphql(query, json!({}), "health").await;
        assert_eq!(answer["errors"][0]["path"], json!(["m", "b", "x"]), "{answer}");
        assert_eq!(answer["data"]["m"], json!({"a": {"stock": 8}, "b": {"x": null}}), "{answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn broken_rules_are_user_errors() {
    let shop = Shop::golden("en").await;
    let before = shop.rows().await["products"].clone();
    let query = "mutation($input: ProductCreateInput!) { productCreate(input: $input) {
        product { id } userErrors { field code params { min max values other } } } }";
    let input = json!({
        "name": "n".repeat(256), "description": "<script>", "status": "ACTIVE", "groupId": 999, "stock": -2, "type": "",
        "pricing": {"monthly": {"price": -1}},
    });
    for _ in 0..2 {
        let answer = shop.graphql(query, json!({"input": input}), "all").await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        assert_eq!(answer["data"]["productCreate"]["product"], Json::Null);
        let found = fields_and_codes(&answer);
        for expected in [
            ("input.name", "TOO_LONG"),
            ("input.description", "NOT_ALLOWED"),
            ("input.groupId", "NOT_FOUND"),
            ("input.type", "REQUIRED"),
            ("input.pricing.monthly.price", "TOO_SMALL"),
        ] {
            assert!(found.contains(&(expected.0.to_owned(), expected.1)), "{expected:?}: {answer}");
        }
        let params = |path: &str| {
            let errors = user_errors(&answer).as_array().unwrap();
            errors.iter().find(|error| error["field"][1] == path).unwrap()["params"].clone()
        };
        assert_eq!(params("name"), json!({"min": null, "max": 255.0, "values": null, "other": null}));
        assert_eq!(params("groupId"), Json::Null);
    }
    // Without `userErrors`, it is an error of the field.
    let top = query.split("userErrors").next().unwrap().to_owned() + "} }";
    let answer = shop.graphql(&top, json!({"input": input}), "all").await;
    assert_eq!(
        (code(&answer), &answer["data"]["productCreate"]),
        ("VALIDATION_FAILED", &Json::Null),
        "{answer}"
    );
    assert!(answer["errors"][0]["extensions"]["errors"]["group_id"].is_array(), "{answer}");
    assert!(shop.rows().await["products"] == before, "nothing is written");
    shop.close().await;
}

#[tokio::test]
async fn elements_of_lists_and_other_fields_are_named() {
    let shop = Shop::golden("en").await;
    shop.add_examples().await;
    let price = |currency: &str| json!({"currency": currency, "monthly": {"price": 1}});
    let query = "mutation($input: ProductUpdateInput!) { productUpdate(id: 1, input: $input) { userErrors { field code } } }";
    let input = json!({"pricing": [price("EUR"), price("USD"), price("EUR")]});
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    assert_eq!(
        fields_and_codes(&answer),
        [("input.pricing.2.currency".to_owned(), "NOT_UNIQUE")],
        "{answer}"
    );
    // Every wrong price is named, in the order in which they were sent.
    let input = json!({"pricing": [
        {"currency": "EUR", "annually": {"price": 1e7}, "monthly": {"price": -1, "setup": 1e6}},
        {"currency": "XAU", "monthly": {"price": -2}},
        {"monthly": {"setup": -3}},
        {"monthly": {"price": 3}},
    ]});
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    let wrong = [
        ("0.annually.price", "TOO_LARGE"),
        ("0.monthly.price", "TOO_SMALL"),
        ("0.monthly.setup", "TOO_LARGE"),
        ("1.currency", "NOT_ALLOWED"),
        ("1.monthly.price", "TOO_SMALL"),
        ("2.monthly.setup", "TOO_SMALL"),
        ("2.currency", "NOT_UNIQUE"),
        ("3.currency", "NOT_UNIQUE"),
    ];
    let wrong = wrong.map(|(path, code)| (format!("input.pricing.{path}"), code));
    assert_eq!(fields_and_codes(&answer), wrong, "{answer}");
    // A decimal is digits with a point, and has the currency's decimals; in each language the message names the part.
    for wrong in [
        json!("1,50"),
        json!("1e3"),
        json!(""),
        json!(" 5"),
        json!("+5"),
        json!("5."),
        json!(".5"),
        json!("0x5"),
    ] {
        let input = json!({"pricing": {"weekly": {"price": wrong}}});
        let answer = shop.graphql(query, json!({"input": input}), "all").await;
        let expected = ("input.pricing.weekly.price".to_owned(), "WRONG_TYPE");
        assert_eq!(fields_and_codes(&answer), [expected], "{wrong}: {answer}");
    }
    for nothing in [Json::Null, json!([]), json!([{}])] {
        let answer = shop.graphql(query, json!({"input": {"pricing": nothing}}), "all").await;
        assert_eq!(user_errors(&answer), &json!([]), "{nothing}: {answer}");
    }
    let named = query.replace("field code", "code message");
    let input =
        json!({"stock": -2, "pricing": {"currency": "XAU", "annually": {"price": "12.345", "setup": -1}}});
    let answer = shop.graphql(&named, json!({"input": input}), "all").await;
    let expected = json!([
        {"code": "TOO_SMALL", "message": "The value of stock must be greater than or equal to -1."},
        {"code": "NOT_ALLOWED", "message": "The currency field is invalid."},
        {"code": "TOO_MANY_DECIMALS", "message": "The yearly price field must have at most 2 decimal places."},
        {"code": "TOO_SMALL", "message": "The value of setup fee with yearly payment must be greater than or equal to 0."},
    ]);
    assert_eq!(user_errors(&answer), &expected, "{answer}");
    let input = json!({"pricing": vec![price("EUR"); 6]});
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    assert_eq!(fields_and_codes(&answer), [("input.pricing".to_owned(), "TOO_MANY")], "{answer}");
    let query = "mutation($input: CouponInput!) { couponCreate(input: $input) { coupon { id }
        userErrors { field code params { values other } } } }";
    let input = json!({"code": "X1", "type": "FIXED", "products": [1, 999, 2], "startAt": "2026-12-01T10:00:00Z",
        "endAt": "2026-11-01T10:00:00Z"});
    let answer = shop.graphql(query, json!({"input": input}), "all").await;
    let found = fields_and_codes(&answer);
    assert!(found.contains(&("input.products.1".to_owned(), "NOT_FOUND")), "{answer}");
    assert!(found.contains(&("input.endAt".to_owned(), "TOO_EARLY")), "{answer}");
    let errors = user_errors(&answer).as_array().unwrap();
    let late = errors.iter().find(|error| error["code"] == "TOO_EARLY").unwrap();
    assert_eq!(late["params"]["other"], json!(["input", "startAt"]), "{answer}");
    shop.close().await;
}

/// Prices are no columns of a product or coupon, but nobody shall write over them unawares.
#[tokio::test]
async fn new_prices_are_a_change_of_what_they_are_for() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    shop.add_examples().await;
    for (kind, price) in
        [("product", "[{currency: EUR, monthly: {price: N}}]"), ("coupon", "{monthly: {price: N}}")]
    {
        let read = format!("{{ {kind}(id: 1) {{ updatedAt }} }}");
        let read = shop.graphql(&read, json!({}), "all").await["data"][kind]["updatedAt"].clone();
        for (number, code) in [("7.77", Json::Null), ("8.88", json!("STALE"))] {
            let change = format!(
                "mutation {{ m: {kind}Update(id: 1, input: {{pricing: {}}}, expectedUpdatedAt: {read}) {{ userErrors {{ code }} }} }}",
                price.replace('N', number)
            );
            let answer = shop.graphql(&change, json!({}), "all").await;
            assert_eq!(answer["data"]["m"]["userErrors"][0]["code"], code, "{kind}: {answer}");
        }
    }
    // The original does not change the time, and REST is as it is.
    let read = async || shop.graphql("{ product(id: 2) { updatedAt } }", json!({}), "all").await;
    let before = read().await;
    let body = json!({"pricing": {"monthly": {"price": 4}}});
    assert_eq!(shop.put("/api/application/products/2", &body).await.0, 200);
    assert_eq!(read().await, before);
    shop.close().await;
}

/// Whatever the reason, it comes the same way.
#[tokio::test]
async fn refusals_are_user_errors() {
    let shop = Shop::golden("en").await;
    let services = shop
        .graphql("{ services { nodes { databaseId status customer { databaseId } } } }", json!({}), "all")
        .await;
    let services = services["data"]["services"]["nodes"].as_array().unwrap();
    let mut active = services.iter().filter(|service| service["status"] == "ACTIVE");
    let (active, other) =
        (&active.next().unwrap()["databaseId"], &active.next().unwrap()["customer"]["databaseId"]);
    let delete = format!("customerDelete(id: {other}) {{ deletedId");
    let suspend = format!("mutation {{ serviceSuspend(id: {active}) {{ service {{ status }} {ERRORS} }} }}");
    let done = shop.graphql(&suspend, json!({}), "all").await;
    assert_eq!(done["data"]["serviceSuspend"], json!({"service": {"status": "SUSPENDED"}, "userErrors": []}));
    let tables = ["services", "groups", "customers", "products", "email_messages"];
    let before = shop.rows().await;
    for (mutation, field, expected) in [
        (suspend.as_str(), "", "SERVICE_NOT_SUSPENDABLE"),
        ("groupDelete(id: 1) { deletedId", "", "GROUP_HAS_PRODUCTS"),
        (delete.as_str(), "", "CUSTOMER_IN_USE"),
        ("customerConfirm(id: 1) { customer { id }", "", "EMAIL_ALREADY_CONFIRMED"),
        ("customerResendConfirmation(id: 1) { __typename", "", "EMAIL_ALREADY_CONFIRMED"),
        ("productDelete(id: 999) { deletedId", "id", "NOT_FOUND"),
        ("serviceSuspend(id: 999) { service { id }", "id", "NOT_FOUND"),
        ("groupUpdate(id: 2, input: {parentId: 2}) { group { id }", "input.parentId", "NOT_FOUND"),
        (
            "productUpdate(id: 1, input: {stock: 1}, expectedUpdatedAt: \"2020-01-01T00:00:00Z\") { product { id }",
            "expectedUpdatedAt",
            "STALE",
        ),
        (
            "sessionCreate(input: {kind: CUSTOMER, email: \"customer1@example.com\", password: \"no\"}) { session { accessToken }",
            "input.email",
            "INVALID_CREDENTIALS",
        ),
    ] {
        let query = match mutation.starts_with("mutation") {
            true => mutation.to_owned(),
            false => format!("mutation {{ {mutation} {ERRORS} }} }}"),
        };
        for _ in 0..2 {
            let answer = shop.graphql(&query, json!({}), "all").await;
            assert_eq!(answer.get("errors"), None, "{query}: {answer}");
            assert_eq!(fields_and_codes(&answer), [(field.to_owned(), expected)], "{query}: {answer}");
            let message = user_errors(&answer)[0]["message"].as_str().unwrap();
            assert!(message.ends_with('.') && !message.contains('_'), "{query}: {message}");
        }
        let top = query.replace(ERRORS, "__typename");
        let answer = shop.graphql(&top, json!({}), "all").await;
        assert!(["CONFLICT", "NOT_FOUND", "VALIDATION_FAILED"].contains(&code(&answer)), "{top}: {answer}");
    }
    let after = shop.rows().await;
    assert!(tables.iter().all(|table| after[*table] == before[*table]), "nothing is written");
    // What the caller cannot mend is an error.
    let query = format!("mutation {{ productDelete(id: 999) {{ deletedId {ERRORS} }} }}");
    let answer = shop.graphql(&query, json!({}), "health").await;
    assert_eq!((code(&answer), &answer["data"]["productDelete"]), ("FORBIDDEN", &Json::Null), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn messages_are_in_the_language_that_is_asked_for() {
    let query = format!(
        "mutation {{ customerUpdate(id: 1, input: {{zipcode: \"x\", email: \"a\", country: \"XX\"}}) {{ {ERRORS} }} }}"
    );
    let refused = format!("mutation {{ groupDelete(id: 1) {{ {ERRORS} }} }}");
    for (shop_language, header, french) in [
        ("en", "fr-FR, en;q=0.5", true),
        ("en", "de", false),
        ("en", "*", false),
        ("fr", "en", false),
        ("fr", "en;q=0", true),
    ] {
        let shop = Shop::golden(shop_language).await;
        for query in [&query, &refused] {
            let answer = in_language(&shop, query, header).await;
            for error in user_errors(&answer).as_array().unwrap_or_else(|| panic!("{answer}")) {
                let text = error["message"].as_str().unwrap();
                let is_french = text.starts_with("Le ") || text.starts_with("La ");
                assert_eq!(is_french, french, "{header}: {text}");
            }
        }
        // REST does not negotiate.
        let (_, body) = shop.put("/api/application/customers/1", &json!({"zipcode": "x"})).await;
        assert!(
            body["message"].as_str().unwrap().starts_with("The zipcode is not a valid zip code."),
            "{body}"
        );
        shop.close().await;
    }
}

#[tokio::test]
async fn deletions_answer_the_identifier() {
    let shop = Shop::golden("en").await;
    shop.add_examples().await;
    shop.sql("DELETE FROM products WHERE group_id = 6").await;
    for (mutation, record, id) in [
        ("productDelete(id: 3)", "Product", "3"),
        ("pricingDelete(id: 3)", "Pricing", "3"),
        ("groupDelete(id: 6)", "Group", "6"),
        ("serviceDelete(id: 3)", "Service", "3"),
        ("customerDelete(id: 5, force: true)", "Customer", "5"),
        ("couponDelete(id: 2)", "Coupon", "2"),
    ] {
        let query = format!("mutation {{ {mutation} {{ deletedId userErrors {{ code message }} }} }}");
        let answer = shop.graphql(&query, json!({}), "all").await;
        let expected =
            json!({"deletedId": facade::record::global_id(record, id.parse().unwrap()), "userErrors": []});
        assert_eq!(
            answer["data"].as_object().and_then(|data| data.values().next()),
            Some(&expected),
            "{answer}"
        );
    }
    shop.close().await;
}

/// Every mutation has a payload of its own, every deletion `deletedId`.
#[test]
fn every_mutation_has_a_payload() {
    let registry = schema::registry();
    let Some(MetaType::Object { fields, .. }) = registry.types.get("Mutation") else {
        panic!("no mutations")
    };
    for field in fields.values() {
        let payload = registry.types.get(&field.ty).unwrap();
        let payload = payload.fields().unwrap();
        assert_eq!(payload["userErrors"].ty, "[UserError!]!", "{}", field.name);
        assert_eq!(payload.contains_key("deletedId"), field.name.ends_with("Delete"), "{}", field.name);
        assert!(payload.values().all(|part| part.name == "userErrors" || !part.ty.ends_with('!')));
    }
}

#[tokio::test]
async fn refusals_are_told_in_the_language_that_is_asked_for() {
    let shop = Shop::golden("en").await;
    let query = "mutation { serviceSuspend(id: 1) { service { status } userErrors { code message } } }";
    let suspended = in_language(&shop, query, "fr").await;
    assert_eq!(user_errors(&suspended), &json!([]), "{suspended}");
    for (language, message) in [
        ("fr", "Le service n'est pas actif et ne peut donc pas être suspendu."),
        ("en", "The service is not active, so it cannot be suspended."),
    ] {
        let answer = in_language(&shop, query, language).await;
        let expected = json!([{"code": "SERVICE_NOT_SUSPENDABLE", "message": message}]);
        assert_eq!(user_errors(&answer), &expected, "{language}: {answer}");
    }
    shop.close().await;
}
