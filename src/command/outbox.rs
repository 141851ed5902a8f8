//! `guichet outbox`: what is still to be sent, what was given up, and what an operator does about it.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use entity::Id;
use facade::failure::{self, Failure as Kind};
use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde_json::{Value as Json, json};
use url::Url;

use super::{Environment, Failure, say, shop};
use crate::shop::outbox::{self, Column, Entity, GIVEN_UP, Row, WAITING};

/// Rows that are listed, unless more are asked for.
const LISTED: &str = "100";
/// Most rows that a command reads or changes.
const MAX_ROWS: u64 = 100_000;
/// Rows that one statement changes.
const CHUNK: usize = 500;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the mails and webhooks that wait or were given up, the oldest first
    List(List),
    /// Try rows again now and for another day
    Retry(Rows),
    /// Delete rows, so that they are never sent
    Drop(Rows),
}

#[derive(Args)]
struct List {
    /// Only rows that were given up
    #[arg(long)]
    given_up: bool,
    /// How many rows
    #[arg(long, value_name = "ROWS", default_value = LISTED, value_parser = clap::value_parser!(u64).range(1..=MAX_ROWS))]
    limit: u64,
    /// Print JSON in place of a table
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Numbers of the rows, as the list has them
    ids: Vec<i64>,
    /// All rows that were given up
    #[arg(long)]
    given_up: bool,
    /// All rows
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
struct Rows {
    #[command(flatten)]
    which: Which,
    /// Print JSON in place of text
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(environment: &Environment, arguments: &Arguments) -> Result<(), Failure> {
    let db = shop(&environment.config()?).await?;
    match &arguments.action {
        Action::List(list) => print_list(&db, list).await,
        Action::Retry(rows) => {
            let ids = rows.which.ids(&db).await?;
            let mut retried = 0;
            for chunk in ids.chunks(CHUNK) {
                retried += outbox::retry(&db, chunk.iter().copied(), Utc::now()).await.map_err(cause)?;
            }
            rows.tell("retried", "is tried again", retried)
        }
        Action::Drop(rows) => {
            let ids = rows.which.ids(&db).await?;
            let mut dropped = 0;
            for chunk in ids.chunks(CHUNK) {
                dropped += outbox::drop_rows(&db, chunk.iter().copied()).await.map_err(cause)?;
            }
            rows.tell("dropped", "was deleted", dropped)
        }
    }
}

impl Which {
    /// The primary keys that are meant.
    async fn ids(&self, db: &DatabaseConnection) -> Result<Vec<Id>, Failure> {
        if !self.given_up && !self.all {
            return Ok(self.ids.iter().copied().map(Id).collect());
        }
        let meant = rows(self.given_up).select_only().column(Column::Id).limit(MAX_ROWS);
        meant.into_tuple().all(db).await.map_err(cause)
    }
}

impl Rows {
    /// Tells how many rows were changed. Numbers that no row has are a failure.
    fn tell(&self, name: &str, done: &str, changed: u64) -> Result<(), Failure> {
        let is_named = !self.which.given_up && !self.which.all;
        match changed {
            _ if self.json => say(&json!({ name: changed }).to_string()),
            0 if is_named => {}
            0 => say(&format!("no row {done}")),
            1 => say(&format!("1 row {done}")),
            many => say(&format!("{many} rows: each {done}")),
        }
        if is_named && changed == 0 {
            return Err(Failure::new("no row of the outbox has this number: see guichet outbox list"));
        }
        Ok(())
    }
}

/// The rows, the oldest first.
fn rows(only_given_up: bool) -> Select<Entity> {
    let states = if only_given_up { &[GIVEN_UP][..] } else { &[WAITING, GIVEN_UP] };
    Entity::find().filter(Column::State.is_in(states.iter().copied())).order_by_asc(Column::Id)
}

async fn print_list(db: &DatabaseConnection, list: &List) -> Result<(), Failure> {
    let rows = rows(list.given_up).limit(list.limit).all(db).await.map_err(cause)?;
    if list.json {
        let rows: Vec<Json> = rows.iter().map(object).collect();
        say(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if rows.is_empty() {
        say(if list.given_up { "Nothing was given up." } else { "Nothing waits, and nothing was given up." });
        return Ok(());
    }
    say(&line(["ID", "STATE", "KIND", "EVENT", "RECORD", "WRITTEN", "TRIED", "THEN", "WHY"]));
    for row in &rows {
        let then = match row.deleted_at() {
            Some(at) => format!("deleted {}", time(at)),
            None => format!("next {}", time(row.due_at)),
        };
        let (id, written, tried) = (row.id.0.to_string(), time(row.created_at), row.attempts.to_string());
        let known =
            [&id, &row.state, &row.kind, &row.event, &row.record, &written, &tried, &then, &row.error];
        say(&line(known.map(String::as_str)));
    }
    Ok(())
}

/// A line of the table, in columns.
fn line([id, state, kind, event, record, written, tried, then, why]: [&str; 9]) -> String {
    let line = format!(
        "{id:<8} {state:<8} {kind:<8} {event:<26} {record:<16} {written:<20} {tried:<5} {then:<28} {why}"
    );
    line.trim_end().to_owned()
}

/// A row as JSON, without what a webhook tells, which may be personal data, and of its address only the host: the rest
/// may be a secret.
fn object(row: &Row) -> Json {
    json!({
        "id": row.id.0,
        "message_id": row.message_id,
        "state": row.state,
        "kind": row.kind,
        "event": row.event,
        "record": row.record,
        "mail_id": Some(row.mail_id.0).filter(|&id| id > 0),
        "host": Url::parse(&row.target).ok().and_then(|target| target.host_str().map(str::to_owned)),
        "attempts": row.attempts,
        "created_at": time(row.created_at),
        "due_at": Some(time(row.due_at)).filter(|_| row.deleted_at().is_none()),
        "deleted_at": row.deleted_at().map(time),
        "gives_up_at": time(row.gives_up_at),
        "error": Some(&row.error).filter(|error| !error.is_empty()),
    })
}

fn time(milliseconds: i64) -> String {
    let at = DateTime::from_timestamp_millis(milliseconds).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn cause(error: DbErr) -> Failure {
    match failure::of(&error) {
        Kind::Absent => Failure::new(
            "there is no outbox yet: `guichet serve` makes it, or `guichet doctor` prints the statements that do",
        ),
        _ => Failure::of(error),
    }
}
