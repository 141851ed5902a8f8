//! The results of a run.

use crate::database::Database;
use crate::measure::{Measured, Sample};
use crate::server::ServerKind;

/// The results on one database.
pub struct Run {
    pub database: Database,
    /// The database's version.
    pub version: String,
    pub cases: Vec<CaseResult>,
    pub servers: Vec<ServerResult>,
}

/// The results of one case.
pub struct CaseResult {
    pub name: &'static str,
    /// Whether the case compares two requests to guichet.
    pub alone: bool,
    /// The measurements, or the reason why there are none.
    pub outcome: Result<Vec<Measured>, String>,
}

/// The results of one server, without cases.
pub struct ServerResult {
    pub kind: ServerKind,
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
    pub fn of(&self, case: &str, kind: ServerKind) -> Option<&Measured> {
        self.case(case)?.iter().find(|measured| measured.kind == kind && measured.question == 0)
    }

    /// A figure of one server to that of another one.
    pub fn ratio(
        &self,
        case: &str,
        own: ServerKind,
        other: ServerKind,
        figure: fn(&Sample) -> f64,
    ) -> Option<f64> {
        Some(self.of(case, own)?.ratio(self.of(case, other)?, figure))
    }

    /// The CPU of a server to that of the peer that needs least.
    pub fn ratio_to_fastest_peer(&self, case: &str, own: ServerKind) -> Option<f64> {
        let fastest = self.fastest_peer(case)?;
        self.ratio(case, own, fastest, |sample| sample.server)
    }

    /// The peer that needs least CPU.
    pub fn fastest_peer(&self, case: &str) -> Option<ServerKind> {
        let cpu = |kind: ServerKind| Some((kind, self.of(case, kind)?.median(|sample| sample.server)));
        let peers = ServerKind::PEERS.into_iter().filter_map(cpu);
        peers.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(kind, _)| kind)
    }

    /// The ratio of the more expensive request to the other one, in a case with two.
    pub fn ratio_of_questions(
        &self,
        case: &str,
        kind: ServerKind,
        figure: fn(&Sample) -> f64,
    ) -> Option<f64> {
        let measured = self.case(case)?;
        let question =
            |number| measured.iter().find(|measured| measured.kind == kind && measured.question == number);
        Some(question(1)?.ratio(question(0)?, figure))
    }

    /// Memory of a server after the run in MB.
    pub fn memory(&self, kind: ServerKind) -> Option<f64> {
        self.servers.iter().find(|server| server.kind == kind).map(|server| server.memory)
    }

    /// Memory of the smallest peer after the run in MB.
    pub fn smallest_peer(&self) -> Option<f64> {
        let peers = self.servers.iter().filter(|server| server.kind.is_peer());
        peers.map(|server| server.memory).reduce(f64::min)
    }
}
