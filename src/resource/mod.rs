//! The list of resources, one line for each. Everything else about a resource is in its folder.

use std::sync::LazyLock;

use async_graphql::MergedObject;
use facade::Dialect;
use facade::node::{NodeQuery, NodeType, NodeTypes};

use crate::access::Catalog;
use crate::shop::sample::{self, Named};
use crate::shop::texts::{Dictionaries, TextsError};

/// The maker of a resource's rows in an invented shop: `MAKER` of its module `demo` or `seed`, or a maker of nothing if
/// it has no such module.
macro_rules! maker {
    ($name:ident, $module:ident) => {{
        #[allow(unused_imports, reason = "the resource's own module hides it")]
        use sample::nothing::$module;
        // The imports of the inner block shadow those of the outer one.
        {
            #[allow(unused_imports, reason = "the resource has no such module")]
            use $name::*;
            $module::MAKER
        }
    }};
}

/// The dialects of REST paths outside of `/application`, by prefix. There are none yet.
pub const DIALECTS: &[(&str, Dialect)] = &[];

/// One line for each resource: its name, its query type, its mutation type, and its nodes. Its REST documents are in
/// `<name>/<name>.graphql`, its texts in `<name>/texts.json`.
macro_rules! resources {
    ($($name:ident: [$($Query:ident)?] [$($Mutation:ident)?] [$($Node:ident),*],)*) => {
        $(pub mod $name;)*

        /// What can be read. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Query($($($name::$Query,)?)* NodeQuery<Nodes>);

        /// What can be changed. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Mutation($($($name::$Mutation,)?)*);

        /// The records that are found by their global identifier.
        pub struct Nodes;

        impl NodeTypes for Nodes {
            const NODES: &'static [NodeType] = &[$($(NodeType::of::<$name::$Node>(),)*)*];
        }

        /// The abilities of all resources.
        pub fn abilities() -> &'static Catalog {
            static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::new(&[$($name::ABILITIES),*]));
            &CATALOG
        }

        /// The makers of rows in the demo shop, by resource.
        pub const DEMO: &[Named<sample::demo::Maker>] = &[$((stringify!($name), maker!($name, demo))),*];

        /// The makers of rows in a seeded shop, by resource.
        pub const SEED: &[Named<sample::seed::Maker>] = &[$((stringify!($name), maker!($name, seed))),*];

        /// The REST operations of all resources.
        pub const DOCUMENTS: &[&str] = &[$(include_str!(concat!(stringify!($name), "/", stringify!($name), ".graphql"))),*];

        /// The files of texts, by resource.
        const TEXTS: &[(&str, &str)] = &[$((stringify!($name), include_str!(concat!(stringify!($name), "/texts.json")))),*];
    };
}

resources! {
    actor: [ActorQuery] [] [],
    cancellation_reason: [CancellationReasonQuery] [CancellationReasonMutation] [CancellationReason],
    coupon: [CouponQuery] [CouponMutation] [Coupon],
    customer: [CustomerQuery] [CustomerMutation] [Customer],
    department: [DepartmentQuery] [DepartmentMutation] [Department],
    discord_link: [DiscordLinkQuery] [] [],
    group: [GroupQuery] [GroupMutation] [Group],
    health: [HealthQuery] [] [],
    invoice: [InvoiceQuery] [] [Invoice, InvoiceItem],
    license: [LicenseQuery] [] [],
    log: [LogQuery] [] [ActionLog],
    metadata: [] [] [],
    outbox: [OutboxQuery] [] [],
    pricing: [PricingQuery] [PricingMutation] [Pricing],
    product: [ProductQuery] [ProductMutation] [Product],
    server: [ServerQuery] [ServerMutation] [Server],
    service: [ServiceQuery] [ServiceMutation] [Service, ConfigOption, ServiceSubscription, Upgrade],
    session: [] [SessionMutation] [],
    staff: [StaffQuery] [] [Staff],
    statistics: [StatisticsQuery] [] [],
    subdomain: [SubdomainQuery] [SubdomainMutation] [SubdomainHost],
    ticket: [TicketQuery] [TicketMutation] [Ticket],
    viewer: [ViewerQuery] [] [Viewer, ViewerService, ViewerInvoice],
}

