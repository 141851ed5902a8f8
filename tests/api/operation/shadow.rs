//! guichet's answers compared with those of the shop's own server: a stand-in for it answers what was recorded,
//! with differences that were planted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as Asked, State};
use axum::http::StatusCode;
use axum::response::Response;
use guichet::platform::config::Config;
use guichet::server::shadow::Findings;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use crate::golden::{Exchange, RECORDINGS};
use crate::harness::program::Program;
use crate::harness::shop::Shop;
use crate::harness::wire::Request;

/// How long comparing may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A question: the path with its query, and the name of a key.
type Question = (String, String);

/// A recorded answer.
#[derive(Clone)]
struct Recorded {
    status: u16,
    body: Json,
}

/// The recorded answers to `GET`s, of the shop before anything was changed.
fn recordings() -> BTreeMap<Question, Recorded> {
    let mut answers = BTreeMap::new();
    for recordings in RECORDINGS.iter() {
        let mut changed = HashSet::new();
        for exchange in recordings.exchanges.iter().filter(|exchange| exchange.lang == "fr") {
            let Exchange { scenario, request, response, .. } = exchange;
            if request.method != "GET" {
                changed.insert(scenario);
            } else if let (false, true, Some(body)) =
                (changed.contains(scenario), request.is_plain(), &response.json)
            {
                let question = (request.path.clone(), request.key.clone().unwrap_or_default());
                answers.entry(question).or_insert(Recorded { status: response.status, body: body.clone() });
            }
        }
    }
    // It describes the installation, not the shop.
    answers.retain(|(path, _), answer| answer.status != 429 && !path.ends_with("/license"));
    answers
}

/// A stand-in for the shop's own server.
async fn original(answers: BTreeMap<Question, Recorded>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let by_key: HashMap<Question, Recorded> = answers
        .into_iter()
        .map(|((path, key), answer)| ((path, if key.is_empty() { key } else { Shop::key(&key) }), answer))
        .collect();
    let routes = Router::new().fallback(answer).with_state(Arc::new(by_key));
    tokio::spawn(async { axum::serve(listener, routes).await });
    address
}

async fn answer(State(answers): State<Arc<HashMap<Question, Recorded>>>, request: Asked) -> Response {
    let key =
        request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("Bearer ");
    let question = (request.uri().to_string(), key["Bearer ".len()..].to_owned());
    let Recorded { status, body } =
        answers.get(&question).cloned().unwrap_or(Recorded { status: 418, body: json!({}) });
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("Content-Type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// The answer to a caller with all abilities.
fn at<'a>(answers: &'a mut BTreeMap<Question, Recorded>, path: &str) -> &'a mut Recorded {
    let answer = answers.get_mut(&(path.to_owned(), "all".to_owned()));
    answer.unwrap_or_else(|| panic!("{path} was recorded"))
}

/// Plants three differences; the questions and places that must be found.
fn plant(answers: &mut BTreeMap<Question, Recorded>) -> BTreeSet<(String, String)> {
    at(answers, "/api/application/customers").body["data"][0]["firstname"] = json!("Planted");
    at(answers, "/api/application/products/1").status = 500;
    let groups = at(answers, "/api/application/groups").body["data"][0].as_object_mut().unwrap();
    groups.insert("planted".to_owned(), json!(1));
    [
        ("GET /api/application/customers", "/data/*/firstname"),
        ("GET /api/application/products/{id}", "status"),
        ("GET /api/application/groups", "/data/*/planted"),
    ]
    .map(|(operation, place)| (operation.to_owned(), place.to_owned()))
    .into()
}

fn places(findings: &Findings) -> BTreeSet<(String, String)> {
    let of = |(name, found): (&String, &guichet::server::shadow::OperationFindings)| {
        let name = name.clone();
        found.places.keys().map(move |place| (name.clone(), place.clone())).collect::<Vec<_>>()
    };
    findings.operations.iter().flat_map(of).collect()
}

