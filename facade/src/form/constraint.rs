//! The directive `@constraint` on an input field: the rules of the field that its type does not express. The schema
//! prints it for GraphQL clients, and the OpenAPI document is generated from it.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::location_traits::Directive_At_INPUT_FIELD_DEFINITION;
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaInputValue, MetaType, Registry,
};
use async_graphql::{TypeDirective, Value};

use super::definition::FormField;
use super::rules::{Rule, RuleKind, RuleList, SizeBound, TEXT_BYTES};
use crate::rest_only;

const NAME: &str = "constraint";

/// Arguments of the directive: name, type, meaning.
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("name", "String", "Name in REST, where it is not the field's in snake case."),
    ("required", "Boolean", "Asked for, except in a partial update."),
    ("nullable", "Boolean", "Whether null is a value."),
    ("minLength", "Int", "Fewest characters."),
    ("maxLength", "Int", "Most characters."),
    ("min", "Float", "Smallest number."),
    ("max", "Float", "Greatest number."),
    ("minItems", "Int", "Fewest elements."),
    ("maxItems", "Int", "Most elements."),
    ("minKilobytes", "Int", "Smallest file."),
    ("maxKilobytes", "Int", "Largest file."),
    ("oneOf", "[String!]", "The words that are accepted."),
    ("mimes", "[String!]", "The kinds of files that are accepted."),
    ("format", "String", "`email`, `date`, `phone`, `country`, `locale` or `html`."),
    ("confirmed", "Boolean", "Repeated in a field of the same name that ends in `confirmation`."),
];

/// The arguments of a `@constraint`.
#[derive(Clone, Debug, Default)]
pub struct Constraint(IndexMap<String, Value>);

impl Constraint {
    /// Reads the directive of an input field; empty where it has none.
    pub fn read(field: &MetaInputValue) -> Self {
        let directive = field.directive_invocations.iter().find(|directive| directive.name == NAME);
        directive.map(|directive| Self(directive.args.clone())).unwrap_or_default()
    }

    /// Whether an argument is true.
    pub fn is(&self, name: &str) -> bool {
        self.flag(name) == Some(true)
    }

    /// Whether an argument is true or false; `None` where it is not set.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Boolean(flag) => Some(*flag),
            _ => None,
        }
    }

    /// A numeric argument.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name)? {
            Value::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// A numeric argument that is a count.
    pub fn count(&self, name: &str) -> Option<usize> {
        match self.0.get(name)? {
            Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
            _ => None,
        }
    }

    /// A text argument.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// An argument that is a list of words; empty where it is not set.
    pub fn words(&self, name: &str) -> Vec<&str> {
        let Some(Value::List(words)) = self.0.get(name) else { return Vec::new() };
        words
            .iter()
            .filter_map(|word| if let Value::String(word) = word { Some(word.as_str()) } else { None })
            .collect()
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn of(field: &FormField, registry: &Registry) -> Self {
        let mut constraint = Self::default();
        if crate::name::snake(&field.camel) != field.name {
            constraint.set("name", field.name);
        }
        let is_enum = matches!(registry.types.get(field.type_name()), Some(MetaType::Enum { .. }));
        for rule in &field.rules {
            constraint.add(rule, &field.rules, is_enum);
        }
        constraint
    }

    fn add(&mut self, rule: &Rule, rules: &[Rule], is_enum: bool) {
        match &rule.0 {
            RuleKind::Accepted => self.set("required", true),
            RuleKind::Required { in_schema: false } if !may_be_left_out(rules) => self.set("required", true),
            RuleKind::Afterwards(then)
                if then.iter().any(|rule| matches!(rule.0, RuleKind::Required { .. })) =>
            {
                self.set("required", true);
            }
            RuleKind::Nullable => self.set("nullable", true),
            RuleKind::Min(bound) => self.bound("min", bound, rules),
            RuleKind::Max(bound) => self.bound("max", bound, rules),
            RuleKind::Size(bound) => {
                self.bound("min", bound, rules);
                self.bound("max", bound, rules);
            }
            // The words of an enum are listed only where REST does not write them in lower case.
            RuleKind::OneOf(words) if !is_enum || !words.iter().all(|word| *word == word.to_lowercase()) => {
                self.set("oneOf", list(words));
            }
            RuleKind::TextColumn => self.set("maxLength", i32::from(TEXT_BYTES)),
            RuleKind::Each(each) => each.iter().for_each(|rule| {
                if let RuleKind::OneOf(words) = &rule.0 {
                    self.set("oneOf", list(words));
                }
            }),
            RuleKind::Mimes(kinds) => self.set("mimes", list(kinds)),
            RuleKind::Email => self.set("format", "email"),
            RuleKind::Date => self.set("format", "date"),
            RuleKind::Custom(rule) => {
                if let Some(format) = rule.format() {
                    self.set("format", format);
                }
            }
            RuleKind::Confirmed => self.set("confirmed", true),
            RuleKind::InGraphQl(rule) if rest_only::is_public() => self.add(rule, rules, is_enum),
            _ => {}
        }
    }

    /// Sets a limit of size under the name for what the rules measure.
    fn bound(&mut self, end: &str, bound: &SizeBound, rules: &[Rule]) {
        let unit = if rules.is_number() {
            ""
        } else if rules.has(|kind| matches!(kind, RuleKind::Array)) {
            "Items"
        } else if rules.has(|kind| matches!(kind, RuleKind::File | RuleKind::Image | RuleKind::Mimes(_))) {
            "Kilobytes"
        } else {
            "Length"
        };
        let value = bound.value();
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that a rule was written with")]
        let value = if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) };
        self.set(&format!("{end}{unit}"), value);
    }
}

/// The directive `@constraint` on a field of an input object that is no form: a rule of the form that holds the object checks it.
pub struct Constrained;

impl Constrained {
    /// The directive with these arguments.
    pub fn apply<const N: usize>(arguments: [(&str, Value); N]) -> MetaDirectiveInvocation {
        let args = arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        MetaDirectiveInvocation { name: NAME.to_owned(), args }
    }
}

impl TypeDirective for Constrained {
    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        register(registry);
    }
}

impl Directive_At_INPUT_FIELD_DEFINITION for Constrained {}

fn list(words: &[&str]) -> Value {
    Value::List(words.iter().map(|&word| Value::from(word)).collect())
}

/// Adds the directive to an input field whose rules need it.
pub(super) fn describe(meta: &mut MetaInputValue, field: &FormField, registry: &mut Registry) {
    let constraint = Constraint::of(field, registry);
    if constraint.0.is_empty() {
        return;
    }
    register(registry);
    let name = NAME.to_owned();
    meta.directive_invocations.push(MetaDirectiveInvocation { name, args: constraint.0 });
}

fn register(registry: &mut Registry) {
    let argument = |(name, ty, about): &(&str, &str, &str)| {
        let mut argument = MetaInputValue::new(*name, *ty);
        argument.description = Some((*about).to_owned());
        ((*name).to_owned(), argument)
    };
    registry.add_directive(MetaDirective {
        name: NAME.to_owned(),
        description: Some(
            "What is asked of a field beside its type; a broken rule is VALIDATION_FAILED.".to_owned(),
        ),
        locations: vec![__DirectiveLocation::INPUT_FIELD_DEFINITION],
        args: ARGUMENTS.iter().map(argument).collect(),
        is_repeatable: false,
        visible: None,
        composable: None,
    });
}

/// Whether a field is only checked where it was sent.
fn may_be_left_out(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| matches!(rule.0, RuleKind::Sometimes))
}
