//! Changes to sent values before the rules are checked: names of fields, enum words, and rules that rewrite values.

use async_graphql::{Name, Value};

use super::check::Values;
use super::definition::FormDefinition;
use super::rules::{Rule, RuleKind, RuleList};
use super::{CheckScope, normalise, value};

/// Renames GraphQL's camelCase fields to the snake_case of the rules, and normalises their texts.
pub(crate) fn rename_and_normalise(definition: &FormDefinition, mut values: Values) -> Values {
    for field in &definition.fields {
        if field.camel == field.name || values.contains_key(field.name) {
            continue;
        }
        if let Some(value) = values.swap_remove(field.camel.as_str()) {
            values.insert(Name::new(field.name), value);
        }
    }
    normalise::normalise_texts(&mut values);
    values
}

/// Rewrites the values into the form that the rules check.
pub(crate) fn prepare(definition: &FormDefinition, values: &mut Values, scope: &CheckScope<'_>) {
    for field in &definition.fields {
        if let Some(value) = values.get_mut(field.name) {
            if !scope.rest {
                field.replace_global_ids(value);
            }
            unify_enum_words(value, &field.rules, scope.rest);
            for rule in &field.rules {
                rewrite(value, rule, (field.rules.is_nullable(), scope.rest));
            }
        }
    }
}

fn rewrite(value: &mut Value, rule: &Rule, (nullable, rest): (bool, bool)) {
    match rule.0 {
        // An empty field of an HTML form means that the box is not checked.
        RuleKind::Flag if *value == Value::Null && !nullable => *value = Value::Boolean(false),
        RuleKind::Flag => {
            if let Some(truth) = form_boolean(value) {
                *value = Value::Boolean(truth);
            }
        }
        RuleKind::Slugified => {
            if let Some(text) = value::plain(value) {
                *value = Value::String(slug::slugify(text));
            }
        }
        RuleKind::Custom(rule) => rule.rewrite(value, rest),
        RuleKind::NoneIsNull if is_word(value, "none") => *value = Value::Null,
        _ => {}
    }
}

/// A boolean as HTML forms send it; null is false.
fn form_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::String(word) => match word.to_lowercase().as_str() {
            "true" | "on" | "yes" => Some(true),
            "false" | "off" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_word(value: &Value, word: &str) -> bool {
    matches!(value, Value::String(text) if text == word)
}

/// Converts GraphQL's spelling to that of the rules: enum words in capital letters, and booleans where the rules
/// list words.
fn unify_enum_words(value: &mut Value, rules: &[Rule], rest: bool) {
    let sent = match value {
        Value::Enum(name) => name.to_string(),
        Value::String(text) if !rest && *text == text.to_uppercase() => text.clone(),
        Value::Boolean(truth) if !rest => truth.to_string(),
        Value::List(items) => {
            let each = rules.iter().find_map(|rule| match &rule.0 {
                RuleKind::Each(rules) => Some(rules.as_slice()),
                _ => None,
            });
            items.iter_mut().for_each(|item| unify_enum_words(item, each.unwrap_or(rules), rest));
            return;
        }
        _ => return,
    };
    let listed = rules.iter().find_map(|rule| match rule.0 {
        RuleKind::OneOf(words) => words.iter().find(|word| word.eq_ignore_ascii_case(&sent)),
        _ => None,
    });
    match (listed, &value) {
        (Some(word), _) => *value = Value::String((*word).to_owned()),
        (None, Value::Enum(_)) => *value = Value::String(sent.to_lowercase()),
        (None, _) => {}
    }
}