fn asked(findings: &Findings) -> u64 {
    findings.operations.values().map(guichet::server::shadow::OperationFindings::asked).sum()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("guichet-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The findings of shadowing after every request was sent.
async fn shadowed(name: &str, answers: &BTreeMap<Question, Recorded>) -> Findings {
    let address = original(answers.clone()).await;
    let folder = folder(name);
    let file = folder.join("shadow.json");
    let variables = [
        ("GUICHET_UPSTREAM", format!("http://{address}")),
        ("GUICHET_SHADOW", "1".to_owned()),
        ("GUICHET_SHADOW_MAX", "1000".to_owned()),
        ("GUICHET_SHADOW_PATIENCE", "60".to_owned()),
    ];
    let settings = Config::from_env(variables.map(|(name, value)| (name.to_owned(), value))).unwrap();
    let shop = Shop::with("fr", |config| {
        config.upstream = settings.upstream;
        config.shadow_file = Some(file.clone());
        config.rate_limit = None;
        config.failed_key_limit = None;
    })
    .await;
    let mut compared = 0;
    for (path, key) in answers.keys() {
        // Requests without a route here were forwarded.
        let (_, headers, _) = shop.get(path, key).await;
        compared += u64::from(!headers.iter().any(|(name, _)| name == "via"));
    }
    let begun = std::time::Instant::now();
    let findings = loop {
        shop.write_findings().await;
        let findings = Findings::load(&file).unwrap();
        if asked(&findings) >= compared {
            break findings;
        }
        assert!(begun.elapsed() < PATIENCE, "{} of {compared}", asked(&findings));
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    shop.close().await;
    std::fs::remove_dir_all(folder).unwrap();
    findings
}

#[tokio::test]
async fn what_was_recorded_differs_only_where_it_is_declared() {
    let answers = recordings();
    assert!(answers.len() > 150, "{}", answers.len());
    let findings = shadowed("same", &answers).await;
    assert_eq!(places(&findings), BTreeSet::new(), "{}", serde_json::to_string_pretty(&findings).unwrap());
}

#[tokio::test]
async fn planted_differences_are_found_by_shadowing() {
    let mut answers = recordings();
    let planted = plant(&mut answers);
    let findings = shadowed("planted", &answers).await;
    assert_eq!(places(&findings), planted);
    assert_eq!(findings.different(), 3);
    let text = serde_json::to_string(&findings).unwrap();
    assert!(!text.contains("Planted"), "values are not kept: {text}");
}

#[tokio::test]
async fn planted_differences_are_found_by_replaying() {
    let mut answers = recordings();
    let planted = plant(&mut answers);
    let address = original(answers.clone()).await;
    let folder = folder("replay");
    let (log, keys) = (folder.join("access.log"), folder.join("keys"));
    let names: BTreeSet<&str> =
        answers.keys().map(|(_, key)| key.as_str()).filter(|key| !key.is_empty()).collect();
    // A log has names of users; some recorded keys are not names.
    let plain = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let lines: Vec<String> = answers
        .keys()
        .filter(|(_, key)| plain(key))
        .map(|(path, key)| {
            let user = if key.is_empty() { "-" } else { key };
            format!(
                "127.0.0.1 - {user} [23/Nov/2026:12:00:00 +0000] \"GET {path} HTTP/1.1\" 200 1 \"-\" \"-\""
            )
        })
        .collect();
    std::fs::write(&log, lines.join("\n")).unwrap();
    let keys_of = names.iter().filter(|key| plain(key)).map(|key| format!("{key} {}\n", Shop::key(key)));
    std::fs::write(&keys, keys_of.collect::<String>()).unwrap();
    let shop = Shop::with("fr", |config| {
        config.rate_limit = None;
        config.failed_key_limit = None;
    })
    .await;
    let arguments = |upstream: &str| {
        [
            "replay",
            log.to_str().unwrap(),
            "--upstream",
            upstream,
            "--against",
            &shop.base(),
            "--json",
            "--keys",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain([keys.to_str().unwrap().to_owned(), "--at-once".to_owned(), "16".to_owned()])
        .collect::<Vec<_>>()
    };
    let (code, output) = Program::run(&arguments(&format!("http://{address}")), &[]).await;
    let findings: Findings = serde_json::from_str(&output).expect(&output);
    assert_eq!((places(&findings), code), (planted, 1));
    let (code, output) = Program::run(&arguments(&shop.base()), &[]).await;
    assert_eq!((places(&serde_json::from_str(&output).expect(&output)), code), (BTreeSet::new(), 0));
    shop.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_slow_server_is_left_alone_and_holds_no_answer_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            open.push(stream);
        }
    });
    let folder = folder("slow");
    let variables = [
        ("GUICHET_UPSTREAM", format!("http://{address}")),
        ("GUICHET_SHADOW", "1".to_owned()),
        ("GUICHET_SHADOW_PATIENCE", "0.1".to_owned()),
        ("GUICHET_SHADOW_FILE", folder.join("found.json").display().to_string()),
    ];
    let settings = Config::from_env(variables.map(|(name, value)| (name.to_owned(), value))).unwrap();
    let shop = Shop::with("fr", |config| {
        config.upstream = settings.upstream;
        config.shadow_file = settings.shadow_file;
    })
    .await;
    let request =
        Request { method: "GET".into(), path: "/api/application/health".into(), ..Request::default() };
    for _ in 0..20 {
        assert_eq!(shop.send(&request).await.status, 401);
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    let before = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert!((1..=4).contains(&before), "{before} at once, as GUICHET_SHADOW_MAX says");
    for _ in 0..20 {
        assert_eq!(shop.send(&request).await.status, 401);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), before);
    shop.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}
