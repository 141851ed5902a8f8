//! A request's input as variables of its operation, by the types the operation declares.

use std::collections::{HashMap, HashSet};

use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::parser::types::BaseType;
use async_graphql::{Name, UploadValue, Value, Variables};
use bytes::Bytes;

use super::bag::{self, Fields};
use super::document::{Checked, Document, Variable, camel, filter_field, include_variable};
use crate::{Error, Result, operation};

/// Rows a page when nothing sensible is asked (docs/contract/wire.md#4.5).
const FALLBACK_SIZE: i64 = 15;

/// What a request brings: path, query and body.
#[derive(Default)]
pub struct Input {
    /// Values of the path's `{parameters}`, decoded.
    pub path: HashMap<String, String>,
    /// The query string's fields, normalised: they return in page addresses.
    pub query: Fields,
    /// Body fields, completed by those of the query.
    pub bag: Fields,
    /// Files of a multipart body.
    pub uploads: Vec<UploadValue>,
    /// The body as it was sent.
    pub sent: Bytes,
}

impl Input {
    /// What a request without a body brings.
    pub fn of_query(query: Fields) -> Self {
        Self { bag: query.clone(), query, ..Self::default() }
    }
}

/// The rows that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Page, from 1.
    pub page: i64,
    /// Rows a page, within the operator's limit.
    pub per_page: i64,
    /// Points of the conditions that rows must meet.
    pub conditions: u32,
}

/// The operation's variables, and the page they ask for.
///
/// # Errors
/// 400 for filters, sorts and includes that the operation doesn't allow; 404 for a path that
/// names no record.
pub fn variables(
    document: &Document<Checked>,
    input: &Input,
    max_per_page: u64,
) -> Result<(Variables, Asked)> {
    let filter = filter(document, input)?;
    let sort = sort(document, input)?;
    let includes = includes(document, input)?;
    let conditions = filter.as_ref().map_or(0, operation::condition_points);
    let asked = Asked { page: page(input), per_page: per_page(document, input, max_per_page), conditions };
    let mut variables = Variables::default();
    for variable in &document.variables {
        let value = match variable.name.as_str() {
            "filter" => filter.clone(),
            "sort" => sort.clone(),
            "page" => Some(asked.page.into()),
            "perPage" => Some(asked.per_page.into()),
            "input" => Some(Value::Object(input.bag.clone())),
            name if input.path.contains_key(name) => Some(from_path(variable, &input.path[name])?),
            _ => plain(variable, input),
        };
        if let Some(value) = value.or_else(|| variable.default.clone()) {
            variables.insert(Name::new(&variable.name), value);
        }
    }
    for name in includes {
        variables.insert(Name::new(name), Value::Boolean(true));
    }
    Ok((variables, asked))
}

fn base(variable: &Variable) -> &str {
    match &variable.ty.base {
        BaseType::Named(name) => name,
        BaseType::List(_) => "",
    }
}

