//! Money: amounts, prices with tax, lists by price, and writing prices in a currency.

use serde_json::{Value as Json, json};

use crate::graphql::nodes::global;
use crate::harness::rows::quoted;
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;
use crate::harness::wire::Request;

/// The data of an answer without errors.
async fn data(shop: &Shop, query: &str, variables: Json) -> Json {
    let answer = shop.graphql(query, variables.clone(), "all").await;
    assert_eq!(answer.get("errors"), None, "{query}: {answer}");
    // The second time from the cache.
    assert_eq!(shop.graphql(query, variables, "all").await, answer);
    answer["data"].clone()
}

async fn code(shop: &Shop, query: &str, variables: Json) -> String {
    let answer = shop.graphql(query, variables, "all").await;
    answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_else(|| panic!("{query}: {answer}"))
        .to_owned()
}

/// A shop whose products are those that each test makes.
async fn empty_shop(lang: &str) -> Shop {
    let shop = Shop::golden(lang).await;
    shop.sql("UPDATE products SET deleted_at = '2026-11-23 13:00:00'").await;
    shop
}

/// Makes a product with this key in a group.
async fn make(shop: &Shop, id: i64, group: i64) {
    shop.sql(&format!(
        "INSERT INTO products (id, name, description, status, stock, type, sort_order, pinned, group_id) \
         VALUES ({id}, 'P{id}', 'd', 'active', 1, 'none', 0, {}, {group})",
        if *BACKEND == sea_orm::DbBackend::Postgres { "false" } else { "0" }
    ))
    .await;
}

/// Writes a row of prices for a product: columns and values.
async fn price(shop: &Shop, product: i64, currency: &str, columns: &[(&str, &str)]) {
    let names: String = columns.iter().map(|(name, _)| format!(", {name}")).collect();
    let values: String = columns.iter().map(|(_, value)| format!(", {value}")).collect();
    shop.sql(&format!(
        "INSERT INTO pricings (related_id, related_type, currency{names}) VALUES ({product}, 'product', '{currency}'{values})"
    ))
    .await;
}

