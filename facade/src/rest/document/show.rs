//! The argument `show` of a list's `@rest`: a second operation that answers one row as a page. It has the selection and
//! all other arguments of the list, so that both answers agree.

use async_graphql::parser::types::{BaseType, OperationDefinition, Selection, Type, VariableDefinition};
use async_graphql::{Name, Pos, Positioned, Value};
use async_graphql_value::Value as InputValue;

use super::directive::Directive;
use super::{DocumentError, fail};

/// The variable with the identifier of the row; the parameter of the path has the same name.
const ID: &str = "id";
/// The argument of a list that holds conditions.
const FILTER: &str = "filter";
/// The argument of a list that searches a text. A page of one row has none.
const SEARCH: &str = "search";

/// The name, operation and directive that a list declares with `show`, such as
/// `show: {operation: "getProduct", get: "/products/{id}"}`; `None` without `show`. `summary`, `can` and `answer` may
/// differ from the list's. The row is found by its primary key, or with `argument: "only"` by that argument of the list.
///
/// # Errors
/// When `show` is malformed, or the list has no argument `filter`.
pub(super) fn of_list(
    operation: &Positioned<OperationDefinition>,
    list: &Directive,
) -> Result<Option<(Name, Positioned<OperationDefinition>, Directive)>, DocumentError> {
    let show = match list.arguments.get("show") {
        None => return Ok(None),
        Some(Value::Object(show)) => show,
        Some(_) => return Err(fail(&list.operation, "`show` is no object")),
    };
    let text = |name: &str| match show.get(name) {
        Some(Value::String(text)) => Ok(text.as_str()),
        _ => Err(fail(&list.operation, format!("`show` needs the text `{name}`"))),
    };
    let (name, _) = (Name::new(text("operation")?), text("get")?);
    let mut rest = Directive { operation: name.to_string(), arguments: list.arguments.clone() };
    rest.arguments.retain(|argument, _| !matches!(argument.as_str(), "show" | "example" | "older"));
    for (argument, value) in show {
        match argument.as_str() {
            "operation" | "argument" => {}
            "get" | "summary" | "can" | "answer" => {
                rest.arguments.insert(argument.to_string(), value.clone());
            }
            _ => return Err(fail(&list.operation, format!("`show` has no argument `{argument}`"))),
        }
    }
    let argument = if show.contains_key("argument") { Some(text("argument")?) } else { None };
    let mut operation = operation.clone();
    narrow(&mut operation.node, argument).map_err(|problem| fail(&list.operation, problem))?;
    let declared = &operation.node.variable_definitions;
    if let Some(Value::Object(inputs)) = rest.arguments.get_mut("inputs") {
        inputs.retain(|input, _| declared.iter().any(|variable| variable.node.name.node == *input));
    }
    Ok(Some((name, operation, rest)))
}

/// Narrows a list to the row whose identifier is in the variable: by a further condition, or by an argument of the
/// list.
fn narrow(operation: &mut OperationDefinition, argument: Option<&str>) -> Result<(), String> {
    let [Positioned { node: Selection::Field(root), .. }] = operation.selection_set.node.items.as_mut_slice()
    else {
        return Err("`show` needs a list with one root field".to_owned());
    };
    let arguments = &mut root.node.arguments;
    let (pos, id) = (root.pos, InputValue::Variable(Name::new(ID)));
    let searched = arguments.iter().find(|(name, _)| name.node == SEARCH);
    if let Some((_, Positioned { node: InputValue::Variable(variable), .. })) = searched {
        let variable = variable.clone();
        operation.variable_definitions.retain(|declared| declared.node.name.node != variable);
    }
    arguments.retain(|(name, _)| name.node != SEARCH);
    let ty = if argument.is_some() { "ID" } else { "Int" };
    match argument {
        Some(argument) => {
            arguments.push((Positioned::new(Name::new(argument), pos), Positioned::new(id, pos)));
        }
        None => {
            let given = arguments.iter_mut().find(|(name, _)| name.node == FILTER);
            let (_, conditions) = given.ok_or("`show` needs a list that takes conditions")?;
            conditions.node = object(
                "and",
                InputValue::List(vec![
                    object("databaseId", object("eq", id)),
                    std::mem::replace(&mut conditions.node, InputValue::Null),
                ]),
            );
        }
    }
    operation.variable_definitions.insert(0, required(ID, ty));
    Ok(())
}

fn object(key: &str, value: InputValue) -> InputValue {
    InputValue::Object([(Name::new(key), value)].into_iter().collect())
}

fn required(name: &str, ty: &str) -> Positioned<VariableDefinition> {
    let at = Pos::default();
    let ty = Type { base: BaseType::Named(Name::new(ty)), nullable: false };
    let variable = VariableDefinition {
        name: Positioned::new(Name::new(name), at),
        var_type: Positioned::new(ty, at),
        directives: Vec::new(),
        default_value: None,
    };
    Positioned::new(variable, at)
}
