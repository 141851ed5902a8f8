//! Rules about people: e-mail, phone, country, locale (spec: `wire.md` 3.2, 3.8).

use std::net::{Ipv4Addr, Ipv6Addr};

use async_graphql::Value;
use phonenumber::metadata::DATABASE;
use phonenumber::{PhoneNumber, Type};

use crate::form::check::Subject;
use crate::form::value;

pub(super) fn email(subject: &Subject<'_>) -> Option<String> {
    let fits = matches!(subject.value, Value::String(text) if is_email(text));
    subject.fails_if("email", !fits)
}

pub(super) fn no_plus(subject: &Subject<'_>) -> Option<String> {
    let refused = !subject.scope.settings.allow_plus_in_email
        && matches!(subject.value, Value::String(text) if text.contains('+'));
    refused.then(|| format!("The {} must not contain the character \"+\".", subject.display_name()))
}

pub(super) fn country(subject: &Subject<'_>) -> Option<String> {
    subject.fails_if("in", !is_one_of(subject.value, &subject.scope.settings.countries))
}

pub(super) fn locale(subject: &Subject<'_>) -> Option<String> {
    subject.fails_if("in", !is_one_of(subject.value, &subject.scope.settings.locales))
}

fn is_one_of(value: &Value, words: &[String]) -> bool {
    matches!(value, Value::String(text) if words.contains(text))
}

pub(super) fn phone(subject: &Subject<'_>) -> Option<String> {
    let fits =
        value::plain(subject.value).is_some_and(|text| is_phone(&text, &subject.scope.settings.countries));
    subject.fails_if("phone", !fits)
}

/// Kinds of numbers whose lengths are possible ones.
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

/// No text longer than this is looked at as a phone number.
const LONGEST_PHONE: usize = 250;

/// The first country that can read the text decides.
fn is_phone(text: &str, countries: &[String]) -> bool {
    if text.len() > LONGEST_PHONE {
        return false;
    }
    let regions = countries.iter().filter_map(|code| code.parse().ok());
    let number = regions.into_iter().find_map(|region| phonenumber::parse(Some(region), text).ok());
    text.is_empty() || number.is_some_and(|number| is_good(&number))
}

fn is_good(number: &PhoneNumber) -> bool {
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

/// Whether numbers of this length exist in the country.
fn has_possible_length(number: &PhoneNumber, length: usize) -> bool {
    let home = DATABASE.by_code(&number.code().value()).and_then(|regions| regions.into_iter().next());
    let Some(region) = number.metadata(&DATABASE).or(home) else { return false };
    KINDS.iter().filter_map(|&kind| region.descriptors().get(kind)).any(|kind| {
        let mut lengths = kind.possible_length().iter().chain(kind.possible_local_length());
        lengths.any(|&possible| usize::from(possible) == length)
    })
}

/// RFC 5322 mailbox, with what validators merely warn about tolerated: no dot in the domain, quoted
/// local parts, comments at either end of a part, address literals, any length of the local part.
fn is_email(text: &str) -> bool {
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            is_local_part(without_comments(local)) && is_domain(without_comments(domain))
        }
        None => false,
    }
}

fn without_comments(part: &str) -> &str {
    let part = match part.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((_, rest)) => rest,
        None => part,
    };
    match part.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
        Some((rest, _)) => rest,
        None => part,
    }
}

fn is_local_part(part: &str) -> bool {
    match part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => is_quoted(quoted),
        None => part.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character)),
    }
}

fn is_atom_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_foreign_letter(c)
}

fn is_foreign_letter(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !c.is_whitespace()
}

fn is_quoted(quoted: &str) -> bool {
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        let fits = match letter {
            '"' => false,
            '\\' => letters.next().is_some_and(|escaped| !escaped.is_control()),
            other => other == '\t' || !other.is_control(),
        };
        if !fits {
            return false;
        }
    }
    !quoted.is_empty()
}

fn is_domain(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match literal.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        };
    }
    domain.len() <= 253 && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let hyphen_at_end = label.starts_with('-') || label.ends_with('-');
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || is_foreign_letter(c);
    (1..=63).contains(&label.len()) && !hyphen_at_end && label.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Settings;

    #[test]
    fn emails() {
        let long = format!("{}@b.fr", "a".repeat(70));
        for text in [
            "a@b",
            "a@localhost",
            "\"a b\"@c.fr",
            "\"a@b\"@c.fr",
            "a(comment)@b.fr",
            "a@[127.0.0.1]",
            "é@b.fr",
            "a@é.fr",
            "a+b@c.fr",
            "o'neil@c.fr",
            "a@b-c.fr",
            &long,
        ] {
            assert!(is_email(text), "{text}");
        }
        let label = format!("a@{}.fr", "b".repeat(64));
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c.fr",
            "a@b c",
            "a..b@c.fr",
            ".a@c.fr",
            "a.@c.fr",
            "a@b..c",
            "a@b_c.fr",
            "a@-b.fr",
            "a@b.fr.",
            "A <a@b.fr>",
            "<a@b.fr>",
            "a@b.fr,c@d.fr",
            "a\n@b.fr",
            "a@b.fr\n",
            "a@[127.0.0]",
            &label,
        ] {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn phones() {
        let countries = Settings::default().countries;
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
            assert!(is_phone(text, &countries), "{text}");
        }
        for text in ["123", "12", "abc", "+999", "+", "-", "é", "++33", "+33", "0"] {
            assert!(!is_phone(text, &countries), "{text}");
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
            let countries = ["DZ", "FR", "US"].map(str::to_owned);
            is_phone(&text, &countries);
            let french = format!("+33{national}");
            prop_assert!(is_phone(&french, &countries));
        }

        #[test]
        fn any_text_is_an_address_or_none(text in r#"["(.)@a\\ \[\]:0-9éx-]{0,30}|\PC*"#, name in "[a-z0-9]{1,9}([.+][a-z0-9]{1,9})?", domain in "[a-z]{1,9}(\\.[a-z]{2,9}){1,2}") {
            is_email(&text);
            let address = format!("{name}@{domain}");
            prop_assert!(is_email(&address));
        }
    }
}
