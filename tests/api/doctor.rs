//! `guichet doctor` on the recorded shop: healthy, and after something happened to it.

use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::Value as Json;

use crate::shop::APP_KEY;
use crate::store::{BACKEND, Store, program};

/// Runs the doctor: whether it is content, and its findings that are no `ok`, each with its check.
async fn examine(store: &Store, key: &str) -> (bool, Vec<String>) {
    let mut program = program(&store.address());
    program.env("APP_KEY", key).env("GUICHET_STORAGE", std::env::temp_dir()).args(["doctor", "--json"]);
    let ran = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    let report: Json = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["ok"] == true, ran.status.success(), "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let wrong = findings.iter().filter(|finding| finding["level"] != "ok");
    let line = |finding: &Json| {
        assert!(finding["mend"].is_string(), "{finding}");
        format!(
            "{} {}: {}",
            finding["level"].as_str().unwrap(),
            finding["check"].as_str().unwrap(),
            finding["says"].as_str().unwrap()
        )
    };
    (ran.status.success(), wrong.map(line).collect())
}

#[tokio::test]
async fn the_recorded_shop_is_healthy_and_stays_as_it_is() {
    let store = Store::fresh().await.unwrap();
    let before = store.rows().await.unwrap();
    // The recordings were made in a year to come.
    let (content, mut wrong) = examine(&store, APP_KEY).await;
    wrong.retain(|line| !line.contains("the newest rows are"));
    assert_eq!((content, wrong), (true, Vec::new()));
    assert!(store.rows().await.unwrap() == before);
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_is_missing_or_other_is_told() {
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let store = Store::fresh().await.unwrap();
    for sql in [
        "ALTER TABLE products DROP COLUMN pinned",
        "ALTER TABLE metadata RENAME TO another",
        "ALTER TABLE groups ADD COLUMN of_an_extension text",
        "CREATE TABLE of_an_extension (id integer)",
    ] {
        store.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let (content, mut wrong) = examine(&store, &APP_KEY.replace("MDEy", "MDEz")).await;
    wrong.retain(|line| !line.contains("the newest rows are"));
    wrong.sort();
    assert_eq!(
        (content, wrong),
        (
            false,
            vec![
                "error key: APP_KEY does not open the shop's encrypted values".to_owned(),
                "error schema: column products.pinned is missing".to_owned(),
                "error schema: table metadata is missing".to_owned(),
            ]
        )
    );
    store.close().await.unwrap();
}
