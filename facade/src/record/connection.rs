//! A part of a list, answered as a connection (Relay): its rows, each with its cursor or without, where the part
//! stands, and how many rows there are in all.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{
    ContextSelectionSet, Name, OutputType, PathSegment, Positioned, ServerResult, SimpleObject, Value,
};

use super::cell::{ColumnSet, Rows};
use super::kept;
use super::level::{Level, child_path, path_of};
use super::output::List;
use super::plan::{Merged, Plan, Set, merged};
use super::reading::Record;
use super::record_type::RecordType;
use crate::execution::Execution;

/// A part of a list of records.
pub struct Connection<T> {
    part: Part,
    record: PhantomData<fn() -> T>,
}

/// A part of a list, as it was read.
#[derive(Debug, Default)]
pub struct Part {
    /// The rows, with the columns that [`Asked::columns`] tells.
    pub rows: Rows,
    /// The cursor of each row, where cursors are asked for.
    pub cursors: Vec<String>,
    /// Whether rows follow this part, where that is asked.
    pub has_next: bool,
    /// Whether rows precede this part, where that is asked.
    pub has_previous: bool,
    /// Rows in all, where that is asked.
    pub total: Option<u64>,
}

/// What is asked of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// The columns of its rows that are looked at.
    pub columns: ColumnSet,
    /// Whether a cursor is asked for.
    pub cursors: bool,
    /// Whether it is asked if rows follow.
    pub next: bool,
    /// Whether it is asked if rows precede.
    pub previous: bool,
    /// Whether it is asked how many rows there are in all.
    pub total: bool,
}

/// What a selection asks of a connection.
pub(crate) struct ConnectionPlan {
    fields: Vec<(Name, OfConnection)>,
}

/// What a field of a connection is answered with.
enum OfConnection {
    Nodes(Arc<Plan>),
    Edges(Vec<(Name, OfEdge)>),
    PageInfo(Vec<(Name, OfPageInfo)>),
    Total,
    TypeName,
}

/// What a field of a row with its cursor is answered with.
enum OfEdge {
    Node(Arc<Plan>),
    Cursor,
    TypeName,
}

/// What a field is answered with that says where a part stands.
#[derive(Clone, Copy)]
enum OfPageInfo {
    HasNext,
    HasPrevious,
    Start,
    End,
    TypeName,
}

impl ConnectionPlan {
    /// The plan of the selection that the context is at. That of a kept selection is worked out once.
    fn of(ctx: &ContextSelectionSet<'_>, record: &'static RecordType) -> ServerResult<Arc<Self>> {
        let kept = Execution::of(ctx).kept.as_deref();
        match kept.and_then(|kept| kept.meant(&ctx.item.node)) {
            Some(kept) => kept.connection.get_or_plan(|_| true, || Self::new(ctx, record)),
            None => Self::new(ctx, record),
        }
    }

    fn new(ctx: &ContextSelectionSet<'_>, record: &'static RecordType) -> ServerResult<Arc<Self>> {
        let fields = planned(ctx, &[ctx.item], &type_name(record), |name, sets| {
            Ok(match name {
                "nodes" => Some(OfConnection::Nodes(Plan::new(ctx, record, sets)?)),
                "edges" => Some(OfConnection::Edges(edge_fields(ctx, record, sets)?)),
                "pageInfo" => Some(OfConnection::PageInfo(page_info_fields(ctx, sets)?)),
                "totalCount" => Some(OfConnection::Total),
                "__typename" => Some(OfConnection::TypeName),
                _ => None,
            })
        })?;
        Ok(Arc::new(Self { fields }))
    }

    /// The plans of its rows.
    fn rows(&self) -> Vec<&Arc<Plan>> {
        let mut rows = Vec::new();
        for (_, field) in &self.fields {
            match field {
                OfConnection::Nodes(plan) => rows.push(plan),
                OfConnection::Edges(fields) => rows.extend(nodes(fields).map(|(_, plan)| plan)),
                OfConnection::PageInfo(_) | OfConnection::Total | OfConnection::TypeName => {}
            }
        }
        rows
    }
}

