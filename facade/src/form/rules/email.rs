//! The rule for e-mail addresses (docs/contract/wire.md#3.2).

use std::net::{Ipv4Addr, Ipv6Addr};

use async_graphql::Value;

use crate::form::check::Subject;
use crate::user_error::BrokenRule;

pub(super) fn email(subject: &Subject<'_>) -> Option<BrokenRule> {
    let fits = matches!(subject.value, Value::String(text) if is_email(text));
    subject.fails_if("email", !fits)
}

/// Whether a text is a mailbox of RFC 5322. It also accepts what validators only warn about: no dot in the domain,
/// quoted local parts, comments at either end of a part, address literals, any length of the local part.
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
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_an_address_or_none(text in r#"["(.)@a\\ \[\]:0-9éx-]{0,30}|\PC*"#, name in "[a-z0-9]{1,9}([.+][a-z0-9]{1,9})?", domain in "[a-z]{1,9}(\\.[a-z]{2,9}){1,2}") {
            is_email(&text);
            let address = format!("{name}@{domain}");
            prop_assert!(is_email(&address));
        }
    }
}
