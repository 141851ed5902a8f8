//! The resources: one line each in the list below, everything else in their two files.

use async_graphql::MergedObject;

use crate::node::{NodeQuery, NodeType};

/// One line a resource: its name, what of it can be read, what can be changed, which of its records are
/// found again by their `id`. Its documents are in the file of its name.
macro_rules! resources {
    ($($name:ident: [$($Query:ident)?] [$($Mutation:ident)?] [$($Node:ident),*],)*) => {
        $(pub mod $name;)*

        /// What can be read. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Query($($($name::$Query,)?)* NodeQuery);

        /// What can be changed. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Mutation($($($name::$Mutation,)?)*);

        /// The records that are found again by their `id`.
        pub const NODES: &[NodeType] = &[$($(NodeType::of::<$name::$Node>(),)*)*];

        /// The REST operations of all resources.
        pub const DOCUMENTS: &[&str] = &[$(include_str!(concat!(stringify!($name), ".graphql"))),*];
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