/// The fields of some selections on objects of the type `on`, and how each is answered.
fn planned<'a, F>(
    ctx: &ContextSelectionSet<'a>,
    sets: &[&'a Set],
    on: &str,
    mut plan: impl FnMut(&str, &[&'a Set]) -> ServerResult<Option<F>>,
) -> ServerResult<Vec<(Name, F)>> {
    let mut planned = Vec::new();
    for (key, Merged { field, sets }) in merged(ctx, sets, &|condition| condition == on)? {
        planned.extend(plan(&field.node.name.node, &sets)?.map(|field| (key.clone(), field)));
    }
    Ok(planned)
}

fn edge_fields<'a>(
    ctx: &ContextSelectionSet<'a>,
    record: &'static RecordType,
    sets: &[&'a Set],
) -> ServerResult<Vec<(Name, OfEdge)>> {
    planned(ctx, sets, &edge_name(record), |name, sets| {
        Ok(match name {
            "node" => Some(OfEdge::Node(Plan::new(ctx, record, sets)?)),
            "cursor" => Some(OfEdge::Cursor),
            "__typename" => Some(OfEdge::TypeName),
            _ => None,
        })
    })
}

fn page_info_fields<'a>(
    ctx: &ContextSelectionSet<'a>,
    sets: &[&'a Set],
) -> ServerResult<Vec<(Name, OfPageInfo)>> {
    planned(ctx, sets, PAGE_INFO, |name, _| {
        Ok(match name {
            "hasNextPage" => Some(OfPageInfo::HasNext),
            "hasPreviousPage" => Some(OfPageInfo::HasPrevious),
            "startCursor" => Some(OfPageInfo::Start),
            "endCursor" => Some(OfPageInfo::End),
            "__typename" => Some(OfPageInfo::TypeName),
            _ => None,
        })
    })
}

fn nodes(fields: &[(Name, OfEdge)]) -> impl Iterator<Item = (&Name, &Arc<Plan>)> {
    fields.iter().filter_map(|(key, field)| match field {
        OfEdge::Node(plan) => Some((key, plan)),
        OfEdge::Cursor | OfEdge::TypeName => None,
    })
}

/// Name of the type of a connection of these records.
fn type_name(record: &RecordType) -> String {
    format!("{}Connection", record.name)
}

/// Name of the type of a row with its cursor.
fn edge_name(record: &RecordType) -> String {
    format!("{}Edge", record.name)
}

const PAGE_INFO: &str = "PageInfo";

impl Asked {
    /// What the selection on a connection of these records asks.
    ///
    /// # Errors
    /// When the document names a fragment that it doesn't have.
    pub fn of(ctx: &ContextSelectionSet<'_>, record: &'static RecordType) -> ServerResult<Self> {
        let plan = ConnectionPlan::of(ctx, record)?;
        // A row's cursor holds its key, and a statement must read something.
        let mut asked = Self { columns: ColumnSet::default().with(record.key), ..Self::default() };
        for rows in plan.rows() {
            asked.columns.extend(Level::new(ctx, Arc::clone(rows)).columns().iter());
        }
        for (_, field) in &plan.fields {
            match field {
                OfConnection::Edges(fields) => {
                    asked.cursors |= fields.iter().any(|(_, field)| matches!(field, OfEdge::Cursor));
                }
                OfConnection::PageInfo(fields) => fields.iter().for_each(|(_, field)| match field {
                    OfPageInfo::HasNext => asked.next = true,
                    OfPageInfo::HasPrevious => asked.previous = true,
                    OfPageInfo::Start | OfPageInfo::End => asked.cursors = true,
                    OfPageInfo::TypeName => {}
                }),
                OfConnection::Total => asked.total = true,
                OfConnection::Nodes(_) | OfConnection::TypeName => {}
            }
        }
        Ok(asked)
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
    /// A part of a list.
    pub fn new(part: Part) -> Self {
        Self { part, record: PhantomData }
    }
}

impl<T: Record> OutputType for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        type_name(T::record()).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let (record, row) = (T::record(), T::record().register::<T>(registry));
            let nodes = List::<T>::create_type_info(registry);
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
            builder.tags(vec![kept::PLANNED.to_owned()]).build()
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        self.part.answer(ctx, T::record()).await
    }
}

fn field(name: &str, ty: String, doc: &str) -> (String, MetaField) {
    let mut field = MetaField::new(name, ty);
    field.description = Some(doc.to_owned());
    (name.to_owned(), field)
}

/// Registers the type of a row with its cursor, and names it.
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

impl Part {
    async fn answer(
        &self,
        ctx: &ContextSelectionSet<'_>,
        record: &'static RecordType,
    ) -> ServerResult<Value> {
        let (plan, path) = (ConnectionPlan::of(ctx, record)?, path_of(ctx));
        let mut answer = IndexMap::with_capacity(plan.fields.len());
        for (key, field) in &plan.fields {
            let value = match field {
                OfConnection::Nodes(rows) => {
                    let path = first_of(&path, key);
                    Level::new(ctx, Arc::clone(rows))
                        .write(&self.rows, &path)
                        .await?
                        .into_list(Execution::of(ctx))
                }
                OfConnection::Edges(fields) => self.edges(ctx, record, fields, &first_of(&path, key)).await?,
                OfConnection::PageInfo(fields) => self.info(fields),
                OfConnection::Total => self.total.into(),
                OfConnection::TypeName => type_name(record).into(),
            };
            answer.insert(key.clone(), value);
        }
        Ok(Value::Object(answer))
    }

    async fn edges(
        &self,
        ctx: &ContextSelectionSet<'_>,
        record: &'static RecordType,
        fields: &[(Name, OfEdge)],
        path: &[PathSegment],
    ) -> ServerResult<Value> {
        let mut written = Vec::new();
        for (key, rows) in nodes(fields) {
            let rows = Level::new(ctx, Arc::clone(rows)).write(&self.rows, &child_path(path, key)).await?;
            written.push(rows.into_values(Execution::of(ctx)).into_iter());
        }
        let edges = (0..self.rows.rows.len()).map(|at| {
            let mut written = written.iter_mut();
            let values = fields.iter().map(|(key, field)| {
                let value = match field {
                    OfEdge::Node(_) => written.next().and_then(Iterator::next).unwrap_or_default(),
                    OfEdge::Cursor => self.cursors.get(at).map(String::as_str).unwrap_or_default().into(),
                    OfEdge::TypeName => edge_name(record).into(),
                };
                (key.clone(), value)
            });
            Value::Object(values.collect())
        });
        Ok(Value::List(edges.collect()))
    }

    fn info(&self, fields: &[(Name, OfPageInfo)]) -> Value {
        let value = |field| match field {
            OfPageInfo::HasNext => self.has_next.into(),
            OfPageInfo::HasPrevious => self.has_previous.into(),
            OfPageInfo::Start => self.cursors.first().cloned().into(),
            OfPageInfo::End => self.cursors.last().cloned().into(),
            OfPageInfo::TypeName => PAGE_INFO.into(),
        };
        Value::Object(fields.iter().map(|(key, field)| (key.clone(), value(*field))).collect())
    }
}

/// The path of the first row of a list that is a field.
fn first_of(path: &[PathSegment], key: &Name) -> Vec<PathSegment> {
    let mut path = child_path(path, key);
    path.push(PathSegment::Index(0));
    path
}
