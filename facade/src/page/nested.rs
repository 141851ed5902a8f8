//! Lists inside records as connections: the arguments of their fields, and the slices for all rows of a level.

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaInputValue, Registry};
use async_graphql::{Context, InputType, OutputType, Positioned, ServerResult};

use super::keyed::KeyedLists;
use super::{Criteria, Ordered, Paging};
use crate::column::Column;
use crate::engine::graphql;
use crate::execution::Execution;
use crate::filter::{Filter, Sort};
use crate::record::{
    Batch, BranchFuture, BranchValues, Connection, ConnectionPlan, ConnectionSelection, ConnectionsByRow,
    ListSlice, Record, Relation, WrittenRows, distinct,
};
use crate::root;
use crate::scope::RequestScope;

/// A list of related rows that clients of GraphQL read as a connection: its type, and its arguments, which are those of
/// a list at the root.
pub struct NestedList {
    ty: fn(&mut Registry) -> String,
    arguments: fn(&mut Registry) -> Vec<(&'static str, String)>,
    read: fn(&Context<'_>) -> ServerResult<NestedArguments>,
    /// Whether no index of the shop has the column by which the rows are found.
    unindexed: bool,
}

/// The arguments of one field.
struct NestedArguments {
    criteria: Criteria,
    paging: Paging,
}

impl NestedList {
    /// A list of the records `T` with the conditions `F` and the orders `S`.
    pub const fn of<T: Record, F: Filter + InputType, S: Sort<Entity = T::Entity> + InputType>() -> Self {
        Self {
            ty: <Connection<T> as OutputType>::create_type_info,
            arguments: |registry| {
                let (int, text) = (input::<Option<i64>>(registry), input::<Option<String>>(registry));
                vec![
                    ("filter", input::<Option<Box<F>>>(registry)),
                    ("sort", input::<Option<Vec<S>>>(registry)),
                    ("first", int.clone()),
                    ("after", text.clone()),
                    ("last", int.clone()),
                    ("before", text),
                    ("page", int.clone()),
                    ("perPage", int),
                ]
            },
            read: NestedArguments::read::<T, F, S>,
            unindexed: false,
        }
    }

    /// The list, where no index of the shop has the column by which its rows are found: they are read once for all rows of
    /// a level.
    #[must_use]
    pub const fn unindexed(mut self) -> Self {
        self.unindexed = true;
        self
    }

    /// The field of the schema. It is nullable: its arguments can be wrong where the rows around it are right.
    pub(crate) fn field(&self, name: &str, registry: &mut Registry) -> MetaField {
        let ty = (self.ty)(registry);
        let mut field = MetaField::new(name, ty.trim_end_matches('!'));
        let arguments = (self.arguments)(registry).into_iter();
        field.args = arguments.map(|(name, ty)| (name.to_owned(), MetaInputValue::new(name, ty))).collect();
        root::describe_arguments(&mut field);
        field
    }
}

/// Registers the type of an argument and returns its name.
fn input<I: InputType>(registry: &mut Registry) -> String {
    I::create_type_info(registry)
}

impl NestedArguments {
    fn read<T: Record, F: Filter + InputType, S: Sort + InputType>(ctx: &Context<'_>) -> ServerResult<Self> {
        let (_, filter) = ctx.param_value::<Option<Box<F>>>("filter", None)?;
        let (_, sort) = ctx.param_value::<Option<Vec<S>>>("sort", None)?;
        let int = |name| ctx.param_value::<Option<i64>>(name, None).map(|(_, number)| number);
        let text = |name| ctx.param_value::<Option<String>>(name, None).map(|(_, text)| text);
        let paging = Paging {
            first: int("first")?,
            after: text("after")?,
            last: int("last")?,
            before: text("before")?,
            page: int("page")?,
            per_page: int("perPage")?,
        };
        let mut criteria = Criteria::new();
        criteria.filter(filter.as_deref(), ctx.into());
        criteria.sort(sort.as_ref(), ctx.into());
        criteria.order.add_primary_key(Column::of(T::key_column()));
        Ok(Self { criteria, paging })
    }
}

/// Resolves a list of related rows for all rows of a level.
pub(crate) fn resolve_nested<'a>(
    list: &'static NestedList,
    relation: &'static Relation,
    plan: &'a ConnectionPlan,
    arguments: &'a Positioned<Field>,
    batch: Batch<'a>,
) -> BranchFuture<'a> {
    // Boxed, because a record may have lists of its own type.
    Box::pin(async move {
        if batch.rows.is_empty() {
            return Ok(BranchValues::Nulls);
        }
        let NestedArguments { criteria, paging } = (list.read)(&batch.ctx.with_field(arguments))?;
        let (scope, record, keys) =
            (RequestScope::from(batch.ctx), (relation.target)(), batch.keys(relation)?);
        let share_tables = list.unindexed || criteria.computes_tables();
        let lists = KeyedLists { column: relation.column(), keys: distinct(&keys), share_tables };
        // A row without a key has an empty list, the last one.
        let numbers = keys.iter().map(|key| key.and_then(|key| lists.keys.binary_search(&key).ok()));
        let numbers = numbers.map(|number| number.unwrap_or(lists.keys.len())).collect();
        let selection = ConnectionSelection::new(batch.ctx, plan, record);
        let rows = relation.bare_rows(scope);
        let read = async {
            let ordered = Ordered::new(scope, record, rows, criteria)?;
            ordered.slices(selection, paging, Some(&lists)).await
        };
        let mut slices = Box::pin(read).await.map_err(|error| batch.failed(graphql(error)))?;
        slices.slices.push(ListSlice { total: Some(0), ..ListSlice::default() });
        let connections = plan.write(batch.ctx, record, &slices, &batch.path).await?;
        let written = WrittenRows::of_connections(&connections, Execution::of(batch.ctx).api);
        Ok(BranchValues::Connections(ConnectionsByRow { written, numbers }))
    })
}
