//! Abilities: the named permissions of a caller. The host declares the names.

use std::fmt;
use std::sync::Arc;

/// One permission, identified by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ability(&'static str);

impl Ability {
    /// The ability of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name, as API keys and the schema print it.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl AsRef<str> for Ability {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A set of abilities, sorted by name. Clones share the same memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities(Arc<[Ability]>);

impl Abilities {
    /// Whether the set holds the ability of this name.
    pub fn has(&self, name: impl AsRef<str>) -> bool {
        self.0.binary_search_by(|ability| ability.0.cmp(name.as_ref())).is_ok()
    }

    /// Whether the set holds at least one of `any`. True where `any` is empty: nothing is required then.
    pub fn open(&self, any: &[impl AsRef<str>]) -> bool {
        any.is_empty() || any.iter().any(|name| self.has(name))
    }

    /// The abilities, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = Ability> {
        self.0.iter().copied()
    }

    /// The union of both sets.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self.0.is_empty(), other.0.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => self.iter().chain(other.iter()).collect(),
        }
    }
}

impl FromIterator<Ability> for Abilities {
    fn from_iter<I: IntoIterator<Item = Ability>>(abilities: I) -> Self {
        let mut abilities: Vec<_> = abilities.into_iter().collect();
        abilities.sort_unstable();
        abilities.dedup();
        Self(abilities.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let [read, write] = ["rooms:read", "rooms:write"].map(Ability::new);
        let set: Abilities = [write, read, write].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [read, write]);
        assert!(set.has(read) && set.has("rooms:write") && !set.has("rooms"));
        assert!(set.open(&[Ability::new("none"), read]) && !set.open(&["none"]) && set.open(&[""; 0]));
        let both = set.union(&[Ability::new("a")].into_iter().collect());
        assert_eq!(both.iter().map(Ability::name).collect::<Vec<_>>(), ["a", "rooms:read", "rooms:write"]);
    }
}
