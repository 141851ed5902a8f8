//! Findings of shadowing, by operation: counts, and the places that differ. Their number is limited, and they are
//! stored in a file that all processes of the shop share.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::comparison::Difference;

/// Maximum number of places of all operations together.
const MAX_PLACES: usize = 1000;

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both answers are the same, except for declared differences.
    Same,
    /// They differed, and were the same when they were requested again.
    Changed,
    /// They differ, also when requested again.
    Different(Vec<Difference>),
    /// The upstream server did not answer.
    Unanswered,
}

impl Outcome {
    /// The label in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Different(_) => "different",
            Self::Unanswered => "unanswered",
        }
    }
}

/// All findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Findings by operation: method and documented path.
    pub operations: BTreeMap<String, OperationFindings>,
    /// Number of differences at places that were not stored, because there were too many.
    #[serde(default)]
    pub places_left_out: u64,
}

/// The findings of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationFindings {
    /// Requests with the same answers.
    pub same: u64,
    /// Requests whose data changed between the two answers.
    pub changed: u64,
    /// Requests with different answers.
    pub different: u64,
    /// Requests that the upstream server did not answer.
    pub unanswered: u64,
    /// Differences by place; rows of lists are one place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, DifferingPlace>,
}

impl OperationFindings {
    /// Number of compared requests.
    pub fn asked(&self) -> u64 {
        self.same + self.changed + self.different + self.unanswered
    }
}

/// A place at which answers differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferingPlace {
    /// Number of requests that differ here.
    pub count: u64,
    /// The exact place of the last difference: `status`, `header …` or a JSON pointer.
    pub pointer: String,
    /// Time of the last difference.
    pub last: DateTime<Utc>,
    /// The two values of the last difference, if the operator has configured that values are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<DifferingValues>,
}

/// Two values that differ, as JSON; `None` where there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferingValues {
    /// The upstream server's value.
    pub there: Option<String>,
    /// guichet's value.
    pub here: Option<String>,
}

impl Findings {
    /// Whether nothing was compared.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Number of requests with different answers.
    pub fn different(&self) -> u64 {
        self.operations.values().map(|operation| operation.different).sum()
    }

    /// Adds the outcome of a comparison. `values`: whether values are stored.
    pub fn add(&mut self, operation: &str, outcome: Outcome, at: DateTime<Utc>, values: bool) {
        let counts = self.operations.entry(operation.to_owned()).or_default();
        match &outcome {
            Outcome::Same => counts.same += 1,
            Outcome::Changed => counts.changed += 1,
            Outcome::Different(_) => counts.different += 1,
            Outcome::Unanswered => counts.unanswered += 1,
        }
        let Outcome::Different(differences) = outcome else { return };
        // A place counts once for each request, in however many rows it differs.
        let places: BTreeMap<_, _> = differences.into_iter().map(|found| (found.pattern(), found)).collect();
        for (pattern, found) in places {
            let values = values.then_some(DifferingValues { there: found.there, here: found.here });
            self.put(operation, pattern, DifferingPlace { count: 1, pointer: found.place, last: at, values });
        }
    }

    /// Adds other findings.
    pub fn merge(&mut self, other: Self) {
        self.places_left_out += other.places_left_out;
        for (name, found) in other.operations {
            let counts = self.operations.entry(name.clone()).or_default();
            counts.same += found.same;
            counts.changed += found.changed;
            counts.different += found.different;
            counts.unanswered += found.unanswered;
            for (pattern, place) in found.places {
                self.put(&name, pattern, place);
            }
        }
    }

    fn put(&mut self, operation: &str, pattern: String, place: DifferingPlace) {
        let kept: usize = self.operations.values().map(|operation| operation.places.len()).sum();
        let places = &mut self.operations.entry(operation.to_owned()).or_default().places;
        match places.get_mut(&pattern) {
            Some(known) => *known = DifferingPlace { count: known.count + place.count, ..place },
            None if kept < MAX_PLACES => {
                places.insert(pattern, place);
            }
            None => self.places_left_out += place.count,
        }
    }

    /// Reads findings from a file; empty where it does not exist.
    ///
    /// # Errors
    /// When it cannot be read or parsed.
    pub fn load(file: &Path) -> io::Result<Self> {
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Adds these findings to those in a file. Other processes may do so at the same time.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn add_to(self, file: &Path) -> io::Result<()> {
        let lock = private().append(true).open(file.with_extension("lock"))?;
        lock.lock()?;
        // If the file cannot be parsed, it is replaced.
        let mut all = Self::load(file).unwrap_or_default();
        all.merge(self);
        let written = file.with_extension("new");
        private().write(true).truncate(true).open(&written)?.write_all(&serde_json::to_vec_pretty(&all)?)?;
        fs::rename(written, file)
    }
}

/// Options for a file that only its owner can read, because values may be personal data.
fn private() -> OpenOptions {
    let mut options = File::options();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn different(places: &[&str]) -> Outcome {
        let difference =
            |place: &&str| Difference { place: (*place).to_owned(), there: Some("1".to_owned()), here: None };
        Outcome::Different(places.iter().map(difference).collect())
    }

    #[test]
    fn places_are_counted_once_for_each_question() {
        let (mut findings, at) = (Findings::default(), DateTime::UNIX_EPOCH);
        findings.add("GET /a", different(&["/data/0/x", "/data/1/x", "status"]), at, false);
        findings.add("GET /a", different(&["/data/5/x"]), at, true);
        findings.add("GET /a", Outcome::Same, at, false);
        let operation = &findings.operations["GET /a"];
        assert_eq!((operation.asked(), operation.different, operation.same), (3, 2, 1));
        let place = &operation.places["/data/*/x"];
        assert_eq!((place.count, place.pointer.as_str()), (2, "/data/5/x"));
        assert_eq!(place.values.as_ref().unwrap().there.as_deref(), Some("1"));
        assert_eq!(operation.places["status"].values, None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut findings = Findings::default();
        for number in 0..MAX_PLACES + 5 {
            findings.add("GET /a", different(&[&format!("/x{number}a")]), DateTime::UNIX_EPOCH, false);
        }
        assert_eq!(findings.operations["GET /a"].places.len(), MAX_PLACES);
        assert_eq!(findings.places_left_out, 5);
    }

    #[test]
    fn processes_add_to_one_file() {
        let file = std::env::temp_dir().join(format!("guichet-findings-{}.json", std::process::id()));
        let mut findings = Findings::default();
        findings.add("GET /a", different(&["status"]), DateTime::UNIX_EPOCH, false);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (findings, file) = (findings.clone(), file.clone());
                scope.spawn(move || findings.add_to(&file).unwrap());
            }
        });
        assert_eq!(Findings::load(&file).unwrap().operations["GET /a"].places["status"].count, 8);
        for extension in ["json", "lock"] {
            fs::remove_file(file.with_extension(extension)).unwrap();
        }
    }
}
