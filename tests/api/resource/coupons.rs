//! Coupons beyond the recordings: whole and partial changes, lists of products, dates, prices, and what a deletion takes along.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use crate::harness::rows::{Snapshot, changes};
use crate::harness::shop::{Shop, invalid_fields};

const COUPONS: &str = "/api/application/coupons";
const SECOND: &str = "/api/application/coupons/2";

fn coupon(code: &str) -> Json {
    json!({"code": code, "type": "percent", "applied_month": 0, "max_uses": 10, "max_uses_per_customer": 1, "usages": 0,
        "minimum_order_amount": 0})
}

fn with(code: &str, change: &Json) -> Json {
    let mut body = coupon(code);
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

async fn shop() -> Shop {
    Shop::with("en", |config| config.rate_limit = None).await
}

async fn create(shop: &Shop, body: &Json) -> (u16, Json) {
    let (status, _, body) = shop.post(COUPONS, "all", body).await;
    (status, body)
}

async fn show(shop: &Shop, id: &Json, query: &str) -> Json {
    let (status, _, body) = shop.get(&format!("{COUPONS}/{id}{query}"), "all").await;
    assert_eq!(status, 200, "{body}");
    body["data"][0].clone()
}

fn products(coupon: &Json) -> BTreeSet<i64> {
    let products = coupon["products"].as_array().unwrap_or_else(|| panic!("{coupon}"));
    products.iter().map(|product| product["id"].as_i64().unwrap()).collect()
}

async fn changes_since(shop: &Shop, before: &Snapshot) -> Vec<String> {
    changes(before, &shop.rows().await).iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn errors_stand_in_the_order_of_the_fields() {
    let shop = shop().await;
    let nothing_written = shop.rows().await;
    let body = json!({"pricing": 5, "customer_id": 999, "groups": [99], "required_products": null, "products": [1, 99],
        "minimum_order_amount": -1, "end_at": "x", "start_at": "x", "usages": -1, "max_uses_per_customer": 1.5,
        "max_uses": true, "applied_month": -2, "type": "Percent", "code": 5});
    let (status, answer) = create(&shop, &body).await;
    assert_eq!(status, 422);
    let expected = [
        "code",
        "type",
        "applied_month",
        "start_at",
        "end_at",
        "max_uses_per_customer",
        "usages",
        "minimum_order_amount",
        "products.1",
        "required_products",
        "groups.0",
        "customer_id",
        "pricing",
    ];
    assert_eq!(invalid_fields(&answer), expected, "{answer}");
    assert_eq!(changes_since(&shop, &nothing_written).await, Vec::<String>::new());
    shop.close().await;
}

#[tokio::test]
async fn numbers_fit_their_columns() {
    let shop = shop().await;
    for (field, refused) in [
        ("applied_month", json!([-2, 10_001, 1.5, "x", [], {}, i64::MAX, 1e300])),
        ("max_uses", json!([-1, 1.5, "x", [], 2_147_483_648_i64, "99999999999999999999", i64::MIN])),
        ("max_uses_per_customer", json!([-1, null, "", 2_147_483_648_i64])),
        ("usages", json!([-1, null, 2_147_483_648_i64, false])),
        ("minimum_order_amount", json!([-0.01, "x", null, 1e300, true, [1]])),
        ("customer_id", json!([0, -1, 999, "x", i64::MAX, 1.5, [1]])),
        ("type", json!(["", null, 1, true, ["fixed"], "FIXED"])),
        ("code", json!(["", null, 1, true, ["A"], {"a": "b"}])),
    ] {
        for value in refused.as_array().unwrap() {
            let (status, answer) = create(&shop, &with("N", &json!({field: value}))).await;
            assert_eq!(status, 422, "{field}: {value} {answer}");
            assert_eq!(invalid_fields(&answer), [field], "{value}");
        }
    }
    let most = json!({"applied_month": "10000", "max_uses": 2_147_483_647, "max_uses_per_customer": "0",
        "usages": "7", "minimum_order_amount": "12.5", "customer_id": "1"});
    let (status, answer) = create(&shop, &with("N", &most)).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!((&answer["usages"], &answer["minimum_order_amount"]), (&json!(7), &json!(12.5)));
    shop.close().await;
}

#[tokio::test]
async fn codes_are_taken_in_any_case_and_by_deleted_coupons() {
    let shop = shop().await;
    for taken in ["WELCOME10", "welcome10", "  Welcome10 ", "GONE", "gone"] {
        let (status, answer) = create(&shop, &coupon(taken)).await;
        assert_eq!((status, invalid_fields(&answer)), (422, vec!["code"]), "{taken}");
    }
    let (status, answer) = shop.put(SECOND, &json!({"code": "moins5"})).await;
    assert_eq!((status, &answer["code"]), (200, &json!("moins5")), "its own in another case");
    assert_eq!(shop.put(SECOND, &json!({"code": "welcome10"})).await.0, 422);
    for free in ["%", "_", "WELCOME1_", "'; --", "é".repeat(255).as_str()] {
        let (status, answer) = create(&shop, &coupon(free)).await;
        assert_eq!((status, &answer["code"]), (201, &json!(free)), "{answer}");
    }
    assert_eq!(create(&shop, &coupon(&"é".repeat(256))).await.0, 422);
    assert_ne!(create(&shop, &coupon("a\0b")).await.0 / 100, 5);
    let (_, _, found) = shop.get(&format!("{COUPONS}?filter[code]=%25"), "all").await;
    assert_eq!((&found["total"], &found["data"][0]["code"]), (&json!(1), &json!("%")));
    let (_, _, found) = shop.get(&format!("{COUPONS}?q=_"), "all").await;
    let codes: Vec<_> = found["data"].as_array().unwrap().iter().map(|coupon| &coupon["code"]).collect();
    assert_eq!(codes, ["_", "WELCOME1_"], "a wildcard is a letter");
    for filter in
        ["filter[code]=b%00a", "q=b%00a", "filter[id]=99999999999999999999", "filter[customer_id]=x"]
    {
        let (status, _, answer) = shop.get(&format!("{COUPONS}?{filter}"), "all").await;
        assert_eq!((status, &answer["total"]), (200, &json!(0)), "{filter} {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn of_two_writers_of_one_code_one_is_refused() {
    let shop = shop().await;
    for round in 0..4 {
        let twice = coupon(&format!("TWICE{round}"));
        let answers = join_all((0..4).map(|_| create(&shop, &twice))).await;
        let mut statuses: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422, 422, 422], "{answers:?}");
        for (_, answer) in answers.iter().filter(|(status, _)| *status == 422) {
            assert_eq!(invalid_fields(answer), ["code"]);
        }
    }
    let code = json!({"code": "BOTH"});
    let paths = ["/api/application/coupons/3", "/api/application/coupons/4"];
    let mut statuses = join_all(paths.map(|path| shop.put(path, &code))).await;
    statuses.sort_by_key(|(status, _)| *status);
    assert_eq!([statuses[0].0, statuses[1].0], [200, 422], "{statuses:?}");
    shop.close().await;
}

#[tokio::test]
async fn flags_are_read_in_all_spellings() {
    let shop = shop().await;
    let spellings = [
        (json!(true), true),
        (json!("true"), true),
        (json!(1), true),
        (json!("1"), true),
        (json!("on"), true),
        (json!("yes"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(0), false),
        (json!("0"), false),
        (json!("off"), false),
        (json!("no"), false),
        (json!(""), false),
        (Json::Null, false),
    ];
    for (at, (sent, stored)) in spellings.into_iter().enumerate() {
        let flags = json!({"free_setup": sent, "first_order_only": sent, "is_global": sent});
        let (status, answer) = create(&shop, &with(&format!("F{at}"), &flags)).await;
        assert_eq!(status, 201, "{sent} {answer}");
        let row = show(&shop, &answer["id"], "").await;
        let flags = [&row["free_setup"], &row["first_order_only"], &row["is_global"]];
        assert_eq!(flags, [&json!(u8::from(stored)); 3], "{sent}");
    }
    for refused in [json!("perhaps"), json!(2), json!([1]), json!({"a": 1})] {
        let (status, answer) = create(&shop, &with("F", &json!({"is_global": refused}))).await;
        assert_eq!((status, invalid_fields(&answer)), (422, vec!["is_global"]), "{refused}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_post_replaces_and_a_put_changes_parts() {
    let shop = shop().await;
    let set = json!({"is_global": true, "free_setup": true, "first_order_only": true, "customer_id": 1});
    let (status, answer) = shop.put(SECOND, &set).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((products(&answer), &answer["products_required"]), ([1, 2].into(), &json!([1, 2])));
    assert_eq!((&answer["code"], &answer["usages"]), (&json!("MOINS5"), &json!(2)));
    let (_, answer) = shop.put(SECOND, &json!({"usages": 99})).await;
    assert_eq!(answer["usages"], 2, "how often it was used is not for parts");
    let mut whole = with("WHOLE", &json!({"usages": 5}));
    let (status, _, answer) = shop.post(SECOND, "all", &whole).await;
    assert_eq!((status, products(&answer), &answer["usages"]), (200, BTreeSet::new(), &json!(5)));
    let row = show(&shop, &json!(2), "").await;
    assert_eq!([&row["is_global"], &row["free_setup"], &row["first_order_only"]], [0, 0, 0]);
    assert_eq!((&row["products_required"], &row["customer_id"]), (&json!([]), &json!(1)));
    assert_eq!(row["start_at"], "2026-08-25T11:00:00.000000Z", "left out, it stays");
    whole.as_object_mut().unwrap().remove("usages");
    let (status, _, answer) = shop.post(SECOND, "all", &whole).await;
    assert_eq!((status, invalid_fields(&answer)), (422, vec!["usages"]));
    let before = shop.rows().await;
    assert_eq!(shop.put(SECOND, &json!({})).await.0, 200);
    assert_eq!(
        shop.put(SECOND, &json!({"code": "WHOLE", "products_required": [3], "unique_use": 1})).await.0,
        200
    );
    assert_eq!(
        changes_since(&shop, &before).await,
        Vec::<String>::new(),
        "nothing to change, nothing written"
    );
    assert_eq!(shop.put(&format!("{COUPONS}/6"), &json!({"code": "X"})).await.0, 404, "deleted");
    shop.close().await;
}

#[tokio::test]
async fn graphql_changes_parts_and_cannot_set_usages() {
    let shop = shop().await;
    let create = "mutation($input: CouponInput!) { couponCreate(input: $input) { coupon { databaseId code type usages isGlobal
        startAt minimumOrderAmount { amount currency } productsRequired products { nodes { databaseId } }
        pricingRows { monthly setupMonthly currency }
        discounts { period amount { amount currency } setupAmount { amount } percent setupPercent } } } }";
    let input = json!({"code": "GQL", "type": "FIXED", "appliedMonth": -1, "maxUses": 0, "maxUsesPerCustomer": 0,
        "minimumOrderAmount": "9.99", "isGlobal": true, "startAt": "2026-12-01T10:00:00Z", "products": [1, 1, 3],
        "requiredProducts": [2], "pricing": {"monthly": {"price": "4.50", "setup": "1"}}});
    let answer = shop.graphql(create, json!({"input": input}), "all").await;
    let made = &answer["data"]["couponCreate"]["coupon"];
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(
        (&made["usages"], &made["type"], &made["isGlobal"]),
        (&json!(0), &json!("FIXED"), &json!(true))
    );
    assert_eq!(made["startAt"], "2026-12-01T10:00:00.000000Z");
    assert_eq!(made["minimumOrderAmount"], json!({"amount": "9.99", "currency": "EUR"}));
    assert_eq!(made["productsRequired"], json!([2]));
    assert_eq!(made["products"]["nodes"], json!([{"databaseId": 1}, {"databaseId": 3}]));
    let discount = json!({"period": "MONTHLY", "amount": {"amount": "4.50", "currency": "EUR"},
        "setupAmount": {"amount": "1.00"}, "percent": null, "setupPercent": null});
    assert_eq!(made["discounts"], json!([discount]), "{answer}");
    assert_eq!(
        made["pricingRows"],
        json!([{"monthly": "4.5", "setupMonthly": "1", "currency": "EUR"}]),
        "{answer}"
    );
    let change = |input: Json| {
        let shop = &shop;
        let query = "mutation($input: CouponInput!, $at: DateTime) {
            couponUpdate(id: 2, input: $input, expectedUpdatedAt: $at) { coupon { code usages products { nodes { databaseId } } } } }";
        async move { shop.graphql(query, input, "all").await }
    };
    let answer = change(json!({"input": {"usages": 9}})).await;
    assert!(answer["errors"][0]["message"].as_str().is_some(), "{answer}");
    let answer = change(json!({"input": {"code": "PART"}})).await;
    let changed =
        json!({"code": "PART", "usages": 2, "products": {"nodes": [{"databaseId": 1}, {"databaseId": 2}]}});
    assert_eq!(answer["data"]["couponUpdate"]["coupon"], changed, "{answer}");
    let answer = change(json!({"input": {"code": "LATE"}, "at": "2026-08-17T11:00:00Z"})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "CONFLICT", "{answer}");
    let answer = change(json!({"input": {"code": "gone"}})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "VALIDATION_FAILED", "{answer}");
    let gone = shop
        .graphql(
            "mutation { couponDelete(id: 2) { coupon { code deletedAt products { nodes { databaseId } } } } }",
            json!({}),
            "all",
        )
        .await;
    assert_eq!(gone["data"]["couponDelete"]["coupon"]["code"], "PART", "{gone}");
    assert_eq!(gone["data"]["couponDelete"]["coupon"]["deletedAt"], "2026-11-23T12:00:00.000000Z");
    shop.close().await;
}

#[tokio::test]
async fn products_are_lists_without_repetition() {
    let shop = shop().await;
    let (status, answer) = create(&shop, &with("L0", &json!({"products": [2, "1", 2, 2]}))).await;
    assert_eq!((status, products(&answer)), (201, [1, 2].into()), "{answer}");
    assert_eq!(answer["products"].as_array().unwrap().len(), 2);
    assert_eq!(answer["products"][0]["pivot"], json!({"coupon_id": answer["id"], "product_id": 1}));
    let (status, answer) = create(&shop, &with("L1", &json!({"products": null}))).await;
    assert_eq!((status, products(&answer)), (201, [].into()));
    let (status, answer) =
        create(&shop, &with("L2", &json!({"products": {"a": 1, "b": 3}, "required_products": {"x": 2}})))
            .await;
    assert_eq!(
        (status, products(&answer), &answer["products_required"]),
        (201, [1, 3].into(), &json!([2])),
        "{answer}"
    );
    let (status, answer) = create(&shop, &with("L3", &json!({"products": [12]}))).await;
    assert_eq!((status, products(&answer)), (201, [].into()), "a deleted product is not shown");
    for (field, refused) in [
        ("products", json!([5, "x", [99], ["x"], [1.5], [null], [[1]], [0], [i64::MAX]])),
        ("required_products", json!([null, 5, [99], ["x"]])),
        ("groups", json!([5, "x", [99], ["x"], [[1]]])),
    ] {
        for value in refused.as_array().unwrap() {
            let (status, answer) = create(&shop, &with("L4", &json!({field: value}))).await;
            assert_eq!(status, 422, "{field}: {value} {answer}");
            assert!(invalid_fields(&answer)[0].starts_with(field), "{answer}");
        }
    }
    let (_, answer) = shop.put(SECOND, &json!({"products": [2, 3]})).await;
    assert_eq!(products(&answer), [2, 3].into());
    assert_eq!(answer["products_required"], json!([1, 2]));
    let (_, answer) = shop.put(SECOND, &json!({"products": null})).await;
    assert_eq!(products(&answer), [].into());
    shop.close().await;
}

#[tokio::test]
async fn groups_add_their_products() {
    let shop = shop().await;
    let (status, answer) = create(&shop, &with("G0", &json!({"products": [1], "groups": [2, 2]}))).await;
    assert_eq!((status, products(&answer)), (201, [1, 4, 5, 6].into()), "{answer}");
    for nothing in [json!([]), Json::Null, json!({})] {
        let (status, answer) = shop.put(SECOND, &json!({"groups": nothing})).await;
        assert_eq!((status, products(&answer)), (200, [1, 2].into()), "{nothing} adds nothing");
    }
    let (_, answer) = shop.put(SECOND, &json!({"groups": [3]})).await;
    assert_eq!(products(&answer), [1, 2, 7, 8].into(), "products that are left out stay");
    let (_, answer) = shop.put(SECOND, &json!({"products": [], "groups": [5]})).await;
    assert_eq!(products(&answer), [9].into());
    let (status, _, answer) = shop.post(SECOND, "all", &with("G1", &json!({"groups": [3]}))).await;
    assert_eq!((status, products(&answer)), (200, [7, 8].into()), "a whole one names all");
    shop.close().await;
}

#[tokio::test]
async fn hundreds_of_products_cost_as_many_statements_as_one() {
    let shop = shop().await;
    for id in 1001..1501 {
        shop.sql(&format!(
            "INSERT INTO products (id, name, group_id, status, description, stock, type) \
             VALUES ({id}, 'P{id}', 6, 'active', 'x', 1, 'none')"
        ))
        .await;
    }
    let many: Vec<i64> = (1001..1501).collect();
    let mut costs = Vec::new();
    for (code, list) in [("M0", &many[..1]), ("M1", &many[..])] {
        let before = shop.statements();
        let (status, answer) =
            create(&shop, &with(code, &json!({"products": list, "required_products": list}))).await;
        assert_eq!((status, products(&answer).len()), (201, list.len()), "{answer}");
        costs.push(shop.statements() - before);
    }
    assert_eq!(costs[0], costs[1], "{costs:?}");
    let (status, answer) = shop.put(SECOND, &json!({"groups": [6], "products": [1]})).await;
    assert_eq!((status, products(&answer).len()), (200, 502), "with the group's own");
    shop.close().await;
}

#[tokio::test]
async fn moments_are_those_that_were_named() {
    let shop = shop().await;
    for (at, (sent, stored)) in [
        ("2026-12-01", "2026-11-30T23:00:00.000000Z"),
        ("2026-12-01T10:00:00Z", "2026-12-01T10:00:00.000000Z"),
        ("2026-12-01T10:00:00+02:00", "2026-12-01T08:00:00.000000Z"),
        ("2026-07-01 10:00:00", "2026-07-01T08:00:00.000000Z"),
        // The hour that is left out, and one that comes twice.
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00.000000Z"),
        ("2026-03-29T01:30:00Z", "2026-03-29T01:30:00.000000Z"),
        ("2026-10-25T02:30:00", "2026-10-25T01:30:00.000000Z"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, answer) = create(&shop, &with(&format!("D{at}"), &json!({"start_at": sent}))).await;
        assert_eq!((status, &answer["start_at"]), (201, &json!(stored)), "{sent}");
        assert_eq!(show(&shop, &answer["id"], "").await["start_at"], stored, "{sent}, read again");
    }
    for refused in ["x", "2026", "2026-02-30", "1969-01-01", "2039-01-01", "tomorrow"] {
        let (status, answer) = create(&shop, &with("D", &json!({"start_at": refused}))).await;
        assert_eq!((status, invalid_fields(&answer)), (422, vec!["start_at"]), "{refused}");
    }
    for refused in [json!(["2026-01-01"]), json!(true), json!({"a": "b"})] {
        assert_eq!(create(&shop, &with("D", &json!({"end_at": refused}))).await.0, 422, "{refused}");
    }
    shop.close().await;
}

#[tokio::test]
async fn the_end_is_later_than_the_start() {
    let shop = shop().await;
    for (start, end, status) in [
        ("2026-12-01T10:00:00", "2026-12-01T10:00:01", 201),
        ("2026-12-01T10:00:00", "2026-12-01T10:00:00", 422),
        ("2026-12-01T10:00:00Z", "2026-12-01T12:30:00+02:00", 201),
        ("2026-12-01T10:00:00Z", "2026-12-01T11:30:00+02:00", 422),
        // Ten o'clock in Paris is nine o'clock UTC.
        ("2026-12-01T10:00:00", "2026-12-01T09:30:00Z", 201),
        ("2026-12-01T09:30:00Z", "2026-12-01T10:00:00", 422),
    ] {
        let code = format!("E{start}{end}");
        let (answered, answer) =
            create(&shop, &with(&code, &json!({"start_at": start, "end_at": end}))).await;
        assert_eq!(answered, status, "{start} to {end}: {answer}");
    }
    // It starts at 11:00 UTC.
    for (end, status) in [
        ("2026-08-25T11:00:00Z", 422),
        ("2026-08-25T11:00:01Z", 200),
        ("2026-08-25 12:59:59", 422),
        ("2026-08-25 13:00:01", 200),
    ] {
        let (answered, answer) = shop.put(SECOND, &json!({"end_at": end})).await;
        assert_eq!(answered, status, "{end}: {answer}");
    }
    // It ends at 11:00:01 UTC.
    for (start, status) in [
        ("2026-08-25T11:00:01Z", 422),
        ("2026-08-25 13:00:01", 422),
        ("2026-08-25T11:00:00Z", 200),
        ("2026-08-25 13:00:00", 200),
    ] {
        let (answered, answer) = shop.put(SECOND, &json!({"start_at": start})).await;
        assert_eq!(answered, status, "{start}: {answer}");
        assert!(status == 200 || invalid_fields(&answer) == ["start_at"], "{answer}");
    }
    let whole = with("MOINS5", &json!({"start_at": "2027-01-01"}));
    let (status, _, answer) = shop.post(SECOND, "all", &whole).await;
    assert_eq!(status, 200, "a POST compares what it sends: {answer}");
    let (status, answer) = shop.put(SECOND, &json!({"start_at": null, "end_at": "2020-01-01"})).await;
    assert_eq!((status, &answer["start_at"]), (200, &Json::Null), "{answer}");
    let (status, answer) = shop.put(SECOND, &json!({"end_at": null})).await;
    assert_eq!((status, &answer["end_at"]), (200, &Json::Null), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn prices_are_written_to_the_first_row() {
    let shop = shop().await;
    let prices = json!({"pricing": {"monthly": {"price": "4,50", "setup": "1,25"}, "weekly": {"price": 2}, "annually": {"setup": 3}}});
    let (status, answer) = create(&shop, &with("P0", &prices)).await;
    assert_eq!(status, 201, "{answer}");
    let row = &answer["pricing"][0];
    assert_eq!(
        [&row["monthly"], &row["setup_monthly"], &row["setup_annually"]],
        [&json!(4.5), &json!(1.25), &json!(3)]
    );
    assert_eq!(answer["pricing"].as_array().unwrap().len(), 1);
    let (status, answer) = shop.put(SECOND, &json!({"pricing": {"monthly": {"price": 7}}})).await;
    let row = &answer["pricing"][0];
    assert_eq!((status, &row["id"], &row["monthly"]), (200, &json!(22), &json!(7)), "{answer}");
    assert_eq!((&row["onetime"], &row["setup_monthly"]), (&json!(5), &json!(0)), "what is left out stays");
    let whole = with("MOINS5", &json!({"pricing": {"onetime": {"price": 6}, "monthly": {"setup": 1}}}));
    let (_, _, answer) = shop.post(SECOND, "all", &whole).await;
    let row = &answer["pricing"][0];
    assert_eq!(
        [&row["onetime"], &row["setup_onetime"], &row["monthly"], &row["setup_monthly"]],
        [&json!(6), &Json::Null, &Json::Null, &json!(1)],
        "what an entry of a POST leaves out is null: {answer}"
    );
    shop.sql("DELETE FROM pricings WHERE id = 22").await;
    let (_, answer) = shop.put(SECOND, &json!({"pricing": {"onetime": {"price": 3}}})).await;
    assert_eq!(
        (&answer["pricing"][0]["onetime"], &answer["pricing"][0]["currency"]),
        (&json!(3), &json!("EUR"))
    );
    for (sent, status) in [
        (json!([]), 201),
        (json!([{"monthly": 1}]), 201),
        (json!({}), 201),
        (json!({"monthly": {}}), 201),
        (Json::Null, 422),
        (json!("x"), 422),
        (json!({"monthly": 5}), 422),
        (json!({"daily": {"price": 1}}), 422),
        (json!({"monthly": {"price": "x"}}), 422),
        (json!({"monthly": {"price": -1}}), 422),
        (json!({"monthly": {"price": 1e9}}), 422),
        (json!({"monthly": {"cost": 1}}), 422),
        (json!({"monthly": {"price": [1]}}), 422),
        (json!({"monthly": {"price": true}}), 422),
    ] {
        let code = format!("P{}", sent.to_string().len() + 100 * usize::from(sent.is_array()) + 1000);
        let (answered, answer) =
            create(&shop, &with(&format!("{code}{sent}"), &json!({"pricing": sent}))).await;
        assert_eq!(answered, status, "{sent} {answer}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_change_of_another_state_is_refused() {
    let shop = shop().await;
    let json = [("Content-Type", "application/json"), ("Accept", "application/json")];
    let since = |moment: &'static str| [&json[..], &[("If-Unmodified-Since", moment)]].concat();
    let late = since("Mon, 17 Aug 2026 10:59:59 GMT");
    let as_read = since("Mon, 17 Aug 2026 11:00:00 GMT");
    let untouched = shop.rows().await;
    let whole = coupon("STATE").to_string();
    for (method, body) in [("PUT", r#"{"code": "STATE"}"#), ("POST", whole.as_str()), ("DELETE", "")] {
        assert_eq!(shop.send_with("all", method, SECOND, &late, body).await.status, 412, "{method}");
    }
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    assert_eq!(shop.send_with("all", "PUT", SECOND, &as_read, r#"{"code": "STATE"}"#).await.status, 200);
    assert_eq!(shop.send_with("all", "DELETE", SECOND, &as_read, "").await.status, 412);
    shop.close().await;
}

#[tokio::test]
async fn a_deletion_takes_everything_along() {
    let shop = shop().await;
    let model = if shop.is_mysql() { r"App\\Models\\Store\\Coupon" } else { r"App\Models\Store\Coupon" };
    let key = shop.quoted("key");
    shop.sql(&format!("INSERT INTO metadata (id, model_type, model_id, {key}, value) VALUES (900, '{model}', 2, 'a', 'b'), (901, '{model}', 3, 'a', 'b')")).await;
    shop.sql(&format!("INSERT INTO translations (id, model, model_id, {key}, locale, content) VALUES (900, '{model}', 2, 'a', 'fr_FR', 'b')")).await;
    shop.sql("INSERT INTO coupon_usages (id, coupon_id, customer_id, used_at, amount) VALUES (900, 2, 1, '2026-11-01 10:00:00', 1)").await;
    shop.sql("INSERT INTO pricings (id, related_id, related_type, currency, monthly) VALUES (900, 2, 'coupon', 'USD', 1), (901, 2, 'product', 'CHF', 1)").await;
    shop.sql(
        "INSERT INTO baskets (id, uuid, coupon_id) VALUES (900, '00000000-0000-0000-0000-000000000900', 2)",
    )
    .await;
    let changed = shop.rows().await;
    let (status, _, answer) = shop.ask("DELETE", SECOND, "all", None).await;
    assert_eq!((status, answer), (200, json!({"message": "Coupon deleted successfully"})));
    let found = changes_since(&shop, &changed).await;
    let rows: Vec<_> = found.iter().map(|change| change.split(" {").next().unwrap()).collect();
    let expected = [
        "delete coupon_products/1",
        "delete coupon_products/2",
        "delete coupon_usages/900",
        "update coupons/2",
        "delete metadata/900",
        "update pricings/22",
        "update pricings/900",
        "delete translations/900",
    ];
    assert_eq!(rows, expected, "{found:?}");
    for price in found.iter().filter(|change| change.contains("pricings")) {
        assert!(price.contains("{\"deleted_at\":\"2026-11-23 13:00:00\"}"), "{price}");
    }
    assert_eq!(shop.ask("DELETE", SECOND, "all", None).await.0, 404);
    assert_eq!(shop.get(SECOND, "all").await.2["data"], json!([]));
    let answers =
        join_all((0..4).map(|_| shop.ask("DELETE", "/api/application/coupons/1", "all", None))).await;
    let mut statuses: Vec<_> = answers.iter().map(|(status, ..)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404]);
    shop.close().await;
}

#[tokio::test]
async fn every_include_alone_and_together() {
    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.count_ttl = std::time::Duration::ZERO;
    })
    .await;
    for id in 1001..1121 {
        shop.sql(&format!("INSERT INTO coupons (id, code, type, usages, customer_id, products_required) VALUES ({id}, 'C{id}', 'fixed', 3, {}, '[1]')", id % 5 + 1)).await;
        shop.sql(&format!(
            "INSERT INTO coupon_products (coupon_id, product_id) VALUES ({id}, {}), ({id}, 9)",
            id % 5 + 1
        ))
        .await;
        shop.sql(&format!("INSERT INTO pricings (related_id, related_type, currency, monthly) VALUES ({id}, 'coupon', 'EUR', 1)")).await;
        shop.sql(&format!("INSERT INTO coupon_usages (coupon_id, customer_id, used_at, amount) VALUES ({id}, {}, '2026-11-01 10:00:00', 1.5)", id % 5 + 1)).await;
    }
    let names = ["products", "pricing", "usages", "customer"];
    for include in names
        .into_iter()
        .chain(["products,pricing,usages,customer", "productsCount,usagesExists,customerCount"])
    {
        let mut costs = Vec::new();
        for rows in [1, 25, 100] {
            let before = shop.statements();
            let (status, _, body) = shop
                .get(&format!("{COUPONS}?include={include}&sort=-id&per_page={rows}&page=1"), "all")
                .await;
            assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows), "{include} {body}");
            costs.push(shop.statements() - before);
            let row = &body["data"][0];
            for name in names {
                let is_included = include.split(',').any(|included| included == name);
                let is_there = if name == "usages" { row[name].is_array() } else { row.get(name).is_some() };
                assert_eq!(is_there, is_included, "{include}: {row}");
            }
        }
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{include}: {costs:?}");
    }
    let path = format!("{COUPONS}?include=products,pricing,usages,customer&sort=-id&per_page=50");
    let mut seen = BTreeSet::new();
    for page in 1..=3 {
        let (_, _, body) = shop.get(&format!("{path}&page={page}"), "all").await;
        assert_eq!((&body["total"], &body["last_page"]), (&json!(125), &json!(3)), "{body}");
        for row in body["data"].as_array().unwrap() {
            assert!(seen.insert(row["id"].as_i64().unwrap()));
            if row["id"].as_i64().unwrap() > 1000 {
                assert_eq!(row["customer"]["id"], row["customer_id"]);
                assert_eq!(row["usages"][0]["coupon_id"], row["id"]);
                assert_eq!(row["pricing"][0]["related_id"], row["id"]);
                assert_eq!(row["products"][0]["pivot"]["coupon_id"], row["id"]);
            }
        }
    }
    assert_eq!(seen.len(), 125);
    shop.close().await;
}

#[tokio::test]
async fn keys_reach_what_they_may() {
    let shop = shop().await;
    let untouched = shop.rows().await;
    for key in ["customer1", "none", "products-read", "health"] {
        for (method, path) in [
            ("GET", COUPONS),
            ("GET", SECOND),
            ("POST", COUPONS),
            ("POST", SECOND),
            ("PUT", SECOND),
            ("DELETE", SECOND),
        ] {
            let body = (method != "GET").then(|| coupon("KEY"));
            let (status, _, answer) = shop.ask(method, path, key, body.as_ref()).await;
            assert_eq!(status, 403, "{key} {method} {path} {answer}");
        }
        for query in [
            "{ coupons { nodes { code } } }",
            "{ coupon(id: 2) { code } }",
            "mutation { couponDelete(id: 2) { deletedId } }",
        ] {
            let answer = shop.graphql(query, json!({}), key).await;
            assert!(answer["errors"].is_array(), "{key} {query} {answer}");
        }
    }
    assert_eq!(changes_since(&shop, &untouched).await, Vec::<String>::new());
    for (key, ability) in
        [("health", "coupons:index"), ("none", "coupons:show"), ("products-read", "coupons:update")]
    {
        shop.sql(&format!(
            "UPDATE personal_access_tokens SET abilities = '[\"{ability}\"]' WHERE name = '{key}'"
        ))
        .await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(
        shop.get(&format!("{COUPONS}?include=customer,usages,products,pricing"), "health").await.0,
        200
    );
    for (method, path) in [("POST", COUPONS), ("PUT", SECOND), ("DELETE", SECOND)] {
        assert_eq!(shop.ask(method, path, "health", Some(&coupon("KEY"))).await.0, 403, "{method}");
    }
    assert_eq!(shop.get(COUPONS, "none").await.0, 403);
    assert_eq!(shop.get(&format!("{SECOND}?include=customer,usages"), "none").await.0, 200);
    assert_eq!(shop.get(SECOND, "products-read").await.0, 403);
    assert_eq!(shop.ask("PUT", SECOND, "products-read", Some(&json!({"code": "KEY"}))).await.0, 200);
    assert_eq!(shop.ask("DELETE", SECOND, "products-read", None).await.0, 403);
    let query =
        "{ coupons(sort: {field: ID}) { nodes { code customer { email } products { nodes { name } } } } }";
    let answer = shop.graphql(query, json!({}), "health").await;
    assert!(answer["data"]["coupons"]["nodes"].is_array(), "{answer}");
    assert!(!answer.to_string().contains('@'), "customers need an ability of their own: {answer}");
    assert!(answer["errors"].is_array(), "{answer}");
    shop.close().await;
}

#[tokio::test]
async fn xml_is_read_and_answered() {
    let shop = shop().await;
    let xml = [("Content-Type", "application/xml"), ("Accept", "application/xml")];
    let body = "<coupon><code>XML&amp;1</code><type>fixed</type><applied_month>-1</applied_month><max_uses>1</max_uses>\
        <max_uses_per_customer>1</max_uses_per_customer><usages>0</usages><minimum_order_amount>1.5</minimum_order_amount>\
        <products><item>1</item><item>3</item></products><pricing><monthly><price>2</price></monthly></pricing></coupon>";
    let answer = shop.send_with("all", "POST", COUPONS, &xml, body).await;
    let text = answer.text();
    assert_eq!(answer.status, 201, "{text}");
    assert!(text.contains("<code>XML&amp;1</code>") && text.contains("<product_id>3</product_id>"), "{text}");
    let answer =
        shop.send_with("all", "PUT", SECOND, &xml, "<c><products><item>2</item></products></c>").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(products(&show(&shop, &json!(2), "?include=products").await), [2].into());
    shop.close().await;
}
