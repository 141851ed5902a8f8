//! A record as data: its table, the fields that are read from a row, and the branches that are loaded for rows.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaField, MetaInputValue, MetaType, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{ID, OutputType, Positioned, parser};
use sea_orm::sea_query::{Expr, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IdenStatic, Iterable};

use super::cell::{CellType, ColumnSet};
use super::column_tag::ColumnTag;
use super::extracted;
use super::join_table::JoinTable;
use super::money::{MoneyColumn, RowCurrency};
use super::relation::{Batch, BranchFuture, Relation, RelationOutput};
use super::rendering::Rendering;
use super::rest_form::{JsonType, RestForm};
use crate::filter::Costs;
use crate::guard::{self, Need};
use crate::page::NestedList;
use crate::rest_only::{self, RestOnly};
use crate::scope::RequestScope;

/// Name of Relay's interface of records that are found by their global identifier.
pub const NODE: &str = "Node";

/// A record: a table, and the fields of its GraphQL type.
pub struct RecordType {
    /// Name of the GraphQL type.
    pub name: &'static str,
    /// Description of the GraphQL type.
    pub doc: &'static str,
    /// Name of the table.
    pub table: &'static str,
    /// All columns, in the order of the table.
    pub columns: Vec<StoredColumn>,
    /// Index of the primary key in `columns`.
    pub key: usize,
    /// The fields that are read from the row itself.
    pub fields: Vec<Field>,
    /// The fields that are loaded or computed for all rows at once.
    pub branches: Vec<Branch>,
    /// Whether a row is found by its global identifier, the field `id`.
    pub is_node: bool,
    /// Which of the rows each caller sees; nothing where everybody with the ability sees all.
    pub visible: Option<VisibleRows>,
}

/// The condition on the rows of a record that the caller may see, beside the abilities; nothing where these are all.
pub type VisibleRows = fn(RequestScope<'_>) -> Option<Condition>;

/// A column of a table.
#[derive(Debug)]
pub struct StoredColumn {
    /// Its name.
    pub name: &'static str,
    /// The type of its cells.
    pub cell_type: CellType,
}

/// A field that is read from the row itself.
pub struct Field {
    /// Name of the GraphQL field.
    pub name: &'static str,
    /// Description of the GraphQL field.
    pub doc: &'static str,
    /// The abilities that the caller needs.
    pub need: Need,
    /// Whether only REST has it.
    pub rest_only: bool,
    /// Index of the column.
    pub column: usize,
    /// How the column is written.
    pub form: FieldForm,
}

/// How a column is written.
#[derive(Clone, Copy)]
pub enum FieldForm {
    /// As the value of the cell.
    Value(Rendering),
    /// As an amount of money: an object in GraphQL, a decimal in REST.
    Money(MoneyColumn),
    /// As the global identifier of the row: the column is the primary key.
    GlobalId,
}

impl Field {
    /// Indexes of the columns of the row that the field needs.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        let currency = match self.form {
            FieldForm::Money(MoneyColumn { currency: RowCurrency::Column(column), .. }) => Some(column),
            _ => None,
        };
        currency.into_iter().chain([self.column])
    }
}

/// A field that is loaded or computed for all rows of a level at once.
pub struct Branch {
    /// Name of the GraphQL field.
    pub name: &'static str,
    /// Description of the GraphQL field.
    pub doc: &'static str,
    /// The abilities that the caller needs.
    pub need: Need,
    /// Registers the type of the field and returns its name.
    pub ty: fn(&mut Registry) -> String,
    /// Its arguments; only computed values have some.
    pub arguments: Vec<Argument>,
    /// Whether REST omits the key if the value is null.
    pub sparse: bool,
    /// Whether only REST has it.
    pub rest_only: bool,
    /// Points of each use, for each row around it.
    pub cost: u64,
    /// Where its values come from.
    pub source: BranchSource,
    /// How its list is a connection for clients of GraphQL. REST documents select the rows as a plain list.
    pub list: Option<NestedList>,
}

/// An argument of a branch, which clients may leave out.
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub doc: &'static str,
    /// Registers its type and returns the type's name.
    pub ty: fn(&mut Registry) -> String,
}

impl Argument {
    fn meta(&self, registry: &mut Registry) -> (String, MetaInputValue) {
        let mut argument = MetaInputValue::new(self.name, (self.ty)(registry));
        argument.description = Some(self.doc.trim().to_owned());
        (self.name.to_owned(), argument)
    }
}

/// Computes the values of a branch for all rows of a level. The field has the selection on the values.
pub type Resolve = for<'a> fn(Batch<'a>, &'a Positioned<parser::types::Field>) -> BranchFuture<'a>;

/// Where the values of a branch come from.
pub enum BranchSource {
    /// From rows of another record.
    Related(Relation),
    /// From a function of the rows.
    Computed {
        /// Indexes of the columns that the function reads.
        columns: &'static [usize],
        /// Computes a value for each row, in their order.
        resolve: Resolve,
    },
}

impl BranchSource {
    /// Whether a branch answers a list of related rows.
    fn is_list(&self) -> bool {
        matches!(self, Self::Related(Relation { output: RelationOutput::Many, .. }))
    }

