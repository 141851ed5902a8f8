//! The resources: one line each in the list below, everything else in their two files.

use async_graphql::MergedObject;

macro_rules! resources {
    (queries: [$($query:ident::$Query:ident),* $(,)?], mutations: [$($mutation:ident::$Mutation:ident),* $(,)?], documents: [$($document:literal),* $(,)?]) => {
        /// What can be read. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Query($($query::$Query),*);

        /// What can be changed. Every field says which ability it needs.
        #[derive(MergedObject, Default)]
        pub struct Mutation($($mutation::$Mutation),*);

        /// The REST operations of all resources.
        pub const DOCUMENTS: &[&str] = &[$(include_str!($document)),*];
    };
}

pub mod customer;
pub mod group;
pub mod health;
pub mod invoice;
pub mod metadata;
pub mod pricing;
pub mod product;
pub mod service;

resources! {
    queries: [health::HealthQuery, customer::CustomerQuery, product::ProductQuery],
    mutations: [product::ProductMutation],
    documents: ["health.graphql", "metadata.graphql", "pricing.graphql", "group.graphql", "product.graphql",
        "customer.graphql", "service.graphql", "invoice.graphql"]
}
