//! What the variables of an operation are worth (GraphQL, 6.1.2). async-graphql knows their defaults where
//! arguments are read, but not where fields are skipped, and takes a null condition for false.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Value, Variables};
use async_graphql_value::{ConstValue, Value as Given};

use crate::Result;
use crate::error::{Code, NotRun};

/// Directives that take a condition: all that operations may hold.
pub(super) const CONDITIONAL: [&str; 2] = ["include", "skip"];

/// Levels of lists and objects in the value of a variable: types of inputs hold each other, and reading one that is
/// nested deep takes more of the stack than a thread has.
const MAX_LEVELS: usize = 32;

/// Refuses variables whose values nest too deep. Nothing is read of them before.
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

/// The values that a list or an object holds.
fn children(value: &ConstValue) -> Vec<&ConstValue> {
    match value {
        ConstValue::List(items) => items.iter().collect(),
        ConstValue::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

/// Gives each variable that was left out its default.
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

/// Whether every variable that needs a value has one; the validator looks only at those that have.
///
/// # Errors
/// [`Error::NotRun`](crate::Error::NotRun) with the first that has none.
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
        return Err(NotRun::with_locations(Code::BadUserInput, text, vec![definition.pos]));
    }
    let mut conditions = Conditions { document, operation, variables, seen: HashSet::new() };
    conditions.check(&operation.selection_set.node)
}

/// The conditions of an operation, its fragments spread.
struct Conditions<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    seen: HashSet<&'a str>,
}

impl<'a> Conditions<'a> {
    /// Whether each of them has a value. Selections nest as deep as brackets may.
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

    /// A variable with a default may stand there, but must not be null.
    fn check_condition(&self, directive: &str, name: &Name, pos: Pos) -> Result<()> {
        // The validator tells of one that is not defined.
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
        Err(NotRun::with_locations(Code::BadUserInput, text, vec![pos]))
    }
}
