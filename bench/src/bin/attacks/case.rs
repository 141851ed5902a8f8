//! A request that is measured: its bytes, its sender, and the allowed answers.

use bench::wire::{Answer, Request};

/// The API that a request is sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Below `/api`.
    Rest,
    /// `/graphql`.
    GraphQl,
}

/// The sender of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A client without a key.
    Keyless,
    /// A client with a wrong key.
    WrongKey,
    /// A client with a key that has all abilities.
    WithKey,
}

impl Caller {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Keyless, Self::WrongKey, Self::WithKey];

    /// The name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyless => "keyless",
            Self::WrongKey => "wrong key",
            Self::WithKey => "with key",
        }
    }
}

/// The maximum cost of a request, on a release build.
#[derive(Clone, Copy)]
pub struct Limit {
    /// CPU in milliseconds.
    pub cpu: f64,
    /// Temporary memory, in megabytes.
    pub memory: f64,
}

impl Limit {
    /// The limit for a caller and an API.
    pub fn of(api: Api, caller: Caller) -> Self {
        match (caller, api) {
            (Caller::WithKey, _) => Self { cpu: 100.0, memory: 64.0 },
            (_, Api::Rest) => Self { cpu: 0.5, memory: 1.0 },
            (_, Api::GraphQl) => Self { cpu: 5.0, memory: 4.0 },
        }
    }
}

/// The refusal of GraphQL for a client with a key.
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

/// A request and its allowed answers.
pub struct Case {
    /// Its description.
    pub name: String,
    /// The path that it is sent to.
    pub path: &'static str,
    /// The API of the path.
    pub api: Api,
    /// The request without a key.
    pub request: Request,
    /// Allowed statuses for callers without a valid key.
    pub stranger: &'static [u16],
    /// Allowed statuses for callers with a key.
    pub known: &'static [u16],
    /// The expected refusal for callers with a key, if there is one.
    pub refusal: Option<Refusal>,
}

impl Case {
    /// The request of a caller.
    pub fn of(&self, caller: Caller, key: &str) -> Request {
        match caller {
            Caller::Keyless => self.request.clone(),
            Caller::WrongKey => self.request.clone().key("1|wrongwrongwrongwrongwrongwrongwrongwrong"),
            Caller::WithKey => self.request.clone().key(key),
        }
    }

    /// Allowed statuses for a caller.
    pub fn expected(&self, caller: Caller) -> &'static [u16] {
        if caller == Caller::WithKey { self.known } else { self.stranger }
    }
}
