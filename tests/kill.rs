//! `kill -9` during writes: every write is complete or absent, and every write that was answered is present.
//!
//! `GUICHET_KILLS` says how often the server is killed (3 times without it, 200 times in CI);
//! `GUICHET_TEST_DATABASE=mysql` kills it over MariaDB (`GUICHET_TEST_MYSQL_URL`) in place of SQLite.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use processes::{Shop, open};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Value as Json, json};

mod processes;
#[allow(dead_code, reason = "the API tests use more of it")]
#[path = "api/harness/wire.rs"]
mod wire;

/// Number of requests that run at the same time.
const WRITERS: u32 = 6;

/// One number that a statement answers.
async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

/// The answers that all writers got.
#[derive(Default)]
struct Answered {
    made: AtomicU32,
    deleted: AtomicU32,
    cut_off: AtomicU32,
}

/// Makes products with prices, and deletes every other one, until the server is gone.
async fn write(to: SocketAddr, key: String, group: i64, name: String, answered: Arc<Answered>) {
    for count in 0.. {
        let product = json!({
            "name": format!("{name}-{count}"), "description": "x", "status": "active", "type": "none",
            "stock": 1, "group_id": group, "pricing": {"monthly": {"price": 5, "setup": 1}},
        });
        let Some(made) = send(to, &key, "POST", "/api/application/products", &product).await else { break };
        answered.made.fetch_add(1, Ordering::Relaxed);
        if count % 2 == 1 {
            let path = format!("/api/application/products/{}", made["id"]);
            let Some(_) = send(to, &key, "DELETE", &path, &Json::Null).await else { break };
            answered.deleted.fetch_add(1, Ordering::Relaxed);
        }
    }
    answered.cut_off.fetch_add(1, Ordering::Relaxed);
}

/// The body of an answer; `None` when the server died before it.
async fn send(to: SocketAddr, key: &str, method: &str, path: &str, body: &Json) -> Option<Json> {
    let headers =
        [("Authorization", format!("Bearer {key}")), ("Content-Type", "application/json".to_owned())];
    let request = wire::Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    };
    let answer = wire::send(to, &request).await.ok()?;
    assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
    Some(answer.json())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_is_whole_or_absent() {
    let kills: u32 = std::env::var("GUICHET_KILLS").map_or(3, |text| text.parse().unwrap());
    let shop = Shop::new("kill").await;
    let key = shop.key();
    let db = open(&shop.url).await;
    let group = number(&db, "SELECT CAST(MIN(id) AS SIGNED) FROM `groups`").await;
    let answered = Arc::new(Answered::default());
    let mut next = shop.serve(|_| ());
    for kill in 0..kills {
        let (mut server, address) = next.await.unwrap();
        // Starting takes longer than stopping.
        next = shop.serve(|_| ());
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let name = format!("kill-{kill}-{writer}");
                tokio::spawn(write(address, key.clone(), group, name, Arc::clone(&answered)))
            })
            .collect();
        // A different moment each time.
        tokio::time::sleep(Duration::from_millis(60 + u64::from(kill * 37 % 150))).await;
        server.kill().unwrap();
        server.wait().unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(halves(&db).await, 0, "after {} kills", kill + 1);
    }
    let (mut server, _) = next.await.unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let there = number(&db, "SELECT COUNT(*) FROM products WHERE name LIKE 'kill-%'").await;
    let gone =
        number(&db, "SELECT COUNT(*) FROM products WHERE name LIKE 'kill-%' AND deleted_at IS NOT NULL")
            .await;
    let load = |count: &AtomicU32| i64::from(count.load(Ordering::Relaxed));
    let (made, deleted, cut_off) = (load(&answered.made), load(&answered.deleted), load(&answered.cut_off));
    assert!(made <= there && there <= made + cut_off, "{there} products of {made} answered");
    assert!(deleted <= gone && gone <= deleted + cut_off, "{gone} deleted of {deleted} answered");
    assert!(made > 0 && cut_off >= i64::from(kills), "{made} products, {cut_off} requests cut off");
    println!(
        "{kills} kills on {:?}: {made} products made and {deleted} deleted, all of them there; {cut_off} writes cut \
         off, {} of them whole and the others absent; no half",
        db.get_database_backend(),
        there + gone - made - deleted
    );
    db.close().await.unwrap();
    shop.remove().await;
}

/// Products without their one price, or whose price was not deleted with them.
async fn halves(db: &DatabaseConnection) -> i64 {
    number(
        db,
        // Prices have no index on their target, so they are read in one pass: otherwise each check is slower than the
        // last.
        "SELECT COUNT(*) FROM products p LEFT JOIN (SELECT related_id, COUNT(*) AS number, COUNT(deleted_at) AS gone \
         FROM pricings WHERE related_type = 'product' GROUP BY related_id) c ON c.related_id = p.id \
         WHERE p.name LIKE 'kill-%' AND (COALESCE(c.number, 0) <> 1 OR (c.gone = 0) <> (p.deleted_at IS NULL))",
    )
    .await
}
