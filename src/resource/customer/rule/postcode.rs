//! The rule for postcodes: one pattern for each country (docs/contract/wire.md#3.8, docs/contract/client.md#5.2.1).

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::Value;
use facade::form::{Subject, value};
use facade::user_error::{BrokenRule, INVALID_FORMAT};
use regex::Regex;

/// The country whose pattern is used if no country was sent or stored.
const HOME: &str = "FR";

pub(super) fn postcode(subject: &Subject<'_>) -> Option<BrokenRule> {
    let text = value::plain(subject.value)?;
    let english = || format!("The {} is not a valid zip code.", subject.name);
    (!matches_country(&country(subject)?, &text))
        .then(|| subject.broken_in_english("postcode", english()).coded(INVALID_FORMAT))
}

/// The country that was sent, otherwise the stored one. Nothing if the sent value is not a text: the rule of the
/// country reports that.
fn country(subject: &Subject<'_>) -> Option<String> {
    match subject.sibling("country") {
        Some(Value::String(code)) => Some(code.clone()),
        None | Some(Value::Null) => {
            let stored = subject.scope.stored.iter().find(|(name, _)| *name == "country");
            Some(stored.map_or(HOME, |(_, code)| *code).to_owned())
        }
        Some(_) => None,
    }
}

/// Whether a text matches the pattern of a country. A country without a pattern accepts any text.
fn matches_country(country: &str, text: &str) -> bool {
    static PATTERNS: LazyLock<HashMap<&str, Regex>> = LazyLock::new(patterns);
    PATTERNS.get(country).is_none_or(|pattern| pattern.is_match(text))
}

/// The patterns by country code. Each line of the file is `codes: pattern`.
fn patterns() -> HashMap<&'static str, Regex> {
    let lines = include_str!("postcodes.txt").lines().filter(|line| !line.starts_with('#'));
    let patterns = lines.filter_map(|line| {
        let (countries, pattern) = line.split_once(": ")?;
        Some((countries, Regex::new(&format!("(?i-u)^(?:{pattern})$")).ok()?))
    });
    patterns
        .flat_map(|(countries, pattern)| countries.split(' ').map(move |code| (code, pattern.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = include_str!("postcodes.txt").lines().filter(|line| !line.starts_with('#'));
        let codes: Vec<_> =
            lines.filter_map(|line| Some(line.split_once(": ")?.0)).flat_map(|l| l.split(' ')).collect();
        let patterns = patterns();
        assert_eq!(codes.len(), patterns.len(), "a country is listed twice or a pattern is wrong");
        assert!(codes.iter().all(|code| code.len() == 2));
    }

    #[test]
    fn patterns_of_countries() {
        let good = "FR 59000,FR 59 000,BE 1000,PT 1000-100,NL 1234 ab,US 12345-6789,US 12345 6789,US 12345,CA K1A 0B1,\
            CA k1a0b1,IE D02 AF30,GB SW1A 1AA,GB gir0aa,GB BFPO 12,GB M1 1AE,GG GY1 1AA,CM anything,XX anything,fr x,\
            BH 1012,BH 112,LB 1234 5678,AD AD100,SM 47890,VI 00850,GU 96931,LI 9490,JP 123-4567,PE LIMA 12,SV CP 1101";
        let bad = "FR ABC,FR 5900,FR 590000,BE 10000,PT 1000100,NL 1234,US 1234,CA D1A 0B1,CA K1O 0B1,IE D02,GB ZZ1 1AA,\
            GB SW1A 1AC,GG GY1,VI 00852,GU 96930,LI 9499,FR ５９０００,AD AD801";
        let each = |list: &'static str| list.split(',').map(|case| case.trim().split_once(' ').unwrap());
        for (country, text) in each(good) {
            assert!(matches_country(country, text), "{country} {text}");
        }
        for (country, text) in each(bad) {
            assert!(!matches_country(country, text), "{country} {text}");
        }
    }
}
