//! What the caller of a mutation can mend: input that breaks a rule, and records whose state forbids the action.
//!
//! REST answers it by status and body. GraphQL lists it in the payload of the mutation ([`crate::payload`]) as
//! [`UserError`], with a code of the closed enum `UserErrorCode`: those of this module, and those that mutations
//! declare with [`Refuses`].

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::location_traits::Directive_At_FIELD_DEFINITION;
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaEnumValue, MetaField, MetaInputValue,
    MetaType, MetaTypeId, Registry,
};
use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, SimpleObject, TypeDirective, Value,
};

use crate::Error;
use crate::engine::Texts;
use crate::error::Refusal;

/// A code of a [`UserError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserErrorCode {
    /// The code as it is sent, in capital letters.
    pub name: &'static str,
    /// What it means, in English: its description in the schema, and the message where no other text is known.
    pub meaning: &'static str,
}

impl UserErrorCode {
    /// A code of this name and meaning.
    pub const fn new(name: &'static str, meaning: &'static str) -> Self {
        Self { name, meaning }
    }

    /// The code of a broken rule, by the rule's key among the texts: `required`, `max.string`.
    pub fn of_rule(rule: &str) -> Self {
        OF_RULES.iter().find(|(known, _)| *known == rule).map_or(INVALID, |(_, code)| *code)
    }

    /// Its message: its text in the language of the answer, else its meaning.
    pub fn message(self, texts: &dyn Texts) -> String {
        self.text(texts).unwrap_or_else(|| self.meaning.to_owned())
    }

    /// Its text in a language: that of the key `user_errors.CODE`, if there is one.
    fn text(self, texts: &dyn Texts) -> Option<String> {
        let key = format!("user_errors.{}", self.name.to_lowercase());
        Some(texts.text(&key, &[])).filter(|text| *text != key)
    }
}

macro_rules! codes {
    ($($name:ident = $meaning:literal;)+) => {
        $(#[doc = $meaning] pub const $name: UserErrorCode = UserErrorCode::new(stringify!($name), $meaning);)+

        /// The codes that every host has.
        const ALL: &[UserErrorCode] = &[$($name),+];
    };
}

codes! {
    REQUIRED = "The field is missing or empty.";
    NOT_ACCEPTED = "The field must be accepted.";
    WRONG_TYPE = "The value is of a wrong type.";
    TOO_SHORT = "The text has too few characters; `params.min` is the fewest.";
    TOO_LONG = "The text has too many characters; `params.max` is the most.";
    TOO_SMALL = "The number is too small; `params.min` is the smallest.";
    TOO_LARGE = "The number is too large; `params.max` is the largest.";
    TOO_FEW = "The list has too few elements; `params.min` is the fewest.";
    TOO_MANY = "The list has too many elements; `params.max` is the most.";
    FILE_TOO_SMALL = "The file is too small; `params.min` is the smallest size in kilobytes.";
    FILE_TOO_LARGE = "The file is too large; `params.max` is the largest size in kilobytes.";
    WRONG_SIZE = "The value must have another size: `params.min`, which is `params.max`.";
    NOT_ALLOWED = "The value is none of those that are allowed; `params.values` lists them where they are few.";
    INVALID_FORMAT = "The text has a wrong form.";
    TOO_MANY_DECIMALS = "The number has too many decimals; `params.max` is the most.";
    INVALID_DATE = "The text is no date, or none that can be stored.";
    TOO_EARLY = "The date is not after the one in `params.other`.";
    TOO_LATE = "The date is not before the one in `params.other`.";
    NOT_CONFIRMED = "The value is not repeated in the field of its confirmation.";
    NOT_FOUND = "There is no such record.";
    NOT_UNIQUE = "Another record has this value.";
    UPLOAD_FAILED = "The file did not arrive whole.";
    NOT_AN_IMAGE = "The file is no image that can be shown.";
    WRONG_FILE_TYPE = "The file is of none of the types in `params.values`.";
    INVALID = "The value breaks a rule that has no code of its own.";
    INVALID_STATE = "The state of the record does not allow this.";
    STALE = "The record was changed since it was read.";
}

/// The codes of broken rules, by the keys of their messages.
const OF_RULES: &[(&str, UserErrorCode)] = &[
    ("required", REQUIRED),
    ("required_if", REQUIRED),
    ("accepted", NOT_ACCEPTED),
    ("string", WRONG_TYPE),
    ("integer", WRONG_TYPE),
    ("numeric", WRONG_TYPE),
    ("boolean", WRONG_TYPE),
    ("array", WRONG_TYPE),
    ("file", WRONG_TYPE),
    ("min.string", TOO_SHORT),
    ("max.string", TOO_LONG),
    ("min.numeric", TOO_SMALL),
    ("max.numeric", TOO_LARGE),
    ("min.array", TOO_FEW),
    ("max.array", TOO_MANY),
    ("min.file", FILE_TOO_SMALL),
    ("max.file", FILE_TOO_LARGE),
    ("size.string", WRONG_SIZE),
    ("size.numeric", WRONG_SIZE),
    ("size.array", WRONG_SIZE),
    ("size.file", WRONG_SIZE),
    ("in", NOT_ALLOWED),
    ("decimal", TOO_MANY_DECIMALS),
    ("regex", INVALID_FORMAT),
    ("lowercase", INVALID_FORMAT),
    ("email", INVALID_FORMAT),
    ("date", INVALID_DATE),
    ("after", TOO_EARLY),
    ("before", TOO_LATE),
    ("confirmed", NOT_CONFIRMED),
    ("exists", NOT_FOUND),
    ("unique", NOT_UNIQUE),
    ("uploaded", UPLOAD_FAILED),
    ("image", NOT_AN_IMAGE),
    ("mimes", WRONG_FILE_TYPE),
];

/// A rule that a value breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenRule {
    /// Its code.
    pub code: UserErrorCode,
    /// The message, in the language of the answer.
    pub text: String,
    /// Limits and allowed values.
    pub params: UserErrorParams,
    /// Where in the field's value it is, by names and positions; empty where the whole value is meant.
    pub path: Vec<String>,
}

