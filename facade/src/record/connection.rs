//! Relay's connections: a slice of a list, its rows with or without cursors, whether rows precede or follow it, and the
//! number of rows in the whole list.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{
    ContextSelectionSet, Name, OutputType, PathSegment, Positioned, ServerResult, SimpleObject, Value,
};

use super::cell::{ColumnSet, Rows};
use super::extracted;
use super::output::SelectedRows;
use super::plan::{MergedField, PositionedSet, SelectionPlan, merge_fields};
use super::reading::Record;
use super::record_type::RecordType;
use super::selection::{RecordSelection, child_path, path_of};
use crate::execution::Execution;

/// A slice of a list of records as GraphQL output.
pub struct Connection<T> {
    slices: ListSlices,
    record: PhantomData<fn() -> T>,
}

/// Slices of lists that were read at once: of the one list of a root field, or of one list for each row of a level.
#[derive(Debug, Default)]
pub struct ListSlices {
    /// The rows of all slices, one slice after the other, with the columns that [`ConnectionSelection::columns`] lists.
    pub rows: Rows,
    /// The slices.
    pub slices: Vec<ListSlice>,
}

/// A slice of a list, as it was read, without its rows.
#[derive(Debug, Default)]
pub struct ListSlice {
    /// The number of its rows.
    pub length: usize,
    /// The cursor of each row; empty unless cursors are selected.
    pub cursors: Vec<String>,
    /// Whether rows follow the slice; false unless selected.
    pub has_next: bool,
    /// Whether rows precede the slice; false unless selected.
    pub has_previous: bool,
    /// The number of rows in the whole list; nothing unless selected.
    pub total: Option<u64>,
}

/// What a selection on a connection needs to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectionSelection {
    /// The columns of its rows.
    pub columns: ColumnSet,
    /// Whether any cursor is selected.
    pub cursors: bool,
    /// Whether `hasNextPage` is selected.
    pub has_next: bool,
    /// Whether `hasPreviousPage` is selected.
    pub has_previous: bool,
    /// Whether `totalCount` is selected.
    pub total: bool,
}

/// The merged selection on a connection.
pub(crate) struct ConnectionPlan {
    fields: Vec<(Name, ConnectionField)>,
}

/// A field of a connection.
enum ConnectionField {
    Nodes(Arc<SelectionPlan>),
    Edges(Vec<(Name, EdgeField)>),
    PageInfo(Vec<(Name, PageInfoField)>),
    Total,
    TypeName,
}

/// A field of an edge.
enum EdgeField {
    Node(Arc<SelectionPlan>),
    Cursor,
    TypeName,
}

/// A field of `PageInfo`.
#[derive(Clone, Copy)]
enum PageInfoField {
    HasNext,
    HasPrevious,
    Start,
    End,
    TypeName,
}

impl ConnectionPlan {
    /// The plan of the selection set of the context. The plan of an extracted selection is made once and cached.
    ///
    /// # Errors
    /// When the document spreads a fragment that it does not define.
    fn of(ctx: &ContextSelectionSet<'_>, record: &'static RecordType) -> ServerResult<Arc<Self>> {
        let extracted = Execution::of(ctx).extracted.as_deref();
        match extracted.and_then(|extracted| extracted.find(&ctx.item.node)) {
            Some(selection) => {
                selection.connection.get_or_plan(|_| true, || Self::new(ctx, record, &[ctx.item]))
            }
            None => Self::new(ctx, record, &[ctx.item]),
        }
    }

    /// Makes the plan of selection sets that are merged.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn new<'a>(
        ctx: &ContextSelectionSet<'a>,
        record: &'static RecordType,
        sets: &[&'a PositionedSet],
    ) -> ServerResult<Arc<Self>> {
        let fields = plan_fields(ctx, sets, &type_name(record), |name, sets| {
            Ok(match name {
                "nodes" => Some(ConnectionField::Nodes(SelectionPlan::new(ctx, record, sets)?)),
                "edges" => Some(ConnectionField::Edges(edge_fields(ctx, record, sets)?)),
                "pageInfo" => Some(ConnectionField::PageInfo(page_info_fields(ctx, sets)?)),
                "totalCount" => Some(ConnectionField::Total),
                "__typename" => Some(ConnectionField::TypeName),
                _ => None,
            })
        })?;
        Ok(Arc::new(Self { fields }))
    }

