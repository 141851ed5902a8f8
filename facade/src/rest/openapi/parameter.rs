//! Parameters of operations in path, query and headers.

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaInputValue, MetaType};
use async_graphql_value::Value as InputValue;
use serde_json::Value as Json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{RefOr, Required, Schema, Type};

use super::schema::{one_of, typed};
use super::{ContractBuilder, first_root_field, is_conditional};
use crate::rest::document::{
    Checked, Document, Route, Variable, camel, filter_field, include_variable, snake,
};

/// Variables that the engine makes of other parameters.
const MADE_BY_ENGINE: [&str; 5] = ["filter", "sort", "page", "perPage", "input"];

impl ContractBuilder<'_> {
    /// The parameters of an operation.
    pub(super) fn parameters(&mut self, document: &Document<Checked>, route: &Route) -> Vec<Parameter> {
        let mut parameters = self.plain_parameters(document, route);
        // The others are fields of the body.
        if matches!(route.method, "POST" | "PUT") {
            parameters.retain(|parameter| parameter.parameter_in == ParameterIn::Path);
        }
        if document.answer.is_page() {
            parameters.extend(paging(document));
        }
        parameters.extend(document.filters.iter().map(|name| self.filter(document, name)));
        parameters.extend(order(document));
        parameters.extend(relations(document));
        parameters.extend(is_conditional(document, self.registry).then(if_unmodified_since));
        parameters
    }

    /// The parameters that are variables: those of the path, and those that are read by their own names.
    pub(super) fn plain_parameters(&mut self, document: &Document<Checked>, route: &Route) -> Vec<Parameter> {
        let declared =
            document.variables.iter().filter(|variable| !MADE_BY_ENGINE.contains(&variable.name.as_str()));
        let plain = declared.filter(|variable| variable.sent.is_empty() && !is_include(document, variable));
        let plain: Vec<&Variable> = plain.collect();
        plain.into_iter().map(|variable| self.plain(document, route, variable)).collect()
    }

    fn plain(&mut self, document: &Document<Checked>, route: &Route, variable: &Variable) -> Parameter {
        let in_path = route.path.contains(&format!("{{{}}}", variable.name));
        let name = if in_path { variable.name.clone() } else { snake(&variable.name) };
        let is_required = in_path || !variable.ty.nullable && variable.default.is_none();
        let schema = match &variable.exactly {
            Some(text) => one_of([text.as_str()]).into(),
            None => self.variable(&variable.ty.to_string()),
        };
        let location = if in_path { ParameterIn::Path } else { ParameterIn::Query };
        let description = self.variable_description(document, variable).unwrap_or_else(|| match in_path {
            true => "Primary key.".to_owned(),
            false => format!("`{name}`"),
        });
        let required = if is_required { Required::True } else { Required::False };
        let example = in_path.then(|| {
            let text = document.path_example(&name);
            let number = text.parse().ok().filter(|_| variable.ty.to_string().starts_with("Int"));
            number.map_or_else(|| Json::from(text), |number: i64| number.into())
        });
        let parameter = parameter(&name, &description, schema).parameter_in(location);
        parameter.required(required).example(example).build()
    }

    /// The description of the argument whose value is the variable, or of the field that the variable includes.
    fn variable_description(&self, document: &Document<Checked>, variable: &Variable) -> Option<String> {
        let is_variable =
            |value: &InputValue| matches!(value, InputValue::Variable(name) if *name == variable.name);
        let argument = document.root.arguments.iter().find(|(_, value)| is_variable(&value.node));
        if let Some((name, _)) = argument {
            return first_root_field(document, self.registry)?
                .args
                .get(name.node.as_str())?
                .description
                .clone();
        }
        let added = included(&document.root, &is_variable)?;
        Some(format!("Adds `{}`.", added.response_key().node))
    }

    fn filter(&self, document: &Document<Checked>, name: &str) -> Parameter {
        let description =
            self.filter_field(document, name).and_then(|field| field.description.clone()).unwrap_or_default();
        let description = format!(
            "{description} Rows that hold this text there, in any case; several texts, joined by commas, mean any of them."
        );
        parameter(&format!("filter[{name}]"), description.trim(), typed(Type::String)).build()
    }

    /// The field of the filter's input type.
    fn filter_field(&self, document: &Document<Checked>, name: &str) -> Option<&MetaInputValue> {
        let variable = document.variables.iter().find(|variable| variable.name == "filter")?;
        match self.registry.types.get(&variable.ty.base.to_string())? {
            MetaType::InputObject { input_fields, .. } => input_fields.get(&filter_field(name)),
            _ => None,
        }
    }
}