impl BrokenRule {
    /// A broken rule with this message.
    pub fn new(code: UserErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), params: UserErrorParams::default(), path: Vec::new() }
    }

    /// A broken rule with its message, the text `validation.RULE`. `name` is that of the field in messages.
    pub fn of(texts: &dyn Texts, rule: &str, name: &str, values: &[(&str, &str)]) -> Self {
        let values = [&[("attribute", name)], values].concat();
        Self::new(UserErrorCode::of_rule(rule), texts.text(&format!("validation.{rule}"), &values))
    }

    /// The same with another code.
    #[must_use]
    pub fn coded(self, code: UserErrorCode) -> Self {
        Self { code, ..self }
    }

    /// The same with the smallest size or number.
    #[must_use]
    pub fn min(mut self, min: f64) -> Self {
        self.params.min = Some(min);
        self
    }

    /// The same with the greatest size or number.
    #[must_use]
    pub fn max(mut self, max: f64) -> Self {
        self.params.max = Some(max);
        self
    }

    /// The same with the values that are allowed.
    #[must_use]
    pub fn values(mut self, values: &[&str]) -> Self {
        self.params.values = Some(values.iter().map(|&value| value.to_owned()).collect());
        self
    }

    /// The same with the other field that it depends on, by its name in REST.
    #[must_use]
    pub fn other(mut self, field: &str) -> Self {
        self.params.other = Some(vec![field.to_owned()]);
        self
    }

    /// The same for a part of the field's value.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Self {
        Self { path: path.iter().map(|&name| name.to_owned()).collect(), ..self }
    }
}

/// What the caller of a mutation can mend.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct UserError {
    /// Where in the arguments: names, and positions in lists, as in `["input", "products", "0"]`. Null where it is about
    /// no argument.
    field: Option<Vec<String>>,
    /// What is wrong.
    code: CodeOutput,
    /// Limits and allowed values, where the code has any.
    params: Option<UserErrorParams>,
    /// What is wrong, for people: in the language that `Accept-Language` asks for (`fr` or `en`), else in the shop's.
    message: String,
}

/// Limits and allowed values of a user error.
#[derive(SimpleObject, Clone, Debug, Default, PartialEq)]
pub struct UserErrorParams {
    /// Smallest number, or fewest characters, elements or kilobytes.
    min: Option<f64>,
    /// Largest number, or most characters, elements or kilobytes.
    max: Option<f64>,
    /// The values that are allowed.
    values: Option<Vec<String>>,
    /// The other field of the input that it depends on.
    other: Option<Vec<String>>,
}

impl UserError {
    /// What the caller of the mutation `field` can mend of an error; `None` for errors that it cannot mend.
    pub(crate) fn all_of(error: &Error, field: &MetaField, texts: &dyn Texts) -> Option<Vec<Self>> {
        Some(match error {
            Error::Invalid(invalid) => {
                let each = |(name, broken): (&String, &Vec<BrokenRule>)| {
                    broken.iter().map(|broken| Self::broken(broken, name, field)).collect::<Vec<_>>()
                };
                invalid.errors.iter().flat_map(each).collect()
            }
            Error::NotFound { .. } | Error::Refused(Refusal { code: NOT_FOUND, .. }) => {
                vec![Self::about_argument("id", NOT_FOUND, field, texts)]
            }
            Error::Changed => vec![Self::about_argument("expectedUpdatedAt", STALE, field, texts)],
            Error::Refused(refusal) => {
                let message = refusal.code.text(texts).unwrap_or_else(|| refusal.text().to_owned());
                vec![Self { field: None, code: CodeOutput(refusal.code), params: None, message }]
            }
            _ => return None,
        })
    }

    fn broken(broken: &BrokenRule, name: &str, field: &MetaField) -> Self {
        let mut path = argument_path(name, field);
        path.extend(broken.path.iter().cloned());
        let mut params = broken.params.clone();
        params.other = params.other.map(|other| argument_path(&other.join("."), field));
        Self {
            field: Some(path),
            code: CodeOutput(broken.code),
            params: (params != UserErrorParams::default()).then_some(params),
            message: broken.text.clone(),
        }
    }

