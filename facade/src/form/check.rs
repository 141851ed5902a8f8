//! The check of a form: all rules of all fields in one pass (docs/contract/wire.md#3.1).

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, UploadValue, Value};

use super::definition::{FormDefinition, FormField};
use super::rules::{ExistingIds, Rule, RuleKind, RuleList};
use super::{CheckScope, cast, prepare, value};
use crate::error::Invalid;
use crate::user_error::BrokenRule;
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
        self.scope.display_name(self.name)
    }

    /// A broken rule of this field, by the key of its message. `values` fill the message in.
    pub fn broken(&self, rule: &str, values: &[(&str, &str)]) -> BrokenRule {
        BrokenRule::of(self.scope.texts, rule, &self.display_name(), values)
    }

    /// A broken rule of a part of this field's value. In GraphQL it has the name of the part, `field`, in its message.
    pub fn broken_part(&self, rule: &str, values: &[(&str, &str)], path: &[&str], field: &str) -> BrokenRule {
        let name = if self.scope.rest { self.name } else { field };
        let name = self.scope.display_name(name);
        BrokenRule::of(self.scope.texts, rule, &name, values).at(path)
    }

    /// The rule, if it is broken.
    pub fn fails_if(&self, rule: &str, broken: bool) -> Option<BrokenRule> {
        broken.then(|| self.broken(rule, &[]))
    }

    /// A broken rule whose message in REST is English in every language.
    pub fn broken_in_english(&self, rule: &str, english: String) -> BrokenRule {
        let broken = self.broken(rule, &[]);
        if self.scope.rest { BrokenRule { text: english, ..broken } } else { broken }
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

    async fn broken_rules(&self) -> Result<Vec<BrokenRule>> {
        if value::is_broken_upload(self.value) {
            return Ok(vec![self.broken("uploaded", &[])]);
        }
        let mut broken = Vec::new();
        for rule in self.rules {
            if self.is_skipped(rule, broken.is_empty()) {
                continue;
            }
            let parts = rule.broken_parts(self).await?;
            let ends = rule.is_implicit() && !parts.is_empty();
            broken.extend(parts);
            if ends {
                break;
            }
        }
        Ok(broken)
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
        let broken = subject.broken_rules().await?;
        let clean = self.report(field.name, broken);
        let Some(value) = sent else { return Ok(()) };
        if !self.elements(field, value).await? || !clean {
            return Ok(());
        }
        match cast::cast(value, field, self.scope) {
            Some(value) => {
                self.cast.insert(Name::new(field.name), value);
            }
            None => {
                let broken =
                    self.subject(field.name, sent, &field.rules, None).broken(field.rule_of_type(), &[]);
                self.report(field.name, vec![broken]);
            }
        }
        Ok(())
    }

    /// The rules of the second pass.
    async fn afterwards(&mut self, field: &'a FormField) -> Result<()> {
        let Some(rules) = field.afterwards() else { return Ok(()) };
        let sent = self.values.get(field.name);
        let broken = self.subject(field.name, sent, rules, None).broken_rules().await?;
        self.report(field.name, broken);
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
            let broken = self.subject(&name, Some(item), rules, Some(&existing)).broken_rules().await?;
            clean &= self.report(&name, broken);
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

    /// Adds the broken rules of a field; returns whether there were none.
    fn report(&mut self, name: &str, broken: Vec<BrokenRule>) -> bool {
        let clean = broken.is_empty();
        if !clean {
            self.invalid.errors.insert(name.to_owned(), broken);
        }
        clean
    }
}
