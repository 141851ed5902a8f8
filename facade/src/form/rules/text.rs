//! Rules about texts, and about whether a field was sent.

use async_graphql::Value;

use super::{RuleKind, RuleList};
use crate::form::check::Subject;
use crate::form::value::{self, elements, text};
use crate::user_error::BrokenRule;

pub(super) fn required(subject: &Subject<'_>) -> Option<BrokenRule> {
    if !subject.sent && subject.scope.partial {
        return None;
    }
    subject.fails_if("required", is_empty(subject.value))
}

/// The condition is that the other field was sent as null, not that it is absent (docs/contract/wire.md#3.5).
pub(super) fn required_if_null(subject: &Subject<'_>, sibling: &str) -> Option<BrokenRule> {
    let sent = match subject.sibling(sibling)? {
        Value::Null => "empty",
        Value::String(text) if text == "null" => "null",
        _ => return None,
    };
    let other = subject.scope.display_name(sibling);
    is_empty(subject.value)
        .then(|| subject.broken("required_if", &[("other", &other), ("value", sent)]).other(sibling))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        other => value::count(other) == Some(0),
    }
}

pub(super) fn accepted(subject: &Subject<'_>) -> Option<BrokenRule> {
    let accepted = match subject.value {
        Value::Boolean(truth) => *truth,
        Value::Number(number) => number.as_i64() == Some(1),
        Value::String(word) => ["yes", "on", "1", "true"].contains(&word.as_str()),
        _ => false,
    };
    subject.fails_if("accepted", !accepted)
}

pub(super) fn string(subject: &Subject<'_>) -> Option<BrokenRule> {
    let is_text = matches!(subject.value, Value::String(_)) && subject.upload().is_none();
    subject.fails_if("string", !is_text)
}

pub(super) fn plain_text(subject: &Subject<'_>) -> Option<BrokenRule> {
    let fits = value::plain(subject.value).is_some_and(|text| !text.contains(['<', '>']));
    subject.fails_if("regex", !fits)
}

pub(super) fn lowercase(subject: &Subject<'_>) -> Option<BrokenRule> {
    let fits = matches!(subject.value, Value::String(text) if text.to_lowercase() == *text);
    subject.fails_if("lowercase", !fits)
}

pub(super) fn confirmed(subject: &Subject<'_>) -> Option<BrokenRule> {
    let again = subject.sibling(&format!("{}_confirmation", subject.name));
    subject.fails_if("confirmed", again != Some(subject.value))
}

pub(super) fn one_of(subject: &Subject<'_>, words: &[&str]) -> Option<BrokenRule> {
    let listed = |value: &Value| text(value).is_some_and(|text| is_listed(&text, words));
    let fits = match elements(subject.value) {
        Some(items) => {
            subject.rules.has(|kind| matches!(kind, RuleKind::Array))
                && items.iter().all(|(_, item)| listed(item))
        }
        None => listed(subject.value),
    };
    Some(subject.fails_if("in", !fits)?.values(words))
}

/// Whether a text is one of the words; two numbers are compared as numbers.
fn is_listed(text: &str, words: &[&str]) -> bool {
    let number = value::decimal(text);
    words.iter().any(|word| *word == text || (number.is_some() && number == value::decimal(word)))
}
