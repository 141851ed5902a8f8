//! The original writes to the same database: what it changes is seen within a second. And what is
//! only read stays as it is.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::Value as Json;

use crate::golden::exchanges;
use crate::harness::rows::{Row, changes};
use crate::harness::shop::Shop;
use crate::harness::store::DATA;
use crate::harness::wire::Request;

/// A changed row, key or setting may be missed for so long.
const LAG: Duration = Duration::from_millis(1100);
const KEYS: &str = "personal_access_tokens";
const PRODUCT: &str = "/api/application/products/1";

#[tokio::test]
async fn a_row_changed_beside_us_is_seen() {
    let shop = Shop::golden("en").await;
    let list = "/api/application/products?per_page=1";
    let total = shop.get(list, "all").await.2["total"].as_i64().unwrap();
    assert_eq!(shop.get(PRODUCT, "all").await.2["data"][0]["name"], "VPS S");
    shop.sql("UPDATE products SET name = 'Renamed' WHERE id = 1").await;
    shop.sql("UPDATE products SET deleted_at = '2026-11-23 12:00:00' WHERE id = 2").await;
    assert_eq!(shop.get(PRODUCT, "all").await.2["data"][0]["name"], "Renamed");
    tokio::time::sleep(LAG).await;
    assert_eq!(shop.get(list, "all").await.2["total"].as_i64().unwrap(), total - 1);
    shop.close().await;
}

#[tokio::test]
async fn a_setting_changed_beside_us_is_seen() {
    let shop = Shop::golden("en").await;
    assert_eq!(shop.get(PRODUCT, "all").await.0, 200);
    for (name, value) in [("maintenance_enabled", "1"), ("maintenance_message", "Back soon")] {
        shop.sql(&format!("DELETE FROM settings WHERE name = '{name}'")).await;
        shop.sql(&format!("INSERT INTO settings (name, value) VALUES ('{name}', '{value}')")).await;
    }
    tokio::time::sleep(LAG).await;
    let (status, _, body) = shop.get(PRODUCT, "all").await;
    assert_eq!((status, &body["message"]), (503, &Json::from("Back soon")));
    shop.close().await;
}

#[tokio::test]
async fn a_key_revoked_or_narrowed_beside_us_stops() {
    let shop = Shop::golden("en").await;
    assert_eq!(shop.get(PRODUCT, "all").await.0, 200);
    assert_eq!(shop.get(PRODUCT, "products-read").await.0, 200);
    shop.sql("DELETE FROM personal_access_tokens WHERE name = 'products-read'").await;
    shop.sql("UPDATE personal_access_tokens SET abilities = '[\"health\"]' WHERE name = 'all'").await;
    tokio::time::sleep(LAG).await;
    assert_eq!(shop.get(PRODUCT, "products-read").await.0, 401);
    assert_eq!(shop.get(PRODUCT, "all").await.0, 403);
    shop.close().await;
}

/// All recorded reads: no table has changed after them but for when keys were used.
#[tokio::test]
async fn reading_changes_nothing() {
    let shop = Shop::with("fr", |config| config.rate_limit = None).await;
    let before = shop.rows().await;
    let reads = exchanges().filter(|step| step.lang == "fr" && !step.request.writes());
    let reads: Vec<Request> = reads.map(|step| step.request.with(&HashMap::new())).collect();
    let asked = stream::iter(&reads).map(|read| shop.send(read)).buffer_unordered(4).count().await;
    assert!(asked > 200, "{asked} reads");
    shop.write_used_keys().await;
    let after = shop.rows().await;
    let found: Vec<String> = changes(&before, &after).iter().map(ToString::to_string).collect();
    assert_eq!(found, Vec::<String>::new());
    let used = only_used(&before[KEYS], &after[KEYS]);
    assert!(used > 0);
    println!("{asked} recorded reads: no table has changed but for {used} used keys");
    shop.close().await;
}

/// The number of keys that were used; nothing else about them may have changed.
fn only_used(before: &BTreeMap<String, Row>, after: &BTreeMap<String, Row>) -> usize {
    let columns = &DATA[KEYS].columns;
    let mut used = 0;
    for (key, row) in after {
        let cells = columns.iter().zip(row.iter().zip(&before[key]));
        let changed: Vec<&str> =
            cells.filter(|(_, (now, then))| now != then).map(|(column, _)| column.as_str()).collect();
        assert!(changed.iter().all(|column| ["last_used_at", "updated_at"].contains(column)), "{changed:?}");
        used += usize::from(!changed.is_empty());
    }
    assert_eq!(before.len(), after.len());
    used
}
