//! The check of a form: all rules of all fields in one pass (docs/contract/wire.md#3.1).

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, UploadValue, Value};

use super::definition::{FormDefinition, FormField};
use super::rules::{ExistingIds, Rule, RuleKind, RuleList};
use super::{CheckScope, cast, prepare, value};
use crate::error::Invalid;
use crate::{Error, Result};

/// Sent values by field name.
pub type Values = IndexMap<Name, Value>;

/// The field that a rule checks.
pub struct Subject<'a> {
    /// Field name, dotted where nested.
    pub name: &'a str,
    /// Whether the field was sent at all.
    pub sent: bool,
    /// Its value; null where it was not sent.
    pub value: &'a Value,
    /// All rules of the field.
    pub(crate) rules: &'a [Rule],
    /// All sent values.
    pub values: &'a Values,
    /// What the check needs beside the input.
    pub scope: &'a CheckScope<'a>,
    /// Ids that were looked up for all elements of a list at once.
    pub(crate) existing: Option<&'a ExistingIds>,
}

impl Subject<'_> {
    /// The name of the field in messages.
    pub fn display_name(&self) -> String {
        self.scope.texts.field_name(self.name)
    }

    /// The message of a rule about this field.
    pub fn message(&self, rule: &str, values: &[(&str, &str)]) -> String {
        let name = self.display_name();
        let values = [&[("attribute", name.as_str())], values].concat();
        self.scope.texts.text(&format!("validation.{rule}"), &values)
    }

    /// The message of a rule, if it is broken.
    pub fn fails_if(&self, rule: &str, broken: bool) -> Option<String> {
        broken.then(|| self.message(rule, &[]))
    }

    /// What the record under update holds in the column of another field that was not sent, in an update that leaves
    /// such fields as they are.
    pub fn stored(&self, name: &str) -> Option<&str> {
        let stored = self.scope.stored.iter().find(|(column, _)| *column == name);
        stored.filter(|_| self.scope.partial && self.sibling(name).is_none()).map(|(_, text)| *text)
    }

    /// The value of another field.
    pub fn sibling(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The uploaded file that the value stands for.
    pub fn upload(&self) -> Option<&UploadValue> {
        value::upload(self.value, self.scope.uploads)
    }

    fn is_skipped(&self, rule: &Rule, clean: bool) -> bool {
        if rule.is_implicit() {
            return !self.sent && self.rules.has(|kind| matches!(kind, RuleKind::Sometimes));
        }
        let blank = matches!(self.value, Value::String(text) if text.trim().is_empty());
        let null = matches!(self.value, Value::Null) && self.rules.is_nullable();
        !self.sent || blank || null || (rule.needs_clean_field() && !clean)
    }

    async fn messages(&self) -> Result<Vec<String>> {
        if value::is_broken_upload(self.value) {
            return Ok(vec![self.message("uploaded", &[])]);
        }
        let mut messages = Vec::new();
        for rule in self.rules {
            if self.is_skipped(rule, messages.is_empty()) {
                continue;
            }
            if let Some(message) = rule.broken(self).await? {
                messages.push(message);
                if rule.is_implicit() {
                    break;
                }
            }
        }
        Ok(messages)
    }
}

/// Checks sent values and converts them to the types of the fields.
pub(crate) async fn check(
    definition: &FormDefinition,
    mut values: Values,
    scope: &CheckScope<'_>,
) -> Result<Values> {
    prepare::prepare(definition, &mut values, scope);
    let mut check = Check { values: &values, scope, cast: Values::new(), invalid: Invalid::default() };
    let fields = || definition.fields.iter().filter(|field| scope.rest || !field.rest_only);
    for field in fields() {
        check.field(field).await?;
    }
    if check.invalid.errors.is_empty() {
        for field in fields() {
            check.afterwards(field).await?;
        }
    }
    if check.invalid.errors.is_empty() { Ok(check.cast) } else { Err(Error::Invalid(check.invalid)) }
}

struct Check<'a> {
    values: &'a Values,
    scope: &'a CheckScope<'a>,
    cast: Values,
    invalid: Invalid,
}

impl<'a> Check<'a> {
    async fn field(&mut self, field: &'a FormField) -> Result<()> {
        let sent = self.values.get(field.name);
        let subject = self.subject(field.name, sent, &field.rules, None);
        let messages = subject.messages().await?;
        let clean = self.report(field.name, messages);
        let Some(value) = sent else { return Ok(()) };
        if !self.elements(field, value).await? || !clean {
            return Ok(());
        }
        match cast::cast(value, field, self.scope) {
            Some(value) => {
                self.cast.insert(Name::new(field.name), value);
            }
            None => {
                let message =
                    self.subject(field.name, sent, &field.rules, None).message(field.rule_of_type(), &[]);
                self.report(field.name, vec![message]);
            }
        }
        Ok(())
    }

    /// The rules of the second pass.
    async fn afterwards(&mut self, field: &'a FormField) -> Result<()> {
        let Some(rules) = field.afterwards() else { return Ok(()) };
        let sent = self.values.get(field.name);
        let messages = self.subject(field.name, sent, rules, None).messages().await?;
        self.report(field.name, messages);
        Ok(())
    }

    /// Checks the elements of a list that has rules for them; whether all are well.
    async fn elements(&mut self, field: &'a FormField, value: &'a Value) -> Result<bool> {
        let (Some(rules), Some(items)) = (field.element_rules(), value::elements(value)) else {
            return Ok(true);
        };
        let existing = ExistingIds::of(self.scope, rules, &items).await?;
        let mut clean = true;
        for (key, item) in items {
            let name = format!("{}.{key}", field.name);
            let messages = self.subject(&name, Some(item), rules, Some(&existing)).messages().await?;
            clean &= self.report(&name, messages);
        }
        Ok(clean)
    }

    fn subject<'s>(
        &self,
        name: &'s str,
        sent: Option<&'s Value>,
        rules: &'s [Rule],
        existing: Option<&'s ExistingIds>,
    ) -> Subject<'s>
    where
        'a: 's,
    {
        let value = sent.unwrap_or(&Value::Null);
        Subject { name, sent: sent.is_some(), value, rules, values: self.values, scope: self.scope, existing }
    }

    /// Adds the messages of a field; returns whether there were none.
    fn report(&mut self, name: &str, messages: Vec<String>) -> bool {
        let clean = messages.is_empty();
        if !clean {
            self.invalid.errors.insert(name.to_owned(), messages);
        }
        clean
    }
}
