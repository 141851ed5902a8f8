//! Introspection: answers about the schema, written as JSON straight from its types.
//!
//! async-graphql's own resolvers build a tree of values first, ten times the size of the JSON: several megabytes for
//! the usual query of tools, which needs no key. Here async-graphql validates the document and reads its arguments;
//! requests run with its introspection disabled, which sends `__schema` and `__type` to the root type.

mod cache;
mod element;

use std::collections::HashSet;

use async_graphql::parser::types::SelectionSet;
use async_graphql::registry::Registry;
use async_graphql::{Context, ServerResult, Value};

pub use cache::IntrospectionCache;
use element::{Answer, Element};

use crate::api::Api;
use crate::engine::graphql;
use crate::error::{Code, NotRun};
use crate::execution::Execution;
use crate::json;
use crate::selection::{FieldCollector, selection_sets};

/// Maximum number of bytes of the answers to all introspection fields of a request: about twice what tools ask for. Long
/// aliases make an answer longer that is small by the number of its parts.
const MAX_TEXT: usize = 1_000_000;
/// Length from which a part of the text is put aside, in bytes: one buffer that grows would take three times the memory.
const PART: usize = 64 * 1024;

/// The root fields that [`resolve`] answers.
pub const FIELDS: [&str; 2] = [SCHEMA, "__type"];
const SCHEMA: &str = "__schema";

/// The answer to one of [`FIELDS`], as a JSON text.
///
/// # Errors
/// An argument that is not valid, and an answer that would be too large.
pub fn resolve(ctx: &Context<'_>) -> ServerResult<Value> {
    let registry = &ctx.schema_env.registry;
    let root = if ctx.item.node.name.node == SCHEMA {
        Some(Element::Schema)
    } else {
        let (_, name) = ctx.param_value::<String>("name", None)?;
        registry.types.get(&name).map(Element::Type)
    };
    let visible = registry.find_visible_types(ctx);
    let fields = plan(ctx, [&ctx.item.node.selection_set.node])?;
    let counts = &Execution::of(ctx).counts;
    let schema = VisibleSchema { ctx, registry, visible };
    let root = root.filter(|element| schema.shows(*element));
    let max = MAX_TEXT.saturating_sub(counts.introspection_bytes());
    let mut writer = Writer { schema, parts: Vec::new(), text: Vec::new(), left: max, objects: 0 };
    writer.write_answer(&Answer::Object(root), &fields);
    if writer.is_full() {
        let unit = "bytes in the answers to introspection fields";
        let error = NotRun::limit_exceeded(Code::AnswerTooLarge, "introspection", MAX_TEXT as u64, unit);
        return Err(graphql(error).into_server_error(ctx.item.pos));
    }
    counts.add_objects(writer.objects);
    let text = writer.into_text();
    counts.add_introspection_bytes(text.len());
    Ok(Value::Binary(text.into()))
}

/// A field of a selection on an element of the schema.
struct PlannedField {
    /// The response key with its colon, as JSON.
    key: Vec<u8>,
    name: String,
    include_deprecated: bool,
    /// The selection on the elements that the field answers with.
    below: Vec<PlannedField>,
}

/// The fields of selection sets that apply to the same elements.
fn plan<'a>(
    ctx: &Context<'a>,
    sets: impl IntoIterator<Item = &'a SelectionSet>,
) -> ServerResult<Vec<PlannedField>> {
    let fields = FieldCollector::of(ctx).collect(sets);
    let planned = fields.into_iter().filter_map(|(key, group)| Some((key, *group.first()?, group)));
    let planned = planned.map(|(key, first, group)| {
        let mut text = Vec::with_capacity(key.len() + 3);
        json::write_str(key, &mut text);
        text.push(b':');
        // Null stands for a variable that was not given and has no default.
        let selection = ctx.with_selection_set(&first.node.selection_set);
        let (_, include_deprecated) =
            selection.with_field(first).param_value("includeDeprecated", Some(Option::<bool>::default))?;
        let below = plan(ctx, selection_sets(&group))?;
        Ok(PlannedField {
            key: text,
            name: first.node.name.node.to_string(),
            include_deprecated: include_deprecated.unwrap_or(false),
            below,
        })
    });
    planned.collect()
}

/// The part of the schema that a request may see.
struct VisibleSchema<'a> {
    ctx: &'a Context<'a>,
    registry: &'a Registry,
    /// Names of types.
    visible: HashSet<&'a str>,
}

struct Writer<'a> {
    schema: VisibleSchema<'a>,
    /// The text that is written, but for its last part.
    parts: Vec<Vec<u8>>,
    text: Vec<u8>,
    /// How many bytes the last part may have.
    left: usize,
    objects: u32,
}

impl<'a> Writer<'a> {
    /// Whether the text is longer than it may be. Nothing is added to it then.
    fn is_full(&self) -> bool {
        self.text.len() > self.left
    }

    fn into_text(mut self) -> Vec<u8> {
        self.parts.push(self.text);
        self.parts.concat()
    }

    fn write_element(&mut self, element: Element<'a>, fields: &[PlannedField]) {
        if self.is_full() {
            return;
        }
        if self.text.len() >= PART {
            self.left -= self.text.len();
            self.parts.push(std::mem::take(&mut self.text));
        }
        self.objects = self.objects.saturating_add(1);
        self.text.push(b'{');
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                self.text.push(b',');
            }
            self.text.extend_from_slice(&field.key);
            let answer = element.answer(&self.schema, &field.name, field.include_deprecated);
            self.write_answer(&answer, &field.below);
        }
        self.text.push(b'}');
    }

    fn write_answer(&mut self, answer: &Answer<'a>, below: &[PlannedField]) {
        match answer {
            Answer::Text(Some(text)) => json::write_str(text, &mut self.text),
            Answer::Boolean(truth) => json::write_bool(*truth, &mut self.text),
            Answer::Object(Some(element)) => self.write_element(*element, below),
            Answer::List(Some(elements)) => {
                self.text.push(b'[');
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        self.text.push(b',');
                    }
                    self.write_element(*element, below);
                }
                self.text.push(b']');
            }
            Answer::Value(value) => json::write_value(value, Api::GraphQl, &mut self.text),
            Answer::Text(None) | Answer::Object(None) | Answer::List(None) => {
                self.text.extend_from_slice(b"null");
            }
        }
    }
}
