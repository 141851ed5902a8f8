//! Who asks, and what they may do.

mod ability;
mod gatekeeper;
pub mod key;
mod keys;
pub mod password;
mod session;
pub mod throttle;

use std::fmt;

pub use ability::{AbilityDeclaration, Audience, CLIENT_API, Catalog};
use entity::Id;
use facade::Abilities;
pub use gatekeeper::{Access, Throttles};
pub use keys::{Keys, check_database};
pub(crate) use session::{AccountKind, Client, Credentials};
pub use session::{KeyRing, Sessions, SignInAttempts, Tokens};

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A member of the shop's staff.
    Staff(Id),
    /// A customer of the shop.
    Customer(Id),
}

impl Owner {
    /// The customer's number; none of the staff.
    pub fn customer(self) -> Option<Id> {
        match self {
            Self::Staff(_) => None,
            Self::Customer(id) => Some(id),
        }
    }

    /// Its kind, as our own table and keys name it, and its primary key.
    pub fn parts(self) -> (&'static str, Id) {
        match self {
            Self::Staff(id) => ("staff", id),
            Self::Customer(id) => ("customer", id),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = self.parts();
        write!(f, "{kind} {}", id.0)
    }
}

/// What a caller proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key, by its row.
    Key(Id),
    /// The access token of a session, by the session's name.
    Session(String),
}

/// The caller of a request: a valid key or access token.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Whose key it is.
    pub owner: Owner,
    /// What the caller sent.
    pub credential: Credential,
    /// What it may do.
    pub abilities: Abilities,
}

impl Principal {
    /// The caller, as this shop knows it.
    pub fn of(who: &dyn facade::execution::Principal) -> Option<&Self> {
        let who: &dyn std::any::Any = who;
        who.downcast_ref()
    }
}

impl facade::execution::Principal for Principal {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }
}
