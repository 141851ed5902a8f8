//! The cells of a row by their position, for all databases.

use chrono::{NaiveDate, NaiveDateTime};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row};

/// The cells of a row by their position.
pub trait Cells {
    fn int(&self, at: usize) -> Result<i64, Error>;
    fn int_or_null(&self, at: usize) -> Result<Option<i64>, Error>;
    fn text(&self, at: usize) -> Result<&str, Error>;
    fn text_or_null(&self, at: usize) -> Result<Option<&str>, Error>;
    fn double(&self, at: usize) -> Result<f64, Error>;
    fn double_or_null(&self, at: usize) -> Result<Option<f64>, Error>;
    /// A column of single precision, if the database has that.
    fn single_or_null(&self, at: usize) -> Result<Option<f64>, Error>;
    fn flag(&self, at: usize) -> Result<bool, Error>;
    /// A local time of the shop.
    fn time_or_null(&self, at: usize) -> Result<Option<NaiveDateTime>, Error>;
    fn day(&self, at: usize) -> Result<NaiveDate, Error>;
}

macro_rules! cells {
    ($row:ty, single: $single:ty, time: $time:expr, day: $day:expr) => {
        // The type of the column is known, so it is not checked for every cell.
        impl Cells for $row {
            fn int(&self, at: usize) -> Result<i64, Error> {
                self.try_get_unchecked(at)
            }

            fn int_or_null(&self, at: usize) -> Result<Option<i64>, Error> {
                self.try_get_unchecked(at)
            }

            fn text(&self, at: usize) -> Result<&str, Error> {
                self.try_get_unchecked(at)
            }

            fn text_or_null(&self, at: usize) -> Result<Option<&str>, Error> {
                self.try_get_unchecked(at)
            }

            fn double(&self, at: usize) -> Result<f64, Error> {
                self.try_get_unchecked(at)
            }

            fn double_or_null(&self, at: usize) -> Result<Option<f64>, Error> {
                self.try_get_unchecked(at)
            }

            fn single_or_null(&self, at: usize) -> Result<Option<f64>, Error> {
                let cell: Option<$single> = self.try_get_unchecked(at)?;
                Ok(cell.map(|single| shortest(f64::from(single))))
            }

            fn flag(&self, at: usize) -> Result<bool, Error> {
                self.try_get_unchecked(at)
            }

            fn time_or_null(&self, at: usize) -> Result<Option<NaiveDateTime>, Error> {
                ($time)(self, at)
            }

            fn day(&self, at: usize) -> Result<NaiveDate, Error> {
                ($day)(self, at)
            }
        }
    };
}

/// The double with the shortest decimal of a single: 2.99, not 2.9900000095….
fn shortest(double: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "whether it loses anything is the question")]
    let single = double as f32;
    if f64::from(single) != double {
        return double;
    }
    single.to_string().parse().unwrap_or(double)
}

cells!(MySqlRow, single: f32, time: MySqlRow::try_get_unchecked, day: MySqlRow::try_get_unchecked);
cells!(PgRow, single: f32, time: PgRow::try_get_unchecked, day: PgRow::try_get_unchecked);
cells!(SqliteRow, single: f64, time: local_time, day: local_day);

/// Parses a time of SQLite, which are texts of one format; sqlx tries a dozen.
fn local_time(row: &SqliteRow, at: usize) -> Result<Option<NaiveDateTime>, Error> {
    let Some(text) = row.text_or_null(at)? else { return Ok(None) };
    let time = text.as_bytes().get(11..19).and_then(|time| {
        date(text)?.and_hms_opt(number(&time[..2])?, number(&time[3..5])?, number(&time[6..])?)
    });
    time.map(Some).ok_or_else(|| Error::Decode(format!("`{text}` is no time").into()))
}

fn local_day(row: &SqliteRow, at: usize) -> Result<NaiveDate, Error> {
    let text = row.text(at)?;
    date(text).ok_or_else(|| Error::Decode(format!("`{text}` is no day").into()))
}

fn date(text: &str) -> Option<NaiveDate> {
    let date = text.as_bytes().get(..10)?;
    let year = i32::try_from(number(&date[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&date[5..7])?, number(&date[8..])?)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_from_the_front_of_a_time() {
        assert_eq!(date("2026-11-29 02:49:43"), NaiveDate::from_ymd_opt(2026, 11, 29));
        assert_eq!(date("2026-13-29"), None);
        assert_eq!(date("2026"), None);
    }

    #[test]
    fn singles_read_as_they_were_written() {
        assert!((shortest(f64::from(2.99_f32)) - 2.99).abs() < f64::EPSILON);
        assert!((shortest(2.49) - 2.49).abs() < f64::EPSILON);
    }
}