    /// The plans of its rows, in `nodes` and in `edges`.
    fn rows(&self) -> Vec<&Arc<SelectionPlan>> {
        let mut rows = Vec::new();
        for (_, field) in &self.fields {
            match field {
                ConnectionField::Nodes(plan) => rows.push(plan),
                ConnectionField::Edges(fields) => rows.extend(nodes(fields).map(|(_, plan)| plan)),
                ConnectionField::PageInfo(_) | ConnectionField::Total | ConnectionField::TypeName => {}
            }
        }
        rows
    }
}

/// Merges selection sets on objects of the type `on`, and plans each field; `plan` returns nothing for an unknown one.
fn plan_fields<'a, F>(
    ctx: &ContextSelectionSet<'a>,
    sets: &[&'a PositionedSet],
    on: &str,
    mut plan: impl FnMut(&str, &[&'a PositionedSet]) -> ServerResult<Option<F>>,
) -> ServerResult<Vec<(Name, F)>> {
    let mut planned = Vec::new();
    for (key, MergedField { field, sets }) in merge_fields(ctx, sets, &|condition| condition == on)? {
        planned.extend(plan(&field.node.name.node, &sets)?.map(|field| (key.clone(), field)));
    }
    Ok(planned)
}

fn edge_fields<'a>(
    ctx: &ContextSelectionSet<'a>,
    record: &'static RecordType,
    sets: &[&'a PositionedSet],
) -> ServerResult<Vec<(Name, EdgeField)>> {
    plan_fields(ctx, sets, &edge_name(record), |name, sets| {
        Ok(match name {
            "node" => Some(EdgeField::Node(SelectionPlan::new(ctx, record, sets)?)),
            "cursor" => Some(EdgeField::Cursor),
            "__typename" => Some(EdgeField::TypeName),
            _ => None,
        })
    })
}

fn page_info_fields<'a>(
    ctx: &ContextSelectionSet<'a>,
    sets: &[&'a PositionedSet],
) -> ServerResult<Vec<(Name, PageInfoField)>> {
    plan_fields(ctx, sets, PAGE_INFO, |name, _| {
        Ok(match name {
            "hasNextPage" => Some(PageInfoField::HasNext),
            "hasPreviousPage" => Some(PageInfoField::HasPrevious),
            "startCursor" => Some(PageInfoField::Start),
            "endCursor" => Some(PageInfoField::End),
            "__typename" => Some(PageInfoField::TypeName),
            _ => None,
        })
    })
}

fn nodes(fields: &[(Name, EdgeField)]) -> impl Iterator<Item = (&Name, &Arc<SelectionPlan>)> {
    fields.iter().filter_map(|(key, field)| match field {
        EdgeField::Node(plan) => Some((key, plan)),
        EdgeField::Cursor | EdgeField::TypeName => None,
    })
}

/// Name of the type of a connection of these records.
fn type_name(record: &RecordType) -> String {
    format!("{}Connection", record.name)
}

/// Name of the type of the edges of these records.
fn edge_name(record: &RecordType) -> String {
    format!("{}Edge", record.name)
}

const PAGE_INFO: &str = "PageInfo";

impl ConnectionSelection {
    /// What the selection set of the context, on a connection of these records, needs.
    ///
    /// # Errors
    /// When the document spreads a fragment that it does not define.
    pub fn of(ctx: &ContextSelectionSet<'_>, record: &'static RecordType) -> ServerResult<Self> {
        Ok(Self::new(ctx, &*ConnectionPlan::of(ctx, record)?, record))
    }

    /// What a plan needs of rows of this record.
    pub(crate) fn new(
        ctx: &ContextSelectionSet<'_>,
        plan: &ConnectionPlan,
        record: &'static RecordType,
    ) -> Self {
        // The cursor of a row contains its key, and a statement must read at least one column.
        let mut needs = Self { columns: ColumnSet::default().with(record.key), ..Self::default() };
        for rows in plan.rows() {
            needs.columns.extend(RecordSelection::new(ctx, Arc::clone(rows)).columns().iter());
        }
        for (_, field) in &plan.fields {
            match field {
                ConnectionField::Edges(fields) => {
                    needs.cursors |= fields.iter().any(|(_, field)| matches!(field, EdgeField::Cursor));
                }
                ConnectionField::PageInfo(fields) => fields.iter().for_each(|(_, field)| match field {
                    PageInfoField::HasNext => needs.has_next = true,
                    PageInfoField::HasPrevious => needs.has_previous = true,
                    PageInfoField::Start | PageInfoField::End => needs.cursors = true,
                    PageInfoField::TypeName => {}
                }),
                ConnectionField::Total => needs.total = true,
                ConnectionField::Nodes(_) | ConnectionField::TypeName => {}
            }
        }
        needs
    }
}

/// Where a part of a list stands (Relay).
#[derive(SimpleObject)]
struct PageInfo {
    /// Whether rows follow this part.
    has_next_page: bool,
    /// Whether rows precede this part.
    has_previous_page: bool,
    /// Cursor of the first row.
    start_cursor: Option<String>,
    /// Cursor of the last row.
    end_cursor: Option<String>,
}

impl<T: Record> Connection<T> {
    /// The connection of the one slice that was read.
    pub fn new(slices: ListSlices) -> Self {
        Self { slices, record: PhantomData }
    }
}

impl<T: Record> OutputType for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        type_name(T::record()).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let (record, row) = (T::record(), T::record().register::<T>(registry));
            let nodes = SelectedRows::<T>::create_type_info(registry);
            let edges = format!("[{}!]!", edge_type(registry, record, row));
            let fields = [
                field("nodes", nodes, "The rows of this part."),
                field("edges", edges, "The rows of this part, each with its cursor."),
                field(
                    "pageInfo",
                    PageInfo::create_type_info(registry),
                    "Where this part stands in the list.",
                ),
                field(
                    "totalCount",
                    u64::create_type_info(registry),
                    "Rows in all; counted only when it is asked for and the page doesn't tell.",
                ),
            ];
            let builder = ObjectBuilder::new(type_name(record), fields.into());
            let builder = builder.description(Some("A part of a list.".to_owned()));
            builder.tags(vec![extracted::PLANNED_TAG.to_owned()]).build()
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let plan = ConnectionPlan::of(ctx, T::record())?;
        let written = plan.write(ctx, T::record(), &self.slices, &path_of(ctx)).await?;
        let WrittenConnection { value, objects } = written.into_iter().next().unwrap_or_default();
        Execution::of(ctx).counts.add_objects(objects);
        Ok(value)
    }
}

