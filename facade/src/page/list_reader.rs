//! Reads a window of a list with one statement, which selects no more than the client asks for.

use sea_orm::sea_query::{CaseStatement, Expr, SelectStatement};
use sea_orm::{DbBackend, Value};
use value::{Id, Int};

use super::cursor;
use super::order::{Order, Position, Side};
use super::window::{End, Window, WindowRange};
use crate::Result;
use crate::record::{ConnectionSelection, ListSlice, RecordType, Row, Rows};
use crate::scope::RequestScope;

/// Names of the columns that tell whether rows exist before `after` and behind `before`.
const OUTSIDE_COLUMNS: [&str; 2] = ["rows_before", "rows_behind"];

/// Reads one list for one request.
pub(super) struct ListReader<'a> {
    pub(super) scope: RequestScope<'a>,
    pub(super) record: &'static RecordType,
    /// The list's statement, without columns and order.
    pub(super) select: &'a SelectStatement,
    pub(super) order: &'a Order,
    pub(super) selection: ConnectionSelection,
}

/// The positions of two cursors, where there are any.
struct CursorPositions {
    after: Option<Position>,
    before: Option<Position>,
}

/// Statements for the rows before `after` and behind `before`, where the client asks whether there are any.
pub(super) type OutsideRows = [Option<SelectStatement>; 2];

