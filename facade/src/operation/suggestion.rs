//! "Did you mean …?": suggests names of the schema that are similar to a name that it does not have. Suggestions
//! reveal the schema, so only callers with a valid key get them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use async_graphql::ServerError;
use async_graphql::registry::{MetaField, MetaType, Registry};

/// How a suggestion begins, also in async-graphql's own messages.
const SUGGESTION_PREFIX: &str = " Did you mean ";
/// Maximum number of suggested names.
const MAX_NAMES: usize = 5;
/// Longer names are not compared; all names of the schema are shorter.
const MAX_LETTERS: usize = 64;

/// The names of the schema: types, their members, and the members' arguments. They are collected at the first error.
pub struct Suggestions {
    registry: Arc<Registry>,
    names: OnceLock<HashMap<Box<str>, Members>>,
}

/// Fields or enum values of a type, with the arguments of each.
type Members = HashMap<Box<str>, Box<[Box<str>]>>;

impl Suggestions {
    /// Suggestions of a schema.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry, names: OnceLock::new() }
    }

    /// Adds suggestions to validation errors.
    pub fn suggest(&self, errors: &mut [ServerError]) {
        for error in errors.iter_mut().take(super::MAX_ERRORS) {
            if !error.message.contains(SUGGESTION_PREFIX)
                && let Some(suggestion) = self.suggestion(&error.message)
            {
                if !error.message.ends_with('.') {
                    error.message.push('.');
                }
                error.message += &suggestion;
            }
        }
    }

    /// Removes the suggestions that async-graphql has added.
    pub fn withhold(errors: &mut [ServerError]) {
        for error in errors {
            if let Some(at) = error.message.find(SUGGESTION_PREFIX) {
                error.message.truncate(at);
            }
        }
    }

    fn suggestion(&self, message: &str) -> Option<String> {
        let (asked, known) = self.candidates(message)?;
        (asked.len() <= MAX_LETTERS).then(|| suggestion(asked, &known)).flatten()
    }

    /// The wrong name in an error message, and the names that the schema has in its place.
    fn candidates<'a>(&'a self, message: &'a str) -> Option<(&'a str, Vec<&'a str>)> {
        let types = self.names.get_or_init(|| names(&self.registry));
        let own = |ty: &str| Some(types.get(ty)?.keys().map(AsRef::as_ref).collect());
        let mut words = message.split('"').skip(1).step_by(2);
        if message.starts_with("Unknown field ") {
            let (field, ty) = (words.next()?, words.next()?);
            return Some((field, own(ty)?));
        }
        if message.starts_with("Unknown argument ") {
            let (argument, field, ty) = (words.next()?, words.next()?, words.next()?);
            let arguments = types.get(ty)?.get(field)?;
            return Some((argument, arguments.iter().map(AsRef::as_ref).collect()));
        }
        if message.starts_with("Unknown type ") {
            return Some((words.next()?, types.keys().map(AsRef::as_ref).collect()));
        }
        if let Some((_, rest)) = message.split_once("unknown field \"") {
            let (field, rest) = rest.split_once('"')?;
            return Some((field, own(rest.split('"').nth(1)?)?));
        }
        let (_, rest) = message.split_once("enumeration type \"")?;
        let (ty, rest) = rest.split_once("\" does not contain the value \"")?;
        Some((rest.split('"').next()?, own(ty)?))
    }
}

fn names(registry: &Registry) -> HashMap<Box<str>, Members> {
    registry.types.iter().map(|(name, ty)| (name.as_str().into(), members(ty))).collect()
}

fn members(ty: &MetaType) -> Members {
    let plain = |name: &String| (name.as_str().into(), Box::default());
    match ty {
        MetaType::Enum { enum_values, .. } => enum_values.keys().map(plain).collect(),
        MetaType::InputObject { input_fields, .. } => input_fields.keys().map(plain).collect(),
        other => {
            let fields = other.fields().into_iter().flatten();
            let named = |(name, field): (&String, &MetaField)| {
                let arguments = field.args.keys().map(|name| name.as_str().into());
                (name.as_str().into(), arguments.collect())
            };
            fields.map(named).collect()
        }
    }
}

/// A suggestion of the most similar names, chosen and worded as in graphql-js.
pub(crate) fn suggestion(asked: &str, known: &[&str]) -> Option<String> {
    let threshold = asked.len() * 2 / 5 + 1;
    let asked = asked.to_lowercase();
    let distance = |name: &str| strsim::osa_distance(&asked, &name.to_lowercase());
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .filter(|name| name.len().abs_diff(asked.len()) <= threshold)
        .map(|name| (distance(name), *name))
        .filter(|(distance, _)| *distance <= threshold)
        .collect();
    near.sort_unstable();
    let names: Vec<String> = near.iter().take(MAX_NAMES).map(|(_, name)| format!("\"{name}\"")).collect();
    let listed = match names.as_slice() {
        [] => return None,
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
    };
    Some(format!("{SUGGESTION_PREFIX}{listed}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let known = ["name", "names", "status", "stock", "sortOrder"];
        assert_eq!(suggestion("nmae", &known).as_deref(), Some(" Did you mean \"name\" or \"names\"?"));
        assert_eq!(suggestion("STATUS", &known).as_deref(), Some(" Did you mean \"status\"?"));
        assert_eq!(suggestion("unrelated", &known), None);
        let many = ["a1", "a2", "a3", "a4", "a5", "a6"];
        let listed = " Did you mean \"a1\", \"a2\", \"a3\", \"a4\", or \"a5\"?";
        assert_eq!(suggestion("a", &many).as_deref(), Some(listed));
    }

    #[test]
    fn each_kind_of_error_is_understood() {
        let names = Suggestions::new(crate::toy::registry().into());
        for (message, meant) in [
            ("Unknown field \"nome\" on type \"Product\".", "name"),
            ("Unknown argument \"frist\" on field \"products\" of type \"Query\".", "first"),
            ("Unknown type \"Prodct\"", "Product"),
            (
                "Invalid value for argument \"filter\", \"filter\", unknown field \"nam\" of type \"ProductFilter\"",
                "name",
            ),
            (
                "Invalid value for argument \"x\", \"x.status\", enumeration type \"ShopStatus\" does not contain the value \"ACTVE\"",
                "ACTIVE",
            ),
        ] {
            let suggestion = names.suggestion(message).unwrap_or_else(|| panic!("{message}"));
            assert!(suggestion.contains(&format!("\"{meant}\"")), "{message}{suggestion}");
        }
        for message in
            ["", "Unknown field", "Unknown fragment: \"x\"", "Unknown field \"x\" on type \"Nothing\"."]
        {
            assert_eq!(names.suggestion(message), None, "{message}");
        }
    }

    /// A name that is much too long is not compared.
    #[test]
    fn what_is_far_too_long_is_not_compared() {
        let names = Suggestions::new(crate::toy::registry().into());
        let long = "x".repeat(100_000);
        assert_eq!(names.suggestion(&format!("Unknown field \"{long}\" on type \"Product\".")), None);
    }
}
