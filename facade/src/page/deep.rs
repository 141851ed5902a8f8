//! Rows at an offset. For a deep offset, the database skips the rows before it by their primary keys alone, in a
//! subquery. It skips none where a page that was read just before tells the key at which this one begins.

use sea_orm::sea_query::{ExprTrait, Query, SelectStatement};

use super::keyed::Part;
use super::list_cache::{ListKey, PageStart};
use super::list_reader::{FoundRows, ListReader};
use super::order::{OrderForm, Side};
use crate::Result;
use crate::record::{ColumnPositions, View};

/// Offsets from this one on are deep. Below, skipping whole rows costs less than a join.
const MIN_DEEP_OFFSET: u64 = 1_000;
/// Name of the subquery that finds the keys of a page, and of its column.
const KEYS_TABLE: &str = "page_keys";
const KEY_COLUMN: &str = "page_key";

impl ListReader<'_> {
    /// Reads at most `size` rows after the first `offset` rows.
    pub(super) async fn rows_at_offset(
        &self,
        offset: u64,
        size: u64,
        form: OrderForm,
    ) -> Result<Vec<FoundRows>> {
        if let Some(lists) = self.keyed {
            return self.fetch_each(lists, self.select.clone(), &Part { form, offset, limit: size }).await;
        }
        let mut select = self.select.clone();
        self.order.sort(&mut select, form, self.scope.backend());
        let list = (offset >= MIN_DEEP_OFFSET && self.order.is_by_key()).then(|| self.list_key(&select));
        let lists = self.scope.lists();
        select.limit(size);
        let select = match list.as_ref().and_then(|list| lists.page_start(list, offset)) {
            Some(start) => self.starting_at(start, select),
            None if offset < MIN_DEEP_OFFSET => select.offset(offset).take(),
            None => self.by_keys(select.offset(offset).take(), form),
        };
        let found = self.fetch(select, &[None, None]).await?;
        if let (Some(list), Some(found)) = (&list, found.first()) {
            lists.remember_starts(list, self.page_starts(found, offset)?);
        }
        Ok(found)
    }

    /// The cache key of the list that a statement reads, its order included.
    fn list_key(&self, select: &SelectStatement) -> ListKey {
        ListKey::of(self.scope, &self.scope.backend().build(select))
    }

    fn starting_at(&self, start: PageStart, mut select: SelectStatement) -> SelectStatement {
        let (key, inclusive) = match start {
            PageStart::At(key) => (key, true),
            PageStart::Behind(key) => (key, false),
        };
        let position = [Some(key.into())];
        let condition = self.order.beyond(&position, Side::After, inclusive, self.scope.backend());
        select.cond_where(condition).take()
    }

    /// A statement that finds the keys of a page in a subquery and joins the rows.
    fn by_keys(&self, mut page: SelectStatement, form: OrderForm) -> SelectStatement {
        let key = self.record.column(self.record.key);
        page.expr_as(key.clone(), KEY_COLUMN);
        let mut rows = Query::select();
        // SQLite reads the tables of a cross join in their order; of another one it may go through all rows for the few keys.
        rows.from_subquery(page, KEYS_TABLE).cross_join(self.record.table);
        rows.and_where(key.equals((KEYS_TABLE, KEY_COLUMN)));
        let mut rows = self.order.join(self.record, rows);
        self.order.sort(&mut rows, form, self.scope.backend());
        rows
    }

    /// Where the page of these rows begins, and where the next one begins.
    fn page_starts(&self, found: &FoundRows, offset: u64) -> Result<Vec<(u64, PageStart)>> {
        let (Some(first), Some(last)) = (found.rows.first(), found.rows.last()) else {
            return Ok(Vec::new());
        };
        let positions = ColumnPositions::of(self.selection.columns);
        let key = |row| View::new(self.record, &positions, row).key();
        let next = offset.saturating_add(found.rows.len() as u64);
        Ok(vec![(offset, PageStart::At(key(first)?)), (next, PageStart::Behind(key(last)?))])
    }
}