#[tokio::test]
async fn amounts_have_the_decimals_and_signs_of_their_currency() {
    let shop = Shop::golden("en").await;
    let id = global("Invoice", 1);
    let query =
        "query($id: ID!) { node(id: $id) { ... on Invoice { total { amount currency formatted } } } }";
    shop.sql("UPDATE invoices SET deleted_at = NULL WHERE id = 1").await;
    for (stored, currency, amount, formatted) in [
        ("49", "EUR", "49.00", "€49.00"),
        ("58.8", "EUR", "58.80", "€58.80"),
        ("49", "JPY", "49", "¥49"),
        ("49", "KWD", "49.000", "KWD\u{a0}49.000"),
        ("-1234.5", "USD", "-1234.50", "-$1,234.50"),
        ("0", "CHF", "0.00", "CHF\u{a0}0.00"),
        ("7.555", "GBP", "7.56", "£7.56"),
        ("999999999999.99", "EUR", "999999999999.99", "€999,999,999,999.99"),
        ("12", "eur", "12.00", "€12.00"),
        ("12", "XYZ", "12.00", "XYZ\u{a0}12.00"),
        ("12", "points", "12.00", "points\u{a0}12.00"),
    ] {
        shop.sql(&format!("UPDATE invoices SET total = {stored}, currency = '{currency}' WHERE id = 1"))
            .await;
        let shown = data(&shop, query, json!({"id": id})).await;
        let total = json!({"amount": amount, "currency": currency, "formatted": formatted});
        assert_eq!(shown["node"]["total"], total, "{stored} {currency}");
    }
    shop.close().await;
    let shop = Shop::golden("fr").await;
    shop.sql("UPDATE invoices SET deleted_at = NULL, total = -1234.5, currency = 'EUR' WHERE id = 1").await;
    let french = "-1\u{202f}234,50\u{a0}€";
    let shown = data(&shop, query, json!({"id": id})).await;
    assert_eq!(shown["node"]["total"]["formatted"], french);
    for (language, formatted) in
        [("en", "-€1,234.50"), ("de", french), ("en;q=0.1, fr", french), ("fr", french)]
    {
        let headers = [
            ("Authorization", format!("Bearer {}", Shop::key("all"))),
            ("Content-Type", "application/json".to_owned()),
            ("Accept-Language", language.to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let body = json!({"query": query, "variables": {"id": id}}).to_string().into_bytes();
        let request = Request { method: "POST".to_owned(), path: "/graphql".to_owned(), headers, body };
        let shown = shop.send(&request).await.json();
        assert_eq!(shown["data"]["node"]["total"]["formatted"], formatted, "{language}: {shown}");
    }
    shop.close().await;
}

/// Only what is sold, shorter periods first, the shop's currency first; of several rows in a currency the first.
#[tokio::test]
async fn products_tell_the_prices_that_they_are_sold_for() {
    let shop = empty_shop("fr").await;
    for id in 101..=106 {
        make(&shop, id, 1).await;
    }
    price(&shop, 102, "EUR", &[]).await;
    price(&shop, 103, "USD", &[("monthly", "11"), ("onetime", "99")]).await;
    price(
        &shop,
        103,
        "EUR",
        &[("triennially", "288"), ("weekly", "2.4"), ("setup_weekly", "1"), ("monthly", "9.99")],
    )
    .await;
    price(&shop, 103, "EUR", &[("monthly", "1")]).await;
    price(&shop, 104, "EUR", &[("monthly", "0"), ("quarterly", "-5"), ("annually", "1e20")]).await;
    price(&shop, 105, "XYZ", &[("monthly", "5")]).await;
    price(&shop, 105, "JPY", &[("annually", "1000"), ("setup_annually", "10")]).await;
    price(&shop, 106, "eur", &[("monthly", "5")]).await;
    let query = "query($currency: Currency, $period: BillingPeriod) { products(sort: [{field: ID}]) { nodes {
        prices(currency: $currency, period: $period) { period currency recurring { net { amount } }
            setup { net { amount } } perMonth { net { amount } } } } } }";
    let shown = async |variables: Json| -> Vec<Vec<String>> {
        let data = data(&shop, query, variables).await;
        let text = |value: &Json| value["net"]["amount"].as_str().unwrap_or("-").to_owned();
        let price = |price: &Json| {
            let words = [&price["currency"], &price["period"]].map(|word| word.as_str().unwrap().to_owned());
            [words.to_vec(), ["recurring", "setup", "perMonth"].map(|part| text(&price[part])).to_vec()]
                .concat()
                .join(" ")
        };
        let nodes = data["products"]["nodes"].as_array().unwrap();
        nodes.iter().map(|node| node["prices"].as_array().unwrap().iter().map(price).collect()).collect()
    };
    assert_eq!(
        shown(json!({})).await,
        [
            vec![],
            vec![],
            vec![
                "EUR WEEKLY 2.40 1.00 10.40",
                "EUR MONTHLY 9.99 0.00 9.99",
                "USD MONTHLY 11.00 0.00 11.00",
                "EUR TRIENNIALLY 288.00 0.00 8.00",
                "USD ONETIME 99.00 0.00 -",
            ],
            vec!["EUR MONTHLY 0.00 0.00 0.00"],
            vec!["XYZ MONTHLY 5.00 0.00 5.00", "JPY ANNUALLY 1000 10 83"],
            vec!["eur MONTHLY 5.00 0.00 5.00"],
        ]
    );
    let monthly = shown(json!({"currency": "eur", "period": "MONTHLY"})).await;
    let [none, free] = [Vec::<String>::new(), vec!["EUR MONTHLY 0.00 0.00 0.00".to_owned()]];
    let some =
        ["EUR MONTHLY 9.99 0.00 9.99", "eur MONTHLY 5.00 0.00 5.00"].map(|price| vec![price.to_owned()]);
    let [euro, lower] = some;
    assert_eq!(monthly, [none.clone(), none.clone(), euro, free, none, lower]);
    // One statement for a level, however many products.
    let query = "{ products { nodes { a: prices(currency: EUR) { period } b: prices(currency: \"USD\") { period } } } }";
    data(&shop, query, json!({})).await;
    let before = shop.statements();
    shop.graphql(query, json!({}), "all").await;
    let cost = shop.statements() - before;
    assert!(cost <= 4, "{cost} statements");
    for (argument, value) in
        [("currency", "\"EURO\""), ("currency", "\"\""), ("country", "\"FRA\""), ("country", "\"\"")]
    {
        let query = format!("{{ product(id: 103) {{ prices({argument}: {value}) {{ period }} }} }}");
        assert_eq!(code(&shop, &query, json!({})).await, "BAD_USER_INPUT", "{query}");
    }
    shop.close().await;
}

