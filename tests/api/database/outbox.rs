//! Rows of the outbox are taken by one process each, in the order of their record, and never twice at the same time.

use chrono::{DateTime, TimeDelta, Utc};
use entity::Id;
use guichet::shop::outbox::{self, GIVEN_UP, MAIL, Row, WAITING, WEBHOOK};
use migration::OWN;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue, DatabaseConnection, EntityTrait as _, IntoActiveModel as _,
};

use crate::harness::store::Store;

fn now() -> DateTime<Utc> {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

/// Writes a row of a record.
async fn add(db: &DatabaseConnection, record: &str) -> i64 {
    let row = Row {
        id: Id(0),
        message_id: format!("msg_{record}"),
        kind: MAIL.to_owned(),
        record: record.to_owned(),
        event: "reset".to_owned(),
        mail_id: Id(1),
        target: String::new(),
        body: String::new(),
        created_at: now().timestamp_millis(),
        state: WAITING.to_owned(),
        attempts: 0,
        due_at: now().timestamp_millis(),
        gives_up_at: (now() + TimeDelta::days(1)).timestamp_millis(),
        lease: String::new(),
        leased_until: 0,
        error: String::new(),
    };
    let mut row = row.into_active_model();
    row.id = ActiveValue::NotSet;
    row.reset_all().insert(db).await.unwrap().id.0
}

async fn store() -> Store {
    let store = Store::fresh().await.unwrap();
    OWN.up(&store.db).await.unwrap();
    store
}

async fn take(store: &Store, at: DateTime<Utc>) -> Vec<Row> {
    outbox::take(&store.db, &[MAIL], at, 100).await.unwrap()
}

fn ids(rows: &[Row]) -> Vec<i64> {
    let mut ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn of_several_processes_one_takes_a_row() {
    let store = store().await;
    let mut first = Vec::new();
    for record in 0..20 {
        first.push(add(&store.db, &format!("customer:{record}")).await);
        add(&store.db, &format!("customer:{record}")).await;
    }
    let take = || outbox::take(&store.db, &[MAIL], now(), 100);
    let (a, b, c, d) = tokio::join!(take(), take(), take(), take());
    let taken = [a, b, c, d].map(Result::unwrap_or_default).concat();
    // A node that another one was faster than may have ended a statement.
    let left = outbox::take(&store.db, &[MAIL], now(), 100).await.unwrap();
    assert_eq!(ids(&[taken, left].concat()), first, "each once, and of each record the first one");
    OWN.down(&store.db).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_row_blocks_its_record_until_it_is_sent_or_given_up() {
    let store = store().await;
    let (first, second) = (add(&store.db, "customer:1").await, add(&store.db, "customer:1").await);
    let other = add(&store.db, "customer:2").await;
    let taken = take(&store, now()).await;
    assert_eq!(ids(&taken), [first, other]);
    for row in &taken {
        assert!(!outbox::failed(&store.db, row, "later", false, now()).await.unwrap());
    }
    assert_eq!(take(&store, now()).await, [], "it is not due");
    let (soon, late) = (now() + TimeDelta::seconds(2), now() + TimeDelta::days(2));
    assert_eq!(ids(&take(&store, soon).await), [first, other]);
    assert_eq!(take(&store, soon).await, [], "it is under way");
    // The process has died.
    let taken = take(&store, late).await;
    assert_eq!(ids(&taken), [first, other]);
    assert_eq!(taken[0].attempts, 3);
    for row in &taken {
        assert!(outbox::failed(&store.db, row, "too late", false, late).await.unwrap());
    }
    assert_eq!(ids(&take(&store, late).await), [second]);
    let row = outbox::Entity::find_by_id(Id(first)).one(&store.db).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.error.as_str()), (GIVEN_UP, "too late"));
    assert_eq!(outbox::retry(&store.db, [Id(first)], late).await.unwrap(), 1);
    assert_eq!(ids(&take(&store, late).await), [first]);
    OWN.down(&store.db).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_another_process_has_taken_over_is_not_changed() {
    let store = store().await;
    add(&store.db, "customer:1").await;
    let slow = take(&store, now()).await;
    let later = now() + TimeDelta::minutes(2);
    let fast = take(&store, later).await;
    assert_eq!(fast.len(), 1);
    outbox::failed(&store.db, &slow[0], "slow", true, later).await.unwrap();
    let row = outbox::Entity::find_by_id(slow[0].id).one(&store.db).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), &row.lease), (WAITING, &fast[0].lease));
    outbox::done(&store.db, &slow[0]).await.unwrap();
    assert!(outbox::backlog(&store.db).await.unwrap().is_empty(), "it was sent");
    let none = outbox::take(&store.db, &[WEBHOOK], later, 1).await.unwrap();
    assert_eq!(none, []);
    OWN.down(&store.db).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_was_given_up_long_ago_is_deleted() {
    let store = store().await;
    let id = add(&store.db, "customer:1").await;
    let taken = take(&store, now()).await;
    outbox::failed(&store.db, &taken[0], "no", true, now()).await.unwrap();
    outbox::forget_old(&store.db, now() + TimeDelta::days(29)).await.unwrap();
    assert_eq!(outbox::backlog(&store.db).await.unwrap().len(), 1);
    outbox::forget_old(&store.db, now() + TimeDelta::days(31)).await.unwrap();
    assert_eq!(outbox::drop_rows(&store.db, [Id(id)]).await.unwrap(), 0);
    OWN.down(&store.db).await.unwrap();
    store.close().await.unwrap();
}
