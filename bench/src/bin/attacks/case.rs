//! A request that is measured: what is sent, who sends it, and what it may be answered with.

use bench::wire::{Answer, Request};

/// Which face a request is sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Below `/api`.
    Rest,
    /// `/graphql`.
    GraphQl,
}

/// Who sends a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Somebody without a key.
    Keyless,
    /// Somebody with a key that nobody has.
    WrongKey,
    /// Somebody with a key that opens everything.
    WithKey,
}

impl Caller {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Keyless, Self::WrongKey, Self::WithKey];

    /// As the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyless => "keyless",
            Self::WrongKey => "wrong key",
            Self::WithKey => "with key",
        }
    }
}

/// The most that one request may cost, on a release build.
#[derive(Clone, Copy)]
pub struct Limit {
    /// CPU in milliseconds.
    pub cpu: f64,
    /// Memory for a while, in megabytes.
    pub memory: f64,
}

impl Limit {
    /// The limit for a caller on a face.
    pub fn of(face: Face, caller: Caller) -> Self {
        match (caller, face) {
            (Caller::WithKey, _) => Self { cpu: 100.0, memory: 64.0 },
            (_, Face::Rest) => Self { cpu: 0.5, memory: 1.0 },
            (_, Face::GraphQl) => Self { cpu: 5.0, memory: 4.0 },
        }
    }
}

/// How GraphQL refuses somebody with a key.
#[derive(Clone, Copy)]
pub struct Refusal {
    /// The code.
    pub code: &'static str,
    /// The limit that it names; empty where it names none.
    pub limit: &'static str,
}

impl Refusal {
    /// Whether an answer is this refusal and nothing else.
    pub fn is(&self, answer: &Answer) -> bool {
        let body = answer.json();
        let told = &body["errors"][0]["extensions"];
        let [code, limit] = ["code", "limit"].map(|name| told[name].as_str().unwrap_or_default());
        code == self.code && limit == self.limit && body.get("data").is_none()
    }
}

/// A request and what it may be answered with.
pub struct Case {
    /// What is sent.
    pub name: String,
    /// The path that it is sent to.
    pub path: &'static str,
    /// The face of the path.
    pub face: Face,
    /// The request without a key.
    pub request: Request,
    /// The statuses that a caller may see who has no valid key.
    pub stranger: &'static [u16],
    /// Those that one with a key may see.
    pub known: &'static [u16],
    /// What somebody with a key is refused with, where that is asked for.
    pub refusal: Option<Refusal>,
}

impl Case {
    /// The request as a caller sends it.
    pub fn of(&self, caller: Caller, key: &str) -> Request {
        match caller {
            Caller::Keyless => self.request.clone(),
            Caller::WrongKey => self.request.clone().key("1|wrongwrongwrongwrongwrongwrongwrongwrong"),
            Caller::WithKey => self.request.clone().key(key),
        }
    }

    /// The statuses that a caller may see.
    pub fn expected(&self, caller: Caller) -> &'static [u16] {
        if caller == Caller::WithKey { self.known } else { self.stranger }
    }
}
