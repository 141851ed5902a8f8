//! Checks that fields with the same response key can be merged (GraphQL, 5.3.2). async-graphql's own rule ignores
//! fragments with a type condition (`docs/upstream.md`): only one of two conflicting fields would be answered,
//! without an error.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet};

use super::positions::InputPositions;
use crate::Result;
use crate::error::{Code, NotRun};

/// How often a field may be visited: once for its place in the document, and once more for each object type of an
/// interface above it.
const MAX_VISITS_PER_FIELD: u64 = 4;

/// A selection set and the name of its type.
type TypedSelection<'a> = (&'a str, &'a SelectionSet);

/// A selected field and the name of its parent type.
#[derive(Clone, Copy)]
struct SelectedField<'a> {
    on: &'a str,
    field: &'a Positioned<Field>,
}

/// The check of a document.
pub(super) struct MergeCheck<'a> {
    document: &'a ExecutableDocument,
    positions: &'a InputPositions,
    /// Remaining visits of fields.
    left: u64,
}

impl<'a> MergeCheck<'a> {
    /// A check of a document with at most this many fields, fragments spread.
    pub(super) fn new(document: &'a ExecutableDocument, positions: &'a InputPositions, fields: u64) -> Self {
        Self { document, positions, left: fields.saturating_mul(MAX_VISITS_PER_FIELD) }
    }

    /// Checks that all fields with the same response key can be merged.
    ///
    /// # Errors
    /// [`Error::NotRun`](crate::Error::NotRun) for the first two that cannot.
    pub(super) fn check(mut self) -> Result<()> {
        for (_, operation) in self.document.operations.iter() {
            let root = self.positions.root(operation.node.ty == OperationType::Mutation);
            self.check_selections(vec![(root, &operation.node.selection_set.node)])?;
        }
        Ok(())
    }

    /// Checks selection sets that are merged into one. The recursion is bounded, since the nesting of brackets is.
    fn check_selections(&mut self, sets: Vec<TypedSelection<'a>>) -> Result<()> {
        let (mut fields, mut visited) = (IndexMap::new(), HashSet::new());
        for (on, set) in sets {
            self.collect(on, set, &mut fields, &mut visited)?;
        }
        fields.into_values().try_for_each(|group| self.check_group(&group))
    }

    fn collect(
        &mut self,
        on: &'a str,
        set: &'a SelectionSet,
        fields: &mut IndexMap<&'a str, Vec<SelectedField<'a>>>,
        visited: &mut HashSet<&'a str>,
    ) -> Result<()> {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    self.count_visit()?;
                    let key = field.node.response_key().node.as_str();
                    fields.entry(key).or_default().push(SelectedField { on, field });
                }
                Selection::InlineFragment(inline) => {
                    let own = inline.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    self.collect(own.unwrap_or(on), &inline.node.selection_set.node, fields, visited)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.document.fragments.get(name).filter(|_| visited.insert(name))
                    {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.collect(on, &fragment.node.selection_set.node, fields, visited)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn count_visit(&mut self) -> Result<()> {
        let text = "The document asks for too many fields under the same keys.";
        self.left = self.left.checked_sub(1).ok_or_else(|| NotRun::error(Code::QueryTooComplex, text))?;
        Ok(())
    }

    /// Checks the fields of one response key. Fields of two different object types are never in the same answer;
    /// fields of an interface can be in an answer with any of them.
    fn check_group(&mut self, group: &[SelectedField<'a>]) -> Result<()> {
        let is_abstract = |asked: &SelectedField<'_>| self.positions.is_abstract(asked.on);
        let types: HashSet<&str> =
            group.iter().filter(|asked| !is_abstract(asked)).map(|asked| asked.on).collect();
        if types.len() < 2 {
            return self.check_same(group);
        }
        for ty in types {
            let meeting: Vec<_> = group
                .iter()
                .filter(|asked| asked.on == ty || self.positions.is_abstract(asked.on))
                .copied()
                .collect();
            self.check_same(&meeting)?;
        }
        Ok(())
    }

    /// Checks fields that are answered as one.
    fn check_same(&mut self, group: &[SelectedField<'a>]) -> Result<()> {
        let [first, others @ ..] = group else { return Ok(()) };
        if let Some(other) = others.iter().find(|other| !is_same(&first.field.node, &other.field.node)) {
            let key = &first.field.node.response_key().node;
            let text =
                format!("Fields \"{key}\" conflict: they are different fields, or have different arguments.");
            return Err(NotRun::error_at(
                Code::GraphqlValidationFailed,
                text,
                vec![first.field.pos, other.field.pos],
            ));
        }
        let sets = group.iter().filter_map(|asked| {
            let below = self.positions.type_of(asked.on, &asked.field.node.name.node)?;
            Some((below, &asked.field.node.selection_set.node))
        });
        let sets: Vec<_> = sets.filter(|(_, set)| !set.items.is_empty()).collect();
        if sets.is_empty() { Ok(()) } else { self.check_selections(sets) }
    }
}

fn is_same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| {
            other.get_argument(name.node.as_str()).is_some_and(|other| other.node == value.node)
        })
}
