//! What a key may do: the closed list of abilities, their names in a key's list, and the names
//! that older documents and screens used for them (spec: `documented-contract.md` 5).

use std::fmt;

macro_rules! abilities {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// One permission. Its name is what a key's list holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each variant is documented by its name in the list")]
        pub enum Ability { $($variant),* }

        impl Ability {
            /// Every ability there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name as a key's list spells it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The ability of that name; aliases are not looked at.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

abilities! {
    Health = "health", License = "license", Statistics = "statistics", Metadata = "metadata",
    CustomersIndex = "customers:index", CustomersShow = "customers:show", CustomersStore = "customers:store",
    CustomersUpdate = "customers:update", CustomersDelete = "customers:delete",
    ProductsIndex = "products:index", ProductsShow = "products:show", ProductsStore = "products:store",
    ProductsUpdate = "products:update", ProductsDelete = "products:delete",
    GroupsIndex = "groups:index", GroupsShow = "groups:show", GroupsStore = "groups:store",
    GroupsUpdate = "groups:update", GroupsDelete = "groups:delete",
    PricingsIndex = "pricings:index", PricingsShow = "pricings:show", PricingsStore = "pricings:store",
    PricingsUpdate = "pricings:update", PricingsDelete = "pricings:delete",
    ServicesIndex = "services:index", ServicesShow = "services:show", ServicesUpdate = "services:update",
    ServicesDelete = "services:delete", ServicesExpire = "services:expire", ServicesSuspend = "services:suspend",
    ServicesUnsuspend = "services:unsuspend",
    InvoicesIndex = "invoices:index", InvoicesShow = "invoices:show",
    DiscordlinkIndex = "discordlink:index", DiscordlinkSearch = "discordlink:search",
    CustomerMe = "customer:me", ClientApi = "client-api",
}

/// What only customers may do, for their own records. A staff key never has these, not even with `*`:
/// there is no customer whose they could be (spec: `documented-contract.md` 4.4).
const OF_CUSTOMERS: Abilities = Abilities::NONE.with(Ability::CustomerMe).with(Ability::ClientApi);

/// Names in a key's list that count as another one (spec: `documented-contract.md` 5.2).
const ALIASES: &[(&str, Ability)] = &[
    ("customers:create", Ability::CustomersStore),
    ("products:create", Ability::ProductsStore),
    ("groups:create", Ability::GroupsStore),
    ("pricings:create", Ability::PricingsStore),
    ("pricing:index", Ability::PricingsIndex),
    ("pricing:store", Ability::PricingsStore),
    ("pricing:show", Ability::PricingsShow),
    ("pricing:update", Ability::PricingsUpdate),
    ("pricing:delete", Ability::PricingsDelete),
    ("services:terminate", Ability::ServicesExpire),
    ("statitics", Ability::Statistics),
    ("hearth", Ability::Health),
    ("customer:*", Ability::CustomerMe),
];

impl Ability {
    /// Whether only a customer's key can have it.
    pub const fn is_of_customers(self) -> bool {
        OF_CUSTOMERS.has(self)
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of abilities, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities(u64);

impl Abilities {
    /// No ability at all.
    pub const NONE: Self = Self(0);
    /// Every ability: what `*` gives.
    pub const ALL: Self = Self(u64::MAX);

    /// The set that a key's list of names gives. Unknown names give nothing.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().fold(Self::NONE, |set, name| match name {
            "*" => Self::ALL,
            name => Ability::named(name)
                .or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|&(_, ability)| ability))
                .map_or(set, |ability| set.with(ability)),
        })
    }

    /// This set and one more ability.
    #[must_use]
    pub const fn with(self, ability: Ability) -> Self {
        Self(self.0 | 1 << ability as u64)
    }

    /// Whether the set holds the ability.
    pub const fn has(self, ability: Ability) -> bool {
        self.0 & (1 << ability as u64) != 0
    }

    /// Whether the set holds one of these abilities, one bit each.
    pub const fn has_any(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    /// The set without what only customers may do.
    #[must_use]
    pub const fn of_staff(self) -> Self {
        Self(self.0 & !OF_CUSTOMERS.0)
    }

    /// The set without what only staff may do.
    #[must_use]
    pub const fn of_customer(self) -> Self {
        Self(self.0 & OF_CUSTOMERS.0)
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Ability> for Abilities {
    fn from_iter<I: IntoIterator<Item = Ability>>(abilities: I) -> Self {
        abilities.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_exactly() {
        let set = Abilities::from_names(["customers:*", "Products:index", "groups"]);
        assert_eq!(set, Abilities::NONE);
    }

    #[test]
    fn aliases_count_as_their_ability_and_cross_no_resource() {
        let set = Abilities::from_names(["products:create", "pricing:index", "hearth", "statitics"]);
        let expected = [Ability::ProductsStore, Ability::PricingsIndex, Ability::Health, Ability::Statistics];
        assert_eq!(set, expected.into_iter().collect());
    }

    #[test]
    fn a_star_gives_everything() {
        let set = Abilities::from_names(["health", "*"]);
        assert!(Ability::ALL.iter().all(|&ability| set.has(ability)));
    }

    #[test]
    fn staff_has_no_ability_of_customers() {
        let set = Abilities::ALL.of_staff();
        assert!(!set.has(Ability::CustomerMe) && !set.has(Ability::ClientApi) && set.has(Ability::Health));
    }

    #[test]
    fn every_ability_has_its_bit() {
        assert!(Ability::ALL.len() <= 64);
        assert!(Ability::ALL.iter().all(|&ability| Ability::named(ability.name()) == Some(ability)));
    }
}
