//! The languages that answers are worded in; their texts are the shop's.

/// A language that answers are worded in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// French, also what any other language falls back to.
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
