//! The server in this process, on one thread, and the requests that it answers.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use guichet::database::source::SentStatement;
use guichet::platform::clock::Clock;
use guichet::platform::config::Config;
use guichet::server::http::Site;
use guichet::{App, database};

/// Tables that are read at most once per second, because their rows are cached.
const CACHED_TABLES: [&str; 3] = ["personal_access_tokens", "admins", "settings"];
/// The beginning of the statement that reads a further one. A search in each statement would itself take a few percent of
/// what is counted.
const CACHED_STATEMENT: &str = "SELECT \"guichet_key_restrictions\"";

/// Maximum time of SQLite's thread for its rows under valgrind.
const PAUSE: Duration = Duration::from_millis(20);

/// A case: a request that is repeated.
pub struct Case {
    pub name: &'static str,
    /// Number of repetitions.
    pub requests: usize,
    method: &'static str,
    path: &'static str,
    /// The document or the body. `NUMBER` stands for that of the request.
    body: &'static str,
}

/// A customer, a page with its total, a tree of four levels, a change; a customer by REST too.
pub const CASES: &[Case] = &[
    Case { name: "q1", requests: 25, method: "POST", path: "/graphql", body: include_str!("q1.graphql") },
    Case {
        name: "q2",
        requests: 20,
        method: "POST",
        path: "/graphql",
        body: include_str!("../../peers/documents/q2.graphql"),
    },
    Case {
        name: "q4",
        requests: 25,
        method: "POST",
        path: "/graphql",
        body: include_str!("../../peers/documents/q4.graphql"),
    },
    Case { name: "q1-rest", requests: 25, method: "GET", path: "/api/application/customers/43", body: "" },
    Case {
        name: "write",
        requests: 25,
        method: "POST",
        path: "/graphql",
        body: "mutation { customerUpdate(id: 43, input: {city: \"City NUMBER\"}) { customer { databaseId city updatedAt } } }",
    },
];

impl Case {
    fn request(&self, key: &str, number: usize) -> Request {
        let body = self.body.replace("NUMBER", &number.to_string());
        let body = match self.method {
            "POST" => Body::from(serde_json::json!({"query": body}).to_string()),
            _ => Body::empty(),
        };
        let mut request = axum::http::Request::builder()
            .method(self.method)
            .uri(self.path)
            .header("host", "127.0.0.1")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body)
            .expect("a request");
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 1))));
        request
    }
}

/// Runs all cases, one after the other; prints the number of SQL statements of the last request of each.
pub fn ask(database: &str, key: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // SQLite's thread gets time to find all rows before this thread waits. Otherwise the number of wake-ups of this
        // thread would vary.
        .on_thread_park(|| std::thread::sleep(PAUSE))
        .build()
        .expect("a runtime");
    // The site's kept connections are closed inside the runtime.
    let _inside = runtime.enter();
    let statements = Arc::new(AtomicU64::new(0));
    let site = runtime.block_on(site(database, Arc::clone(&statements)));
    for case in CASES {
        let mut last = 0;
        for number in 0..case.requests {
            let before = statements.load(Ordering::Relaxed);
            // All numbers have as many digits.
            measured(&runtime, &site, case.request(key, 100 + number));
            last = statements.load(Ordering::Relaxed) - before;
        }
        println!("{last}");
    }
    ExitCode::SUCCESS
}

/// Answers a request to the last byte of its body. callgrind counts what this function and those that it calls need.
#[inline(never)]
fn measured(runtime: &tokio::runtime::Runtime, site: &Site, request: Request) {
    let (status, body) = runtime.block_on(async {
        let answer = site.answer(request).await;
        let status = answer.status();
        (status, axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body"))
    });
    let right = status == 200 && !body.starts_with(b"{\"errors\"");
    assert!(right, "{status}: {}", String::from_utf8_lossy(&body));
}

async fn site(url: &str, statements: Arc<AtomicU64>) -> Site {
    let settings = [
        ("DATABASE_URL", url),
        ("GUICHET_RATE_LIMIT", "0"),
        ("GUICHET_COST_LIMIT", "0"),
        ("GUICHET_COUNT_TTL", "0"),
        // Only one connection reads, because the order of two threads would vary.
        ("GUICHET_POOL", "2"),
        ("SANCTUM_TOKEN_EXPIRATION", "0"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_env(settings).expect("settings that are accepted");
    let db = database::connect_for_serving(&config).await.expect("the shop");
    let observer = Arc::new(move |sent: &SentStatement<'_>| {
        let is_cached = sent.sql.starts_with(CACHED_STATEMENT)
            || CACHED_TABLES.iter().any(|table| sent.sql.contains(table));
        if !is_cached {
            statements.fetch_add(1, Ordering::Relaxed);
        }
    });
    App::with_observer(config, db, Clock::Real, observer).await.expect("the server").site()
}
