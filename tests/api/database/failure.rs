//! A database that is unavailable, slow, locked or read-only: answers come in time, and the server recovers.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use guichet::Error;
use guichet::database::connect_for_serving;
use guichet::platform::config::Config;
use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::{Value as Json, json};

use crate::harness::program::Program;
use crate::harness::proxy::Proxy;
use crate::harness::shop::Shop;
use crate::harness::store::{BACKEND, Store, program, uncounted};
use crate::harness::wire::{self, Answer, Request};

/// Maximum duration of an answer.
const PATIENCE: Duration = Duration::from_secs(3);
const PRODUCT: &str = "/api/application/products/1";
const QUERY: &str = "{ products(perPage: 1) { nodes { name } } }";

async fn read(shop: &Shop, path: &str, accept: &str) -> Answer {
    let headers = [("Accept", accept.to_owned()), ("Authorization", format!("Bearer {}", Shop::key("all")))];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
    let asked = Instant::now();
    let request = Request { method: "GET".to_owned(), path: path.to_owned(), headers, body: Vec::new() };
    let answer = shop.send(&request).await;
    assert!(asked.elapsed() < PATIENCE, "{path}: {:?}", asked.elapsed());
    answer
}

async fn status(shop: &Shop, path: &str) -> u16 {
    read(shop, path, "application/json").await.status
}

/// REST, GraphQL and `/readyz` all answer 503 with `Retry-After`.
async fn assert_unavailable(shop: &Shop) {
    let json = read(shop, PRODUCT, "application/json").await;
    assert_eq!((json.status, json.header("retry-after")), (503, Some("5")), "{}", json.text());
    assert_eq!(json.json(), json!({"message": "Service Unavailable"}));
    let xml = read(shop, PRODUCT, "application/xml").await;
    assert_eq!((xml.status, xml.header("retry-after")), (503, Some("5")), "{}", xml.text());
    assert!(xml.text().contains("<message>Service Unavailable</message>"), "{}", xml.text());
    let asked = Instant::now();
    let (status, headers, body) = shop.post("/graphql", "all", &json!({"query": QUERY})).await;
    assert!(asked.elapsed() < PATIENCE);
    assert_eq!((status, code(&body)), (503, Some("UNAVAILABLE")), "{body}");
    assert!(headers.contains(&("retry-after".to_owned(), "5".to_owned())), "{headers:?}");
}

fn code(answer: &Json) -> Option<&str> {
    answer["errors"][0]["extensions"]["code"].as_str()
}

#[tokio::test]
async fn a_database_that_goes_away_is_told_and_its_return_is_noticed() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let proxy = Proxy::open().await;
    let shop = Shop::with("en", |config| proxy.lead(config)).await;
    assert_eq!((status(&shop, PRODUCT).await, status(&shop, "/readyz").await), (200, 200));
    proxy.cut().await;
    assert_unavailable(&shop).await;
    assert_eq!((status(&shop, "/healthz").await, status(&shop, "/readyz").await), (200, 503));
    proxy.restore().await;
    assert_eq!((status(&shop, PRODUCT).await, status(&shop, "/readyz").await), (200, 200));
    shop.close().await;
}

#[tokio::test]
async fn a_database_that_says_nothing_is_told_too() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let proxy = Proxy::open().await;
    let shop = Shop::with("en", |config| proxy.lead(config)).await;
    assert_eq!(status(&shop, PRODUCT).await, 200);
    proxy.stall(true);
    assert_unavailable(&shop).await;
    assert_eq!(status(&shop, "/readyz").await, 503);
    // A connection is waited for for two seconds; a page that needs no key must not wait so long for the shop's name.
    let page = tokio::time::timeout(Duration::from_millis(1500), read(&shop, "/graphql", "text/html")).await;
    assert_eq!(page.expect("the page is not held up").status, 200);
    proxy.stall(false);
    assert_eq!(status(&shop, PRODUCT).await, 200);
    shop.close().await;
}

