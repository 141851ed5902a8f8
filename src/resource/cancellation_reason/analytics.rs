//! How often each reason was picked (docs/contract/application-operations.md#9.1), in two statements.
//!
//! The original counts by the text that a service keeps. That text was the key of the reason in older versions and is what
//! the customer wrote in newer ones, which keep the key beside it. Here both are counted by the key; a service that names
//! no reason is counted by its text, as in the original.

use std::collections::HashMap;

use async_graphql::{ID, InputType, SimpleObject, Value};
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Utc};
use entity::{Id, LocalTime, ShopTime, cancellation_reason, service};
use facade::record::{Day, Record as _, global_id};
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{CancellationReason, live_reasons};
use crate::Result;
use crate::scope::ShopScope;

/// Text of a reason that is not there.
const UNKNOWN: &str = "Unknown";
/// Most lines of the distribution; texts that customers write are without limit.
const MAX_LINES: u64 = 1_000;
/// Months before today with which a period begins that has no first day.
const USUAL_MONTHS: u32 = 6;

/// How many services were cancelled in a period, and why.
#[derive(SimpleObject)]
pub struct CancellationAnalytics {
    /// First day of the period.
    from: Day,
    /// Last day of the period.
    to: Day,
    /// How many services were cancelled in it for a reason.
    total: i64,
    /// How many for which reason, most first; at most 1,000 lines.
    distribution: Vec<CancellationCount>,
}

/// How many services were cancelled for one reason.
#[derive(SimpleObject)]
pub struct CancellationCount {
    /// Identifier of the reason; null where it is not there.
    reason_id: Option<ID>,
    /// What the services keep: primary key of the reason; where they name none, what the customer wrote.
    stored: String,
    /// Text of the reason; `Unknown` where it is not there.
    reason: String,
    /// How many services.
    count: i64,
}

/// The days that are looked at.
pub(super) struct Period {
    first: NaiveDate,
    last: NaiveDate,
}

impl Period {
    /// The period between two days, which are six months ago and today if they are not given.
    pub(super) fn new(now: DateTime<Utc>, first: Option<Day>, last: Option<Day>) -> Self {
        let today = ShopTime(now).local().date();
        let first = first.map_or_else(|| months_before(today, USUAL_MONTHS), |day| day.0);
        Self { first, last: last.map_or(today, |day| day.0) }
    }

    /// The condition that a service was cancelled in it, for a reason.
    fn of_services(&self) -> SimpleExpr {
        use service::Column;
        let end = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default();
        Column::CancelledReason
            .is_not_null()
            .and(Column::CancelledAt.gte(LocalTime(self.first.and_time(NaiveTime::MIN))))
            .and(Column::CancelledAt.lte(LocalTime(self.last.and_time(end))))
    }
}

/// The same day some months before; where that month is shorter, the days that are too many count into the next one, as
/// in the original.
fn months_before(day: NaiveDate, months: u32) -> NaiveDate {
    let first_of_month = day.with_day(1).and_then(|first| first.checked_sub_months(Months::new(months)));
    let moved = first_of_month.and_then(|first| first.checked_add_days(Days::new(day.day0().into())));
    moved.unwrap_or(day)
}

/// The day that a parameter of REST names.
///
/// # Errors
/// With the message of the rule `date` where it is not one.
pub(super) fn day(scope: ShopScope<'_>, parameter: &str, text: Option<String>) -> Result<Option<Day>> {
    let read = |text| <Day as InputType>::parse(Some(Value::String(text)));
    text.map(read).transpose().map_err(|_| scope.invalid(parameter, "date"))
}

/// What services keep of a reason: its key, or a text.
#[derive(PartialEq, Eq, Hash)]
enum Stored {
    Key(Id),
    Text(String),
}

impl Stored {
    /// A text that is the key of a reason is one of an older version.
    fn new(key: Option<Id>, text: Option<String>) -> Self {
        let text = text.unwrap_or_default();
        match key.or_else(|| text.parse().ok().map(Id)) {
            Some(key) => Self::Key(key),
            None => Self::Text(text),
        }
    }
}

impl CancellationAnalytics {
    /// Counts the services that were cancelled in a period.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn count(scope: ShopScope<'_>, period: Period) -> Result<Self> {
        let (from, to) = (Day(period.first), Day(period.last));
        let lines = lines(scope, &period).await?;
        let is_cut = lines.len() as u64 >= MAX_LINES;
        let sum = lines.iter().map(|(.., count)| count).sum();
        let total = if is_cut { total(scope, &period).await? } else { sum };
        let mut counts: HashMap<Stored, i64> = HashMap::new();
        for (key, text, count) in lines {
            *counts.entry(Stored::new(key, text)).or_default() += count;
        }
        let reasons = reasons(scope, counts.keys()).await?;
        let line = |(stored, count)| CancellationCount::new(stored, count, &reasons);
        let mut distribution: Vec<_> = counts.into_iter().map(line).collect();
        distribution.sort_by(|one, other| (other.count, &one.stored).cmp(&(one.count, &other.stored)));
        Ok(Self { from, to, total, distribution })
    }
}

impl CancellationCount {
    fn new(stored: Stored, count: i64, reasons: &HashMap<Id, String>) -> Self {
        let (stored, known) = match stored {
            Stored::Key(key) => (key.to_string(), reasons.get(&key).map(|reason| (key, reason))),
            Stored::Text(text) => (text, None),
        };
        let reason_id = known.map(|(key, _)| ID(global_id(CancellationReason::NAME, key.0)));
        let reason = known.map_or_else(|| UNKNOWN.to_owned(), |(_, reason)| reason.clone());
        Self { reason_id, stored, reason, count }
    }
}

/// The services that were cancelled in a period.
fn cancelled(period: &Period) -> Select<service::Entity> {
    let live = service::Entity::find().filter(service::Column::DeletedAt.is_null());
    live.filter(period.of_services()).select_only()
}

/// What services keep of their reason, and how many of them keep it, most first.
async fn lines(scope: ShopScope<'_>, period: &Period) -> Result<Vec<(Option<Id>, Option<String>, i64)>> {
    use service::Column;
    // Where the key is known, texts do not part a reason.
    let is_unknown = Column::CancellationReasonId.is_null();
    let text: SimpleExpr = Expr::Case(Box::new(Expr::case(is_unknown, Column::CancelledReason.into_expr())));
    let lines = cancelled(period)
        .column(Column::CancellationReasonId)
        .column_as(text.clone(), "reason_text")
        .column_as(Column::Id.count(), "services")
        .group_by(Column::CancellationReasonId)
        .group_by(text)
        .order_by_desc(Column::Id.count())
        .limit(MAX_LINES);
    Ok(lines.into_tuple().all(scope.reader()).await?)
}

async fn total(scope: ShopScope<'_>, period: &Period) -> Result<i64> {
    let total = cancelled(period).column_as(service::Column::Id.count(), "services");
    Ok(total.into_tuple().one(scope.reader()).await?.unwrap_or_default())
}

/// The texts of the reasons that are there, by key.
async fn reasons(scope: ShopScope<'_>, stored: impl Iterator<Item = &Stored>) -> Result<HashMap<Id, String>> {
    let keys = stored.filter_map(|stored| if let Stored::Key(key) = stored { Some(*key) } else { None });
    let keys: Vec<Id> = keys.collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let reasons = live_reasons()
        .filter(cancellation_reason::Column::Id.is_in(keys))
        .select_only()
        .columns([cancellation_reason::Column::Id, cancellation_reason::Column::Reason]);
    Ok(reasons.into_tuple::<(Id, String)>().all(scope.reader()).await?.into_iter().collect())
}
