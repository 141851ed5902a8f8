//! Completes an operation: snake case keys, the forms `Count` and `Exists` of its includes, the total of a page.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    BaseType, OperationDefinition, Selection, SelectionSet, Type, VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned, Value};
use async_graphql_value::Value as InputValue;

use super::{DocumentError, fail, single};
use crate::name::{camel, include_variable, snake};

/// Gives every field without an alias its name in snake case as response key.
pub(super) fn snake_keys(set: &mut SelectionSet) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let key = snake(&field.node.name.node);
                if field.node.alias.is_none() && key != field.node.name.node.as_str() {
                    field.node.alias = Some(Positioned::new(Name::new(key), field.pos));
                }
                snake_keys(&mut field.node.selection_set.node);
            }
            Selection::InlineFragment(fragment) => snake_keys(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Removes `@optional` from the fields of the operation, and adds their paths of response keys to `optional`.
/// `parent` is the path of the selection. Fields in fragments are not changed.
pub(super) fn take_optional(set: &mut SelectionSet, parent: &[String], optional: &mut Vec<Vec<String>>) {
    for selection in &mut set.items {
        let Selection::Field(field) = &mut selection.node else { continue };
        let field = &mut field.node;
        let path: Vec<String> =
            parent.iter().cloned().chain([field.response_key().node.to_string()]).collect();
        let directives = field.directives.len();
        field.directives.retain(|directive| directive.node.name.node != "optional");
        if field.directives.len() < directives {
            optional.push(path.clone());
        }
        take_optional(&mut field.selection_set.node, &path, optional);
    }
}

/// Adds to a page its total, and the forms `Count` and `Exists` of each include with the variables of all forms.
///
/// # Errors
/// When the operation has not exactly one root field, or it has no `nodes`.
pub(super) fn complete_page<'a>(
    name: &Name,
    operation: &mut OperationDefinition,
    includes: impl Iterator<Item = &'a String>,
) -> Result<(), DocumentError> {
    let missing = || fail(name, "a page needs one root field with `nodes`");
    let [Positioned { node: Selection::Field(root), .. }] = operation.selection_set.node.items.as_mut_slice()
    else {
        return Err(missing());
    };
    let mut additions = String::new();
    for relation in includes {
        let field = included_by(&root.node.selection_set.node, &include_variable(relation, ""));
        let name = field.map_or_else(|| camel(relation), Name::to_string);
        for form in ["Count", "Exists"] {
            let key = format!("{}_{}", snake(relation), form.to_lowercase());
            let variable = include_variable(relation, form);
            additions.push_str(&format!("{key}: {name}{form} @include(if: ${variable}) "));
        }
        for form in ["", "Count", "Exists"].iter().skip(usize::from(field.is_none())) {
            operation.variable_definitions.push(flag_variable(&include_variable(relation, form)));
        }
    }
    let nodes =
        root.node.selection_set.node.items.iter_mut().find_map(|selection| match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "nodes" => {
                Some(&mut field.node.selection_set.node)
            }
            _ => None,
        });
    nodes.ok_or_else(missing)?.items.extend(selections(name, &additions)?);
    root.node.selection_set.node.items.extend(selections(name, "total: totalCount")?);
    Ok(())
}

/// The name of the field that a variable includes. A relation that is always selected has none.
fn included_by<'a>(set: &'a SelectionSet, variable: &str) -> Option<&'a Name> {
    set.items.iter().find_map(|selection| {
        let named = |value: &InputValue| matches!(value, InputValue::Variable(name) if name == variable);
        let mut conditions =
            selection.node.directives().iter().filter_map(|directive| directive.node.get_argument("if"));
        let included = conditions.any(|value| named(&value.node));
        match &selection.node {
            Selection::Field(field) if included => Some(&field.node.name.node),
            Selection::Field(field) => included_by(&field.node.selection_set.node, variable),
            Selection::InlineFragment(fragment) => included_by(&fragment.node.selection_set.node, variable),
            Selection::FragmentSpread(_) => None,
        }
    })
}

fn selections(name: &Name, text: &str) -> Result<Vec<Positioned<Selection>>, DocumentError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parsed = parse_query(format!("{{ {text} }}")).map_err(|error| fail(name, error.to_string()))?;
    Ok(single(&parsed).map(|operation| operation.selection_set.node.items.clone()).unwrap_or_default())
}

fn flag_variable(name: &str) -> Positioned<VariableDefinition> {
    let at = Pos::default();
    Positioned::new(
        VariableDefinition {
            name: Positioned::new(Name::new(name), at),
            var_type: Positioned::new(
                Type { base: BaseType::Named(Name::new("Boolean")), nullable: false },
                at,
            ),
            directives: Vec::new(),
            default_value: Some(Positioned::new(Value::Boolean(false), at)),
        },
        at,
    )
}
