//! The languages of answers. `src/shop/texts/` reads their texts.

use facade::http::accept::{MediaRange, media_ranges};

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

    /// The language that a header `Accept-Language` weighs highest among those of this type; the first of several.
    pub fn accepted(header: &str) -> Option<Self> {
        let known = media_ranges(header).filter_map(|MediaRange { media: tag, quality }| {
            let lang = match tag.split('-').next() {
                Some("fr") => Self::Fr,
                Some("en") => Self::En,
                _ => return None,
            };
            (quality > 0.0).then_some((quality, lang))
        });
        let best = known.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, lang)| lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_with_the_highest_weight_is_taken() {
        let cases = [
            ("en", Some(Lang::En)),
            ("fr-CA", Some(Lang::Fr)),
            ("de, en;q=0.5, fr;q=0.7", Some(Lang::Fr)),
            ("EN-gb;q=0.8, fr;q=0.8", Some(Lang::En)),
            ("en;q=0", None),
            ("*", None),
            ("de", None),
            ("english", None),
            ("", None),
            (",;q=,", None),
        ];
        for (header, lang) in cases {
            assert_eq!(Lang::accepted(header), lang, "{header}");
        }
    }
}
