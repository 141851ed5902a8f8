//! The outbox: mails and webhooks that are to be sent. A row is written in the transaction of what it tells, so it is
//! there if and only if that has happened. A worker of the server sends it after the commit (`src/server/outbox/`).
//!
//! - A process takes a row by writing its name into it (a lease): of several that try, the row changes for one. A row
//!   lock would be known to one node of a Galera cluster alone; a write is not.
//! - A row is sent at least once. If a process dies before it has deleted the row, another one sends it again after the
//!   lease, with the same identifier.
//! - Of one record, only the first waiting row is taken. The next ones wait until it is sent or given up.

mod row;

use chrono::{DateTime, TimeDelta, Utc};
use entity::Id;
use rand::seq::SliceRandom;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

pub use self::row::{Column, Entity, Model as Row};
use crate::Result;
use crate::platform::random;
use crate::shop::Shop;

/// A row that is a mail.
pub const MAIL: &str = "mail";
/// A row that is a webhook.
pub const WEBHOOK: &str = "webhook";
/// A row that is still to be sent.
pub const WAITING: &str = "waiting";
/// A row that was tried in vain for a day, or that the receiver has refused for good.
pub const GIVEN_UP: &str = "given_up";

/// How long a row is tried.
const LIFETIME: TimeDelta = TimeDelta::days(1);
/// How long a row that was given up is kept, for an operator who sends it again.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How long a process has for an attempt: longer than an attempt may take.
const LEASE: TimeDelta = TimeDelta::seconds(45);
/// The pause after the first attempt, and the longest one. The pause doubles after each attempt.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(1);
const MAX_PAUSE: TimeDelta = TimeDelta::minutes(15);
/// Random letters of an identifier and of a lease.
const RANDOM_LETTERS: usize = 32;
/// Length of the column of addresses, in characters.
pub const MAX_TARGET: usize = 2000;
/// Length of the column of errors, in characters.
const MAX_ERROR: usize = 500;
/// Rows that one statement deletes of those that were given up long ago.
const MAX_DELETED: u64 = 500;

/// What is to be sent.
pub enum Message<'a> {
    /// The mail in this row of `email_messages`.
    Mail(Id),
    /// An HTTP request with this body of JSON.
    Webhook {
        /// Where it goes.
        target: &'a str,
        /// Its body.
        body: String,
    },
}

/// Writes a row into the transaction `db`. Where the operator lets guichet make no tables, there is none, and nothing is
/// sent.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(
    shop: &Shop,
    db: &impl ConnectionTrait,
    record: (&str, Id),
    event: &str,
    message: Message<'_>,
) -> Result<()> {
    if !shop.own_tables.has_outbox() {
        tracing::warn!(
            event,
            "nothing is sent, because there is no outbox: `guichet doctor` tells how to make it"
        );
        return Ok(());
    }
    let now = shop.clock.now();
    let (kind, mail_id, target, body) = match message {
        Message::Mail(id) => (MAIL, id, "", String::new()),
        Message::Webhook { target, body } => (WEBHOOK, Id(0), target, body),
    };
    let row = row::ActiveModel {
        message_id: Set(format!("msg_{}", random::text(RANDOM_LETTERS))),
        kind: Set(kind.to_owned()),
        record: Set(name(record)),
        event: Set(event.to_owned()),
        mail_id: Set(mail_id),
        target: Set(target.to_owned()),
        body: Set(body),
        created_at: Set(now.timestamp_millis()),
        state: Set(WAITING.to_owned()),
        attempts: Set(0),
        due_at: Set(now.timestamp_millis()),
        gives_up_at: Set((now + LIFETIME).timestamp_millis()),
        lease: Set(String::new()),
        leased_until: Set(0),
        error: Set(String::new()),
        ..Default::default()
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Whether mails are sent by this shop's processes: the operator wants it, and the table is there.
pub fn sends_mail(shop: &Shop) -> bool {
    shop.config.mail.is_some() && shop.own_tables.has_outbox()
}

/// Takes up to `limit` rows of these kinds that are due, each the first waiting one of its record.
///
/// # Errors
/// When the database fails.
pub async fn take(
    db: &impl ConnectionTrait,
    kinds: &[&str],
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut rows = due(kinds, now).limit(limit).all(db).await?;
    // Processes that look at the same moment begin with different rows.
    rows.shuffle(&mut rand::rng());
    let mut taken = Vec::new();
    for row in rows {
        taken.extend(lease(db, row, now).await?);
    }
    Ok(taken)
}

/// Rows that are due and that nobody sends, each the first waiting one of its record.
fn due(kinds: &[&str], now: DateTime<Utc>) -> Select<Entity> {
    let earlier = Alias::new("earlier");
    let of_earlier = |column: Column| Expr::col((earlier.clone(), column));
    let before = Query::select()
        .expr(Expr::value(1))
        .from_as(Entity, earlier.clone())
        .and_where(of_earlier(Column::Record).equals((Entity, Column::Record)))
        .and_where(of_earlier(Column::Kind).equals((Entity, Column::Kind)))
        .and_where(of_earlier(Column::State).eq(WAITING))
        .and_where(of_earlier(Column::Id).lt(Expr::col((Entity, Column::Id))))
        .to_owned();
    free(now)
        .filter(Column::Kind.is_in(kinds.iter().copied()))
        .filter(Expr::not_exists(before))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
}

/// Rows that are due and that nobody sends.
fn free(now: DateTime<Utc>) -> Select<Entity> {
    let now = now.timestamp_millis();
    Entity::find()
        .filter(Column::State.eq(WAITING))
        .filter(Column::DueAt.lte(now))
        .filter(Column::LeasedUntil.lte(now))
}

/// Takes a row, unless another process has taken it.
async fn lease(db: &impl ConnectionTrait, row: Row, now: DateTime<Utc>) -> Result<Option<Row>, DbErr> {
    let (lease, until) = (random::text(RANDOM_LETTERS), (now + LEASE).timestamp_millis());
    let now = now.timestamp_millis();
    let taken = Entity::update_many()
        .col_expr(Column::Lease, Expr::value(lease.as_str()))
        .col_expr(Column::LeasedUntil, Expr::value(until))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(Column::Id.eq(row.id))
        .filter(Column::State.eq(WAITING))
        .filter(Column::Attempts.eq(row.attempts))
        .filter(Column::DueAt.lte(now))
        .filter(Column::LeasedUntil.lte(now))
        .exec(db)
        .await?;
    let attempts = row.attempts + 1;
    Ok((taken.rows_affected == 1).then_some(Row { lease, leased_until: until, attempts, ..row }))
}

/// Deletes a row that was sent, or that has nothing to send any more.
///
/// # Errors
/// When the database fails.
pub async fn done(db: &impl ConnectionTrait, row: &Row) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Id.eq(row.id)).exec(db).await.map(drop)
}