/// A path's parameter. Where the operation wants a number, anything but digits names nothing.
fn from_path(variable: &Variable, text: &str) -> Result<Value> {
    if base(variable) != "Int" {
        return Ok(Value::from(text));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    number.map(Value::from).ok_or_else(|| crate::error::Refusal::message(404, ""))
}

fn plain(variable: &Variable, input: &Input) -> Option<Value> {
    let was_sent = |name: &str| input.bag.get(name).is_some_and(|value| *value != Value::Null);
    if variable.unless.as_deref().is_some_and(was_sent) {
        return None;
    }
    if !variable.sent.is_empty() {
        return Some(Value::Boolean(variable.sent.iter().any(|name| was_sent(name))));
    }
    let value = input.bag.get(super::document::snake(&variable.name).as_str())?;
    if let Some(wanted) = &variable.exactly {
        return Some(Value::Boolean(bag::text(value) == *wanted));
    }
    match (base(variable), value) {
        (_, Value::Null) => None,
        ("Boolean", value) => Some(Value::Boolean(matches!(
            bag::text(value).to_lowercase().as_str(),
            "1" | "true" | "on" | "yes"
        ))),
        ("String" | "ID", Value::List(_) | Value::Object(_)) => None,
        ("String" | "ID", value) => Some(Value::String(bag::text(value))),
        ("Int", value) => bag::text(value).parse::<i64>().ok().map(Value::from),
        (_, value) => Some(value.clone()),
    }
}

/// Texts of a parameter given as comma list or as list.
fn parts(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().map(bag::text).collect(),
        Value::Object(fields) => fields.values().map(bag::text).collect(),
        scalar => bag::text(scalar).split(',').map(str::to_owned).collect(),
    }
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// `filter[name]=a,b` → `{name: {contains: ["a", "b"]}}` (docs/contract/wire.md#5.1).
fn filter(document: &Document<Checked>, input: &Input) -> Result<Option<Value>> {
    if document.filters.is_empty() {
        return Ok(None);
    }
    let asked: Fields = match input.bag.get("filter") {
        Some(Value::Object(fields)) => fields.clone(),
        Some(Value::List(items)) => {
            items.iter().enumerate().map(|(at, item)| (Name::new(at.to_string()), item.clone())).collect()
        }
        _ => return Ok(Some(Value::Object(Fields::new()))),
    };
    let unknown: Vec<&str> = asked
        .keys()
        .map(Name::as_str)
        .filter(|name| !document.filters.iter().any(|known| known == name))
        .collect();
    if !unknown.is_empty() {
        return Err(Error::BadRequest(format!(
            "Requested filter(s) `{}` are not allowed. Allowed filter(s) are `{}`.",
            quoted(unknown),
            document.filters.join(", ")
        )));
    }
    let mut fields = Fields::new();
    for (name, value) in &asked {
        let texts = filter_texts(value)?;
        if !texts.is_empty() {
            let contains = Value::List(texts.into_iter().map(Value::from).collect());
            let condition = Value::Object(Fields::from_iter([(Name::new("contains"), contains)]));
            fields.insert(Name::new(filter_field(name)), condition);
        }
    }
    Ok(Some(Value::Object(fields)))
}

/// `true` and `false` are `1` and empty text; other empty parts are dropped.
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
    let texts =
        items.into_iter().flat_map(|item| bag::text(item).split(',').map(str::to_owned).collect::<Vec<_>>());
    // Of a repeated text, one is enough.
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
fn sort(document: &Document<Checked>, input: &Input) -> Result<Option<Value>> {
    if document.sorts.is_empty() {
        return Ok(None);
    }
    let Some(asked) = input.bag.get("sort") else { return Ok(None) };
    let asked: Vec<(String, bool)> = parts(asked)
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| (part.trim_start_matches('-').to_owned(), part.starts_with('-')))
        .collect();
    let unknown: Vec<&str> = asked
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !document.sorts.iter().any(|known| known == name))
        .collect();
    if !unknown.is_empty() {
        return Err(Error::BadRequest(format!(
            "Requested sort(s) `{}` is not allowed. Allowed sort(s) are `{}`.",
            quoted(unknown),
            document.sorts.join(", ")
        )));
    }
    // Of a repeated name, the first counts.
    let mut keys: IndexMap<String, bool> = IndexMap::new();
    for (name, down) in asked {
        keys.entry(name).or_insert(down);
    }
    let keys = keys.into_iter().map(|(name, down)| {
        let direction = Name::new(if down { "DESC" } else { "ASC" });
        Value::Object(Fields::from_iter([
            (Name::new("field"), Value::Enum(Name::new(name.to_uppercase()))),
            (Name::new("direction"), Value::Enum(direction)),
        ]))
    });
    Ok(Some(Value::List(keys.collect())))
}

