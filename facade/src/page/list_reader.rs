//! A part of a list, read in one statement: no count, and nothing that wasn't asked for.

use sea_orm::sea_query::{CaseStatement, Expr, SelectStatement};
use sea_orm::{DbBackend, Value};
use value::{Id, Int};

use super::cursor;
use super::order::{Order, Position, Side};
use super::window::{End, Window, WindowRange};
use crate::Result;
use crate::record::{Asked, Part, RecordType, Row, Rows};
use crate::scope::Scope;

/// Names of the columns that tell whether there are rows before the one cursor and behind the other.
const OUTSIDE_COLUMNS: [&str; 2] = ["rows_before", "rows_behind"];

/// What a list is read from, in which order, for whom, and what is asked of it.
pub(super) struct ListReader<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) record: &'static RecordType,
    /// Reads no column yet, and has no order.
    pub(super) select: &'a SelectStatement,
    pub(super) order: &'a Order,
    pub(super) asked: Asked,
}

/// The positions of two cursors, where there are any.
struct CursorPositions {
    after: Option<Position>,
    before: Option<Position>,
}

/// The rows before the one cursor and behind the other, where it is asked whether there are any.
pub(super) type OutsideRows = [Option<SelectStatement>; 2];

impl ListReader<'_> {
    /// A page by its number, for REST: nothing is asked of it but its rows.
    pub(super) async fn page_by_number(&self, offset: u64, size: u64) -> Result<Part> {
        let mut found = FoundRows::default();
        if size > 0 && i64::try_from(offset).is_ok() {
            found = self
                .rows_at_offset(offset, size, |select| self.order.sort_for_pages(select, self.backend()))
                .await?;
        }
        let total = known_total(found.rows.len() as u64, size, offset);
        Ok(Part { total, ..self.part(found) })
    }

    /// The rows of a window.
    ///
    /// # Errors
    /// When a cursor is none of this list, or the database fails.
    pub(super) async fn read_window(&self, window: Window) -> Result<Part> {
        match window.range {
            WindowRange::Offset(offset) => self.read_at_offset(offset, window.size).await,
            WindowRange::Cursors { after, before, end } => {
                let bounds = CursorPositions {
                    after: self.bound("after", after)?,
                    before: self.bound("before", before)?,
                };
                self.read_between_cursors(&bounds, end, window.size).await
            }
        }
    }

    fn bound(&self, argument: &str, given: Option<String>) -> Result<Option<Position>> {
        let read = |text: String| cursor::read(argument, &text, self.order, self.record.name, self.backend());
        given.map(read).transpose()
    }

    /// The rows behind so many others. One more than asked tells whether more follow.
    async fn read_at_offset(&self, offset: u64, size: u64) -> Result<Part> {
        let asked = self.asked;
        let reach = size + u64::from(asked.next);
        let mut found = FoundRows::default();
        if reach > 0 && i64::try_from(offset).is_ok() {
            let sort = |select: &mut _| match asked.cursors {
                true => self.order.sort_for_cursors(select, false, self.backend()),
                false => self.order.sort_by_stored_values(select, self.backend()),
            };
            found = self.rows_at_offset(offset, reach, sort).await?;
        }
        let here = found.rows.len() as u64;
        // Far behind the end, there need not be a row before.
        let unsure = asked.previous && found.rows.is_empty();
        let has_previous = offset > 0 && (!unsure || self.has_rows(self.select.clone()).await?);
        let part = self.part(found.first(size));
        Ok(Part { has_next: here > size, has_previous, total: known_total(here, reach, offset), ..part })
    }

    /// The rows at one end of what lies between two cursors. One more than asked tells whether there are
    /// others between them, and where a cursor ends the part, it is asked for rows outside of it
    /// (`PageInfo` in Relay's "GraphQL Cursor Connections").
    async fn read_between_cursors(&self, bounds: &CursorPositions, end: End, size: u64) -> Result<Part> {
        let (asked, backend) = (self.asked, self.backend());
        let reversed = end == End::Last;
        let reach = size + u64::from(if reversed { asked.previous } else { asked.next });
        let outside = [
            bounds
                .after
                .as_ref()
                .filter(|_| asked.previous && end != End::Last)
                .map(|at| self.at_or_beyond(at, Side::Before)),
            bounds
                .before
                .as_ref()
                .filter(|_| asked.next && end != End::First)
                .map(|at| self.at_or_beyond(at, Side::After)),
        ];
        let mut found = FoundRows::default();
        if reach > 0 {
            let mut select = self.between_cursors(bounds);
            self.order.sort_for_cursors(&mut select, reversed, backend);
            select.limit(reach);
            found = self.fetch(select, &outside).await?;
        }
        let mut told = [false; 2];
        for ((told, known), outside) in told.iter_mut().zip(found.outside).zip(outside) {
            *told = match (known, outside) {
                (Some(known), _) => known,
                (None, Some(outside)) => self.has_rows(outside).await?,
                (None, None) => false,
            };
        }
        let [before, behind] = told;
        let here = found.rows.len() as u64;
        let whole = bounds.after.is_none() && bounds.before.is_none();
        let total = known_total(here, reach, 0).filter(|_| whole);
        let part = self.part(if reversed { found.last(size) } else { found.first(size) });
        let (has_next, has_previous) =
            if reversed { (behind, here > size) } else { (here > size || behind, before) };
        Ok(Part { has_next, has_previous, total, ..part })
    }

    fn backend(&self) -> DbBackend {
        self.scope.backend()
    }

    /// The rows between the cursors.
    fn between_cursors(&self, bounds: &CursorPositions) -> SelectStatement {
        let mut select = self.select.clone();
        for (position, side) in [(&bounds.after, Side::After), (&bounds.before, Side::Before)] {
            if let Some(position) = position {
                select.cond_where(self.order.beyond(position, side, false, self.backend()));
            }
        }
        select
    }

    /// The rows at a cursor and beyond it.
    fn at_or_beyond(&self, position: &[Option<Value>], side: Side) -> SelectStatement {
        let mut select = self.select.clone();
        select.cond_where(self.order.beyond(position, side, true, self.backend()));
        select
    }

    pub(super) async fn fetch(
        &self,
        mut select: SelectStatement,
        outside: &OutsideRows,
    ) -> Result<FoundRows> {
        let (backend, Asked { columns, cursors, .. }) = (self.backend(), self.asked);
        self.record.select(columns, &mut select);
        if cursors {
            self.order.select(&mut select, backend);
        }
        for (name, outside) in OUTSIDE_COLUMNS.into_iter().zip(outside) {
            if let Some(outside) = outside {
                let there =
                    CaseStatement::new().case(Expr::exists(select_ones(outside.clone())), Expr::val(1));
                select.expr_as(there.finally(Expr::val(0)), name);
            }
        }
        let rows = self.scope.rows(backend.build(&select)).await?;
        let mut found = FoundRows::default();
        if let Some(row) = rows.first() {
            for ((known, name), outside) in found.outside.iter_mut().zip(OUTSIDE_COLUMNS).zip(outside) {
                if outside.is_some() {
                    *known = Some(row.try_get::<Int>("", name)?.0 == 1);
                }
            }
        }
        if cursors {
            let (signature, positions) =
                (self.order.signature(self.record.name), self.order.positions(backend));
            // The key is always read, and stands where it does in the table.
            let key = columns.iter().position(|column| column == self.record.key).unwrap_or_default();
            for row in &rows {
                let position = positions.read(row, row.try_get_by_index::<Id>(key)?)?;
                found.cursors.push(cursor::write(signature, &position));
            }
        }
        found.rows = rows.into_iter().map(Row::Read).collect();
        Ok(found)
    }

    fn part(&self, found: FoundRows) -> Part {
        let rows = Rows::new(self.asked.columns, found.rows);
        Part { rows, cursors: found.cursors, ..Part::default() }
    }

    /// Whether there is any such row.
    async fn has_rows(&self, select: SelectStatement) -> Result<bool> {
        let mut select = select_ones(select);
        select.limit(1);
        let statement = self.backend().build(&select);
        Ok(self.scope.first_row(statement).await?.is_some())
    }
}

/// A one for each row of a statement that reads no column.
fn select_ones(mut rows: SelectStatement) -> SelectStatement {
    rows.expr(Expr::val(1)).take()
}

/// Rows in all, where fewer were found than were reached for.
fn known_total(here: u64, reach: u64, offset: u64) -> Option<u64> {
    (here < reach && (here > 0 || offset == 0)).then(|| offset + here)
}

/// Rows as they were read.
#[derive(Default)]
pub(super) struct FoundRows {
    pub(super) rows: Vec<Row>,
    cursors: Vec<String>,
    /// Whether there are rows outside of each cursor, where that was asked and a row could tell.
    outside: [Option<bool>; 2],
}

impl FoundRows {
    /// The first so many of them.
    fn first(mut self, size: u64) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.rows.truncate(size);
        self.cursors.truncate(size);
        self
    }

    /// The first so many of them, which were read from the end of the list.
    fn last(self, size: u64) -> Self {
        let mut last = self.first(size);
        last.rows.reverse();
        last.cursors.reverse();
        last
    }
}
