//! What lists cost as a shop grows: each filter and each order of every list of both APIs, by the plans of the database.
//!
//! `GUICHET_GROWTH=1` runs it, on the database of `GUICHET_TEST_DATABASE`; `GUICHET_GROWTH=write` records what it finds, and
//! writes `docs/growth.md`.
//!
//! | Module | Holds |
//! |---|---|
//! | [`page`] | `docs/growth.md` |
//! | [`plan`] | how a database runs a statement |
//! | [`question`] | what can be asked of every list |
//! | [`record`] | what was found, kept in `plans/` |

mod page;
mod plan;
mod question;
mod record;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use guichet::database::source::SentStatement;
use guichet::platform::config::Config;
use guichet::server::schema;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Values};

use self::plan::{Cost, explain};
use self::question::Question;
use self::record::Costs;
use crate::harness::shop::Shop;
use crate::harness::store::{BACKEND, Store};

/// A statement and its values.
type Sent = (String, Option<Values>);
/// Tables of statements that other requests may have sent: keys, and settings that are remembered.
const OTHERS: [&str; 4] = [
    "personal_access_tokens",
    "FROM `settings` WHERE `settings`.`name` IN",
    "FROM \"settings\" WHERE \"settings\".\"name\" IN",
    "guichet_key_restrictions",
];

#[tokio::test]
async fn no_list_costs_more_than_its_tables_once() {
    let Ok(mode) = std::env::var("GUICHET_GROWTH") else { return };
    let sent = Arc::new(Mutex::new(Vec::<Sent>::new()));
    let shop = seeded_shop(&sent).await;
    let mut questions = question::of_graphql(&shop, &schema::registry()).await;
    questions.extend(question::of_rest());
    let mut asked: Vec<(Question, Vec<Sent>)> = Vec::new();
    for question in questions {
        sent.lock().unwrap().clear();
        question.ask(&shop).await;
        let statements = std::mem::take(&mut *sent.lock().unwrap());
        asked.push((question, statements.into_iter().filter(|(sql, _)| !is_others(sql)).collect()));
    }
    let with_further = costs(&shop, &asked).await;
    for index in migration::further_indexes(*BACKEND) {
        shop.sql(&index.drop).await;
    }
    analyze(&shop).await;
    let own = costs(&shop, &asked).await;
    shop.close().await;

    let found = asked.iter().zip(own).zip(with_further);
    let found: Vec<_> = found.map(|(((question, _), own), further)| (question, own, further)).collect();
    let worse = found.iter().map(|(question, own, further)| (*question, own.worst().max(further.worst())));
    let worse: Vec<String> = worse
        .filter(|(_, worst)| matches!(worst, Cost::Worse(_)))
        .map(|(question, worst)| format!("{} {} {}: {worst}", question.list, question.asks, question.by))
        .collect();
    let found = record::written(&found);
    if mode == "write" {
        record::keep(*BACKEND, &found);
        page::write();
    }
    assert!(
        worse.is_empty(),
        "{} questions cost more than a scan of each table:\n{}",
        worse.len(),
        worse.join("\n")
    );
    record::compare(*BACKEND, &found);
}

/// A shop of a size at which plans are those of a large one.
async fn seeded_shop(sent: &Arc<Mutex<Vec<Sent>>>) -> Shop {
    let size = ["--customers=2000", "--products=400", "--seed=1", "--date=2026-11-23"];
    let store = Store::seeded(&size).await.unwrap();
    let seen = Arc::clone(sent);
    let observer = move |statement: &SentStatement<'_>| {
        seen.lock().unwrap().push((statement.sql.to_owned(), statement.values.cloned()));
    };
    let unlimited = |config: &mut Config| {
        (config.rate_limit, config.cost_limit, config.count_ttl) = (None, None, Duration::ZERO);
    };
    let shop = Shop::over(store, "en", unlimited, observer).await;
    // What `guichet seed` does not make.
    for sql in [
        "INSERT INTO coupons (code, type, customer_id, products_required, created_at, updated_at) \
         SELECT email, 'percent', id, '[]', created_at, updated_at FROM customers",
        "INSERT INTO coupon_usages (coupon_id, customer_id, used_at, amount, created_at) \
         SELECT coupons.id, coupons.customer_id, services.created_at, 1, services.created_at \
         FROM coupons JOIN services ON services.customer_id = coupons.customer_id",
        "INSERT INTO coupon_products (coupon_id, product_id, created_at) \
         SELECT coupons.id, products.id, coupons.created_at \
         FROM coupons JOIN products ON products.id % 40 = coupons.id % 40",
    ] {
        shop.sql(sql).await;
    }
    analyze(&shop).await;
    shop
}

/// Whether a statement is not one of the request itself.
fn is_others(sql: &str) -> bool {
    OTHERS.iter().any(|other| sql.contains(other))
}

async fn costs(shop: &Shop, asked: &[(Question, Vec<Sent>)]) -> Vec<Costs> {
    let mut costs = Vec::new();
    for (_, statements) in asked {
        let mut of = Costs::default();
        for (sql, values) in statements {
            let explained = explain(shop.db(), sql, values.clone()).await;
            let (cost, told) = explained.unwrap_or_else(|error| panic!("{sql}: {error}"));
            if matches!(cost, Cost::Worse(_)) {
                println!("{sql}\n{told}");
            }
            of.add(sql, cost);
        }
        costs.push(of);
    }
    costs
}

/// Lets the database count the rows, all of them, so that plans are the same each time.
async fn analyze(shop: &Shop) {
    match *BACKEND {
        // How much of an index can be read without its table is known after VACUUM, which the server else does when it likes.
        DbBackend::Postgres => shop.sql("VACUUM ANALYZE").await,
        DbBackend::MySql => {
            for table in migration::tables() {
                shop.sql(&format!("ALTER TABLE `{table}` STATS_SAMPLE_PAGES = 65535")).await;
                let sql = format!("ANALYZE TABLE `{table}`");
                shop.db().query_all_raw(Statement::from_string(*BACKEND, sql)).await.unwrap();
            }
        }
        _ => {}
    }
}
