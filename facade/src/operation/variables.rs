//! Values of variables (GraphQL, 6.1.2). async-graphql applies their defaults in arguments, but not in the
//! conditions of `@include` and `@skip`, and it treats a null condition as false. So defaults are filled in, and
//! conditions checked, here.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Value, Variables};
use async_graphql_value::{ConstValue, Value as Given};

use crate::Result;
use crate::error::{Code, NotRun};

/// The directives of operations; both take a condition.
pub(super) const CONDITIONAL: [&str; 2] = ["include", "skip"];

/// Maximum nesting of lists and objects in the value of a variable. Input types can hold themselves, and reading a
/// deeply nested one would overflow the stack.
const MAX_LEVELS: usize = 32;

/// Refuses variables whose values nest too deep. To be called before anything else reads them.
///
/// # Errors
/// [`Error::NotRun`](crate::Error::NotRun) with the limit.
pub fn check_nesting(variables: &Variables) -> Result<()> {
    let mut level: Vec<&ConstValue> = variables.values().collect();
    for _ in 0..=MAX_LEVELS {
        level = level.into_iter().flat_map(children).collect();
        if level.is_empty() {
            return Ok(());
        }
    }
    let limit = u64::try_from(MAX_LEVELS).unwrap_or(u64::MAX);
    Err(NotRun::limit_exceeded(Code::QueryTooDeep, "variables", limit, "levels in the value of a variable"))
}

/// The elements of a list or the values of an object.
fn children(value: &ConstValue) -> Vec<&ConstValue> {
    match value {
        ConstValue::List(items) => items.iter().collect(),
        ConstValue::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

/// Sets each variable that was not sent to its default.
pub(super) fn fill_in_defaults(operation: &OperationDefinition, variables: &mut Variables) {
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        if let Some(default) = &definition.node.default_value
            && !variables.contains_key(name)
        {
            variables.insert(name.clone(), default.node.clone());
        }
    }
}

/// Checks that every variable of a non-null type has a value; the validator only checks the variables that were sent.
///
/// # Errors
/// [`Error::NotRun`](crate::Error::NotRun) for the first one without a value.
pub(super) fn check_required(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<()> {
    let missing = operation.variable_definitions.iter().find(|definition| {
        let value = variables.get(&definition.node.name.node);
        !definition.node.var_type.node.nullable && value.is_none_or(|value| *value == Value::Null)
    });
    if let Some(definition) = missing {
        let (name, kind) = (&definition.node.name.node, &definition.node.var_type.node);
        let text = format!("The variable `${name}` of type `{kind}` needs a value.");
        return Err(NotRun::error_at(Code::BadUserInput, text, vec![definition.pos]));
    }
    let mut conditions = Conditions { document, operation, variables, seen: HashSet::new() };
    conditions.check(&operation.selection_set.node)
}

/// Checks the conditions of `@include` and `@skip` in an operation and its fragments.
struct Conditions<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    seen: HashSet<&'a str>,
}

impl<'a> Conditions<'a> {
    /// Checks a selection set. The recursion is bounded, since the nesting of brackets is.
    fn check(&mut self, set: &'a SelectionSet) -> Result<()> {
        for selection in &set.items {
            self.check_directives(selection.node.directives())?;
            match &selection.node {
                Selection::Field(field) => self.check(&field.node.selection_set.node)?,
                Selection::InlineFragment(fragment) => self.check(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.check_fragment(&spread.node.fragment_name.node)?,
            }
        }
        Ok(())
    }

    fn check_fragment(&mut self, name: &'a Name) -> Result<()> {
        match self.document.fragments.get(name) {
            Some(fragment) if self.seen.insert(name) => self.check(&fragment.node.selection_set.node),
            _ => Ok(()),
        }
    }

    fn check_directives(&self, directives: &[Positioned<Directive>]) -> Result<()> {
        for directive in directives {
            let name = directive.node.name.node.as_str();
            if CONDITIONAL.contains(&name)
                && let Some(Positioned { pos, node: Given::Variable(variable) }) =
                    directive.node.get_argument("if")
            {
                self.check_condition(name, variable, *pos)?;
            }
        }
        Ok(())
    }

    /// A nullable variable with a default is allowed as a condition, but must not be null.
    fn check_condition(&self, directive: &str, name: &Name, pos: Pos) -> Result<()> {
        // The validator reports a variable that is not defined.
        if !self.operation.variable_definitions.iter().any(|known| known.node.name.node == *name) {
            return Ok(());
        }
        let text = match self.variables.get(name) {
            Some(Value::Boolean(_)) => return Ok(()),
            Some(Value::Null) | None => {
                format!("The variable `${name}` is a condition of `@{directive}`: it must not be null.")
            }
            Some(_) => format!("The variable `${name}` is no Boolean."),
        };
        Err(NotRun::error_at(Code::BadUserInput, text, vec![pos]))
    }
}
