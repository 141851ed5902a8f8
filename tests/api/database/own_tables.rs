//! guichet's own tables: they are made at the start if the user may, they have a version, and the server runs without
//! them.

use std::process::Output;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use guichet::database::own_tables::{OwnTablesError, is_current};
use guichet::platform::clock::Clock;
use guichet::platform::config::{Config, Database};
use migration::{OWN, OWN_TABLES};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::{Value as Json, json};
use url::Url;

use crate::harness::program::Program;
use crate::harness::shop::{APP_KEY, Shop};
use crate::harness::store::{BACKEND, Store, program};

const SIGN_IN: &str = "mutation { sessionCreate(input: {kind: CUSTOMER, email: \"customer1@example.com\", \
                       password: \"password\"}) { session { accessToken } } }";

async fn run(db: &DatabaseConnection, statements: &[String]) {
    for sql in statements {
        db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Runs the program to its end.
async fn output(store: &Store, arguments: &[&str]) -> Output {
    let mut program = program(&store.address());
    program.env("APP_KEY", APP_KEY).env("GUICHET_STORAGE", std::env::temp_dir()).args(arguments);
    tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap()
}

/// The finding of the doctor about them: severity, result and advice.
async fn finding(store: &Store) -> [String; 3] {
    let report: Json = serde_json::from_slice(&output(store, &["doctor", "--json"]).await.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let own = findings.iter().find(|finding| finding["check"] == "own tables").unwrap();
    ["level", "says", "mend"].map(|key| own[key].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_server_makes_them_at_its_start() {
    let program = Program::start(&[]).await;
    for table in OWN_TABLES {
        program.sql(&[&format!("DELETE FROM {table}")]).await;
    }
    program.stop().await;
}

#[tokio::test]
async fn processes_that_start_together_make_them_once() {
    let store = Store::fresh().await.unwrap();
    let tables = || async {
        let config = Config { database: store.address(), ..Config::default() };
        let db = guichet::database::connect(&config).await.unwrap();
        let made = guichet::database::own_tables::OwnTables::default().make(&db, false).await;
        db.close().await.unwrap();
        made
    };
    let (first, second, third) = tokio::join!(tables(), tables(), tables());
    assert!([&first, &second, &third].iter().all(|made| made.is_ok()), "{first:?} {second:?} {third:?}");
    assert!(is_current(&store.db).await.unwrap());
    store.close().await.unwrap();
}

#[tokio::test]
async fn the_statements_of_the_doctor_make_the_same() {
    let store = Store::fresh().await.unwrap();
    let [level, says, _] = finding(&store).await;
    assert_eq!((level.as_str(), says.contains("the next start makes them")), ("ok", true), "{says}");
    assert!(!is_current(&store.db).await.unwrap(), "the doctor changes nothing");
    run(&store.db, &[OWN.statements(*BACKEND), OWN.records()].concat()).await;
    assert!(is_current(&store.db).await.unwrap());
    assert_eq!(finding(&store).await[1], "they are there, and can be read and written");
    run(&store.db, &["DROP TABLE guichet_totp_steps".to_owned()]).await;
    let [level, says, _] = finding(&store).await;
    assert_eq!((level.as_str(), says.as_str()), ("error", "guichet_totp_steps is missing"));
    OWN.down(&store.db).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_newer_version_stops_the_start() {
    let store = Store::fresh().await.unwrap();
    OWN.up(&store.db).await.unwrap();
    let newer =
        "INSERT INTO guichet_own_migrations (version, applied_at) VALUES ('m20990101_000001_newer', 0)";
    run(&store.db, &[newer.to_owned()]).await;
    assert!(matches!(is_current(&store.db).await, Err(OwnTablesError::Newer(_))));
    let ended = output(&store, &["serve", "--listen=127.0.0.1:0"]).await;
    let text = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && text.contains("made by a newer version"), "{text}");
    let [level, says, _] = finding(&store).await;
    assert_eq!((level.as_str(), says.contains("newer")), ("error", true), "{says}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_read_only_server_makes_none() {
    let shop = Shop::with("en", |config| config.read_only = true).await;
    let answer = shop.graphql(SIGN_IN, json!({}), "").await;
    assert_eq!(answer["errors"][0]["message"], "This server is read-only.", "{answer}");
    assert!(!is_current(shop.db()).await.unwrap());
    shop.close().await;
}

/// The answer to a sign-in.
async fn sign_in(app: &guichet::App) -> (u16, Json) {
    let body = json!({"query": SIGN_IN}).to_string();
    let request = Request::post("/graphql").header("Host", "shop").header("Content-Type", "application/json");
    let request =
        request.header("Accept", "application/graphql-response+json").body(Body::from(body)).unwrap();
    let answer = app.site().answer(request).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap())
}

/// The name of the user with few rights.
fn few(store: &Store) -> String {
    format!("few_{}", store.database().unwrap())
}

/// A user of the database who may read and write the shop's rows, and no more.
async fn with_few_rights(store: &Store) -> Database {
    let guichet::platform::config::DatabaseTarget::Url(url) = store.address().target else {
        panic!("a database with an address")
    };
    let (name, user) = (store.database().unwrap(), few(store));
    let mut url = Url::parse(url.expose()).unwrap();
    url.set_username(&user).unwrap();
    url.set_password(Some("few")).unwrap();
    let grants = match *BACKEND {
        DbBackend::MySql => vec![
            format!("CREATE OR REPLACE USER '{user}'@'%' IDENTIFIED BY 'few'"),
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON `{name}`.* TO '{user}'@'%'"),
        ],
        _ => vec![
            format!("CREATE ROLE \"{user}\" LOGIN PASSWORD 'few'"),
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \"{user}\""),
            format!("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO \"{user}\""),
        ],
    };
    run(&store.db, &grants).await;
    Database::from_url(url.as_str()).unwrap()
}

/// Removes the user.
async fn forget(store: &Store) {
    let user = few(store);
    let statements = match *BACKEND {
        DbBackend::MySql => vec![format!("DROP USER '{user}'@'%'")],
        _ => vec![format!("DROP OWNED BY \"{user}\""), format!("DROP ROLE \"{user}\"")],
    };
    run(&store.db, &statements).await;
}

#[tokio::test]
async fn without_the_right_to_make_them_only_signing_in_is_off() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let store = Store::fresh().await.unwrap();
    let database = with_few_rights(&store).await;
    let config =
        Config { database, app_key: guichet::platform::config::Secret::new(APP_KEY), ..Config::default() };
    let db = guichet::database::connect_for_serving(&config).await.unwrap();
    let app = guichet::App::new(config.clone(), db.clone(), Clock::Real).await.unwrap();
    let lack = app.make_own_tables().await;
    assert!(matches!(&lack, Err(OwnTablesError::NotMade(_))), "{lack:?}");
    let (status, answer) = sign_in(&app).await;
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (503, &json!("UNAVAILABLE")),
        "{answer}"
    );
    let mut few = program(&config.database);
    few.env("APP_KEY", APP_KEY).env("GUICHET_STORAGE", std::env::temp_dir()).args(["doctor", "--json"]);
    let report = tokio::task::spawn_blocking(move || few.output().unwrap()).await.unwrap();
    let report: Json = serde_json::from_slice(&report.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let own = findings.iter().find(|finding| finding["check"] == "own tables").unwrap();
    assert_eq!(own["level"], "warning", "{own}");
    // An operator makes them while the server runs.
    let mend = own["mend"].as_str().unwrap().split_once(": ").unwrap().1.trim_end_matches(';');
    let statements: Vec<String> = mend.split("; ").map(str::to_owned).collect();
    for _ in 0..2 {
        run(&store.db, &statements).await;
    }
    let (status, answer) = sign_in(&app).await;
    assert_eq!(
        (status, answer["data"]["sessionCreate"]["session"]["accessToken"].is_string()),
        (200, true),
        "{answer}"
    );
    tokio::time::timeout(Duration::from_secs(5), db.close()).await.unwrap().unwrap();
    drop(app);
    OWN.down(&store.db).await.unwrap();
    forget(&store).await;
    store.close().await.unwrap();
}

/// A user who may make no tables keeps what the tables of an earlier version are for.
#[tokio::test]
async fn a_table_that_an_upgrade_brings_stops_only_what_needs_it() {
    if *BACKEND == DbBackend::Sqlite {
        return;
    }
    let store = Store::fresh().await.unwrap();
    OWN.up(&store.db).await.unwrap();
    let former = [
        "DROP TABLE guichet_key_rotations",
        "DELETE FROM guichet_own_migrations WHERE version LIKE '%key_rotations'",
    ];
    run(&store.db, &former.map(str::to_owned)).await;
    let database = with_few_rights(&store).await;
    let command = async |arguments: &[&str]| {
        let mut few = program(&database);
        few.env("APP_KEY", APP_KEY).env("GUICHET_STORAGE", std::env::temp_dir()).args(arguments);
        // The recorded keys have a fixed age; the clock of the program does not.
        few.env("SANCTUM_TOKEN_EXPIRATION", "0");
        tokio::task::spawn_blocking(move || few.output().unwrap()).await.unwrap()
    };
    let listed: Json = serde_json::from_slice(&command(&["list-api-keys", "--json"]).await.stdout).unwrap();
    let key = listed.as_array().unwrap().iter().find(|key| key["ends"].is_null()).unwrap()["id"].to_string();
    let restricted = command(&["restrict-api-key", &key, "--read-only"]).await;
    assert!(restricted.status.success(), "{}", String::from_utf8_lossy(&restricted.stderr));
    let rotated = command(&["rotate-api-key", &key]).await;
    let text = String::from_utf8_lossy(&rotated.stderr);
    assert!(!rotated.status.success() && text.contains("`guichet doctor` writes the statements"), "{text}");
    let report: Json = serde_json::from_slice(&command(&["doctor", "--json"]).await.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let own = findings.iter().find(|finding| finding["check"] == "own tables").unwrap();
    assert!(own["says"].as_str().unwrap().ends_with(": no key can be rotated"), "{own}");
    let statements: Vec<String> =
        own["sql"].as_array().unwrap().iter().map(|sql| sql.as_str().unwrap().to_owned()).collect();
    assert!(!statements.iter().any(|sql| sql.starts_with("DROP")), "nobody's session ends: {statements:?}");
    run(&store.db, &statements).await;
    assert!(command(&["rotate-api-key", &key]).await.status.success());
    OWN.down(&store.db).await.unwrap();
    forget(&store).await;
    store.close().await.unwrap();
}
