//! An operation with the fragments that it reaches.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value as InputValue;

/// How deep a fragment that spreads itself is unrolled.
const MAX_LEVELS: usize = 16;

/// The operation with the fragments it reaches. A selection that a variable includes which the
/// operation doesn't declare is left out of it; a fragment that spreads itself is unrolled.
pub(super) fn assemble(
    mut operation: Positioned<OperationDefinition>,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
) -> Result<ExecutableDocument, String> {
    let declared = operation
        .node
        .variable_definitions
        .iter()
        .map(|variable| variable.node.name.node.to_string())
        .collect();
    let mut assembly = Assembly { fragments, declared, done: HashMap::new() };
    assembly.resolve(&mut operation.node.selection_set.node, &[])?;
    Ok(ExecutableDocument { operations: DocumentOperations::Single(operation), fragments: assembly.done })
}

struct Assembly<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    declared: BTreeSet<String>,
    done: HashMap<Name, Positioned<FragmentDefinition>>,
}

impl Assembly<'_> {
    fn resolve(&mut self, set: &mut SelectionSet, inside: &[Name]) -> Result<(), String> {
        set.items.retain(|selection| self.can_be_included(&selection.node));
        let mut at = 0;
        while at < set.items.len() {
            let keep = match &mut set.items[at].node {
                Selection::Field(field) => {
                    let had = !field.node.selection_set.node.items.is_empty();
                    self.resolve(&mut field.node.selection_set.node, inside)?;
                    !had || !field.node.selection_set.node.items.is_empty()
                }
                Selection::InlineFragment(fragment) => {
                    self.resolve(&mut fragment.node.selection_set.node, inside)?;
                    true
                }
                Selection::FragmentSpread(spread) => {
                    match self.spread(&spread.node.fragment_name.node, inside)? {
                        Some(name) => {
                            spread.node.fragment_name.node = name;
                            true
                        }
                        None => false,
                    }
                }
            };
            if keep {
                at += 1;
            } else {
                set.items.remove(at);
            }
        }
        Ok(())
    }

    fn can_be_included(&self, selection: &Selection) -> bool {
        selection.directives().iter().all(|directive| {
            match directive.node.get_argument("if").map(|value| &value.node) {
                Some(InputValue::Variable(name)) => self.declared.contains(name.as_str()),
                _ => true,
            }
        })
    }

    /// The name under which a fragment stands at this level, or nothing where it is cut.
    fn spread(&mut self, name: &Name, inside: &[Name]) -> Result<Option<Name>, String> {
        let level = inside.iter().filter(|outer| *outer == name).count();
        if level >= MAX_LEVELS {
            return Ok(None);
        }
        let levelled = if level == 0 { name.clone() } else { Name::new(format!("{name}_{level}")) };
        if self.done.contains_key(&levelled) {
            return Ok(Some(levelled));
        }
        let mut fragment =
            self.fragments.get(name).ok_or_else(|| format!("unknown fragment `{name}`"))?.clone();
        let deeper: Vec<Name> = inside.iter().cloned().chain([name.clone()]).collect();
        self.resolve(&mut fragment.node.selection_set.node, &deeper)?;
        self.done.insert(levelled.clone(), fragment);
        Ok(Some(levelled))
    }
}