/// Notes that an attempt has failed. Returns whether it was the last one: `is_final`, or after a day.
///
/// # Errors
/// When the database fails.
pub async fn failed(
    db: &impl ConnectionTrait,
    row: &Row,
    error: &str,
    is_final: bool,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let gives_up = is_final || now.timestamp_millis() >= row.gives_up_at;
    let due = now + pause_after(row.attempts);
    let error: String = error.chars().take(MAX_ERROR).collect();
    Entity::update_many()
        .col_expr(Column::State, Expr::value(if gives_up { GIVEN_UP } else { WAITING }))
        .col_expr(Column::DueAt, Expr::value(due.timestamp_millis()))
        .col_expr(Column::Lease, Expr::value(""))
        .col_expr(Column::LeasedUntil, Expr::value(0))
        .col_expr(Column::Error, Expr::value(error))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Lease.eq(row.lease.as_str()))
        .exec(db)
        .await?;
    Ok(gives_up)
}

/// The pause after this many attempts: random, so that rows that failed together are not tried together again.
fn pause_after(attempts: i64) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 20)).unwrap_or_default();
    let longest = FIRST_PAUSE.num_milliseconds().saturating_mul(1 << doublings);
    let longest = Ord::min(longest, MAX_PAUSE.num_milliseconds());
    TimeDelta::milliseconds(rand::random_range(longest / 2..=longest))
}

/// Deletes rows that were given up long ago: a webhook's body is personal data.
///
/// # Errors
/// When the database fails.
pub async fn forget_old(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let last = (now - KEPT).timestamp_millis();
    let old = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::State.eq(GIVEN_UP))
        .filter(Column::DueAt.lt(last));
    let ids: Vec<Id> = old.limit(MAX_DELETED).into_tuple().all(db).await?;
    if !ids.is_empty() {
        Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await?;
    }
    Ok(())
}

/// Lets rows be tried now and for another day, also those that were given up. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn retry(
    db: &impl ConnectionTrait,
    rows: impl IntoIterator<Item = Id>,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let retried = Entity::update_many()
        .col_expr(Column::State, Expr::value(WAITING))
        .col_expr(Column::DueAt, Expr::value(now.timestamp_millis()))
        .col_expr(Column::GivesUpAt, Expr::value((now + LIFETIME).timestamp_millis()))
        .filter(Column::Id.is_in(rows))
        .exec(db)
        .await?;
    Ok(retried.rows_affected)
}

/// Deletes rows, so that they are never sent. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn drop_rows(db: &impl ConnectionTrait, rows: impl IntoIterator<Item = Id>) -> Result<u64, DbErr> {
    let deleted = Entity::delete_many().filter(Column::Id.is_in(rows)).exec(db).await?;
    Ok(deleted.rows_affected)
}

/// Deletes what is to be sent of a kind about a record.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, record: (&str, Id), kind: &str) -> Result<(), DbErr> {
    let rows = Entity::delete_many().filter(Column::Record.eq(name(record))).filter(Column::Kind.eq(kind));
    rows.exec(db).await.map(drop)
}

/// A record as its column has it.
fn name((kind, id): (&str, Id)) -> String {
    format!("{kind}:{}", id.0)
}

/// How many rows of a kind are in a state, and when the oldest was written.
#[derive(Clone, Debug, PartialEq, Eq, sea_orm::FromQueryResult)]
pub struct Backlog {
    /// Kind of the rows.
    pub kind: String,
    /// Their state.
    pub state: String,
    /// How many there are.
    pub rows: i64,
    /// When the oldest was written, in Unix milliseconds.
    pub oldest: i64,
}

/// How many rows there are.
///
/// # Errors
/// When the database fails.
pub async fn backlog(db: &impl ConnectionTrait) -> Result<Vec<Backlog>, DbErr> {
    let counted = Entity::find()
        .select_only()
        .column(Column::Kind)
        .column(Column::State)
        .column_as(Column::Id.count(), "rows")
        .column_as(ColumnTrait::min(&Column::CreatedAt), "oldest")
        .group_by(Column::Kind)
        .group_by(Column::State);
    counted.into_model().all(db).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (attempts, longest) in [(0, 1), (1, 1), (2, 2), (3, 4), (10, 512), (11, 900), (i64::MAX, 900)] {
            let pause = pause_after(attempts).num_milliseconds();
            assert!((longest * 500..=longest * 1000).contains(&pause), "{attempts}: {pause}");
        }
    }
}
