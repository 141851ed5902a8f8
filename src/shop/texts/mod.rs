//! Texts by language: JSON files in this folder, with the texts of the shop's language packs.
//!
//! A key that the packs do not have is not in the files; its text is the key itself, as in the original
//! (docs/contract/wire.md#8).

mod money;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use crate::platform::lang::Lang;

type Pack = HashMap<String, String>;

impl Lang {
    /// The text of a key with its `:placeholders` filled in; the key itself if no pack has it.
    pub fn text(self, key: &str, values: &[(&str, &str)]) -> String {
        match self.find(key) {
            Some(text) => fill(text, values),
            None => key.to_owned(),
        }
    }

    /// The name of a field in messages of REST (docs/contract/wire.md#3.7).
    pub fn field_name(self, field: &str) -> String {
        match self.find(&format!("validation.attributes.{field}")) {
            Some(name) => name.to_owned(),
            None => snake(field).replace('_', " "),
        }
    }

    /// The name of a field in messages of GraphQL, which are shown beside it. A part of a field has the field's name.
    pub fn label(self, field: &str) -> String {
        let field = field.split('.').next().unwrap_or(field);
        match self.find(&format!("graphql.fields.{field}")) {
            Some(name) => name.to_owned(),
            None => self.field_name(field),
        }
    }

    fn find(self, key: &str) -> Option<&'static str> {
        self.pack().get(key).or_else(|| Self::Fr.pack().get(key)).map(String::as_str)
    }

    fn pack(self) -> &'static Pack {
        static FR: OnceLock<Pack> = OnceLock::new();
        static EN: OnceLock<Pack> = OnceLock::new();
        match self {
            Self::Fr => FR.get_or_init(|| parse(include_str!("fr.json"))),
            Self::En => EN.get_or_init(|| parse(include_str!("en.json"))),
        }
    }
}

impl facade::engine::Texts for Lang {
    fn text(&self, key: &str, values: &[(&str, &str)]) -> String {
        Self::text(*self, key, values)
    }

    fn field_name(&self, field: &str, rest: bool) -> String {
        if rest { Self::field_name(*self, field) } else { Self::label(*self, field) }
    }

    fn money(&self, amount: &str, currency: &str) -> String {
        Self::money(*self, amount, currency)
    }
}

/// Parses an embedded file. A test checks that all of them can be parsed.
fn parse(file: &str) -> Pack {
    serde_json::from_str(file).unwrap_or_default()
}

/// Replaces every `:word` that has a value. Replaced values are not searched for placeholders.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(colon) = rest.find(':') {
        let (before, after) = (&rest[..colon], &rest[colon + 1..]);
        let length = after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len());
        filled.push_str(before);
        match values.iter().find(|(name, _)| *name == &after[..length]) {
            Some((_, value)) => filled.push_str(value),
            None => filled.push_str(&rest[colon..=colon + length]),
        }
        rest = &after[length..];
    }
    filled.push_str(rest);
    filled
}

/// `fooBar` → `foo_bar`; names in lower case stay as they are.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read_and_hold_the_same_keys() {
        let (fr, en) = (Lang::Fr.pack(), Lang::En.pack());
        assert!(fr.len() > 100);
        assert!(fr.keys().all(|key| en.contains_key(key)) && fr.len() == en.len());
    }

    #[test]
    fn texts() {
        let name = [("attribute", "nom")];
        assert_eq!(Lang::Fr.text("validation.required", &name), "Le champ nom est obligatoire.");
        assert_eq!(Lang::En.text("validation.array", &name), "The nom field must be a table.");
        assert_eq!(Lang::Fr.text("pagination.next", &[]), "Suivant &raquo;");
        assert_eq!(Lang::En.text("pagination.previous", &[]), "« Previous");
        assert_eq!(Lang::En.text("global.groupcannotdeleted", &[]), "global.groupcannotdeleted");
        assert_eq!(Lang::from_locale("en_GB"), Lang::En);
        assert_eq!(Lang::from_locale("de_DE"), Lang::Fr);
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(fill("a :b:c : :unknown", &[("b", ":c"), ("c", "x")]), "a :cx : :unknown");
        assert_eq!(fill("de type : :values.", &[("values", "png")]), "de type : png.");
    }

    #[test]
    fn field_names() {
        let cases = [
            ("firstname", "prénom"),
            ("customer_id", "customer id"),
            ("address2", "address2"),
            ("sla_first_response_minutes", "sla first response minutes"),
            ("fooBar", "foo bar"),
            ("FOO", "f o o"),
            ("foo-bar", "foo-bar"),
            ("products.0", "products.0"),
            ("billing_address.first_name", "billing address.first name"),
            ("lastname", "lastname"),
        ];
        for (field, name) in cases {
            assert_eq!(Lang::Fr.field_name(field), name);
        }
        assert_eq!(Lang::En.field_name("city"), "town");
    }

    #[test]
    fn every_field_of_an_input_has_a_label_in_each_language() {
        let schema = include_str!("../../../schema.graphql");
        let mut inputs = schema.split("\ninput ").skip(1).filter_map(|input| input.split_once('}'));
        let names =
            inputs.by_ref().filter(|(input, _)| input.split(' ').next().unwrap_or("").ends_with("Input"));
        let fields =
            names.flat_map(|(input, _)| input.lines().filter_map(|line| line.trim().split_once(": ")));
        let fields: Vec<_> =
            fields.filter(|(name, _)| !name.starts_with('"')).map(|(name, _)| snake(name)).collect();
        assert!(fields.len() > 50, "{fields:?}");
        for field in fields {
            for lang in [Lang::Fr, Lang::En] {
                let key = format!("graphql.fields.{field}");
                assert!(lang.pack().contains_key(&key), "{lang:?} has no {key}");
            }
        }
        assert_eq!(Lang::Fr.label("products.0"), "produits");
    }
}
