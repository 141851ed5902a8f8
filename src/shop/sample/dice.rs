//! Repeatable random numbers: the same seed gives the same numbers on every machine.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A source of chance for invented rows.
pub struct Dice(StdRng);

impl Dice {
    /// Dice for one part of the work: other parts don't move them.
    pub fn new(seed: u64, part: u64) -> Self {
        Self(StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part))
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// True in this many of a hundred cases.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.0.random_range(0..list.len())]
    }

    /// One of a list of values and weights.
    pub fn weighted<T: Copy>(&mut self, list: &[(T, i64)]) -> T {
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
    pub fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.0.random()).into_uuid().to_string()
    }
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
}
