//! A column without its entity type, so that the code of conditions and orders is compiled once, not once per table.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::{ColumnType, DynIden, Expr, Func, IntoIden, SimpleExpr};

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    name: (DynIden, DynIden),
    /// Its declared type.
    pub ty: ColumnType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What stands for null.
    default: Option<f64>,
}

impl Column {
    /// The column of an entity.
    pub fn of(column: impl ColumnTrait) -> Self {
        let definition = column.def();
        Self {
            name: column.as_column_ref(),
            ty: definition.get_column_type().clone(),
            nullable: definition.is_null(),
            default: None,
        }
    }

    /// A column of a table that a statement computes under this name. It may be null.
    pub fn computed(table: &'static str, column: &'static str, ty: ColumnType) -> Self {
        Self { name: (table.into_iden(), column.into_iden()), ty, nullable: true, default: None }
    }

    /// The same with a number in the place of null.
    #[must_use]
    pub fn or(self, default: f64) -> Self {
        Self { nullable: false, default: Some(default), ..self }
    }

    /// The SQL expression `table.column`.
    pub fn expr(&self) -> SimpleExpr {
        let column = Expr::col(self.name.clone());
        match self.default {
            Some(default) => Func::coalesce([column, Expr::val(default)]).into(),
            None => column,
        }
    }
}
