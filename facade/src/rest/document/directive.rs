//! Reads the directive `@rest` of an operation (docs/reference.md).

use std::collections::HashMap;

use async_graphql::parser::types::{OperationDefinition, VariableDefinition};
use async_graphql::{Name, Value};

use super::{Answer, DocumentError, Limiter, Route, Variable, fail};
use crate::rest::fields::{Fields, text};
use crate::{Abilities, Ability};

/// The arguments that hold a path, with their HTTP methods.
const METHODS: [(&str, &str); 4] = [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("delete", "DELETE")];

/// The arguments of `@rest`.
pub(super) struct Directive {
    pub(super) operation: String,
    pub(super) arguments: HashMap<String, Value>,
}

impl Directive {
    const KNOWN: [&str; 26] = [
        "get",
        "post",
        "put",
        "delete",
        "status",
        "answer",
        "filters",
        "sorts",
        "includes",
        "lends",
        "can",
        "inputs",
        "added",
        "also",
        "tag",
        "summary",
        "example",
        "show",
        "message",
        "missing",
        "beside",
        "limiter",
        "maxBody",
        "older",
        "type",
        "conflicts",
    ];

    /// Removes the directive from an operation and reads its arguments.
    ///
    /// # Errors
    /// When there is no `@rest`, an argument is unknown, or a value is not constant.
    pub(super) fn take(name: &Name, operation: &mut OperationDefinition) -> Result<Self, DocumentError> {
        let at = operation.directives.iter().position(|directive| directive.node.name.node == "rest");
        let directive = operation.directives.remove(at.ok_or_else(|| fail(name, "it has no @rest"))?);
        let mut arguments = HashMap::new();
        for (argument, value) in directive.node.arguments {
            if !Self::KNOWN.contains(&argument.node.as_str()) {
                return Err(fail(name, format!("@rest has no argument `{}`", argument.node)));
            }
            let value = value.node.into_const().ok_or_else(|| fail(name, "@rest takes no variables"))?;
            arguments.insert(argument.node.to_string(), value);
        }
        Ok(Self { operation: name.to_string(), arguments })
    }

