//! The resources: one line each in the list below, everything else in their two files.

use async_graphql::MergedObject;
use std::sync::LazyLock;

use facade::node::{NodeQuery, NodeType, NodeTypes};

use crate::auth::Catalog;

/// One line a resource: its name, what of it can be read, what can be changed, which of its records are
/// found again by their `id`. Its documents are in the file of its name.
macro_rules! resources {
    ($($name:ident: [$($Query:ident)?] [$($Mutation:ident)?] [$($Node:ident),*],)*) => {
        $(pub mod $name;)*

        /// What can be read. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Query($($($name::$Query,)?)* NodeQuery<Nodes>);

        /// What can be changed. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Mutation($($($name::$Mutation,)?)*);

        /// The records that are found again by their `id`.
        pub struct Nodes;

        impl NodeTypes for Nodes {
            const NODES: &'static [NodeType] = &[$($(NodeType::of::<$name::$Node>(),)*)*];
        }

        /// The abilities of all resources.
        pub fn abilities() -> &'static Catalog {
            static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::new(&[$($name::ABILITIES),*]));
            &CATALOG
        }

        /// The REST operations of all resources.
        pub const DOCUMENTS: &[&str] = &[$(include_str!(concat!(stringify!($name), "/", stringify!($name), ".graphql"))),*];
    };
}

resources! {
    customer: [CustomerQuery] [CustomerMutation] [Customer],
    discord_link: [DiscordLinkQuery] [] [],
    group: [GroupQuery] [GroupMutation] [Group],
    health: [HealthQuery] [] [],
    invoice: [] [] [Invoice, InvoiceItem],
    license: [LicenseQuery] [] [],
    metadata: [] [] [],
    pricing: [PricingQuery] [PricingMutation] [Pricing],
    product: [ProductQuery] [ProductMutation] [Product],
    service: [ServiceQuery] [ServiceMutation] [Service, ConfigOption, Server, Subscription, Upgrade],
    session: [] [SessionMutation] [],
    statistics: [StatisticsQuery] [] [],
    viewer: [ViewerQuery] [] [Viewer, ViewerService, ViewerInvoice],
}
