//! A part of a list, answered as a connection (Relay): its rows, each with its cursor or without, where the part
//! stands, and how many rows there are in all.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, ObjectBuilder, Registry};
use async_graphql::{
    ContextSelectionSet, Name, OutputType, PathSegment, Positioned, ServerResult, SimpleObject, Value,
};

use crate::cell::{ColumnSet, Rows};
use crate::kept;
use crate::level::{Level, child_path, path_of};
use crate::output::List;
use crate::plan::{Set, each_field};
use crate::record::{Record, RecordType};
use crate::request::Request;

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

/// Fields by their response key, merged.
type Fields<'a> = IndexMap<&'a Name, Merged<'a>>;

/// A field, with all that is selected below it under its key.
struct Merged<'a> {
    name: &'a str,
    sets: Vec<&'a Set>,
}

fn fields<'a>(ctx: &ContextSelectionSet<'a>, sets: &[&'a Set], on: &str) -> ServerResult<Fields<'a>> {
    let mut fields = Fields::new();
    let mut add = |field: &'a Positioned<Field>| {
        let key = &field.node.response_key().node;
        let merged =
            fields.entry(key).or_insert_with(|| Merged { name: &field.node.name.node, sets: Vec::new() });
        merged.sets.push(&field.node.selection_set);
    };
    for set in sets {
        each_field(ctx, set, &|condition| condition == on, &mut add)?;
    }
    Ok(fields)
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
        let mut asked = Self::default();
        for field in fields(ctx, &[ctx.item], &type_name(record))?.into_values() {
            match field.name {
                "nodes" => asked.look_at(ctx, record, &field.sets)?,
                "edges" => {
                    for field in fields(ctx, &field.sets, &edge_name(record))?.into_values() {
                        match field.name {
                            "node" => asked.look_at(ctx, record, &field.sets)?,
                            "cursor" => asked.cursors = true,
                            _ => {}
                        }
                    }
                }
                "pageInfo" => {
                    for field in fields(ctx, &field.sets, PAGE_INFO)?.into_values() {
                        match field.name {
                            "hasNextPage" => asked.next = true,
                            "hasPreviousPage" => asked.previous = true,
                            "startCursor" | "endCursor" => asked.cursors = true,
                            _ => {}
                        }
                    }
                }
                "totalCount" => asked.total = true,
                _ => {}
            }
        }
        // A row's cursor holds its key, and a statement must read something.
        asked.columns = asked.columns.with(record.key);
        Ok(asked)
    }

    fn look_at(
        &mut self,
        ctx: &ContextSelectionSet<'_>,
        record: &'static RecordType,
        sets: &[&Set],
    ) -> ServerResult<()> {
        self.columns.extend(Level::plan(ctx, record, sets)?.columns().iter());
        Ok(())
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
            let (record, row) = (T::record(), T::register(registry));
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
        let path = path_of(ctx);
        let mut answer = IndexMap::new();
        for (key, field) in fields(ctx, &[ctx.item], &type_name(record))? {
            let path = || child_path(&path, key);
            let value = match field.name {
                "nodes" => {
                    let level = Level::plan(ctx, record, &field.sets)?;
                    let path = [path(), vec![PathSegment::Index(0)]].concat();
                    level.write(&self.rows, &path).await?.into_list(Request::of(ctx))
                }
                "edges" => self.edges(ctx, record, &field.sets, path()).await?,
                "pageInfo" => self.info(ctx, &field.sets)?,
                "totalCount" => self.total.into(),
                "__typename" => type_name(record).into(),
                _ => continue,
            };
            answer.insert(key.clone(), value);
        }
        Ok(Value::Object(answer))
    }

    async fn edges(
        &self,
        ctx: &ContextSelectionSet<'_>,
        record: &'static RecordType,
        sets: &[&Set],
        path: Vec<PathSegment>,
    ) -> ServerResult<Value> {
        let (fields, request) = (fields(ctx, sets, &edge_name(record))?, Request::of(ctx));
        let first = [path, vec![PathSegment::Index(0)]].concat();
        let mut nodes = Vec::new();
        for (key, field) in fields.iter().filter(|(_, field)| field.name == "node") {
            let level = Level::plan(ctx, record, &field.sets)?;
            let written = level.write(&self.rows, &child_path(&first, key)).await?;
            nodes.push(written.into_values(request).into_iter());
        }
        let edges = (0..self.rows.rows.len()).map(|at| {
            let mut nodes = nodes.iter_mut();
            let values = fields.iter().filter_map(|(&key, field)| {
                let value = match field.name {
                    "node" => nodes.next()?.next().unwrap_or_default(),
                    "cursor" => self.cursors.get(at).map(String::as_str).unwrap_or_default().into(),
                    "__typename" => edge_name(record).into(),
                    _ => return None,
                };
                Some((key.clone(), value))
            });
            Value::Object(values.collect())
        });
        Ok(Value::List(edges.collect()))
    }

    fn info(&self, ctx: &ContextSelectionSet<'_>, sets: &[&Set]) -> ServerResult<Value> {
        let fields = fields(ctx, sets, PAGE_INFO)?.into_iter().filter_map(|(key, field)| {
            let value = match field.name {
                "hasNextPage" => self.has_next.into(),
                "hasPreviousPage" => self.has_previous.into(),
                "startCursor" => self.cursors.first().cloned().into(),
                "endCursor" => self.cursors.last().cloned().into(),
                "__typename" => PAGE_INFO.into(),
                _ => return None,
            };
            Some((key.clone(), value))
        });
        Ok(Value::Object(fields.collect()))
    }
}
