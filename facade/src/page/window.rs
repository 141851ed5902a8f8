//! The paging arguments of a list, and the window of rows that they select.

use crate::{Error, Result};

/// Rows of a GraphQL list where the query gives no size.
pub const DEFAULT_SIZE: u64 = 25;

/// The paging arguments of a list: Relay cursors or page numbers.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// Number of rows from the beginning (after `after`).
    pub first: Option<i64>,
    /// Cursor: only rows after it.
    pub after: Option<String>,
    /// Number of rows from the end (before `before`).
    pub last: Option<i64>,
    /// Cursor: only rows before it.
    pub before: Option<String>,
    /// Number of the page, from 1.
    pub page: Option<i64>,
    /// Rows of a page.
    pub per_page: Option<i64>,
}

/// A window of a list: which range it lies in, and its maximum number of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) range: WindowRange,
    pub(super) size: u64,
}

/// The range that a window is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WindowRange {
    /// All rows except this many at the start.
    Offset(u64),
    /// The rows between two cursors, either of which may be missing. The window lies at one `end` of them.
    Cursors { after: Option<String>, before: Option<String>, end: End },
}

/// The end of a range at which the window lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The beginning; the client gave a size (`first` or `perPage`).
    First,
    /// The beginning; the client gave no size.
    FirstByDefault,
    /// The end (`last`).
    Last,
}

impl Paging {
    /// The window that the arguments select, of at most `max` rows.
    ///
    /// # Errors
    /// When a size is out of bounds, or two arguments exclude each other.
    pub(super) fn window(self, max: u64) -> Result<Window> {
        let first = size("first", self.first, max)?;
        let last = size("last", self.last, max)?;
        let per_page = size("perPage", self.per_page, max)?;
        if last.is_some() && first.or(per_page).is_some() {
            return Err(Error::BadRequest("`last` excludes `first` and `perPage`.".to_owned()));
        }
        let size = per_page.or(first).or(last).unwrap_or(Ord::min(DEFAULT_SIZE, max));
        if let Some(page) = self.page {
            if last.is_some() || self.after.is_some() || self.before.is_some() {
                return Err(Error::BadRequest("`page` excludes `last`, `after` and `before`.".to_owned()));
            }
            let page = u64::try_from(page).ok().filter(|&page| page > 0);
            let page = page.ok_or_else(|| Error::BadRequest("`page` is not valid.".to_owned()))?;
            return Ok(Window { range: WindowRange::Offset((page - 1).saturating_mul(size)), size });
        }
        let end = match (last, first.or(per_page)) {
            (Some(_), _) => End::Last,
            (None, Some(_)) => End::First,
            (None, None) => End::FirstByDefault,
        };
        let range = match (self.after, self.before) {
            (None, None) if end != End::Last => WindowRange::Offset(0),
            (after, before) => WindowRange::Cursors { after, before, end },
        };
        Ok(Window { range, size })
    }
}

fn size(name: &str, given: Option<i64>, max: u64) -> Result<Option<u64>> {
    let Some(given) = given else { return Ok(None) };
    match u64::try_from(given) {
        Ok(size) if size <= max => Ok(Some(size)),
        _ => Err(Error::BadRequest(format!("`{name}` must be between 0 and {max}."))),
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_part_is_bounded_or_refused(numbers in any::<[Option<i64>; 4]>(), near in prop::array::uniform4(prop::option::of(-2..120_i64)), max in 1..1000_u64) {
            for [first, last, page, per_page] in [numbers, near] {
                let paging = Paging { first, last, page, per_page, ..Paging::default() };
                prop_assert!(paging.window(max).ok().is_none_or(|window| window.size <= max));
            }
        }
    }
}
