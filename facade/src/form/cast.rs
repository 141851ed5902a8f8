//! Conversion of values that passed the rules to the types of their fields, so that HTML forms (`"15"`) and JSON
//! (`15`) give the same typed value. Of several readings of a value, the first one that the field's type accepts is
//! taken.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Number, Value};
use sea_orm::DbBackend;

use super::definition::FormField;
use super::rules::{Rule, RuleKind, RuleList, date_spellings, shop_local_time};
use super::{CheckScope, File, value};

/// Converts a value for its field; `None` where no reading fits the type.
pub(crate) fn cast(value: &Value, field: &FormField, scope: &CheckScope<'_>) -> Option<Value> {
    if matches!(value, Value::Null) {
        return Some(Value::Null);
    }
    if scope.backend() == DbBackend::Postgres && has_nul(value) {
        return None;
    }
    readings(value, &field.rules, scope)
        .into_iter()
        .chain(list(value, field, scope))
        .find(|reading| field.accepts(reading))
}

/// Whether a value holds NUL, which PostgreSQL refuses in texts.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        other => value::elements(other).is_some_and(|items| items.iter().any(|(_, item)| has_nul(item))),
    }
}

fn readings(value: &Value, rules: &[Rule], scope: &CheckScope<'_>) -> Vec<Value> {
    let mut readings = Vec::new();
    if let Some(upload) = value::upload(value, scope.uploads) {
        readings.push(File::to_cast_value(upload));
    }
    if rules.has(|kind| matches!(kind, RuleKind::Boolean | RuleKind::Flag)) {
        readings.extend(value::boolean(value).map(Value::Boolean));
    }
    if rules.is_number() {
        readings.extend(number(value));
    }
    if rules.has(|kind| matches!(kind, RuleKind::Timestamp)) {
        readings.extend(value::plain(value).and_then(|text| shop_local_time(&text)).map(Value::String));
    }
    readings.push(value.clone());
    if value::count(value) == Some(0) {
        // PHP does not distinguish an empty list from an empty map.
        readings.push(Value::Object(IndexMap::new()));
    }
    if let Some(text) = value::text(value) {
        readings.extend(number(value));
        readings.extend(truth(&text).map(Value::Boolean));
        readings.extend(enum_word(&text));
        if rules.has(|kind| matches!(kind, RuleKind::Date)) {
            readings.extend(date_spellings(&text).into_iter().map(Value::String));
        }
        readings.push(Value::String(text));
    }
    readings
}

fn number(value: &Value) -> Option<Value> {
    match value::integer(value) {
        Some(integer) => Some(Value::Number(integer.into())),
        None => Number::from_f64(value::number(value)?).map(Value::Number),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A word of REST as a GraphQL enum value, in capital letters.
fn enum_word(text: &str) -> Option<Value> {
    let name = text.to_uppercase().replace(['-', '.', ' '], "_");
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| Value::Enum(Name::new(name)))
}

/// Converts the elements of a list, or the values of a map, one by one.
fn list(value: &Value, field: &FormField, scope: &CheckScope<'_>) -> Option<Value> {
    let rules = field.element_rules().unwrap_or_default();
    let cast_item = |item: &Value| {
        let alone = |reading: &Value| field.accepts(&Value::List(vec![reading.clone()]));
        readings(item, rules, scope).into_iter().find(alone)
    };
    let items = value::elements(value)?;
    items.into_iter().map(|(_, item)| cast_item(item)).collect::<Option<Vec<_>>>().map(Value::List)
}
