//! What came out of a run.

use crate::database::Database;
use crate::measure::{Measured, Sample};
use crate::server::Kind;

/// What came out on one database.
pub struct Run {
    pub database: Database,
    /// The database's version.
    pub version: String,
    pub cases: Vec<CaseResult>,
    pub servers: Vec<ServerResult>,
}

/// What came out of one case.
pub struct CaseResult {
    pub name: &'static str,
    /// Whether the case is one of two questions to guichet alone.
    pub alone: bool,
    /// The figures, or why there are none.
    pub outcome: Result<Vec<Measured>, String>,
}

/// What was seen of one server.
pub struct ServerResult {
    pub kind: Kind,
    /// Resident memory after the run in MB.
    pub memory: f64,
    /// Seconds from its start to its first answer.
    pub start: f64,
}

impl Run {
    fn case(&self, name: &str) -> Option<&[Measured]> {
        let case = self.cases.iter().find(|case| case.name == name)?;
        case.outcome.as_deref().ok()
    }

    /// The figures of a server in a case.
    pub fn of(&self, case: &str, kind: Kind) -> Option<&Measured> {
        self.case(case)?.iter().find(|measured| measured.kind == kind && measured.question == 0)
    }

    /// A figure of one server to that of another one.
    pub fn ratio(&self, case: &str, own: Kind, other: Kind, figure: fn(&Sample) -> f64) -> Option<f64> {
        Some(self.of(case, own)?.ratio(self.of(case, other)?, figure))
    }

    /// The CPU of a server to that of the peer that needs least.
    pub fn ratio_to_fastest_peer(&self, case: &str, own: Kind) -> Option<f64> {
        let fastest = self.fastest_peer(case)?;
        self.ratio(case, own, fastest, |sample| sample.server)
    }

    /// The peer that needs least CPU.
    pub fn fastest_peer(&self, case: &str) -> Option<Kind> {
        let cpu = |kind: Kind| Some((kind, self.of(case, kind)?.median(|sample| sample.server)));
        let peers = Kind::PEERS.into_iter().filter_map(cpu);
        peers.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(kind, _)| kind)
    }

    /// The dearer of two questions to guichet to the other one.
    pub fn ratio_of_questions(&self, case: &str, kind: Kind, figure: fn(&Sample) -> f64) -> Option<f64> {
        let measured = self.case(case)?;
        let question =
            |number| measured.iter().find(|measured| measured.kind == kind && measured.question == number);
        Some(question(1)?.ratio(question(0)?, figure))
    }

    /// Memory of a server after the run in MB.
    pub fn memory(&self, kind: Kind) -> Option<f64> {
        self.servers.iter().find(|server| server.kind == kind).map(|server| server.memory)
    }

    /// Memory of the smallest peer after the run in MB.
    pub fn smallest_peer(&self) -> Option<f64> {
        let peers = self.servers.iter().filter(|server| server.kind.is_peer());
        peers.map(|server| server.memory).reduce(f64::min)
    }
}