#[tokio::test]
async fn prices_hold_the_tax_of_the_country() {
    let query = "query($country: CountryCode) { product(id: 101) { prices(country: $country) {
        recurring { net { amount } tax { amount } gross { amount formatted } } } } }";
    let shown = async |shop: &Shop, country: Json| {
        let data = data(shop, query, json!({"country": country})).await;
        let price = data["product"]["prices"][0]["recurring"].clone();
        ["net", "tax", "gross"].map(|part| price[part]["amount"].as_str().unwrap().to_owned())
    };
    let shop = empty_shop("fr").await;
    make(&shop, 101, 1).await;
    price(&shop, 101, "EUR", &[("monthly", "9.99")]).await;
    assert_eq!(shown(&shop, Json::Null).await, ["9.99", "2.00", "11.99"]);
    assert_eq!(shown(&shop, json!("DE")).await, ["9.99", "1.90", "11.89"]);
    assert_eq!(shown(&shop, json!("lu")).await, ["9.99", "1.70", "11.69"]);
    shop.close().await;
    for (settings, country, expected) in [
        (vec![("store_mode_tax", "tax_included")], json!("HU"), ["7.87", "2.12", "9.99"]),
        (
            vec![("store_mode_tax", "tax_included"), ("store_vat_enabled", "false")],
            json!("HU"),
            ["9.99", "0.00", "9.99"],
        ),
    ] {
        let shop = empty_shop("fr").await;
        make(&shop, 101, 1).await;
        price(&shop, 101, "EUR", &[("monthly", "9.99")]).await;
        for (name, value) in settings {
            shop.sql(&format!("DELETE FROM settings WHERE name = '{name}'")).await;
            shop.sql(&format!("INSERT INTO settings (name, value) VALUES ('{name}', '{value}')")).await;
        }
        assert_eq!(shown(&shop, country).await, expected);
        shop.close().await;
    }
}

/// Keys of the products that a query finds.
async fn keys(shop: &Shop, arguments: &str) -> Vec<i64> {
    let data =
        data(shop, &format!("{{ products({arguments}) {{ nodes {{ databaseId }} }} }}"), json!({})).await;
    let nodes = data["products"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["databaseId"].as_i64().unwrap()).collect()
}

/// By the cheapest recurring price of a month; what has none comes last in both directions.
#[tokio::test]
async fn products_are_ordered_and_found_by_their_cheapest_price() {
    let shop = empty_shop("fr").await;
    for id in 101..=108 {
        make(&shop, id, 1).await;
    }
    price(&shop, 101, "EUR", &[("monthly", "10"), ("annually", "84")]).await; // 7 a month
    price(&shop, 102, "EUR", &[("weekly", "1.5")]).await; // 6.5
    price(&shop, 103, "EUR", &[("monthly", "2.49"), ("quarterly", "-1")]).await;
    price(&shop, 104, "EUR", &[("onetime", "1")]).await;
    price(&shop, 105, "USD", &[("monthly", "1")]).await;
    price(&shop, 106, "EUR", &[("annually", "29.9")]).await; // 2.49, rounded
    price(&shop, 106, "EUR", &[("monthly", "0.1")]).await; // a second row, which does not count
    price(&shop, 107, "eur", &[("monthly", "0"), ("setup_monthly", "50")]).await;
    shop.sql("INSERT INTO pricings (related_id, related_type, currency, monthly) VALUES (108, 'service', 'EUR', 3)").await;
    let ascending = [107, 103, 106, 102, 101, 104, 105, 108];
    assert_eq!(keys(&shop, "sort: [{field: PRICE}]").await, ascending);
    let descending = [101, 102, 103, 106, 107, 104, 105, 108];
    assert_eq!(keys(&shop, "sort: [{field: PRICE, direction: DESC}]").await, descending);
    assert_eq!(
        keys(&shop, "sort: [{field: PRICE, direction: DESC, currency: \"usd\"}], first: 1").await,
        [105]
    );
    for (filter, found) in [
        ("lte: 2.49", vec![103, 106, 107]),
        ("eq: \"2.49\"", vec![103, 106]),
        ("gt: 2.49, lt: 7", vec![102]),
        ("between: {from: 6.5, to: 7}", vec![101, 102]),
        ("in: [0, 7]", vec![101, 107]),
        ("isNull: true", vec![104, 105, 108]),
        ("isNull: false", vec![101, 102, 103, 106, 107]),
        ("isNull: true, gt: 1", vec![]),
        ("currency: \"USD\", gte: 1", vec![105]),
        ("currency: \"USD\", isNull: true", vec![101, 102, 103, 104, 106, 107, 108]),
        ("currency: \"JPY\", gte: 0", vec![]),
        ("currency: \"JPY\"", (101..=108).collect()),
    ] {
        assert_eq!(
            keys(&shop, &format!("sort: [{{field: ID}}], filter: {{price: {{{filter}}}}}")).await,
            found,
            "{filter}"
        );
    }
    let many = (0..10).map(|price| format!("{{price: {{gte: {price}}}}}")).collect::<Vec<_>>();
    let all = |many: &[String]| format!("sort: [{{field: ID}}], filter: {{and: [{}]}}", many.join(", "));
    assert_eq!(keys(&shop, &all(&many[..7])).await, [101, 102], "6.5 and 7");
    assert_eq!(keys(&shop, &all(&many)).await, [0; 0]);
    let one_more = [many, vec!["{price: {isNull: false}}".to_owned()]].concat();
    let refused = format!("{{ products({}) {{ nodes {{ id }} }} }}", all(&one_more));
    assert_eq!(
        code(&shop, &refused, json!({})).await,
        "BAD_USER_INPUT",
        "more tables than a statement makes"
    );
    let not = "sort: [{field: ID}], filter: {not: {price: {gt: 1}}}";
    assert_eq!(keys(&shop, not).await, [104, 105, 107, 108]);
    shop.sql("UPDATE settings SET value = 'USD' WHERE name = 'store_currency'").await;
    shop.sql("DELETE FROM settings WHERE name = 'store_currency'").await;
    shop.sql("INSERT INTO settings (name, value) VALUES ('store_currency', 'USD')").await;
    assert_eq!(keys(&shop, "filter: {price: {gte: 0}}").await, [105], "the shop's currency");
    shop.close().await;
}

