//! Chance that repeats: the same seed throws the same dice.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A source of chance for invented rows.
pub(super) struct Dice(StdRng);

impl Dice {
    /// Dice for one part of the work: other parts don't move them.
    pub(super) fn new(seed: u64, part: u64) -> Self {
        Self(StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of a list that is not empty.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.0.random_range(0..list.len())]
    }

    /// One of a list of values and weights.
    pub(super) fn weighted<T: Copy>(&mut self, list: &[(T, i64)]) -> T {
        let mut left = self.between(1, list.iter().map(|(_, weight)| weight).sum());
        for &(value, weight) in list {
            left -= weight;
            if left <= 0 {
                return value;
            }
        }
        list[0].0
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.0.random()).into_uuid().to_string()
    }
}

/// Cents as the number that a column holds.
#[expect(clippy::cast_precision_loss, reason = "amounts of money are far below 2^52 cents")]
pub(super) fn money(cents: i64) -> f64 {
    cents as f64 / 100.0
}

/// A part of an amount in hundredths, rounded half up.
pub(super) fn percent(cents: i64, rate: i64) -> i64 {
    (cents * rate + 50).div_euclid(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same() {
        let throw = |seed| {
            let mut dice = Dice::new(seed, 3);
            (dice.uuid(), dice.between(1, 1_000_000), dice.weighted(&[("a", 1), ("b", 99)]))
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
    }

    #[test]
    fn money_is_rounded_to_cents() {
        assert_eq!(percent(299, 20), 60);
        assert!((money(1_234) - 12.34).abs() < f64::EPSILON);
    }
}
