//! The shop's local times as moments in UTC.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Europe::Paris;
use serde::{Serialize, Serializer};

/// A moment in whole seconds.
#[derive(Clone, Copy)]
pub struct Moment(DateTime<Utc>);

impl Moment {
    /// Converts a local time. The hour that is repeated in autumn is taken for winter time; a time that is skipped
    /// in spring is moved forward.
    pub fn from_local(local: NaiveDateTime) -> Self {
        match Paris.from_local_datetime(&local).latest() {
            Some(moment) => Self(moment.to_utc()),
            None => Self((local - TimeDelta::hours(1)).and_utc()),
        }
    }

    /// Now.
    pub fn now() -> Self {
        Self(Utc::now())
    }

    /// As the shop stores it.
    pub fn local(self) -> NaiveDateTime {
        let local = self.0.with_timezone(&Paris).naive_local();
        local.with_nanosecond(0).unwrap_or(local)
    }

    /// As a time of chrono.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl Serialize for Moment {
    /// As `2026-11-23T12:00:00.000000Z`. chrono's own formatting takes ten times as long.
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let year = u32::try_from(self.0.year()).unwrap_or(0);
        let parts = [
            (0, year / 100),
            (2, year % 100),
            (5, self.0.month()),
            (8, self.0.day()),
            (11, self.0.hour()),
            (14, self.0.minute()),
            (17, self.0.second()),
        ];
        for (at, number) in parts {
            text[at] += u8::try_from(number / 10 % 10).unwrap_or(0);
            text[at + 1] += u8::try_from(number % 10).unwrap_or(0);
        }
        out.serialize_str(str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_printed_in_utc() {
        let printed =
            |local: &str| serde_json::to_string(&Moment::from_local(local.parse().unwrap())).unwrap();
        assert_eq!(printed("2026-11-23T13:00:05"), r#""2026-11-23T12:00:05.000000Z""#);
        assert_eq!(printed("2026-10-25T02:30:00"), r#""2026-10-25T01:30:00.000000Z""#);
        assert_eq!(printed("2026-03-29T02:30:00"), r#""2026-03-29T01:30:00.000000Z""#);
    }
}
