//! Rules of a customer's fields (docs/contract/wire.md#3.2, docs/contract/wire.md#3.8).

mod phone;
mod postcode;

use async_graphql::Value;
use async_graphql::async_trait::async_trait;
use facade::form::rules::custom;
use facade::form::{CustomRule, Rule, Subject, value};
use facade::user_error::{BrokenRule, INVALID_FORMAT};

use crate::Result;
use crate::shop::settings;

/// Codes of the countries that a new shop sells to.
const COUNTRIES: &[&str] = &[
    "DZ", "AT", "BE", "CM", "CA", "CI", "FR", "DE", "IE", "IT", "LU", "MA", "NL", "PT", "SN", "ES", "CH",
    "TN", "GB", "US",
];
/// Locales that are installed.
const LOCALES: &[&str] = &["fr_FR", "en_GB", "es_ES", "de_DE", "it_IT", "nl_NL", "pt_PT", "zh_CN"];

/// The text has no `+`, unless a setting of the shop allows it in e-mail addresses.
pub fn no_plus() -> Rule {
    custom(&NoPlus)
}

/// The text is a phone number of one of `COUNTRIES`.
pub fn phone() -> Rule {
    custom(&Phone)
}

/// The text has the form of postcodes in the country of the field `country`.
pub fn postcode() -> Rule {
    custom(&Postcode)
}

/// The text is the code of a country that the shop sells to.
pub fn country() -> Rule {
    custom(&Country)
}

/// The text is a locale of the shop (docs/contract/application-store.md#9.6).
pub fn locale() -> Rule {
    custom(&Locale)
}

#[derive(Debug)]
struct NoPlus;

#[async_trait]
impl CustomRule for NoPlus {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let has_plus = matches!(subject.value, Value::String(text) if text.contains('+'));
        let refused =
            has_plus && !settings::is_on(subject.scope.settings, "allow_plus_in_email", true).await?;
        let english = || format!("The {} must not contain the character \"+\".", subject.display_name());
        Ok(refused.then(|| subject.broken_in_english("no_plus", english()).coded(INVALID_FORMAT)))
    }
}

#[derive(Debug)]
struct Phone;

#[async_trait]
impl CustomRule for Phone {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let fits = value::plain(subject.value).is_some_and(|text| phone::is_phone(&text, COUNTRIES));
        Ok(subject.fails_if("phone", !fits).map(|broken| broken.coded(INVALID_FORMAT)))
    }

    fn format(&self) -> Option<&'static str> {
        Some("phone")
    }
}

#[derive(Debug)]
struct Postcode;

#[async_trait]
impl CustomRule for Postcode {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        Ok(postcode::postcode(subject))
    }
}

#[derive(Debug)]
struct Country;

#[async_trait]
impl CustomRule for Country {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let fits = matches!(subject.value, Value::String(code) if COUNTRIES.contains(&code.as_str()));
        Ok(subject.fails_if("in", !fits).map(|broken| broken.values(COUNTRIES)))
    }

    fn format(&self) -> Option<&'static str> {
        Some("country")
    }
}

#[derive(Debug)]
struct Locale;

#[async_trait]
impl CustomRule for Locale {
    async fn broken(&self, subject: &Subject<'_>) -> Result<Option<BrokenRule>> {
        let Value::String(locale) = subject.value else { return Ok(subject.fails_if("in", true)) };
        let fits = LOCALES.contains(&locale.as_str())
            && settings::supports_locale(subject.scope.settings, locale).await?;
        Ok(subject.fails_if("in", !fits))
    }

    fn format(&self) -> Option<&'static str> {
        Some("locale")
    }
}
