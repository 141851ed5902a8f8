//! A part of a list, read in one statement: no count, and nothing that wasn't asked for.

use std::sync::Arc;

use async_graphql::Context;
use entity::Int;
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{
    ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryResult, QuerySelect,
    QueryTrait, Select, Value,
};

use super::cursor;
use super::order::{Order, Position, Side};
use super::window::{End, Place, Window};
use crate::Result;
use crate::record::Record;
use crate::scope::Scope;

/// Names of the columns that tell whether there are rows before the one cursor and behind the other.
const OUTSIDE: [&str; 2] = ["rows_before", "rows_behind"];

/// What is asked of a part beside its rows.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    cursors: bool,
    next: bool,
    previous: bool,
}

impl Asked {
    /// What the selection on a connection asks.
    pub(super) fn by(ctx: &Context<'_>) -> Self {
        let connection = ctx.look_ahead();
        let info = connection.field("pageInfo");
        let asks = |name: &str| info.field(name).exists();
        let of_edges = connection.field("edges").field("cursor").exists();
        Self {
            cursors: of_edges || asks("startCursor") || asks("endCursor"),
            next: asks("hasNextPage"),
            previous: asks("hasPreviousPage"),
        }
    }
}

/// A part of a list.
pub(super) struct Part<M> {
    pub(super) rows: Arc<Vec<M>>,
    /// The cursor of each row, where cursors are asked for.
    pub(super) cursors: Arc<Vec<String>>,
    pub(super) has_next: bool,
    pub(super) has_previous: bool,
    /// Rows of the whole list, where the part tells.
    pub(super) total: Option<u64>,
}

/// What a list is read from, in which order, for whom.
pub(super) struct Source<'a, T: Record> {
    pub(super) scope: Scope<'a>,
    pub(super) select: &'a Select<T::Entity>,
    pub(super) order: &'a Order<<T::Entity as EntityTrait>::Column>,
}

/// The positions of two cursors, where there are any.
struct Bounds {
    after: Option<Position>,
    before: Option<Position>,
}

/// The rows before the one cursor and behind the other, where it is asked whether there are any.
type Outside<T> = [Option<Select<<T as Record>::Entity>>; 2];

