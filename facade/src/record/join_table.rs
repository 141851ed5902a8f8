//! Join tables of many-to-many relations: Laravel's pivot tables.

use async_graphql::registry::Registry;
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn, QueryResult};

use super::cell::{Cell, CellType};
use super::plan::json_key;
use super::record_type::RecordType;
use super::rendering::Rendering;
use super::rest_form::JsonType;
use crate::api::Api;

/// Key under which REST shows the columns of the join table, as Laravel does.
pub(crate) const PIVOT: &str = "pivot";

/// A table each of whose rows joins a row of one record to a row of another.
///
/// Made by a `through` branch of [`record!`](crate::record!), with at least two columns.
pub struct JoinTable {
    table: &'static str,
    /// Its primary key. Joined rows come in the order of these keys where their record has no order of its own.
    key: &'static str,
    /// The column with the key of the row that has the branch, the column with the key of the joined row, and further
    /// columns that REST shows.
    columns: Vec<JoinColumn>,
}

struct JoinColumn {
    name: &'static str,
    cell_type: CellType,
    rendering: Rendering,
    /// The name of the column as JSON text with comma and colon: `,"name":`.
    json: Box<[u8]>,
}

impl JoinTable {
    /// The table of an entity, with the columns that are read of it.
    ///
    /// # Panics
    /// When the table has no such column or fewer than two are named: at start-up, as soon as the schema is made.
    pub fn of<E: EntityTrait>(columns: Vec<(&'static str, Rendering)>) -> Self {
        let table = E::default().table_name();
        assert!(columns.len() > 1, "`{table}` joins nothing: name the columns of both keys");
        let columns = columns.into_iter().map(|(name, rendering)| {
            let column = E::Column::iter().find(|column| column.as_str() == name);
            let column = column.unwrap_or_else(|| panic!("`{table}` has no column `{name}`"));
            let cell_type = CellType::of(column.def().get_column_type());
            JoinColumn { name, cell_type, rendering, json: json_key(name) }
        });
        let key = E::PrimaryKey::iter().next().map_or("id", |key| key.into_column().as_str());
        Self { table, key, columns: columns.collect() }
    }

    fn column(&self, at: usize) -> SimpleExpr {
        Expr::col((self.table, self.columns[at].name))
    }

    /// The column with the key of the row that has the branch.
    pub(crate) fn source_key(&self) -> SimpleExpr {
        self.column(0)
    }

    /// Joins this table to a statement that reads rows of `target`.
    pub(crate) fn join(&self, target: &RecordType, statement: &mut SelectStatement) {
        let joined = self.column(1).eq(target.column(target.key));
        statement.inner_join(self.table, joined);
    }

    /// Adds the columns of this table after those that a statement reads already.
    pub(crate) fn select(&self, statement: &mut SelectStatement) {
        statement.exprs((0..self.columns.len()).map(|at| self.column(at)));
        statement.order_by((self.table, self.key), sea_orm::Order::Asc);
    }

    /// The key of the row that has the branch. `before` is the number of columns before those of this table.
    pub(crate) fn source_key_of(&self, row: &QueryResult, before: usize) -> Result<Option<i64>, DbErr> {
        self.columns[0].cell_type.read(row, before).map(Cell::int)
    }

    /// The columns of this table in a row that was read, as the member of a JSON object after a comma:
    /// `,"pivot":{"coupon_id":1,"product_id":2}`. `before` as in [`Self::source_key_of`].
    ///
    /// # Errors
    /// When a value has another type than its column.
    pub(crate) fn write(&self, row: &QueryResult, before: usize, api: Api) -> Result<Vec<u8>, DbErr> {
        let mut text = json_key(PIVOT).into_vec();
        for (at, column) in self.columns.iter().enumerate() {
            let json = if at == 0 { &[b"{", &column.json[1..]].concat()[..] } else { &column.json };
            text.extend_from_slice(json);
            match column.cell_type.read(row, before + at)? {
                Cell::Null => text.extend_from_slice(b"null"),
                cell => (column.rendering.json)(cell, api, &mut text),
            }
        }
        text.push(b'}');
        Ok(text)
    }

    /// The columns as tags of the branch's field, for the OpenAPI document: see [`pivot_columns`].
    pub(crate) fn tags(&self, registry: &mut Registry) -> Vec<String> {
        let tag = |JoinColumn { name, rendering, .. }: &JoinColumn| {
            let json_type = rendering.json_type.name().unwrap_or_default();
            format!("{PIVOT} {name} {} {json_type}", rendering.ty(registry))
        };
        self.columns.iter().map(tag).collect()
    }
}

/// Name, GraphQL type and JSON type in REST of each column of the join table, from the tags of a field. Only `through`
/// branches have such tags.
pub(crate) fn pivot_columns(tags: &[String]) -> impl Iterator<Item = (&str, &str, JsonType)> {
    tags.iter().filter_map(|tag| {
        let [PIVOT, name, ty, json_type] = tag.split(' ').collect::<Vec<_>>()[..] else { return None };
        Some((name, ty, JsonType::from_name(json_type)))
    })
}
