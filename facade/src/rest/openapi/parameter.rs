//! Parameters of operations in path, query and headers.

use std::collections::BTreeMap;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaInputValue, MetaType};
use async_graphql_value::Value as InputValue;
use serde_json::Value as Json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Ref, RefOr, Required, Schema};

use super::schema::{integer_from, one_of, text};
use super::{ContractBuilder, first_root_field, is_conditional};
use crate::rest::document::{
    Checked, Document, Route, Variable, camel, capitalised, filter_field, include_variable, snake,
};

/// Most characters of a parameter of the query, and of a date of HTTP.
const MAX_QUERY: usize = 8_192;
const MAX_DATE: usize = 64;
/// Variables that the engine makes of other parameters.
const MADE_BY_ENGINE: [&str; 5] = ["filter", "sort", "page", "perPage", "input"];

impl ContractBuilder<'_> {
    /// References to the parameters of an operation.
    pub(super) fn parameters(&mut self, document: &Document<Checked>, route: &Route) -> Vec<Ref> {
        let all = self.all_parameters(document, route);
        let share =
            |parameter| Ref::new(format!("#/components/parameters/{}", self.shared(document, parameter)));
        all.into_iter().map(share).collect()
    }

    /// Notes which parameters are alike in all operations that have them.
    pub(super) fn note_common_parameters(&mut self, documents: &[Document<Checked>]) {
        let mut seen: BTreeMap<String, Option<Parameter>> = BTreeMap::new();
        for (document, route) in
            documents.iter().flat_map(|one| one.routes.iter().map(move |route| (one, route)))
        {
            for parameter in self.all_parameters(document, route) {
                let known = seen.entry(parameter.name.clone()).or_insert_with(|| Some(parameter.clone()));
                known.take_if(|known| *known != parameter);
            }
        }
        let alike = seen.into_iter().filter(|(_, parameter)| parameter.is_some());
        self.common_parameters = alike.map(|(name, _)| name).collect();
    }

    /// Adds the component of a parameter, unless an equal one is there, and returns its name: that of the parameter behind that
    /// of the tag, and where these differ, behind that of the operation. Those that are alike everywhere have no tag.
    fn shared(&mut self, document: &Document<Checked>, parameter: Parameter) -> String {
        let words = parameter.name.split(|letter: char| !letter.is_ascii_alphanumeric());
        let own: String = words.map(|word| capitalised(&word.to_lowercase())).collect();
        let tag: String = document.tag.split_whitespace().map(capitalised).collect();
        let common = self.common_parameters.contains(&parameter.name).then(|| own.clone());
        let mut names = common
            .into_iter()
            .chain([format!("{tag}{own}"), format!("{}{own}", capitalised(&document.name))]);
        let fits = |name: &String| self.parameters.get(name).is_none_or(|known| *known == parameter);
        let name = names.find(fits).unwrap_or(own);
        self.parameters.insert(name.clone(), parameter);
        name
    }

    fn all_parameters(&mut self, document: &Document<Checked>, route: &Route) -> Vec<Parameter> {
        let mut parameters = self.plain_parameters(document, route);
        // The others are fields of the body.
        if matches!(route.method, "POST" | "PUT") {
            parameters.retain(|parameter| parameter.parameter_in == ParameterIn::Path);
        }
        if document.answer.is_page() {
            parameters.extend(paging(document, self.info.max_rows));
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
        let is_key = in_path && variable.exactly.is_none() && variable.ty.base.to_string() == "ID";
        let schema = match &variable.exactly {
            Some(text) => one_of([text.as_str()]).into(),
            // Keys are whole numbers in REST.
            None if is_key => integer_from(1).into(),
            None => self.variable(&variable.ty.to_string()),
        };
        let location = if in_path { ParameterIn::Path } else { ParameterIn::Query };
        // GraphQL takes further identifiers.
        let description = self.variable_description(document, variable).filter(|_| !is_key);
        let description = description.unwrap_or_else(|| match in_path {
            true => "Primary key.".to_owned(),
            false => format!("`{name}`"),
        });
        let required = if is_required { Required::True } else { Required::False };
        let example = in_path.then(|| {
            let text = document.path_example(&name);
            let is_number = ["Int", "ID"].contains(&variable.ty.base.to_string().as_str());
            let number = text.parse().ok().filter(|_| is_number);
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
        parameter(&format!("filter[{name}]"), description.trim(), text(MAX_QUERY)).build()
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
                 the record was changed since, nothing is written. For example `Mon, 23 Nov 2026 12:00:00 GMT`.";
    // In words: pages that try operations out would send an example, and the record is in another state.
    let header = parameter("If-Unmodified-Since", description, text(MAX_DATE));
    header.parameter_in(ParameterIn::Header).build()
}

fn paging(document: &Document<Checked>, max_rows: usize) -> [Parameter; 2] {
    let size = document.variables.iter().find(|variable| variable.name == "perPage");
    let size = size.and_then(|variable| variable.default.clone()).and_then(|value| value.into_json().ok());
    let number = || integer_from(1);
    [
        parameter("page", "The page, from 1.", number().default(Some(1.into()))).build(),
        parameter("per_page", "Rows a page.", number().maximum(Some(max_rows)).default(size)).build(),
    ]
}

/// A parameter that is a list of names with commas: one text, as clients would repeat the name of a list. A name is one of
/// `words` between `before` and `behind`. `None` if there are no words.
fn names(name: &str, description: &str, words: &[String], [before, behind]: [&str; 2]) -> Option<Parameter> {
    let word = format!("{before}({}){behind}", words.join("|"));
    let list = text(MAX_QUERY).pattern(Some(format!("^({word}(,{word})*)?$")));
    let example = words.iter().take(2).cloned().collect::<Vec<_>>().join(",");
    // In words: pages that try operations out would send an example.
    let description = format!("{description} For example `{example}`.");
    (!words.is_empty()).then(|| parameter(name, &description, list).build())
}

fn order(document: &Document<Checked>) -> Option<Parameter> {
    let description = "The order: names with commas, earlier ones first; `-` before a name reverses it.";
    names("sort", description, &document.sorts, ["-?", ""])
}

fn relations(document: &Document<Checked>) -> Option<Parameter> {
    let words: Vec<String> = document.includes.iter().chain(&document.also).map(|name| camel(name)).collect();
    let description = "What is added to every row, names with commas: a relation, how many there are (`Count` behind its name), or \
                       whether there are any (`Exists`).";
    names("include", description, &words, ["", "(Count|Exists)?"])
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
