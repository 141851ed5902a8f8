//! Who asks, and what they may do.

mod ability;
mod guard;
mod keys;

pub use ability::{Abilities, Ability};
pub use guard::{Can, Guarded, Lent, allow, check};
pub(crate) use guard::{describe, undescribed};
pub use keys::{Keys, reachable};

use entity::Id;

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A member of the shop's staff.
    Staff(Id),
    /// A customer of the shop.
    Customer(Id),
}

/// The caller of a request: a valid key.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Whose key it is.
    pub owner: Owner,
    /// The key's row.
    pub key_id: Id,
    /// What the key may do.
    pub abilities: Abilities,
}
