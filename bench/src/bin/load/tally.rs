//! Counts and times of answers.

use std::collections::BTreeMap;
use std::time::Duration;

/// Counts and times of the answers to some connections.
#[derive(Default)]
pub struct AnswerCounts {
    accepted: Vec<Duration>,
    /// Answers with 503 and `Retry-After`.
    pub refused: usize,
    /// All other results, by description.
    pub wrong: BTreeMap<String, usize>,
    /// Requests that were not sent, because the connection was waiting for an answer.
    pub skipped: usize,
}

impl AnswerCounts {
    /// Notes a 200.
    pub fn accept(&mut self, after: Duration) {
        self.accepted.push(after);
    }

    /// Counts an unexpected result.
    pub fn wrong(&mut self, what: String) {
        *self.wrong.entry(what).or_default() += 1;
    }

    /// Adds the counts of another one.
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

    /// The percentile of the times of accepted requests in milliseconds; infinite if there are none.
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