    /// The join table of a branch that answers related rows through one.
    fn join_table(&self) -> Option<&'static JoinTable> {
        match self {
            Self::Related(Relation { key, output: RelationOutput::Many, .. }) => key.join_table(),
            _ => None,
        }
    }
}

/// The description of a list that has no parts, because it is never long.
fn all_of_them(description: &str) -> String {
    let (first, rest) = description.split_at(description.chars().next().map_or(0, char::len_utf8));
    format!("All of them: {}{rest}", first.to_lowercase())
}

impl Branch {
    /// Indexes of the columns of the row that the branch needs.
    pub fn columns(&self) -> &[usize] {
        match &self.source {
            BranchSource::Related(relation) => relation.source_key.columns(),
            BranchSource::Computed { columns, .. } => columns,
        }
    }
}

impl RecordType {
    /// A record of an entity's table, without fields and branches. `key` is the index of the primary key.
    ///
    /// # Panics
    /// When the table has more columns than a [`ColumnSet`] holds.
    pub fn of<E: EntityTrait>(name: &'static str, doc: &'static str, key: usize) -> Self {
        let columns: Vec<_> = E::Column::iter()
            .map(|column| StoredColumn {
                name: column.as_str(),
                cell_type: CellType::of(column.def().get_column_type()),
            })
            .collect();
        assert!(columns.len() <= ColumnSet::MAX, "`{name}` has too many columns");
        let table = E::default().table_name();
        Self {
            name,
            doc,
            table,
            columns,
            key,
            fields: Vec::new(),
            branches: Vec::new(),
            is_node: false,
            visible: None,
        }
    }

    /// The condition on the rows that the caller may see; nothing where these are all.
    pub(crate) fn visible_to(&self, scope: RequestScope<'_>) -> Option<Condition> {
        self.visible.and_then(|visible| visible(scope))
    }

    /// A column of the table as an expression in a statement.
    pub fn column(&self, column: usize) -> SimpleExpr {
        Expr::col((self.table, self.columns[column].name))
    }

    /// Makes a statement read these columns, in the order of the table, and nothing else.
    pub fn select(&self, columns: ColumnSet, statement: &mut SelectStatement) {
        statement.clear_selects();
        statement.exprs(columns.iter().map(|column| self.column(column)));
    }

    /// The index of the column with this name.
    pub fn column_index(&self, name: &str) -> Option<usize> {
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

    /// Whether a fragment on the type `on` applies to this record.
    pub(crate) fn is(&self, on: &str) -> bool {
        on == self.name || self.is_node && on == NODE
    }

    /// Registers the GraphQL type and returns its name.
    pub fn register<T: OutputType + ?Sized>(&'static self, registry: &mut Registry) -> String {
        if self.is_node {
            registry.add_implements(self.name, NODE);
        }
        registry.create_output_type::<T, _>(MetaTypeId::Object, |registry| self.meta_type(registry))
    }

    fn meta_type(&self, registry: &mut Registry) -> MetaType {
        let mut fields: IndexMap<String, MetaField> = IndexMap::new();
        for Field { name, doc, need, rest_only, form, column } in &self.fields {
            let (ty, json_type) = match form {
                FieldForm::Value(rendering) => (rendering.ty(registry), rendering.json_type),
                FieldForm::Money(column) => (column.ty(registry), column.rendering.json_type),
                FieldForm::GlobalId => (ID::create_type_info(registry), JsonType::AsTyped),
            };
            let mut field = MetaField::new(*name, ty);
            field.description = Some(doc.trim().to_owned());
            field.tags = vec![ColumnTag { table: self.table, column: self.columns[*column].name }.text()];
            guard::add_directive_for(registry, &mut field, *need);
            RestForm { json_type, sparse: false }.mark(&mut field, registry);
            RestOnly::mark(&mut field.directive_invocations, *rest_only, registry);
            fields.insert((*name).to_owned(), field);
        }
        for Branch { name, doc, need, ty, arguments, sparse, rest_only, cost, source, list } in &self.branches
        {
            let mut field = match list {
                Some(list) if rest_only::is_public() => list.field(name, registry),
                _ => MetaField::new(*name, ty(registry)),
            };
            field.args.extend(arguments.iter().map(|argument| argument.meta(registry)));
            if let Some(join) = source.join_table() {
                field.tags = join.tags(registry);
            }
            let is_whole = rest_only::is_public() && source.is_list() && list.is_none();
            field.description = Some(if is_whole { all_of_them(doc.trim()) } else { doc.trim().to_owned() });
            guard::add_directive_for(registry, &mut field, *need);
            Costs::mark(&mut field, *cost, registry);
            RestForm { json_type: JsonType::AsTyped, sparse: *sparse }.mark(&mut field, registry);
            RestOnly::mark(&mut field.directive_invocations, *rest_only, registry);
            fields.insert((*name).to_owned(), field);
        }
        let builder = ObjectBuilder::new(self.name, fields).description(Some(self.doc.trim().to_owned()));
        builder.tags(vec![extracted::RECORD_TAG.to_owned()]).build()
    }
}