fn field(name: &str, ty: String, doc: &str) -> (String, MetaField) {
    let mut field = MetaField::new(name, ty);
    field.description = Some(doc.to_owned());
    (name.to_owned(), field)
}

/// Registers the type of the edges and returns its name.
fn edge_type(registry: &mut Registry, record: &'static RecordType, row: String) -> String {
    let name = edge_name(record);
    let cursor = String::create_type_info(registry);
    let fields = [
        field("node", row, "The row."),
        field("cursor", cursor, "Where the row stands, for `after` and `before`."),
    ];
    let builder = ObjectBuilder::new(name.clone(), fields.into());
    let edge: MetaType = builder.description(Some("A row of the list with its cursor.".to_owned())).build();
    registry.types.insert(name.clone(), edge);
    name
}

/// A connection as a value. The rows in it are JSON text.
#[derive(Default)]
pub(crate) struct WrittenConnection {
    pub(crate) value: Value,
    /// The number of JSON objects in the text.
    pub(crate) objects: u32,
}

impl ConnectionPlan {
    /// Writes one connection for each slice. `path` is the path of the first one in the response.
    ///
    /// # Errors
    /// When a row cannot be read, or a branch fails whose type is not nullable.
    pub(crate) async fn write(
        &self,
        ctx: &ContextSelectionSet<'_>,
        record: &'static RecordType,
        ListSlices { rows, slices }: &ListSlices,
        path: &[PathSegment],
    ) -> ServerResult<Vec<WrittenConnection>> {
        let mut connections: Vec<_> =
            slices.iter().map(|_| (IndexMap::with_capacity(self.fields.len()), 0)).collect();
        let bounds = bounds(slices);
        for (key, field) in &self.fields {
            let same =
                |value: &dyn Fn(&ListSlice) -> Value| slices.iter().map(|slice| (value(slice), 0)).collect();
            let values: Vec<(Value, u32)> = match field {
                ConnectionField::Nodes(plan) => {
                    let selection = RecordSelection::new(ctx, Arc::clone(plan));
                    selection.write(rows, &first_row_path(path, key)).await?.into_lists(&bounds)
                }
                ConnectionField::Edges(fields) => {
                    let edges = edges(ctx, record, fields, rows, slices, &first_row_path(path, key)).await?;
                    in_lists(edges, &bounds)
                }
                ConnectionField::PageInfo(fields) => same(&|slice| slice.page_info(fields)),
                ConnectionField::Total => same(&|slice| slice.total.into()),
                ConnectionField::TypeName => same(&|_| type_name(record).into()),
            };
            for ((fields, objects), (value, more)) in connections.iter_mut().zip(values) {
                fields.insert(key.clone(), value);
                *objects += more;
            }
        }
        let written = connections.into_iter();
        Ok(written
            .map(|(fields, objects)| WrittenConnection { value: Value::Object(fields), objects })
            .collect())
    }
}

