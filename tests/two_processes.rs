//! Two processes on one database with one Redis share one limit. While Redis is unavailable, each of them applies the
//! limit by itself and no request fails; its return is noticed.
//!
//! Runs with `GUICHET_TEST_DATABASE=mysql`, on `GUICHET_TEST_MYSQL_URL` and `GUICHET_TEST_REDIS_URL` (default
//! `redis://127.0.0.1:6379`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use processes::Shop;
use proxy::Proxy;
use sea_orm::ConnectionTrait;
use serde_json::json;
use wire::Answer;

#[allow(dead_code, reason = "the kill test uses more of it")]
mod processes;
#[allow(dead_code, reason = "the API tests use more of it")]
#[path = "api/harness/proxy.rs"]
mod proxy;
#[allow(dead_code, reason = "the API tests use more of it")]
#[path = "api/harness/wire.rs"]
mod wire;

/// Requests a minute.
const LIMIT: u32 = 60;
/// Points a minute.
const POINTS: u32 = 500;
/// Tries to sign in a minute.
const TRIES: u32 = 10;
/// How long an account reads from the primary after a write.
const LAG: Duration = Duration::from_secs(3);
/// Maximum duration of a request, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(2);
/// Maximum time until the return of Redis is noticed.
const RETURN: Duration = Duration::from_secs(10);
/// A password that no log may contain.
const PASSWORD: &str = "hunter2";

/// Two servers of one shop, and the proxy between both and Redis.
struct Pair {
    shop: Shop,
    replica: Shop,
    key: String,
    proxy: Proxy,
    redis: redis::Client,
    prefix: String,
    user: String,
    servers: [(Child, SocketAddr); 2],
}

