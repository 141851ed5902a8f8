//! Tests that talk HTTP to the whole server over a real database, in a folder for each area.
//!
//! Every test starts its own [`Shop`](harness::shop::Shop): a fresh copy of the recorded shop's database, and a
//! server over it on a port of its own. `GUICHET_TEST_DATABASE` chooses the database: `sqlite`
//! (default), `mysql` or `postgres` (addresses: see [`harness::store`]).
//!
//! | Folder | Holds |
//! |---|---|
//! | [`harness`] | what the tests work with: a server to ask, its database, and what changed there |
//! | [`golden`] | the recordings replayed |
//! | [`graphql`] | what GraphQL alone has |
//! | [`growth`] | what lists cost as a shop grows |
//! | [`rest`] | what REST alone has |
//! | [`request`] | what a request may be, on both faces |
//! | [`resource`] | what the recordings of a resource do not show |
//! | [`access`] | who asks, what they may, and how much of it |
//! | [`database`] | kinds of databases, their failures, and concurrent writers |
//! | [`operation`] | what operators see |
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod database;
mod golden;
mod graphql;
mod growth;
mod harness;
mod operation;
mod request;
mod resource;
mod rest;
