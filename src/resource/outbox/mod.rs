//! What is still to be sent, for operators (`src/shop/outbox/mod.rs`). No role of the staff grants it: it tells of all
//! records.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::DateTime;
use facade::failure::{self, Failure};
use facade::guard::Can;
use facade::record::Moment;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::scope::ShopScope;
use crate::shop::outbox::{Column, Entity, GIVEN_UP, MAIL, Row, WAITING};
use crate::{Result, abilities};

abilities! {
    /// Lists mails and webhooks that are still to be sent.
    INDEX = "outbox:index";
}

/// Rows in one answer.
const MAX_ROWS: u64 = 100;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum OutboxKind {
    /// A mail to a customer.
    Mail,
    /// An HTTP request to an address that the shop has set.
    Webhook,
}

/// Whether a row of the outbox is still tried.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum OutboxState {
    /// It is tried, or waits for an earlier row of its record.
    Waiting,
    /// It was tried for a day, or refused for good. `guichet outbox retry` tries it again.
    GivenUp,
}

/// A mail or a webhook that is still to be sent, or that was given up.
#[derive(SimpleObject)]
pub struct OutboxRow {
    /// Primary key.
    database_id: i64,
    /// What the receiver knows it by; the same however often it is sent.
    message_id: String,
    /// What is sent.
    kind: OutboxKind,
    /// Whether it is still tried.
    state: OutboxState,
    /// What has happened: the template of a mail, the action of a webhook.
    event: String,
    /// The record that it tells of, as in `customer:12`. Rows of one record are sent in their order.
    record: String,
    /// When it was written.
    created_at: Moment,
    /// How often it was tried.
    attempts: i64,
    /// When it is tried next.
    due_at: Moment,
    /// An attempt that fails after this time is the last one.
    gives_up_at: Moment,
    /// Why the last attempt failed.
    error: Option<String>,
}

impl From<Row> for OutboxRow {
    fn from(row: Row) -> Self {
        Self {
            database_id: row.id.0,
            message_id: row.message_id,
            kind: if row.kind == MAIL { OutboxKind::Mail } else { OutboxKind::Webhook },
            state: if row.state == GIVEN_UP { OutboxState::GivenUp } else { OutboxState::Waiting },
            event: row.event,
            record: row.record,
            created_at: moment(row.created_at),
            attempts: row.attempts,
            due_at: moment(row.due_at),
            gives_up_at: moment(row.gives_up_at),
            error: Some(row.error).filter(|error| !error.is_empty()),
        }
    }
}

fn moment(milliseconds: i64) -> Moment {
    Moment(DateTime::from_timestamp_millis(milliseconds).unwrap_or_default())
}

/// Reading the outbox.
#[derive(Default)]
pub struct OutboxQuery;

#[Object]
impl OutboxQuery {
    /// Mails and webhooks that are still to be sent or were given up, the oldest first, at most a hundred.
    #[graphql(directive = Can::apply(&[INDEX]))]
    async fn outbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only rows in this state.")] state: Option<OutboxState>,
        #[graphql(desc = "Only rows behind the one with this primary key.")] after_id: Option<i64>,
    ) -> Result<Vec<OutboxRow>> {
        let states = match state {
            Some(OutboxState::Waiting) => &[WAITING][..],
            Some(OutboxState::GivenUp) => &[GIVEN_UP],
            None => &[WAITING, GIVEN_UP],
        };
        let rows = Entity::find()
            .filter(Column::State.is_in(states.iter().copied()))
            .filter(Column::Id.gt(after_id.unwrap_or_default()))
            .order_by_asc(Column::Id)
            .limit(MAX_ROWS);
        match rows.all(ShopScope::from(ctx).reader()).await {
            Ok(rows) => Ok(rows.into_iter().map(OutboxRow::from).collect()),
            // Nothing waits where the table was never made.
            Err(error) if failure::of(&error) == Failure::Absent => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}
