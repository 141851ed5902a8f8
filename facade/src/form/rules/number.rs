//! Rules about the type: numbers, booleans and lists.

use async_graphql::Value;

use super::{RuleKind, RuleList};
use crate::form::check::Subject;
use crate::form::value;
use crate::user_error::BrokenRule;

pub(super) fn integer(subject: &Subject<'_>) -> Option<BrokenRule> {
    // Columns have 32 bits, except ids.
    let is_id = subject.rules.has(|kind| matches!(kind, RuleKind::Exists(_) | RuleKind::ExistsFor(..)));
    let fits = value::integer(subject.value).is_some_and(|number| is_id || i32::try_from(number).is_ok());
    // In GraphQL identifiers are no numbers: what is none, or one of another type, names no record.
    match subject.value {
        Value::String(text) if is_id && !subject.scope.rest => {
            subject.fails_if("exists", !fits || text.starts_with('+'))
        }
        _ => subject.fails_if("integer", !fits),
    }
}

pub(super) fn numeric(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("numeric", subject.scope.number(subject.value).is_none())
}

pub(super) fn decimals(subject: &Subject<'_>, most: usize) -> Option<BrokenRule> {
    let fits = value::decimals(subject.value) <= most;
    (!fits).then(|| subject.broken("decimal", &[("decimal", &most.to_string())]).max(most as f64))
}

pub(super) fn boolean(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("boolean", value::boolean(subject.value).is_none())
}

pub(super) fn array(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("array", value::count(subject.value).is_none())
}
