//! Rules about dates. A date must have year, month and day; relative words such as `tomorrow` are refused
//! (docs/contract/wire.md#3.2).

use async_graphql::Value;
use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Timelike as _, Utc,
    Weekday,
};

use crate::form::check::Subject;
use crate::form::value;
use crate::user_error::BrokenRule;

pub(super) fn date(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("date", parse_value(subject.value).is_none())
}

pub(super) fn after(subject: &Subject<'_>, sibling: &str) -> Option<BrokenRule> {
    let earlier = match subject.stored(sibling) {
        Some(text) => parse(text),
        None => subject.sibling(sibling).and_then(parse_value),
    };
    let fits = match (parse_value(subject.value), earlier) {
        // As they are stored: one may have an offset and the other none.
        (Some(value), Some(earlier)) => value.in_shop() > earlier.in_shop(),
        (value, None) => value.is_some(),
        (None, Some(_)) => false,
    };
    let name = subject.scope.display_name(sibling);
    (!fits).then(|| subject.broken("after", &[("date", &name)]).other(sibling))
}

pub(super) fn before_stored(subject: &Subject<'_>, sibling: &str) -> Option<BrokenRule> {
    let later = parse(subject.stored(sibling)?)?;
    // The rule `date` reports a value that is no date.
    let value = parse_value(subject.value)?;
    let name = subject.scope.display_name(sibling);
    (value.in_shop() >= later.in_shop()).then(|| subject.broken("before", &[("date", &name)]).other(sibling))
}

pub(super) fn timestamp(subject: &Subject<'_>) -> Option<BrokenRule> {
    // The rule `date` reports a value that is no date.
    let local = parse_value(subject.value)?.in_shop();
    subject.fails_if("date", !(FIRST_TIMESTAMP..LAST_TIMESTAMP).contains(&local.and_utc().timestamp()))
}

/// The range of a TIMESTAMP column, in seconds since 1970.
const FIRST_TIMESTAMP: i64 = 1;
const LAST_TIMESTAMP: i64 = i32::MAX as i64;

/// A date and time converted to the shop's time zone.
pub(crate) fn shop_local_time(text: &str) -> Option<String> {
    Some(parse(text)?.in_shop().format("%Y-%m-%dT%H:%M:%S%.f").to_string())
}

/// A date in the formats that GraphQL's date types accept; empty if the text is no date.
pub(crate) fn date_spellings(text: &str) -> Vec<String> {
    let Some(moment) = parse(text) else { return Vec::new() };
    vec![
        moment.local.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        moment.local.format("%Y-%m-%d").to_string(),
        moment.instant().to_rfc3339_opts(SecondsFormat::AutoSi, true),
    ]
}

/// A date and time as it was written, with its offset from UTC if it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ParsedDate {
    local: NaiveDateTime,
    offset: Option<FixedOffset>,
}

impl ParsedDate {
    /// The local time of the shop. A date without an offset is local already.
    fn in_shop(self) -> NaiveDateTime {
        self.offset.map_or(self.local, |_| self.instant().with_timezone(&::value::zone()).naive_local())
    }

    fn instant(self) -> DateTime<Utc> {
        let seconds = self.offset.map_or(0, |offset| i64::from(offset.local_minus_utc()));
        self.local.checked_sub_signed(chrono::TimeDelta::seconds(seconds)).unwrap_or(self.local).and_utc()
    }
}

fn parse_value(value: &Value) -> Option<ParsedDate> {
    parse(&value::plain(value)?)
}

/// Longer texts are no dates, in bytes.
const MAX_TEXT_BYTES: usize = 64;

/// Parses a date of the years 0 to 9999; with an offset to 9998, since the conversion may move it into the next year.
fn parse(text: &str) -> Option<ParsedDate> {
    let moment = parse_any_year(text)?;
    let last = if moment.offset.is_some() { 9998 } else { 9999 };
    (0..=last).contains(&moment.local.year()).then_some(moment)
}

fn parse_any_year(text: &str) -> Option<ParsedDate> {
    let text = text.trim();
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    if let Some(seconds) = text.strip_prefix('@') {
        let local = DateTime::from_timestamp(seconds.parse().ok()?, 0)?.naive_utc();
        return Some(ParsedDate { local, offset: FixedOffset::east_opt(0) });
    }
    day_and_time_splits(text).into_iter().find_map(|(day, time)| {
        let day = parse_day(day.trim_end())?;
        let (time, offset) = parse_time(time)?;
        Some(ParsedDate { local: day.and_time(time), offset })
    })
}

