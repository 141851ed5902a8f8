//! The variables of an operation, made of path, query and body by the types that the operation declares.

use std::collections::{HashMap, HashSet};

use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::parser::types::BaseType;
use async_graphql::{Name, UploadValue, Value, Variables};
use bytes::Bytes;

use super::document::{Checked, Document, Variable, camel, filter_field, include_variable, snake};
use super::fields::{self, Fields};
use crate::{Error, Result, operation};

/// Number of rows on a page if neither request nor operation gives a positive number (docs/contract/wire.md#4.5).
const DEFAULT_PAGE_SIZE: i64 = 15;

/// Path, query and body of a request.
#[derive(Default)]
pub struct RequestInput {
    /// Decoded values of the `{parameters}` in the path, by name.
    pub path: HashMap<String, String>,
    /// Normalised fields of the query string. The addresses of other pages repeat them.
    pub query: Fields,
    /// Fields of the body, and fields of the query that the body does not have.
    pub fields: Fields,
    /// Files of a multipart body.
    pub uploads: Vec<UploadValue>,
    /// The bytes of the body.
    pub sent: Bytes,
}

impl RequestInput {
    /// The input of a request without a body.
    pub fn of_query(query: Fields) -> Self {
        Self { fields: query.clone(), query, ..Self::default() }
    }
}

/// The requested page, and what its filter costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of the page, from 1.
    pub number: i64,
    /// Number of rows on a page, at most the operator's maximum.
    pub per_page: i64,
    /// Points of the conditions in the filter.
    pub condition_points: u32,
}

/// The variables of the operation, and the requested page.
///
/// # Errors
/// 400 for filters, sorts and includes that the operation does not allow; 404 where a variable of the path is an `Int`
/// and the text is not a whole number.
pub fn variables(
    document: &Document<Checked>,
    input: &RequestInput,
    max_per_page: u64,
) -> Result<(Variables, PageRequest)> {
    let filter = filter(document, input)?;
    let sort = sort(document, input)?;
    let includes = includes(document, input)?;
    let page = PageRequest {
        number: page_number(input),
        per_page: per_page(document, input, max_per_page),
        condition_points: filter.as_ref().map_or(0, operation::condition_points),
    };
    let mut variables = Variables::default();
    for variable in &document.variables {
        let value = match variable.name.as_str() {
            "filter" => filter.clone(),
            "sort" => sort.clone(),
            "page" => Some(page.number.into()),
            "perPage" => Some(page.per_page.into()),
            "input" => Some(Value::Object(input.fields.clone())),
            name if input.path.contains_key(name) => Some(from_path(variable, &input.path[name])?),
            _ => from_fields(variable, input),
        };
        if let Some(value) = value.or_else(|| variable.default.clone()) {
            variables.insert(Name::new(&variable.name), value);
        }
    }
    for name in includes {
        variables.insert(Name::new(name), Value::Boolean(true));
    }
    Ok((variables, page))
}

/// The name of the variable's type without `!`; empty for a list.
fn type_name(variable: &Variable) -> &str {
    match &variable.ty.base {
        BaseType::Named(name) => name,
        BaseType::List(_) => "",
    }
}

/// The value of a parameter of the path.
///
/// # Errors
/// 404 where the variable is an `Int` and the text is not a whole number: no record has such a key.
fn from_path(variable: &Variable, text: &str) -> Result<Value> {
    if type_name(variable) != "Int" {
        return Ok(Value::from(text));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    number.map(Value::from).ok_or_else(|| crate::error::Refusal::message(404, ""))
}

/// The value that the fields of the request give to a variable; `None` if they give none.
fn from_fields(variable: &Variable, input: &RequestInput) -> Option<Value> {
    let was_sent = |name: &str| input.fields.get(name).is_some_and(|value| *value != Value::Null);
    if variable.unless.as_deref().is_some_and(was_sent) {
        return None;
    }
    if !variable.sent.is_empty() {
        return Some(Value::Boolean(variable.sent.iter().any(|name| was_sent(name))));
    }
    let value = input.fields.get(snake(&variable.name).as_str())?;
    if let Some(text) = &variable.exactly {
        return Some(Value::Boolean(fields::text(value) == *text));
    }
    match (type_name(variable), value) {
        (_, Value::Null) => None,
        ("Boolean", value) => Some(Value::Boolean(matches!(
            fields::text(value).to_lowercase().as_str(),
            "1" | "true" | "on" | "yes"
        ))),
        ("String" | "ID", Value::List(_) | Value::Object(_)) => None,
        ("String" | "ID", value) => Some(Value::String(fields::text(value))),
        ("Int", value) => fields::text(value).parse::<i64>().ok().map(Value::from),
        (_, value) => Some(value.clone()),
    }
}

/// The texts of a parameter that is a list, or a text with commas.
fn list_items(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().map(fields::text).collect(),
        Value::Object(fields) => fields.values().map(fields::text).collect(),
        scalar => fields::text(scalar).split(',').map(str::to_owned).collect(),
    }
}

fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// `filter[name]=a,b` → `{name: {contains: ["a", "b"]}}` (docs/contract/wire.md#5.1).
fn filter(document: &Document<Checked>, input: &RequestInput) -> Result<Option<Value>> {
    if document.filters.is_empty() {
        return Ok(None);
    }
    let requested: Fields = match input.fields.get("filter") {
        Some(Value::Object(fields)) => fields.clone(),
        Some(Value::List(items)) => {
            items.iter().enumerate().map(|(at, item)| (Name::new(at.to_string()), item.clone())).collect()
        }
        _ => return Ok(Some(Value::Object(Fields::new()))),
    };
    let unknown: Vec<&str> = requested
        .keys()
        .map(Name::as_str)
        .filter(|name| !document.filters.iter().any(|known| known == name))
        .collect();
    if !unknown.is_empty() {
        return Err(Error::BadRequest(format!(
            "Requested filter(s) `{}` are not allowed. Allowed filter(s) are `{}`.",
            joined(unknown),
            document.filters.join(", ")
        )));
    }
    let mut fields = Fields::new();
    for (name, value) in &requested {
        let texts = filter_texts(value)?;
        if !texts.is_empty() {
            let contains = Value::List(texts.into_iter().map(Value::from).collect());
            let condition = Value::Object(Fields::from_iter([(Name::new("contains"), contains)]));
            fields.insert(Name::new(filter_field(name)), condition);
        }
    }
    Ok(Some(Value::Object(fields)))
}

/// The texts of one filter. `true` becomes `1` and `false` the empty text, as in PHP; empty texts are left out.
///
/// # Errors
/// 400 for nested lists and objects.
fn filter_texts(value: &Value) -> Result<Vec<String>> {
    let items: Vec<&Value> = match value {
        Value::List(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        Value::Null => return Ok(Vec::new()),
        scalar => vec![scalar],
    };
    if items.iter().any(|item| matches!(item, Value::List(_) | Value::Object(_))) {
        return Err(Error::BadRequest("Bad request.".to_owned()));
    }
    let texts = items
        .into_iter()
        .flat_map(|item| fields::text(item).split(',').map(str::to_owned).collect::<Vec<_>>());
    // A set: a repeated text would only cost more points.
    let texts: IndexSet<String> = texts
        .filter(|text| !text.is_empty())
        .map(|text| match text.as_str() {
            "true" => "1".to_owned(),
            "false" => String::new(),
            _ => text,
        })
        .collect();
    Ok(texts.into_iter().collect())
}

/// `sort=a,-b` (docs/contract/wire.md#5.2).
fn sort(document: &Document<Checked>, input: &RequestInput) -> Result<Option<Value>> {
    if document.sorts.is_empty() {
        return Ok(None);
    }
    let Some(sort) = input.fields.get("sort") else { return Ok(None) };
    let keys: Vec<(String, bool)> = list_items(sort)
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| (part.trim_start_matches('-').to_owned(), part.starts_with('-')))
        .collect();
    let unknown: Vec<&str> = keys
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !document.sorts.iter().any(|known| known == name))
        .collect();
    if !unknown.is_empty() {
        return Err(Error::BadRequest(format!(
            "Requested sort(s) `{}` is not allowed. Allowed sort(s) are `{}`.",
            joined(unknown),
            document.sorts.join(", ")
        )));
    }
    // If a name is repeated, only the first one has an effect.
    let mut distinct: IndexMap<String, bool> = IndexMap::new();
    for (name, is_descending) in keys {
        distinct.entry(name).or_insert(is_descending);
    }
    let keys = distinct.into_iter().map(|(name, is_descending)| {
        let direction = Name::new(if is_descending { "DESC" } else { "ASC" });
        Value::Object(Fields::from_iter([
            (Name::new("field"), Value::Enum(Name::new(name.to_uppercase()))),
            (Name::new("direction"), Value::Enum(direction)),
        ]))
    });
    Ok(Some(Value::List(keys.collect())))
}

