//! Requests whose client disconnects while the database answers.

use std::time::Duration;

use crate::harness::shop::Shop;

/// All rows of the list, in one page.
const LIST: &str = "/api/application/groups?per_page=1000";

#[tokio::test]
async fn connections_are_not_lost_with_the_requests_that_used_them() {
    let shop = Shop::with("en", |config| config.rate_limit = None).await;
    // Long enough to be sent in several pieces.
    let text = "x".repeat(1000);
    let rows: Vec<_> =
        (2000..2900).map(|id| format!("({id}, 'Name', 'slug-{id}', 'active', '{text}')")).collect();
    let columns = "id, name, slug, status, description";
    shop.sql(&format!("INSERT INTO {} ({columns}) VALUES {}", shop.quoted("groups"), rows.join(", "))).await;
    let (_, _, whole) = shop.get(LIST, "all").await;
    let began = std::time::Instant::now();
    let _ = shop.get(LIST, "all").await;
    // At each moment of a request.
    let whole_time = began.elapsed();
    for part in 0..30 {
        let _ = tokio::time::timeout(whole_time * part / 20, shop.get(LIST, "all")).await;
    }
    // More at the same time than there are connections.
    let after = futures_util::future::join_all((0..24).map(|_| shop.get(LIST, "all")));
    let after = tokio::time::timeout(Duration::from_secs(10), after).await.expect("connections are left");
    for (status, _, list) in after {
        assert_eq!((status, &list), (200, &whole));
    }
    tokio::time::timeout(Duration::from_secs(10), shop.close()).await.expect("all connections are closed");
}