/// All ways to split a text into day and time: no time, or at a `T` or a blank.
fn day_and_time_splits(text: &str) -> Vec<(&str, &str)> {
    let marks = text.match_indices(['T', 't', ' ']).map(|(at, _)| (&text[..at], &text[at + 1..]));
    std::iter::once((text, "")).chain(marks).collect()
}

fn parse_day(text: &str) -> Option<NaiveDate> {
    numeric_day(text).or_else(|| iso_week(text)).or_else(|| named_day(text))
}

fn numeric_day(text: &str) -> Option<NaiveDate> {
    let parts = |mark: char| -> Option<Vec<&str>> {
        let parts: Vec<_> = text.split(mark).collect();
        parts.iter().all(|part| is_digits(part)).then_some(parts)
    };
    if is_digits(text) && text.len() == 8 {
        return ymd(&text[..4], &text[4..6], &text[6..]);
    }
    if let Some([year, day]) = parts('-').as_deref() {
        let known = year.len() == 4 && day.len() == 3;
        return known.then(|| NaiveDate::from_yo_opt(year.parse().ok()?, day.parse().ok()?)).flatten();
    }
    for mark in ['-', '/', '.'] {
        let Some(parts) = parts(mark) else { continue };
        return match (parts.as_slice(), mark) {
            ([year, month, day], '-' | '/') if year.len() == 4 => ymd(year, month, day),
            ([month, day, year], '/') if year.len() == 4 => ymd(year, month, day),
            ([day, month, year], '-' | '.') if year.len() == 4 => ymd(year, month, day),
            _ => None,
        };
    }
    None
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn ymd(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    if month.len() > 2 || day.len() > 2 {
        return None;
    }
    let year = year.parse().ok().filter(|&year| year > 0)?;
    NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?)
}

/// `2024-W01-1` or `2024W011`.
fn iso_week(text: &str) -> Option<NaiveDate> {
    let (year, week) = text.split_once('W')?;
    let (year, week) = (year.strip_suffix('-').unwrap_or(year), week.replacen('-', "", 1));
    if year.len() != 4 || week.len() != 3 || !is_digits(year) || !is_digits(&week) {
        return None;
    }
    let weekday = Weekday::try_from(week[2..].parse::<u8>().ok()?.checked_sub(1)?).ok()?;
    NaiveDate::from_isoywd_opt(year.parse().ok()?, week[..2].parse().ok()?, weekday)
}

/// `10 September 2000`, `Sep 10, 2000`, `10-Sep-2000`.
fn named_day(text: &str) -> Option<NaiveDate> {
    let words: Vec<_> = text.split([' ', ',', '-', '.']).filter(|word| !word.is_empty()).collect();
    let (day, month, year) = match words.as_slice() {
        [day, month, year] if is_digits(day) => (*day, *month, *year),
        [month, day, year] => (*day, *month, *year),
        _ => return None,
    };
    let month: chrono::Month = month.parse().ok()?;
    let known = year.len() == 4 && is_digits(year) && is_digits(day);
    known.then(|| ymd(year, &month.number_from_month().to_string(), day)).flatten()
}

/// Parses a time of day with its offset; an empty text is midnight.
fn parse_time(text: &str) -> Option<(NaiveTime, Option<FixedOffset>)> {
    let text = text.trim();
    if text.is_empty() {
        return Some((NaiveTime::MIN, None));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && !":.,".contains(c)).unwrap_or(text.len());
    let (clock, zone) = (text[..end].replace(',', "."), text[end..].trim());
    let time =
        ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|format| NaiveTime::parse_from_str(&clock, format).ok())?;
    // chrono reads a leap second, which no database stores.
    (time.nanosecond() < 1_000_000_000).then_some((time, parse_zone(zone)?))
}

