//! How many SQL statements an answer costs: as many for a hundred rows as for one.

use serde_json::json;

use crate::harness::shop::Shop;

/// Enough products and services that a page of a hundred is full, the products with prices and free values.
async fn grown() -> Shop {
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.count_ttl = std::time::Duration::ZERO;
    })
    .await;
    let model =
        if shop.is_mysql() { "App\\\\Models\\\\Store\\\\Product" } else { "App\\Models\\Store\\Product" };
    for id in 1001..1121 {
        shop.sql(&format!(
            "INSERT INTO products (id, name, group_id, status, description, stock, type) \
             VALUES ({id}, 'P{id}', {}, 'active', 'x', 1, 'none')",
            id % 5 + 1
        ))
        .await;
        shop.sql(&format!("INSERT INTO pricings (related_id, related_type, currency, monthly) VALUES ({id}, 'product', 'EUR', 1)")).await;
        shop.sql(&format!(
            "INSERT INTO metadata (model_id, model_type, {}, value) VALUES ({id}, '{model}', 'a', 'b')",
            shop.quoted("key")
        ))
        .await;
        shop.sql(&format!(
            "INSERT INTO services (id, customer_id, uuid, name, type, product_id, status) \
             VALUES ({id}, {}, '00000000-0000-0000-0000-00000000{id}', 'S{id}', 'none', {id}, 'active')",
            id % 3 + 1
        ))
        .await;
    }
    shop
}

#[tokio::test]
async fn rest_lists_cost_the_same_however_many_rows() {
    let shop = grown().await;
    for path in [
        "/api/application/products?include=pricing",
        "/api/application/products?include=pricing,pricingCount,pricingExists,groupCount,groupExists",
        "/api/application/services?include=customer,metadata,pricing,configoptions,customerCount,metadataExists",
        "/api/application/products?pricing=1&sort=-id",
    ] {
        let mut costs = Vec::new();
        for rows in [1, 25, 100] {
            let before = shop.statements();
            let (status, _, body) = shop.get(&format!("{path}&per_page={rows}"), "all").await;
            assert_eq!((status, body["data"].as_array().unwrap().len()), (200, rows), "{path}");
            costs.push(shop.statements() - before);
        }
        println!("{path}: {costs:?} statements for 1, 25, 100 rows");
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{path}: {costs:?}");
    }
    shop.close().await;
}

#[tokio::test]
async fn nested_graphql_lists_cost_one_statement_a_level() {
    let shop = grown().await;
    let query = "query($n: Int) { products(perPage: $n) { nodes { name metadata { key } pricingRows { monthly } \
                 group { name products(first: 5) { nodes { name pricingRows { monthly } } } } \
                 services(first: 2) { nodes { name customer { email } } pageInfo { hasNextPage } } } } }";
    let mut costs = Vec::new();
    for rows in [1, 25, 100] {
        let before = shop.statements();
        let answer = shop.graphql(query, json!({"n": rows}), "all").await;
        assert_eq!(answer["data"]["products"]["nodes"].as_array().unwrap().len(), rows, "{answer}");
        costs.push(shop.statements() - before);
    }
    // products, metadata, pricing, group, its products, their pricing, services, their customers
    assert_eq!(costs, [8, 8, 8]);
    shop.close().await;
}
