//! A column without its entity type, so that the code of conditions and orders is compiled once, not once per table.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{ColumnType, Expr, Func, SimpleExpr};

/// A column of a table, or what a statement computes in the place of one.
#[derive(Clone, Debug)]
pub struct Column {
    sql: SimpleExpr,
    /// Its declared type.
    pub ty: ColumnType,
    /// Whether it may be null.
    pub nullable: bool,
}

impl Column {
    /// The column of an entity.
    pub fn of(column: impl ColumnTrait) -> Self {
        let definition = column.def();
        Self {
            sql: Expr::col(column.as_column_ref()),
            ty: definition.get_column_type().clone(),
            nullable: definition.is_null(),
        }
    }

    /// What this SQL computes. It may be null.
    pub fn computed(sql: SimpleExpr, ty: ColumnType) -> Self {
        Self { sql, ty, nullable: true }
    }

    /// The same with a number in the place of null.
    #[must_use]
    pub fn or(self, default: f64) -> Self {
        let sql = Func::coalesce([self.sql, Expr::val(default)]).into();
        Self { sql, nullable: false, ..self }
    }

    /// The SQL expression: `table.column` for a column.
    pub fn expr(&self) -> SimpleExpr {
        self.sql.clone()
    }
}
