//! Names of countries for printed addresses: the English short names of ISO 3166.

/// Code and name, one country on each line.
const NAMES: &str = include_str!("countries.txt");

/// The name of a two-letter code; the code itself where there is no such country.
pub fn name(code: &str) -> &str {
    let named = |line: &'static str| line.split_once(' ').filter(|(known, _)| *known == code);
    NAMES.lines().find_map(named).map_or(code, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names() {
        assert_eq!(NAMES.lines().count(), 249);
        assert!(NAMES.lines().all(|line| line.as_bytes()[2] == b' '));
        assert_eq!(name("GB"), "United Kingdom of Great Britain and Northern Ireland");
        assert_eq!([name("DE"), name("XX"), name("")], ["Germany", "XX", ""]);
    }
}
