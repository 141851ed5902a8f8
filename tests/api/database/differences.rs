//! Where SQLite and PostgreSQL cannot compare texts as MariaDB does: a test for each entry of the list in
//! docs/integrations.md.

use sea_orm::DbBackend;
use serde_json::{Value as Json, json};

use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;

/// How many of the three products a condition on their name finds.
async fn found(shop: &Shop, condition: Json) -> usize {
    let query = "query ($filter: ProductFilter) { products(filter: $filter) { nodes { name } } }";
    let answer = shop.graphql(query, json!({"filter": {"name": condition}}), "all").await;
    answer["data"]["products"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).len()
}

/// The number for MariaDB, PostgreSQL and SQLite.
fn on(mysql: usize, postgres: usize, sqlite: usize) -> usize {
    match *BACKEND {
        DbBackend::MySql => mysql,
        DbBackend::Postgres => postgres,
        _ => sqlite,
    }
}

#[tokio::test]
async fn texts_are_found_as_readme_says() {
    let shop = Shop::golden("en").await;
    for (id, name) in [(1, "Été"), (2, "ete"), (3, "ETE")] {
        shop.sql(&format!("UPDATE products SET name = '{name}' WHERE id = {id}")).await;
    }
    assert_eq!(found(&shop, json!({"contains": ["ete"]})).await, on(3, 2, 2));
    assert_eq!(found(&shop, json!({"contains": ["Été"]})).await, on(3, 1, 1));
    assert_eq!(found(&shop, json!({"contains": ["été"]})).await, on(3, 1, 0));
    assert_eq!(found(&shop, json!({"eq": "ete"})).await, on(3, 1, 2));
    assert_eq!(found(&shop, json!({"eq": "Été"})).await, on(3, 1, 1));
    let filtered = shop.get("/api/application/products?filter%5Bname%5D=ETE", "all").await.2;
    assert_eq!(filtered["total"].as_u64(), Some(on(3, 2, 2) as u64), "{filtered}");
    shop.close().await;
}
