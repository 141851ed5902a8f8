//! The two APIs: GraphQL and REST.

/// The API that an answer is written for. They print some values differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// The GraphQL schema.
    GraphQl,
    /// The REST documents, in the dialect of their paths.
    Rest(Dialect),
}

impl Api {
    /// REST in its usual dialect.
    pub const REST: Self = Self::Rest(Dialect::USUAL);

    /// Whether it is REST, in whatever dialect.
    pub const fn is_rest(self) -> bool {
        matches!(self, Self::Rest(_))
    }
}

/// How REST spells values where the contracts of its paths differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// How moments are spelled.
    pub times: Times,
}

impl Dialect {
    /// Moments in UTC.
    pub const USUAL: Self = Self { times: Times::Utc };
}

/// How moments are spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// In UTC with microseconds: `2026-11-23T12:00:00.000000Z`.
    #[default]
    Utc,
    /// In the zone of the database's local times, with its offset: `2026-11-23T13:00:00+01:00`.
    Local,
}
