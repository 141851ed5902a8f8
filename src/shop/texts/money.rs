//! Amounts of money as people write them, as the Unicode CLDR tells for French and English.

use crate::platform::lang::Lang;

/// A space at which no line breaks: before a symbol.
const NO_BREAK: &str = "\u{a0}";
/// A narrow one: between thousands in French.
const NARROW: &str = "\u{202f}";

/// Signs of currencies in English. All others are written by their code.
const ENGLISH: &[(&str, &str)] = &[
    ("AUD", "A$"),
    ("BRL", "R$"),
    ("CAD", "CA$"),
    ("CNY", "CN¥"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("HKD", "HK$"),
    ("ILS", "₪"),
    ("INR", "₹"),
    ("JPY", "¥"),
    ("KRW", "₩"),
    ("MXN", "MX$"),
    ("NZD", "NZ$"),
    ("PHP", "₱"),
    ("TWD", "NT$"),
    ("USD", "$"),
    ("VND", "₫"),
    ("XCD", "EC$"),
];

/// Signs of currencies in French. All others are written by their code.
const FRENCH: &[(&str, &str)] = &[
    ("ARS", "$AR"),
    ("AUD", "$AU"),
    ("BMD", "$BM"),
    ("BND", "$BN"),
    ("BRL", "R$"),
    ("BZD", "$BZ"),
    ("CAD", "$CA"),
    ("CLP", "$CL"),
    ("COP", "$CO"),
    ("EUR", "€"),
    ("FJD", "$FJ"),
    ("FKP", "£FK"),
    ("GBP", "£GB"),
    ("GIP", "£GI"),
    ("ILS", "₪"),
    ("INR", "₹"),
    ("KRW", "₩"),
    ("LBP", "£LB"),
    ("MXN", "$MX"),
    ("NAD", "$NA"),
    ("NZD", "$NZ"),
    ("SBD", "$SB"),
    ("SGD", "$SG"),
    ("SRD", "$SR"),
    ("TTD", "$TT"),
    ("USD", "$US"),
    ("UYU", "$UY"),
    ("VND", "₫"),
    ("WST", "$WS"),
    ("XAF", "FCFA"),
    ("XOF", "F\u{202f}CFA"),
    ("XPF", "FCFP"),
];

impl Lang {
    /// An amount of money, given as a decimal text: `1 234,50 €` in French, `€1,234.50` in English.
    pub fn money(self, amount: &str, currency: &str) -> String {
        let (sign, amount) = amount.strip_prefix('-').map_or(("", amount), |amount| ("-", amount));
        let (whole, fraction) = amount.split_once('.').map_or((amount, None), |(w, f)| (w, Some(f)));
        let number = |thousands: &str, point: &str| {
            let fraction = fraction.map(|fraction| format!("{point}{fraction}")).unwrap_or_default();
            format!("{}{fraction}", grouped(whole, thousands))
        };
        match (self, self.currency_sign(currency)) {
            (Self::Fr, symbol) => {
                format!("{sign}{}{NO_BREAK}{}", number(NARROW, ","), symbol.unwrap_or(currency))
            }
            (Self::En, Some(symbol)) => format!("{sign}{symbol}{}", number(",", ".")),
            (Self::En, None) => format!("{sign}{currency}{NO_BREAK}{}", number(",", ".")),
        }
    }

    fn currency_sign(self, currency: &str) -> Option<&'static str> {
        let signs = match self {
            Self::Fr => FRENCH,
            Self::En => ENGLISH,
        };
        signs.iter().find(|(code, _)| code.eq_ignore_ascii_case(currency)).map(|(_, sign)| *sign)
    }
}

/// Digits in groups of three.
fn grouped(digits: &str, separator: &str) -> String {
    let first = match digits.len() % 3 {
        0 => digits.len().min(3),
        rest => rest,
    };
    let (head, rest) = digits.split_at(first);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group));
    groups.fold(head.to_owned(), |text, group| format!("{text}{separator}{group}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `Intl.NumberFormat` of Node 20 writes.
    #[test]
    fn amounts_are_written_as_the_language_does() {
        let cases = [
            ("49.00", "EUR", "49,00\u{a0}€", "€49.00"),
            ("-1234567.50", "USD", "-1\u{202f}234\u{202f}567,50\u{a0}$US", "-$1,234,567.50"),
            ("49", "JPY", "49\u{a0}JPY", "¥49"),
            ("100.000", "KWD", "100,000\u{a0}KWD", "KWD\u{a0}100.000"),
            ("1000.00", "CHF", "1\u{202f}000,00\u{a0}CHF", "CHF\u{a0}1,000.00"),
            ("0.00", "CAD", "0,00\u{a0}$CA", "CA$0.00"),
        ];
        for (amount, currency, french, english) in cases {
            assert_eq!(Lang::Fr.money(amount, currency), french);
            assert_eq!(Lang::En.money(amount, currency), english);
        }
    }
}
