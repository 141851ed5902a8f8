//! The definition of a form: its fields, their rules and their GraphQL types.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{InputObjectBuilder, MetaInputValue, MetaType, Registry};
use async_graphql::{InputType, OutputType, Value};

use super::constraint;
use super::rules::{Rule, RuleKind};
use crate::record::{CountryCode, Day, EmailAddress, Html, Locale, Moment};
use crate::rest_only::RestOnly;

/// A form: name, description and fields in the order of their messages.
#[doc(hidden)]
#[derive(Debug)]
pub struct FormDefinition {
    pub(crate) name: &'static str,
    description: String,
    pub(crate) fields: Vec<FormField>,
}

/// One field of a form.
#[doc(hidden)]
#[derive(Debug)]
pub struct FormField {
    /// Name in REST and in the rules, in snake_case.
    pub(crate) name: &'static str,
    /// Name in GraphQL, in camelCase.
    pub(crate) camel: String,
    description: String,
    /// Whether only REST has it.
    pub(crate) rest_only: bool,
    pub(crate) rules: Vec<Rule>,
    type_name: String,
    register: fn(&mut Registry) -> String,
    accepts: fn(Value) -> bool,
    /// Converts a value of the field's type and back, into the spelling that the rules know.
    respelled: fn(Value) -> Option<Value>,
}

impl FormDefinition {
    /// Used by [`form!`](crate::form!).
    pub fn new(name: &'static str, docs: &[&str], fields: Vec<FormField>) -> Self {
        Self { name, description: join(docs), fields }
    }

    /// Names of its fields, as REST and the rules spell them.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }

    pub(crate) fn meta(&self, registry: &mut Registry) -> MetaType {
        let fields = self.fields.iter().map(|field| (field.camel.clone(), field.meta(registry)));
        let fields: IndexMap<_, _> = fields.collect();
        InputObjectBuilder::new(self.name, fields).description(some(&self.description)).build()
    }
}

impl FormField {
    /// Used by [`form!`](crate::form!).
    pub fn new<T: InputType>(name: &'static str, docs: &[&str], rules: Vec<Rule>) -> Self {
        let name = name.strip_prefix("r#").unwrap_or(name);
        Self {
            name,
            camel: crate::name::camel(name),
            description: join(docs),
            rest_only: false,
            rules,
            type_name: T::type_name().into_owned(),
            register: T::create_type_info,
            accepts: |value| T::parse(Some(value)).is_ok(),
            respelled: |value| T::parse(Some(value)).ok().map(|value| value.to_value()),
        }
    }

    /// The field as one that only REST has.
    #[must_use]
    pub fn rest_only(self) -> Self {
        Self { rest_only: true, ..self }
    }

    /// Name of its GraphQL type.
    pub(crate) fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Whether the field's type accepts this value.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        (self.accepts)(value.clone())
    }

    /// Writes global identifiers as the numbers that the rules check. One of another type stays as it is, and breaks the
    /// rule `integer`.
    pub(crate) fn replace_global_ids(&self, value: &mut Value) {
        match (self.type_name.as_str(), value) {
            ("ID", key @ Value::String(_)) => {
                *key = (self.respelled)(key.clone()).unwrap_or_else(|| key.clone())
            }
            ("[ID!]", Value::List(items)) => {
                for item in items.iter_mut().filter(|item| matches!(item, Value::String(_))) {
                    if let Some(Value::List(keys)) = (self.respelled)(Value::List(vec![item.clone()])) {
                        *item = keys.into_iter().next().unwrap_or_default();
                    }
                }
            }
            _ => {}
        }
    }

    /// Rules for the elements of a list.
    pub(crate) fn element_rules(&self) -> Option<&[Rule]> {
        self.rules.iter().find_map(|rule| match &rule.0 {
            RuleKind::Each(rules) => Some(rules.as_slice()),
            _ => None,
        })
    }

    /// Rules of the second pass.
    pub(crate) fn afterwards(&self) -> Option<&[Rule]> {
        self.rules.iter().find_map(|rule| match &rule.0 {
            RuleKind::Afterwards(rules) => Some(rules.as_slice()),
            _ => None,
        })
    }

    /// The rule that a value breaks which passed all rules and still does not fit the type.
    pub(crate) fn rule_of_type(&self) -> &'static str {
        match self.type_name.as_str() {
            "Int" | "ID" => "integer",
            "Float" => "numeric",
            "Boolean" => "boolean",
            "String" => "string",
            "Upload" => "file",
            "DateTime" | "NaiveDateTime" | "NaiveDate" => "date",
            name if name.starts_with('[') => "array",
            _ => "in",
        }
    }

    /// Registers the scalar that the rules tell for a text or a date, in place of the field's own type. The value is
    /// read as that type: what has not the form of the scalar is answered with the message of its rule.
    fn scalar(&self) -> Option<fn(&mut Registry) -> String> {
        match self.type_name.as_str() {
            "NaiveDateTime" => Some(<Moment as OutputType>::create_type_info),
            "NaiveDate" => Some(<Day as OutputType>::create_type_info),
            "String" => self.rules.iter().find_map(|rule| match &rule.0 {
                RuleKind::Email => {
                    Some(<EmailAddress as OutputType>::create_type_info as fn(&mut Registry) -> _)
                }
                RuleKind::Custom(rule) => match rule.format()? {
                    "country" => Some(<CountryCode as OutputType>::create_type_info),
                    "html" => Some(<Html as OutputType>::create_type_info),
                    "locale" => Some(<Locale as OutputType>::create_type_info),
                    _ => None,
                },
                _ => None,
            }),
            _ => None,
        }
    }

    fn meta(&self, registry: &mut Registry) -> MetaInputValue {
        let non_null = self.scalar().unwrap_or(self.register)(registry);
        let required = self.rules.iter().any(|rule| matches!(rule.0, RuleKind::Required { in_schema: true }));
        let ty = if required { non_null } else { non_null.trim_end_matches('!').to_owned() };
        let mut meta = MetaInputValue::new(self.camel.clone(), ty);
        meta.description = some(&self.description);
        constraint::describe(&mut meta, self, registry);
        RestOnly::mark(&mut meta.directive_invocations, self.rest_only, registry);
        meta
    }
}

fn join(docs: &[&str]) -> String {
    docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