/// `include=a,bCount` → the variables that include these fields (docs/contract/wire.md#5.3).
fn includes(document: &Document<Checked>, input: &RequestInput) -> Result<Vec<String>> {
    let is_page = document.answer.is_page();
    let Some(include) = input.fields.get("include").filter(|_| is_page) else { return Ok(Vec::new()) };
    let requested: Vec<String> = list_items(include).into_iter().filter(|part| !part.is_empty()).collect();
    let listed = include_names(&document.includes);
    let known: Vec<(String, String)> = listed.iter().cloned().chain(include_names(&document.also)).collect();
    let unknown: Vec<&str> = requested
        .iter()
        .map(String::as_str)
        .filter(|name| !known.iter().any(|(known, _)| known == name))
        .collect();
    if !unknown.is_empty() {
        let allowed = if listed.is_empty() {
            "There are no allowed includes.".to_owned()
        } else {
            format!("Allowed include(s) are `{}`.", joined(listed.iter().map(|(name, _)| name.as_str())))
        };
        return Err(Error::BadRequest(format!(
            "Requested include(s) `{}` are not allowed. {allowed}",
            joined(unknown)
        )));
    }
    let requested: HashSet<&str> = requested.iter().map(String::as_str).collect();
    if let Some(names) = fields_of_included(document, input, &requested) {
        return Err(Error::BadRequest(format!(
            "Requested field(s) `{names}` are not allowed (yet). If you want to allow these fields, please make sure to call the QueryBuilder's `allowedFields` method before the `allowedIncludes` method.",
        )));
    }
    Ok(known
        .into_iter()
        .filter(|(name, _)| requested.contains(name.as_str()))
        .map(|(_, variable)| variable)
        .collect())
}

/// The names in `fields[relations]` for the first included relation that has such a parameter
/// (docs/contract/wire.md#5.4).
fn fields_of_included(
    document: &Document<Checked>,
    input: &RequestInput,
    requested: &HashSet<&str>,
) -> Option<String> {
    let Some(Value::Object(fields)) = input.fields.get("fields") else { return None };
    let included = document.includes.iter().chain(&document.also);
    let names = included
        .filter(|relation| requested.contains(camel(relation).as_str()))
        .find_map(|relation| fields.get(plural(relation).as_str()))?;
    Some(list_items(names).join(", "))
}

/// The plural of a relation's name.
fn plural(name: &str) -> String {
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if name.ends_with(['s', 'a']) || name.ends_with("ff") => name.to_owned(),
        _ => format!("{name}s"),
    }
}

/// The names that `include` takes for these relations, each with its variable.
fn include_names(relations: &[String]) -> Vec<(String, String)> {
    let forms = |relation: &String| {
        ["", "Count", "Exists"]
            .map(|form| (format!("{}{form}", camel(relation)), include_variable(relation, form)))
    };
    relations.iter().flat_map(forms).collect()
}

/// The number in `page`; 1 if it is not a whole number from 1 without leading zeros (docs/contract/wire.md#4.4).
fn page_number(input: &RequestInput) -> i64 {
    let Some(value) = input.fields.get("page") else { return 1 };
    let text = fields::text(value);
    let digits = text.strip_prefix('+').unwrap_or(&text);
    if digits.starts_with('0') { 1 } else { digits.parse().ok().filter(|&page| page > 0).unwrap_or(1) }
}

/// The number in `per_page`, cast to an integer as in PHP and at most `max`. Zero and less are [`DEFAULT_PAGE_SIZE`].
fn per_page(document: &Document<Checked>, input: &RequestInput, max: u64) -> i64 {
    let Some(value) = input.fields.get("per_page") else {
        let declared = document.variables.iter().find(|variable| variable.name == "perPage");
        return match declared.and_then(|variable| variable.default.as_ref()) {
            Some(Value::Number(number)) => number.as_i64().unwrap_or(DEFAULT_PAGE_SIZE),
            _ => DEFAULT_PAGE_SIZE,
        };
    };
    let number = fields::leading_integer(value);
    if number <= 0 { DEFAULT_PAGE_SIZE } else { number.min(i64::try_from(max).unwrap_or(i64::MAX)) }
}
