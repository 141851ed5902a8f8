//! Reads a window of a list, or of several lists at once, with one statement, which selects no more than the client asks
//! for.

use sea_orm::sea_query::{CaseStatement, Expr, SelectStatement};
use sea_orm::{DbBackend, QueryResult, Value};
use value::{Id, Int};

use super::cursor;
use super::keyed::{KeyedLists, Part};
use super::list_cache;
use super::order::{Order, OrderForm, Position, Side};
use super::window::{End, Window, WindowRange};
use crate::Result;
use crate::record::{ConnectionSelection, ListSlice, ListSlices, RecordType, Row, Rows};
use crate::scope::RequestScope;

/// Names of the columns that tell whether rows exist before `after` and behind `before`.
const OUTSIDE_COLUMNS: [&str; 2] = ["rows_before", "rows_behind"];

/// Reads one list for one request, or several lists that differ only by a key.
pub(super) struct ListReader<'a> {
    pub(super) scope: RequestScope<'a>,
    pub(super) record: &'static RecordType,
    /// The list's statement, without columns and order.
    pub(super) select: &'a SelectStatement,
    pub(super) order: &'a Order,
    pub(super) selection: ConnectionSelection,
    /// The lists to read, where there are several.
    pub(super) keyed: Option<&'a KeyedLists>,
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
    pub(super) async fn page_by_number(&self, offset: u64, size: u64) -> Result<ListSlices> {
        let mut found = self.none();
        if size > 0 && i64::try_from(offset).is_ok() {
            found = self.rows_at_offset(offset, size, OrderForm::Pages).await?;
        }
        let slice = |found: FoundRows| {
            let total = known_total(found.rows.len() as u64, size, offset);
            (found, ListSlice { total, ..ListSlice::default() })
        };
        Ok(self.joined(found.into_iter().map(slice)))
    }

    /// Reads a window.
    ///
    /// # Errors
    /// When a cursor does not belong to this list, or the database fails.
    pub(super) async fn read_window(&self, window: Window) -> Result<ListSlices> {
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

    /// The number of rows of each whole list.
    pub(super) async fn totals(&self) -> Result<Vec<u64>> {
        match self.keyed {
            Some(lists) => lists.counts(self.scope, self.select).await,
            None => Ok(vec![list_cache::count(self.scope, self.select).await?]),
        }
    }

    fn bound(&self, argument: &str, given: Option<String>) -> Result<Option<Position>> {
        let read = |text: String| cursor::read(argument, &text, self.order, self.record.name, self.backend());
        given.map(read).transpose()
    }

    /// Reads the rows after the first `offset` rows; one more than asked for, to know whether more follow.
    async fn read_at_offset(&self, offset: u64, size: u64) -> Result<ListSlices> {
        let selection = self.selection;
        let reach = size + u64::from(selection.has_next);
        let mut found = self.none();
        if reach > 0 && i64::try_from(offset).is_ok() {
            let form =
                if selection.cursors { OrderForm::Cursors { reversed: false } } else { OrderForm::Stored };
            found = self.rows_at_offset(offset, reach, form).await?;
        }
        // An offset beyond the end of a list does not prove that there is a row before it.
        let unsure = selection.has_previous && offset > 0 && found.iter().any(|found| found.rows.is_empty());
        let exist = if unsure { self.have_rows(self.select.clone()).await? } else { vec![true; found.len()] };
        let slices = found.into_iter().zip(exist).map(|(found, exist)| {
            let here = found.rows.len() as u64;
            let slice = ListSlice {
                has_next: here > size,
                has_previous: offset > 0 && exist,
                total: known_total(here, reach, offset),
                ..ListSlice::default()
            };
            (found.first(size), slice)
        });
        Ok(self.joined(slices))
    }

    /// Reads the rows at one end of the range between two cursors; one more than asked for, to know whether there
    /// are further rows in the range. Where a cursor bounds the window, it also asks whether rows exist beyond the
    /// cursor (`PageInfo` in Relay's "GraphQL Cursor Connections").
    async fn read_between_cursors(
        &self,
        bounds: &CursorPositions,
        end: End,
        size: u64,
    ) -> Result<ListSlices> {
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
        let mut found = self.none();
        if reach > 0 {
            let (mut select, form) = (self.between_cursors(bounds), OrderForm::Cursors { reversed });
            found = match self.keyed {
                Some(lists) => {
                    self.fetch_each(lists, select, &Part { form, offset: 0, limit: reach }).await?
                }
                None => {
                    self.order.sort(&mut select, form, backend);
                    self.fetch(select.limit(reach).take(), &outside).await?
                }
            };
        }
        for (side, outside) in outside.into_iter().enumerate() {
            self.look_outside(side, outside, &mut found).await?;
        }
        let whole = bounds.after.is_none() && bounds.before.is_none();
        let slices = found.into_iter().map(|found| {
            let [before, behind] = found.outside.map(|known| known.unwrap_or(false));
            let here = found.rows.len() as u64;
            let total = known_total(here, reach, 0).filter(|_| whole);
            let (has_next, has_previous) =
                if reversed { (behind, here > size) } else { (here > size || behind, before) };
            let slice = ListSlice { has_next, has_previous, total, ..ListSlice::default() };
            (if reversed { found.last(size) } else { found.first(size) }, slice)
        });
        Ok(self.joined(slices))
    }

    /// Asks whether rows exist on a side of the window, where that is asked and not known yet.
    async fn look_outside(
        &self,
        side: usize,
        outside: Option<SelectStatement>,
        found: &mut [FoundRows],
    ) -> Result<()> {
        let Some(outside) = outside.filter(|_| found.iter().any(|found| found.outside[side].is_none()))
        else {
            return Ok(());
        };
        for (found, exist) in found.iter_mut().zip(self.have_rows(outside).await?) {
            found.outside[side].get_or_insert(exist);
        }
        Ok(())
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

    /// Reads a part of each list. `select` has neither columns nor order.
    pub(super) async fn fetch_each(
        &self,
        lists: &KeyedLists,
        mut select: SelectStatement,
        part: &Part,
    ) -> Result<Vec<FoundRows>> {
        self.select_columns(&mut select);
        let lists = lists.rows(self.scope, self.record, select, self.order, part).await?;
        lists.into_iter().map(|rows| self.found(rows)).collect()
    }

    fn select_columns(&self, select: &mut SelectStatement) {
        self.record.select(self.selection.columns, select);
        if self.selection.cursors {
            self.order.select(select, self.backend());
        }
    }

    /// Runs a statement without columns for one list.
    pub(super) async fn fetch(
        &self,
        mut select: SelectStatement,
        outside: &OutsideRows,
    ) -> Result<Vec<FoundRows>> {
        self.select_columns(&mut select);
        for (name, outside) in OUTSIDE_COLUMNS.into_iter().zip(outside) {
            if let Some(outside) = outside {
                let there =
                    CaseStatement::new().case(Expr::exists(select_ones(outside.clone())), Expr::val(1));
                select.expr_as(there.finally(Expr::val(0)), name);
            }
        }
        let rows = self.scope.rows(self.backend().build(&select)).await?;
        let mut known = [None; 2];
        if let Some(row) = rows.first() {
            for ((known, name), outside) in known.iter_mut().zip(OUTSIDE_COLUMNS).zip(outside) {
                if outside.is_some() {
                    *known = Some(row.try_get::<Int>("", name)?.0 == 1);
                }
            }
        }
        Ok(vec![FoundRows { outside: known, ..self.found(rows)? }])
    }

    /// The rows of a list with their cursors, where these are selected.
    fn found(&self, rows: Vec<QueryResult>) -> Result<FoundRows> {
        let mut found = FoundRows::default();
        if self.selection.cursors {
            let (signature, positions) =
                (self.order.signature(self.record.name), self.order.positions(self.backend()));
            // The primary key is always selected; columns are in the order of the table.
            let key = self.selection.columns.iter().position(|column| column == self.record.key);
            for row in &rows {
                let position = positions.read(row, row.try_get_by_index::<Id>(key.unwrap_or_default())?)?;
                found.cursors.push(cursor::write(signature, &position));
            }
        }
        found.rows = rows.into_iter().map(Row::Read).collect();
        Ok(found)
    }

    /// No rows for each list.
    fn none(&self) -> Vec<FoundRows> {
        (0..self.keyed.map_or(1, |lists| lists.keys.len())).map(|_| FoundRows::default()).collect()
    }

    /// The slices with their rows.
    fn joined(&self, slices: impl Iterator<Item = (FoundRows, ListSlice)>) -> ListSlices {
        let mut all = Vec::new();
        let slices = slices.map(|(FoundRows { rows, cursors, .. }, slice)| {
            let length = rows.len();
            all.extend(rows);
            ListSlice { length, cursors, ..slice }
        });
        let slices = slices.collect();
        ListSlices { rows: Rows::new(self.selection.columns, all), slices }
    }

    /// Whether a statement finds a row of each list.
    async fn have_rows(&self, mut select: SelectStatement) -> Result<Vec<bool>> {
        if let Some(lists) = self.keyed {
            return Ok(lists.counts(self.scope, &select).await?.into_iter().map(|count| count > 0).collect());
        }
        let statement = self.backend().build(select_ones(select.take()).limit(1));
        Ok(vec![self.scope.first_row(statement).await?.is_some()])
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