fn parse_zone(text: &str) -> Option<Option<FixedOffset>> {
    match text {
        "" => return Some(None),
        "Z" | "z" | "UTC" | "GMT" => return Some(FixedOffset::east_opt(0)),
        _ => {}
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?.replacen(':', "", 1);
    if !is_digits(&digits) || ![2, 4].contains(&digits.len()) {
        return None;
    }
    let (hours, minutes) = (digits[..2].parse::<i32>().ok()?, digits[2..].parse::<i32>().unwrap_or(0));
    FixedOffset::east_opt(sign * (hours * 60 + minutes) * 60).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for text in [
            "2024-01-31",
            "2024-1-1",
            "20240101",
            "12/31/2024",
            "2024-01-01 10:00",
            "2024-01-01T10:00:00Z",
            "2024-01-01T10:00:00+02:00",
            "2024-01-01T10:00:00.123456Z",
            "2024-01-01 10:00:00 +0200",
            "2024-W01-1",
            "2024-001",
            "10 September 2000",
            "10 september 2000 10:00",
            "Sep 10, 2000",
            "@1700000000",
            "2024-02-29",
        ] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in [
            "2024-02-30",
            "31/12/2024",
            "2024",
            "1700000000",
            "0000-00-00",
            "now",
            "tomorrow",
            "next monday",
            "12:00",
            "2024-01-01 25:00",
            "2024-12-31 23:59:60",
            "nope",
            "",
            "T",
            " ",
            "é",
            "2024-01-01T",
            "2024-13-01",
            "@",
            "@x",
            "--",
            "2024-W01-9",
            "99999999999-1-1",
            "2024-01-01 10:00 nowhere",
            "2024-01-01 10:00+aé",
        ] {
            let midnight = text == "2024-01-01T";
            assert_eq!(parse(text).is_some(), midnight, "{text}");
        }
    }

    #[test]
    fn instants() {
        let instant = |text: &str| parse(text).map(ParsedDate::instant);
        assert_eq!(instant("2024-01-01T10:00:00+02:00"), instant("2024-01-01 08:00"));
        assert_eq!(instant("2024-W01-1"), instant("2024-001"));
        assert_eq!(date_spellings("12/31/2024")[1], "2024-12-31");
        assert_eq!(date_spellings("2024-01-01 10:00")[0], "2024-01-01T10:00:00");
        assert!(date_spellings("nope").is_empty());
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// A day of the years that are kept, whatever the offset.
    fn day() -> impl Strategy<Value = NaiveDate> {
        let days = NaiveDate::from_ymd_opt(9998, 12, 31).unwrap().num_days_from_ce();
        (1..=days).prop_map(|day| NaiveDate::from_num_days_from_ce_opt(day).unwrap())
    }

    /// Whether every reading of a text is one that the database takes.
    fn is_kept(text: &str) -> bool {
        let years = |text: &str| text.split('-').next().is_some_and(|year| year.len() == 4);
        let readings = date_spellings(text);
        let shop = shop_local_time(text);
        readings.is_empty() == shop.is_none() && shop.iter().all(|text| years(text))
    }

    proptest! {
        #[test]
        fn days_are_read_in_every_spelling(day in day()) {
            for spelling in ["%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%Y-%j", "%G-W%V-%u", "%d %B %Y", "%b %d, %Y"] {
                let text = day.format(spelling).to_string();
                let read = parse(&text).map(|moment| moment.local);
                prop_assert_eq!(read, Some(day.and_time(NaiveTime::MIN)), "{}", text);
            }
        }

        #[test]
        fn moments_are_read_back(day in day(), second in 0..86_400_u32, nano in 0..1_000_000_u32, offset in -14 * 60..=14 * 60_i32) {
            let time = NaiveTime::from_num_seconds_from_midnight_opt(second, nano * 1000).unwrap();
            let at = day.and_time(time).and_local_timezone(FixedOffset::east_opt(offset * 60).unwrap()).unwrap();
            let read = parse(&at.to_rfc3339()).map(ParsedDate::instant);
            prop_assert_eq!(read, Some(at.to_utc()));
            let seconds = at.timestamp();
            let read = parse(&format!("@{seconds}")).map(|moment| moment.instant().timestamp());
            prop_assert_eq!(read, Some(seconds).filter(|_| (0..=9998).contains(&at.to_utc().year())));
        }

        #[test]
        fn any_text_is_a_date_or_none(text in r"@-?[0-9]{0,20}|[0-9]{0,5}[-/.W ][0-9A-Za-z]{0,9}[-/., ]?[0-9]{0,5}[T ]?[0-9:.,]{0,12} ?[+-]?[0-9:]{0,6}|\PC*", seconds in any::<i64>()) {
            for text in [text, format!("@{seconds}")] {
                prop_assert!(is_kept(&text), "{}: {:?}", text, shop_local_time(&text));
            }
        }
    }
}
