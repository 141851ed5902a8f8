//! The command line, as a shop's administrator uses it: the built program on an SQLite file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A folder with a migrated database, removed at the end.
struct Shop(PathBuf);

impl Shop {
    fn new(name: &str) -> Self {
        let shop = Self::empty(name);
        assert_eq!(shop.run(&["migrate"]).code, 0);
        shop
    }

    fn empty(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("guichet-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_guichet"));
        program.env_clear().current_dir(&self.0);
        program
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.program()
            .env("DATABASE_URL", "sqlite:shop.sqlite")
            .args(arguments)
            .output()
            .expect("the program")
            .into()
    }

    /// Runs a statement in the database.
    fn sql(&self, sql: &str) {
        let database = guichet::platform::config::Database::file(self.0.join("shop.sqlite"));
        let config = guichet::platform::config::Config { database, ..Default::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let db = guichet::database::connect_or_create(&config).await.expect("the database");
            sea_orm::ConnectionTrait::execute_unprepared(&db, sql).await.expect("the statement");
            db.close().await.expect("the end");
        });
    }

    /// One customer, one member of the staff, and little else.
    fn seeded(name: &str) -> Self {
        let shop = Self::new(name);
        let small = ["--customers=2", "--products=2", "--services=2", "--invoices=5", "--tickets=1"];
        let seeded = shop.run(&[["seed"].as_slice(), &small].concat());
        assert_eq!((seeded.code, seeded.errors.as_str()), (0, ""));
        shop
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Ran {
    code: i32,
    output: String,
    errors: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

const STAFF: &str = "admin@example.com";

#[test]
fn the_contract_files_are_current() {
    let shop = Shop::empty("contracts");
    let ran = shop.run(&["contracts", "--check", "--dir", env!("CARGO_MANIFEST_DIR")]);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""), "run `guichet contracts`");
}

#[test]
fn routes_are_listed_with_what_they_need() {
    let shop = Shop::empty("routes");
    let told = shop.run(&["routes"]);
    let line = told.output.lines().find(|line| line.contains("POST   /api/application/products "));
    let words: Vec<_> = line.expect("a route").split_whitespace().collect();
    assert_eq!(words, ["POST", "/api/application/products", "createProduct", "products:store"]);
    let listed: serde_json::Value =
        serde_json::from_str(&shop.run(&["routes", "--json"]).output).expect("JSON");
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.len(), told.output.lines().count());
    let expected = serde_json::json!({
        "method": "GET", "path": "/api/application/health", "operation": "getHealth", "abilities": ["health"],
        "tag": "Core"
    });
    assert!(listed.contains(&expected), "{listed:?}");
}

