//! Makes an executable document of an operation and the fragments that it spreads.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value as InputValue;

/// How many times a fragment that spreads itself is unrolled.
const MAX_LEVELS: usize = 16;

/// The operation with the fragments that it spreads. Selections whose condition is a variable that the operation does
/// not declare are left out. A fragment that spreads itself is unrolled.
///
/// # Errors
/// When a fragment is unknown.
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
    let mut assembly = Assembly { fragments, declared, assembled: HashMap::new() };
    assembly.resolve(&mut operation.node.selection_set.node, &[])?;
    Ok(ExecutableDocument {
        operations: DocumentOperations::Single(operation),
        fragments: assembly.assembled,
    })
}

struct Assembly<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// Names of the variables that the operation declares.
    declared: BTreeSet<String>,
    /// The fragments of the document; those of deeper levels have a number in their names.
    assembled: HashMap<Name, Positioned<FragmentDefinition>>,
}

impl Assembly<'_> {
    /// Assembles a selection within the fragments `outer`, the outermost first. A field whose whole selection is left
    /// out is left out itself.
    fn resolve(&mut self, set: &mut SelectionSet, outer: &[Name]) -> Result<(), String> {
        set.items.retain(|selection| self.can_be_included(&selection.node));
        let mut at = 0;
        while at < set.items.len() {
            let keep = match &mut set.items[at].node {
                Selection::Field(field) => {
                    let had_selection = !field.node.selection_set.node.items.is_empty();
                    self.resolve(&mut field.node.selection_set.node, outer)?;
                    !had_selection || !field.node.selection_set.node.items.is_empty()
                }
                Selection::InlineFragment(fragment) => {
                    self.resolve(&mut fragment.node.selection_set.node, outer)?;
                    true
                }
                Selection::FragmentSpread(spread) => {
                    match self.spread(&spread.node.fragment_name.node, outer)? {
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

    /// Adds the fragment for this level; returns its name. `None` below the deepest level.
    fn spread(&mut self, name: &Name, outer: &[Name]) -> Result<Option<Name>, String> {
        let level = outer.iter().filter(|fragment| *fragment == name).count();
        if level >= MAX_LEVELS {
            return Ok(None);
        }
        let levelled = if level == 0 { name.clone() } else { Name::new(format!("{name}_{level}")) };
        if self.assembled.contains_key(&levelled) {
            return Ok(Some(levelled));
        }
        let mut fragment =
            self.fragments.get(name).ok_or_else(|| format!("unknown fragment `{name}`"))?.clone();
        let deeper: Vec<Name> = outer.iter().cloned().chain([name.clone()]).collect();
        self.resolve(&mut fragment.node.selection_set.node, &deeper)?;
        self.assembled.insert(levelled.clone(), fragment);
        Ok(Some(levelled))
    }
}