#[tokio::test]
async fn cursors_hold_in_the_order_of_prices() {
    let shop = empty_shop("fr").await;
    for id in 101..=112 {
        make(&shop, id, 1).await;
        // Prices of single precision, some alike, some null.
        if id % 4 != 0 {
            price(
                &shop,
                id,
                "EUR",
                &[("monthly", &format!("{}.{:02}", id % 3 + 2, id % 5 * 7)), ("annually", "31.7")],
            )
            .await;
        }
    }
    for direction in ["ASC", "DESC"] {
        let sort = format!("sort: [{{field: PRICE, direction: {direction}}}]");
        let whole = keys(&shop, &sort).await;
        assert_eq!(whole.len(), 12);
        for (size, way, from) in [("first", "after", "endCursor"), ("last", "before", "startCursor")] {
            let (mut found, mut cursor) = (Vec::new(), Json::Null);
            for _ in 0..3 {
                let query = format!(
                    "query($at: String) {{ products({sort}, {size}: 5, {way}: $at) {{ nodes {{ databaseId }}
                     pageInfo {{ startCursor endCursor }} totalCount }} }}"
                );
                let page = data(&shop, &query, json!({"at": cursor})).await["products"].clone();
                assert_eq!(page["totalCount"], 12);
                let nodes =
                    page["nodes"].as_array().unwrap().iter().map(|node| node["databaseId"].as_i64().unwrap());
                let nodes: Vec<i64> = nodes.collect();
                found = if size == "first" { [found, nodes].concat() } else { [nodes, found].concat() };
                cursor = page["pageInfo"][from].clone();
            }
            assert_eq!(found, whole, "{direction} {size}");
        }
        let deep = "page: 3, perPage: 5";
        assert_eq!(keys(&shop, &format!("{sort}, {deep}")).await, whole[10..]);
    }
    // A cursor of one currency is none of another.
    let query = |sort: &str, after: &str| {
        format!("{{ products(sort: [{sort}], first: 1{after}) {{ pageInfo {{ endCursor }} }} }}")
    };
    let shown = data(&shop, &query("{field: PRICE}", ""), json!({})).await;
    let cursor = shown["products"]["pageInfo"]["endCursor"].as_str().unwrap();
    let other = query("{field: PRICE, currency: USD}", &format!(", after: \"{cursor}\""));
    assert_eq!(code(&shop, &other, json!({})).await, "BAD_USER_INPUT");
    shop.close().await;
}

