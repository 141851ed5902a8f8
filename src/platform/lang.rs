//! The languages of answers. Their texts are in `src/shop/texts/`.

/// A language of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// French; also the fallback for all other languages.
    #[default]
    Fr,
    /// English.
    En,
}

impl Lang {
    /// The language of a locale such as `fr`, `fr_FR` or `en_GB`.
    pub fn from_locale(locale: &str) -> Self {
        match locale.split(['_', '-']).next() {
            Some(word) if word.eq_ignore_ascii_case("en") => Self::En,
            _ => Self::Fr,
        }
    }
}