/// An optional parameter of the query.
fn parameter(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

/// The header `If-Unmodified-Since` of a change.
fn if_unmodified_since() -> Parameter {
    let description = "The record's `updated_at` as it was read (there, or in `Last-Modified`), as a date of HTTP. Where \
                 the record was changed since, nothing is written.";
    let example = Json::from("Mon, 23 Nov 2026 12:00:00 GMT");
    let header = parameter("If-Unmodified-Since", description, typed(Type::String));
    header.parameter_in(ParameterIn::Header).example(Some(example)).build()
}

fn paging(document: &Document<Checked>) -> [Parameter; 2] {
    let size = document.variables.iter().find(|variable| variable.name == "perPage");
    let size = size.and_then(|variable| variable.default.clone()).and_then(|value| value.into_json().ok());
    let number = || typed(Type::Integer).minimum(Some(1));
    [
        parameter("page", "The page, from 1.", number().default(Some(1.into()))).build(),
        parameter("per_page", "Rows a page.", number().default(size)).build(),
    ]
}

/// A parameter that is a list of names with commas; `None` if there are no names.
fn names(name: &str, description: &str, words: Vec<String>) -> Option<Parameter> {
    let list = ArrayBuilder::new().items(one_of(words.iter().map(String::as_str)));
    let list =
        parameter(name, description, list).style(Some(ParameterStyle::Form)).explode(Some(false)).build();
    (!words.is_empty()).then_some(list)
}

fn order(document: &Document<Checked>) -> Option<Parameter> {
    let words = document.sorts.iter().flat_map(|name| [name.clone(), format!("-{name}")]).collect();
    names("sort", "The order; `-` reverses it. Earlier names come first.", words)
}

fn relations(document: &Document<Checked>) -> Option<Parameter> {
    let forms = |relation: &String| ["", "Count", "Exists"].map(|form| format!("{}{form}", camel(relation)));
    let words = document.includes.iter().chain(&document.also).flat_map(forms).collect();
    let description = "What is added to every row: a relation, how many there are, or whether there are any.";
    names("include", description, words)
}

/// Whether a variable is the switch of an include: the parameter `include` sets it.
fn is_include(document: &Document<Checked>, variable: &Variable) -> bool {
    let is_switch = |relation: &String| include_variable(relation, "") == variable.name;
    document.includes.iter().chain(&document.also).any(is_switch)
}

/// The first field below `field` with a condition for which `is_variable` is true.
fn included<'f>(field: &'f Field, is_variable: &impl Fn(&InputValue) -> bool) -> Option<&'f Field> {
    fn search<'s>(set: &'s SelectionSet, is_variable: &impl Fn(&InputValue) -> bool) -> Option<&'s Field> {
        set.items.iter().find_map(|selection| match &selection.node {
            Selection::Field(field) => {
                let directives = field.node.directives.iter();
                let mut conditions = directives.filter_map(|directive| directive.node.get_argument("if"));
                if conditions.any(|value| is_variable(&value.node)) {
                    return Some(&field.node);
                }
                search(&field.node.selection_set.node, is_variable)
            }
            Selection::InlineFragment(inline) => search(&inline.node.selection_set.node, is_variable),
            Selection::FragmentSpread(_) => None,
        })
    }
    search(&field.selection_set.node, is_variable)
}
