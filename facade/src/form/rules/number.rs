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
    // In GraphQL identifiers are no numbers: a text that is none, or one of another type, names no record.
    let is_text_of_id = is_id && !subject.scope.rest && *subject.value != Value::Null;
    subject.fails_if(if is_text_of_id { "exists" } else { "integer" }, !fits)
}

pub(super) fn numeric(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("numeric", value::number(subject.value).is_none())
}

pub(super) fn boolean(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("boolean", value::boolean(subject.value).is_none())
}

pub(super) fn array(subject: &Subject<'_>) -> Option<BrokenRule> {
    subject.fails_if("array", value::count(subject.value).is_none())
}
