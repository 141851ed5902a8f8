//! Phone numbers as they are shown (spec: `application-store.md` 4.2).

use async_graphql::registry::Registry;
use async_graphql::{OutputType, Value};
use phonenumber::country::Id::FR;

use crate::record::{Face, Shown};

/// The stored text, where it is an international number or a French national one.
pub struct Phone;

impl Shown<Option<String>> for Phone {
    fn value(column: &Option<String>, _: Face) -> Value {
        column.as_deref().filter(|text| is_number(text)).map_or(Value::Null, Value::from)
    }

    fn register(registry: &mut Registry) -> String {
        <Option<String> as OutputType>::create_type_info(registry)
    }
}

fn is_number(text: &str) -> bool {
    match phonenumber::parse(Some(FR), text) {
        Ok(number) => text.starts_with('+') || number.is_valid(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn international_and_french_numbers_are_shown() {
        for text in ["+33612345001", "+32 470 12 34 56", "0612345678", "+442079460000"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "abc", "0470 12 34 56 7", "+999", "12"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
