//! What is done to sent values before the rules: field names, spelling of enum words, rewriting rules.

use async_graphql::{Name, Value};

use super::check::Values;
use super::rules::{Rule, RuleKind, RuleList};
use super::shape::FormDefinition;
use super::{CheckScope, normalise, value};

/// Names fields as the rules do (GraphQL's camel case becomes snake case) and normalises all texts.
pub(crate) fn rename_and_normalise(shape: &FormDefinition, mut values: Values) -> Values {
    for field in &shape.fields {
        if field.camel == field.name || values.contains_key(field.name) {
            continue;
        }
        if let Some(value) = values.swap_remove(field.camel.as_str()) {
            values.insert(Name::new(field.name), value);
        }
    }
    normalise::normalise_fields(&mut values);
    values
}

/// Brings the values into the form that the rules look at.
pub(crate) fn prepare(shape: &FormDefinition, values: &mut Values, scope: &CheckScope<'_>) {
    for field in &shape.fields {
        if let Some(value) = values.get_mut(field.name) {
            unify_enum_words(value, &field.rules, scope.rest);
            for rule in &field.rules {
                rewrite(value, rule, field.rules.is_nullable());
            }
        }
    }
}

fn rewrite(value: &mut Value, rule: &Rule, nullable: bool) {
    match rule.0 {
        // What is left empty in a form is not set.
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
        RuleKind::Custom(rule) => rule.rewrite(value),
        RuleKind::NoneIsNull if is_word(value, "none") => *value = Value::Null,
        _ => {}
    }
}

/// The words that forms write for yes and no; nothing is no.
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

/// GraphQL writes enum words in capitals and truth values as such where the rules list words.
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
