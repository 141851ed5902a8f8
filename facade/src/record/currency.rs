//! Currencies: ISO 4217 codes, and how many decimals their amounts have.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult,
    Value,
};

use super::leaf::CustomRendering;
use super::rendering::Rendering;
use super::scalar;
use crate::rest_only;

/// How many decimals the amounts of a currency have, by its code in any case: those of ISO 4217, and two where the code is
/// none of an active currency.
pub(super) fn digits_of(code: &str) -> u32 {
    let Ok(code) = <[u8; 3]>::try_from(code.as_bytes()) else { return 2 };
    match &code.map(|letter| letter.to_ascii_uppercase()) {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
        | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
        b"CLF" | b"UYW" => 4,
        _ => 2,
    }
}

/// A currency by its ISO 4217 code, as in `EUR`.
///
/// As an input it is three letters in any case. A stored one may be any text, and is shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Currency(Arc<str>);

impl Currency {
    const NAME: &str = "Currency";
    const SPECIFICATION: &str = "https://www.iso.org/iso-4217-currency-codes.html";

    /// A currency as a database stores it.
    pub fn stored(code: &str) -> Self {
        Self(code.into())
    }

    /// Its code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many decimals its amounts have (ISO 4217); two for a code that is not known.
    pub fn digits(&self) -> u32 {
        digits_of(&self.0)
    }

    /// Whether a code is this currency's, in any case.
    pub fn is(&self, code: &str) -> bool {
        code.eq_ignore_ascii_case(&self.0)
    }

    fn register(registry: &mut Registry) -> String {
        scalar::register_valid::<Self>(
            registry,
            "A currency by its ISO 4217 code: `EUR`. A code that a shop has stored is shown as it is, even if it is none of these.",
            Self::SPECIFICATION,
            // Whether it is a known one is for the rules of forms to say, beside the field.
            |value| matches!(value, Value::String(_) | Value::Enum(_)),
        )
    }
}

/// A column that holds codes of currencies.
impl CustomRendering for Currency {
    fn rendering() -> Rendering {
        Rendering {
            json: Rendering::TEXT.json,
            register: |registry| match rest_only::is_public() {
                true => Self::register(registry),
                false => <String as OutputType>::create_type_info(registry),
            },
            ..Rendering::of::<Self>()
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl InputType for Currency {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let code = match &value {
            Value::String(code) => code.as_str(),
            Value::Enum(code) => code.as_str(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        if code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_alphabetic()) {
            return Err(InputValueError::custom("a currency is a code of three letters, as in `EUR`"));
        }
        Ok(Self(code.to_uppercase().into()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.as_str().to_owned())
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

impl OutputType for Currency {
    fn type_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Self::register(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(InputType::to_value(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_three_letters_is_a_currency() {
        let parse = |text: &str| Currency::parse(Some(Value::from(text))).map(String::from).ok();
        assert_eq!(parse("eur"), Some("EUR".to_owned()));
        let digits = ["EUR", "jpy", "KWD", "CLF", "XXX", "", "JPYX"].map(digits_of);
        assert_eq!(digits, [2, 0, 3, 4, 2, 2, 2]);
        for text in ["", "EURO", "€", "E1R", "ÉUR", "EU "] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(Currency::stored("eur").is("Eur"));
    }
}
