//! guichet: GraphQL and REST for a hosting shop, from one set of resolvers.
//!
//! The engine is the crate [`facade`]: it serves records, forms and documents as GraphQL, REST and OpenAPI, and knows
//! neither a shop nor a resource. This crate is its host. A module imports only from those below it in this table
//! (`tests/house.rs`); `docs/architecture.md` shows it as a diagram and follows two requests.
//!
//! | Floor | Holds |
//! |---|---|
//! | [`command`] | the command line |
//! | [`server`] | the running server: connections, routes, telemetry, the upstream server, the contracts |
//! | [`resource`] | the resources, a folder each. Start with `product` |
//! | [`scope`] | what a resolver sees of the server and of its request |
//! | [`access`] | authentication and authorisation: abilities, keys, sessions, passwords, limits |
//! | [`shop`] | the shop: its database and settings, texts, mails, files, tax, HTML; what invented shops are made with |
//! | [`database`] | connections, replicas, what happens when they fail, guichet's own tables |
//! | [`platform`] | the operator's settings, the clock, Redis, networks, secrets |
//!
//! Tables are in the crate `entity`, types of columns in `value`, the schema of the database in `migration`.

pub mod access;
pub mod command;
pub mod database;
pub mod platform;
pub mod resource;
pub mod scope;
pub mod server;
pub mod shop;

pub use facade::error::{Error, Result};
pub use server::App;