/// `include=a,bCount` → the variables that switch them on (docs/contract/wire.md#5.3).
fn includes(document: &Document<Checked>, input: &Input) -> Result<Vec<String>> {
    let paged = document.answer.is_page();
    let Some(asked) = input.bag.get("include").filter(|_| paged) else { return Ok(Vec::new()) };
    let asked: Vec<String> = parts(asked).into_iter().filter(|part| !part.is_empty()).collect();
    let allowed = forms(&document.includes);
    let known: Vec<(String, String)> = allowed.iter().cloned().chain(forms(&document.also)).collect();
    let unknown: Vec<&str> = asked
        .iter()
        .map(String::as_str)
        .filter(|name| !known.iter().any(|(known, _)| known == name))
        .collect();
    if !unknown.is_empty() {
        let rest = if allowed.is_empty() {
            "There are no allowed includes.".to_owned()
        } else {
            format!("Allowed include(s) are `{}`.", quoted(allowed.iter().map(|(name, _)| name.as_str())))
        };
        return Err(Error::BadRequest(format!(
            "Requested include(s) `{}` are not allowed. {rest}",
            quoted(unknown)
        )));
    }
    let asked: HashSet<&str> = asked.iter().map(String::as_str).collect();
    if let Some(names) = fields_of_included(document, input, &asked) {
        return Err(Error::BadRequest(format!(
            "Requested field(s) `{names}` are not allowed (yet). If you want to allow these fields, please make sure to call the QueryBuilder's `allowedFields` method before the `allowedIncludes` method.",
        )));
    }
    Ok(known
        .into_iter()
        .filter(|(name, _)| asked.contains(name.as_str()))
        .map(|(_, variable)| variable)
        .collect())
}

/// `fields[names]` of a relation that is included, under the plural of its name (docs/contract/wire.md#5.4).
fn fields_of_included(document: &Document<Checked>, input: &Input, asked: &HashSet<&str>) -> Option<String> {
    let Some(Value::Object(fields)) = input.bag.get("fields") else { return None };
    let included = document.includes.iter().chain(&document.also);
    let names = included
        .filter(|relation| asked.contains(camel(relation).as_str()))
        .find_map(|relation| fields.get(plural(relation).as_str()))?;
    Some(parts(names).join(", "))
}

/// The plural of a relation's name.
fn plural(name: &str) -> String {
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if name.ends_with(['s', 'a']) || name.ends_with("ff") => name.to_owned(),
        _ => format!("{name}s"),
    }
}

/// Every name by which relations can be asked for, with the variable that it switches on.
fn forms(relations: &[String]) -> Vec<(String, String)> {
    let of = |relation: &String| {
        ["", "Count", "Exists"]
            .map(|form| (format!("{}{form}", camel(relation)), include_variable(relation, form)))
    };
    relations.iter().flat_map(of).collect()
}

/// `page`: the text of an integer from 1, else 1 (docs/contract/wire.md#4.4).
fn page(input: &Input) -> i64 {
    let Some(value) = input.bag.get("page") else { return 1 };
    let text = bag::text(value);
    let digits = text.strip_prefix('+').unwrap_or(&text);
    if digits.starts_with('0') { 1 } else { digits.parse().ok().filter(|&page| page > 0).unwrap_or(1) }
}

/// `per_page`: cast to an integer; zero and less mean the framework's default.
fn per_page(document: &Document<Checked>, input: &Input, max: u64) -> i64 {
    let Some(value) = input.bag.get("per_page") else {
        let declared = document.variables.iter().find(|variable| variable.name == "perPage");
        return match declared.and_then(|variable| variable.default.as_ref()) {
            Some(Value::Number(number)) => number.as_i64().unwrap_or(FALLBACK_SIZE),
            _ => FALLBACK_SIZE,
        };
    };
    let asked = bag::leading_integer(value);
    if asked <= 0 { FALLBACK_SIZE } else { asked.min(i64::try_from(max).unwrap_or(i64::MAX)) }
}
