//! Scalars with one meaning each, beside the moments and numbers of [`leaf`](super::leaf): days, and texts of one form.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaType, MetaTypeId, Registry};
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult,
    Value,
};
use axum::http::Uri;
use chrono::NaiveDate;

use super::cell::Cell;
use super::leaf::CustomRendering;
use super::rendering::Rendering;
use super::rest_form::JsonType;
use crate::api::Api;
use crate::execution::Execution;
use crate::json::write_str;

/// Registers a scalar whose values are texts and returns its name. Validation accepts any text, because a form answers
/// a wrong one with the message of its rule; an argument without a rule refuses it when it is read.
pub(super) fn register<T: OutputType>(
    registry: &mut Registry,
    description: &str,
    specified_by: &str,
) -> String {
    register_valid::<T>(registry, description, specified_by, |value| matches!(value, Value::String(_)))
}

/// Registers a scalar as [`register`] does. `is_valid` says which values validation accepts.
pub(super) fn register_valid<T: OutputType>(
    registry: &mut Registry,
    description: &str,
    specified_by: &str,
    is_valid: fn(&Value) -> bool,
) -> String {
    registry.create_output_type::<T, _>(MetaTypeId::Scalar, |_| MetaType::Scalar {
        name: T::type_name().into_owned(),
        description: Some(description.to_owned()),
        is_valid: Some(Arc::new(is_valid)),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        specified_by_url: Some(specified_by.to_owned()),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    })
}

/// A day of the calendar, without a time zone: `2026-11-28`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub NaiveDate);

impl Day {
    const FORMAT: &'static str = "%Y-%m-%d";

    /// Reads a day that is written as [`Day`] writes it, of the years 0 to 9999.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let is_digits = |from: usize, to: usize| text.as_bytes()[from..to].iter().all(u8::is_ascii_digit);
        let has_form = text.len() == 10 && is_digits(0, 4) && is_digits(5, 7) && is_digits(8, 10);
        has_form.then(|| NaiveDate::parse_from_str(text, Self::FORMAT).ok().map(Self)).flatten()
    }

    /// The day as it is written.
    pub(super) fn text(self) -> String {
        self.0.format(Self::FORMAT).to_string()
    }
}

impl InputType for Day {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Self as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Self as OutputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        Self::read(text).ok_or_else(|| InputValueError::custom("a day is written as in `2026-11-28`"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.text())
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl OutputType for Day {
    fn type_name() -> Cow<'static, str> {
        "Date".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register::<Self>(
            registry,
            "A day of the shop's calendar, without a time: `2026-11-28`.",
            "https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        )
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(InputType::to_value(self))
    }
}

/// The form of the texts of a scalar.
pub trait TextForm: Send + Sync + 'static {
    /// Name of the scalar.
    const NAME: &'static str;
    /// Its description.
    const DESCRIPTION: &'static str;
    /// Where the form is specified.
    const SPECIFIED_BY: &'static str;
    /// Whether there are texts that do not have the form. A stored one is null in GraphQL; REST writes it.
    const IS_CHECKED: bool = true;

    /// The text in this form; nothing for one that does not have it.
    fn read(text: &str) -> Option<Cow<'_, str>>;
}

/// A text of one form: a scalar in GraphQL, the text as it is in REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextScalar<F> {
    text: String,
    form: PhantomData<F>,
}

impl<F> From<String> for TextScalar<F> {
    fn from(text: String) -> Self {
        Self { text, form: PhantomData }
    }
}

impl<F> From<TextScalar<F>> for String {
    fn from(scalar: TextScalar<F>) -> Self {
        scalar.text
    }
}

impl<F: TextForm> InputType for TextScalar<F> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        F::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Self as OutputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => match F::read(&text) {
                Some(text) => Ok(Self::from(text.into_owned())),
                None => Err(InputValueError::custom(F::DESCRIPTION)),
            },
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.text.clone())
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl<F: TextForm> OutputType for TextScalar<F> {
    fn type_name() -> Cow<'static, str> {
        F::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register::<Self>(registry, F::DESCRIPTION, F::SPECIFIED_BY)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(match Execution::of(ctx).api {
            Api::GraphQl => F::read(&self.text).map_or(Value::Null, |text| Value::String(text.into_owned())),
            Api::Rest(_) => Value::String(self.text.clone()),
        })
    }
}

impl<F: TextForm> CustomRendering for TextScalar<F> {
    fn rendering() -> Rendering {
        Rendering {
            json: |cell: Cell<'_>, api, out| {
                let stored = cell.text().unwrap_or_default();
                let text = if api.is_rest() { Some(stored.into()) } else { F::read(stored) };
                match text {
                    Some(text) => write_str(&text, out),
                    None => out.extend_from_slice(b"null"),
                }
            },
            nullable: F::IS_CHECKED,
            json_type: if F::IS_CHECKED { JsonType::Text } else { JsonType::AsTyped },
            ..Rendering::of::<Self>()
        }
    }
}

