//! `guichet doctor` on the recorded shop: healthy, and after something happened to it.

use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::Value as Json;

use crate::harness::shop::APP_KEY;
use crate::harness::store::{BACKEND, Store, program, server_url, uncounted};

/// Runs the doctor: whether it is content, and its findings that are no `ok`, each with its check.
async fn examine(store: &Store, key: &str) -> (bool, Vec<String>) {
    examine_with(store, key, &[]).await
}

/// As [`examine`], with more settings.
async fn examine_with(store: &Store, key: &str, settings: &[(&str, String)]) -> (bool, Vec<String>) {
    let mut program = program(&store.address());
    program.envs(settings.iter().map(|(name, value)| (*name, value)));
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

/// A server that only reads writes none of its own tables either.
#[tokio::test]
async fn a_shop_is_as_healthy_where_it_is_only_read() {
    let store = Store::fresh().await.unwrap();
    guichet::database::own_tables::OwnTables::default().make(&store.db, false).await.unwrap();
    let read_only = ("GUICHET_READ_ONLY", "1".to_owned());
    let (content, mut wrong) = examine_with(&store, APP_KEY, &[read_only]).await;
    wrong.retain(|line| !line.contains("the newest rows are"));
    assert_eq!((content, wrong), (true, Vec::new()));
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

/// A server whose user name was encrypted by another key is named, and so is the way to mend it.
#[tokio::test]
async fn a_server_that_no_key_opens_is_named() {
    let store = Store::fresh().await.unwrap();
    let foreign = "eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiNUZ4eWJwZFJ5QW9zcTFpeldabzVOQT09IiwibWFjIjoiMDAiLCJ0YWciOiIifQ==";
    let sql = format!("UPDATE servers SET username = '{foreign}' WHERE id = 3");
    store.db.execute_unprepared(&sql).await.unwrap();
    let (content, mut wrong) = examine(&store, APP_KEY).await;
    wrong.retain(|line| !line.contains("the newest rows are"));
    let expected = "error key: no key opens the user name and password of servers 3";
    assert_eq!((content, wrong), (false, vec![expected.to_owned()]));
    let former = [("APP_PREVIOUS_KEYS", APP_KEY.to_owned())];
    store.db.execute_unprepared("UPDATE servers SET username = password WHERE id = 3").await.unwrap();
    let (content, mut wrong) = examine_with(&store, "0123456789abcdef0123456789abcdeX", &former).await;
    wrong.retain(|line| !line.contains("the newest rows are"));
    assert_eq!((content, wrong), (true, Vec::new()));
    store.close().await.unwrap();
}

/// One cause, one finding: neither a line for each table, nor checks that could not have worked.
#[tokio::test]
async fn another_database_is_told_in_few_words() {
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let store = Store::fresh().await.unwrap();
    let kept = ["products", "customers", "personal_access_tokens"];
    for table in migration::tables() {
        if !kept.contains(&table) {
            // In an order that foreign keys do not matter to.
            let sql = format!("PRAGMA foreign_keys = OFF; DROP TABLE {table}");
            store.db.execute_unprepared(&sql).await.unwrap();
        }
    }
    let (content, wrong) = examine(&store, APP_KEY).await;
    assert!(!content && wrong.len() == 1, "{wrong:#?}");
    assert!(wrong[0].contains("tables are missing: ") && wrong[0].ends_with(" more"), "{wrong:?}");
    store.close().await.unwrap();
}

/// A user who may read two tables; the database's URL for it. SQLite has no users.
async fn make_limited_user(store: &Store) -> Option<String> {
    let name = store.database()?;
    let statements = match *BACKEND {
        DbBackend::MySql => vec![
            format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'x'"),
            format!("GRANT SELECT ON {name}.products TO '{name}'@'%'"),
            format!("GRANT SELECT ON {name}.customers TO '{name}'@'%'"),
        ],
        _ => vec![
            format!("CREATE ROLE {name} LOGIN PASSWORD 'x'"),
            format!("GRANT SELECT ON products, customers TO {name}"),
        ],
    };
    for sql in statements {
        store.db.execute_unprepared(&sql).await.unwrap();
    }
    let url = server_url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    Some(format!("{scheme}://{name}:x@{host}/{name}"))
}

async fn remove_limited_user(store: &Store) {
    let Some(name) = store.database() else { return };
    let statements = match *BACKEND {
        DbBackend::MySql => vec![format!("DROP USER '{name}'@'%'")],
        _ => vec![format!("DROP OWNED BY {name}"), format!("DROP ROLE {name}")],
    };
    for sql in statements {
        store.db.execute_unprepared(&sql).await.unwrap();
    }
}

/// A user who may not read everything is told what to grant, and not that tables are missing.
#[tokio::test]
async fn a_lack_of_rights_is_told_apart_from_absence() {
    let store = Store::fresh().await.unwrap();
    let Some(url) = make_limited_user(&store).await else { return };
    let (content, wrong) = examine_with(&store, APP_KEY, &[("DATABASE_URL", url)]).await;
    remove_limited_user(&store).await;
    assert!(!content);
    let text = wrong.join("\n");
    assert!(!text.contains("missing"), "{text}");
    assert!(text.contains("warning schema: ") && text.contains("cannot be read"), "{text}");
    assert!(
        text.contains("error rights: not allowed: ") && text.contains("INSERT, UPDATE, DELETE on "),
        "{text}"
    );
    assert!(text.contains("SELECT, INSERT, UPDATE, DELETE on "), "{text}");
    assert_eq!(wrong.iter().filter(|line| line.starts_with("error")).count(), 1, "{text}");
    store.close().await.unwrap();
}

/// The script of `doctor --sql`, and whether the doctor is content.
async fn script(url: &str) -> (bool, String) {
    let database = guichet::platform::config::Database::from_url(url).unwrap();
    let mut program = program(&database);
    program.env("APP_KEY", APP_KEY).env("GUICHET_STORAGE", std::env::temp_dir()).args(["doctor", "--sql"]);
    let ran = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    (ran.status.success(), String::from_utf8(ran.stdout).unwrap())
}

/// Without the right to use its schema, PostgreSQL shows no table at all.
#[tokio::test]
async fn a_schema_that_may_not_be_used_is_told_apart_from_an_empty_database() {
    if *BACKEND != DbBackend::Postgres {
        return;
    }
    let store = Store::fresh().await.unwrap();
    let url = make_limited_user(&store).await.unwrap();
    let name = store.database().unwrap();
    store.db.execute_unprepared("REVOKE USAGE ON SCHEMA public FROM PUBLIC").await.unwrap();
    let (content, wrong) = examine_with(&store, APP_KEY, &[("DATABASE_URL", url.clone())]).await;
    let expected = "error rights: not allowed: USAGE of the schema public, which holds the shop's tables";
    assert_eq!((content, wrong), (false, vec![expected.to_owned()]));

    for command in [["serve", "--listen=127.0.0.1:0"], ["migrate", "up"]] {
        let mut program = program(&guichet::platform::config::Database::from_url(&url).unwrap());
        program.args(command);
        let ran = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
        let errors = String::from_utf8(ran.stderr).unwrap();
        let grant = format!("GRANT USAGE ON SCHEMA public TO {name};");
        assert!(!ran.status.success() && errors.contains(&grant), "{command:?}: {errors}");
        assert!(!errors.contains("guichet migrate"), "{errors}");
    }

    let (content, sql) = script(&url).await;
    assert!(!content && sql.contains("\nGRANT USAGE ON SCHEMA public TO "), "{sql}");
    store.db.execute_unprepared(&sql).await.unwrap();
    let (content, _) = examine_with(&store, APP_KEY, &[("DATABASE_URL", url)]).await;
    assert!(content);
    store.db.execute_unprepared("GRANT USAGE ON SCHEMA public TO PUBLIC").await.unwrap();
    guichet_tables_away(&store).await;
    remove_limited_user(&store).await;
    store.close().await.unwrap();
}

/// Guichet's own tables, which the script of the doctor has made.
async fn guichet_tables_away(store: &Store) {
    migration::OWN.down(&store.db).await.unwrap();
}

/// Names of users may hold quotes, those of databases letters that stand for any in a GRANT.
#[tokio::test]
async fn the_script_mends_what_it_can_whatever_names_hold() {
    let store = Store::fresh().await.unwrap();
    let Some(database) = store.database() else {
        let file = format!("sqlite:{}", store.address().name());
        assert_eq!(
            script(&file).await,
            (true, "-- Nothing was found that SQL statements mend.\n".to_owned())
        );
        store.close().await.unwrap();
        return;
    };
    let (name, statements, gone) = match *BACKEND {
        DbBackend::MySql => {
            let name = format!("o'n`e@il_{}", std::process::id());
            let quoted = format!("`{}`@`%`", name.replace('`', "``"));
            let statements = vec![
                format!("CREATE OR REPLACE USER {quoted} IDENTIFIED BY 'x'"),
                format!("GRANT SELECT ON {database}.products TO {quoted}"),
            ];
            (name, statements, vec![format!("DROP USER {quoted}")])
        }
        _ => {
            let name = format!("o'n\"e@il_{}", std::process::id());
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            let statements = vec![
                format!("CREATE ROLE {quoted} LOGIN PASSWORD 'x'"),
                format!("GRANT SELECT ON products TO {quoted}"),
            ];
            (name, statements, vec![format!("DROP OWNED BY {quoted}"), format!("DROP ROLE {quoted}")])
        }
    };
    for sql in statements {
        store.db.execute_unprepared(&sql).await.unwrap();
    }
    let (scheme, rest) = server_url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let host = rest.rsplit_once('@').map_or(rest.as_str(), |(_, host)| host);
    let user: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let url = format!("{scheme}://{user}:x@{host}/{database}");
    let (content, sql) = script(&url).await;
    assert!(!content, "{sql}");
    let is_sql = |line: &str| line.starts_with("-- ") || line.ends_with(';');
    assert!(sql.lines().all(is_sql) && sql.contains("-- rights: not allowed: "), "{sql}");
    for statement in sql.lines().filter(|line| !line.starts_with("-- ")) {
        store.db.execute_unprepared(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let (content, again) = script(&url).await;
    guichet_tables_away(&store).await;
    for sql in gone {
        store.db.execute_unprepared(&sql).await.unwrap();
    }
    assert!(content && !again.contains("GRANT"), "{again}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_misspelt_setting_is_told_with_what_was_meant() {
    let store = Store::fresh().await.unwrap();
    let settings = [("GUICHET_RATE_LIMT", "1".to_owned()), ("GUICHET_XYZZY", "1".to_owned())];
    let (content, mut wrong) = examine_with(&store, APP_KEY, &settings).await;
    wrong.retain(|line| line.contains(" settings: "));
    let expected = ["GUICHET_RATE_LIMT", "GUICHET_XYZZY"];
    assert_eq!(
        (content, wrong),
        (true, expected.map(|name| format!("warning settings: {name} does not exist")).to_vec())
    );
    store.close().await.unwrap();
}

/// All wrong values at once, and everything that does not need them.
#[tokio::test]
async fn every_wrong_setting_is_told() {
    let store = Store::fresh().await.unwrap();
    let settings = [
        ("APP_LOCALE", "de".to_owned()),
        ("GUICHET_LISTEN", "8080".to_owned()),
        ("APP_TIMEZONE", "Paris".to_owned()),
        ("GUICHET_THROTTLE", "redis".to_owned()),
        ("REDIS_PORT", "none".to_owned()),
    ];
    let (content, wrong) = examine_with(&store, "short", &settings).await;
    let (settings, others): (Vec<_>, Vec<_>) =
        wrong.into_iter().partition(|line| line.starts_with("error settings: "));
    let names: Vec<&str> = settings
        .iter()
        .filter_map(|line| line.strip_prefix("error settings: ")?.split_once('=').map(|(name, _)| name))
        .collect();
    assert!(!content);
    assert_eq!(names, ["GUICHET_LISTEN", "REDIS_PORT", "APP_KEY", "APP_LOCALE", "APP_TIMEZONE"]);
    assert_eq!(others, ["warning other checks: not examined: key, redis, time zone"]);
    let away = [("DB_PORT", "none".to_owned()), ("DATABASE_URL", String::new())];
    let (content, wrong) = examine_with(&store, APP_KEY, &away).await;
    assert!(!content && wrong.len() == 2, "{wrong:?}");
    assert_eq!(wrong[1], "warning other checks: not examined: servers, replica, database");
    store.close().await.unwrap();
}

/// None of it is needed, so none of it is an error.
#[tokio::test]
async fn what_stands_beside_the_database_is_examined() {
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let (store, replica) = (Store::fresh().await.unwrap(), Store::fresh().await.unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let guichet::platform::config::DatabaseTarget::File(file) = replica.address().target else {
        panic!("a file")
    };
    let settings = |file: &std::path::Path| {
        [
            ("GUICHET_THROTTLE", "redis".to_owned()),
            ("REDIS_PORT", port.to_string()),
            ("REDIS_PASSWORD", "hunter2".to_owned()),
            ("DATABASE_READ_URL", format!("sqlite:{}", file.display())),
        ]
    };
    let beside = |findings: Vec<String>| {
        assert!(!findings.join("\n").contains("hunter2"), "{findings:?}");
        let found =
            findings.into_iter().filter(|line| line.contains(" redis: ") || line.contains(" replica: "));
        found.map(|line| line.split_inclusive(": ").take(2).collect::<String>()).collect::<Vec<_>>()
    };
    let (content, found) = examine_with(&store, APP_KEY, &settings(&file)).await;
    assert_eq!((content, beside(found)), (true, vec!["warning redis: it cannot be used: ".to_owned()]));
    replica.db.execute_unprepared("DROP TABLE coupon_usages").await.unwrap();
    let (content, found) = examine_with(&store, APP_KEY, &settings(&file)).await;
    let other = "warning replica: its schema is not the primary's: ";
    assert!(content && beside(found).contains(&other.to_owned()));
    let nowhere = std::path::Path::new("/nowhere/replica.sqlite");
    let (content, found) = examine_with(&store, APP_KEY, &settings(nowhere)).await;
    let away = "warning replica: it cannot be read from: ";
    assert!(content && beside(found).contains(&away.to_owned()));
    store.close().await.unwrap();
    replica.close().await.unwrap();
}

/// The statements are SQL as they stand, and each is printed until its index is there, under whatever name.
#[tokio::test]
async fn indexes_that_the_shop_lacks_are_printed_as_statements() {
    let store = Store::fresh().await.unwrap();
    let printed = async |arguments: &'static [&'static str]| {
        let mut program = program(&store.address());
        program.arg("doctor").args(arguments);
        let ran = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    assert_eq!(printed(&["--indexes"]).await.lines().count(), 1, "`guichet migrate` has made all of them");
    let indexes = migration::further_indexes(*BACKEND);
    for index in &indexes {
        store.db.execute_unprepared(&index.drop).await.unwrap();
    }
    let report: Json = serde_json::from_str(&printed(&["--indexes", "--json"]).await).unwrap();
    let names: Vec<&str> =
        report.as_array().unwrap().iter().map(|index| index["name"].as_str().unwrap()).collect();
    assert_eq!(names, indexes.iter().map(|index| index.name).collect::<Vec<_>>());
    assert!(report.as_array().unwrap().iter().all(|index| index["before_ms"].is_number()), "{report:#}");

    let sql = printed(&["--indexes"]).await;
    let statements = sql.lines().filter(|line| !line.starts_with("--") && !line.is_empty());
    for statement in statements {
        // Its name does not count.
        store.db.execute_unprepared(&statement.replace("_newest", "_latest")).await.unwrap();
    }
    assert_eq!(printed(&["--indexes"]).await.lines().count(), 1);
    // As it was, for the next test.
    let renamed = indexes.iter().filter(|index| index.name.contains("_newest"));
    for index in renamed {
        store.db.execute_unprepared(&index.drop.replace("_newest", "_latest")).await.unwrap();
        store.db.execute_unprepared(&index.create).await.unwrap();
    }
    store.close().await.unwrap();
}

/// The original names its migrations by their day.
#[tokio::test]
async fn a_newer_schema_is_told() {
    if *BACKEND != DbBackend::Sqlite {
        return;
    }
    let store = Store::fresh().await.unwrap();
    let newer = |findings: Vec<String>| findings.into_iter().find(|line| line.contains("is newer"));
    store.db.execute_unprepared("CREATE TABLE migrations (migration varchar(255))").await.unwrap();
    store.db.execute_unprepared("INSERT INTO migrations VALUES ('2026_08_01_000000_known')").await.unwrap();
    assert_eq!(newer(examine(&store, APP_KEY).await.1), None);
    store.db.execute_unprepared("INSERT INTO migrations VALUES ('2027_01_02_000000_unknown')").await.unwrap();
    let (content, findings) = examine(&store, APP_KEY).await;
    let reported = newer(findings).unwrap();
    assert!(
        content
            && reported.starts_with("warning schema: ")
            && reported.ends_with("2027_01_02_000000_unknown"),
        "{reported}"
    );
    store.close().await.unwrap();
}

/// Without a counter, no row can be made.
#[tokio::test]
async fn a_table_that_has_lost_its_counter_is_told() {
    let Some([lost, mended]) = uncounted() else { return };
    let store = Store::fresh().await.unwrap();
    store.db.execute_unprepared(lost).await.unwrap();
    let (content, mut wrong) = examine(&store, APP_KEY).await;
    store.db.execute_unprepared(mended).await.unwrap();
    wrong.retain(|line| line.contains(" schema: "));
    let told = "error schema: column support_departments.id no longer counts up: no row can be made";
    assert_eq!((content, wrong), (false, vec![told.to_owned()]));
    store.close().await.unwrap();
}
