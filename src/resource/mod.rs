//! The resources: one line each in the list below, everything else in their two files.

use async_graphql::MergedObject;

/// One line a resource: its name, what of it can be read, what can be changed. Its documents are
/// in the file of its name.
macro_rules! resources {
    ($($name:ident: [$($Query:ident)?] [$($Mutation:ident)?],)*) => {
        $(pub mod $name;)*

        /// What can be read. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Query($($($name::$Query,)?)*);

        /// What can be changed. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Mutation($($($name::$Mutation,)?)*);

        /// The REST operations of all resources.
        pub const DOCUMENTS: &[&str] = &[$(include_str!(concat!(stringify!($name), ".graphql"))),*];
    };
}

resources! {
    customer: [CustomerQuery] [CustomerMutation],
    discord_link: [DiscordLinkQuery] [],
    group: [GroupQuery] [GroupMutation],
    health: [HealthQuery] [],
    invoice: [] [],
    license: [LicenseQuery] [],
    metadata: [] [],
    pricing: [PricingQuery] [PricingMutation],
    product: [ProductQuery] [ProductMutation],
    service: [ServiceQuery] [ServiceMutation],
    session: [] [SessionMutation],
    statistics: [StatisticsQuery] [],
    viewer: [ViewerQuery] [],
}
