//! Whether a text is a phone number (docs/contract/wire.md#3.8).

use phonenumber::metadata::DATABASE;
use phonenumber::{PhoneNumber, Type};

/// Types of numbers whose lengths are accepted.
const KINDS: [Type; 9] = [
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
];

/// Maximum length in bytes of a text that may be a phone number.
const MAX_LENGTH: usize = 250;

/// Whether a text is empty or a phone number. It is parsed for the first of the countries where that is possible.
pub(super) fn is_phone(text: &str, countries: &[&str]) -> bool {
    if text.len() > MAX_LENGTH {
        return false;
    }
    let regions = countries.iter().filter_map(|code| code.parse().ok());
    let number = regions.into_iter().find_map(|region| phonenumber::parse(Some(region), text).ok());
    text.is_empty() || number.is_some_and(|number| is_accepted(&number))
}

fn is_accepted(number: &PhoneNumber) -> bool {
    let national = number.national().to_string();
    if number.code().value() == 33 && national.len() == 9 && (b'1'..=b'7').contains(&national.as_bytes()[0]) {
        return true;
    }
    match number.number_type(&DATABASE) {
        Type::Mobile | Type::FixedLine | Type::FixedLineOrMobile | Type::Voip | Type::PersonalNumber => {
            number.is_valid()
        }
        _ => has_possible_length(number, national.len()),
    }
}

/// Whether the country has numbers of this length.
fn has_possible_length(number: &PhoneNumber, length: usize) -> bool {
    let home = DATABASE.by_code(&number.code().value()).and_then(|regions| regions.into_iter().next());
    let Some(region) = number.metadata(&DATABASE).or(home) else { return false };
    KINDS.iter().filter_map(|&kind| region.descriptors().get(kind)).any(|kind| {
        let mut lengths = kind.possible_length().iter().chain(kind.possible_local_length());
        lengths.any(|&possible| usize::from(possible) == length)
    })
}

#[cfg(test)]
mod tests {
    use super::super::COUNTRIES;
    use super::*;

    #[test]
    fn phones() {
        for text in [
            "0612345678",
            "+33 6 12 34 56 78",
            "0033612345678",
            "+442079460000",
            "+15555550100",
            "612345678",
            "+33612345678",
            "+33612345670",
        ] {
            assert!(is_phone(text, COUNTRIES), "{text}");
        }
        for text in ["123", "12", "abc", "+999", "+", "-", "é", "++33", "+33", "0"] {
            assert!(!is_phone(text, COUNTRIES), "{text}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_phone_number_or_none(text in r"[+0-9 ()./x;=-]{0,30}|\+?[0-9]{1,20}(;(ext|phone-context|isub)=\PC{0,9})?|\PC*", national in "[1-7][0-9]{8}") {
            let countries = ["DZ", "FR", "US"];
            is_phone(&text, &countries);
            let french = format!("+33{national}");
            prop_assert!(is_phone(&french, &countries));
        }
    }
}