#[tokio::test]
async fn connections_that_died_unnoticed_fail_no_request() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let proxy = Proxy::open().await;
    let shop = Shop::with("en", |config| proxy.lead(config)).await;
    for _ in 0..3 {
        // Several connections are in use, and then idle.
        let (a, b, c) = tokio::join!(
            status(&shop, PRODUCT),
            status(&shop, "/api/application/customers"),
            status(&shop, "/api/application/services")
        );
        assert_eq!([a, b, c], [200; 3]);
        proxy.cut().await;
        proxy.restore().await;
        assert_eq!(status(&shop, PRODUCT).await, 200);
        proxy.cut().await;
        proxy.restore().await;
        let group = json!({"name": "Renamed"});
        let (status, _, body) = shop.ask("PUT", "/api/application/groups/1", "all", Some(&group)).await;
        assert_eq!(status, 200, "{body}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_server_starts_before_its_database() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let (proxy, store) = (Proxy::open().await, Store::fresh().await.unwrap());
    let mut config = Config { database: store.address(), ..Config::default() };
    proxy.lead(&mut config);
    proxy.cut().await;
    let mut program = program(&config.database);
    program.args(["serve", "--listen=127.0.0.1:0"]);
    let mut server = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address: SocketAddr = line.trim_end().rsplit_once("http://").unwrap().1.parse().unwrap();
    let status = async |path: &str| {
        let request = Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() };
        wire::send(address, &request).await.unwrap().status
    };
    assert_eq!((status("/healthz").await, status("/readyz").await), (200, 503));
    proxy.restore().await;
    assert_eq!(status("/readyz").await, 200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(Command::new("kill").arg(server.id().to_string()).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || server.wait_with_output()).await.unwrap().unwrap();
    let log = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{log}");
    assert!(log.contains("the database is away") && log.contains("refused"), "{log}");
    assert!(log.contains("the database is there"), "{log}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_only_reads_refuses_every_write() {
    let shop = Shop::with("en", |config| config.read_only = true).await;
    let before = shop.rows().await;
    assert_eq!((status(&shop, PRODUCT).await, status(&shop, "/readyz").await), (200, 200));
    let group = json!({"name": "Renamed"});
    let (refused, headers, body) = shop.ask("PUT", "/api/application/groups/1", "all", Some(&group)).await;
    assert_eq!((refused, body), (503, json!({"message": "This server is read-only."})));
    assert!(!headers.iter().any(|(name, _)| name == "retry-after"), "{headers:?}");
    let mutation = json!({"query": "mutation { groupDelete(id: \"1\") { deletedId } }"});
    let (refused, _, body) = shop.post("/graphql", "all", &mutation).await;
    assert_eq!((refused, code(&body)), (503, Some("READ_ONLY")), "{body}");
    let (forbidden, _, body) = shop.post("/graphql", "products-read", &mutation).await;
    assert_eq!((forbidden, code(&body)), (200, Some("FORBIDDEN")), "{body}");
    shop.write_used_keys().await;
    assert!(shop.rows().await == before);
    shop.close().await;
}

/// A statement that no resolver cancels is ended by the database.
#[tokio::test]
async fn a_connection_that_only_reads_cannot_write() {
    let store = Store::fresh().await.unwrap();
    let config = Config { database: store.address(), read_only: true, ..Config::default() };
    let db = connect_for_serving(&config).await.unwrap();
    for sql in ["UPDATE admins SET email = 'x'", "CREATE TABLE guichet_x (id integer)"] {
        let error = Error::from(db.execute_unprepared(sql).await.unwrap_err());
        assert!(matches!(error, Error::ReadOnlyForNow), "{sql}: {error:?}");
    }
    db.close().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_not_there_closes_only_its_own_resource() {
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let shop = Shop::golden("en").await;

    shop.sql("ALTER TABLE pricings RENAME TO gone").await;
    let (refused, _, body) = shop.get("/api/application/pricings", "all").await;
    assert_eq!((refused, body), (503, json!({"message": "This shop's database lacks what is needed here."})));
    assert_eq!(status(&shop, "/api/application/customers/1").await, 200);
    shop.close().await;
}

/// A table whose keys do not count up any more is the operator's to mend: the log says how.
#[tokio::test]
async fn a_table_that_has_lost_its_counter_is_told() {
    let Some([lost, mended]) = uncounted() else { return };
    let server = Program::start(&[]).await;
    server.sql(&[lost]).await;
    let department = json!({"name": "x", "description": "x", "icon": "bi"});
    let answer = server.ask("POST", "/api/application/departments", "all", Some(&department)).await;
    server.sql(&[mended]).await;
    let lacks = json!({"message": "This shop's database lacks what is needed here."});
    assert_eq!((answer.status, answer.json()), (503, lacks));
    let log = server.stop().await;
    assert!(log.contains("guichet doctor"), "{log}");
}

/// Locks the products against readers until [`unlock`].
async fn lock(shop: &Shop) {
    shop.sql(if shop.is_mysql() { "LOCK TABLES products WRITE" } else { "BEGIN; LOCK TABLE products" }).await;
}

async fn unlock(shop: &Shop) {
    shop.sql(if shop.is_mysql() { "UNLOCK TABLES" } else { "COMMIT" }).await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let shop = Shop::with("en", |config| config.timeout = Duration::from_millis(500)).await;
    lock(&shop).await;
    assert_unavailable(&shop).await;
    unlock(&shop).await;
    assert_eq!(status(&shop, PRODUCT).await, 200);
    shop.close().await;
}

#[tokio::test]
async fn whoever_gets_no_connection_waits_for_a_moment_only() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let shop = Shop::with("en", |config| config.pool = Some(1)).await;
    assert_eq!(status(&shop, "/api/application/customers").await, 200);
    lock(&shop).await;
    let slow = shop.get(PRODUCT, "all");
    let refused = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answer = read(&shop, "/api/application/customers/1", "application/json").await;
        unlock(&shop).await;
        answer.status
    };
    let ((slow, _, _), refused) = tokio::join!(slow, refused);
    assert_eq!((slow, refused), (200, 503), "the slow one had its connection and is answered");
    assert_eq!(status(&shop, "/api/application/customers/1").await, 200);
    shop.close().await;
}

#[tokio::test]
async fn a_file_that_another_writes_is_waited_for_only_for_a_moment() {
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let shop = Shop::golden("en").await;
    let group = json!({"name": "Renamed"});
    let write = || shop.ask("PUT", "/api/application/groups/1", "all", Some(&group));
    shop.sql("BEGIN IMMEDIATE").await;
    let asked = Instant::now();
    let (refused, headers, body) = write().await;
    assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
    assert_eq!((refused, body), (503, json!({"message": "Service Unavailable"})));
    assert!(headers.contains(&("retry-after".to_owned(), "5".to_owned())), "{headers:?}");
    assert_eq!(status(&shop, PRODUCT).await, 200, "reading goes on");
    shop.sql("ROLLBACK").await;
    assert_eq!(write().await.0, 200);
    shop.close().await;
}