impl<T: Record> Source<'_, T> {
    /// A page by its number, for REST: nothing is asked of it but its rows.
    pub(super) async fn plain(&self, offset: u64, size: u64) -> Result<Part<T::Model>> {
        let mut rows = Vec::new();
        if size > 0 && i64::try_from(offset).is_ok() {
            let sorted = self.order.sort(self.select.clone(), self.backend());
            rows = sorted.limit(size).offset(offset).all(self.scope.reader()).await?;
        }
        let total = total(rows.len() as u64, size, offset);
        let cursors = Arc::default();
        Ok(Part { rows: Arc::new(rows), cursors, has_next: false, has_previous: false, total })
    }

    /// The rows of a window.
    ///
    /// # Errors
    /// When a cursor is none of this list, or the database fails.
    pub(super) async fn read(&self, window: Window, asked: Asked) -> Result<Part<T::Model>> {
        match window.place {
            Place::Offset(offset) => self.behind(offset, window.size, asked).await,
            Place::Between { after, before, end } => {
                let bounds =
                    Bounds { after: self.bound("after", after)?, before: self.bound("before", before)? };
                self.between(&bounds, end, window.size, asked).await
            }
        }
    }

    fn bound(&self, argument: &str, given: Option<String>) -> Result<Option<Position>> {
        let read = |text: String| cursor::read(argument, &text, self.order, T::NAME, self.backend());
        given.map(read).transpose()
    }

    /// The rows behind so many others. One more than asked tells whether more follow.
    async fn behind(&self, offset: u64, size: u64, asked: Asked) -> Result<Part<T::Model>> {
        let reach = size + u64::from(asked.next);
        let mut found = Found::default();
        if reach > 0 && i64::try_from(offset).is_ok() {
            let sorted = self.order.sort_exactly(self.select.clone(), false, self.backend());
            found = self.find(sorted.limit(reach).offset(offset), asked, &[None, None]).await?;
        }
        let here = found.rows.len() as u64;
        // Far behind the end, there need not be a row before.
        let unsure = asked.previous && found.rows.is_empty();
        let has_previous = offset > 0 && (!unsure || self.any(self.select.clone()).await?);
        let part = found.first(size);
        Ok(Part { has_next: here > size, has_previous, total: total(here, reach, offset), ..part })
    }

    /// The rows at one end of what lies between two cursors. One more than asked tells whether there are
    /// others between them, and where a cursor ends the part, it is asked for rows outside of it
    /// (`PageInfo` in Relay's "GraphQL Cursor Connections").
    async fn between(&self, bounds: &Bounds, end: End, size: u64, asked: Asked) -> Result<Part<T::Model>> {
        let backend = self.backend();
        let reversed = end == End::Last;
        let reach = size + u64::from(if reversed { asked.previous } else { asked.next });
        let outside = [
            bounds
                .after
                .as_ref()
                .filter(|_| asked.previous && end != End::Last)
                .map(|at| self.beyond(at, Side::Before)),
            bounds
                .before
                .as_ref()
                .filter(|_| asked.next && end != End::First)
                .map(|at| self.beyond(at, Side::After)),
        ];
        let mut found = Found::default();
        if reach > 0 {
            let sorted = self.order.sort_exactly(self.inside(bounds), reversed, backend);
            found = self.find(sorted.limit(reach), asked, &outside).await?;
        }
        let mut told = [false; 2];
        for ((told, known), outside) in told.iter_mut().zip(found.outside).zip(outside) {
            *told = match (known, outside) {
                (Some(known), _) => known,
                (None, Some(outside)) => self.any(outside).await?,
                (None, None) => false,
            };
        }
        let [before, behind] = told;
        let here = found.rows.len() as u64;
        let whole = bounds.after.is_none() && bounds.before.is_none();
        let total = total(here, reach, 0).filter(|_| whole);
        let part = if reversed { found.last(size) } else { found.first(size) };
        let (has_next, has_previous) =
            if reversed { (behind, here > size) } else { (here > size || behind, before) };
        Ok(Part { has_next, has_previous, total, ..part })
    }

    fn backend(&self) -> DbBackend {
        self.scope.backend()
    }

    /// The rows between the cursors.
    fn inside(&self, bounds: &Bounds) -> Select<T::Entity> {
        let sides = [(&bounds.after, Side::After), (&bounds.before, Side::Before)];
        sides.into_iter().fold(self.select.clone(), |select, (position, side)| match position {
            Some(position) => select.filter(self.order.beyond(position, side, false, self.backend())),
            None => select,
        })
    }

    /// The rows at a cursor and beyond it.
    fn beyond(&self, position: &[Option<Value>], side: Side) -> Select<T::Entity> {
        self.select.clone().filter(self.order.beyond(position, side, true, self.backend()))
    }

    async fn find(
        &self,
        select: Select<T::Entity>,
        asked: Asked,
        outside: &Outside<T>,
    ) -> Result<Found<T::Model>> {
        let backend = self.backend();
        let mut select = if asked.cursors { self.order.select(select, backend) } else { select };
        for (name, outside) in OUTSIDE.into_iter().zip(outside) {
            if let Some(outside) = outside {
                let there = CaseStatement::new().case(Expr::exists(bare(outside)), Expr::val(1));
                select = select.expr_as(there.finally(Expr::val(0)), name);
            }
        }
        let rows = self.scope.reader().query_all_raw(select.build(backend)).await?;
        let model = |row: &QueryResult| T::Model::from_query_result(row, "");
        let mut found = Found {
            rows: rows.iter().map(model).collect::<std::result::Result<_, _>>()?,
            ..Found::default()
        };
        if asked.cursors {
            let (signature, positions) = (self.order.signature(T::NAME), self.order.positions(backend));
            for (row, model) in rows.iter().zip(&found.rows) {
                let position = positions.read(row, T::key(model))?;
                found.cursors.push(cursor::write(signature, &position));
            }
        }
        if let Some(row) = rows.first() {
            for ((known, name), outside) in found.outside.iter_mut().zip(OUTSIDE).zip(outside) {
                if outside.is_some() {
                    *known = Some(row.try_get::<Int>("", name)?.0 == 1);
                }
            }
        }
        Ok(found)
    }

    /// Whether there is any such row.
    async fn any(&self, select: Select<T::Entity>) -> Result<bool> {
        let mut select = bare(&select);
        select.limit(1);
        let statement = self.backend().build(&select);
        Ok(self.scope.reader().query_one_raw(statement).await?.is_some())
    }
}

/// The rows of `select`, without their columns and in no order.
fn bare<E: EntityTrait>(select: &Select<E>) -> sea_orm::sea_query::SelectStatement {
    let mut query = select.as_query().clone();
    query.clear_order_by().clear_selects().expr(Expr::val(1));
    query
}

/// Rows in all, where fewer were found than were reached for.
fn total(here: u64, reach: u64, offset: u64) -> Option<u64> {
    (here < reach && (here > 0 || offset == 0)).then(|| offset + here)
}

/// Rows as they were read.
struct Found<M> {
    rows: Vec<M>,
    cursors: Vec<String>,
    /// Whether there are rows outside of each cursor, where that was asked and a row could tell.
    outside: [Option<bool>; 2],
}

impl<M> Default for Found<M> {
    fn default() -> Self {
        Self { rows: Vec::new(), cursors: Vec::new(), outside: [None; 2] }
    }
}

impl<M> Found<M> {
    /// The first so many of them.
    fn first(mut self, size: u64) -> Part<M> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.rows.truncate(size);
        self.cursors.truncate(size);
        Part {
            rows: Arc::new(self.rows),
            cursors: Arc::new(self.cursors),
            has_next: false,
            has_previous: false,
            total: None,
        }
    }

    /// The first so many of them, which were read from the end of the list.
    fn last(mut self, size: u64) -> Part<M> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.rows.truncate(size);
        self.cursors.truncate(size);
        self.rows.reverse();
        self.cursors.reverse();
        self.first(u64::MAX)
    }
}