impl Pair {
    async fn start() -> Self {
        let url =
            std::env::var("GUICHET_TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
        let redis = redis::Client::open(url.as_str()).unwrap();
        let proxy = Proxy::open().await;
        proxy.lead_to(url.trim_start_matches("redis://").trim_end_matches('/'));
        let shop = Shop::new("pair").await;
        let replica = Shop::new("pair_replica").await;
        let db = processes::open(&replica.url).await;
        db.execute_unprepared("UPDATE products SET name = 'On the replica'").await.unwrap();
        db.close().await.unwrap();
        let (key, prefix) = (shop.key(), format!("guichet_test_{}:", std::process::id()));
        let name = format!("guichet_test_{}", std::process::id());
        // A user of its own, so that a password is sent.
        let mut admin = redis.get_multiplexed_async_connection().await.unwrap();
        let rules = ["on".to_owned(), format!(">{PASSWORD}"), format!("~{prefix}*"), "+@all".to_owned()];
        let _: () =
            redis::cmd("ACL").arg("SETUSER").arg(&name).arg(&rules).query_async(&mut admin).await.unwrap();
        let configure = |program: &mut Command| {
            program.env("GUICHET_RATE_LIMIT", LIMIT.to_string());
            program.env("GUICHET_COST_LIMIT", POINTS.to_string());
            program.env("GUICHET_TRUSTED_PROXIES", "127.0.0.1").env("GUICHET_THROTTLE", "redis");
            program.env("REDIS_PREFIX", &prefix).env("REDIS_URL", format!("redis://{}", proxy.here()));
            program.env("REDIS_USERNAME", &name).env("REDIS_PASSWORD", PASSWORD);
            program.env("DATABASE_READ_URL", &replica.url);
            program.env("GUICHET_REPLICA_LAG", LAG.as_secs().to_string());
        };
        let examined = shop.run(&["doctor"], configure);
        for check in ["redis", "replica"] {
            assert!(
                examined.lines().any(|line| line.starts_with(&format!("ok       {check} "))),
                "{examined}"
            );
        }
        let serve = |number: u8| {
            let log = File::create(shop.folder.join(format!("log-{number}"))).unwrap();
            shop.serve(|program| {
                program.stderr(log);
                configure(program);
            })
        };
        let servers = [serve(0), serve(1)];
        let [first, second] = servers;
        let servers = [first.await.unwrap(), second.await.unwrap()];
        Self { shop, replica, key, proxy, redis, prefix, user: name.clone(), servers }
    }

    /// Sends an operation without a key, from an address, to one of the servers.
    async fn ask(&self, server: usize, address: u8, query: &str) -> Answer {
        let body = json!({"query": query}).to_string().into_bytes();
        let from = ("X-Forwarded-For", format!("192.0.2.{address}"));
        self.send(server, "POST", "/graphql", &[from, ("Content-Type", "application/json".to_owned())], body)
            .await
    }

    /// Reads a path of REST with the key.
    async fn read(&self, server: usize, path: &str) -> Answer {
        let key = ("Authorization", format!("Bearer {}", self.key));
        self.send(server, "GET", path, &[key], Vec::new()).await
    }

    async fn send(
        &self,
        server: usize,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let request = wire::Request { method: method.to_owned(), path: path.to_owned(), headers, body };
        let asked = Instant::now();
        let answer = wire::send(self.servers[server].1, &request).await.unwrap();
        assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
        assert!(answer.status < 500, "{}", answer.text());
        answer
    }

    /// How many of a number of requests each server accepts.
    async fn let_through(&self, address: u8, requests: usize) -> [u32; 2] {
        let mut through = [0, 0];
        for request in 0..requests {
            let answer = self.ask(request % 2, address, "{ health { status } }").await;
            through[request % 2] += u32::from(answer.status != 429);
        }
        through
    }

    /// Waits until one server sees what the other has counted.
    async fn await_return(&self) -> Duration {
        let begun = Instant::now();
        for address in 100.. {
            self.ask(0, address, "{ health { status } }").await;
            let seen = self.ask(1, address, "{ health { status } }").await;
            if left(&seen, "requests") == LIMIT - 2 {
                break;
            }
            assert!(begun.elapsed() < RETURN, "Redis' return was not noticed");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        begun.elapsed()
    }

    /// How often each server has logged that Redis is away.
    fn outages(&self) -> [usize; 2] {
        [0, 1].map(|number| {
            let log = std::fs::read_to_string(self.shop.folder.join(format!("log-{number}"))).unwrap();
            assert!(!log.contains(PASSWORD) && !log.contains("192.0.2."), "{log}");
            log.matches("Redis is away").count()
        })
    }

    async fn end(mut self) {
        for (server, _) in &mut self.servers {
            server.kill().unwrap();
            server.wait().unwrap();
        }
        let mut admin = self.redis.get_multiplexed_async_connection().await.unwrap();
        let _: () = redis::cmd("ACL").arg("DELUSER").arg(&self.user).query_async(&mut admin).await.unwrap();
        self.shop.remove().await;
        self.replica.remove().await;
    }
}

/// The remaining quota in the header `RateLimit`.
fn left(answer: &Answer, limit: &str) -> u32 {
    let header = answer.header("ratelimit").unwrap();
    let item = header.split(", ").find_map(|item| item.strip_prefix(&format!("\"{limit}\";r="))).unwrap();
    item.split(';').next().unwrap().parse().unwrap()
}

fn code(answer: &Answer) -> String {
    answer.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_keep_one_limit() {
    if !processes::is_mysql() {
        return;
    }
    let pair = Pair::start().await;
    let through = pair.let_through(1, 100).await;
    println!("one limit of {LIMIT}: {} + {} of 100 requests let through", through[0], through[1]);
    assert_eq!(through, [LIMIT / 2; 2]);
    one_limit_of_points(&pair).await;
    one_limit_of_tries(&pair).await;
    one_memory_of_writers(&pair).await;
    keys_tell_nothing(&pair).await;
    assert_eq!(pair.outages(), [0, 0]);

    // First connections are refused, then they are accepted and silent.
    assert_eq!(pair.let_through(4, 40).await, [20; 2]);
    pair.proxy.cut().await;
    let through = pair.let_through(2, 160).await;
    println!("Redis away: {} + {} of 160 requests let through, none failed", through[0], through[1]);
    assert_eq!(through, [LIMIT; 2]);
    assert_eq!(pair.outages(), [1, 1]);
    let through = pair.let_through(4, 160).await;
    println!("a minute that had begun: {} + {} more of {LIMIT} - 40", through[0], through[1]);
    // Each goes on from what it has heard last; the last request was the second's.
    assert_eq!(through, [LIMIT - 39, LIMIT - 40]);
    pair.proxy.restore().await;
    println!("Redis back: one limit again after {:?}", pair.await_return().await);
    for address in [2, 4] {
        assert_eq!(pair.let_through(address, 10).await, [0; 2], "a minute that had begun goes on");
    }
    pair.proxy.stall(true);
    let through = pair.let_through(3, 160).await;
    println!("Redis silent: {} + {} of 160 requests let through, none failed", through[0], through[1]);
    assert_eq!(through, [LIMIT; 2]);
    assert_eq!(pair.outages(), [2, 2]);
    pair.proxy.stall(false);
    println!("Redis speaks: one limit again after {:?}", pair.await_return().await);
    pair.end().await;
}

/// Both APIs of both processes take points from one limit, and unused points are given back.
async fn one_limit_of_points(pair: &Pair) {
    let mut before = POINTS;
    for request in 0..6 {
        let answer = match request % 3 {
            // The request itself and the two products of the shop, of 25 that were asked for.
            0 => pair.read(request % 2, "/api/application/products").await,
            _ => pair.read(request % 2, "/api/application/products/1").await,
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let now = left(&answer, "points");
        assert!(now < before && before - now <= 12, "{before} → {now}");
        before = now;
    }
    println!("one limit of {POINTS} points: {before} left after 6 requests to both");
}

/// A write by one process is read by the other, however far the replica lags behind.
async fn one_memory_of_writers(pair: &Pair) {
    let list = "/api/application/products";
    let read = pair.read(1, list).await.json();
    assert_eq!(read["data"][0]["name"], "On the replica", "{read}");
    let path = format!("{list}/{}", read["data"][0]["id"]);
    let key = ("Authorization", format!("Bearer {}", pair.key));
    let headers = [key, ("Content-Type", "application/json".to_owned())];
    let written = pair.send(0, "PUT", &path, &headers, br#"{"name": "Renamed"}"#.to_vec()).await;
    assert_eq!(written.status, 200, "{}", written.text());
    assert_eq!(pair.read(1, list).await.json()["data"][0]["name"], "Renamed");
    tokio::time::sleep(LAG).await;
    assert_eq!(pair.read(1, list).await.json()["data"][0]["name"], "On the replica");
    println!("a write through one process is read through the other, the replica again after {LAG:?}");
}

/// Tries to sign in to one account, from many addresses.
async fn one_limit_of_tries(pair: &Pair) {
    let query = "mutation { sessionCreate(input: { kind: STAFF, email: \"admin@example.com\", password: \"no\" }) \
                 { session { accessToken } } }";
    let mut tried = [0, 0];
    for try_ in 0..14 {
        let answer = pair.ask(try_ % 2, 20 + u8::try_from(try_).unwrap(), query).await;
        tried[try_ % 2] += u32::from(code(&answer) != "RATE_LIMITED");
    }
    println!("one limit of {TRIES} tries to sign in: {} + {} of 14 let through", tried[0], tried[1]);
    assert_eq!(tried, [TRIES / 2; 2]);
}

/// No address or account can be read from a key, and each ends by itself.
async fn keys_tell_nothing(pair: &Pair) {
    let mut redis = pair.redis.get_multiplexed_async_connection().await.unwrap();
    let pattern = format!("{}*", pair.prefix);
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.unwrap();
    assert!(keys.len() > 10, "{keys:?}");
    for key in &keys {
        let (kind, name) =
            key[pair.prefix.len()..].strip_prefix("guichet:").unwrap().split_once(':').unwrap();
        assert!(["requests", "points", "tries", "wrote"].contains(&kind), "{key}");
        assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut redis).await.unwrap();
        assert!((-2..=60_000).contains(&left) && left != -1, "{key}: {left}");
    }
}
