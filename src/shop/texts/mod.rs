//! Texts by key and language: those of `shared.json`, and those that each resource has in its folder (`texts.json`).
//!
//! `shared.json` has the texts of the shop's language packs, and what several resources share. A key that the packs do
//! not have is not in it; its text is the key itself, as in the original (docs/contract/wire.md#8).

mod money;

use std::collections::HashMap;

use facade::engine::Texts;
use serde::Deserialize;

use crate::platform::lang::Lang;

/// The file of this folder.
const SHARED: (&str, &str) = ("shared", include_str!("shared.json"));

/// One text in each language.
#[derive(Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Translated {
    fr: String,
    en: String,
}

/// A defect of the files of texts.
#[derive(Debug, thiserror::Error)]
pub enum TextsError {
    /// A file is not as [`Dictionaries::new`] expects it.
    #[error("the texts of `{owner}` cannot be read: {cause}")]
    Unreadable {
        /// Whose file it is.
        owner: &'static str,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// Two files have different texts for one key.
    #[error("`{key}` has one text in `{first}` and another in `{second}`: a key has one text")]
    Contradiction {
        /// The key.
        key: String,
        /// Whose file has the one.
        first: &'static str,
        /// Whose file has the other.
        second: &'static str,
    },
}

/// All texts: a dictionary for each language.
pub struct Dictionaries {
    fr: Dictionary,
    en: Dictionary,
}

impl Dictionaries {
    /// The texts of `shared.json` and of these files, each with the name of its resource. A file has the form
    /// `{"KEY": {"fr": "…", "en": "…"}}`. Several may have the same text for a key.
    ///
    /// # Errors
    /// [`TextsError`] where a file has another form, or two files contradict each other.
    pub fn new(files: &[(&'static str, &str)]) -> Result<Self, TextsError> {
        let mut known: HashMap<String, (&'static str, Translated)> = HashMap::new();
        for &(owner, file) in [SHARED].iter().chain(files) {
            let texts: HashMap<String, Translated> =
                serde_json::from_str(file).map_err(|cause| TextsError::Unreadable { owner, cause })?;
            for (key, text) in texts {
                if let Some((first, other)) = known.get(&key)
                    && *other != text
                {
                    return Err(TextsError::Contradiction { key, first, second: owner });
                }
                known.insert(key, (owner, text));
            }
        }
        let mut fr = Dictionary { lang: Lang::Fr, texts: HashMap::with_capacity(known.len()) };
        let mut en = Dictionary { lang: Lang::En, texts: HashMap::with_capacity(known.len()) };
        for (key, (_, text)) in known {
            fr.texts.insert(key.clone(), text.fr);
            en.texts.insert(key, text.en);
        }
        Ok(Self { fr, en })
    }

    /// The texts in a language.
    pub fn of(&self, lang: Lang) -> &Dictionary {
        match lang {
            Lang::Fr => &self.fr,
            Lang::En => &self.en,
        }
    }
}

/// The texts in one language.
pub struct Dictionary {
    lang: Lang,
    texts: HashMap<String, String>,
}

impl Dictionary {
    /// The name of a field in messages of REST (docs/contract/wire.md#3.7).
    fn name_in_rest(&self, field: &str) -> String {
        match self.find(&format!("validation.attributes.{field}")) {
            Some(name) => name.to_owned(),
            None => snake(field).replace('_', " "),
        }
    }

    /// The name of a field in messages of GraphQL, which are shown beside it. A part of a field has the field's name.
    fn label(&self, field: &str) -> String {
        let field = field.split('.').next().unwrap_or(field);
        match self.find(&format!("fields.{field}")) {
            Some(name) => name.to_owned(),
            None => self.name_in_rest(field),
        }
    }

    /// The text of a key, as it is in its file.
    pub fn find(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }
}

impl Texts for Dictionary {
    /// The text of a key with its `:placeholders` filled in; the key itself if no file has it.
    fn text(&self, key: &str, values: &[(&str, &str)]) -> String {
        match self.find(key) {
            Some(text) => fill(text, values),
            None => key.to_owned(),
        }
    }

    fn field_name(&self, field: &str, rest: bool) -> String {
        if rest { self.name_in_rest(field) } else { self.label(field) }
    }

    fn money(&self, amount: &str, currency: &str) -> String {
        self.lang.money(amount, currency)
    }
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

    /// The texts of the shop, and of a resource with this file.
    fn with(file: &'static str) -> Result<Dictionaries, TextsError> {
        Dictionaries::new(&[
            ("shelf", r#"{"fields.books": {"fr": "livres", "en": "books"}}"#),
            ("book", file),
        ])
    }

    fn shared() -> Dictionaries {
        with("{}").unwrap()
    }

    #[test]
    fn texts() {
        let (name, texts) = ([("attribute", "nom")], shared());
        let (fr, en) = (texts.of(Lang::Fr), texts.of(Lang::En));
        assert_eq!(fr.text("validation.required", &name), "Le champ nom est obligatoire.");
        assert_eq!(en.text("validation.array", &name), "The nom field must be a table.");
        assert_eq!(fr.text("pagination.next", &[]), "Suivant &raquo;");
        assert_eq!(en.text("pagination.previous", &[]), "« Previous");
        assert_eq!(en.text("global.groupcannotdeleted", &[]), "global.groupcannotdeleted");
        assert_eq!(Lang::from_locale("en_GB"), Lang::En);
        assert_eq!(Lang::from_locale("de_DE"), Lang::Fr);
    }

    #[test]
    fn resources_have_texts_of_their_own() {
        let book = r#"{"fields.books": {"fr": "livres", "en": "books"}, "user_errors.lent": {"fr": "Prêté.", "en": "Lent."}}"#;
        let texts = with(book).unwrap();
        assert_eq!(texts.of(Lang::Fr).text("user_errors.lent", &[]), "Prêté.");
        assert_eq!(texts.of(Lang::En).field_name("books.0", false), "books");
        assert_eq!(texts.of(Lang::Fr).field_name("books.0", true), "books.0");
    }

    #[test]
    fn a_wrong_file_is_named() {
        let message = |file| with(file).err().unwrap().to_string();
        assert_eq!(
            message(r#"{"fields.books": {"fr": "bouquins", "en": "books"}}"#),
            "`fields.books` has one text in `shelf` and another in `book`: a key has one text"
        );
        assert_eq!(
            message(r#"{"fields.name": {"fr": "titre", "en": "title"}}"#),
            "`fields.name` has one text in `shared` and another in `book`: a key has one text"
        );
        let missing = message(r#"{"fields.title": {"fr": "titre"}}"#);
        assert!(missing.starts_with("the texts of `book` cannot be read: missing field `en`"), "{missing}");
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
        let texts = shared();
        for (field, name) in cases {
            assert_eq!(texts.of(Lang::Fr).field_name(field, true), name);
        }
        assert_eq!(texts.of(Lang::En).field_name("city", true), "town");
    }
}