/// The texts of the shop and of all resources.
///
/// # Errors
/// When a file of texts has a defect.
pub fn dictionaries() -> Result<&'static Dictionaries, &'static TextsError> {
    static DICTIONARIES: LazyLock<Result<Dictionaries, TextsError>> =
        LazyLock::new(|| Dictionaries::new(TEXTS));
    DICTIONARIES.as_ref()
}

#[cfg(test)]
mod tests {
    use facade::Ability;

    use super::{abilities, dictionaries};
    use crate::access::{Audience, CLIENT_API};
    use crate::platform::lang::Lang;

    const SCHEMA: &str = include_str!("../../schema.graphql");

    fn staff<const N: usize>(names: [&'static str; N]) -> Vec<&'static str> {
        abilities().of_key(names, Audience::Staff).iter().map(Ability::name).collect()
    }

    #[test]
    fn names_are_compared_exactly() {
        assert!(staff(["customers:*", "Products:index", "groups"]).is_empty());
    }

    #[test]
    fn aliases_count_as_their_ability_and_cross_no_resource() {
        let expected = ["health", "pricings:index", "products:store", "statistics"];
        assert_eq!(staff(["products:create", "pricing:index", "hearth", "statitics"]), expected);
    }

    #[test]
    fn a_star_gives_everything_that_the_owner_can_have() {
        let staff = abilities().of_key(["health", "*"], Audience::Staff);
        let customer = abilities().of_key(["*"], Audience::Customers);
        assert_eq!(staff.union(&customer), *abilities().all());
        assert!(!staff.has("customer:me") && !staff.has(CLIENT_API) && staff.has("health"));
        assert!(customer.has("customer:me") && !customer.has("health"));
    }

    #[test]
    fn permissions_of_roles_grant_abilities() {
        let shown = abilities().of_role(&["admin.show_customers".to_owned(), "admin.unknown".to_owned()]);
        assert_eq!(
            shown.iter().map(Ability::name).collect::<Vec<_>>(),
            ["customers:index", "customers:show"]
        );
    }

    #[test]
    fn names_and_aliases_are_declared_once() {
        let mut names: Vec<_> = abilities()
            .declared()
            .flat_map(|declared| declared.aliases.iter().copied().chain([declared.ability.name()]))
            .collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    /// The text of each key in each language is there; `of` says what the keys are of.
    fn assert_texts(of: &str, keys: &[String]) {
        let texts = dictionaries().unwrap_or_else(|defect| panic!("{defect}"));
        for lang in [Lang::Fr, Lang::En] {
            let lacking: Vec<_> =
                keys.iter().filter(|key| texts.of(lang).find(key).is_none_or(str::is_empty)).collect();
            assert!(lacking.is_empty(), "{of} lack texts (src/resource/NAME/texts.json): {lacking:?}");
        }
    }

    #[test]
    fn every_field_of_an_input_has_a_label_in_each_language() {
        let inputs = SCHEMA.split("\ninput ").skip(1).filter_map(|input| input.split_once('}'));
        let forms = inputs.filter(|(input, _)| input.split(' ').next().unwrap().ends_with("Input"));
        let fields =
            forms.flat_map(|(input, _)| input.lines().filter_map(|line| line.trim().split_once(": ")));
        let names = fields.map(|(name, _)| name).filter(|name| !name.starts_with('"'));
        let keys: Vec<_> = names.map(|name| format!("fields.{}", facade::name::snake(name))).collect();
        assert!(keys.len() > 50, "{keys:?}");
        assert_texts("fields of inputs", &keys);
    }

    #[test]
    fn every_reason_of_a_refusal_has_a_text_in_each_language() {
        let codes = SCHEMA.split("@refuses(code: \"").skip(1).filter_map(|rest| rest.split_once('"'));
        let keys: Vec<_> =
            codes.map(|(code, _)| format!("user_errors.{}", code.to_ascii_lowercase())).collect();
        assert!(keys.len() > 10, "{keys:?}");
        assert_texts("codes of refusals", &keys);
    }
}
