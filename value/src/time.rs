//! Times and days as the shop stores them: local times without a time zone.

use std::sync::OnceLock;

use chrono::{
    DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, SubsecRound, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable};

use super::cell::{cell, column_value};

static ZONE: OnceLock<Tz> = OnceLock::new();

/// [`set_zone`] was called a second time with another zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneAlreadySet(pub Tz);

impl std::fmt::Display for ZoneAlreadySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the shop's time zone is already {}", self.0)
    }
}

impl std::error::Error for ZoneAlreadySet {}

/// Sets the time zone of stored times. To be called once, before the first row is read.
///
/// # Errors
/// [`ZoneAlreadySet`] if another zone was set before. Setting the same zone again is fine.
pub fn set_zone(zone: Tz) -> Result<(), ZoneAlreadySet> {
    match *ZONE.get_or_init(|| zone) {
        set if set == zone => Ok(()),
        set => Err(ZoneAlreadySet(set)),
    }
}

/// The time zone of stored times: Europe/Paris unless [`set_zone`] has set another one.
#[must_use]
pub fn zone() -> Tz {
    ZONE.get().copied().unwrap_or(Tz::Europe__Paris)
}

/// A moment that the shop stores as a local time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShopTime(pub DateTime<Utc>);

impl ShopTime {
    /// The local time of the shop at this moment, as it is stored.
    #[must_use]
    pub fn local(self) -> NaiveDateTime {
        self.0.with_timezone(&zone()).naive_local().trunc_subsecs(0)
    }

    /// The moment of a local time of the shop.
    ///
    /// In the hour that is repeated in autumn, it is taken for winter time. A local time that is skipped in spring
    /// is read with the offset of winter time, so 02:30 is 03:30.
    #[must_use]
    pub fn from_local(local: NaiveDateTime) -> Self {
        Self(utc_of_local(zone(), local))
    }
}

fn utc_of_local(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local).latest() {
        Some(moment) => moment.to_utc(),
        None => (local - offset_of_the_day_before(zone, local)).and_utc(),
    }
}

fn offset_of_the_day_before(zone: Tz, local: NaiveDateTime) -> TimeDelta {
    let before = local.checked_sub_days(Days::new(1)).unwrap_or(local);
    TimeDelta::seconds(zone.offset_from_utc_datetime(&before).fix().local_minus_utc().into())
}

column_value!(ShopTime as ChronoDateTime(DateTime), into: ShopTime::local, from: ShopTime::from_local);

impl TryGetable for ShopTime {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        cell(row, index).map(Self::from_local)
    }
}

/// What the shop's clocks show at a moment.
impl From<NaiveDateTime> for ShopTime {
    fn from(local: NaiveDateTime) -> Self {
        Self::from_local(local)
    }
}

impl From<DateTime<Utc>> for ShopTime {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment)
    }
}

/// A local time exactly as it is stored, for comparisons with its column. Unlike [`ShopTime`], it does not change a
/// time that is skipped in spring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalTime(pub NaiveDateTime);

column_value!(LocalTime as ChronoDateTime(DateTime), into: |time: LocalTime| time.0, from: LocalTime);

impl TryGetable for LocalTime {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        cell(row, index).map(Self)
    }
}

/// A day of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShopDate(pub NaiveDate);

impl ShopDate {
    /// The moment at which the day begins in the shop's time zone.
    #[must_use]
    pub fn midnight(&self) -> DateTime<Utc> {
        utc_of_local(zone(), self.0.and_time(NaiveTime::MIN))
    }
}

column_value!(ShopDate as ChronoDate(Date), into: |date: ShopDate| date.0, from: ShopDate);

impl TryGetable for ShopDate {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        cell(row, index).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Value;
    use sea_orm::sea_query::ValueType;

    use super::*;

    fn read(local: &str) -> String {
        ShopTime::from_local(local.parse().unwrap()).0.to_rfc3339()
    }

    fn written(moment: &str) -> String {
        let moment: DateTime<Utc> = moment.parse().unwrap();
        ShopTime(moment).local().to_string()
    }

    #[test]
    fn winter_and_summer_have_their_offsets() {
        assert_eq!(read("2026-11-23T13:00:00"), "2026-11-23T12:00:00+00:00");
        assert_eq!(read("2026-07-29T12:00:00"), "2026-07-29T10:00:00+00:00");
        assert_eq!(written("2026-11-23T12:00:00Z"), "2026-11-23 13:00:00");
        assert_eq!(written("2026-07-29T10:00:00Z"), "2026-07-29 12:00:00");
    }

    #[test]
    fn the_hour_that_autumn_repeats_is_winter_time() {
        assert_eq!(read("2026-10-25T01:59:59"), "2026-10-24T23:59:59+00:00");
        assert_eq!(read("2026-10-25T02:00:00"), "2026-10-25T01:00:00+00:00");
        assert_eq!(read("2026-10-25T02:30:00"), "2026-10-25T01:30:00+00:00");
        assert_eq!(read("2026-10-25T03:00:00"), "2026-10-25T02:00:00+00:00");
        assert_eq!(written("2026-10-25T00:30:00Z"), "2026-10-25 02:30:00");
        assert_eq!(written("2026-10-25T01:30:00Z"), "2026-10-25 02:30:00");
    }

    #[test]
    fn a_time_that_spring_skips_is_moved_forward() {
        assert_eq!(read("2026-03-29T01:59:59"), "2026-03-29T00:59:59+00:00");
        assert_eq!(read("2026-03-29T02:00:00"), "2026-03-29T01:00:00+00:00");
        assert_eq!(read("2026-03-29T02:30:00"), "2026-03-29T01:30:00+00:00");
        assert_eq!(read("2026-03-29T03:30:00"), "2026-03-29T01:30:00+00:00");
        assert_eq!(written("2026-03-29T01:30:00Z"), "2026-03-29 03:30:00");
    }

    #[test]
    fn gaps_of_other_zones_are_moved_by_their_own_width() {
        let local = "2026-10-04T02:15:00".parse().unwrap();
        assert_eq!(utc_of_local(Tz::Australia__Lord_Howe, local).to_rfc3339(), "2026-10-03T15:45:00+00:00");
    }

    #[test]
    fn fractions_of_a_second_are_not_stored() {
        assert_eq!(written("2026-11-23T12:00:00.987Z"), "2026-11-23 13:00:00");
        let value = Value::from(ShopTime("2026-11-23T12:00:00.987Z".parse().unwrap()));
        assert_eq!(<ShopTime as ValueType>::unwrap(value).0.to_rfc3339(), "2026-11-23T12:00:00+00:00");
    }

    #[test]
    fn a_day_begins_at_the_shops_midnight() {
        let begins = |day: &str| ShopDate(day.parse().unwrap()).midnight().to_rfc3339();
        assert_eq!(begins("2026-08-05"), "2026-08-04T22:00:00+00:00");
        assert_eq!(begins("2026-11-23"), "2026-11-22T23:00:00+00:00");
    }

    #[test]
    fn the_zone_is_set_once() {
        assert_eq!(zone(), Tz::Europe__Paris);
        assert_eq!(set_zone(Tz::Europe__Paris), Ok(()));
        assert_eq!(set_zone(Tz::UTC), Err(ZoneAlreadySet(Tz::Europe__Paris)));
    }
}