#[test]
fn a_key_is_printed_once_with_what_it_may_do() {
    let shop = Shop::seeded("create");
    let made = shop.run(&["create-api-key", "backup", STAFF]);
    assert_eq!(made.code, 0, "{}", made.errors);
    let lines: Vec<_> = made.output.lines().collect();
    assert_eq!(lines[..3], ["API key created successfully", "Name: backup", "Email: admin@example.com"]);
    let secret = lines[3].strip_prefix("Token: 1|CLIENTXCMS").expect("a token");
    assert_eq!(secret.len(), 48);
    assert_eq!(lines[4..6], ["Documentation: https://localhost/api/documentation", "Abilities: *"]);
    assert!(lines[6].starts_with("Ends: 20"), "{}", lines[6]);
    let token = lines[3].strip_prefix("Token: ").unwrap();
    assert!(
        lines[7].starts_with(&format!("Try it: curl -H 'Authorization: Bearer {token}'")),
        "{}",
        lines[7]
    );
    // It proves the key: a question that needs none would be answered without it, too.
    assert!(lines[7].contains(r#"-d '{"query": "{ me { kind name } }"}'"#), "{}", lines[7]);
    assert_eq!(lines.len(), 8);
}

#[test]
fn keys_are_told_as_json_and_in_a_narrow_table() {
    let shop = Shop::seeded("json");
    let rights = "--permissions=products:* groups:index";
    let made = shop.run(&["create-api-key", "a name that is rather long", STAFF, rights, "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made.output).expect("JSON");
    assert!(made["token"].as_str().is_some_and(|token| token.starts_with("1|")), "{made}");
    assert!(made["abilities"].as_array().is_some_and(|abilities| abilities.len() > 4), "{made}");
    let listed: serde_json::Value =
        serde_json::from_str(&shop.run(&["list-api-keys", "--json"]).output).expect("JSON");
    assert_eq!((&listed[0]["abilities"], &listed[0]["ends"]), (&made["abilities"], &made["ends"]));
    assert_eq!((&listed[0]["owner"], &listed[0]["type"]), (&STAFF.into(), &"application".into()));
    let table = shop.run(&["list-api-keys"]).output;
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    assert!(table.contains("a name that i…") && table.contains("products:delete +"), "{table}");
}

#[test]
fn a_rotated_key_works_on_for_a_while() {
    let shop = Shop::seeded("rotate");
    shop.run(&["create-api-key", "backup", STAFF, "--permissions=health"]);
    let made = shop.run(&["rotate-api-key", "1", "--overlap=2", "--json"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    let made: serde_json::Value = serde_json::from_str(&made.output).expect("JSON");
    assert_eq!((&made["id"], &made["name"], &made["email"]), (&2.into(), &"backup".into(), &STAFF.into()));
    assert_eq!(made["abilities"], serde_json::json!(["health"]));
    let listed: serde_json::Value =
        serde_json::from_str(&shop.run(&["list-api-keys", "--json"]).output).expect("JSON");
    let end =
        |key: usize| chrono::DateTime::parse_from_rfc3339(listed[key]["ends"].as_str().unwrap()).unwrap();
    let left = end(0).signed_duration_since(chrono::Utc::now());
    assert!((100..=120).contains(&left.num_minutes()), "{left}");
    assert!(end(1) > end(0));
    assert_eq!(shop.run(&["rotate-api-key", "2", "--overlap=0"]).code, 0);
    let again = shop.run(&["rotate-api-key", "2"]);
    assert_eq!((again.code, again.errors.as_str()), (1, "guichet: API key 2 has ended: make a new one\n"));
    assert_eq!(shop.run(&["rotate-api-key", "9"]).errors, "guichet: there is no API key 9\n");
}

/// Two keys in a row work at most: the one before them ends.
#[test]
fn a_key_that_was_replaced_is_not_rotated_again() {
    let shop = Shop::seeded("rotate-twice");
    shop.run(&["create-api-key", "backup", STAFF, "--permissions=health", "--expires=2999-01-31 12:00"]);
    let json = |arguments: &[&str]| -> serde_json::Value {
        let ran = shop.run(&[arguments, &["--json"]].concat());
        assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
        serde_json::from_str(&ran.output).expect("JSON")
    };
    let ends = |key: usize| json(&["list-api-keys"])[key]["ends"].clone();
    let rotated = json(&["rotate-api-key", "1"]);
    assert_eq!((&rotated["id"], &rotated["ended"]), (&2.into(), &serde_json::json!([])));
    assert_eq!((&rotated["replaced"]["id"], &rotated["replaced"]["ends"]), (&1.into(), &ends(0)));

    let refused = shop.run(&["rotate-api-key", "1"]);
    let text = "guichet: API key 1 was replaced by API key 2 and ends ";
    assert!(refused.code == 1 && refused.errors.starts_with(text), "{}", refused.errors);
    assert!(refused.errors.ends_with(": rotate API key 2, or revoke it first\n"), "{}", refused.errors);
    assert_eq!(json(&["list-api-keys"]).as_array().map(Vec::len), Some(2), "none was made");

    let rotated = shop.run(&["rotate-api-key", "2"]);
    assert!(
        rotated.output.ends_with("API key 1, which it had replaced, has ended\n"),
        "{}{}",
        rotated.output,
        rotated.errors
    );
    let now = chrono::Utc::now();
    let is_over = |end: serde_json::Value| {
        chrono::DateTime::parse_from_rfc3339(end.as_str().expect("an end")).expect("a time") <= now
    };
    assert!(is_over(ends(0)) && !is_over(ends(1)) && !is_over(ends(2)));
    assert_eq!(shop.run(&["rotate-api-key", "1"]).errors, "guichet: API key 1 has ended: make a new one\n");
}

#[test]
fn of_several_rotations_at_once_one_is_done() {
    let shop = Shop::seeded("rotate-at-once");
    shop.run(&["create-api-key", "backup", STAFF, "--permissions=health"]);
    // The table is there before.
    shop.run(&["rotate-api-key", "1"]);
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let rotate = || shop.run(&["rotate-api-key", "2"]).code;
        let all: Vec<_> = (0..4).map(|_| scope.spawn(rotate)).collect();
        all.into_iter().map(|rotation| rotation.join().expect("it ran")).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    let listed: serde_json::Value =
        serde_json::from_str(&shop.run(&["list-api-keys", "--json"]).output).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(3), "{listed}");
}

/// A key in the place of another one lives as long as that one would have, not only to the end of the overlap.
#[test]
fn a_key_whose_successor_is_gone_is_rotated_with_the_end_that_it_had() {
    let shop = Shop::seeded("rotate-anew");
    let run = |arguments: &[&str]| -> Ran {
        let mut program = shop.program();
        program.env("DATABASE_URL", "sqlite:shop.sqlite").env("SANCTUM_TOKEN_EXPIRATION", "0");
        program.args(arguments).output().expect("the program").into()
    };
    assert_eq!(run(&["create-api-key", "backup", STAFF, "--expires=2999-01-31T12:00"]).code, 0);
    assert_eq!(run(&["rotate-api-key", "1"]).code, 0);
    assert_eq!(run(&["revoke-api-key", "2"]).code, 0);
    let made = run(&["rotate-api-key", "1", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made.output).expect("JSON");
    assert_eq!(made["ends"], "2999-01-31T11:00:00Z");
}

#[test]
fn an_end_is_a_day_or_a_moment_of_the_shop() {
    let shop = Shop::seeded("expires");
    for (zone, text, end) in [
        ("Europe/Paris", "2999-01-31", "2999-01-31T22:59:59Z"),
        ("Europe/Paris", "2090-07-31 12:00", "2090-07-31T10:00:00Z"),
        ("America/New_York", "2999-01-31 12:00", "2999-01-31T17:00:00Z"),
        ("America/New_York", "2999-01-31T12:00:30", "2999-01-31T17:00:30Z"),
        ("UTC", "2999-01-31T12:00", "2999-01-31T12:00:00Z"),
    ] {
        let mut program = shop.program();
        program.env("DATABASE_URL", "sqlite:shop.sqlite").env("APP_TIMEZONE", zone);
        program.env("SANCTUM_TOKEN_EXPIRATION", "0");
        program.args(["create-api-key", "x", STAFF, "--json", "--expires", text]);
        let made = Ran::from(program.output().expect("the program"));
        assert_eq!(made.code, 0, "{}", made.errors);
        let made: serde_json::Value = serde_json::from_str(&made.output).expect("JSON");
        assert_eq!(made["ends"], end, "{zone} {text}");
    }
    for wrong in ["2999-01-31 12", "31.01.2999", "2999-02-30", "2020-01-01 12:00"] {
        let ran = shop.run(&["create-api-key", "x", STAFF, "--expires", wrong]);
        assert_eq!(ran.code, 2, "{wrong}");
    }
}

/// What is printed to be tried works where it is pasted.
#[test]
fn the_line_to_try_names_the_address_of_the_server() {
    let shop = Shop::seeded("try");
    let tried = |settings: &[(&str, &str)]| {
        let mut program = shop.program();
        program.env("DATABASE_URL", "sqlite:shop.sqlite").envs(settings.iter().copied());
        let made = Ran::from(program.args(["create-api-key", "x", STAFF]).output().expect("the program"));
        let line = made.output.lines().last().expect("a line").to_owned();
        line.rsplit_once(' ').expect("an address").1.to_owned()
    };
    assert_eq!(tried(&[]), "http://127.0.0.1:8080/graphql");
    assert_eq!(tried(&[("GUICHET_LISTEN", "0.0.0.0:8123")]), "http://127.0.0.1:8123/graphql");
    assert_eq!(tried(&[("APP_URL", "https://shop.example")]), "https://shop.example/graphql");
    // Links are https in production.
    assert_eq!(tried(&[("APP_URL", "http://shop.example")]), "https://shop.example/graphql");
    assert_eq!(
        tried(&[("APP_URL", "http://shop.example"), ("APP_FORCE_HTTPS", "0")]),
        "http://shop.example/graphql"
    );
}

#[test]
fn changes_of_keys_are_told_as_json() {
    let shop = Shop::seeded("changes-json");
    shop.run(&["create-api-key", "report", STAFF]);
    let json = |arguments: &[&str]| -> serde_json::Value {
        let ran = shop.run(arguments);
        assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
        serde_json::from_str(&ran.output).expect("JSON")
    };
    let restrictions = serde_json::json!({
        "allow": ["192.0.2.0/24"], "requests_per_minute": null, "read_only": true, "note": "",
    });
    assert_eq!(
        json(&["restrict-api-key", "1", "--allow=192.0.2.0/24", "--read-only", "--json"]),
        serde_json::json!({"id": 1, "name": "report", "restrictions": restrictions})
    );
    assert_eq!(
        json(&["restrict-api-key", "1", "--lift", "--json"]),
        serde_json::json!({"id": 1, "name": "report", "restrictions": null})
    );
    assert_eq!(
        json(&["revoke-api-key", "1", "--json"]),
        serde_json::json!({"id": 1, "name": "report", "revoked": true})
    );
}

#[test]
fn keys_are_restricted_and_told_as_such() {
    let shop = Shop::seeded("restricted");
    let listed = || -> serde_json::Value {
        serde_json::from_str(&shop.run(&["list-api-keys", "--json"]).output).expect("JSON")
    };
    let options = ["--allow=192.0.2.7/24,2001:db8::1", "--per-minute=30", "--read-only", "--note=the report"];
    let made = shop.run(&[["create-api-key", "report", STAFF].as_slice(), &options].concat());
    assert_eq!(made.code, 0, "{}", made.errors);
    let text = "only from 192.0.2.0/24, 2001:db8::1/128; 30 requests a minute; only reads; note: the report";
    assert!(made.output.contains(&format!("\nRestricted: {text}\n")), "{}", made.output);
    let table = shop.run(&["list-api-keys"]).output;
    assert!(
        table.contains("only from 192.0.2.0/24") && table.lines().all(|line| line.chars().count() <= 100),
        "{table}"
    );
    let expected = serde_json::json!({
        "allow": ["192.0.2.0/24", "2001:db8::1/128"], "requests_per_minute": 30, "read_only": true, "note": "the report",
    });
    assert_eq!(listed()[0]["restrictions"], expected);
    assert_eq!(shop.run(&["rotate-api-key", "1"]).code, 0);
    assert_eq!(listed()[1]["restrictions"], expected, "a key in the place of another has its restriction");
    let changed = shop.run(&["restrict-api-key", "2", "--note=", "--per-minute=7"]).output;
    let text = "only from 192.0.2.0/24, 2001:db8::1/128; 7 requests a minute; only reads";
    assert_eq!(changed, format!("API key 2 (report): {text}\n"), "what is not named stays");
    assert_eq!(shop.run(&["restrict-api-key", "1", "--lift"]).output, "API key 1 (report): not restricted\n");
    assert_eq!(listed()[0]["restrictions"], serde_json::Value::Null);
    shop.sql("DELETE FROM guichet_own_migrations");
    assert_eq!(
        listed()[1]["restrictions"]["requests_per_minute"],
        7,
        "the rows restrict, not the record of migrations"
    );
    for wrong in ["--allow=nowhere", "--allow=1.2.3.4/33", "--per-minute=0", "--note=a\nb"] {
        assert_eq!(shop.run(&["restrict-api-key", "2", wrong]).code, 2, "{wrong}");
    }
    assert_eq!(shop.run(&["restrict-api-key", "2"]).code, 2);
    assert_eq!(
        shop.run(&["restrict-api-key", "9", "--read-only"]).errors,
        "guichet: there is no API key 9\n"
    );
    assert_eq!(shop.run(&["revoke-api-key", "2"]).code, 0);
}

/// Whoever reads the report as JSON gets JSON.
#[test]
fn the_doctor_reports_a_file_that_cannot_be_read() {
    let shop = Shop::new("broken-file");
    std::fs::write(shop.0.join("broken.env"), "A=two words").expect("a file");
    let ran = shop.run(&["doctor", "--json", "--env-file", "broken.env"]);
    let report: serde_json::Value = serde_json::from_str(&ran.output).expect("JSON");
    assert_eq!((ran.code, &report["findings"][0]["check"]), (1, &"settings".into()), "{report:#}");
}

/// Whoever names the wrong database gets no tables and rows in it.
#[test]
fn a_database_of_another_program_is_left_alone() {
    let shop = Shop::new("other-database");
    assert_eq!(shop.run(&["seed", "--customers=1", "--products=1", "--services=1", "--invoices=1"]).code, 0);
    let again = shop.run(&["seed", "--customers=1"]);
    assert!(again.code == 2 && again.errors.contains("add --add"), "{}", again.errors);
    assert_eq!(
        shop.run(&["seed", "--add", "--customers=1", "--products=1", "--services=1", "--invoices=1"]).code,
        0
    );
    assert_eq!(shop.run(&["migrate"]).code, 0, "its own tables are no others");
    let other = Shop::empty("another-program");
    other.sql("CREATE TABLE wp_posts (id integer)");
    let refused = other.run(&["migrate"]);
    assert!(refused.code == 1 && refused.errors.contains("it holds wp_posts"), "{}", refused.errors);
    for command in ["serve", "list-api-keys"] {
        let refused = other.run(&[command]);
        let text =
            "guichet: this is not a shop's database, it holds wp_posts: correct DATABASE_URL or DB_DATABASE";
        assert!(refused.code == 1 && refused.errors.starts_with(text), "{}", refused.errors);
        assert!(!refused.errors.contains("migrate"), "{}", refused.errors);
    }
    let doctor = other.run(&["doctor"]);
    assert!(doctor.output.contains("probably not the shop's database"), "{}", doctor.output);
}

#[test]
fn a_shop_that_lost_a_table_is_still_a_shop() {
    let shop = Shop::new("lost-table");
    shop.sql("DROP TABLE personal_access_tokens");
    let refused = shop.run(&["list-api-keys"]);
    let text = "guichet: the database lacks a part of the shop's tables: `guichet doctor` tells which";
    assert!(refused.code == 1 && refused.errors.starts_with(text), "{}", refused.errors);
}

#[test]
fn keys_of_the_demo_shop_are_made_too() {
    let shop = Shop::new("demo-key");
    let run = |arguments: &[&str]| Ran::from(shop.program().args(arguments).output().expect("the program"));
    for command in [&["list-api-keys"][..], &["revoke-api-key", "1"], &["rotate-api-key", "1"]] {
        let ran = run(&[command, &["--demo"]].concat());
        let text = "guichet: there is no demo shop in the folder ./demo: `guichet serve --demo` makes one";
        assert!(ran.code == 1 && ran.errors.starts_with(text), "{}", ran.errors);
    }
    assert!(!shop.0.join("demo").exists(), "only the command that makes keys makes a shop");
    let made = run(&["create-api-key", "mine", "louise@lanternes.example", "--demo"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    assert!(run(&["list-api-keys", "--demo"]).output.contains("mine"));
    let refused = Ran::from(
        shop.program()
            .env("DATABASE_URL", "sqlite:shop.sqlite")
            .args(["list-api-keys", "--demo"])
            .output()
            .expect("the program"),
    );
    assert_eq!(refused.code, 2);
}

#[test]
fn what_no_key_may_do_is_refused() {
    let shop = Shop::seeded("refused");
    let refused = shop.run(&["create-api-key", "x", STAFF, "--permissions=products:indx"]);
    assert_eq!((refused.code, refused.output.as_str()), (2, ""));
    assert!(refused.errors.contains("did you mean `products:index`?"), "{}", refused.errors);
    assert_eq!(shop.run(&["list-api-keys"]).output.lines().count(), 1);
    let listed = shop.run(&["create-api-key", "--list-permissions"]);
    assert_eq!(listed.code, 0);
    assert!(
        listed.output.contains("products:store ") && listed.output.contains("Older names: "),
        "{}",
        listed.output
    );
    let refused = shop.run(&["create-api-key", "x", STAFF, "--type=customer", "--permissions=products:*"]);
    assert_eq!(refused.code, 2);
    assert!(refused.errors.contains("a key of a customer cannot have `products:*`"), "{}", refused.errors);
    let refused = shop.run(&["create-api-key", "x", STAFF, "--type=costumer"]);
    assert!(
        refused.code == 2 && refused.errors.contains("takes application or customer"),
        "{}",
        refused.errors
    );
}

#[test]
fn what_keys_may_do_is_listed_for_each_type() {
    let shop = Shop::empty("list-permissions");
    let list = |options: &[&str]| {
        let ran = shop.run(&[["create-api-key", "--list-permissions"].as_slice(), options].concat());
        assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
        ran.output
    };
    let [both, staff, customer] = [list(&[]), list(&["--type=application"]), list(&["--type=customer"])];
    let everything = "Everything of the administration, whatever the role of its owner.\n";
    for (listed, name, is_there) in [
        (&both, everything, true),
        (&both, "\nproducts:store ", true),
        (&both, "\nclient-api ", true),
        (&staff, everything, true),
        (&staff, "\nclient-api ", false),
        (&customer, everything, false),
        (&customer, "\nproducts:store ", false),
        (&customer, "\nclient-api ", true),
    ] {
        assert_eq!(listed.contains(name), is_there, "{name}: {listed}");
    }
    let objects: serde_json::Value =
        serde_json::from_str(&list(&["--json", "--type=application"])).expect("JSON");
    let objects = objects.as_array().expect("a list");
    let first = serde_json::json!({
        "name": "*", "type": "application", "opens": everything.trim_end(), "older_names": [],
    });
    assert_eq!((&objects[0], objects.len()), (&first, staff.lines().count()));
    let store = objects.iter().find(|object| object["name"] == "products:store").expect("an ability");
    assert_eq!(store["older_names"][0], "products:create");
}

#[test]
fn permissions_repeat_and_take_lists() {
    let shop = Shop::seeded("permissions");
    let rights = ["--permissions=customers:index,health", "--permissions", "logs:show", "--permissions=*"];
    let made =
        shop.run(&[["clientxcms:create-api-key", "a", "ADMIN@example.com"].as_slice(), &rights].concat());
    assert_eq!(made.code, 0, "{}", made.errors);
    shop.run(&["create-api-key", "b", "client1@exemple.test", "--type=customer", "--expires=2999-01-31"]);
    let listed = shop.run(&["list-api-keys"]).output;
    let owners_and_abilities =
        |line: &str| line.split_whitespace().skip(2).take(2).collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = listed.lines().skip(1).map(owners_and_abilities).collect();
    assert_eq!(lines, ["admin@example.com customers:index", "client1@exemple.test customer:*"]);
}

#[test]
fn an_unknown_account_is_a_failure() {
    let shop = Shop::seeded("unknown");
    let customer = "client1@exemple.test";
    for (arguments, printed, told) in [
        (
            &["clientxcms:create-api-key", "x", "nobody@example.com"][..],
            "Admin not found\n",
            "nobody@example.com\n",
        ),
        (
            &["clientxcms:create-api-key", "x", STAFF, "--type=client"],
            "Customer not found\n",
            "leave --type out\n",
        ),
        (
            &["create-api-key", "x", "nobody@example.com"],
            "",
            "no member of the staff has the address nobody@example.com\n",
        ),
        (
            &["create-api-key", "x", customer],
            "",
            "no member of the staff has the address client1@exemple.test; a customer does: --type customer\n",
        ),
        (
            &["create-api-key", "x", STAFF, "--type=customer"],
            "",
            "no customer has the address admin@example.com; a member of the staff does: leave --type out\n",
        ),
    ] {
        let ran = shop.run(arguments);
        assert_eq!((ran.code, ran.output.as_str()), (1, printed), "{arguments:?}");
        assert!(
            ran.errors.starts_with("guichet: no key made: ") && ran.errors.ends_with(told),
            "{}",
            ran.errors
        );
    }
    assert_eq!(shop.run(&["create-api-key", "x", STAFF, "--expires=soon"]).code, 2);
    assert_eq!(shop.run(&["create-api-key", "x", STAFF, "--expires=2020-01-01"]).code, 2);
    assert_eq!(shop.run(&["list-api-keys"]).output.lines().count(), 1);
}

/// Scripts around the original's command read its exit code.
#[test]
fn wrong_arguments_of_create_api_key_are_told_as_the_original_does() {
    let shop = Shop::seeded("arguments");
    for (arguments, text) in [
        (&["create-api-key"][..], "Not enough arguments (missing: \"name, email\")."),
        (&["clientxcms:create-api-key", "x"], "Not enough arguments (missing: \"email\")."),
        (&["create-api-key", "x", STAFF, "--nope"], "The \"--nope\" option does not exist."),
        (&["create-api-key", &"é".repeat(256), STAFF], "the name of a key has at most 255 letters"),
    ] {
        let ran = shop.run(arguments);
        assert_eq!((ran.code, ran.output.as_str()), (1, ""), "{arguments:?}");
        assert_eq!(ran.errors, format!("guichet: {text}\n"), "{arguments:?}");
    }
    assert_eq!(shop.run(&["create-api-key", &"é".repeat(255), STAFF]).code, 0);
    assert_eq!(shop.run(&["create-api-key", "--help"]).code, 0);
    assert_eq!(shop.run(&["revoke-api-key"]).code, 2);
}

#[test]
fn a_revoked_key_is_gone() {
    let shop = Shop::seeded("revoke");
    shop.run(&["create-api-key", "backup", STAFF]);
    let revoked = shop.run(&["revoke-api-key", "1"]);
    assert_eq!((revoked.code, revoked.output.as_str()), (0, "API key 1 (backup) revoked\n"));
    let again = shop.run(&["revoke-api-key", "1"]);
    assert_eq!((again.code, again.errors.as_str()), (1, "guichet: there is no API key 1\n"));
}

#[test]
fn a_database_without_tables_gets_a_hint() {
    let shop = Shop::empty("hint");
    std::fs::write(shop.0.join("shop.sqlite"), "").expect("an empty file");
    for command in ["serve", "list-api-keys"] {
        let ran = shop.run(&[command]);
        assert_eq!(ran.code, 1);
        assert!(ran.errors.contains("guichet migrate"), "{}", ran.errors);
        assert_eq!(ran.errors.lines().count(), 1);
    }
}

/// Somebody who has no settings yet is told where they come from.
#[test]
fn a_database_that_nothing_names_is_told_as_such() {
    let shop = Shop::empty("no-settings");
    let hint = "no setting names a database: start in the folder of the shop's .env, or name that file with --env-file";
    let run = |arguments: &[&str]| Ran::from(shop.program().args(arguments).output().expect("the program"));
    for arguments in [&["list-api-keys"][..], &["outbox", "list"]] {
        let ran = run(arguments);
        assert!(
            ran.code == 1 && ran.errors.contains(hint) && ran.errors.lines().count() == 1,
            "{}",
            ran.errors
        );
    }
    assert!(run(&["doctor"]).output.contains("warning  settings     no setting names a database\n"));
    let named = shop.run(&["list-api-keys"]);
    assert!(named.code == 1 && !named.errors.contains("no setting"), "{}", named.errors);
}

#[test]
fn the_doctor_prints_a_table_with_the_mend() {
    let shop = Shop::seeded("doctor");
    let ran = shop.run(&["doctor"]);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""), "{}", ran.output);
    assert!(ran.output.contains("\nok       schema       "), "{}", ran.output);
    assert!(ran.output.contains("warning  key          APP_KEY is not set\n"), "{}", ran.output);
    assert!(ran.output.contains("mend: set APP_KEY"), "{}", ran.output);
    let empty = Shop::empty("doctor-empty");
    std::fs::write(empty.0.join("shop.sqlite"), "").expect("an empty file");
    let ran = empty.run(&["doctor"]);
    assert_eq!(ran.code, 1);
    assert!(ran.output.contains("`guichet migrate`"), "{}", ran.output);
    let none = Shop::empty("doctor-none").run(&["doctor"]);
    assert_eq!(none.code, 1);
    assert!(none.output.contains("error    database     it cannot be opened"), "{}", none.output);
    let wrong =
        shop.program().env("APP_LOCALE", "de").args(["doctor", "--json"]).output().expect("the program");
    let wrong = Ran::from(wrong);
    assert_eq!(wrong.code, 1);
    assert!(wrong.output.contains("APP_LOCALE=de is not accepted"), "{}", wrong.output);
}

/// The file of the package explains settings that exist, and all of those of mails and webhooks.
#[test]
fn the_settings_of_the_package_exist() {
    let shop = Shop::empty("package-settings");
    let help = shop.run(&["serve", "--help"]).output;
    let file = include_str!("../contrib/debian/guichet.env");
    let setting = |line: &str| {
        let (name, _) = line.trim_start_matches('#').split_once('=')?;
        let is_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        name.chars().all(is_name).then(|| name.to_owned())
    };
    let explained: Vec<String> = file.lines().filter_map(setting).collect();
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let known: Vec<&str> = help.split(|letter: char| !is_letter(letter)).collect();
    for name in &explained {
        assert!(known.contains(&name.as_str()) || name == "RUST_LOG", "{name}");
    }
    let of_sending = |name: &&str| {
        ["MAIL_", "GUICHET_MAIL", "GUICHET_WEBHOOK_"].iter().any(|first| name.starts_with(first))
    };
    for name in known.iter().copied().filter(of_sending).filter(|name| !name.ends_with('_')) {
        assert!(explained.iter().any(|explained| explained == name), "{name}");
    }
}

#[test]
fn migrating_says_each_step() {
    let shop = Shop::empty("migrate");
    assert!(shop.run(&["migrate"]).output.starts_with("applied  "));
    assert!(shop.run(&["migrate", "status"]).output.starts_with("applied  "));
    assert_eq!(shop.run(&["migrate", "fresh"]).code, 2);
    let fresh = shop.run(&["migrate", "fresh", "--force"]);
    assert_eq!(fresh.code, 0, "{}", fresh.errors);
    assert!(fresh.output.lines().last().is_some_and(|line| line.starts_with("applied  ")));
}

#[test]
fn a_demo_is_never_laid_over_a_real_shop() {
    let shop = Shop::empty("demo");
    let ran = shop.run(&["serve", "--demo"]);
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("DATABASE_URL"), "{}", ran.errors);
    std::fs::write(shop.0.join(".env"), "DB_DATABASE=shop\n").expect("a file");
    let ran = Ran::from(shop.program().args(["serve", "--demo"]).output().expect("the program"));
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("DB_DATABASE"), "{}", ran.errors);
    assert!(!shop.0.join("demo").exists());
}

#[test]
fn settings_come_from_files_and_wrong_ones_are_named() {
    let shop = Shop::new("settings");
    std::fs::write(shop.0.join("my.env"), "DATABASE_URL=sqlite:shop.sqlite\nAPP_NAME=\"My shop\"\n")
        .expect("a file");
    let run = |arguments: &[&str]| Ran::from(shop.program().args(arguments).output().expect("the program"));
    assert_eq!(run(&["list-api-keys", "--env-file", "my.env"]).code, 0);
    let wrong =
        Ran::from(shop.program().env("APP_LOCALE", "de").arg("list-api-keys").output().expect("the program"));
    assert_eq!(
        (wrong.code, wrong.errors.as_str()),
        (1, "guichet: APP_LOCALE=de is not accepted: it takes fr or en\n")
    );
    assert_eq!(run(&["list-api-keys", "--env-file", "none.env"]).code, 1);
    assert!(run(&["serve", "--help"]).output.contains("GUICHET_COUNT_TTL"));
}

#[tokio::test]
async fn the_same_seed_makes_the_same_rows() {
    let first = invoices("same-a").await;
    assert_eq!(first.len(), 7);
    assert_eq!(first, invoices("same-b").await);
}

/// The invoices of a shop seeded for a certain day.
async fn invoices(name: &str) -> Vec<entity::invoice::Model> {
    use guichet::database;
    use guichet::platform::config;
    use sea_orm::EntityTrait;

    let shop = Shop::new(name);
    let ran = shop.run(&["seed", "--customers=3", "--products=3", "--invoices=7", "--date=2026-01-31"]);
    assert!(ran.output.starts_with("made "), "{}", ran.errors);
    let file = config::Database::file(shop.0.join("shop.sqlite"));
    let db = database::connect(&config::Config { database: file, ..Default::default() })
        .await
        .expect("the database");
    entity::invoice::Entity::find().all(&db).await.expect("its invoices")
}

#[test]
fn a_demo_prints_the_same_keys_at_every_start_and_stops_when_told() {
    let shop = Shop::empty("demo-keys");
    let first = serve_demo(&shop);
    assert!(first[0].starts_with("guichet serves a demo shop on http://127.0.0.1:"), "{first:?}");
    let keys = |lines: &[String]| lines.iter().filter(|line| line.contains("|CLIENTXCMS")).count();
    assert_eq!(keys(&first), 3);
    for account in [
        "camille.fabre@client.example",
        "idriss.benali@client.example",
        "louise@lanternes.example",
        "demo-password",
    ] {
        assert!(first.iter().any(|line| line.contains(account)), "{account}: {first:?}");
    }
    assert!(first[5].starts_with("  mails ") && first[5].ends_with("/mails"), "{first:?}");
    assert_eq!(first[6..8], serve_demo(&shop)[6..8]);
    for (name, mode) in [("demo", 0o700), ("demo/keys.json", 0o600), ("demo/shop.sqlite", 0o600)] {
        let file = std::fs::metadata(shop.0.join(name)).expect("a file");
        assert_eq!(file.permissions().mode() & 0o777, mode, "{name}");
    }
    assert!(!shop.0.join("demo/address").exists(), "no server runs");
}

#[test]
fn a_demo_makes_new_keys_in_the_place_of_those_that_are_gone() {
    let shop = Shop::empty("demo-revoked");
    let first = serve_demo(&shop);
    let run = |arguments: &[&str]| {
        let ran = Ran::from(shop.program().args(arguments).output().expect("the program"));
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.errors);
        ran.output
    };
    run(&["revoke-api-key", "1", "--demo"]);
    let second = serve_demo(&shop);
    assert!(first[6] != second[6] && first[7] == second[7], "{second:?}");
    let key = second[6].rsplit_once(' ').expect("a key").1;
    let (id, _) = key.split_once('|').expect("its number");
    assert!(second.last().is_some_and(|line| line.contains(key)), "{second:?}");
    let listed = run(&["list-api-keys", "--demo"]);
    assert!(listed.lines().any(|line| line.starts_with(&format!("{id} "))), "{listed}");
    assert_eq!(serve_demo(&shop)[6..8], second[6..8], "they are kept");
    run(&["rotate-api-key", "2", "--overlap=0", "--demo"]);
    let third = serve_demo(&shop);
    assert!(third[6] == second[6] && third[7] != second[7], "{third:?}");
    let secrets = std::fs::metadata(shop.0.join("demo/keys.json")).expect("a file");
    assert_eq!(secrets.permissions().mode() & 0o777, 0o600);
}

/// Keys that are made beside a running demo are tried where it listens.
#[test]
fn the_line_to_try_names_the_demo_that_runs() {
    let shop = Shop::empty("demo-try");
    let mut program = shop.program();
    program.args(["serve", "--demo", "--listen=127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = program.spawn().expect("the program");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let address = line.trim_end().rsplit_once("http://").expect("an address").1.to_owned();
    for (journal, mode) in [("demo/shop.sqlite-wal", 0o600), ("demo/shop.sqlite-shm", 0o600)] {
        let file = std::fs::metadata(shop.0.join(journal)).expect("a journal");
        assert_eq!(file.permissions().mode() & 0o777, mode, "{journal}");
    }
    let make = || {
        let made = ["create-api-key", "mine", "louise@lanternes.example", "--demo"];
        Ran::from(shop.program().args(made).output().expect("the program")).output
    };
    let made = make();
    terminate(&server);
    server.wait().expect("its end");
    assert!(made.trim_end().ends_with(&format!(" http://{address}/graphql")), "{made}");
    assert!(made.contains(&format!("Documentation: http://{address}/api/documentation")), "{made}");
    assert!(make().trim_end().ends_with(" http://127.0.0.1:8080/graphql"));
}

/// Starts a demo, reads its welcome, stops it by SIGTERM and waits for its end.
fn serve_demo(shop: &Shop) -> Vec<String> {
    let mut program = shop.program();
    program.args(["serve", "--demo", "--listen=127.0.0.1:0"]).stdout(Stdio::piped());
    let mut server = program.spawn().expect("the program");
    let output = BufReader::new(server.stdout.take().expect("its output"));
    let mut lines: Vec<String> = Vec::new();
    for line in output.lines().map_while(Result::ok) {
        lines.push(line);
        // The last one is a request to try.
        if lines.last().is_some_and(|line| line.trim_start().starts_with("curl ")) {
            break;
        }
    }
    let stopped = Command::new("kill").arg(server.id().to_string()).status().expect("kill");
    assert!(stopped.success());
    assert_eq!(server.wait().expect("its end").code(), Some(0));
    lines
}

/// A served shop: the program, and the address it listens on.
fn serve(shop: &Shop, settings: &[(&str, &str)]) -> (Child, String) {
    let mut program = shop.program();
    program.env("DATABASE_URL", "sqlite:shop.sqlite").envs(settings.iter().copied());
    program.args(["serve", "--listen=127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = program.spawn().expect("the program");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let address = line.trim_end().rsplit_once("http://").expect("an address").1.to_owned();
    (server, address)
}

#[test]
fn the_health_of_a_server_is_told_by_the_exit_code() {
    let shop = Shop::new("health");
    let (mut server, address) = serve(&shop, &[]);
    let alive = shop.run(&["health", "--address", &address]);
    assert_eq!((alive.code, alive.output.as_str()), (0, "{\"status\":\"ok\"}\n"), "{}", alive.errors);
    assert_eq!(shop.run(&["health", "--ready", "--address", &address]).code, 0);
    terminate(&server);
    server.wait().expect("its end");
    let gone = shop.run(&["health", "--address", &address]);
    assert_eq!(gone.code, 1);
    assert!(gone.errors.starts_with(&format!("guichet: {address} does not answer: ")), "{}", gone.errors);
}

#[test]
fn each_command_has_a_man_page() {
    let shop = Shop::empty("man");
    assert_eq!(shop.run(&["man", "pages", "--date=2026-11-30"]).code, 0);
    let page = |name: &str| std::fs::read_to_string(shop.0.join("pages").join(name)).expect("a page");
    assert!(page("guichet.1").contains("guichet\\-serve(1)"));
    assert!(page("guichet-serve.1").contains(".TH guichet-serve 1 2026-11-30 \"guichet "));
    assert!(page("guichet-serve.1").contains("GUICHET_LISTEN"));
    assert!(page("guichet-migrate-fresh.1").contains("force"));
}

fn terminate(server: &Child) {
    assert!(Command::new("kill").arg(server.id().to_string()).status().expect("kill").success());
}

const ASKED: &str = r#"{"query":"{ __typename }"}"#;

/// Sends a request up to the middle of its body.
fn half_asked(address: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        ASKED.len()
    );
    client.write_all((head + &ASKED[..9]).as_bytes()).expect("half a request");
    std::thread::sleep(Duration::from_millis(300));
    client
}

#[test]
fn a_request_that_was_accepted_is_answered_before_the_end() {
    let shop = Shop::new("drain");
    let (mut server, address) = serve(&shop, &[]);
    let mut client = half_asked(&address);
    terminate(&server);
    std::thread::sleep(Duration::from_millis(300));
    assert!(TcpStream::connect(&address).is_err(), "nothing new is accepted");
    client.write_all(&ASKED.as_bytes()[9..]).expect("the other half");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"data":{"__typename":"Query"}}"#),
        "{answer}"
    );
    assert_eq!(server.wait().expect("its end").code(), Some(0));
}

#[test]
fn a_client_that_never_ends_its_request_does_not_keep_the_server() {
    let shop = Shop::new("overdue");
    let (mut server, address) = serve(&shop, &[("GUICHET_TIMEOUT", "1")]);
    let _client = half_asked(&address);
    terminate(&server);
    assert_eq!(server.wait().expect("its end").code(), Some(0));
}