/// Prices are seen by those who may see rows of prices, in whatever way.
#[tokio::test]
async fn prices_need_the_ability_of_rows_of_prices() {
    let shop = Shop::golden("fr").await;
    for field in [
        "products(filter: {price: {gt: 1}}) { totalCount }",
        "products(sort: [{field: PRICE}]) { totalCount }",
        "services(filter: {product: {price: {gt: 1}}}) { totalCount }",
        "product(id: 1) { prices { period } }",
        "services { nodes { price { net { amount } } } }",
    ] {
        shop.sql("UPDATE personal_access_tokens SET abilities = '[\"products:index\",\"services:index\"]' WHERE name = 'health'")
            .await;
        let answer = shop.graphql(&format!("{{ {field} }}"), json!({}), "health").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{field}: {answer}");
        data(&shop, &format!("{{ {field} }}"), json!({})).await;
    }
    shop.close().await;
}

/// The cheapest month counts over all groups below, whatever was put where by older software.
#[tokio::test]
async fn groups_start_at_the_lowest_price_below_them() {
    let shop = empty_shop("fr").await;
    let groups = quoted(*BACKEND, "groups");
    shop.sql(&format!(
        "UPDATE {groups} SET parent_id = NULL, deleted_at = NULL, status = 'active' WHERE id <= 6"
    ))
    .await;
    for (group, parent) in [(2, 1), (3, 2), (4, 3), (5, 6), (6, 5)] {
        shop.sql(&format!("UPDATE {groups} SET parent_id = {parent} WHERE id = {group}")).await;
    }
    for (id, group) in [(101, 1), (102, 2), (103, 4), (104, 5), (105, 4), (106, 4)] {
        make(&shop, id, group).await;
    }
    price(&shop, 101, "EUR", &[("monthly", "9"), ("annually", "96")]).await;
    price(&shop, 102, "EUR", &[("onetime", "1"), ("monthly", "20")]).await;
    price(&shop, 103, "EUR", &[("monthly", "6"), ("annually", "60"), ("setup_annually", "4")]).await;
    price(&shop, 103, "USD", &[("monthly", "3")]).await;
    price(&shop, 104, "EUR", &[("onetime", "30")]).await;
    price(&shop, 105, "EUR", &[("monthly", "0.5")]).await;
    price(&shop, 106, "EUR", &[("monthly", "0.1")]).await;
    shop.sql("UPDATE products SET status = 'hidden' WHERE id = 105").await;
    let model =
        if shop.is_mysql() { "App\\\\Models\\\\Store\\\\Product" } else { "App\\Models\\Store\\Product" };
    let key = shop.quoted("key");
    shop.sql(&format!(
        "INSERT INTO metadata (model_type, model_id, {key}, value) VALUES ('{model}', 106, 'is_personalized_product', '1')"
    ))
    .await;
    let query = "query($currency: Currency) { groups(sort: [{field: ID}], filter: {databaseId: {lte: 6}}) { nodes {
        startPrice(currency: $currency, country: \"FR\") { period currency recurring { net { amount } gross { amount } }
            setup { net { amount } } perMonth { net { amount } } } } } }";
    let starts = async |variables: Json| -> Vec<String> {
        let data = data(&shop, query, variables).await;
        let nodes = data["groups"]["nodes"].as_array().unwrap();
        let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
        let start = |node: &Json| {
            let price = &node["startPrice"];
            if price.is_null() {
                return "-".to_owned();
            }
            [
                &price["currency"],
                &price["period"],
                &price["recurring"]["gross"]["amount"],
                &price["setup"]["net"]["amount"],
                &price["perMonth"]["net"]["amount"],
            ]
            .map(text)
            .join(" ")
        };
        nodes.iter().map(start).collect()
    };
    let four = "EUR ANNUALLY 72.00 4.00 5.00";
    let once = "EUR ONETIME 36.00 0.00 -";
    let before = shop.statements();
    assert_eq!(starts(json!({})).await, [four, four, four, four, once, once]);
    // The list and its prices, twice; key and settings once each.
    assert!(shop.statements() - before <= 7, "{}", shop.statements() - before);
    let dollar = "USD MONTHLY 3.60 0.00 3.00";
    assert_eq!(starts(json!({"currency": "usd"})).await, [dollar, dollar, dollar, dollar, "-", "-"]);
    assert_eq!(starts(json!({"currency": "JPY"})).await, ["-"; 6]);
    shop.sql(&format!("UPDATE {groups} SET deleted_at = '2026-11-23 13:00:00' WHERE id = 3")).await;
    let nine = "EUR ANNUALLY 115.20 0.00 8.00";
    assert_eq!(starts(json!({})).await[..2], [nine, "EUR MONTHLY 24.00 0.00 20.00"]);
    shop.close().await;
}

