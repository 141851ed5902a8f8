//! The directives `@replaces` and `@pivot` on fields of documents. `facade/src/record/plan.rs` applies them to rows;
//! GraphQL's own validation does not know them.

use async_graphql::Positioned;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::registry::{MetaType, Registry};

use super::Fragments;
use crate::record::{PIVOT, REPLACES, has_directive, pivot_columns, replaced_key};

/// The key under which REST answers a field.
pub(in crate::rest) fn rest_key(field: &Field) -> &str {
    replaced_key(field).unwrap_or_else(|| response_key(field))
}

/// The document without these directives.
pub(super) fn without(document: &ExecutableDocument) -> ExecutableDocument {
    let mut document = document.clone();
    match &mut document.operations {
        DocumentOperations::Single(operation) => remove_directives(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(named) => {
            named
                .values_mut()
                .for_each(|operation| remove_directives(&mut operation.node.selection_set.node));
        }
    }
    document
        .fragments
        .values_mut()
        .for_each(|fragment| remove_directives(&mut fragment.node.selection_set.node));
    document
}

fn remove_directives(set: &mut SelectionSet) {
    for selection in &mut set.items {
        let is_own = |name: &str| matches!(name, PIVOT | REPLACES);
        selection.node.directives_mut().retain(|directive| !is_own(&directive.node.name.node));
        match &mut selection.node {
            Selection::Field(field) => remove_directives(&mut field.node.selection_set.node),
            Selection::InlineFragment(fragment) => remove_directives(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Checks that `@pivot` stands on a field with a join table, and that the key in `@replaces` is selected beside it.
///
/// # Errors
/// The first problem, with the name of its field.
pub(super) fn check(
    registry: &Registry,
    fragments: &Fragments,
    ty: &MetaType,
    set: &SelectionSet,
) -> Result<(), String> {
    for Positioned { node: selection, .. } in &set.items {
        match selection {
            Selection::Field(field) => {
                let field = &field.node;
                let Some(meta) = ty.field_by_name(&field.name.node) else { continue };
                let name = &field.name.node;
                if has_directive(field, PIVOT) && pivot_columns(&meta.tags).next().is_none() {
                    return Err(format!("`{name}` has @{PIVOT}, but no table stands between"));
                }
                if has_directive(field, REPLACES) {
                    let key = replaced_key(field)
                        .ok_or_else(|| format!("`{name}` has @{REPLACES} without the text `key`"))?;
                    if !keys(set, fragments, response_key).iter().any(|known| known == key) {
                        return Err(format!("`{name}` replaces `{key}`, which is not selected beside it"));
                    }
                }
                if let Some(below) = registry.concrete_type_by_name(&meta.ty) {
                    check(registry, fragments, below, &field.selection_set.node)?;
                }
            }
            Selection::InlineFragment(fragment) => {
                check(registry, fragments, ty, &fragment.node.selection_set.node)?;
            }
            // The caller checks fragments on their own, because they may spread themselves.
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn response_key(field: &Field) -> &str {
    &field.response_key().node
}

/// The keys of the fields of a selection and of its fragments, but not of what is selected below them. `key` returns
/// the key of a field.
pub(in crate::rest) fn keys(
    set: &SelectionSet,
    fragments: &Fragments,
    key: fn(&Field) -> &str,
) -> Vec<String> {
    let keys_of = |selection: &Selection| match selection {
        Selection::Field(field) => vec![key(&field.node).to_owned()],
        Selection::InlineFragment(inline) => keys(&inline.node.selection_set.node, fragments, key),
        Selection::FragmentSpread(spread) => fragments
            .get(&spread.node.fragment_name.node)
            .map(|fragment| keys(&fragment.node.selection_set.node, fragments, key))
            .unwrap_or_default(),
    };
    set.items.iter().flat_map(|selection| keys_of(&selection.node)).collect()
}
