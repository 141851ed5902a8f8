//! Abilities: their declarations by the resources, the names in a key's list (also the names that older documents
//! and screens used, docs/contract/documented-contract.md#5), and the permissions of staff roles that grant them.

use facade::{Abilities, Ability};

/// A declaration of an ability, made by [`abilities!`](crate::abilities!).
pub struct AbilityDeclaration {
    /// The ability.
    pub ability: Ability,
    /// What it allows.
    pub doc: &'static str,
    /// Other names in a key's list that grant it (docs/contract/documented-contract.md#5.2).
    pub aliases: &'static [&'static str],
    /// Permissions of the original's admin panel. A role with one of them grants the ability. One that ends in `*` stands for all
    /// that begin so: which records they are for is told by the rest of their names (`Principal::permissions`).
    pub permissions: &'static [&'static str],
    /// Who can have it.
    pub audience: Audience,
}

/// Who can have an ability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The shop's staff.
    Staff,
    /// Customers, for their own records. A staff key never has it, not even with `*`, because there is no customer
    /// whose records it could read (docs/contract/documented-contract.md#4.4).
    Customers,
}

/// Declares the abilities of a resource: one constant for each, and the list `ABILITIES` of all of them.
///
/// ```ignore
/// abilities! {
///     /// Lists coupons.
///     INDEX = "coupons:index", permissions ["admin.manage_coupons"];
///     /// Makes coupons.
///     STORE = "coupons:store", aliases ["coupons:create"], permissions ["admin.manage_coupons"];
///     /// What only customers can have.
///     ME = "customer:me", for customers;
/// }
/// ```
#[macro_export]
macro_rules! abilities {
    ($(
        $(#[doc = $doc:literal])+
        $NAME:ident = $name:literal $(, aliases $aliases:tt)? $(, permissions $permissions:tt)? $(, for $customers:ident)?;
    )*) => {
        $( $(#[doc = $doc])+ pub const $NAME: facade::Ability = facade::Ability::new($name); )*

        /// The abilities of this resource.
        pub const ABILITIES: &[$crate::access::AbilityDeclaration] = &[$(
            $crate::access::AbilityDeclaration {
                ability: $NAME,
                doc: concat!($($doc, "\n"),+),
                aliases: &$crate::abilities!(@list $($aliases)?),
                permissions: &$crate::abilities!(@list $($permissions)?),
                audience: $crate::abilities!(@audience $($customers)?),
            }
        ),*];
    };
    (@list) => { [] };
    (@list $list:tt) => { $list };
    (@audience) => { $crate::access::Audience::Staff };
    (@audience customers) => { $crate::access::Audience::Customers };
}

abilities! {
    /// The customer's own part of the API: what a session of a customer has.
    CLIENT_API = "client-api", for customers;
}

/// All declared abilities.
pub struct Catalog {
    declared: Vec<&'static AbilityDeclaration>,
    all: Abilities,
}

impl Catalog {
    /// A catalog of these lists and the abilities of this module.
    pub fn new(lists: &[&'static [AbilityDeclaration]]) -> Self {
        let declared: Vec<_> = lists.iter().copied().chain([ABILITIES]).flatten().collect();
        let all = declared.iter().map(|declared| declared.ability).collect();
        Self { declared, all }
    }

    /// All abilities; `*` grants those of the key's audience.
    pub fn all(&self) -> &Abilities {
        &self.all
    }

    /// The declarations.
    pub fn declared(&self) -> impl Iterator<Item = &'static AbilityDeclaration> {
        self.declared.iter().copied()
    }

    /// The ability with this name; aliases are not searched.
    pub fn find(&self, name: &str) -> Option<Ability> {
        self.all.iter().find(|ability| ability.name() == name)
    }

    /// The abilities that a key's list of names grants. Unknown names grant nothing.
    pub fn of_key<'a>(&self, names: impl IntoIterator<Item = &'a str>, audience: Audience) -> Abilities {
        let names: Vec<_> = names.into_iter().collect();
        let named = |declared: &AbilityDeclaration| {
            names.iter().any(|name| {
                *name == "*" || *name == declared.ability.name() || declared.aliases.contains(name)
            })
        };
        self.matching(audience, named)
    }

    /// The abilities that a role with these permissions grants. Permissions that no ability names grant nothing.
    pub fn of_role(&self, permissions: &[String]) -> Abilities {
        self.matching(Audience::Staff, |declared| {
            permissions
                .iter()
                .any(|permission| declared.permissions.iter().any(|name| fits(name, permission)))
        })
    }

    /// All abilities that an audience can have.
    pub fn of(&self, audience: Audience) -> Abilities {
        self.matching(audience, |_| true)
    }

    fn matching(&self, audience: Audience, fits: impl Fn(&AbilityDeclaration) -> bool) -> Abilities {
        let fitting = self.declared.iter().filter(|declared| declared.audience == audience && fits(declared));
        fitting.map(|declared| declared.ability).collect()
    }
}

/// Whether a permission is the one that an ability names, or one of those that it names by their beginning.
fn fits(named: &str, permission: &str) -> bool {
    match named.strip_suffix('*') {
        Some(beginning) => permission.starts_with(beginning),
        None => named == permission,
    }
}