macro_rules! text_forms {
    ($(
        $(#[doc = $doc:literal])+
        $Name:ident as $Form:ident($name:literal, $specified_by:literal, checked: $checked:literal) => $read:expr;
    )+) => {$(
        /// The form of the scalar of its name.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $Form;

        impl TextForm for $Form {
            const NAME: &'static str = $name;
            const DESCRIPTION: &'static str = concat!($($doc),+).trim_ascii();
            const SPECIFIED_BY: &'static str = $specified_by;
            const IS_CHECKED: bool = $checked;

            fn read(text: &str) -> Option<Cow<'_, str>> {
                let read: fn(&str) -> Option<Cow<'_, str>> = $read;
                read(text)
            }
        }

        $(#[doc = $doc])+
        pub type $Name = TextScalar<$Form>;
    )+};
}

text_forms! {
    /// An e-mail address. Inputs are checked; an address that older software has stored is answered as it is.
    EmailAddress as EmailAddressForm("EmailAddress", "https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1", checked: false)
        => |text| Some(text.into());
    /// HTML. Inputs are checked for active content; what older software has stored is answered as it is.
    Html as HtmlForm("HTML", "https://html.spec.whatwg.org/multipage/", checked: false)
        => |text| Some(text.into());
    /// A country, as its two letters in ISO 3166-1: `FR`. What else a shop has stored is null.
    CountryCode as CountryCodeForm("CountryCode", "https://www.iso.org/iso-3166-country-codes.html", checked: true)
        => country_code;
    /// A language with its country, as the shop stores it: `fr_FR`. What else a shop has stored is null.
    Locale as LocaleForm("Locale", "https://www.unicode.org/reports/tr35/#Identifiers", checked: true)
        => |text| is_locale(text).then_some(text.into());
    /// An absolute address of the web: `https://shop.example/store`. What else a shop has stored is null.
    Url as UrlForm("URL", "https://url.spec.whatwg.org/", checked: true)
        => |text| is_web_address(text).then_some(text.into());
}

fn country_code(text: &str) -> Option<Cow<'_, str>> {
    let is_code = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic());
    is_code.then(|| match text.bytes().all(|letter| letter.is_ascii_uppercase()) {
        true => text.into(),
        false => text.to_ascii_uppercase().into(),
    })
}

/// Whether a text is a language, and perhaps a country: `fr`, `fr_FR`.
fn is_locale(text: &str) -> bool {
    let (language, country) = text.split_once('_').unwrap_or((text, "FR"));
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|letter| letter.is_ascii_lowercase())
        && country.len() == 2
        && country.bytes().all(|letter| letter.is_ascii_uppercase())
}

fn is_web_address(text: &str) -> bool {
    text.parse::<Uri>()
        .is_ok_and(|uri| uri.authority().is_some() && matches!(uri.scheme_str(), Some("http" | "https")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<F: TextForm>(text: &str) -> Option<String> {
        F::read(text).map(Cow::into_owned)
    }

    #[test]
    fn texts_have_one_form() {
        for (text, code) in
            [("FR", Some("FR")), ("fr", Some("FR")), ("FRA", None), ("F", None), ("É", None), ("", None)]
        {
            assert_eq!(read::<CountryCodeForm>(text).as_deref(), code, "{text}");
        }
        for (text, fits) in [
            ("fr_FR", true),
            ("fr", true),
            ("fr-FR", false),
            ("FR_fr", false),
            ("fr_FR.UTF-8", false),
            ("", false),
            ("_FR", false),
        ] {
            assert_eq!(read::<LocaleForm>(text).is_some(), fits, "{text}");
        }
        for (text, fits) in [
            ("https://shop.example/a?b", true),
            ("/store", false),
            ("shop.example", false),
            ("javascript:alert(1)", false),
            ("ftp://a.example", false),
            ("https://", false),
        ] {
            assert_eq!(read::<UrlForm>(text).is_some(), fits, "{text}");
        }
        assert_eq!(read::<EmailAddressForm>("nobody").as_deref(), Some("nobody"));
    }

    #[test]
    fn days_are_written_in_one_way() {
        assert_eq!(Day::read("2026-11-28").map(Day::text).as_deref(), Some("2026-11-28"));
        for text in
            ["2026-11-31", "2026-1-1", "28/11/2026", "2026-11-28T00:00:00Z", "+2026-11-2", "20é6-11-2", ""]
        {
            assert_eq!(Day::read(text), None, "{text}");
        }
    }
}