/// The rows of each slice among the rows of all.
fn bounds(slices: &[ListSlice]) -> Vec<Range<usize>> {
    let ends = slices.iter().scan(0, |end, slice| {
        let start = *end;
        *end += slice.length;
        Some(start..*end)
    });
    ends.collect()
}

/// The edges of the rows of all slices, each with the number of JSON objects in its text.
async fn edges(
    ctx: &ContextSelectionSet<'_>,
    record: &'static RecordType,
    fields: &[(Name, EdgeField)],
    rows: &Rows,
    slices: &[ListSlice],
    path: &[PathSegment],
) -> ServerResult<Vec<(Value, u32)>> {
    let mut written = Vec::new();
    for (key, plan) in nodes(fields) {
        let selection = RecordSelection::new(ctx, Arc::clone(plan));
        written.push(selection.write(rows, &child_path(path, key)).await?.into_values().into_iter());
    }
    let mut cursors = slices.iter().flat_map(|slice| &slice.cursors);
    let edges = (0..rows.rows.len()).map(|_| {
        let (mut written, mut objects) = (written.iter_mut(), 0);
        let cursor = cursors.next().map(String::as_str).unwrap_or_default();
        let values = fields.iter().map(|(key, field)| {
            let value = match field {
                EdgeField::Node(_) => {
                    let (value, more) = written.next().and_then(Iterator::next).unwrap_or_default();
                    objects += more;
                    value
                }
                EdgeField::Cursor => cursor.into(),
                EdgeField::TypeName => edge_name(record).into(),
            };
            (key.clone(), value)
        });
        (Value::Object(values.collect()), objects)
    });
    Ok(edges.collect())
}

/// The values of each of these parts as a list, with the number of JSON objects in their texts.
fn in_lists(values: Vec<(Value, u32)>, bounds: &[Range<usize>]) -> Vec<(Value, u32)> {
    let mut values = values.into_iter();
    let lists = bounds.iter().map(|part| {
        let (items, objects): (Vec<_>, Vec<_>) = values.by_ref().take(part.len()).unzip();
        (Value::List(items), objects.into_iter().sum())
    });
    lists.collect()
}

impl ListSlice {
    fn page_info(&self, fields: &[(Name, PageInfoField)]) -> Value {
        let value = |field| match field {
            PageInfoField::HasNext => self.has_next.into(),
            PageInfoField::HasPrevious => self.has_previous.into(),
            PageInfoField::Start => self.cursors.first().cloned().into(),
            PageInfoField::End => self.cursors.last().cloned().into(),
            PageInfoField::TypeName => PAGE_INFO.into(),
        };
        Value::Object(fields.iter().map(|(key, field)| (key.clone(), value(*field))).collect())
    }
}

/// The path of the first row of the list in a field.
fn first_row_path(path: &[PathSegment], key: &Name) -> Vec<PathSegment> {
    let mut path = child_path(path, key);
    path.push(PathSegment::Index(0));
    path
}