    fn about_argument(argument: &str, code: UserErrorCode, field: &MetaField, texts: &dyn Texts) -> Self {
        let known = field.args.contains_key(argument);
        Self {
            field: known.then(|| vec![argument.to_owned()]),
            code: CodeOutput(code),
            params: None,
            message: code.message(texts),
        }
    }
}

/// The path of a field in the arguments of a mutation, by its dotted name in REST: `group_id` is
/// `["input", "groupId"]`, unless the mutation has an argument of that name.
fn argument_path(name: &str, field: &MetaField) -> Vec<String> {
    let mut path: Vec<_> = name.split('.').map(crate::name::camel).collect();
    if path.first().is_some_and(|first| !field.args.contains_key(first)) {
        path.insert(0, INPUT.to_owned());
    }
    path
}

/// The argument of mutations that holds their form.
const INPUT: &str = "input";

/// A [`UserErrorCode`] as GraphQL output.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CodeOutput(UserErrorCode);

/// The name of the enum of all codes.
const CODE_TYPE: &str = "UserErrorCode";

impl OutputType for CodeOutput {
    fn type_name() -> Cow<'static, str> {
        CODE_TYPE.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, |_| MetaType::Enum {
            name: CODE_TYPE.to_owned(),
            description: Some(
                "What is wrong with an input, or why a record's state forbids a mutation.".to_owned(),
            ),
            enum_values: ALL
                .iter()
                .map(|code| (code.name.to_owned(), value(code.name, code.meaning)))
                .collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: Some(std::any::type_name::<Self>()),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        })
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(self.0.name)))
    }
}

fn value(name: &str, meaning: &str) -> MetaEnumValue {
    let mut value = MetaEnumValue::new(name);
    value.description = Some(meaning.to_owned());
    value
}

/// Adds the codes that mutations declare to the enum of all codes.
pub(crate) fn add_codes(registry: &mut Registry, declared: impl IntoIterator<Item = (String, String)>) {
    let Some(MetaType::Enum { enum_values, .. }) = registry.types.get_mut(CODE_TYPE) else { return };
    for (name, meaning) in declared {
        let entry = enum_values.entry(name.clone());
        entry.or_insert_with(|| value(&name, &meaning));
    }
}

/// The directive `@refuses(code: …, when: …)` on a mutation: a code of its user errors that says more than those of
/// broken rules.
pub struct Refuses;

impl Refuses {
    const NAME: &str = "refuses";

    /// The directive for a code.
    pub fn apply(code: UserErrorCode) -> MetaDirectiveInvocation {
        let args = [("code", code.name), ("when", code.meaning)];
        let args = args.map(|(name, text)| (name.to_owned(), Value::from(text)));
        MetaDirectiveInvocation { name: Self::NAME.to_owned(), args: IndexMap::from(args) }
    }

    /// Code and meaning of each of these directives on a field.
    pub(crate) fn read(field: &MetaField) -> impl Iterator<Item = (String, String)> {
        let text = |directive: &MetaDirectiveInvocation, name: &str| match directive.args.get(name) {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        let own = field.directive_invocations.iter().filter(|directive| directive.name == Self::NAME);
        own.map(move |directive| (text(directive, "code"), text(directive, "when")))
    }
}

impl TypeDirective for Refuses {
    fn name(&self) -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let argument = |(name, about): (&str, &str)| {
            let mut argument = MetaInputValue::new(name, "String!");
            argument.description = Some(about.to_owned());
            (name.to_owned(), argument)
        };
        let args = [("code", "The code of its user error."), ("when", "When it is refused.")];
        registry.add_directive(MetaDirective {
            name: Self::NAME.to_owned(),
            description: Some("A reason to refuse the mutation, beside broken rules.".to_owned()),
            locations: vec![__DirectiveLocation::FIELD_DEFINITION],
            args: args.map(argument).into_iter().collect(),
            is_repeatable: true,
            visible: None,
            composable: None,
        });
    }
}

impl Directive_At_FIELD_DEFINITION for Refuses {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rest_become_paths_of_arguments() {
        let mut field = MetaField::new("productCreate", "Product");
        field.args.insert("refreshToken".to_owned(), MetaInputValue::new("refreshToken", "String!"));
        let cases: [(&str, &[&str]); 4] = [
            ("group_id", &["input", "groupId"]),
            ("products.0", &["input", "products", "0"]),
            ("pricing.monthly", &["input", "pricing", "monthly"]),
            ("refresh_token", &["refreshToken"]),
        ];
        for (name, path) in cases {
            assert_eq!(argument_path(name, &field), path);
        }
    }

    #[test]
    fn every_code_of_a_rule_is_in_the_enum() {
        assert!(OF_RULES.iter().all(|(_, code)| ALL.contains(code)));
        assert_eq!(UserErrorCode::of_rule("no rule of the engine"), INVALID);
    }
}
