//! Several hosts of one database of which the first is away, in each of the ways in which it may be; and replicas that are.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use guichet::platform::config::Database;
use sea_orm::DbBackend;
use serde_json::json;

use crate::harness::shop::Shop;
use crate::harness::store::{BACKEND, server_url};
use crate::operation::metrics::Scrape;

/// Longer than a request may take once an outage was noticed.
const SOON: Duration = Duration::from_millis(1500);

/// What stands at the address of a database in its place.
#[derive(Clone, Copy, Debug)]
enum Instead {
    /// Nothing.
    Refusing,
    /// What accepts connections and says nothing.
    Silent,
    /// What accepts connections and closes them: a proxy whose servers are all away.
    Closing,
    /// What speaks another protocol.
    Other,
    /// A server that lets nobody into this database.
    NotLetIn,
    /// A database of something else.
    NoShop,
}

impl Instead {
    const ALL: [Self; 6] =
        [Self::Refusing, Self::Silent, Self::Closing, Self::Other, Self::NotLetIn, Self::NoShop];

    /// Its address, as a database. It stays there until the tests end.
    fn start(self) -> Database {
        let name = match (self, *BACKEND) {
            (Self::NotLetIn, _) => Some("guichet_that_is_not_there"),
            (Self::NoShop, DbBackend::MySql) => Some("mysql"),
            (Self::NoShop, _) => Some("postgres"),
            _ => None,
        };
        if let Some(name) = name {
            return Database::from_url(&format!("{}/{name}", server_url())).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        match self {
            Self::Refusing => drop(listener),
            Self::Silent => std::mem::forget(listener),
            Self::Closing => drop(std::thread::spawn(move || listener.incoming().for_each(drop))),
            Self::Other => drop(std::thread::spawn(move || {
                for mut client in listener.incoming().flatten() {
                    let _ = std::io::Write::write_all(&mut client, b"HTTP/1.1 400 Bad Request\r\n\r\n");
                }
            })),
            Self::NotLetIn | Self::NoShop => {}
        }
        let scheme = if *BACKEND == DbBackend::MySql { "mysql" } else { "postgres" };
        Database::from_url(&format!("{scheme}://root@127.0.0.1:{port}/shop")).unwrap()
    }
}

/// Writes and reads a product. Their statuses, and how long they took.
async fn write_and_read(shop: &Shop, stock: u32) -> ([u16; 2], Duration) {
    let began = Instant::now();
    let (written, _) = shop.put("/api/application/products/1", &json!({"stock": stock})).await;
    let (read, _, body) = shop.get("/api/application/products/1", "all").await;
    if (written, read) == (200, 200) {
        assert_eq!(body["data"][0]["stock"], stock, "{body}");
    }
    ([written, read], began.elapsed())
}

#[tokio::test]
async fn the_second_host_is_used_while_the_first_is_away() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    for instead in Instead::ALL {
        let shop = Shop::with("en", |config| {
            let there = std::mem::replace(&mut config.database, instead.start());
            config.further_servers = vec![there];
        })
        .await;
        for stock in 1..4 {
            let (statuses, took) = write_and_read(&shop, stock).await;
            assert_eq!(statuses, [200; 2], "{instead:?}");
            assert!(took < SOON, "{instead:?}: {took:?}");
        }
        assert_eq!(shop.get("/readyz", "").await.0, 200, "{instead:?}");
        shop.close().await;
    }
}

#[tokio::test]
async fn without_any_host_the_answer_is_503_and_says_when_to_try_again() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    // A shop without its tables is not expected to have them soon.
    for instead in Instead::ALL.into_iter().filter(|instead| !matches!(instead, Instead::NoShop)) {
        let shop = Shop::with("en", |config| config.database = instead.start()).await;
        let (status, headers, body) = shop.get("/api/application/products/1", "all").await;
        assert_eq!(status, 503, "{instead:?}: {body}");
        assert!(headers.iter().any(|(name, _)| name == "retry-after"), "{instead:?}: {headers:?}");
        shop.close().await;
    }
}

#[tokio::test]
async fn metrics_tell_which_host_is_away_and_which_is_used() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    for instead in [Instead::Refusing, Instead::Silent] {
        let [primary, replica] = [instead.start(), instead.start()];
        let names = [primary.name(), replica.name()];
        let shop = Shop::with("en", |config| {
            config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
            config.replicas = vec![replica];
            let there = std::mem::replace(&mut config.database, primary);
            config.further_servers = vec![there];
        })
        .await;
        // The first read notices that the replica is away.
        assert_eq!(shop.get("/api/application/products/1", "all").await.0, 200, "{instead:?}");
        let began = Instant::now();
        let scrape = Scrape::read(&shop.metrics().await).unwrap();
        assert!(began.elapsed() < 2 * SOON, "{instead:?}: {:?}", began.elapsed());
        let there = Database::from_url(&server_url()).unwrap().name();
        for (role, host, is_there) in
            [("primary", &names[0], 0.0), ("primary", &there, 1.0), ("replica", &names[1], 0.0)]
        {
            for metric in ["guichet_db_up", "guichet_db_in_use"] {
                let value = scrape.get(metric, &[("role", role), ("host", host)]);
                assert_eq!(value, Some(is_there), "{instead:?} {metric} {role} {host}");
            }
        }
        shop.close().await;
    }
}

/// The first reads may wait for the replica; then it is known to be away.
#[tokio::test]
async fn a_replica_that_takes_no_connections_is_left_alone() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    for instead in Instead::ALL {
        let shop = Shop::with("en", |config| config.replicas = vec![instead.start()]).await;
        for stock in 1..4 {
            let (status, _, body) = shop.get(&format!("/api/application/products/{stock}"), "all").await;
            assert_eq!(status, 200, "{instead:?}: {body}");
        }
        let began = Instant::now();
        for product in 1..4 {
            let (status, ..) =
                shop.get(&format!("/api/application/products/{product}?include=group"), "all").await;
            assert_eq!(status, 200, "{instead:?}");
        }
        assert!(began.elapsed() < SOON, "{instead:?}: {:?}", began.elapsed());
        shop.close().await;
    }
}
