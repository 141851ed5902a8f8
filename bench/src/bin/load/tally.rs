//! What was answered, and how soon.

use std::collections::BTreeMap;
use std::time::Duration;

/// What came of the requests of some connections.
#[derive(Default)]
pub struct Tally {
    accepted: Vec<Duration>,
    /// Answered with 503 and the time to come again.
    pub refused: usize,
    /// Anything else, by what it was.
    pub wrong: BTreeMap<String, usize>,
    /// Not sent: the connection still waited for an answer.
    pub skipped: usize,
}

impl Tally {
    /// Notes a 200.
    pub fn accept(&mut self, after: Duration) {
        self.accepted.push(after);
    }

    /// Notes what should not have come.
    pub fn wrong(&mut self, what: String) {
        *self.wrong.entry(what).or_default() += 1;
    }

    /// Takes in what another one has.
    pub fn join(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.refused += other.refused;
        self.skipped += other.skipped;
        for (what, times) in other.wrong {
            *self.wrong.entry(what).or_default() += times;
        }
    }

    /// How many were answered with 200.
    pub fn accepted(&self) -> usize {
        self.accepted.len()
    }

    /// The time within which such a part of the accepted ones was answered; milliseconds. Where none
    /// was, it has no end.
    pub fn quantile(&mut self, part: f64) -> f64 {
        if self.accepted.is_empty() {
            return f64::INFINITY;
        }
        let last = self.accepted.len() - 1;
        // An index of a list that fits into memory.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let at = (last as f64 * part).round() as usize;
        let (_, found, _) = self.accepted.select_nth_unstable(at);
        found.as_secs_f64() * 1000.0
    }
}
