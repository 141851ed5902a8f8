//! The engine: it serves records of a database as GraphQL and REST, from one set of resolvers.
//!
//! It knows no resource and no shop. Its host implements [`engine::Host`] and [`pipeline::Access`].

pub mod ability;
mod api;
pub mod api_definition;
pub mod apis;
pub mod attempts;
pub mod cache;
pub mod collation;
pub mod column;
mod directive;
pub mod engine;
pub mod error;
pub mod execution;
pub mod facts;
pub mod failure;
pub mod filter;
pub mod form;
pub mod gate;
pub mod graphql;
pub mod guard;
pub mod http;
mod introspection;
mod json;
pub mod limit;
pub mod name;
pub mod node;
pub mod operation;
pub mod outcome;
pub mod page;
pub mod pages;
pub mod payload;
pub mod pipeline;
pub mod prelude;
pub mod record;
pub mod resource_states;
pub mod rest;
pub mod rest_only;
mod root;
pub mod schema;
pub mod scope;
pub mod selection;
#[cfg(test)]
mod toy;
pub mod transaction;
pub mod user_error;
pub mod write;

pub use ability::{Abilities, Ability};
pub use api::{Api, Dialect, Times};
pub use error::{Error, Result};
pub use json::{write_bool, write_float, write_int, write_str, write_value};
pub use value::Id;

/// The Rust examples of the reference, compiled as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/reference.md")]
struct Reference;