    /// A text or a word; `None` if the argument is absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, DocumentError> {
        match self.arguments.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Enum(word)) => Ok(Some(word.to_string())),
            Some(_) => Err(fail(&self.operation, format!("`{name}` is no text"))),
        }
    }

    /// An object; empty if the argument is absent.
    pub(super) fn object(&self, name: &str) -> Result<Fields, DocumentError> {
        match self.arguments.get(name) {
            None => Ok(Fields::default()),
            Some(Value::Object(fields)) => Ok(fields.clone()),
            Some(_) => Err(fail(&self.operation, format!("`{name}` is no object"))),
        }
    }

    /// A list of texts or words; empty if the argument is absent.
    pub(super) fn names(&self, name: &str) -> Result<Vec<String>, DocumentError> {
        match self.arguments.get(name) {
            None => Ok(Vec::new()),
            Some(list @ Value::List(_)) => Ok(names_in(Some(list.clone()))),
            Some(_) => Err(fail(&self.operation, format!("`{name}` is no list"))),
        }
    }

    /// A list of abilities that the host has; `None` if the argument is absent.
    pub(super) fn abilities(
        &self,
        name: &str,
        known: &Abilities,
    ) -> Result<Option<Vec<Ability>>, DocumentError> {
        if !self.arguments.contains_key(name) {
            return Ok(None);
        }
        let named = |name: String| {
            known
                .iter()
                .find(|ability| ability.name() == name)
                .ok_or_else(|| fail(&self.operation, format!("no ability `{name}`")))
        };
        self.names(name)?.into_iter().map(named).collect::<Result<_, _>>().map(Some)
    }

    /// The routes of all methods. All but the first are added ones.
    pub(super) fn routes(&self) -> Result<Vec<Route>, DocumentError> {
        let mut routes = Vec::new();
        for (argument, method) in METHODS {
            if let Some(path) = self.text(argument)? {
                let added = !routes.is_empty() || self.arguments.get("added") == Some(&Value::Boolean(true));
                routes.push(Route { method, path, added, older: false });
            }
        }
        routes.extend(self.older_routes()?);
        if routes.is_empty() { Err(fail(&self.operation, "@rest names no path")) } else { Ok(routes) }
    }

    /// Whether a switch is on; one that is absent is off.
    pub(super) fn switch(&self, name: &str) -> Result<bool, DocumentError> {
        match self.arguments.get(name) {
            None => Ok(false),
            Some(Value::Boolean(is_on)) => Ok(*is_on),
            Some(_) => Err(fail(&self.operation, format!("`{name}` is neither true nor false"))),
        }
    }

    /// `older: {get: "/reasons", post: ["/reasons", "/reason"]}`: older paths by their method.
    fn older_routes(&self) -> Result<Vec<Route>, DocumentError> {
        let mut routes = Vec::new();
        for (argument, paths) in self.object("older")? {
            let known = METHODS.into_iter().find(|(name, _)| *name == argument.as_str());
            let (_, method) =
                known.ok_or_else(|| fail(&self.operation, format!("`older` has no method `{argument}`")))?;
            let paths = if let Value::List(paths) = paths { paths } else { vec![paths] };
            for path in paths {
                let Value::String(path) = path else {
                    return Err(fail(&self.operation, "a path in `older` is no text"));
                };
                routes.push(Route { method, path, added: true, older: true });
            }
        }
        Ok(routes)
    }

    /// `limiter: "login"`, or `limiter: {name: "login", alone: true}`.
    pub(super) fn limiter(&self) -> Result<Option<Limiter>, DocumentError> {
        let malformed = || fail(&self.operation, "`limiter` is a name, or an object of `name` and `alone`");
        match self.arguments.get("limiter") {
            None => Ok(None),
            Some(Value::String(name)) => Ok(Some(Limiter { name: name.clone(), alone: false })),
            Some(Value::Object(fields)) => match (fields.get("name"), fields.get("alone"), fields.len()) {
                (Some(Value::String(name)), Some(Value::Boolean(alone)), 2) => {
                    Ok(Some(Limiter { name: name.clone(), alone: *alone }))
                }
                _ => Err(malformed()),
            },
            Some(_) => Err(malformed()),
        }
    }

    /// A number of bytes; `None` if the argument is absent.
    pub(super) fn bytes(&self, name: &str) -> Result<Option<usize>, DocumentError> {
        let Some(value) = self.arguments.get(name) else { return Ok(None) };
        let number = if let Value::Number(number) = value { number.as_u64() } else { None };
        let bytes = number.and_then(|number| usize::try_from(number).ok());
        bytes.map(Some).ok_or_else(|| fail(&self.operation, format!("`{name}` is no number of bytes")))
    }

    /// `type: "application/pdf"`, or `type: ["text/csv", "application/zip"]`.
    pub(super) fn media_types(&self) -> Result<Vec<String>, DocumentError> {
        match self.arguments.get("type") {
            Some(Value::String(media_type)) => Ok(vec![media_type.clone()]),
            _ => self.names("type"),
        }
    }

    pub(super) fn status(&self) -> Result<u16, DocumentError> {
        match self.arguments.get("status") {
            None => Ok(200),
            Some(Value::Number(number)) => number
                .as_u64()
                .and_then(|number| u16::try_from(number).ok())
                .filter(|number| (200..300).contains(number))
                .ok_or_else(|| fail(&self.operation, "`status` is no status of success")),
            Some(_) => Err(fail(&self.operation, "`status` is no number")),
        }
    }

    pub(super) fn answer(&self) -> Result<Answer, DocumentError> {
        match self.text("answer")?.as_deref() {
            None | Some("VALUE") => Ok(Answer::Value),
            Some("PAGE") => Ok(Answer::Page),
            Some("WRAPPED_PAGE") => Ok(Answer::WrappedPage),
            Some("DATA_PAGE") => Ok(Answer::DataPage),
            Some("DATA") => Ok(Answer::Data),
            Some("OBJECT") => Ok(Answer::Object),
            Some("FILE") => Ok(Answer::File),
            Some(other) => Err(fail(&self.operation, format!("no answer `{other}`"))),
        }
    }
}

/// A variable as the operation and the argument `inputs` declare it.
pub(super) fn read_variable(variable: &VariableDefinition, rest: &Directive) -> Variable {
    let name = variable.name.node.as_str();
    let rules = match rest.arguments.get("inputs") {
        Some(Value::Object(inputs)) => inputs.get(name).cloned(),
        _ => None,
    };
    let rule = |rule: &str| match &rules {
        Some(Value::Object(rules)) => rules.get(rule).cloned(),
        _ => None,
    };
    Variable {
        name: name.to_owned(),
        ty: variable.var_type.node.clone(),
        default: variable.default_value.as_ref().map(|value| value.node.clone()),
        exactly: rule("exactly").map(|value| word(&value)),
        sent: names_in(rule("sent")),
        unless: rule("unless").map(|value| word(&value)),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Enum(name) => name.to_string(),
        other => text(other),
    }
}

fn names_in(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items.iter().map(word).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::Directive;

    const REFERENCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference.md"));

    #[test]
    fn the_reference_has_a_heading_for_every_argument() {
        for argument in Directive::KNOWN {
            let named = format!("`{argument}`");
            let has_heading = REFERENCE.lines().any(|line| line.starts_with("### ") && line.contains(&named));
            assert!(has_heading, "docs/reference.md has no heading for the argument {named} of @rest");
        }
    }
}
