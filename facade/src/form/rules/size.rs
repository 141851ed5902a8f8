//! Rules about size. The rules of a field and its value determine what is measured (docs/contract/wire.md#3.3).

use super::{RuleKind, RuleList};
use crate::Result;
use crate::form::check::Subject;
use crate::form::value;
use crate::user_error::BrokenRule;

/// A number that a size rule takes: `max(255)`, `max(999999.99)`.
pub trait SizeLimit {
    /// The number as messages print it.
    fn print(&self) -> String;
    /// The number that sizes are compared with.
    fn value(&self) -> f64;
}

impl SizeLimit for i64 {
    fn print(&self) -> String {
        self.to_string()
    }

    fn value(&self) -> f64 {
        *self as f64
    }
}

impl SizeLimit for f64 {
    fn print(&self) -> String {
        self.to_string()
    }

    fn value(&self) -> f64 {
        *self
    }
}

/// A limit, with its text for messages.
#[derive(Clone, Debug)]
pub(crate) struct SizeBound {
    printed: String,
    value: f64,
}

impl SizeBound {
    pub(super) fn new(limit: impl SizeLimit) -> Self {
        Self { printed: limit.print(), value: limit.value() }
    }

    /// The limit as a number.
    pub(crate) fn value(&self) -> f64 {
        self.value
    }
}

pub(super) fn min(subject: &Subject<'_>, bound: &SizeBound) -> Option<BrokenRule> {
    let broken = (measure(subject) < bound.value).then(|| broken(subject, "min", bound));
    broken.map(|broken| broken.min(bound.value))
}

pub(super) fn max(subject: &Subject<'_>, bound: &SizeBound) -> Option<BrokenRule> {
    let broken = (measure(subject) > bound.value).then(|| broken(subject, "max", bound));
    broken.map(|broken| broken.max(bound.value))
}

/// The greatest size that a setting allows.
pub(super) async fn max_of(subject: &Subject<'_>, setting: &str, usual: i64) -> Result<Option<BrokenRule>> {
    let set = subject.scope.settings.setting(setting).await?;
    let limit = set.and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(usual);
    Ok(max(subject, &SizeBound::new(limit)))
}

pub(super) fn exact(subject: &Subject<'_>, bound: &SizeBound) -> Option<BrokenRule> {
    let broken = (measure(subject) != bound.value).then(|| broken(subject, "size", bound));
    broken.map(|broken| broken.min(bound.value).max(bound.value))
}

/// Bytes that a column of type `TEXT` holds.
pub(crate) const TEXT_BYTES: u16 = u16::MAX;

pub(super) fn text_column(subject: &Subject<'_>) -> Option<BrokenRule> {
    let fits = value::plain(subject.value).is_none_or(|text| text.len() <= usize::from(TEXT_BYTES));
    (!fits).then(|| subject.broken("max.string", &[("max", &TEXT_BYTES.to_string())]).max(TEXT_BYTES.into()))
}

fn broken(subject: &Subject<'_>, rule: &str, bound: &SizeBound) -> BrokenRule {
    subject.broken(&format!("{rule}.{}", variant(subject)), &[(rule, &bound.printed)])
}

fn measure(subject: &Subject<'_>) -> f64 {
    if subject.rules.is_number()
        && let Some(number) = value::number(subject.value)
    {
        return number;
    }
    if let Some(upload) = subject.upload() {
        return upload.content.len() as f64 / 1024.0;
    }
    let size = value::count(subject.value)
        .unwrap_or_else(|| value::text(subject.value).map_or(0, |text| text.chars().count()));
    size as f64
}

fn variant(subject: &Subject<'_>) -> &'static str {
    if subject.rules.is_number() {
        "numeric"
    } else if subject.rules.has(|kind| matches!(kind, RuleKind::Array)) {
        "array"
    } else if subject.upload().is_some() {
        "file"
    } else {
        "string"
    }
}
