//! Authentication and authorization: callers, abilities, keys, sessions, passwords and rate limits.

mod ability;
mod gatekeeper;
pub mod key;
pub mod key_restriction;
mod keys;
pub mod password;
mod session;
pub mod throttle;

use std::fmt;
use std::sync::Arc;

pub use ability::{AbilityDeclaration, Audience, CLIENT_API, Catalog};
use entity::Id;
use facade::Abilities;
pub use gatekeeper::{Access, Throttles};
pub use key_restriction::KeyRestriction;
pub use keys::{Keys, check_database};
pub(crate) use session::{
    ACCOUNT_BANNED, AccountKind, Client, Credentials, INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED,
    SECOND_FACTOR_WRONG,
};
pub use session::{KeyRing, Sessions, SignInAttempts, Tokens};

use crate::{Error, Result};

/// The account that a key or session belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A member of the shop's staff.
    Staff(Id),
    /// A customer of the shop.
    Customer(Id),
}

impl Owner {
    /// The primary key of the customer; `None` for the staff.
    pub fn customer(self) -> Option<Id> {
        match self {
            Self::Staff(_) => None,
            Self::Customer(id) => Some(id),
        }
    }

    /// The kind of account, as guichet's own tables and Redis keys name it, and its primary key.
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

/// What a caller has authenticated with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key, by its row.
    Key(Id),
    /// The access token of a session, by the name of the session.
    Session(String),
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The account of the key or session.
    pub owner: Owner,
    /// The key or session.
    pub credential: Credential,
    /// The abilities of the caller.
    pub abilities: Abilities,
    /// What its key may not do beside that; sessions have none.
    pub restriction: Option<Arc<KeyRestriction>>,
    /// The permissions of the role of a member of the staff who has signed in, for what abilities cannot tell: which records
    /// they are for. Nothing where the abilities are for all records: keys, administrators.
    pub permissions: Option<Arc<[String]>>,
}

impl Principal {
    /// Downcasts the engine's principal, which is always of this type here.
    pub fn of(who: &dyn facade::execution::Principal) -> Option<&Self> {
        let who: &dyn std::any::Any = who;
        who.downcast_ref()
    }
}

impl facade::execution::Principal for Principal {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn check_writable(&self) -> Result<()> {
        match &self.restriction {
            Some(restriction) if restriction.read_only => {
                Err(Error::RestrictedKey(key_restriction::READ_ONLY))
            }
            _ => Ok(()),
        }
    }
}