impl ListReader<'_> {
    /// Reads a page of REST, which needs no cursors and no `pageInfo`.
    pub(super) async fn page_by_number(&self, offset: u64, size: u64) -> Result<ListSlice> {
        let mut found = FoundRows::default();
        if size > 0 && i64::try_from(offset).is_ok() {
            found = self
                .rows_at_offset(offset, size, |select| self.order.sort_for_pages(select, self.backend()))
                .await?;
        }
        let total = known_total(found.rows.len() as u64, size, offset);
        Ok(ListSlice { total, ..self.slice(found) })
    }

    /// Reads a window.
    ///
    /// # Errors
    /// When a cursor does not belong to this list, or the database fails.
    pub(super) async fn read_window(&self, window: Window) -> Result<ListSlice> {
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

    /// Reads the rows after the first `offset` rows; one more than asked for, to know whether more follow.
    async fn read_at_offset(&self, offset: u64, size: u64) -> Result<ListSlice> {
        let selection = self.selection;
        let reach = size + u64::from(selection.has_next);
        let mut found = FoundRows::default();
        if reach > 0 && i64::try_from(offset).is_ok() {
            let sort = |select: &mut _| match selection.cursors {
                true => self.order.sort_for_cursors(select, false, self.backend()),
                false => self.order.sort_by_stored_values(select, self.backend()),
            };
            found = self.rows_at_offset(offset, reach, sort).await?;
        }
        let here = found.rows.len() as u64;
        // An offset beyond the end of the list does not prove that there is a row before it.
        let unsure = selection.has_previous && found.rows.is_empty();
        let has_previous = offset > 0 && (!unsure || self.has_rows(self.select.clone()).await?);
        let slice = self.slice(found.first(size));
        Ok(ListSlice {
            has_next: here > size,
            has_previous,
            total: known_total(here, reach, offset),
            ..slice
        })
    }

    /// Reads the rows at one end of the range between two cursors; one more than asked for, to know whether there
    /// are further rows in the range. Where a cursor bounds the window, it also asks whether rows exist beyond the
    /// cursor (`PageInfo` in Relay's "GraphQL Cursor Connections").
    async fn read_between_cursors(&self, bounds: &CursorPositions, end: End, size: u64) -> Result<ListSlice> {
        let (selection, backend) = (self.selection, self.backend());
        let reversed = end == End::Last;
        let reach = size + u64::from(if reversed { selection.has_previous } else { selection.has_next });
        let outside = [
            bounds
                .after
                .as_ref()
                .filter(|_| selection.has_previous && end != End::Last)
                .map(|at| self.at_or_beyond(at, Side::Before)),
            bounds
                .before
                .as_ref()
                .filter(|_| selection.has_next && end != End::First)
                .map(|at| self.at_or_beyond(at, Side::After)),
        ];
        let mut found = FoundRows::default();
        if reach > 0 {
            let mut select = self.between_cursors(bounds);
            self.order.sort_for_cursors(&mut select, reversed, backend);
            select.limit(reach);
            found = self.fetch(select, &outside).await?;
        }
        let mut has_more = [false; 2];
        for ((has_more, known), outside) in has_more.iter_mut().zip(found.outside).zip(outside) {
            *has_more = match (known, outside) {
                (Some(known), _) => known,
                (None, Some(outside)) => self.has_rows(outside).await?,
                (None, None) => false,
            };
        }
        let [before, behind] = has_more;
        let here = found.rows.len() as u64;
        let whole = bounds.after.is_none() && bounds.before.is_none();
        let total = known_total(here, reach, 0).filter(|_| whole);
        let slice = self.slice(if reversed { found.last(size) } else { found.first(size) });
        let (has_next, has_previous) =
            if reversed { (behind, here > size) } else { (here > size || behind, before) };
        Ok(ListSlice { has_next, has_previous, total, ..slice })
    }

    fn backend(&self) -> DbBackend {
        self.scope.backend()
    }

    /// The statement for the rows between the cursors.
    fn between_cursors(&self, bounds: &CursorPositions) -> SelectStatement {
        let mut select = self.select.clone();
        for (position, side) in [(&bounds.after, Side::After), (&bounds.before, Side::Before)] {
            if let Some(position) = position {
                select.cond_where(self.order.beyond(position, side, false, self.backend()));
            }
        }
        select
    }

    /// The statement for the rows at a cursor and beyond it.
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
        let (backend, ConnectionSelection { columns, cursors, .. }) = (self.backend(), self.selection);
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
            // The primary key is always selected; columns are in the order of the table.
            let key = columns.iter().position(|column| column == self.record.key).unwrap_or_default();
            for row in &rows {
                let position = positions.read(row, row.try_get_by_index::<Id>(key)?)?;
                found.cursors.push(cursor::write(signature, &position));
            }
        }
        found.rows = rows.into_iter().map(Row::Read).collect();
        Ok(found)
    }

    fn slice(&self, found: FoundRows) -> ListSlice {
        let rows = Rows::new(self.selection.columns, found.rows);
        ListSlice { rows, cursors: found.cursors, ..ListSlice::default() }
    }

    /// Whether a statement finds a row.
    async fn has_rows(&self, select: SelectStatement) -> Result<bool> {
        let mut select = select_ones(select);
        select.limit(1);
        let statement = self.backend().build(&select);
        Ok(self.scope.first_row(statement).await?.is_some())
    }
}

/// Makes a statement without columns select the number 1.
fn select_ones(mut rows: SelectStatement) -> SelectStatement {
    rows.expr(Expr::val(1)).take()
}

/// The total, where it follows from the number of rows found: fewer than were asked for.
fn known_total(here: u64, reach: u64, offset: u64) -> Option<u64> {
    (here < reach && (here > 0 || offset == 0)).then(|| offset + here)
}

/// The rows that a statement found.
#[derive(Default)]
pub(super) struct FoundRows {
    pub(super) rows: Vec<Row>,
    cursors: Vec<String>,
    /// Whether rows exist beyond each cursor; `None` where that was not asked or no row was found to tell it.
    outside: [Option<bool>; 2],
}

impl FoundRows {
    /// Keeps the first `size` rows.
    fn first(mut self, size: u64) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.rows.truncate(size);
        self.cursors.truncate(size);
        self
    }

    /// Keeps the first `size` rows and reverses them: they were read in reverse order.
    fn last(self, size: u64) -> Self {
        let mut last = self.first(size);
        last.rows.reverse();
        last.cursors.reverse();
        last
    }
}
