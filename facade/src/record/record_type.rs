//! A record described by data: its table, what is shown of a row, and what hangs on it.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{ID, OutputType, Positioned, parser};
use sea_orm::sea_query::{Expr, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, Iterable};

use super::cell::{ColumnSet, Kind};
use super::join_table::JoinTable;
use super::kept;
use super::relation::{Batch, BranchFuture, Related, Relation};
use super::rendering::Rendering;
use super::spelling::{RestForm, Spelling};
use crate::guard::{self, Need};
use crate::rest_only::RestOnly;

/// Name of the interface of records that are found again by their identifier (Relay).
pub const NODE: &str = "Node";

/// A record: a table, and what is shown of its rows.
pub struct RecordType {
    /// Name of the GraphQL type.
    pub name: &'static str,
    /// Description of the GraphQL type.
    pub doc: &'static str,
    /// Name of the table.
    pub table: &'static str,
    /// Columns of the table, in its order.
    pub columns: Vec<StoredColumn>,
    /// Place of the primary key among them.
    pub key: usize,
    /// What is read from a row.
    pub fields: Vec<Field>,
    /// What is loaded or computed for a row.
    pub branches: Vec<Branch>,
    /// Whether a row is found again by its `id`.
    pub is_node: bool,
}

/// A column of a table.
#[derive(Debug)]
pub struct StoredColumn {
    /// Its name.
    pub name: &'static str,
    /// How its cells are read.
    pub kind: Kind,
}

/// A field that is read from the row itself.
pub struct Field {
    /// Name of the GraphQL field.
    pub name: &'static str,
    /// Description of the GraphQL field.
    pub doc: &'static str,
    /// What the caller needs.
    pub need: Need,
    /// Whether only REST has it.
    pub rest_only: bool,
    /// Place of the column.
    pub column: usize,
    /// How the column is shown.
    pub shown: FieldForm,
}

/// How a column is shown.
pub enum FieldForm {
    /// As its value.
    Value(Rendering),
    /// As the row's global identifier: the column is the primary key.
    GlobalId,
}

/// A field that is loaded or computed for all rows of a level at once.
pub struct Branch {
    /// Name of the GraphQL field.
    pub name: &'static str,
    /// Description of the GraphQL field.
    pub doc: &'static str,
    /// What the caller needs.
    pub need: Need,
    /// Registers the field's type and names it.
    pub ty: fn(&mut Registry) -> String,
    /// Whether REST leaves the key out where the value is null.
    pub sparse: bool,
    /// Whether only REST has it.
    pub rest_only: bool,
    /// How it is answered.
    pub answer: Answer,
}

/// Computes the values of a field for all rows of a level.
pub type Resolve = for<'a> fn(Batch<'a>, &'a Positioned<parser::types::Field>) -> BranchFuture<'a>;

/// How a branch is answered.
pub enum Answer {
    /// By rows of another record.
    Related(Relation),
    /// By values that are computed from these columns of all rows of a level.
    Computed {
        /// Places of the columns that are looked at.
        columns: &'static [usize],
        /// A value for every row, in their order.
        resolve: Resolve,
    },
}

impl Answer {
    /// The table between, where rows of another record are shown that it joins.
    fn join_table(&self) -> Option<&'static JoinTable> {
        match self {
            Self::Related(Relation { key, shown: Related::Many, .. }) => key.join_table(),
            _ => None,
        }
    }
}

impl Branch {
    /// The columns of the row that are looked at.
    pub fn columns(&self) -> &[usize] {
        match &self.answer {
            Answer::Related(relation) => relation.own.columns(),
            Answer::Computed { columns, .. } => columns,
        }
    }
}

impl RecordType {
    /// A record of an entity's table, of which nothing is shown yet.
    ///
    /// # Panics
    /// When the table has more columns than a [`ColumnSet`] holds.
    pub fn of<E: EntityTrait>(name: &'static str, doc: &'static str, key: usize) -> Self {
        let columns: Vec<_> = E::Column::iter()
            .map(|column| StoredColumn {
                name: column.as_str(),
                kind: Kind::of(column.def().get_column_type()),
            })
            .collect();
        assert!(columns.len() <= ColumnSet::MAX, "`{name}` has too many columns");
        let table = E::default().table_name();
        Self { name, doc, table, columns, key, fields: Vec::new(), branches: Vec::new(), is_node: false }
    }

    /// A column of the table, in a statement.
    pub fn column(&self, column: usize) -> SimpleExpr {
        Expr::col((self.table, self.columns[column].name))
    }

    /// Makes a statement read these columns and nothing else.
    pub fn select(&self, columns: ColumnSet, statement: &mut SelectStatement) {
        statement.clear_selects();
        statement.exprs(columns.iter().map(|column| self.column(column)));
    }

    /// The place of the column with this name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The branch with this name.
    pub fn branch(&self, name: &str) -> Option<&Branch> {
        self.branches.iter().find(|branch| branch.name == name)
    }

    /// Whether a fragment on that type is one on this record.
    pub(crate) fn is(&self, on: &str) -> bool {
        on == self.name || self.is_node && on == NODE
    }

    /// Registers the GraphQL type.
    pub fn register<T: OutputType + ?Sized>(&'static self, registry: &mut Registry) -> String {
        if self.is_node {
            registry.add_implements(self.name, NODE);
        }
        registry.create_output_type::<T, _>(MetaTypeId::Object, |registry| self.meta_type(registry))
    }

    fn meta_type(&self, registry: &mut Registry) -> MetaType {
        let mut fields: IndexMap<String, MetaField> = IndexMap::new();
        for Field { name, doc, need, rest_only, shown, .. } in &self.fields {
            let (ty, spelling) = match shown {
                FieldForm::Value(rendering) => (rendering.ty(registry), rendering.spelling),
                FieldForm::GlobalId => (ID::create_type_info(registry), Spelling::AsTyped),
            };
            let mut field = MetaField::new(*name, ty);
            field.description = Some(doc.trim().to_owned());
            guard::add_directive_for(registry, &mut field, *need);
            RestForm { spelling, sparse: false }.mark(&mut field, registry);
            RestOnly::mark(&mut field.directive_invocations, *rest_only, registry);
            fields.insert((*name).to_owned(), field);
        }
        for Branch { name, doc, need, ty, sparse, rest_only, answer } in &self.branches {
            let mut field = MetaField::new(*name, ty(registry));
            if let Some(join) = answer.join_table() {
                field.tags = join.marks(registry);
            }
            field.description = Some(doc.trim().to_owned());
            guard::add_directive_for(registry, &mut field, *need);
            RestForm { spelling: Spelling::AsTyped, sparse: *sparse }.mark(&mut field, registry);
            RestOnly::mark(&mut field.directive_invocations, *rest_only, registry);
            fields.insert((*name).to_owned(), field);
        }
        let builder = ObjectBuilder::new(self.name, fields).description(Some(self.doc.trim().to_owned()));
        builder.tags(vec![kept::RECORD.to_owned()]).build()
    }
}
