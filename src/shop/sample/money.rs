//! Amounts of invented shops, counted in cents.

/// Currencies of the prices, with their rate in percent of the euro.
pub const CURRENCIES: [(&str, i64); 2] = [("EUR", 100), ("USD", 110)];

/// Tax on everything that is sold, in percent.
pub const TAX: i64 = 20;

/// Cents as the number that a column holds.
#[expect(clippy::cast_precision_loss, reason = "amounts of money are far below 2^52 cents")]
#[must_use]
pub fn money(cents: i64) -> f64 {
    cents as f64 / 100.0
}

/// A part of an amount in hundredths, rounded half up.
#[must_use]
pub fn percent(cents: i64, rate: i64) -> i64 {
    (cents * rate + 50).div_euclid(100)
}

/// An amount in euros as one of the currency.
#[must_use]
pub fn exchanged(cents: i64, currency: &str) -> i64 {
    let rate = CURRENCIES.iter().find(|(name, _)| *name == currency).map_or(100, |(_, rate)| *rate);
    percent(cents, rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_to_cents() {
        assert_eq!(percent(299, 20), 60);
        assert!((money(1_234) - 12.34).abs() < f64::EPSILON);
    }
}