/// The rows of prices of a product.
async fn rows(shop: &Shop, product: i64) -> Vec<String> {
    let query =
        "query($id: ID!) { product(id: $id) { pricingRows { currency monthly setupMonthly annually } } }";
    let data = data(shop, query, json!({"id": product})).await;
    let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Json| {
        ["currency", "monthly", "setupMonthly", "annually"].map(|name| text(&row[name])).join(" ")
    };
    data["product"]["pricingRows"].as_array().unwrap().iter().map(row).collect()
}

#[tokio::test]
async fn prices_are_written_in_the_currency_that_is_named() {
    let shop = empty_shop("en").await;
    make(&shop, 101, 1).await;
    price(&shop, 101, "USD", &[("monthly", "5")]).await;
    let update =
        "mutation($pricing: [ProductPricing!]) { productUpdate(id: 101, input: {pricing: $pricing}) {
        product { databaseId } userErrors { field code message params { values } } } }";
    let change = async |pricing: Json| shop.graphql(update, json!({"pricing": pricing}), "all").await;
    let done =
        |answer: &Json| assert_eq!(answer["data"]["productUpdate"]["product"]["databaseId"], 101, "{answer}");
    done(&change(json!({"monthly": {"price": "4.5"}})).await);
    assert_eq!(rows(&shop, 101).await, ["USD 5 - -", "EUR 4.5 - -"], "the shop's own");
    done(&change(json!([{"currency": "usd", "monthly": {"price": 6, "setup": 1}}, {"currency": "GBP", "annually": {"price": "70"}}])).await);
    assert_eq!(rows(&shop, 101).await, ["USD 6 1 -", "EUR 4.5 - -", "GBP - - 70"]);
    done(&change(json!([{"currency": "CHF"}, {"currency": "EUR", "monthly": {"price": null}}])).await);
    assert_eq!(rows(&shop, 101).await, ["USD 6 1 -", "EUR - - -", "GBP - - 70"]);
    let known = json!(["USD", "EUR", "GBP", "CAD", "CHF"]);
    for (wrong, field, values) in [
        (json!({"currency": "XYZ", "monthly": {"price": 1}}), vec!["currency"], known.clone()),
        (json!([{"monthly": {"price": 1}}, {"currency": "euro"}]), vec!["1", "currency"], known),
        (
            json!([{"monthly": {"price": 1}}, {"monthly": {"price": -1}}]),
            vec!["1", "monthly", "price"],
            Json::Null,
        ),
    ] {
        let answer = change(wrong.clone()).await;
        let error = &answer["data"]["productUpdate"]["userErrors"][0];
        assert_eq!(error["field"], json!([vec!["input", "pricing"], field].concat()), "{wrong}: {answer}");
        assert_eq!(error["params"]["values"], values, "{answer}");
    }
    assert_eq!(rows(&shop, 101).await[0], "USD 6 1 -");
    let create = "mutation($input: ProductCreateInput!) { productCreate(input: $input) { product { databaseId prices(period: MONTHLY) {
        recurring { net { amount currency } } } } } }";
    let input = json!({"name": "Two", "description": "d", "status": "ACTIVE", "groupId": 1, "stock": 1, "type": "none",
        "pricing": [{"currency": "EUR", "monthly": {"price": "9.90"}}, {"currency": "USD", "monthly": {"price": 11}}]});
    let made = shop.graphql(create, json!({"input": input}), "all").await;
    let net = |amount: &str, currency: &str| json!({"recurring": {"net": {"amount": amount, "currency": currency}}});
    assert_eq!(
        made["data"]["productCreate"]["product"]["prices"],
        json!([net("9.90", "EUR"), net("11.00", "USD")]),
        "{made}"
    );
    // REST names no currency: it writes to the first row.
    let body = json!({"pricing": {"monthly": {"price": 7, "setup": 2}}});
    assert_eq!(shop.put("/api/application/products/101", &body).await.0, 200);
    assert_eq!(rows(&shop, 101).await[0], "USD 7 2 -");
    let body = json!({"pricing": {"currency": "EUR", "monthly": {"price": 7, "setup": 2}}});
    assert_eq!(shop.put("/api/application/products/101", &body).await.0, 422);
    shop.close().await;
}
